"""How the scores of what is compared are spread."""

from dataclasses import dataclass

import numpy as np

from medvlm.scoreboard.board import Codes, Values
from medvlm.scoreboard.sides import Compared


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How scores are spread over `edges` (bins + 1,): counts for each side. `share`: only 0 and 1, in two bins."""

    edges: Values
    first: Codes
    second: Codes | None
    share: bool = False


def histogram(found: Compared, bins: int = 20) -> Spread | None:
    """The scores of both sides in equal bins from 0 to the most (at least 1); None where there is no score."""
    first = found.first.values[found.first.scored & found.filter]
    second = _of_second(found)
    if not len(first):
        return None
    most = max(1.0, float(first.max()), float(second.max()) if len(second) else 0.0)
    if found.first.share:
        bins = 2
    edges = np.linspace(min(0.0, float(first.min())), most, bins + 1)
    counts = np.histogram(first, edges)[0]
    others = np.histogram(second, edges)[0] if found.second is not None else None
    return Spread(edges, counts, others, found.first.share)


def _of_second(found: Compared) -> Values:
    if found.second is None or found.other_filter is None:
        return np.array([])
    return found.second.values[found.second.scored & found.other_filter]
