"""What codes say of diseases: the map's soundness, and who may be called free of a disease."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from axis_audit.cohort import Cohort, make_cohort
from axis_audit.diagnosis_codes import CPSC, SCP_STATEMENTS, SNOMED, SOURCES
from axis_audit.diseases import BY_NAME, DISEASES, labels, unsure, vocabularies

NAN = float("nan")


def people(*diagnoses: dict[str, float] | str, site: str = "") -> Cohort:
    """One row a person; a text is codes without likelihoods."""
    given = [
        dict.fromkeys(filter(None, d.split(",")), 100.0) if isinstance(d, str) else d
        for d in diagnoses
    ]
    sites = np.full(len(given), site)
    return make_cohort(
        "coded", np.zeros((len(given), 12, 5)), rate=100.0, diagnoses=given, site=sites
    )


def said(cohort: Cohort, name: str) -> list[float | None]:
    return [None if np.isnan(x) else x for x in labels(cohort, BY_NAME[name]).tolist()]


def test_no_code_stands_twice_and_none_contradicts_itself():
    codes = [code.code for code in (*SNOMED, *CPSC)]
    assert len(codes) == len(set(codes))
    for code in (*SNOMED, *CPSC):
        assert not code.sure & code.unsure, code.title
        assert code.sure | code.unsure <= set(BY_NAME), code.title
        assert code.title.strip()
    titles = [code.title.casefold() for code in SNOMED]
    assert len(titles) == len(set(titles))


def test_snomed_codes_are_numbers_with_a_valid_check_digit():
    for code in SNOMED:
        assert code.code.isdecimal(), code.title
        assert not code.code.startswith("0")
        assert verhoeff(code.code) == 0, f"{code.code} {code.title}: mistyped"


def verhoeff(number: str) -> int:
    """0 for a number whose last digit is its check digit (SNOMED CT, appendix on SCTIDs)."""
    times = np.empty((10, 10), int)  # symmetries of a pentagon: turns are 0-4, flips 5-9
    for a, b in np.ndindex(times.shape):
        times[a, b] = (a + (b if a < 5 else -b)) % 5 + 5 * ((a >= 5) != (b >= 5))
    step = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    moved, found = list(range(10)), 0
    for digit in reversed(number):
        found = int(times[found, moved[int(digit)]])
        moved = [moved[step[i]] for i in range(10)]
    return found


def test_every_statement_of_a_disease_is_one_of_ptb_xls_and_of_one_disease():
    assert len(SCP_STATEMENTS) == 71
    every = list(chain.from_iterable(disease.scp for disease in DISEASES))
    assert len(every) == len(set(every))
    assert set(every) <= SCP_STATEMENTS
    assert not {code.code for code in SNOMED} & SCP_STATEMENTS


def test_sources_are_silent_of_known_diseases_alone_and_are_those_the_reader_names():
    from axis_audit.cohorts.cinc import SOURCES as NAMED

    assert {source.name for source in SOURCES} == {name for _, name in NAMED}
    for source in SOURCES:
        assert source.silent <= set(BY_NAME)


def test_statements_count_by_their_likelihood():
    cohort = people({"IMI": 100.0}, {"IMI": 80.0}, {"NORM": 100.0}, {"SR": 0.0}, {}, {"IMI": 0.0})
    assert said(cohort, "MI") == [1, None, 0, 0, None, None]
    assert unsure(cohort, BY_NAME["MI"]).tolist() == [False, True, False, False, False, True]


def test_sure_codes_outweigh_unsure_ones_and_other_codes_say_nothing():
    cohort = people(
        "164865005,164917005", "164917005", "426783006", "999999", "", site="CPSC extra"
    )
    assert said(cohort, "MI") == [1, None, 0, 0, None]
    assert unsure(cohort, BY_NAME["MI"]).tolist() == [False, True, False, False, False]


@pytest.mark.parametrize("name", ["MI", "STTC", "HYP"])
def test_nine_classes_without_a_disease_say_nothing_of_it(name):
    cohort = people("Normal", "RBBB", "STD", "426783006", "AF", site="CPSC 2018")
    assert said(cohort, name) == [None] * 5
    assert not unsure(cohort, BY_NAME[name]).any()
    assert said(cohort, "CD") == [0, 1, 0, 0, 0]


def test_a_hospital_that_hardly_annotates_infarction_says_nobody_is_free_of_it():
    cohort = people("426783006", "164865005", "164873001", site="Georgia")
    assert said(cohort, "MI") == [None] * 3
    assert said(cohort, "HYP") == [0, 0, 1]


def test_an_unknown_hospital_annotates_what_it_says_of_somebody():
    cohort = people("426783006", "164873001", "55827005")
    assert said(cohort, "HYP") == [0, 1, None]
    assert said(cohort, "CD") == [None] * 3


def test_paced_hearts_are_nobodys_negatives():
    cohort = people("10370003", "10370003,164873001", site="CPSC extra")
    assert said(cohort, "CD") == [None, None]
    assert said(cohort, "HYP") == [None, 1]


def test_words_are_told_apart_row_by_row():
    cohort = people({"NORM": 100.0}, "426783006", "Normal", "sinus rhythm", "", "RBBB,PVC")
    assert vocabularies(cohort).tolist() == ["scp", "codes", "codes", "", "", "codes"]
    told = people("PVC", "RBBB,PVC", site="CPSC 2018")
    assert vocabularies(told).tolist() == ["codes", "codes"]
