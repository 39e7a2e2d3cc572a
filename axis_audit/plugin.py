"""The pytest plugin: options, one item per check, and an exit status that fails closed.

This module is imported into every pytest run of every project that has us installed, so it loads
nothing heavy; the audit itself lives behind `--checkpoint`, in `axis_audit.plugin_audit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axis_audit.plugin_audit import AuditPlugin

FAMILY_MARKERS = {
    "axis": "the age axis: monotone, neutral, smooth, recovered from the signal",
    "leakage": "age left in the morphology latent or the canonical beat",
    "invariance": "the axis under gain, lead scale and drift",
    "leads": "lead order: robust to real swaps, not blind to arbitrary ones",
    "prediction": "predicted age: error, independence of the age input",
    "integrity": "split, reload, finite outputs",
    "alignment": "cross-lead embeddings",
    "attribution": "explanations",
    "generative": "samples and reconstructions",
}
_PREFIX = "axis_audit_"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the axis-audit section to `pytest --help`."""
    group = parser.getgroup(
        "axis-audit",
        "axis-audit: audit a trained ECG model (pytest --checkpoint model.pth). "
        "Exit status 0: every gate PASSes; 1: a gate FAILs, is INCONCLUSIVE or did not run; "
        "4: the input cannot be audited. The same keys, with underscores, may stand in "
        "[tool.axis_audit] of pyproject.toml",
    )

    def add(name: str, **kwargs: Any) -> None:
        dest = _PREFIX + name.lstrip("-").replace("-", "_")
        group.addoption(name, dest=dest, default=None, **kwargs)

    add(
        "--checkpoint",
        metavar="FILE",
        help="the trained model to audit; without paths pytest then audits and only audits",
    )
    add(
        "--cohort",
        metavar="SOURCE",
        help="people to audit on: a directory of PTB-XL, LUDB or the CinC Challenges 2020/2021 "
        "(.hea and .mat with diagnoses), your own .npz (signals in mV, "
        "rate, age, patient_ids, ...), NAME:SOURCE for a reader of your own (hook "
        "pytest_axis_audit_cohorts), "
        "or atlas, the embedded synthetic cohort (default)",
    )
    add("--folds", metavar="LIST", help="folds of the cohort to audit, e.g. 9 or 1-8,10")
    add(
        "--fit-folds",
        metavar="LIST",
        help="folds on whose people probes may be fitted; they are scored on --folds only",
    )
    add(
        "--checkpoint-adapter",
        metavar="MODULE:FUNCTION",
        help="function that takes the file's Path and gives a model under audit, also as "
        "FILE.py:FUNCTION; for files that are not in our format (`axis-audit init` writes one)",
    )
    add(
        "--report-dir",
        metavar="DIR",
        help="where reports go, as DIR/<checkpoint>/ (default reports/)",
    )
    add(
        "--gate",
        metavar="LIST",
        help="families or check ids that decide the exit status, e.g. leakage or "
        "leakage,axis.monotonicity (default: every gate of the model's claims)",
    )
    add(
        "--patients",
        metavar="unseen|all",
        help="unseen (default) leaves out people in the checkpoint's manifest; with all, an "
        "overlap is a FAIL",
    )
    add("--leakage-margin", metavar="R2", type=float, help="largest acceptable leak (default .05)")
    add(
        "--baseline",
        metavar="AUDIT.JSON",
        help="an older report of ours: adds the gate baseline.regression, which FAILs where this "
        "audit fell behind it (the rule: `axis-audit compare --help`). It can only add a failure: "
        "gates that are not PASS still fail the run",
    )
    add(
        "--check-timeout",
        metavar="SECONDS",
        type=float,
        help="a check that takes longer is stopped and is an ERROR (a gate then fails the audit); "
        "the others run. A long call of a library ends first (default: no limit)",
    )
    group.addoption(
        "--resume",
        dest=_PREFIX + "resume",
        action="store_true",
        default=None,
        help="go on with an audit that was interrupted: findings in the report folder's "
        "findings.jsonl of the same checkpoint, cohort, settings, code and versions are used "
        "again, ERRORs are run anew",
    )
    add("--audit-seed", metavar="N", type=int, help="seed of resampling and plants (default 0)")
    group.addoption(
        "--thorough",
        dest=_PREFIX + "thorough",
        action="store_true",
        default=None,
        help="run the checks that take minutes, too (`axis-audit checks` lists them); they report, "
        "and decide only where --gate names them",
    )
    group.addoption(
        "--allow-inconclusive",
        dest=_PREFIX + "allow_inconclusive",
        action="store_true",
        default=None,
        help="INCONCLUSIVE gates do not fail the run; the report says so",
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let conftests add adapters, checks and cohorts."""
    from axis_audit import hookspec

    pluginmanager.add_hookspecs(hookspec)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the families as markers; with --checkpoint, prepare the audit."""
    for family, meaning in FAMILY_MARKERS.items():
        config.addinivalue_line("markers", f"{family}: axis-audit checks of {meaning}")
    given = {
        name.removeprefix(_PREFIX): value
        for name, value in vars(config.option).items()
        if name.startswith(_PREFIX) and value is not None
    }
    if "checkpoint" not in given:
        if given:
            names = ", ".join("--" + name.replace("_", "-") for name in given)
            raise pytest.UsageError(f"{names}: needs --checkpoint FILE, the model to audit")
        return
    from axis_audit.plugin_audit import AuditPlugin
    from axis_audit.plugin_watch import Watch

    plugin = AuditPlugin.from_options(config, given)
    config.pluginmanager.register(plugin, "axis_audit_session")
    config.pluginmanager.register(Watch(plugin), "axis_audit_watch")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Carry a check's finding on its report, as plain values that xdist can send."""
    report = yield
    finding = getattr(item, "finding_record", None)
    if finding is not None and report.when == "call":  # type: ignore[attr-defined]
        report.axis_audit_finding = finding  # type: ignore[attr-defined]
        report.axis_audit_subject = getattr(item, "subject", None)  # type: ignore[attr-defined]
    return report


def audit_plugin(config: pytest.Config) -> AuditPlugin | None:
    """The running audit of a session, or None; for other plugins."""
    return config.pluginmanager.get_plugin("axis_audit_session")
