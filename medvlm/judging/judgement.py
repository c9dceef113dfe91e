"""One case put to one judge: asked again once where its reply says nothing plainly, every reply kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev

from medvlm.judging.rubrics import JudgeCase, Rubric
from medvlm.judging.verdicts import Choice, OneScore, Preferred, Unparsed, Verdict
from medvlm.types import Conversation, Decoding

# Puts a conversation to a judge (any ChatModel) and returns its whole reply.
Ask = Callable[[Conversation, Decoding], str]
TRIES = 2
SWAPPED: dict[Choice, Choice] = {"first": "second", "second": "first", "tie": "tie", "neither": "neither"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with every raw reply that it took, in order."""

    verdict: Verdict
    replies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BothOrders:
    """A pair judged twice. `choice`: the common verdict; "tie" where the orders disagree; None if one is unparsed."""

    forward: Judgement
    backward: Judgement

    @property
    def consistent(self) -> bool | None:
        """Whether both orders prefer the same answer; None where one of them says nothing."""
        first, second = self._choices()
        return None if first is None or second is None else first == second

    @property
    def choice(self) -> Choice | None:
        first, second = self._choices()
        return None if first is None or second is None else first if first == second else "tie"

    def _choices(self) -> tuple[Choice | None, Choice | None]:
        """What each order chose, in the terms of the forward one."""
        forward, backward = self.forward.verdict, self.backward.verdict
        return (
            forward.choice if isinstance(forward, Preferred) else None,
            SWAPPED[backward.choice] if isinstance(backward, Preferred) else None,
        )


@dataclass(frozen=True, slots=True)
class Pooled:
    """Several judges' scores of one answer. `deviation` is the sample standard deviation, None for fewer than two."""

    n: int
    mean: float | None
    deviation: float | None
    unparsed: int


def judged(rubric: Rubric, case: JudgeCase, ask: Ask) -> Judgement:
    """The judge's verdict. A reply that is unparsed is asked for once more; a second one is final."""
    conversation = rubric.conversation(case)
    replies: list[str] = []
    verdict: Verdict = Unparsed("never asked")
    while len(replies) < TRIES and isinstance(verdict, Unparsed):
        # A judge that decodes greedily would say the same again: the seed tells the tries apart where it matters.
        replies.append(ask(conversation, replace(rubric.decoding, seed=rubric.decoding.seed + len(replies))))
        verdict = rubric.parse(replies[-1])
    return Judgement(verdict, tuple(replies))


def judged_both_orders(rubric: Rubric, case: JudgeCase, ask: Ask) -> BothOrders:
    """A pair put to the judge as it is and with the two answers swapped."""
    swapped = replace(case, answer=case.other, other=case.answer)
    return BothOrders(judged(rubric, case, ask), judged(rubric, swapped, ask))


def pooled(verdicts: Sequence[Verdict]) -> Pooled:
    """Mean and deviation of several judges' scores; what is no score is counted and left out."""
    values = [verdict.value for verdict in verdicts if isinstance(verdict, OneScore)]
    return Pooled(
        len(values),
        mean(values) if values else None,
        stdev(values) if len(values) > 1 else None,
        len(verdicts) - len(values),
    )
