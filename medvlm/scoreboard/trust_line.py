"""How good the model was on real pictures of this kind, in one line under an answer; from measured scores alone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from medvlm.plots.scores import said
from medvlm.scoreboard.board import Board
from medvlm.scoreboard.run_shelf import RunShelf, Shelf
from medvlm.scoreboard.sides import Selection, Side, compared, overall, seen
from medvlm.statistics import FEWEST, Figure
from medvlm.types import DOMAIN_NAMES, Arm, Domain

QuestionKind = Literal["closed", "open"]
# What is told: right or not for closed questions, else the share of the reference's words that the answer has.
METRICS: dict[QuestionKind, tuple[str, str]] = {
    "closed": ("strict_closed", ""),
    "open": ("strict_open", "words recalled "),
}
SEEN = ", on pictures that training has seen"
# A run of weights that were trained alike, but for the test's pictures, names its adapter so.
UNSEEN = " (disjoint)"
ALIKE = ", trained alike without these pictures"
WHY = (
    "The adapter that answers here has seen the pictures of its own test, so the figure is that of one that was "
    "trained in the same way and has not."
)
NOT_REAL = "not evaluated on real images"
# A question that can be answered by yes or no, or by one of the things that it names.
_CLOSED = re.compile(
    r"^\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|am|may|might|isn't|aren't|doesn't)\b"
    r"|\b\w+ or (?:an? |the )?\w+\s*\?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TrustLine:
    """`text` stands under the answer; `more` is said where there is room: of which run, and what is wrong with it."""

    text: str
    more: str = ""


def line(
    domain: Domain, kind: QuestionKind, arm: Arm = "tuned", adapter: str | None = None, shelf: RunShelf | None = None
) -> str:
    """Such as "CT, closed questions: 71.0 % [66.1, 75.4], n = 312", of real pictures; see `trust_line`."""
    return trust_line(domain, kind, arm, adapter, shelf).text


def trust_line(
    domain: Domain, kind: QuestionKind, arm: Arm = "tuned", adapter: str | None = None, shelf: RunShelf | None = None
) -> TrustLine:
    """What scores say of answers to this kind of question about this kind of picture.

    `adapter`: SHA-256 of the adapter that is loaded; only runs of these weights count, for either arm of theirs. None
    takes the app's own adapter, by its name. Where training has seen the pictures, the figure is that of weights that
    were trained alike and have not, if there is one, and the line says so. Without scores on real pictures it says
    that, with the drawings' score if there is one. Cheap to call again: runs are read when they change.
    """
    found = (shelf or _shelf()).look()
    return _line(found, domain, kind, arm, adapter)


@cache
def _shelf() -> RunShelf:
    return RunShelf()


@lru_cache(maxsize=256)
def _line(found: Shelf, domain: Domain, kind: QuestionKind, arm: Arm, adapter: str | None) -> TrustLine:
    metric, words = METRICS[kind]
    whole = {name: one for name, one in found.boards.items() if _whole(one, arm, metric)}
    own = {name: one for name, one in whole.items() if _of(one, adapter)}
    real = _best(own, domain, arm, metric, real=True)
    what = f"{DOMAIN_NAMES[domain]}, {kind} questions"
    if real is not None and _seen(own[real[0]], arm):
        alike = {name: one for name, one in whole.items() if _alike(one, own.values()) and not _seen(one, arm)}
        other = _best(alike, domain, arm, metric, real=True)
        if other is not None:
            return TrustLine(f"{what}: {words}{said(other[1], 'percent')}{ALIKE}", f"Run {other[0]}. {WHY}")
    if real is not None:
        run, figure = real
        caution = SEEN if _seen(own[run], arm) else ""
        notes = own[run].info.notes
        return TrustLine(f"{what}: {words}{said(figure, 'percent')}{caution}", " ".join((f"Run {run}.", *notes)))
    drawn = _best(own, domain, arm, metric, real=False)
    if drawn is None or drawn[1].value is None:
        return TrustLine(f"{what}: {NOT_REAL}")
    return TrustLine(f"{what}: {NOT_REAL} (drawings: {words}{100 * drawn[1].value:.0f} %)", f"Run {drawn[0]}.")


def question_kind(question: str) -> QuestionKind:
    """Closed where yes, no or a choice named in it answers the question; told from its words."""
    return "closed" if _CLOSED.search(question.strip()) else "open"


def _whole(one: Board, arm: Arm, metric: str) -> bool:
    """Whole runs, asked as the app asks; a trial with a limit is none."""
    info = one.info
    asked = info.state == "finished" and info.limit is None and ":" not in info.task
    return asked and info.quantization in ("nf4", "4bit") and one.column(arm, metric) is not None


def _of(one: Board, adapter: str | None) -> bool:
    return one.info.adapter_sha256 == adapter if adapter is not None else one.info.adapter == "nano-med"


def _alike(one: Board, own: Iterable[Board]) -> bool:
    """Whether these weights are an own run's, but for the pictures that they were trained on."""
    named = {(f"{board.info.adapter}{UNSEEN}", board.info.model_revision) for board in own}
    return (one.info.adapter, one.info.model_revision) in named


def _seen(one: Board, arm: Arm) -> bool:
    """Whether training has seen the run's pictures; it was none of the base's."""
    return arm == "tuned" and seen(one)


def _best(boards: Mapping[str, Board], domain: Domain, arm: Arm, metric: str, real: bool) -> tuple[str, Figure] | None:
    """The run with the most pictures of the domain: first among those that training has not seen, then the others."""
    found = []
    for name, one in boards.items():
        if one.info.real is not real:
            continue
        chosen = Selection(Side(name, arm), None, metric, domain)
        figure = overall(compared(boards, chosen)).first
        if figure.value is not None and figure.clusters >= FEWEST:
            found.append((not _seen(one, arm), figure.clusters, name, figure))
    return max(found, key=lambda row: row[:3])[2:] if found else None


def every_line(domains: Iterable[Domain], shelf: RunShelf) -> dict[tuple[Domain, QuestionKind], TrustLine]:
    """All lines at once, for a table."""
    return {(d, k): trust_line(d, k, shelf=shelf) for d in domains for k in METRICS}
