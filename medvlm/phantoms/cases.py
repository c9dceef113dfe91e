"""Which findings a phantom gets: drawn fairly, with combinations and ranges that training never sees."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from medvlm.phantoms.truth import Phantom, Side, Split

NORMAL_SHARE = 0.4
SECOND_SHARE = 0.2
HELD_OUT_SHARE = 0.5
_STREAM = {"cxr": 1, "ct": 2, "mri": 3, "histology": 4, "gross": 5, "train": 101, "test": 102}


@dataclass(frozen=True, slots=True)
class Choices:
    """Where a finding may lie: patient's sides and places, all combinations; how many there may be of it."""

    sides: tuple[Side | None, ...] = (None,)
    places: tuple[str | None, ...] = (None,)
    most: int = 1


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What "train" never draws: (finding, side, place), and parts of the 0..1 range of a finding's size or contrast."""

    combinations: frozenset[tuple[str, Side | None, str | None]]
    sizes: Mapping[str, tuple[float, float]]
    contrasts: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Plan:
    """One finding to draw. `size` and `contrast` are 0 (least) to 1 (most) of what is drawn of it."""

    name: str
    side: Side | None
    place: str | None
    size: float
    contrast: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class Streams:
    """Independent random numbers, so that a finding left out leaves everything else as it was."""

    case: np.random.Generator
    anatomy: np.random.Generator
    finding: np.random.Generator
    noise: np.random.Generator


def streams(domain: str, seed: int, split: Split) -> Streams:
    """The four streams of phantom `seed`; "train" and "test" share none. Raises ValueError for a negative seed."""
    if seed < 0:
        raise ValueError(f"A phantom's seed is 0 or more, not {seed}.")
    parts = np.random.SeedSequence([_STREAM[domain], _STREAM[split], seed]).spawn(4)
    return Streams(*(np.random.Generator(np.random.PCG64(part)) for part in parts))


def with_or_without(draw: Callable[[int, Split, bool], Phantom], seed: int, split: Split, suppressed: bool) -> Phantom:
    """Phantom `seed` of `draw(seed, split, ill)`; `suppressed` leaves the findings out of the pixels, not of the truth:
    the same picture of the same person without them."""
    phantom = draw(seed, split, True)
    return replace(draw(seed, split, False), truth=phantom.truth) if suppressed else phantom


def plan(
    rng: np.random.Generator, choices: Mapping[str, Choices], held: HeldOut, split: Split
) -> tuple[tuple[Plan, ...], bool]:
    """Findings for one picture (none in `NORMAL_SHARE`, two in `SECOND_SHARE` of the others), and whether one of them
    is held out. The chance of a finding doesn't depend on the split, nor its side on its name."""
    if rng.random() < NORMAL_SHARE:
        return (), False
    names = [str(name) for name in rng.permutation(list(choices))]
    wanted = names[: 2 if rng.random() < SECOND_SHARE and len(names) > 1 else 1]
    kept_back = split == "test" and rng.random() < HELD_OUT_SHARE
    if kept_back:
        wanted = _with_held_out(names, wanted, choices, held)
    plans = [_one(rng, name, choices[name], held, kept_back and i == 0) for i, name in enumerate(wanted)]
    return tuple(plans), any(is_held_out(one, held) for one in plans)


def is_held_out(one: Plan, held: HeldOut) -> bool:
    """Whether training must never see this plan."""
    if (one.name, one.side, one.place) in held.combinations:
        return True
    return _within(one.size, held.sizes.get(one.name)) or _within(one.contrast, held.contrasts.get(one.name))


def _within(value: float, part: tuple[float, float] | None) -> bool:
    return part is not None and part[0] <= value <= part[1]


def _with_held_out(names: list[str], wanted: list[str], choices: Mapping[str, Choices], held: HeldOut) -> list[str]:
    """`wanted`, led by a finding of which something is held out in this view."""
    able = [name for name in (*wanted, *names) if _held_combinations(name, choices[name], held) or _ranges(name, held)]
    if not able:
        return wanted
    return [able[0], *(name for name in wanted if name != able[0])][: len(wanted)]


def _held_combinations(name: str, choice: Choices, held: HeldOut) -> list[tuple[Side | None, str | None]]:
    pairs = [(side, place) for side in choice.sides for place in choice.places]
    return [pair for pair in pairs if (name, *pair) in held.combinations]


def _ranges(name: str, held: HeldOut) -> list[str]:
    return [kind for kind, table in (("size", held.sizes), ("contrast", held.contrasts)) if name in table]


def _one(rng: np.random.Generator, name: str, choice: Choices, held: HeldOut, kept_back: bool) -> Plan:
    side = choice.sides[int(rng.integers(len(choice.sides)))]
    free = [place for place in choice.places if (name, side, place) not in held.combinations]
    place = free[int(rng.integers(len(free)))]
    values = {
        "size": _outside(rng, held.sizes.get(name)),
        "contrast": _outside(rng, held.contrasts.get(name)),
    }
    count = 1 if choice.most == 1 or rng.random() < 0.45 else int(rng.integers(2, choice.most + 1))
    if kept_back:
        pairs = _held_combinations(name, choice, held)
        kinds = (["place"] if pairs else []) + _ranges(name, held)
        kind = kinds[int(rng.integers(len(kinds)))] if kinds else ""
        if kind == "place":
            side, place = pairs[int(rng.integers(len(pairs)))]
        elif kind:
            low, high = (held.sizes if kind == "size" else held.contrasts)[name]
            values[kind] = float(rng.uniform(low, high))
    return Plan(name, side, place, values["size"], values["contrast"], count)


def _outside(rng: np.random.Generator, part: tuple[float, float] | None) -> float:
    """Uniform in 0..1 without `part`."""
    if part is None:
        return float(rng.random())
    value = float(rng.random()) * (1 - (part[1] - part[0]))
    return value if value < part[0] else min(1.0, value + 1e-6 + part[1] - part[0])


def where(centre: tuple[float, float] | None) -> str:
    """In which part of the picture (row, column) fractions lie, as seen: "upper left", "middle", "lower right"."""
    if centre is None:
        return "middle"
    down = "upper" if centre[0] < 0.4 else "lower" if centre[0] > 0.6 else ""
    across = "left" if centre[1] < 0.42 else "right" if centre[1] > 0.58 else ""
    return f"{down} {across}".strip() or "middle"
