"""The repository's own pytest settings: who can load the reference systems' checkpoints."""

from __future__ import annotations


def pytest_axis_audit_adapters() -> dict[str, str]:
    """Name the loaders of our kinds; they are imported only when such a file is audited."""
    return {
        "alignment": "model.alignment.adapter:load",
        "deformation": "model.deformation.adapter:load",
        "deformation-published": "model.deformation.adapter:load_published",
        "leadwise": "model.leadwise.adapter:load",
        "vae": "model.vae.adapter:load",
    }
