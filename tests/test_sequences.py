"""Rows that share a picture teach exactly what their dialogues would teach alone."""

from pathlib import Path

import pytest
import torch
from transformers import AutoProcessor, LlamaConfig, LlamaModel

from medvlm.types import Turn
from train.sequences import IGNORED, Encoder, Example, Row, collate, visible

SYSTEM = "You are a careful assistant for medical pictures."
ONE = (Turn("user", "Is this a CT?"), Turn("assistant", "Yes, it is a CT scan."))
TWO = (
    Turn("user", "Where is the mass?"),
    Turn("assistant", "On the left."),
    Turn("user", "How large is it?"),
    Turn("assistant", "About 3 cm."),
)


@pytest.fixture(scope="module")
def processor(nano_folder: Path) -> AutoProcessor:
    return AutoProcessor.from_pretrained(nano_folder)


@pytest.fixture(scope="module")
def encoder(processor: AutoProcessor) -> Encoder:
    return Encoder(processor.tokenizer, processor.tokenizer.convert_tokens_to_ids("<image>"), 64)


def test_a_row_of_one_dialogue_is_the_chat_templates_own_tokens(processor: AutoProcessor, encoder: Encoder) -> None:
    [row] = encoder.rows(Example("x", SYSTEM, (TWO,)), 512)
    content = [{"type": "image"}, {"type": "text", "text": TWO[0].text}]
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": content},
        *({"role": turn.role, "content": turn.text} for turn in TWO[1:]),
    ]
    text = processor.apply_chat_template(messages).replace("<image>", "<image>" * 64)
    assert list(row.ids) == processor.tokenizer(text.removesuffix("\n"), add_special_tokens=False)["input_ids"]


def test_only_answers_carry_loss(processor: AutoProcessor, encoder: Encoder) -> None:
    [row] = encoder.rows(Example("x", SYSTEM, (ONE, TWO)), 512)
    said = processor.tokenizer.decode([label for label in row.labels if label != IGNORED])
    assert said == "Yes, it is a CT scan.<|im_end|>On the left.<|im_end|>About 3 cm.<|im_end|>"


def test_a_long_example_becomes_several_rows_that_each_begin_with_the_picture(encoder: Encoder) -> None:
    dialogues = (ONE, TWO, ONE, TWO)
    rows = encoder.rows(Example("x", SYSTEM, dialogues), 150)
    prefix = rows[0].segments.count(0)
    assert len(rows) > 1
    assert all(len(row.ids) <= 150 and row.ids[:prefix] == rows[0].ids[:prefix] for row in rows)
    assert sum(max(row.segments) for row in rows) == len(dialogues)


def test_a_dialogue_never_sees_its_neighbour_but_sees_the_prefix_and_its_own_past() -> None:
    mask = visible(torch.tensor([[0, 0, 1, 1, 2, 2, -1]]))[0, 0]
    assert mask[5].tolist() == [True, True, False, False, True, True, False]
    assert mask[3].tolist() == [True, True, True, True, False, False, False]
    assert mask[6].tolist() == [False] * 6 + [True]


def test_logits_in_a_shared_row_equal_those_of_each_dialogue_alone() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2,
    )  # fmt: skip
    model = LlamaModel(config).eval()
    prefix, a, b = (1, 2, 3, 4), (5, 6, 7), (8, 9, 10, 11)

    def row(*pieces: tuple[int, ...]) -> Row:
        ids, positions, segments = list(prefix), list(range(4)), [0] * 4
        for number, piece in enumerate(pieces, 1):
            ids, segments = ids + list(piece), segments + [number] * len(piece)
            positions += range(4, 4 + len(piece))
        return Row(None, tuple(ids), (IGNORED,) * len(ids), tuple(positions), tuple(segments))

    def hidden(rows: list[Row]) -> torch.Tensor:
        batch = collate(rows, 0)
        del batch["labels"]
        with torch.inference_mode():
            return model(**batch).last_hidden_state

    together = hidden([row(a, b)])[0]
    apart = hidden([row(a), row(b)])
    torch.testing.assert_close(together[4:7], apart[0, 4:7])
    torch.testing.assert_close(together[7:11], apart[1, 4:8])
