"""Which dialogues are good enough to learn from: by rules, and by a judge that reads them beside the material."""

from dataclasses import dataclass, field

from medvlm.claims.contradictions import among
from medvlm.judging.verdicts import Unparsed, one_score
from medvlm.teacher import Asked
from train.generate import faults, prompts
from train.generate.faults import Fault
from train.generate.making import Outcome, Request
from train.generate.sources import Source

COPIED = 0.6  # share of an answer's runs of eight words that may stand in the material
OWN_WORDS = 40  # of a dialogue from which on it must be its picture's own
LONG = 16  # words of an answer from which on copying is looked for


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps dialogues as they are. `least`: points of ten that the judge must give; by rules, nobody judges."""

    least: float
    name: str = "filter"
    _seen: dict[str, str] = field(default_factory=dict)

    def refuse(self, due: Request) -> Fault | None:
        """What rules find, before a judge is asked."""
        return _badly_said(due.source) or _untrue(due.source) or self._again(due.source)

    def asked(self, due: Request) -> Asked:
        return Asked(prompts.judging(due.source), prompts.again(prompts.EXACT, due.attempt))

    def read(self, due: Request, reply: str) -> Outcome:
        verdict = one_score(reply, 0, 10)
        if isinstance(verdict, Unparsed):
            return "format"
        return due.source.exchanges if verdict.value >= self.least else "score"

    def by_rules(self, due: Request) -> Outcome:
        return due.source.exchanges

    def _again(self, source: Source) -> Fault | None:
        """A long dialogue that fits two captions fits neither; captions themselves may be alike."""
        said = prompts.numbered(source.exchanges).lower()
        if source.kind == "caption" or len(faults.tokens(said)) < OWN_WORDS:
            return None
        return None if self._seen.setdefault(said, source.caption) == source.caption else "duplicate"


def _badly_said(source: Source) -> Fault | None:
    said = prompts.numbered(source.exchanges)
    if not all(faults.tokens(part) for one in source.exchanges for part in (one.question, one.answer)):
        return "empty"
    if source.kind != "caption" and faults.gives_away(source.exchanges):
        return "giveaway"
    if faults.circles(said):
        return "repeats"
    if not faults.english(said):
        return "language"
    return "copied" if _copied(source) else None


def _copied(source: Source) -> bool:
    """A caption or a description may follow the caption; nothing may follow the paper's text word for word."""
    material = list(source.mentions)
    if source.kind in ("conversation", "reasoning"):
        material.append(source.caption)
    long = [one.answer for one in source.exchanges if len(faults.tokens(one.answer)) >= LONG]
    return any(faults.copied(answer, "\n".join(material)) > COPIED for answer in long)


def _untrue(source: Source) -> Fault | None:
    known = " ".join((source.caption, *source.mentions))
    if any(among([(None, one) for one in source.exchanges])):
        return "contradiction"
    if source.kind == "caption" or not known.strip():
        return None
    return next((wrong for one in source.exchanges if (wrong := faults.against(known, one, source.domain))), None)
