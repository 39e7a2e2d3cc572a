"""The traps of the usual tools, each with the tests that keep us out of it.

| trap | what happens elsewhere | tests |
| --- | --- | --- |
| tiny_variance | age in directions of tiny variance: ridge, trees, MLP see nothing | linear probe |
| small_cohort | an MLP cross-validated in a small cohort misses what others find | MLP |
| permutation_groups | `permutation_test_score(groups=...)` gives p = 1 on a blatant leak | traps |
| beats_in_both_folds | kNN reads age through identity | traps |
| sign_key | z = (s, s·age): no correlation, no linear R² | MLP |
| even_leak | a leak in the distance from middle age has none in age | traps, here |
| tiny_scale | latents at 1e-4, not standardised: a ridge sees nothing | traps, linear probe |
| many_dimensions | d = 256, n = 2,200: out-of-fold R² of a leak averages zero | traps |
| constant_latent | passes every probe; ties make a permutation test say p = .005 | traps, here |
| basis_matmul | g(a0) depends on the batch | spline, defects |
| low_precision_knots | softplus and cumsum in bfloat16 tie a third of the knots | here |
| per_lead_scaling | Einthoven's law holds for no beat scaled lead by lead | limb laws |
| merged_rows | built-in subtests merge into one row of pytest-html | here |
| optimised_python | `python -O` removes a bare assert | plugin, here |
| xdist | numpy floats in user_properties crash it | plugin, here |
| unescaped_html | pytest-html does not escape parameter ids | plugin |

The third column names files; `TESTS` below names the functions, which must exist.
"""

from __future__ import annotations

import ast
import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch

from axis_audit.probes.mlp import cross_validated
from axis_audit.report.records import plain
from axis_audit.statistics.permutation import p_value
from model.deformation.spline import MonotoneSpline

ROOT = Path(__file__).parents[2]
HERE = "core/test_traps.py"
_TRAPS, _MLP = "probes/test_probes_traps.py", "probes/test_probes_mlp.py"
_LINEAR, _LAWS = "probes/test_probes_linear.py", "checks/test_checks_limb_laws.py"
_RUN, _OUTPUTS = "plugin/test_plugin_run.py", "plugin/test_plugin_outputs.py"
_SPLINE, _KILLED = "model/test_model_spline.py", "defects/test_defects_killed.py"
TESTS = {
    "tiny_variance": [f"{_LINEAR}::test_age_in_directions_of_tiny_variance_is_found"],
    "small_cohort": [
        f"{_MLP}::test_fitting_on_many_finds_what_the_audited_people_alone_cannot_show",
        f"{_MLP}::test_a_clean_latent_passes_and_300_people_are_too_few",
    ],
    "permutation_groups": [f"{_TRAPS}::test_permutations_inside_a_patient_test_nothing"],
    "beats_in_both_folds": [
        f"{_TRAPS}::test_beats_of_one_patient_on_both_sides_of_a_split_look_like_a_leak",
        f"{_TRAPS}::test_statistics_see_one_record_a_patient",
    ],
    "sign_key": [f"{_MLP}::test_age_behind_a_sign_key_is_read_where_a_line_sees_nothing"],
    "even_leak": [
        f"{_TRAPS}::test_an_even_leak_passes_age_and_fails_the_deviation",
        f"{HERE}::test_an_mlp_of_age_does_not_see_an_even_leak_and_one_of_the_deviation_does",
    ],
    "tiny_scale": [
        f"{_TRAPS}::test_a_ridge_needs_standardised_latents_and_our_probes_do_not",
        f"{_LINEAR}::test_scale_of_the_latents_changes_nothing",
    ],
    "many_dimensions": [
        f"{_TRAPS}::test_out_of_fold_r2_of_a_leak_in_256_dimensions_averages_nothing_and_ours_"
        "covers_it"
    ],
    "constant_latent": [
        f"{_TRAPS}::test_a_constant_latent_is_an_error_for_every_probe",
        f"{HERE}::test_ties_of_a_constant_statistic_are_no_evidence",
        f"{_KILLED}::test_a_planted_defect_fails_its_check",
    ],
    "basis_matmul": [
        f"{_SPLINE}::test_g_is_bitwise_zero_at_a0_in_every_batch",
        f"{_KILLED}::test_a_planted_defect_fails_its_check",
    ],
    "low_precision_knots": [f"{HERE}::test_knots_tie_in_bfloat16_and_ours_never_do"],
    "per_lead_scaling": [
        f"{_LAWS}::test_a_model_with_a_scale_for_each_lead_is_not_asked",
        f"{_LAWS}::test_but_one_that_declares_one_scale_a_record_fails",
    ],
    "merged_rows": [f"{HERE}::test_every_failing_check_has_a_row_of_its_own"],
    "optimised_python": [
        f"{_RUN}::test_python_without_asserts_changes_nothing",
        f"{HERE}::test_no_claim_of_the_package_hangs_on_an_assert",
    ],
    "xdist": [
        f"{_OUTPUTS}::test_xdist_gives_the_same_findings",
        f"{HERE}::test_no_numpy_number_reaches_xdist",
    ],
    "unescaped_html": [f"{_OUTPUTS}::test_html_and_junit_carry_the_verdicts_and_escape_names"],
}


def test_the_table_above_and_the_tests_agree() -> None:
    rows = re.findall(r"^\| (\w+) \|", __doc__ or "", flags=re.MULTILINE)
    assert [row for row in rows if row != "trap"] == list(TESTS)
    assert len(TESTS) == 16


@pytest.mark.parametrize("trap", TESTS)
def test_the_tests_of_a_trap_exist(trap: str) -> None:
    for name in TESTS[trap]:
        file, _, function = name.partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        assert function in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, name


def test_defects_that_stand_for_traps_are_planted() -> None:
    from axis_audit.defects.catalogue import catalogue

    fails = {defect.name: defect.fails for defect in catalogue()}
    assert fails["constant_latent"] == "leakage.non_collapse"
    assert fails["basis_matmul_spline"] == "axis.spline_properties"


def test_an_mlp_of_age_does_not_see_an_even_leak_and_one_of_the_deviation_does() -> None:
    rng = np.random.default_rng(0)
    latents, age = rng.standard_normal((800, 6)), rng.uniform(20, 90, 800)
    deviation = np.abs(age - np.median(age))
    latents[:, 0] = deviation
    of_age, of_deviation = cross_validated(latents, np.column_stack([age, deviation])).score
    assert abs(of_age) < 0.12
    assert of_deviation > 0.95


def test_ties_of_a_constant_statistic_are_no_evidence() -> None:
    """Counting permutations above the observed value alone gives p = 1/200 to a constant."""
    constant = np.zeros(199)
    assert (np.count_nonzero(constant > 0.0) + 1) / 200 == 0.005
    assert p_value(0.0, constant) == 1.0


def test_knots_tie_in_bfloat16_and_ours_never_do() -> None:
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(200, 64, generator=generator) * 2 - 2

    def tied(dtype: torch.dtype) -> float:
        knots = torch.nn.functional.softplus(raw.to(dtype)).cumsum(1)
        steps = knots.diff(dim=1)
        assert bool((steps >= 0).all())  # tied, never reversed
        return float((steps == 0).double().mean())

    assert tied(torch.bfloat16) > 0.1
    assert tied(torch.float32) < 0.01
    spline = MonotoneSpline()
    with torch.no_grad():
        spline.raw_increments.copy_(raw[0, : len(spline.raw_increments)] - 6)
        for model in (spline, spline.bfloat16()):
            g = model(torch.arange(0.0, 120.1, 0.1))
            assert bool((g.diff() > 0).all())


def test_every_failing_check_has_a_row_of_its_own(
    files: object, defective: object, pytester: pytest.Pytester
) -> None:
    """Built-in subtests that fail share one row of pytest-html; items do not."""
    pytester.runpytest_inprocess(
        *files.arguments[1:],  # type: ignore[attr-defined]
        f"--checkpoint={defective('non_monotone_axis')}",  # type: ignore[operator]
        "-k", "monotonicity or strictness or smoothness",
    )  # fmt: skip
    page = (pytester.path / "reports" / "non_monotone_axis" / "plain.html").read_text()
    (blob,) = re.findall(r'data-jsonblob="([^"]*)"', page)
    tests = json.loads(unescape(blob))["tests"]
    results = {unescape(name): [t["result"] for t in rows] for name, rows in tests.items()}
    failed = [name for name, rows in results.items() if rows == ["Failed"]]
    assert any("axis.monotonicity" in name for name in failed)
    assert any("axis.strictness" in name for name in failed)
    assert len(results) == 3


@pytest.mark.parametrize("folder", ["axis_audit", "model"])
def test_no_claim_of_the_package_hangs_on_an_assert(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        found = [n.lineno for n in ast.walk(ast.parse(path.read_text())) if type(n) is ast.Assert]
        assert not found, f"{path}: `python -O` removes the asserts of lines {found}"


def test_no_numpy_number_reaches_xdist() -> None:
    values = {
        "float32": np.float32(0.5),
        "float64": np.float64(0.25),
        "int": np.int64(3),
        "bool": np.bool_(True),
        "nan": np.float64("nan"),
        "array": np.arange(2),
        "text": np.str_("x"),
    }
    made = plain(values)
    assert made == {
        "float32": 0.5, "float64": 0.25, "int": 3, "bool": True, "nan": None, "array": [0, 1],
        "text": "x",
    }  # fmt: skip
    builtin = {float, int, bool, type(None), list, str}
    assert {type(v) for v in made.values()} <= builtin
    assert {type(v) for v in made["array"]} == {int}
