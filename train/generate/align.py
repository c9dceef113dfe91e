"""Concept alignment: each picture with its caption, asked for briefly or in detail at the 30-word line (LLaVA-Med)."""

import random
from dataclasses import dataclass

from medvlm import exchanges
from medvlm.claims.statements import Exchange
from medvlm.teacher import Asked
from train.examples import BRIEF, BRIEF_WORDS, DETAILED
from train.generate import faults, prompts, rules
from train.generate.faults import Fault
from train.generate.making import Outcome, Request


@dataclass(frozen=True, slots=True)
class Align:
    """A teacher rewrites the caption without what no picture shows; the rules take it as it is, without its label."""

    seed: int
    name: str = "align"

    def refuse(self, due: Request) -> Fault | None:
        return None if faults.tokens(rules.caption(due.source)) else "too short"

    def asked(self, due: Request) -> Asked:
        return Asked(prompts.caption(due.source), prompts.again(prompts.EXACT, due.attempt))

    def read(self, due: Request, reply: str) -> Outcome:
        text = exchanges.freed(" ".join(reply.split()))
        if text is None:
            return "giveaway"
        known = f"{due.source.caption} {' '.join(due.source.mentions)}"
        wrong = faults.against(known, Exchange("", text), due.source.domain)
        return wrong or (Exchange(instruction(text, due.source.id, self.seed), text),)

    def by_rules(self, due: Request) -> Outcome:
        text = rules.caption(due.source)
        return (Exchange(instruction(text, due.source.id, self.seed), text),)


def instruction(caption: str, name: str, seed: int) -> str:
    """One of many wordings: brief for captions of fewer than 30 words, in detail for others."""
    wordings = BRIEF if len(caption.split()) < BRIEF_WORDS else DETAILED
    return random.Random(f"{seed}:{name}").choice(wordings)
