"""What a judge's scores come to: means with intervals, relative scores both ways, by kind of question and by domain."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from medvlm.judging import audit
from medvlm.judging.records import Judged
from medvlm.judging.rubrics import PROMPT_VERSION, Rubric
from medvlm.judging.scoring import relative_pairs
from medvlm.metrics.relative import by_group
from medvlm.probes.asked import Value
from medvlm.probes.figures import mean_figure
from medvlm.scores import Prediction, Record, Run, Score
from medvlm.types import Arm

ARMS: tuple[Arm, ...] = ("base", "tuned")


def summary(
    run: Run,
    rubric: Rubric,
    judged: Sequence[Judged],
    given: Sequence[Score],
    prefix: str,
    clusters: Mapping[str, str],
) -> Record:
    """Everything of one judge's work on one run, as a JSON object."""
    answers = {(p.sample_id, p.arm): p for p in run.predictions}
    counting = [one.judgement.verdict for one in judged if one.order == "forward" and one.repeat == 0]
    arms = [arm for arm in ARMS if any(score.arm == arm for score in given)]
    record: Record = {
        "rubric": rubric.name,
        "title": rubric.title,
        "prompt_version": PROMPT_VERSION,
        "unparsed": asdict(audit.unparsed(counting)) | {"reasons": audit.reasons(counting)},
        "figures": {arm: figures([s for s in given if s.arm == arm], clusters) for arm in arms},
    }
    if rubric.shape == "two scores":
        record["relative"] = {arm: groups(judged, arm, answers, prefix) for arm in arms}
    return record


def figures(given: Sequence[Score], clusters: Mapping[str, str]) -> Record:
    """Metric -> mean with n and interval over pictures."""
    made: Record = {}
    for name in dict.fromkeys(score.metric for score in given):
        values = [
            Value(name, s.sample_id, clusters.get(s.sample_id, s.sample_id), s.value, s.reason)
            for s in given
            if s.metric == name
        ]
        made[name] = asdict(mean_figure(values))
    return made


def groups(judged: Sequence[Judged], arm: Arm, answers: Mapping[tuple[str, Arm], Prediction], prefix: str) -> Record:
    """Both relative scores overall, by kind of question and by domain, as LLaVA-Med's table has them."""
    pairs = relative_pairs(judged, arm)
    names = list(pairs)
    kinds = by_group(names, lambda name: answers[name, arm].kind, lambda name: pairs[name])
    domains = by_group(names, lambda name: answers[name, arm].domain, lambda name: pairs[name])
    return {
        "kinds": {name: asdict(one) for name, one in kinds.items()},
        "domains": {name: asdict(one) for name, one in domains.items()},
    }


def lines(record: Record) -> list[str]:
    """The summary to read: each figure with n and interval, and how many answers are unscored."""
    silent = record["unparsed"]
    made = [f"{record['title']}: {silent['hits']} of {silent['n']} verdicts unparsed"]
    made += [f"  {count} x {reason}" for reason, count in silent["reasons"].items()]
    for arm, named in record["figures"].items():
        made += [f"{arm}: {name} {spoken(figure)}" for name, figure in named.items()]
    for arm, one in record.get("relative", {}).items():
        overall = one["kinds"]["overall"]
        if overall["n"]:
            made.append(
                f"{arm}: relative score {100 * overall['mean_of_ratios']:.1f} % (mean of ratios), "
                f"{100 * overall['ratio_of_means']:.1f} % (ratio of means), n = {overall['n']}"
            )
    return made


def spoken(figure: Record) -> str:
    """ "6.92 [6.60, 7.21], n = 193"."""
    end = f"; {figure['note']}" if figure["note"] else ""
    if figure["value"] is None:
        return f"none ({figure['reason']}){end}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}], n = {figure['n']}{end}"
