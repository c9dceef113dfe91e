"""Our own scores against tables worked out by hand: whole words, clipped counts, unscored never 0."""

from typing import Any

import pytest

from medvlm.metrics import similarity, strict, unsmoothed
from medvlm.metrics.hedging import calibration, hedges, hedging
from tests.golden_rows import number, rows


@pytest.mark.parametrize("row", rows("strict_yes_no"), ids=lambda row: str(row["text"]))
def test_yes_and_no_are_read_by_whole_words(row: dict[str, Any]) -> None:
    assert strict.yes_no(row["text"]) == row["said"]


@pytest.mark.parametrize("row", rows("strict_open"), ids=lambda row: f"{row['answer']}|{row['reference']}")
def test_open_answers_are_scored_with_clipped_counts(row: dict[str, Any]) -> None:
    found = strict.overlap(row["answer"], row["reference"])
    assert found is not None
    wanted = [number(row[part]) for part in ("recall", "precision", "f1")]
    assert [found.recall, found.precision, found.f1] == pytest.approx(wanted, abs=1e-15), row["why"]
    assert strict.exact(row["answer"], row["reference"]) is row["exact"]


@pytest.mark.parametrize(
    ("answer", "reference", "verdict"),
    [
        ("是的", "是", "right"),
        ("没有", "有", "wrong"),
        ("左肺", "是", "unparsed"),
        ("CT", "CT", "right"),
        ("不存在", "没有", "right"),
    ],
)
def test_chinese_closed_answers_are_read(answer: str, reference: str, verdict: str) -> None:
    assert strict.closed(answer, reference) == verdict


@pytest.mark.parametrize(
    "row", rows("strict_ngrams"), ids=lambda row: f"{row['kind']}:{row['answer']}|{row['reference']}"
)
def test_wording_is_scored_as_worked_out_by_hand(row: dict[str, Any]) -> None:
    if row["kind"] == "bleu":
        score = similarity.bleu(row["answer"], row["reference"], row["order"])
    elif row["kind"] == "length":
        score = similarity.length_ratio(row["answer"], row["reference"])
    else:
        score = similarity.rouge(row["answer"], row["reference"], row["kind"])
    wanted = None if row["value"] is None else pytest.approx(number(row["value"]), rel=1e-12)
    assert score == wanted, row["why"]


def test_bleu_of_a_data_set_is_no_mean_of_answers() -> None:
    answers, references = ["left lung", "heart"], ["left lung", "big heart"]
    # 3 of 3 words, 3 words against 4: exp(1 - 4/3); the mean of answers would be (1 + exp(-1)) / 2.
    assert similarity.corpus_bleu(answers, references, 1) == pytest.approx(number("exp(-1/3)"))
    assert similarity.corpus_bleu([], []) is None
    assert similarity.bleu("lung", "  ") is None
    assert {"tok:13a", "case:lc", "nrefs:1"} <= set(similarity.signature().split("|"))
    with pytest.raises(ValueError, match="1 answers and 2 references"):
        similarity.corpus_bleu(["a"], ["a", "b"])


def test_chinese_bleu_counts_characters() -> None:
    assert similarity.bleu("左肺", "右肺", 1) == pytest.approx(0.5)
    assert similarity.length("左肺 CT scan") == 4


@pytest.mark.filterwarnings("ignore:(?s).*0 counts of:UserWarning")
@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("left lower lobe of the lung", "left lower lobe"),
        ("lung", "left lower lobe lung"),
        ("a b c d e f", "a b c d f e"),
        ("a a a b", "a b a"),
        ("x", "y"),
        ("b c d e", "a b c d e g"),
    ],
)
def test_unsmoothed_bleu_is_nltks(answer: str, reference: str) -> None:
    nltk_bleu = pytest.importorskip("nltk.translate.bleu_score", reason="needs nltk, which rouge-score brings along")
    given, wanted = answer.split(), reference.split()
    for weights in ((1.0,), (0.5, 0.5), (0.25,) * 4, (0.0, 1.0, 0.0, 0.0)):
        theirs = nltk_bleu.sentence_bleu([wanted], given, weights=weights)
        assert unsmoothed.sentence_bleu(given, wanted, weights) == pytest.approx(theirs, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("row", rows("hedging"), ids=lambda row: str(row["text"]))
def test_hedges_are_counted(row: dict[str, Any]) -> None:
    assert hedges(row["text"]) == row["counts"]
    found = hedging([row["text"]])
    assert (found.words, found.hedged, found.total) == (
        row["words"],
        int(bool(row["counts"])),
        sum(row["counts"].values()),
    )


def test_hedges_are_told_per_100_words() -> None:
    found = hedging(["It appears that the mass may be benign.", "No mass is seen."])
    assert (found.texts, found.hedged, found.counts) == (2, 1, {"appear": 1, "may": 1})
    assert found.per_100_words == pytest.approx(100 * 2 / 12)
    assert hedging([]).per_100_words is None


def test_hedging_is_held_against_being_right() -> None:
    texts = ["maybe left", "left", "perhaps right", "right", "may be"]
    found = calibration(texts, [0.0, 1.0, 1.0, 1.0, None])
    assert (found.hedged, found.hedged_mean, found.plain, found.plain_mean, found.unscored) == (2, 0.5, 2, 1.0, 1)
    assert calibration([], []).hedged_mean is None
    with pytest.raises(ValueError, match="1 texts and 0 scores"):
        calibration(["a"], [])
