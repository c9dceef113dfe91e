"""Step-by-step reasoning from caption, question and answer, without the picture; the answer stands unchanged behind it.

As the report on LLaVA-NeXT did with 600 answers of LLaVA-Med's (its section 3.3).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from medvlm import exchanges
from medvlm.claims.statements import Exchange
from medvlm.metrics.strict import yes_no
from medvlm.teacher import Asked
from train.generate import faults, prompts, rules
from train.generate.faults import Fault
from train.generate.making import Outcome, Request
from train.generate.sources import Source

LEAST_WORDS = 8  # of all steps
_ANSWER = re.compile(r"^[*_#\s]*(?:final |so,? the |the )?answer(?: is)?\s*:?[*_\s]*(.*)$", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*]\s+|(?:step\s*)?\d{1,2}\s*[.:)]\s*)", re.IGNORECASE)
ANSWER = "Answer: "


@dataclass(frozen=True, slots=True)
class Reason:
    """One question with its answer a source; other sources are refused."""

    name: str = "reason"

    def refuse(self, due: Request) -> Fault | None:
        given = due.source.exchanges
        return None if len(given) == 1 and faults.tokens(given[0].answer) else "format"

    def asked(self, due: Request) -> Asked:
        talk = prompts.reasoning(due.source, due.source.exchanges[0])
        return Asked(talk, prompts.again(prompts.WRITING, due.attempt))

    def read(self, due: Request, reply: str) -> Outcome:
        steps, concluded = parts(reply)
        freed = [exchanges.freed(one) for one in steps]
        if None in freed:
            return "giveaway"
        return joined(due.source, [one for one in freed if one], concluded)

    def by_rules(self, due: Request) -> Outcome:
        return joined(due.source, rules.steps(due.source, due.source.exchanges[0]), "")


def each(sources: Iterable[Source]) -> Iterator[Source]:
    """A source for each exchange: every answer is reasoned for by itself."""
    for one in sources:
        for number, exchange in enumerate(one.exchanges, 1):
            name = one.id if len(one.exchanges) == 1 else f"{one.id}-{number}"
            yield replace(one, id=name, exchanges=(exchange,))


def parts(reply: str) -> tuple[list[str], str]:
    """The steps without their numbers, and the answer that the reply itself ends with, empty where it has none."""
    steps: list[str] = []
    concluded = ""
    for line in (line.strip() for line in reply.splitlines()):
        if found := _ANSWER.match(line):
            concluded = found[1].strip() or concluded
        elif line:
            steps.append(_BULLET.sub("", line).strip())
    return [one for one in steps if one], concluded


def joined(source: Source, steps: list[str], concluded: str) -> Outcome:
    """Steps and answer as one text, or what is wrong with the steps."""
    given, said = source.exchanges[0], " ".join(steps)
    if len(faults.tokens(said)) < LEAST_WORDS:
        return "too short"
    if concluded and differs(given, concluded):
        return "answer changed"
    known = " ".join((source.caption, *source.mentions))
    if faults.clash(given, Exchange("", said)):
        return "contradiction"
    if any(
        faults.against(truth, Exchange("", said), source.domain) == "contradiction" for truth in (given.answer, known)
    ):
        return "contradiction"
    return (Exchange(given.question, "\n".join([*steps, f"{ANSWER}{given.answer}"])),)


def differs(given: Exchange, concluded: str) -> bool:
    """Whether a reply ends with another answer than the one it was to explain."""
    ours, theirs = yes_no(given.answer), yes_no(concluded)
    if {ours, theirs} == {"yes", "no"}:
        return True
    return faults.clash(given, Exchange(given.question, concluded))
