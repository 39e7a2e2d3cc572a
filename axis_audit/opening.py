"""Settings become a prepared audit: the checkpoint is loaded, the cohorts are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axis_audit.adapters import Adapter, load_foreign, load_model
from axis_audit.auditing import Audit, prepare
from axis_audit.capabilities import InputSpec
from axis_audit.checkpoint import Manifest, file_sha256
from axis_audit.cohort import Cohort
from axis_audit.cohorts import open_cohort, parse_folds
from axis_audit.cohorts.readers import Reader
from axis_audit.errors import CheckpointError
from axis_audit.settings import Settings

ATLAS_AUDIT_FOLDS = (9,)
ATLAS_FIT_FOLDS = (1, 2, 3, 4, 5, 6, 7, 8)


def open_audit(
    settings: Settings,
    adapters: Mapping[str, Adapter],
    readers: Mapping[str, Reader] | None = None,
) -> Audit:
    """Load what the settings name; `readers` read cohorts called NAME:SOURCE.

    Raises:
        InputError: a checkpoint, adapter, cohort or option that cannot be used.
    """
    path = settings.checkpoint
    if settings.checkpoint_adapter:
        name = settings.checkpoint_adapter
        sha256 = file_sha256(path) if path.is_file() else ""
        model = load_foreign(path, name)
        manifest = _own_manifest(model, path)

        def reload() -> Any:
            return load_foreign(path, name)
    else:
        model, checkpoint = load_model(path, adapters)
        manifest, sha256 = checkpoint.manifest, checkpoint.sha256

        def reload() -> Any:
            return load_model(path, adapters)[0]

    _expect_input_spec(model, path)
    cohort, fit_cohort = open_cohorts(settings, model.input_spec, readers)
    audit = prepare(
        model,
        cohort,
        fit_cohort=fit_cohort,
        manifest=manifest,
        reload=reload,
        patients=settings.patients,
        gate=settings.gate,
        margins=settings.margins,
        leakage_margin=settings.leakage_margin,
        thorough=settings.thorough,
        seed=settings.seed,
        about={
            "checkpoint": {
                "path": str(path),
                "sha256": sha256,  # of what was loaded: the file may have changed since
                "kind": model.kind,
                "manifest": dict(manifest.data) if manifest else None,
            },
            "settings": _plain(settings),
        },
    )
    return dataclasses.replace(audit, check_timeout=settings.check_timeout)


def open_cohorts(
    settings: Settings, spec: InputSpec, readers: Mapping[str, Reader] | None = None
) -> tuple[Cohort, Cohort | None]:
    """The audited cohort, and the one to fit probes on if there is one.

    The atlas draws its own fitting people unless told otherwise: they cost nothing.
    """
    folds = parse_folds(settings.folds) if settings.folds else None
    fit_folds = parse_folds(settings.fit_folds) if settings.fit_folds else None
    if settings.cohort == "atlas":
        folds, fit_folds = folds or ATLAS_AUDIT_FOLDS, fit_folds or ATLAS_FIT_FOLDS
    # Beats are always cut at 100 Hz; records are read at the rate the model takes.
    rate = spec.rate if spec.kind == "record" else 100.0

    def opened(chosen: tuple[int, ...] | None) -> Cohort:
        return open_cohort(
            settings.cohort, folds=chosen, kind=spec.kind, rate=rate, readers=readers
        )

    return opened(folds), opened(fit_folds) if fit_folds else None


def _expect_input_spec(model: Any, path: Path) -> None:
    """An adapter that returns a bare network is told so, before anything asks for its input."""
    if not isinstance(getattr(model, "input_spec", None), InputSpec):
        raise CheckpointError(
            path,
            f"its adapter returned a {type(model).__name__}, which has no input_spec",
            "return what axis_audit.wrappers.wrap makes of it, or an object with kind, "
            "input_spec and claims (README, 'Your own model')",
        )


def _own_manifest(model: Any, path: Path) -> Manifest | None:
    """Who was in training, where the adapter knows it: its model's attribute `manifest`."""
    manifest = getattr(model, "manifest", None)
    if manifest is None or isinstance(manifest, Manifest):
        return manifest
    raise CheckpointError(
        path,
        f"its adapter gave a {type(manifest).__name__} as manifest",
        "give an axis_audit.checkpoint.Manifest(patients=hash_ids(ids)), or None",
    )


def _plain(settings: Settings) -> dict[str, Any]:
    values = dataclasses.asdict(settings)
    values["checkpoint"], values["report_dir"] = str(settings.checkpoint), str(settings.report_dir)
    values["margins"], values["gate"] = dict(settings.margins), list(settings.gate)
    return values
