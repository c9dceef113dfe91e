"""Who asks about one picture: its truth, the draw of wordings, and how often each fact is asked."""

import random

from medvlm.phantoms import balance
from medvlm.phantoms.asking import Wordings
from medvlm.phantoms.balance import Frequencies
from medvlm.phantoms.truth import Question, QuestionKind, Truth

YES_NO = ("yes", "no")


class Asker:
    """What one picture can be asked: the truth, the draw of wordings, and the frequencies that keep answers even."""

    def __init__(self, truth: Truth, rng: random.Random, held_out: bool) -> None:
        self.truth = truth
        self.rng = rng
        self.held_out = held_out
        self.frequencies: Frequencies = balance.frequencies_for(truth)
        self.facts = balance.facts(truth)

    def say(self, wordings: Wordings, **words: str) -> str:
        return wordings.pick(self.rng, self.held_out, **words)

    def one_of(self, *sentences: str) -> str:
        return self.rng.choice(sentences)

    def yes_no(self, kind: QuestionKind, text: str, holds: bool, sentence: str, about: str | None = None) -> Question:
        return Question(kind, text, "yes" if holds else "no", sentence, True, YES_NO, about)

    def frequency(self, fact: str, value: str) -> float:
        return self.frequencies.get(fact, {}).get(value, 0.0)
