"""Subjects to probe, and models of which it is known what they look at."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from medvlm.probes.asked import Ask, Material, Probe, Subject, Texts, Value, own
from medvlm.probes.figures import all_figures
from medvlm.probes.registry import asking
from medvlm.statistics import Figure
from medvlm.types import Window
from tests.phantom_truths import kept_truths

PICTURES = 24


def subject(number: int, question: str = "Is there a mass?", reference: str = "yes", **more: object) -> Subject:
    base = Subject(
        f"q{number}",
        f"phantom:ct:{number}",
        question,
        reference,
        "ct",
        "presence",
        reference in ("yes", "no"),
        "phantoms",
    )
    return replace(base, **more)  # type: ignore[arg-type]


def material() -> Material:
    """Two questions for each of 24 pictures: one closed, one that a side answers."""
    truths = kept_truths()[:PICTURES]
    subjects = [subject(n, held_out=n % 2 == 0) for n in range(PICTURES)]
    subjects += [
        replace(subject(n, "Which side?", "left", kind="side"), id=f"s{n}", closed=False) for n in range(PICTURES)
    ]
    names = [one.picture for one in subjects[:PICTURES]]
    return Material(
        tuple(subjects),
        {name: (Window(400, 40), Window(1500, -600)) for name in names},
        dict(zip(names, truths, strict=True)),
        ("Why do unicorns cough?",) * 12,
        tuple(s for s in subjects if s.held_out),
        tuple(s for s in subjects if not s.held_out),
    )


def said(probe: Probe, on: Material, script: Callable[[Ask], str]) -> tuple[list[Ask], Texts]:
    """All asks of a probe, follow-ups included, with scripted answers."""
    asks = probe.plan(on)
    texts = {own(s).id: script(own(s)) for s in on.subjects} | {ask.id: script(ask) for ask in asks}
    if probe.follow is not None:
        later = probe.follow(asks, texts)
        texts |= {ask.id: script(ask) for ask in later}
        asks += later
    return asks, texts


def figures(name: str, script: Callable[[Ask], str], on: Material | None = None) -> dict[str, Figure]:
    probe = asking()[name]
    asks, texts = said(probe, on or material(), script)
    return dict(all_figures(probe.measures, probe.values(asks, texts)))


def values(numbers: Sequence[float | None], per_cluster: int = 1) -> list[Value]:
    return [Value("m", f"v{n}", f"c{n // per_cluster}", number, "silent") for n, number in enumerate(numbers)]
