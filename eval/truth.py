"""Free text about drawn pictures, held against what they show: `python -m eval truth runs/NAME`. No judge is asked."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from eval.judging import summary as judge_summary
from eval.nano.drawn import truth_of
from medvlm import scores
from medvlm.claims import truth_scoring
from medvlm.claims.truth_scoring import Facet, TruthScore
from medvlm.errors import ConfigError
from medvlm.phantoms.truth import Truth
from medvlm.scores import Prediction, Score

SCORES = "scores.truth.jsonl"
SUMMARY = "summary.truth.json"
FACETS: tuple[Facet, ...] = ("side", "place", "count")
NOTHING = "neither the text nor the picture holds a finding"
# Measured in tests/test_truth_scoring.py; the texts of docs/metrics.md.
READER = (
    "Texts are read by rules. Of findings with their state, 58 of 58 were read right in 53 held-out descriptions of "
    "ours; in explaining prose of another model, precision was 10 of 19 and recall 10 of 15 (docs/metrics.md). So this "
    "holds for short descriptions only."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the folder of a run on drawn pictures")


def run(chosen: argparse.Namespace) -> int:
    """Score every open answer about a drawn picture; print means with intervals and what the reader is worth.

    What it is worth goes into the run's notes as well: it must stand beside these scores wherever they are shown.
    """
    one = scores.read_finished(chosen.run)
    given = list(scored(one.predictions))
    if not given:
        raise ConfigError(f"{chosen.run} has no open answers about drawn pictures, whose truth is known.")
    scores.write_rows(chosen.run / SCORES, map(scores.row_of, given))
    if READER not in one.info.notes:
        scores.write_info(chosen.run, replace(one.info, notes=(*one.info.notes, READER)))
    clusters = {p.sample_id: p.cluster for p in one.predictions}
    figures = {
        arm: judge_summary.figures([score for score in given if score.arm == arm], clusters) for arm in one.info.arms
    }
    scores.write(chosen.run / SUMMARY, {"title": "Held against the truth", "figures": figures, "notes": [READER]})
    for arm, named in figures.items():
        print("\n".join(f"{arm}: {name} {judge_summary.spoken(figure)}" for name, figure in named.items()))
    print(READER)
    return 0


def scored(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """The truth's scores of every open answer about a drawn picture; closed answers are for `strict`."""
    for one in predictions:
        if one.image is not None and one.image.startswith("phantom:") and not one.closed:
            about = (one.about,) if one.about else None
            yield from _scores(one, truth_scoring.score(one.text, truth(one.image), about))


@cache
def truth(image: str) -> Truth:
    return truth_of(image)


def _scores(one: Prediction, found: TruthScore) -> Iterator[Score]:
    def score(name: str, value: float | None, reason: str) -> Score:
        return Score(one.sample_id, one.arm, name, value, "" if value is not None else reason)

    yield score("truth", found.value, NOTHING)
    yield score("truth_precision", found.precision, "no finding is claimed")
    yield score("truth_recall", found.recall, "there is no finding")
    for facet in FACETS:
        right, wrong = found.count("right", facet), found.count("wrong", facet)
        yield score(f"truth_{facet}", right / (right + wrong) if right + wrong else None, f"no {facet} is claimed")
