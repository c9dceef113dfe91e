"""Two answers at once on the real nano: to the letter what each says alone, and in few bits but for near-ties."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from medvlm import paths
from medvlm.chat import whole
from medvlm.model import LocalModel
from medvlm.types import Conversation, Decoding
from tests.pairing_cases import begun, texts
from tests.tiny_models import ARMS, asked

NANO_MED = paths.ASSETS / "adapters" / "nano-med"


def load(folder: Path, quantization: str, dtype: str) -> LocalModel:
    return LocalModel.load(
        str(folder), str(NANO_MED), quantization=quantization, compute_dtype=dtype, device="cpu", self_check=False,
        keep_warm=False,
    )  # type: ignore[arg-type]  # fmt: skip


def together(model: LocalModel, talks: list[Conversation], decoding: Decoding) -> tuple[str, str]:
    return texts(begun(model, *talks, decodings=(decoding, decoding)))


def alone(model: LocalModel, talks: list[Conversation], decoding: Decoding) -> tuple[str, ...]:
    """Each by itself, with nothing kept."""
    model.forget("alone")
    each = zip(ARMS, talks, strict=True)
    return tuple(whole(model, replace(talk, id="alone"), arm, decoding).text for arm, talk in each)


def test_in_fp32_each_says_to_the_letter_what_it_says_alone(nano_folder: Path) -> None:
    nano = load(nano_folder, "none", "float32")
    decoding = Decoding(0.8, 0.9, 6, seed=2)  # what is drawn shows a difference that the likeliest word hides
    talks = [asked("What is shown?")] * 2
    for turn, question in enumerate(("Is anything unusual in it, and on which side?", "Why?", "How large is it?")):
        both = together(nano, talks, decoding)
        assert both == alone(nano, talks, decoding), f"turn {turn}"
        assert both[0] != both[1]
        talks = [talk.answered(text).asked(question) for talk, text in zip(talks, both, strict=True)]
        if turn == 1:  # an earlier question of one side is edited: its history is shorter from here
            talks[1] = talks[1].up_to(2).asked("Describe the picture.")


@contextmanager
def listening(model: LocalModel) -> Iterator[list[torch.Tensor]]:
    """The logits (rows, vocabulary) of every call of the head while this lasts, before anything changes them."""
    heard: list[torch.Tensor] = []
    hook = model.loaded.model.get_submodule("lm_head").register_forward_hook(
        lambda _, __, logits: heard.append(logits.float().clone())
    )
    try:
        yield heard
    finally:
        hook.remove()


def apart_at(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[float, float]:
    """How far two answers' logits (steps, vocabulary) are apart while their tokens are equal, and how near a tie the
    first difference was: by how much the token of `ours` lost in `theirs` (0 where there is none)."""
    differ = (ours.argmax(-1) != theirs.argmax(-1)).nonzero()
    last = int(differ[0]) if len(differ) else len(ours) - 1
    far = float((ours[: last + 1] - theirs[: last + 1]).abs().max())
    return far, float(theirs[last].max() - theirs[last][ours[last].argmax()]) if len(differ) else 0.0


# What rounding alone may do to a logit: measured were 0.00004 in NF4, which computes in fp32 here and whose weights
# are the same numbers in a batch, and 0.4 in bf16, which rounds every product to 8 bits.
@pytest.mark.parametrize(("quantization", "dtype", "most"), [("nf4", "float32", 0.001), ("none", "bfloat16", 1.0)])
def test_in_few_bits_the_texts_differ_only_at_near_ties(
    nano_folder: Path, quantization: str, dtype: str, most: float
) -> None:
    model, decoding = load(nano_folder, quantization, dtype), Decoding(max_tokens=8)
    model._engine._ends = frozenset()  # both go on to the limit, so that all steps but the first are of two rows
    # On a processor without bf16 a picture in a prompt costs seconds.
    question = "Is the heart enlarged?"
    talks = [asked(question) if dtype == "float32" else Conversation().asked(question)] * 2
    with listening(model) as heard:
        together(model, talks, decoding)
    pair = [torch.cat([heard[row], *(step[row : row + 1] for step in heard[2:])]) for row in (0, 1)]
    with listening(model) as heard:
        alone(model, talks, decoding)
    for ours, theirs in zip(pair, (torch.cat(heard[:8]), torch.cat(heard[8:])), strict=True):
        assert ours.shape == theirs.shape == (8, ours.shape[1])
        far, gap = apart_at(ours, theirs)
        assert far < most and gap < 2 * most
