"""What one gets without looking: the majority answer, and the answer that training gave to the like-worded question."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from eval.nano.tasks import Case
from medvlm import datasets
from medvlm.metrics.text import normalised, words
from medvlm.phantoms import draw
from medvlm.phantoms.writer import write
from medvlm.types import DOMAINS


@dataclass(frozen=True, slots=True)
class Seen:
    """A question that was trained on, with its answer; `closed` as in the data set."""

    question: str
    answer: str
    closed: bool


def vqa_rad(without: frozenset[str] = frozenset()) -> list[Seen]:
    """VQA-RAD's training rows, without those of some pictures."""
    samples = datasets.without(datasets.vqa_rad("train"), without)
    return [Seen(s.question, s.reference, s.closed) for s in samples]


@cache
def phantoms(each: int) -> tuple[Seen, ...]:
    """What training's phantoms are asked, in the test's wordings, which is more than training ever shows."""
    truths = [draw(domain, seed, "train").truth for domain in DOMAINS for seed in range(each)]
    asked = [question for seed, truth in enumerate(truths) for question in write(truth, seed, True).questions]
    return tuple(Seen(q.text, q.short, q.closed) for q in asked)


def majority(cases: Iterable[Case], seen: Sequence[Seen]) -> dict[str, str]:
    """Case -> the most frequent training answer to closed questions, or to open ones."""
    common = {kind: Counter(normalised(s.answer) for s in seen if s.closed == kind) for kind in (True, False)}
    best = {kind: _first(counts) for kind, counts in common.items()}
    return {case.item.id: best[case.closed] for case in cases}


def question_only(cases: Iterable[Case], seen: Sequence[Seen]) -> dict[str, str]:
    """Case -> the most frequent training answer to the same words, or else to the question that shares most of them.

    Nearness is the share of common words among all words of both (Jaccard); of several nearest, all answers vote.
    """
    answers: dict[str, Counter[str]] = {}
    for one in seen:
        answers.setdefault(normalised(one.question), Counter())[normalised(one.answer)] += 1
    bags = {question: frozenset(question.split()) for question in answers}
    return {case.item.id: _voted(case.item.question, answers, bags) for case in cases}


def _voted(question: str, answers: dict[str, Counter[str]], bags: dict[str, frozenset[str]]) -> str:
    same = answers.get(normalised(question))
    if same:
        return _first(same)
    asked = frozenset(words(question))
    nearness = {other: len(asked & bag) / (len(asked | bag) or 1) for other, bag in bags.items()}
    nearest = max(nearness.values(), default=0.0)
    votes: Counter[str] = Counter()
    for other, value in nearness.items():
        if value == nearest:
            votes += answers[other]
    return _first(votes)


def _first(counts: Counter[str]) -> str:
    """The most frequent; of equally frequent ones the first in the alphabet. Empty where there is none."""
    return min(counts, key=lambda answer: (-counts[answer], answer), default="")
