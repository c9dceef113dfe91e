"""Which cases a reader gets, in which order, with which answer on which side: drawn once from the seed, then kept."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from medvlm.studies.design import Design, Showing, StudyCase

# A repeat comes this many cases after the first showing at least, where there are so many: nobody should remember it.
APART = 5


@dataclass(frozen=True, slots=True)
class Deck:
    """What a plan is made from. `given`: the candidates (ids) who answered each case.

    `load`: how many readers were planned for each case before; `readers`: how many the study has, this one included.
    """

    study: str
    design: Design
    cases: Sequence[StudyCase]
    given: Mapping[str, Sequence[str]]
    load: Mapping[str, int]
    readers: int


def plan(deck: Deck, reader: str) -> tuple[Showing, ...]:
    """All that one reader gets, in order: training cases as listed, then the others, with repeats among them.

    The same deck and reader give the same plan. Where the design sets how many readers a case shall have, the cases
    with fewest are handed out first, to everybody equally many.
    """
    rng = stream(deck.design.seed, deck.study, reader)
    chosen = _chosen(deck, rng)
    rng.shuffle(chosen)
    shown = [(case.id, 0, True) for case in deck.cases if case.training]
    shown += [(case, repeat, False) for case, repeat in _with_repeats(chosen, deck.design.repeats, rng)]
    return tuple(_showing(deck, place, *one, rng) for place, one in enumerate(shown))


def stream(seed: int, *names: str) -> random.Random:
    """Random numbers of one reader's (or one case's) own."""
    said = "\0".join((str(seed), *names))
    return random.Random(int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big"))


def pair_of(deck: Deck, case: str) -> tuple[str, str]:
    """The two candidates whose answers are shown of a case: the same for all readers, drawn where there are more."""
    pairs = list(combinations(sorted(deck.given[case]), 2))
    return pairs[stream(deck.design.seed, deck.study, "pair", case).randrange(len(pairs))]


def sides(first: str, second: str, seed: int) -> tuple[str, str]:
    """Who stands left and who right: the same for the same seed, each way equally often."""
    return (second, first) if random.Random(seed).random() < 0.5 else (first, second)


def _chosen(deck: Deck, rng: random.Random) -> list[str]:
    """The cases for one more reader."""
    cases = [case.id for case in deck.cases if not case.training]
    wanted = deck.design.readers_per_case
    if wanted is None:
        return cases
    share = min(len(cases), -(-wanted * len(cases) // deck.readers))
    return sorted(cases, key=lambda case: (deck.load.get(case, 0), rng.random()))[:share]


def _with_repeats(cases: Sequence[str], share: float, rng: random.Random) -> list[tuple[str, int]]:
    """(case, 0), and (case, 1) for those shown again, each APART or more cases later as far as there is room."""
    count = round(share * len(cases))
    early = cases[: max(count, len(cases) - APART)]
    again = set(rng.sample(early, count))
    order = [(case, 0) for case in cases]
    for case in (case for case in cases if case in again):
        lowest = min(order.index((case, 0)) + APART + 1, len(order))
        order.insert(rng.randint(lowest, len(order)), (case, 1))
    return order


def _showing(deck: Deck, position: int, case: str, repeat: int, training: bool, rng: random.Random) -> Showing:
    seed = rng.getrandbits(48)
    asked = rng.random() < deck.design.guesses and not training
    left, right = sides(*pair_of(deck, case), seed)
    return Showing(position, case, left, right, seed, repeat, training, asked)
