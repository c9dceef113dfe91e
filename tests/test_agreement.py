"""Kappas and alpha give the published values, and stay silent where they are not defined."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from medvlm import agreement
from medvlm.ratings.votes import Numbers
from tests.vote_cases import FIRST, said, table

# Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section D: four observers, twelve units, with gaps.
OBSERVERS = (
    "123321412...",
    "1233224125.3",
    ".333234225 1.".replace(" ", ""),
    "1233244125 1.".replace(" ", ""),
)
UNITS = [[None if o[u] == "." else int(o[u]) - 1 for o in OBSERVERS] for u in range(12)]
# Fleiss' kappa: the worked example of ten subjects and fourteen raters in Wikipedia's article "Fleiss' kappa".
FLEISS = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip


def counts(cases: Sequence[Sequence[int | None]], categories: int) -> Numbers:
    """Lists of codes, None for none, as the coefficients take them."""
    flat = [(place, code) for place, case in enumerate(cases) for code in case if code is not None]
    places, codes = np.array(flat, np.intp).reshape(-1, 2).T
    return agreement.counts(places, codes, categories)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_alpha_gives_the_published_values(level: agreement.Level, alpha: float) -> None:
    found = agreement.krippendorff(counts(UNITS, 5), level)
    assert found.value is not None and round(found.value, 3) == alpha
    assert (found.n, found.clusters) == (40, 11), "40 pairable values in 11 units, as published"
    assert found.low is not None and found.high is not None and found.low < found.value < found.high


def test_fleiss_kappa_gives_the_published_value() -> None:
    found = agreement.fleiss(np.array(FLEISS, np.float64))
    assert found.value is not None and round(found.value, 3) == 0.210
    assert (found.n, found.clusters) == (140, 10)


def test_cohens_kappa_gives_the_published_value() -> None:
    # Fifty proposals, two readers (Wikipedia, "Cohen's kappa"): 20 both yes, 15 both no, 5 and 10 apart.
    first, second = [0] * 25 + [1] * 25, [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15
    found = agreement.cohen(first, second, 2)
    assert found.value == pytest.approx(0.4) and found.n == 50
    # Fleiss, Cohen and Everitt 1969, Psychol Bull 72:323-327 give the standard error; here 0.1271 by that formula.
    assert found.low is not None and found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 0.1271, rel=0.12)


def test_weights_forgive_near_misses() -> None:
    first, second = [0, 1, 2, 3] * 5, [1, 2, 3, 3] * 5
    values = [agreement.cohen(first, second, 4, weights).value for weights in ("none", "linear", "quadratic")]
    assert values[0] is not None and values[1] is not None and values[2] is not None
    assert values[0] < values[1] < values[2]


def test_perfect_agreement_is_one_and_chance_is_about_zero() -> None:
    rng = np.random.default_rng(0)
    same = [[int(code)] * 3 for code in rng.integers(0, 3, 60)]
    chance = [list(map(int, rng.integers(0, 3, 3))) for _ in range(400)]
    for cases, value, near in ((counts(same, 3), 1.0, 1e-6), (counts(chance, 3), 0.0, 0.08)):
        assert agreement.fleiss(cases).value == pytest.approx(value, abs=near)
        assert agreement.krippendorff(cases, "ordinal").value == pytest.approx(value, abs=near)


def test_where_everyone_says_the_same_there_is_no_kappa() -> None:
    assert agreement.cohen([1] * 20, [1] * 20, 3).reason == agreement.UNDEFINED
    assert agreement.krippendorff(counts([[1, 1]] * 20, 3)).reason == agreement.UNDEFINED
    assert agreement.fleiss(counts([[1, 1]] * 20, 3)).reason == agreement.UNDEFINED


def test_too_few_cases_give_no_kappa() -> None:
    assert agreement.cohen([0, 1], [0, 1], 2).reason == "too few: 2 cases, 10 needed"
    assert agreement.cohen([], [], 2).reason == "too few: 0 cases, 10 needed"
    assert agreement.fleiss(counts([[0]], 2)).reason.startswith("too few")
    assert agreement.krippendorff(counts([[0], [None, 1]], 2)).reason.startswith("too few: 0 cases")


def test_fleiss_takes_the_most_usual_number_of_readers() -> None:
    cases = [[0, 0, 1], [1, 1, 1]] * 8 + [[0, 1]] * 3
    assert agreement.fleiss(counts(cases, 2)).clusters == 16


def test_agreement_of_votes_sees_through_the_sides() -> None:
    data = table(said("wwlltnwlwl" * 4, readers=2))
    found = agreement.agreement(data, FIRST, table([]))
    assert found.exact.clusters == 20 and found.exact.n == 40
    # Pairs in ten letters: ww ll tn wl wl; two of five agree.
    assert found.exact.value == pytest.approx(2 / 5)
    assert list(found.cohen) == [("r0", "r1")]
    assert found.alpha_ordinal.value is not None and found.alpha_nominal.value is not None
    assert found.alpha_ordinal.value > found.alpha_nominal.value - 0.5
    assert found.self_exact.reason == "too few: 0 cases, 10 needed"


def test_hidden_repeats_tell_how_far_a_reader_agrees_with_himself() -> None:
    first = said("wltn" * 5)
    again = [replace(v, id=v.id + "-2", repeat=1) for v in said("wltw" * 5)]
    strangers = [replace(again[0], reader="nobody")]
    found = agreement.agreement(table(first), FIRST, table([*again, *strangers]))
    assert found.self_exact.n == 20 and found.self_exact.value == pytest.approx(0.75)
    assert found.self_kappa.value is not None and 0.5 < found.self_kappa.value < 0.75


def test_a_readers_last_word_on_a_case_counts() -> None:
    rows = said("wwllwwllwwllwwllwwllwwll", readers=2)
    changed = [replace(row, id=f"{row.id}-later", verdict="tie") for row in rows[:2]]
    found = agreement.agreement(table([*rows, *changed]), FIRST, table([]))
    assert (found.exact.n, found.exact.clusters, found.exact.value) == (24, 12, 1.0)
    assert found.alpha_nominal.value == pytest.approx(1.0)
