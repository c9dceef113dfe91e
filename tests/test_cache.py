"""What is kept between questions: within budget, of the right conversation, and never of a forgotten one."""

from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from medvlm.engine.cache import GrowingLayer, KeyValues, PrefixCache, Recent, common
from medvlm.engine.sights import Pictures, digest
from medvlm.imaging.lazy import LazySlices
from medvlm.types import Scan
from tests.tiny_models import picture  # noqa: F401  (imports the tensor libraries once for all)


def states(length: int, begin: int = 0) -> torch.Tensor:
    return torch.arange(begin, begin + length, dtype=torch.float32)[None, None, :, None].expand(1, 2, length, 4)


def test_a_growing_layer_returns_all_that_was_written() -> None:
    layer = GrowingLayer()
    for begin, length in ((0, 200), (200, 1), (201, 300)):
        keys, values = layer.update(states(length, begin), -states(length, begin))
        assert torch.equal(keys, states(begin + length)) and torch.equal(values, -states(begin + length))
    assert layer.get_seq_length() == 501


def test_what_was_cut_off_is_overwritten() -> None:
    layer = GrowingLayer()
    layer.update(states(100), states(100))
    layer.keep(40)
    keys, _ = layer.update(states(5, 900), states(5, 900))
    assert torch.equal(keys, torch.cat([states(40), states(5, 900)], dim=2))


def test_rows_of_several_parts_grow_side_by_side_and_leave_in_place() -> None:
    layer, rows = GrowingLayer(), [states(n, begin) for n, begin in ((3, 0), (3, 10), (2, 20), (2, 30))]
    first, second = torch.cat(rows[:2]), torch.cat(rows[2:])
    layer.fill([(first, -first), (second, -second)], 3, 5)
    assert torch.equal(layer.keys[:2], first) and torch.equal(layer.values[2:, :, 1:], -second)
    assert not layer.keys[2:, :, 0].any(), "the shorter rows stand at the end, and what is left is finite"
    layer.only([3, 1])
    new = torch.full((2, 2, 1, 4), 7.0)
    keys, values = layer.update(new, -new)
    assert torch.equal(keys[:, :, 1:3], torch.cat([rows[3], rows[1][:, :, 1:]]))
    assert torch.equal(keys[:, :, 3:], new) and torch.equal(values, -keys)


def test_the_longest_unused_goes_first() -> None:
    kept: Recent[str, int] = Recent(10, lambda value: value)
    kept.put("a", 4)
    kept.put("b", 4)
    assert kept.get("a") == 4
    kept.put("c", 4)
    assert kept.get("b") is None and kept.get("a") == 4 and kept.get("c") == 4
    kept.put("huge", 11)
    assert kept.get("huge") is None and kept.nbytes <= 10


def written(cache: PrefixCache, marks: list[int], conversation: str = "x") -> KeyValues:
    key_values, kept = cache.take(conversation, "base", marks)
    key_values.update(states(len(marks) - kept), states(len(marks) - kept), 0)
    cache.put(conversation, "base", marks, key_values)
    return key_values


def test_only_whole_blocks_of_the_same_beginning_are_used_again() -> None:
    cache = PrefixCache(1, 8, 1 << 20)
    written(cache, list(range(30)))
    assert cache.take("x", "tuned", list(range(30)))[1] == 0, "another arm has other numbers"
    assert cache.take("y", "base", list(range(30)))[1] == 0, "another person's conversation is not looked at"
    assert cache.take("x", "base", [*range(20), 99, 98, 97])[1] == 16
    written(cache, list(range(32)))
    assert cache.take("x", "base", list(range(32)))[1] == 24, "something is always left to compute"


def test_what_was_taken_is_gone_until_it_is_put_back() -> None:
    cache = PrefixCache(1, 8, 1 << 20)
    written(cache, list(range(30)))
    cache.take("x", "base", list(range(30)))
    assert cache.take("x", "base", list(range(30)))[1] == 0


def test_a_conversation_forgotten_while_it_is_answered_is_not_kept() -> None:
    cache = PrefixCache(1, 8, 1 << 20)
    key_values, _ = cache.take("x", "base", range(30))
    key_values.update(states(30), states(30), 0)
    cache.forget("x")
    cache.put("x", "base", range(30), key_values)
    assert len(cache) == 0
    written(cache, list(range(30)))
    assert len(cache) == 1
    cache.forget("x")
    assert len(cache) == 0 and cache.nbytes == 0


def test_a_prompt_that_was_stopped_half_way_is_kept_half_way() -> None:
    cache = PrefixCache(1, 8, 1 << 20)
    key_values, _ = cache.take("x", "base", range(100))
    key_values.update(states(17), states(17), 0)
    cache.put("x", "base", range(100), key_values)
    assert cache.take("x", "base", range(100))[1] == 16


def test_kept_prefixes_stay_within_the_budget() -> None:
    one = 2 * 256 * 2 * 4 * 4  # keys and values, 256 places, 2 heads of 4 numbers of 4 bytes
    cache = PrefixCache(1, 8, 3 * one)
    for person in "abcdef":
        written(cache, list(range(30)), person)
        assert cache.nbytes <= 3 * one
    assert len(cache) == 3
    assert cache.take("a", "base", range(30))[1] == 0 and cache.take("f", "base", range(30))[1] == 24


def test_common_beginnings() -> None:
    assert common([1, 2, 3], [1, 2, 4]) == 2
    assert common([1], [1, 2]) == 1
    assert common([], [1]) == 0


def test_a_picture_is_known_by_its_numbers() -> None:
    a, b = torch.zeros(2, 3), torch.zeros(3, 2)
    assert digest({"x": a}) == digest({"x": a.clone()})
    assert len({digest({"x": a}), digest({"x": b}), digest({"y": a}), digest({"x": a + 1})}) == 4


class _Family:
    """Sees the mean of a picture; its tower counts how often it is asked."""

    vision_tower = "tower"

    def __init__(self) -> None:
        self.encoded = 0

    def see(self, processor: object, image: Image.Image) -> SimpleNamespace:
        mean = torch.tensor([float(np.asarray(image).mean())])
        return SimpleNamespace(inputs={"pixel_values": mean}, text="<image>")

    def placeholder(self, processor: object) -> int:
        return 1

    def part(self, model: torch.nn.Module, name: str) -> torch.nn.Module:
        return model

    def encode(self, model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        self.encoded += 1
        return inputs["pixel_values"]

    def project(self, model: torch.nn.Module, encoded: torch.Tensor, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return encoded


def test_what_was_made_from_a_picture_goes_when_nobody_holds_it_any_more() -> None:
    family, processor = _Family(), SimpleNamespace(tokenizer=SimpleNamespace(encode=lambda text, **_: [1]))
    pictures = Pictures(torch.nn.Linear(1, 1), family, processor, 1 << 20)  # type: ignore[arg-type]

    def scan(value: int, lazy: bool) -> Scan:
        slices = (np.full((4, 4, 3), value, np.uint8),)
        held = LazySlices([lambda: slices[0]]) if lazy else slices
        return Scan(held, "ct", "file", f"{value}" * 64, "a picture")

    mine, other, also = scan(1, lazy=False), scan(2, lazy=True), scan(2, lazy=True)
    for one in (mine, other, also):
        pictures.features(pictures.picture(one, 0), "tuned")
    assert family.encoded == 2
    del mine, other
    pictures.sweep()
    pictures.features(pictures.picture(also, 0), "tuned")
    assert family.encoded == 2, "the same picture is still held by somebody else"
    pictures.features(pictures.picture(scan(1, lazy=False), 0), "tuned")
    assert family.encoded == 3, "nothing of the first was kept"
    del also, one
    pictures.sweep()
    assert len(pictures._made) == len(pictures._encoded) == len(pictures._features) == 0
