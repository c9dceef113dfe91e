"""Scores on phantoms, whose truth is known: by domain, kind, finding and side, and what was never drawn before."""

from collections import Counter
from collections.abc import Mapping, Sequence

from eval import scoring
from eval.items import Answer, EvalArm
from eval.nano.tasks import Case
from eval.scoring import Texts, grouped, one
from medvlm.metrics import strict
from medvlm.metrics.text import normalised, words
from medvlm.scores import Record, share
from medvlm.types import DOMAINS

SIDES = ("left", "right", "both")


def summary(
    cases: Sequence[Case], arms: Mapping[str, Texts], answers: Mapping[EvalArm, Mapping[str, Answer]]
) -> Record:
    """The whole record. `arms`: every arm's texts, baselines included; `answers`: what models said, with beliefs."""
    closed = [case for case in cases if case.closed]
    record = scoring.counts(cases) | {"arms": {arm: arm_record(cases, closed, texts) for arm, texts in arms.items()}}
    for arm, given in answers.items():
        record["arms"][arm] |= {
            "findings": findings(closed, arms[arm]),
            "sides": sides_confused(cases, arms[arm]),
            "belief": scoring.beliefs([case for case in closed if case.kind == "presence"], given),
        }
    if {"tuned", "base"} <= arms.keys():
        record["difference"] = scoring.difference(closed, arms["tuned"], arms["base"], "strict_closed")
    return record


def arm_record(cases: Sequence[Case], closed: Sequence[Case], texts: Texts) -> Record:
    """One arm's shares of closed questions (strict): overall, in groups, and of open ones what can be counted."""
    groups = {kind: [c for c in cases if c.kind == kind] for kind in ("side", "place", "unanswerable")}
    unparsed = sum(strict.closed(texts[c.item.id], c.reference, c.choices) == "unparsed" for c in closed)
    return {
        "closed": one(closed, texts, "strict_closed"),
        "unparsed": unparsed,
        "domains": {d: one([c for c in closed if c.domain == d], texts, "strict_closed") for d in DOMAINS},
        "kinds": {k: one(part, texts, "strict_closed") for k, part in grouped(closed, lambda c: c.kind).items()},
        "domain_kinds": {
            d: {
                k: one(part, texts, "strict_closed")
                for k, part in grouped([c for c in closed if c.domain == d], lambda c: c.kind).items()
            }
            for d in DOMAINS
        },
        "drawn_before": one([c for c in closed if not c.held_out], texts, "strict_closed"),
        "never_drawn": one([c for c in closed if c.held_out], texts, "strict_closed"),
        "open_side": one(groups["side"], texts, "strict_exact"),
        "open_place": one(groups["place"], texts, "strict_exact"),
        "open_place_recall": one(groups["place"], texts, "strict_open"),
        "cannot_tell": one(groups["unanswerable"], texts, "strict_exact"),
    }


def findings(closed: Sequence[Case], texts: Texts) -> Record:
    """Per finding asked for: sensitivity and specificity, and its prevalence among the questions.

    An answer that is neither yes nor no counts against both.
    """
    made: Record = {}
    asked = [case for case in closed if case.kind == "presence" and case.about]
    for name, part in grouped(asked, lambda case: f"{case.domain}: {case.about}").items():
        present = [case for case in part if normalised(case.reference) == "yes"]
        absent = [case for case in part if normalised(case.reference) == "no"]
        made[name] = {
            "prevalence": share(len(present), len(part)),
            "sensitivity": answered(present, texts, "yes"),
            "specificity": answered(absent, texts, "no"),
        }
    return made


def answered(cases: Sequence[Case], texts: Texts, said: str) -> Record:
    """In how many of these cases the answer was the one given."""
    return share(sum(strict.yes_no(texts[case.item.id]) == said for case in cases), len(cases))


def sides_confused(cases: Sequence[Case], texts: Texts) -> Record:
    """Of questions that a side answers: the true side -> what was said -> how often; and the share that is swapped."""
    table: dict[str, Counter[str]] = {}
    for case in cases:
        true = side_said(case.reference)
        if case.kind == "side" and true is not None:
            table.setdefault(true, Counter())[side_said(texts[case.item.id]) or "none"] += 1
    swapped = table.get("left", Counter())["right"] + table.get("right", Counter())["left"]
    asked = sum(table[side].total() for side in ("left", "right") if side in table)
    return {
        "said": {side: dict(sorted(table[side].items())) for side in sorted(table)},
        "swapped": share(swapped, asked),
    }


def side_said(text: str) -> str | None:
    """The one side that a text names; "both" for both of them, None for none."""
    named = set(words(text)) & {"left", "right", "both", "bilateral"}
    if named & {"both", "bilateral"} or {"left", "right"} <= named:
        return "both"
    return next(iter(named), None)
