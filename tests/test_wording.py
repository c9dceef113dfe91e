"""Style is measured for what it is: length that wins, marks that give a candidate away, and neither where it is not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from medvlm.outcomes.wording import FEATURES, MOST_TEXTS, features, longer_wins, style, told_apart
from tests.vote_cases import FIRST, said, table

WORDS = ("the", "left", "lung", "shows", "a", "small", "effusion", "without", "shift", "of", "heart", "or", "rib")


def sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(rng.choice(WORDS, words)) + "."


def test_features_count_what_they_name() -> None:
    text = "# Findings\n- **Mass**, 3 mm; it may be benign.\n2. I cannot tell!"
    counts = dict(zip(FEATURES, np.expm1(features(text)).round().astype(int), strict=True))
    assert counts == {
        "words": 14, "sentences": 3, "list items": 2, "headings": 1, "bold": 1, "digits": 2, "commas": 2,
        "first person": 1, "hedges": 2,
    }  # fmt: skip
    assert not features("").any()


def test_the_longer_answer_is_seen_to_win() -> None:
    data = [replace(v, left_words=20, right_words=10) for v in said("w" * 30)]
    # `said` puts the winner left in every second vote.
    assert longer_wins(table(data)).value == 0.5
    always = [replace(v, left_words=20 if v.verdict == "left" else 5, right_words=10) for v in data]
    assert longer_wins(table(always)).value == 1.0
    assert longer_wins(table(replace(v, left_words=7, right_words=7) for v in data)).reason.startswith("too few: 0")


def test_a_mark_gives_a_candidate_away_and_equal_style_does_not() -> None:
    rng = np.random.default_rng(0)
    cases = [str(n) for n in range(120)]
    plain = [sentence(rng, int(rng.integers(8, 20))) for _ in cases]
    alike = [sentence(rng, int(rng.integers(8, 20))) for _ in cases]
    listed = [f"- {text} It may be so." for text in alike]
    marked, hidden = told_apart(listed, plain, cases), told_apart(alike, plain, cases).told_apart
    assert marked.told_apart.value is not None and marked.told_apart.value > 0.98 and marked.weights["list items"] > 0
    assert hidden.low is not None and hidden.high is not None and hidden.low < 0.5 < hidden.high


def test_equal_answers_are_a_coin_toss_and_few_are_refused() -> None:
    texts, cases = ["The liver."] * 20, [str(n) for n in range(20)]
    assert told_apart(texts, texts, cases).told_apart.value == 0.5
    few = told_apart(texts[:5], texts[:5], cases[:5])
    assert few.told_apart.reason == "too few: 5 cases, 10 needed" and few.weights == {}


def test_a_case_counts_once_however_many_read_it_and_many_are_drawn_from() -> None:
    asked: list[str] = []

    def texts(ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        asked.extend(ids)
        own = {row.id: "left" if row.left == FIRST else "right" for row in rows}
        return {one: ("- Mine.", "Theirs") if own[one] == "left" else ("Theirs", "- Mine.") for one in ids}

    rows = said("www" * 12, readers=3)
    found = style(table(rows), FIRST, texts)
    assert (found.told_apart.n, found.told_apart.value, found.told_apart.note) == (12, 1.0, "")
    rows = said("w" * (MOST_TEXTS + 40))
    asked.clear()
    many = style(table(rows), FIRST, texts)
    assert len(set(asked)) == many.told_apart.n == MOST_TEXTS and many.told_apart.note == "500 of 540 cases, drawn"


def test_weights_do_not_depend_on_the_unit() -> None:
    rng = np.random.default_rng(1)
    texts = [sentence(rng, 12) for _ in range(40)]
    longer = [text + " " + sentence(rng, 12) for text in texts]
    weights = told_apart(longer, texts, [str(n) for n in range(40)]).weights
    assert weights["words"] > 0 and weights["bold"] == pytest.approx(0.0)
