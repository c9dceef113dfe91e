"""What is kept of a judge's verdicts, and the scores that are reckoned from them."""

from pathlib import Path

import pytest

from medvlm import scores
from medvlm.errors import DatasetError
from medvlm.judging import records
from medvlm.judging.judgement import Judgement
from medvlm.judging.records import Judged
from medvlm.judging.scoring import pooled_scores, scored
from medvlm.judging.verdicts import Errors, FoundError, OneScore, Preferred, TwoScores, Unparsed, Verdict
from medvlm.scores import Score


def test_pooling_needs_every_judge() -> None:
    def one(sample: str, points: float) -> Judged:
        return Judged(sample, "base", "forward", 0, Judgement(OneScore(points), ("",)))

    made = pooled_scores([[one("a", 1), one("b", 2)], [one("a", 3)]], "p")
    assert [(s.sample_id, s.metric, s.value) for s in made] == [("a", "p", 2.0), ("a", "p_deviation", 2**0.5)]


@pytest.mark.parametrize(
    "verdict",
    [TwoScores(8, 6), OneScore(5), Preferred("tie"), Errors((FoundError("side", "mild", "left"),)), Unparsed("silent")],
)
def test_every_verdict_is_kept_and_read_back(verdict: Verdict, tmp_path: Path) -> None:
    where = records.files(tmp_path, "llava-med", "first")
    one = Judged("q", "tuned", "swapped", 1, Judgement(verdict, ("a\nb", "ü")))
    scores.append(where.rows, [records.row(one)])
    assert records.read(where) == [one]


def test_damaged_judgements_are_named(tmp_path: Path) -> None:
    where = records.files(tmp_path, "llava-med", "first")
    scores.append(where.rows, [{"sample_id": "q"}])
    with pytest.raises(DatasetError, match="judge the run again"):
        records.read(where)
    with pytest.raises(DatasetError, match="missing or damaged"):
        records.read_info(where)


def test_a_reference_of_nothing_has_no_ratio() -> None:
    judged = [Judged("q", "base", "forward", 0, Judgement(TwoScores(0, 5), ("0 5",)))]
    found = {score.metric: score for score in scored(judged, "j", "two scores")}
    assert found["j_relative"] == Score("q", "base", "j_relative", None, "the reference got 0")
