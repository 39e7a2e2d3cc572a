"""A model of cardiac cycles is audited on recordings, and told to ask for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cohorts.published_layout import synthetic_strip
from tests.plugin.audits import audit_json

ADAPTER = """
    import numpy as np
    from axis_audit.capabilities import InputSpec
    from axis_audit.wrappers import wrap

    def encode(signals):
        assert signals.shape[1:] == (1, 400)
        return signals[:, 0, ::100]

    def load(path):
        spec = InputSpec("cycle", ("II",), 400.0, 400, 160)
        return wrap("theirs", spec, {"leakage"}, encode=encode)
"""


@pytest.fixture
def audit_cycles(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AXIS_AUDIT_CACHE", str(pytester.path / "cache"))
    pytester.makepyfile(their_adapter=ADAPTER)
    (pytester.path / "model.bin").write_bytes(b"x")

    def start(*arguments: str):
        return pytester.runpytest_inprocess(
            "--checkpoint=model.bin", "--checkpoint-adapter=their_adapter:load",
            "--gate=integrity.finite", "-k", "integrity.finite", *arguments,
        )  # fmt: skip

    return start


def written(folder: Path, people: int) -> Path:
    strips = np.stack([synthetic_strip(60 + i, seed=i, seconds=6)[0] for i in range(people)])
    np.savez(folder / "people.npz", signals=strips, rate=100, age=np.linspace(30, 80, people))
    return folder / "people.npz"


def test_cycles_reach_the_model(audit_cycles, pytester: pytest.Pytester) -> None:
    audit_cycles(f"--cohort={written(pytester.path, 22)}")
    report = audit_json(pytester, "model")
    assert report["cohort"]["patients"] == 22
    finding = next(f for f in report["findings"] if f["id"] == "integrity.finite")
    assert finding["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("people", "told"), [(0, "*--cohort PATH*"), (5, "*only 5 unseen patients*")]
)
def test_the_atlas_and_a_handful_of_people_are_refused_with_the_cure(
    audit_cycles, pytester: pytest.Pytester, people: int, told: str
) -> None:
    result = audit_cycles(
        f"--cohort={written(pytester.path, people)}" if people else "--cohort=atlas"
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines([told])
