"""How far the judges of a run can be believed: `python -m eval judge-audit runs/NAME [--store FILE|URL]`."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from medvlm import scores
from medvlm.errors import DatasetError
from medvlm.judging import audit, records
from medvlm.judging.readers import agreement
from medvlm.judging.records import Judged, JudgeFiles
from medvlm.judging.rubrics import RUBRICS
from medvlm.judging.scoring import counting
from medvlm.judging.verdicts import OneScore, TwoScores, Verdict
from medvlm.metrics.similarity import length
from medvlm.ratings.records import Filter, Rating
from medvlm.ratings.store import RatingStore
from medvlm.scores import Prediction, Record

FILE = "judge-audit.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the folder of a run that was judged")
    parser.add_argument("--store", metavar="FILE|URL", help="readers' ratings of the same answers, if there are any")


def run(chosen: argparse.Namespace) -> int:
    """Audit every judge of the run, write it beside the run, and print it."""
    ratings: list[Rating] = []
    if chosen.store is not None:
        with RatingStore(chosen.store) as store:
            ratings = list(store.ratings(Filter(current=True)))
    record = audited(chosen.run, ratings)
    print("\n".join(line for name, one in record.items() for line in lines(name, one)))
    print(scores.write(chosen.run / FILE, record))
    return 0


def audited(folder: Path, ratings: Iterable[Rating] = ()) -> Record:
    """RUBRIC.JUDGE -> its audit. Raises DatasetError where nobody has judged."""
    predictions, rated = scores.read_run(folder).predictions, list(ratings)
    judges = list(records.found(folder))
    if not judges:
        raise DatasetError(f"Nobody has judged {folder}. Run `python -m eval judge {folder} --audit 30 ...` first.")
    return {one.stem: of_judge(one, predictions, rated) for one in judges}


def of_judge(where: JudgeFiles, predictions: Sequence[Prediction], ratings: Sequence[Rating]) -> Record:
    """All that can be said of one judge; n stands with everything."""
    judged = list(counting(records.read(where)).values())
    counted = [one for one in judged if one.order == "forward" and one.repeat == 0]
    verdicts = [one.judgement.verdict for one in counted]
    with_humans = agreement(judged, predictions, ratings)
    return {
        "info": asdict(records.read_info(where)),
        "unparsed": asdict(audit.unparsed(verdicts)) | {"reasons": audit.reasons(verdicts)},
        "asked_twice": sum(len(one.judgement.replies) > 1 for one in counted),
        "order": order(where, judged),
        "repeats": asdict(audit.repeats(repeated(judged))),
        "length": asdict(length_bias(counted, predictions)),
        "readers": {
            "matched": with_humans.matched,
            "preference_kappa": asdict(with_humans.preference),
            "fault_kappa": asdict(with_humans.faults),
        },
    }


def order(where: JudgeFiles, judged: Sequence[Judged]) -> Record:
    """Whether it matters who stands first."""
    by_key = counting(judged)
    both = [pair for _, pair in records.pairs(by_key)]
    if RUBRICS[where.rubric].shape == "preference":
        return asdict(audit.swap_audit(both))
    turned: list[tuple[Verdict, Verdict]] = [(pair.forward.verdict, pair.backward.verdict) for pair in both]
    return asdict(audit.score_swap(turned))


def points(verdict: Verdict) -> float | None:
    """The points of the answer under judgement."""
    if isinstance(verdict, OneScore):
        return verdict.value
    return verdict.second if isinstance(verdict, TwoScores) else None


def repeated(judged: Sequence[Judged]) -> list[list[float | None]]:
    """The points of each case that was asked more than once in the same order."""
    groups: dict[tuple[str, str], list[float | None]] = {}
    for one in judged:
        if one.order == "forward":
            groups.setdefault((one.sample_id, one.arm), []).append(points(one.judgement.verdict))
    return [group for group in groups.values() if len(group) > 1]


def length_bias(counted: Sequence[Judged], predictions: Sequence[Prediction]) -> audit.LengthBias:
    """Whether longer answers get more points; against the reference where that was scored too."""
    said = {(p.sample_id, p.arm): p for p in predictions}
    rows = [
        (said[one.sample_id, one.arm], one.judgement.verdict) for one in counted if (one.sample_id, one.arm) in said
    ]
    lengths = [length(prediction.text) for prediction, _ in rows]
    given = [points(verdict) for _, verdict in rows]
    if rows and any(isinstance(verdict, TwoScores) for _, verdict in rows):
        other = [(length(p.reference), v.first if isinstance(v, TwoScores) else 0.0) for p, v in rows]
        return audit.length_bias(lengths, given, other)
    return audit.length_bias(lengths, given)


def lines(name: str, record: Record) -> list[str]:
    """One judge's audit to read."""
    silent, again, long, human = record["unparsed"], record["repeats"], record["length"], record["readers"]
    made = [f"{name}: {silent['hits']} of {silent['n']} unparsed, {record['asked_twice']} asked a second time"]
    made += [f"{name}: order: {told(record['order'])}"]
    made += [
        f"{name}: repeats: n = {again['n']}, variance {shown(again['variance'])}, {told(again['identical'])} alike"
    ]
    made += [f"{name}: length and points: n = {long['n']}, Spearman {shown(long['correlation'])}"]
    for what in ("preference_kappa", "fault_kappa"):
        kappa = human[what]
        ends = "" if kappa["low"] is None else f" [{kappa['low']:.2f}, {kappa['high']:.2f}]"
        why = f" ({kappa['reason']})" if kappa["value"] is None else ""
        made.append(
            f"{name}: {what.replace('_', ' ')} with readers: {shown(kappa['value'])}{ends}, n = {kappa['n']}{why}"
        )
    return made


def told(record: Record) -> str:
    """ "consistent 12 of 15, first preferred 8 of 20"."""
    if "hits" in record:
        return f"{record['hits']} of {record['n']}"
    return ", ".join(
        f"{key.replace('_', ' ')} {told(value) if isinstance(value, dict) else shown(value)}"
        for key, value in record.items()
    )


def shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
