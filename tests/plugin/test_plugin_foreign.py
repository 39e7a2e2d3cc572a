"""Somebody else's file through a few lines of one's own: found, tried, and judged fairly."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from axis_audit.auditing import prepare
from axis_audit.finding import Verdict
from axis_audit.wrappers import BEAT
from tests.plugin.audits import audit_json
from tests.wrappers.foreign_files import linear, write_torchscript

ADAPTER = """
    import numpy as np
    from axis_audit.wrappers import BEAT, wrap

    def encode(signals):
        return {returned}

    def load(path):
        return wrap("theirs", BEAT, {claims}, encode=encode)
"""
MEANS = "signals.mean(axis=2)"


@pytest.fixture
def audit_file(pytester: pytest.Pytester, files, monkeypatch: pytest.MonkeyPatch):
    """Audit any file through an adapter in the current folder, which is not on the path."""
    here = {"", str(pytester.path)}
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place not in here])
    path = pytester.path / "model.bin"
    path.write_bytes(b"x")

    def start(text: str, *arguments: str, adapter: str = "their_adapter:load", **filled: str):
        source = text.format(**{"returned": MEANS, "claims": '{"leakage"}', **filled})
        pytester.makepyfile(their_adapter=source)
        return pytester.runpytest_inprocess(
            f"--checkpoint={path}", "--checkpoint-adapter", adapter,
            *files.arguments[1:], *arguments,
        )  # fmt: skip

    return start


QUICK = ("--gate", "integrity.finite", "-k", "integrity.finite")


def the_finding(pytester: pytest.Pytester, check: str) -> dict:
    return next(f for f in audit_json(pytester, "model")["findings"] if f["id"] == check)


@pytest.mark.parametrize("adapter", ["their_adapter:load", "their_adapter.py:load"])
def test_an_adapter_in_the_current_folder_is_found(audit_file, pytester, adapter: str) -> None:
    audit_file(ADAPTER, *QUICK, adapter=adapter)
    audit = audit_json(pytester, "model")
    assert audit["model"] == {"kind": "theirs", "claims": ["leakage"]}
    finding = the_finding(pytester, "integrity.finite")
    assert (finding["verdict"], finding["estimate"]) == ("PASS", 0.0)


def test_its_neighbours_are_found_and_nothing_installed_is_shadowed(audit_file, pytester) -> None:
    pytester.makepyfile(their_parts="CLAIMS = {'leakage'}", json="raise RuntimeError('shadowed')")
    text = "    from their_parts import CLAIMS\n    import json\n" + ADAPTER
    audit_file(text, *QUICK, claims="CLAIMS")
    assert audit_json(pytester, "model")["findings"]


def test_a_module_of_pythons_with_the_same_name_is_named(audit_file, pytester) -> None:
    result = audit_file(ADAPTER, adapter="code:load")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*code (*code.py) has no function 'load'*", "*another name*"])


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("signals.mean(axis=2)[:, :, None]", "*encode gave shape (3, 12, 1) where (n, d)*"),
        ("signals.mean(axis=2)[1:]", "*encode gave shape (2, 12) for 3 signals*"),
        ("signals @ np.ones((5, 2))", "*encode failed on an input of shape (3, 12, 120)*"),
    ],
)
def test_a_wrapped_model_of_the_wrong_shape_is_exit_4(audit_file, returned, message) -> None:
    result = audit_file(ADAPTER, returned=returned)
    assert result.ret == 4
    result.stderr.fnmatch_lines([message, "*Cure: see that input_spec says what it takes*"])


class Bare:
    """What a user may write without `wrap`."""

    kind = "bare"
    input_spec = BEAT
    claims = frozenset({"leakage", "integrity"})

    def __init__(self, encode) -> None:
        self.encode = encode


@pytest.mark.parametrize(
    ("encode", "reason"),
    [
        (lambda x: x.mean(axis=2)[:, :, None], "encode gave shape (1200, 12, 1)"),
        (lambda x: x.mean(axis=2)[1:], "gave shape (511, 12) for 512 signals"),
        (lambda x: x.mean(), "gave shape () for 512 signals"),
        (lambda x: x.mean(axis=2) * np.nan, "values of latents are NaN"),
    ],
)
def test_no_number_is_an_error_and_never_a_pass(encode, reason: str, people) -> None:
    audit = prepare(Bare(encode), people)
    finding = audit.run(next(c for c in audit.checks if c.id == "leakage.linear"))
    assert (finding.verdict, finding.gate) == (Verdict.ERROR, True)
    assert reason in finding.reason


@pytest.mark.parametrize(
    "convert", [lambda z: z.astype(np.float64), torch.from_numpy, np.ndarray.tolist]
)
def test_a_bare_adapter_may_return_other_numbers(convert, people) -> None:
    audit = prepare(Bare(lambda x: convert(x.mean(axis=2))), people)
    finding = audit.run(next(c for c in audit.checks if c.id == "integrity.finite"))
    assert finding.verdict is Verdict.PASS


CANONICAL = ("leakage.canonical_norm", "leakage.canonical_linear", "leakage.canonical_mlp")


@pytest.mark.parametrize("check", [*CANONICAL, "leads.einthoven_canonical"])
def test_a_claim_of_a_family_is_a_claim_of_its_canonical_beats(check, people) -> None:
    model = Bare(lambda x: x.mean(axis=2))
    model.claims = frozenset({"leakage", "leads"})
    for named in ((), (check,)):
        audit = prepare(model, people, gate=named)
        finding = audit.run(next(c for c in audit.checks if c.id == check))
        assert (finding.verdict, finding.gate) == (Verdict.FAIL, True)
    audit = prepare(model, people, gate=("leakage.linear",))
    finding = audit.run(next(c for c in audit.checks if c.id == check))
    assert (finding.verdict, finding.gate) == (Verdict.NOT_APPLICABLE, False)


def test_an_age_head_with_two_columns_is_an_error(people) -> None:
    model = Bare(lambda x: x.mean(axis=2))
    model.predict_age = lambda batch: batch.signals[:, :2, 0]
    audit = prepare(model, people)
    finding = audit.run(next(c for c in audit.checks if c.id == "prediction.mae"))
    assert finding.verdict is Verdict.ERROR
    assert "predict_age gave shape (512, 2)" in finding.reason


def test_an_adapter_may_say_who_was_in_training(audit_file, pytester) -> None:
    known = "manifest=Manifest(patients=hash_ids(np.array(['nobody'])))"
    text = ADAPTER.replace("encode=encode)", f"encode=encode, {known})")
    text = "    from axis_audit.checkpoint import Manifest, hash_ids\n" + text
    split = ("--gate", "integrity.split", "-k", "split")
    assert audit_file(text, *split).ret == 0
    result = audit_file(text.replace("manifest=", "manifest='x' or "), *split)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*gave a str as manifest*"])


def test_a_model_that_takes_no_single_row_is_an_error_that_says_so(audit_file, pytester) -> None:
    returned = "signals.mean(axis=2) if len(signals) > 1 else 1 / 0"
    result = audit_file(
        ADAPTER, "--gate", "integrity.batch_independence", "-k", "batch", returned=returned
    )
    assert result.ret == 1
    finding = the_finding(pytester, "integrity.batch_independence")
    assert finding["verdict"] == "ERROR"
    assert "input of shape (1, 12, 120) (ZeroDivisionError" in finding["reason"]


def test_a_model_that_claims_nothing_has_not_passed(audit_file, pytester) -> None:
    result = audit_file(ADAPTER, "-k", "integrity.finite", claims="()")
    assert result.ret == 1
    assert audit_json(pytester, "model")["verdict"] == "INCONCLUSIVE"
    result.stdout.fnmatch_lines(["no gate is in force: the model's claims are empty*"])


def test_an_adapter_that_returns_the_bare_network_is_told(audit_file) -> None:
    result = audit_file("import torch\n\n\ndef load(path):\n    return torch.nn.Identity()\n")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*returned a Identity, which has no input_spec*", "*wrap*"])


def test_torchscript_without_an_adapter_names_the_command(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    path = write_torchscript(tmp_path / "net.pt", linear())
    result = pytester.runpytest_inprocess(f"--checkpoint={path}", "-p", "no:cacheprovider")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*net.pt: it is a TorchScript file*", f"*axis-audit init --kind torchscript*{path}*"]
    )


@pytest.mark.parametrize("name", ["weights.pth", "whole.pth"])
def test_weights_alone_and_whole_networks_name_a_cure(
    pytester: pytest.Pytester, tmp_path: Path, name: str
) -> None:
    net = linear()
    torch.save(net if name == "whole.pth" else net.state_dict(), tmp_path / name)
    result = pytester.runpytest_inprocess(
        f"--checkpoint={tmp_path / name}", "-p", "no:cacheprovider"
    )
    assert result.ret == 4
    cure = "*state dict*" if name == "whole.pth" else "*axis-audit init --kind state_dict*"
    result.stderr.fnmatch_lines([cure])
