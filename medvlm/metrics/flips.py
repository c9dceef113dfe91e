"""Which items change when another way of scoring is taken, and what that does to the score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from medvlm.metrics.profiles import Item, Metric

# "scored" and "unscored": the second can score what the first could not, or the other way round.
Direction = Literal["up", "down", "scored", "unscored"]


@dataclass(frozen=True, slots=True)
class Flip:
    """One item whose score differs between two metrics, with what was said."""

    id: str
    answer: str
    reference: str
    first: float | None
    second: float | None

    @property
    def direction(self) -> Direction:
        if self.first is None:
            return "scored"
        if self.second is None:
            return "unscored"
        return "up" if self.second > self.first else "down"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two metrics on the same items. Means are over what each could score; `both` counts what both could.

    `effect` is second minus first over those, so that it comes from flips alone and never from what is left out.
    """

    first: str
    second: str
    n: int
    both: int
    unscored_first: int
    unscored_second: int
    mean_first: float | None
    mean_second: float | None
    effect: float | None
    flips: tuple[Flip, ...]

    def counted(self) -> dict[Direction, int]:
        """How many flips go which way."""
        made: dict[Direction, int] = {"up": 0, "down": 0, "scored": 0, "unscored": 0}
        for flip in self.flips:
            made[flip.direction] += 1
        return made


def compare(items: Mapping[str, Item], first: Metric, second: Metric) -> Comparison:
    """Both metrics on every item that both are for, by id; flips in the order of the items."""
    shared = {name: item for name, item in items.items() if first.scores(item) and second.scores(item)}
    scores = {name: (first.score(item), second.score(item)) for name, item in shared.items()}
    flips = tuple(Flip(n, shared[n].answer, shared[n].reference, a, b) for n, (a, b) in scores.items() if a != b)
    firsts = [a for a, _ in scores.values() if a is not None]
    seconds = [b for _, b in scores.values() if b is not None]
    changes = [b - a for a, b in scores.values() if a is not None and b is not None]
    return Comparison(
        first.name,
        second.name,
        len(shared),
        len(changes),
        len(shared) - len(firsts),
        len(shared) - len(seconds),
        _mean(firsts),
        _mean(seconds),
        _mean(changes),
        flips,
    )


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
