"""Slices that are decoded when somebody looks at them, once, and let their files go."""

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

from medvlm.imaging.lazy import LazySlices


def test_a_slice_is_decoded_when_it_is_looked_at_and_its_file_let_go() -> None:
    calls: list[int] = []
    held = [np.zeros(3) for _ in range(4)]

    def source(index: int, array: Any) -> Any:
        return lambda: calls.append(index) or array

    slices = LazySlices([source(n, array) for n, array in enumerate(held)])
    watched = [weakref.ref(array) for array in held]
    assert slices.ready == 0 and slices[2] is slices[2] and calls == [2] and slices.ready == 1
    assert [one.shape for one in slices[1:3]] == [(3,), (3,)] and calls == [2, 1]
    with pytest.raises(IndexError):
        slices[4]
    slices.load(first=3)
    assert slices.wait(20) and slices.ready == 4 and sorted(calls) == [0, 1, 2, 3]
    held.clear()
    del slices
    gc.collect()
    assert [one() for one in watched] == [None] * 4


def test_the_background_stops_when_nobody_holds_the_slices() -> None:
    go, calls = threading.Event(), []

    def source() -> Any:
        calls.append(1)
        go.wait(20)
        return np.zeros(2)

    slices = LazySlices([source] * 50)
    slices.load()
    filler = slices._filler
    del slices
    go.set()
    assert filler is not None
    filler.join(20)
    assert not filler.is_alive() and len(calls) <= 2
