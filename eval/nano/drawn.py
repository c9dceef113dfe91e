"""What a drawn picture shows, by the name that runs have for it ("phantom:DOMAIN:SEED", of the test split)."""

import random

from medvlm.phantoms import captions, draw
from medvlm.phantoms.truth import Phantom, Truth
from medvlm.types import DOMAINS


def phantom(name: str) -> Phantom:
    _, domain, seed = name.split(":")
    return draw(next(one for one in DOMAINS if one == domain), int(seed), "test")


def truth_of(name: str) -> Truth:
    return phantom(name).truth


def caption_of(name: str) -> str:
    """The detailed caption: all that the picture shows."""
    return captions.detailed(truth_of(name), random.Random(name))
