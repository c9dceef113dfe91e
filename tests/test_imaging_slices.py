"""Stacks of slices are indexed, cut and copied alike, whatever makes their slices."""

import copy
import pickle
from collections.abc import Sequence

import numpy as np
import pytest

from medvlm.imaging.lazy import LazySlices
from medvlm.imaging.volume_slices import VolumeSlices
from medvlm.types import Pixels

VOLUME = np.arange(5 * 2 * 3, dtype=np.int16).reshape(5, 2, 3)
STACKS = {
    "decoded when looked at": lambda: LazySlices([one.copy for one in VOLUME]),
    "of a volume": lambda: VolumeSlices(VOLUME, VOLUME.dtype),
}


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> Sequence[Pixels]:
    made: Sequence[Pixels] = STACKS[request.param]()
    return made


def test_slices_are_counted_from_both_ends_and_end_where_they_end(stack: Sequence[Pixels]) -> None:
    assert len(stack) == 5 and (np.stack(list(stack)) == VOLUME).all()
    assert (stack[-1] == VOLUME[4]).all() and (stack[np.int64(2)] == VOLUME[2]).all()
    for outside in (5, -6):
        with pytest.raises(IndexError):
            stack[outside]


def test_a_part_is_a_tuple_of_its_slices(stack: Sequence[Pixels]) -> None:
    part = stack[3:0:-2]
    assert isinstance(part, tuple) and (np.stack(part) == VOLUME[3:0:-2]).all()
    assert stack[4:2] == ()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_only_pixels_travel(stack: Sequence[Pixels], copied: "object") -> None:
    arrived = copied(stack)  # type: ignore[operator]
    assert type(arrived) is tuple and (np.stack(arrived) == VOLUME).all()
