"""Style is measured for what it is: length that wins, marks that give a candidate away, and neither where it is not."""

from dataclasses import replace

import numpy as np
import pytest

from medvlm.wording import FEATURES, features, longer_wins, told_apart, wording
from tests.rating_cases import TUNED, simple
from tests.vote_cases import said

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
    assert longer_wins(data).value == 0.5
    always = [replace(v, left_words=20 if v.verdict == "left" else 5, right_words=10) for v in data]
    assert longer_wins(always).value == 1.0
    assert longer_wins([replace(v, left_words=7, right_words=7) for v in data]).reason.startswith("too few: 0")


def test_a_mark_gives_a_candidate_away_and_equal_style_does_not() -> None:
    rng = np.random.default_rng(0)
    cases = [str(n) for n in range(120)]
    plain = [sentence(rng, int(rng.integers(8, 20))) for _ in cases]
    alike = [sentence(rng, int(rng.integers(8, 20))) for _ in cases]
    listed = [f"- {text} It may be so." for text in alike]
    given_away, weights = told_apart(listed, plain, cases)
    hidden, _ = told_apart(alike, plain, cases)
    assert given_away.value is not None and given_away.value > 0.98 and weights["list items"] > 0
    assert hidden.low is not None and hidden.high is not None and hidden.low < 0.5 < hidden.high


def test_equal_answers_are_a_coin_toss_and_few_are_refused() -> None:
    texts, cases = ["The liver."] * 20, [str(n) for n in range(20)]
    assert told_apart(texts, texts, cases)[0].value == 0.5
    found, weights = told_apart(texts[:5], texts[:5], cases[:5])
    assert found.reason == "too few: 5 cases, 10 needed" and weights == {}


def test_a_pair_counts_once_however_many_read_it() -> None:
    ratings = [simple(n, reader=f"r{r}", tuned_left=bool(n % 2), case=f"c{n}") for n in range(12) for r in range(3)]
    found = wording(ratings, [], TUNED.id)
    assert found.told_apart.n == 12
    assert found.longer_wins.n == 0


def test_weights_do_not_depend_on_the_unit() -> None:
    rng = np.random.default_rng(1)
    texts = [sentence(rng, 12) for _ in range(40)]
    longer = [text + " " + sentence(rng, 12) for text in texts]
    _, weights = told_apart(longer, texts, [str(n) for n in range(40)])
    assert weights["words"] > 0 and weights["bold"] == pytest.approx(0.0)
