"""Pictures with known truth, drawn by seed: pixels with physical units, and what they show."""

from importlib import import_module

from medvlm.phantoms.truth import Phantom, Split
from medvlm.types import Domain

# The module that draws each domain; each has draw(seed: int, split: Split) -> Phantom.
DRAWERS: dict[Domain, str] = {
    "cxr": "medvlm.phantoms.cxr",
    "ct": "medvlm.phantoms.ct",
    "mri": "medvlm.phantoms.mri",
    "histology": "medvlm.phantoms.histology",
    "gross": "medvlm.phantoms.gross",
}


def draw(domain: Domain, seed: int, split: Split = "train") -> Phantom:
    """The phantom number `seed` of `domain`: the same bytes on every call and every machine.

    "train" never draws the combinations and ranges that are held out; "test" draws other pictures for the same seed,
    half of those with findings from what is held out. Raises ValueError for a domain without phantoms.
    """
    if domain not in DRAWERS:
        raise ValueError(f"There are no phantoms of {domain!r}; choose one of {', '.join(DRAWERS)}.")
    drawn: Phantom = import_module(DRAWERS[domain]).draw(seed, split)
    return drawn
