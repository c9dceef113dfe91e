"""Pixels go to the page that opened them, and to nobody else."""

import copy
import gc
import struct

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.page.handout import Handout, Holder, Refused, packed
from medvlm.types import Scan

KEY, OTHER = "k" * 32, "o" * 32


def a_scan(value: int = 0, slices: int = 2) -> Scan:
    pixels = tuple(np.full((3, 5), value + n, np.int16) for n in range(slices))
    return Scan(pixels, "ct", "file", "0" * 64, "a.dcm")


def opened(handout: Handout, key: str = KEY) -> Holder:
    holder = handout.holder()
    holder.bind(key)
    return holder


def test_a_slice_is_a_header_and_its_numbers() -> None:
    pixels = np.arange(15, dtype=np.int16).reshape(3, 5) - 7
    data = packed(pixels)
    assert struct.unpack_from("<4sBBxxII", data) == (b"MVPX", 1, 1, 5, 3)
    assert np.array_equal(np.frombuffer(data, "<i2", offset=16).reshape(3, 5), pixels)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        *(
            ("u1", "u1"),
            ("i1", "i2"),
            ("i2", "i2"),
            ("u2", "u2"),
            ("i4", "i4"),
            ("u4", "u4"),
            ("i8", "f8"),
            ("u8", "f8"),
        ),
        *((">i2", "i2"), (">f4", "f4"), ("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("?", "u1")),
    ],
)
def test_every_kind_of_number_arrives(kind: str, sent: str) -> None:
    pixels = np.array([[0, 1], [1, 0]]).astype(kind)
    data = packed(pixels)
    assert np.array_equal(np.frombuffer(data, "<" + sent, offset=16).reshape(2, 2), pixels)


def test_colours_are_three_samples() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    data = packed(pixels)
    assert struct.unpack_from("<4sBBxxII", data) == (b"MVPX", 0, 3, 4, 2)
    assert data[16:] == pixels.tobytes()


def test_rows_that_are_apart_in_memory_arrive_in_order() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6)[::2, ::-1]
    assert np.array_equal(np.frombuffer(packed(pixels), "<u2", offset=16).reshape(2, 6), pixels)


def test_the_page_that_said_its_key_gets_its_slices() -> None:
    handout = Handout()
    holder = opened(handout)
    token = holder.offer(a_scan(7))
    assert np.frombuffer(handout.take(token, KEY, 1), "<i2", offset=16)[0] == 8


def test_a_scan_keeps_its_token_and_two_scans_have_two() -> None:
    holder = opened(Handout())
    scan = a_scan()
    assert holder.offer(scan) == holder.offer(scan) == holder.offer(scan.as_domain("mri", "user"))
    assert holder.offer(a_scan()) != holder.offer(scan)
    assert len(holder.offer(scan)) == 32


def test_a_stolen_token_gives_nothing() -> None:
    handout = Handout()
    victim, thief = opened(handout), opened(handout, OTHER)
    token = victim.offer(a_scan())
    thief.offer(a_scan())
    for key in (OTHER, "", KEY[:-1], KEY + "k", "\N{SNOWMAN}" * 24):
        with pytest.raises(Refused):
            handout.take(token, key, 0)
    with pytest.raises(Refused):
        thief.scan(token)


def test_a_session_that_has_said_no_key_gives_nothing() -> None:
    handout = Handout()
    holder = handout.holder()
    token = holder.offer(a_scan())
    for key in ("", KEY):
        with pytest.raises(Refused):
            handout.take(token, key, 0)


def test_a_stolen_session_cannot_be_bound_again() -> None:
    handout = Handout()
    holder = opened(handout)
    token = holder.offer(a_scan())
    with pytest.raises(UserError, match="Another page"):
        holder.bind(OTHER)
    holder.bind(KEY)
    with pytest.raises(Refused):
        handout.take(token, OTHER, 0)
    assert handout.take(token, KEY, 0)


def test_a_replayed_token_gives_nothing_once_the_scan_is_closed() -> None:
    handout = Handout()
    holder = opened(handout)
    first, second = a_scan(), a_scan()
    old, kept = holder.offer(first), holder.offer(second)
    holder.keep(second)
    assert handout.take(kept, KEY, 0)
    with pytest.raises(Refused):
        handout.take(old, KEY, 0)
    assert holder.offer(first) != old


def test_tokens_end_with_their_session() -> None:
    handout = Handout()
    holder = opened(handout)
    token = holder.offer(a_scan())
    del holder
    gc.collect()
    with pytest.raises(Refused):
        handout.take(token, KEY, 0)


@pytest.mark.parametrize("index", [-1, 2, 10**9])
def test_a_slice_that_is_not_there_is_refused_as_everything_else(index: int) -> None:
    handout = Handout()
    holder = opened(handout)
    token = holder.offer(a_scan())
    assert handout.take(token, KEY, 0)
    with pytest.raises(Refused):
        handout.take(token, KEY, index)


@pytest.mark.parametrize("key", ["", "short", "x" * 129])
def test_a_key_that_could_be_guessed_or_is_endless_is_refused(key: str) -> None:
    with pytest.raises(UserError, match=str(len(key))):
        Handout().holder().bind(key)


def test_a_copy_is_another_session() -> None:
    handout = Handout()
    holder = opened(handout)
    token = holder.offer(a_scan())
    copied = copy.deepcopy(holder)
    with pytest.raises(Refused):
        copied.scan(token)
    copied.bind(OTHER)
    with pytest.raises(Refused):
        handout.take(token, OTHER, 0)
