"""A claim that cannot be put to a model is shown as such, and neither passes nor fails a run."""

from __future__ import annotations

import json

import pytest

CONFTEST = """
    import numpy as np
    from axis_audit.defects import twin

    class PerLeadScales(twin.Twin):
        def prepare(self, signals):
            beats = super().prepare(signals)
            peaks = np.abs(beats).max(axis=2, keepdims=True) + np.float32(1e-6)
            return np.asarray(beats / peaks, np.float32)

        def predict_age(self, batch):
            return twin.Twin(**vars(self)).predict_age(batch)

    def load(checkpoint):
        return PerLeadScales(**vars(twin.load(checkpoint)))

    def pytest_axis_audit_adapters():
        return {"twin": load}
"""


@pytest.mark.parametrize(
    ("gates", "status", "verdict"),
    [
        ("leads,integrity", 0, "NOT_APPLICABLE"),
        ("leads.einthoven_direction,integrity", 1, "FAIL"),
    ],
)
def test_what_does_not_apply_decides_nothing_unless_it_was_asked_for_by_name(
    pytester: pytest.Pytester, files, gates: str, status: int, verdict: str
) -> None:
    pytester.makeconftest(CONFTEST)
    result = pytester.runpytest_inprocess(
        *files.arguments, "--gate", gates, "-m", "leads or integrity", "-k", "not missing"
    )
    assert result.ret == status
    audit = json.loads((pytester.path / "reports" / "twin" / "audit.json").read_text())
    assert audit["missing"] == []
    found = {f["id"]: f for f in audit["findings"]}["leads.einthoven_direction"]
    assert (found["verdict"], found["gate"]) == (verdict, verdict == "FAIL")
    assert "one scale a record" in found["reason"]
