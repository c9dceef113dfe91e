"""Rows that share a picture teach exactly what their dialogues would teach alone."""

from dataclasses import replace

import pytest
import torch

from medvlm.engine.loading import Loaded
from medvlm.imaging import render
from medvlm.types import Turn
from tests import tiny_models
from tests.tiny_models import FamilyName
from train.batches import Collator, looks
from train.nano.learner import Learner
from train.nano.sequences import Example, alone, rows, shared
from train.parts import Learned
from train.tokens import IGNORED, Encoder, Row

SYSTEM = "You look."
ONE = (Turn("user", "Is it CT?"), Turn("assistant", "Yes, it is."))
TWO = (
    Turn("user", "Is it left?"),
    Turn("assistant", "No."),
    Turn("user", "How large?"),
    Turn("assistant", "About 3 cm."),
)
EXAMPLE = Example("x", SYSTEM, (ONE, TWO))
LONGEST = 2000


# One position a token, positions in three directions, and pictures whose tokens see each other both ways.
@pytest.fixture(scope="module", params=["llava", "qwen2_5_vl", "gemma3"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    name: FamilyName = request.param
    folder = tiny_models.write_model(tmp_path_factory.mktemp(name), name, spread=0.1)
    return tiny_models.weights(folder)


def encoder(loaded: Loaded, most: int = LONGEST) -> Encoder:
    return Encoder(loaded.model, loaded.processor, loaded.family, most)


def seen(loaded: Loaded) -> object:
    from PIL import Image

    return loaded.family.see(loaded.processor, Image.fromarray(render(tiny_models.picture(1, 48, 40), 0)))


def made(loaded: Loaded, example: Example = EXAMPLE, most: int = LONGEST) -> list[Row]:
    return rows(example, encoder(loaded, most), seen(loaded), most)  # type: ignore[arg-type]


def loss(loaded: Loaded, row: Row) -> float:
    learned = Learned(loaded.model, loaded.processor, loaded.family, None)  # type: ignore[arg-type]
    config = loaded.model.config
    collator = Collator(
        loaded.processor.tokenizer.pad_token_id,
        lambda name: seen(loaded).inputs,  # type: ignore[attr-defined]
        lambda *given: loaded.family.packed(config, *given),
        plain=False,
    )
    with torch.no_grad():
        return float(Learner(learned, mixed=False)(collator([(row,)], 1)))


def test_a_shared_row_costs_what_its_dialogues_cost_alone_and_no_answer_drowns_another(loaded: Loaded) -> None:
    (together,) = made(loaded)
    each = list(alone(EXAMPLE, encoder(loaded), seen(loaded)))  # type: ignore[arg-type]
    assert len(together.ids) < sum(len(row.ids) for row in each) - len(together.spots)
    answers = [sum(label != IGNORED for label in row.labels) for row in each]
    expected = sum(loss(loaded, row) / count**0.5 for row, count in zip(each, answers, strict=True))
    assert loss(loaded, together) == pytest.approx(expected, rel=1e-4)
    assert together.answered == pytest.approx(sum(count**0.5 for count in answers))


def test_a_shared_row_is_made_of_its_dialogues_own_tokens(loaded: Loaded) -> None:
    (together,) = made(loaded)
    for number, row in enumerate(alone(EXAMPLE, encoder(loaded), seen(loaded)), start=1):  # type: ignore[arg-type]
        mine = [n for n, segment in enumerate(together.segments) if segment in (0, number)]
        assert tuple(together.ids[n] for n in mine) == row.ids
        assert tuple(together.labels[n] for n in mine) == row.labels
        assert torch.equal(together.positions[:, mine], row.positions)


def test_a_long_example_becomes_several_rows_that_each_begin_with_the_picture(loaded: Loaded) -> None:
    dialogues = (ONE, TWO, ONE, TWO)
    most = len(made(loaded)[0].ids) + 5
    several = made(loaded, Example("x", SYSTEM, dialogues), most)
    assert len(several) == 2 and all(len(row.ids) <= most and row.spots == several[0].spots for row in several)
    assert sum(max(row.segments) for row in several) == len(dialogues)
    too_long = (Turn("user", "How " * most), Turn("assistant", "So."))
    (kept,) = made(loaded, Example("x", SYSTEM, (too_long, ONE)), most)
    assert max(kept.segments) == 1, "a dialogue that fits in no row is left out"


def test_what_an_answers_first_word_is_told_from_is_its_own() -> None:
    """Also where two questions are the same and only the answers differ."""
    row = Row("a", None, (1, 2, 3, 4), (IGNORED, IGNORED, IGNORED, 4), torch.arange(4)[None], (), ())
    together = shared([row, replace(row, ids=(1, 2, 3, 5), labels=(IGNORED, IGNORED, IGNORED, 5))])
    assert together.ids == (1, 2, 3, 4, 3, 5) and together.segments == (0, 0, 1, 1, 2, 2)
    assert together.positions.tolist() == [[0, 1, 2, 3, 2, 3]]


def test_a_dialogue_never_sees_its_neighbour_but_sees_the_prefix_and_its_own_past() -> None:
    groups, segments = torch.tensor([[0, 0, 0, 0, 0, 0, -1]]), torch.tensor([[0, 0, 1, 1, 2, 2, 0]])
    mask = looks(groups, segments, torch.arange(7)[None], torch.full((1, 7), -1))[0][0, 0]
    assert mask[5].tolist() == [True, True, False, False, True, True, False]
    assert mask[3].tolist() == [True, True, True, True, False, False, False]
    assert mask[6].tolist() == [False] * 6 + [True]
