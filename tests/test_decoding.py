"""Drawing tokens: greedy and seeded, whole characters, block by block, one or many at once."""

import random

import pytest
import torch

from medvlm.engine.decoding import Chooser, advice
from medvlm.engine.templates import TextPieces
from medvlm.errors import UserError
from medvlm.types import Decoding
from tests.tiny_models import tokenizer


def test_temperature_zero_is_greedy() -> None:
    logits = torch.tensor([[0.0, 3.0, 1.0], [5.0, 0.0, 0.0]])
    assert Chooser(Decoding())(logits) == [1, 0]


def test_the_same_seed_draws_the_same_and_nobody_elses_draw_matters() -> None:
    logits = torch.randn(1, 50)
    warm = Decoding(temperature=1.0, seed=7)

    def drawn(disturbed: bool) -> list[int]:
        choose, other = Chooser(warm), Chooser(Decoding(temperature=1.0, seed=8))
        tokens = []
        for _ in range(40):
            tokens += choose(logits.clone())
            if disturbed:
                torch.rand(3)
                other(logits.clone())
        return tokens

    assert drawn(False) == drawn(True)
    assert len(set(drawn(False))) > 5
    choose = Chooser(Decoding(temperature=1.0, seed=8))
    assert [choose(logits.clone())[0] for _ in range(40)] != drawn(False)


def test_draws_follow_the_probabilities() -> None:
    probabilities = torch.tensor([[0.5, 0.3, 0.2]])
    choose = Chooser(Decoding(temperature=1.0, seed=1))
    draws = [choose(probabilities.log())[0] for _ in range(3000)]
    for token, wanted in enumerate((0.5, 0.3, 0.2)):
        assert draws.count(token) / 3000 == pytest.approx(wanted, abs=0.03)


def test_top_p_keeps_the_fewest_tokens_that_suffice() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    choose = Chooser(Decoding(temperature=1.0, top_p=0.6, seed=3))
    assert {choose(logits.clone())[0] for _ in range(200)} == {0, 1}
    choose = Chooser(Decoding(temperature=1.0, top_p=0.0, seed=3))
    assert {choose(logits.clone())[0] for _ in range(50)} == {0}


def test_a_token_that_may_never_come_never_comes() -> None:
    assert Chooser(Decoding(), never=(1,))(torch.tensor([[0.0, 3.0, 1.0]])) == [2]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_none_become_a_sentence(bad: float) -> None:
    with pytest.raises(UserError, match="not numbers"):
        Chooser(Decoding())(torch.tensor([[0.0, bad]]))


@pytest.mark.parametrize(
    "text", ["plain words", "é à ü", "肺部 CT 扫描", "👩‍⚕️ and 🫁", "a\nb  c\t", " leading", "מבחן", ""]
)
def test_pieces_are_whole_characters_and_sum_to_the_text(text: str) -> None:
    words = tokenizer()
    pieces = TextPieces(words)
    out = [pieces.add(token) for token in words.encode(text, add_special_tokens=False)]
    assert "".join(out) + pieces.finish() == text
    assert not any("\ufffd" in piece for piece in out)


def test_random_tokens_never_show_a_broken_character_before_the_end() -> None:
    words = tokenizer()
    for seed in range(20):
        valid = "".join(chr(random.Random(seed * 99 + i).randrange(0x20, 0x2FFF)) for i in range(30))
        pieces = TextPieces(words)
        tokens = words.encode(valid, add_special_tokens=False)
        assert "".join(map(pieces.add, tokens)) + pieces.finish() == valid


def test_a_character_that_never_became_whole_is_dropped() -> None:
    words = tokenizer()
    pieces = TextPieces(words)
    tokens = words.encode("a肺", add_special_tokens=False)[:-1]
    assert "".join(map(pieces.add, tokens)) + pieces.finish() == "a"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "ran out of memory"),
        (MemoryError(), "ran out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "ran out of memory"),
        (RuntimeError("shapes do not match\nmore"), "shapes do not match). Ask again"),
    ],
)
def test_failures_become_one_sentence_of_advice(error: Exception, says: str) -> None:
    assert says in str(advice(error))
