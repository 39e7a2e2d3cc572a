"""Ages that are none are counted, wherever they come from, and nobody is counted twice."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from axis_audit.auditing import prepare
from axis_audit.cohort import CENSORED_REASON, Cohort
from axis_audit.defects.twin import Twin
from axis_audit.errors import CohortError
from axis_audit.finding import Finding, Verdict


def ages_of(twin: Twin, people: Cohort, fitting: Cohort | None = None) -> Finding:
    audit = prepare(twin, people, fit_cohort=fitting)
    (check,) = [c for c in audit.checks if c.id == "integrity.ages"]
    return audit.run(check)


def written(cohort: Cohort, age: float, count: int) -> Cohort:
    """A copy in which something wrote ages after it was validated."""
    copy = dataclasses.replace(cohort, age=cohort.age.copy())
    copy.age[:count] = age
    return copy


@pytest.mark.parametrize(
    ("age", "fault"),
    [(300, "coded 300"), (121, "outside 0-120"), (-1, "outside 0-120"), (999, "outside 0-120")],
)
def test_impossible_ages_are_counted_by_kind(
    twin: Twin, people: Cohort, age: float, fault: str
) -> None:
    finding = ages_of(twin, written(people, age, 7))
    assert (finding.verdict, finding.estimate) == (Verdict.FAIL, 7.0)
    assert finding.details[f"audited: {fault}"] == 7


def test_those_of_the_fitting_people_count_too(
    twin: Twin, people: Cohort, fitting_people: Cohort
) -> None:
    finding = ages_of(twin, people, written(fitting_people, 300, 4))
    assert finding.details["fitting: coded 300"] == 4
    assert finding.verdict is Verdict.FAIL


@pytest.mark.parametrize("age", [300.0, -1.0, 131.0, np.inf])
def test_a_cohort_made_of_such_ages_is_refused(people: Cohort, age: float) -> None:
    ages = people.age.copy()
    ages[0] = age
    with pytest.raises(CohortError, match="ages lie outside"):
        dataclasses.replace(people, age=ages)


def test_unknown_ages_are_left_out_and_counted_once(twin: Twin, people: Cohort) -> None:
    ages = people.age.copy()
    ages[:30] = np.nan
    read = dataclasses.replace(people, age=ages, exclusions={CENSORED_REASON: 12, "flat": 3})
    known = read.with_known_age()
    assert len(known) == len(people) - 30
    assert known.exclusions == {CENSORED_REASON: 12, "flat": 3, "age unknown": 18}
    assert known.with_known_age() is known
    assert ages_of(twin, read).verdict is Verdict.PASS


def test_censored_ages_alone_leave_no_second_entry(people: Cohort) -> None:
    ages = people.age.copy()
    ages[:12] = np.nan
    read = dataclasses.replace(people, age=ages, exclusions={CENSORED_REASON: 12})
    assert read.with_known_age().exclusions == {CENSORED_REASON: 12}
