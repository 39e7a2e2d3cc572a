"""The obvious rule certifies leaks; ours do not. The rule itself is in tests/benchmarks alone."""

import argparse

from axis_audit.statistics.levels import Levels
from tests.benchmarks.leakage_interval_table import TRUE, replicate

LEVELS = Levels(0.025, 0.05 / 27)
REPLICATES = 12


def test_at_the_margin_the_obvious_rule_passes_nearly_always_and_ours_hardly_ever():
    """Out-of-fold R² of a ridge loses what d/n takes; its bootstrap does not know that.

    Half the people and dimensions of the table. P(3 or more of 12 PASS at 2.5 %) is .003.
    """
    options = argparse.Namespace(seed=1, patients=1075, dimensions=128, margin=0.05, plants=60)
    found = [replicate(options, LEVELS, seed) for seed in range(REPLICATES)]
    at = {true: i for i, true in enumerate(TRUE)}

    def count(rule, true, verdict):
        return sum(one[rule][at[true]] == verdict for one in found)

    assert count("obvious", 0.05, "PASS") >= REPLICATES - 1
    for rule in ("planted", "exact"):
        assert count(rule, 0.05, "PASS") <= 2
        assert count(rule, 0.1, "PASS") == 0
        assert count(rule, 0.0, "FAIL") == 0
    assert count("obvious", 0.1, "PASS") > 0
