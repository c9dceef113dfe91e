"""Probes that change the picture: another one in its place, a blank, its mirror image, other windows."""

import random
from collections.abc import Callable, Hashable, Sequence
from functools import partial

from medvlm.metrics import strict
from medvlm.probes.asked import SEED, Ask, Material, Measure, Probe, Subject, Texts, Value, agree, own, quality, value
from medvlm.probes.changes import MIRRORED, window_change
from medvlm.probes.reliance import side

BLANK = "blank"  # eval's name for a picture of one middle grey
OTHER_SIDE = {"left": "right", "right": "left"}


def exchanged(subjects: Sequence[Subject], group: Callable[[Subject], Hashable]) -> dict[str, str]:
    """Each picture -> another one of its group: the next in an order drawn by a fixed seed. None is its own."""
    groups: dict[Hashable, list[str]] = {}
    for subject in subjects:
        groups.setdefault(group(subject), []).append(subject.picture)
    made: dict[str, str] = {}
    for pictures in groups.values():
        names = sorted(set(pictures))
        random.Random(SEED).shuffle(names)
        if len(names) > 1:
            made |= dict(zip(names, [*names[1:], *names[:1]], strict=True))
    return made


def _swapped(material: Material) -> list[Ask]:
    others = exchanged(material.subjects, lambda subject: subject.dataset)
    return _elsewhere("swapped", material.subjects, others)


def _swapped_in_domain(material: Material) -> list[Ask]:
    known = [subject for subject in material.subjects if subject.known]
    return _elsewhere("swapped-in-domain", known, exchanged(known, lambda subject: (subject.dataset, subject.domain)))


def _elsewhere(probe: str, subjects: Sequence[Subject], others: dict[str, str]) -> list[Ask]:
    return [Ask(probe, probe, s, others[s.picture], s.question) for s in subjects if s.picture in others]


def _blank(material: Material) -> list[Ask]:
    return [Ask(BLANK, BLANK, subject, BLANK, subject.question) for subject in material.subjects]


def against_own(prefix: str, asks: Sequence[Ask], texts: Texts) -> list[Value]:
    """What a change costs: the own answer's quality minus the changed one's, the latter, and whether it moved."""
    made: list[Value] = []
    for ask in asks:
        before, after = texts[own(ask.subject).id], texts[ask.id]
        was, now = quality(ask.subject, before), quality(ask.subject, after)
        drop = None if was is None or now is None else was - now
        why = "" if now is not None else "the reference has no words"
        made.append(value(f"{prefix}_drop", ask, drop, why))
        made.append(value(f"{prefix}_score", ask, now, why))
        made.append(value(f"{prefix}_changed", ask, not agree(before, after)))
    return made


def cost_measures(prefix: str, what: str) -> tuple[Measure, ...]:
    return (
        Measure(
            f"{prefix}_drop",
            f"Lost with {what}",
            f"quality about the own picture minus quality with {what}, both against the own reference",
            "high",
        ),
        Measure(f"{prefix}_score", f"Quality with {what}", "quality against the own picture's reference", "none"),
        Measure(f"{prefix}_changed", f"Answers that change with {what}", "share that says something else", "high"),
    )


def _mirrored(material: Material) -> list[Ask]:
    wanted = [s for s in material.subjects if side_bound(s) or not _speaks_of_sides(s)]
    return [Ask(MIRRORED, MIRRORED, s, f"{MIRRORED}|{s.picture}", s.question) for s in wanted]


def side_bound(subject: Subject) -> bool:
    """Whether the right answer must change when left and right are exchanged."""
    if side(subject.reference):
        return True
    return subject.kind == "side" and strict.is_yes_no(subject.reference) and side(subject.question) is not None


def _speaks_of_sides(subject: Subject) -> bool:
    text = f"{subject.question} {subject.reference}".lower()
    return any(word in text for word in ("left", "right", "side", "bilateral"))


def _mirror_values(asks: Sequence[Ask], texts: Texts) -> list[Value]:
    made = []
    for ask in asks:
        before, after = texts[own(ask.subject).id], texts[ask.id]
        if not side_bound(ask.subject):
            made.append(value("mirrored_stays", ask, agree(before, after)))
        elif side(ask.subject.reference):
            said = side(before)
            why = "" if said else "the answer about the own picture names no one side"
            made.append(value("mirrored_follows", ask, side(after) == OTHER_SIDE[said] if said else None, why))
        else:
            was, now = strict.yes_no(before), strict.yes_no(after)
            why = "" if was else "the answer about the own picture is neither yes nor no"
            made.append(value("mirrored_follows", ask, now is not None and now != was if was else None, why))
    return made


def _sweep(material: Material) -> list[Ask]:
    return [
        Ask("windows", f"window-{number}", subject, f"{window_change(window)}|{subject.picture}", subject.question)
        for subject in material.subjects
        for number, window in enumerate(material.windows.get(subject.picture, ()), 1)
    ]


def by_subject(asks: Sequence[Ask]) -> list[list[Ask]]:
    """The asks of each subject together, in order."""
    groups: dict[str, list[Ask]] = {}
    for ask in asks:
        groups.setdefault(ask.subject.id, []).append(ask)
    return list(groups.values())


def _sweep_values(asks: Sequence[Ask], texts: Texts) -> list[Value]:
    made = []
    for group in by_subject(asks):
        subject = group[0].subject
        said = [texts[own(subject).id], *(texts[ask.id] for ask in group)]
        scores = [score for text in said if (score := quality(subject, text)) is not None]
        made.append(value("windows_same", group[0], all(agree(said[0], text) for text in said[1:])))
        spread = max(scores) - min(scores) if scores else None
        made.append(value("windows_range", group[0], spread, "" if scores else "the reference has no words"))
    return made


PICTURE_PROBES: tuple[Probe, ...] = (
    Probe(
        "swapped",
        "Another picture of the data set",
        "The same question about another picture, drawn at random from the same data set (Med-Idefics, section 5.3). "
        "Only an answer that rests on the picture gets worse. What is lost is a lower bound of what the picture gives: "
        "the other picture may rightly get the same answer.",
        cost_measures("swapped", "another picture of the data set"),
        _swapped,
        partial(against_own, "swapped"),
        missing="it takes two pictures of one data set",
    ),
    Probe(
        "swapped-in-domain",
        "Another picture of the same domain",
        "The same question about another picture of the same data set and domain, for pictures whose domain is known. "
        "Kind and part of the body are then often the same, so what is lost is what rests on the finding itself.",
        cost_measures("swapped_in_domain", "another picture of the domain"),
        _swapped_in_domain,
        partial(against_own, "swapped_in_domain"),
        missing="it takes two pictures of one data set whose domain is known and the same",
    ),
    Probe(
        "blank",
        "A blank picture",
        "The same question about one even grey. Whatever is still right was answered from the words alone.",
        cost_measures("blank", "a blank picture"),
        _blank,
        partial(against_own, "blank"),
    ),
    Probe(
        "mirrored",
        "The mirror image",
        "The same question about the picture with left and right exchanged. An answer that names a side, or says yes "
        "or no to one, has to name the other; answers to questions in which no side occurs should stay. Unscored are "
        "side questions whose own answer says neither.",
        (
            Measure("mirrored_follows", "Sides that follow the mirror", "share of side questions", "high"),
            Measure("mirrored_stays", "Other answers that stay", "share of questions without sides", "high"),
        ),
        _mirrored,
        _mirror_values,
        missing="no question of the set is about a side",
    ),
    Probe(
        "windows",
        "Through other windows",
        "The same question through the windows of the picture's kind: for CT presets in Hounsfield units, for "
        "other pictures of more than 256 greys windows by percentiles; up to four that make a difference. "
        "An answer may rightly depend on the window (a "
        "nodule is not seen through the brain's), but a reader should know that it does.",
        (
            Measure("windows_same", "The same through every window", "share of questions with one answer", "high"),
            Measure("windows_range", "Best minus worst window", "range of quality over windows", "low"),
        ),
        _sweep,
        _sweep_values,
        missing="no picture of the set has numbers finer than 256 greys",
    ),
)
