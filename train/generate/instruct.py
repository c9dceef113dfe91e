"""Self-instruct: dialogues about a picture from its caption and what a paper says of it (LLaVA-Med, section 3)."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace

from medvlm import exchanges
from medvlm.claims.statements import Exchange
from medvlm.teacher import Asked
from train.examples import DETAILED
from train.generate import faults, prompts, rules
from train.generate.faults import Fault
from train.generate.making import Outcome, Request

LEAST = 2  # exchanges of a conversation
LEAST_WORDS = 12  # of a detailed description
SAME_WORDS = 3  # an answer of fewer may answer several questions
KNOWN_WORDS = 4  # that must be known of a picture before anybody can talk about it


@dataclass(frozen=True, slots=True)
class Instruct:
    """Conversations of `turns` questions, and detailed descriptions. `cut`: how many texts lost a phrase that gave
    away where they came from."""

    turns: int
    seed: int
    name: str = "instruct"
    cut: Counter[str] = field(default_factory=Counter)

    def refuse(self, due: Request) -> Fault | None:
        known = faults.tokens(" ".join((rules.caption(due.source), *due.source.mentions)))
        return None if len(known) >= KNOWN_WORDS else "too short"

    def asked(self, due: Request) -> Asked:
        source = replace(due.source, caption=rules.caption(due.source))
        if due.kind == "conversation":
            talk = prompts.conversation(source, self.turns)
        else:
            talk = prompts.description(source, self.question(due))
        return Asked(talk, prompts.again(prompts.WRITING, due.attempt))

    def question(self, due: Request) -> str:
        """What a detailed description answers; always the same for one source."""
        return random.Random(f"{self.seed}:{due.source.id}").choice(DETAILED)

    def read(self, due: Request, reply: str) -> Outcome:
        if due.kind != "conversation":
            return self._described(due, " ".join(reply.split()))
        found = exchanges.read(reply)
        if not found:
            return "format"
        if any(faults.alike(f"{one.question} {one.answer}", prompts.EXAMPLE_WORDS) for one in found):
            return "example"
        clean = [one for one in map(self._freed, found) if one is not None]
        once = different(clean)[: self.turns]
        if len(once) >= LEAST:
            return once
        return "repeats" if len(once) < len(clean) else "giveaway" if len(clean) < len(found) else "too short"

    def _described(self, due: Request, reply: str) -> Outcome:
        answer = self._cut(reply)
        if answer is None:
            return "giveaway"
        if len(faults.tokens(answer)) < LEAST_WORDS:
            return "too short"
        return (Exchange(self.question(due), answer),)

    def _freed(self, one: Exchange) -> Exchange | None:
        question, answer = self._cut(one.question), self._cut(one.answer)
        return Exchange(question, answer) if question and answer else None

    def _cut(self, text: str) -> str | None:
        made = exchanges.freed(text)
        self.cut["phrases"] += made is not None and made.lower() != text.strip().lower()
        return made

    def by_rules(self, due: Request) -> Outcome:
        if due.kind != "conversation":
            return self._described(due, rules.description(due.source))
        made = [one for one in map(self._freed, rules.conversation(due.source, self.turns)) if one is not None]
        return tuple(made) if len(made) >= LEAST else "too short"


def different(said: list[Exchange]) -> tuple[Exchange, ...]:
    """Exchanges without those that ask again, or that answer another question in the very words of an earlier answer;
    "yes" and the like may come again."""
    kept: dict[str, Exchange] = {}
    answers: set[tuple[str, ...]] = set()
    for one in said:
        words = tuple(faults.tokens(one.answer))
        if one.question.lower() not in kept and (len(words) < SAME_WORDS or words not in answers):
            kept[one.question.lower()] = one
            answers.add(words)
    return tuple(kept.values())
