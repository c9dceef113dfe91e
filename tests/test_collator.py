"""What a row of training is: the app's own prompt, loss on the assistant's words alone, and no neighbour seen."""

from typing import Any

import pytest
import torch

from medvlm.engine.decoding import Engine
from medvlm.engine.loading import Loaded
from medvlm.errors import DatasetError
from medvlm.families import FAMILIES
from medvlm.imaging import render
from medvlm.types import Conversation, Turn, View
from tests import tiny_models
from tests.tiny_models import FamilyName
from train.batches import Collator, plan, plan_by_tokens
from train.examples import Dialogue
from train.nano.learner import Learner
from train.parts import Learned
from train.tokens import IGNORED, Encoder, Row, packed

PICTURES = {str(n): tiny_models.picture(n, 40 + 10 * n, 96 - 20 * n) for n in range(3)}
TURNS = (
    Turn("user", "What is this?"), Turn("assistant", "A thing, grey."), Turn("user", "And <image> beside?"),
    Turn("assistant", "Nothing."),
)  # fmt: skip
ENDS = {"llava": "<|im_end|>", "llava_next": "</s>", "qwen2_5_vl": "<|im_end|>", "gemma3": "<end_of_turn>"}


@pytest.fixture(scope="module", params=list(FAMILIES))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    name: FamilyName = request.param
    folder = tiny_models.write_model(tmp_path_factory.mktemp(name), name, spread=0.1)
    return tiny_models.weights(folder)


def encoder(loaded: Loaded, most: int = 2000) -> Encoder:
    return Encoder(loaded.model, loaded.processor, loaded.family, most)


def dialogue(name: str = "0", turns: tuple[Turn, ...] = TURNS, picture: bool = True) -> Dialogue:
    return Dialogue(f"id-{name}", name if picture else None, "You look.", turns)


def row(loaded: Loaded, name: str = "0", turns: tuple[Turn, ...] = TURNS, most: int = 2000) -> Row:
    return encoder(loaded, most).row(dialogue(name, turns), seen(loaded, name))[0]


def seen(loaded: Loaded, name: str) -> Any:
    from PIL import Image

    return loaded.family.see(loaded.processor, Image.fromarray(render(PICTURES[name], 0)))


def test_loss_is_on_the_answers_and_their_ends_alone(loaded: Loaded) -> None:
    made, words = row(loaded), loaded.processor.tokenizer
    end = ENDS.get(loaded.family.name, "<end_of_utterance>")
    runs: list[list[int]] = [[]]
    for token, label in zip(made.ids, made.labels, strict=True):
        assert label in (IGNORED, token), "these templates write the end themselves"
        if label != IGNORED:
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    said = [words.decode(run).strip() for run in runs if run]
    assert said == [f"A thing, grey.{end}", f"Nothing.{end}"]
    image = loaded.family.placeholder(loaded.processor)
    assert len(made.spots) == made.ids.count(image), "words that look like a picture's mark are none"


def test_a_row_is_the_prompt_of_the_app_with_the_answers_in_it(loaded: Loaded) -> None:
    engine = Engine(loaded, None, 1 << 20)
    talk = Conversation(system="You look.").with_scan(PICTURES["0"])
    asked = talk.asked(TURNS[0].text, (View(0),)).answered(TURNS[1].text).asked(TURNS[2].text)
    prompt = engine.fitting(asked, 8)
    made = row(loaded)
    assert made.ids[: len(prompt.tokens)] == prompt.tokens
    assert made.labels[len(prompt.tokens)] != IGNORED and prompt.spots == (made.spots,)
    layout = engine.layout(prompt)
    expected = torch.arange(layout.length)[None] if layout.positions is None else layout.positions
    assert torch.equal(made.positions[:, : layout.length], expected)


def test_where_a_template_writes_no_end_the_end_is_still_learnt(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tiny_models.write_model(tmp_path_factory.mktemp("vicuna"), "llava")
    loaded = tiny_models.weights(folder)
    loaded.processor.chat_template = tiny_models.VICUNA
    made, words = row(loaded), loaded.processor.tokenizer
    ends = [i for i, label in enumerate(made.labels) if label == words.eos_token_id]
    assert len(ends) == 2
    assert words.decode(made.ids[: ends[0]]).endswith("ASSISTANT: A thing, grey.")
    assert words.decode(made.ids[: ends[1]]).endswith("ASSISTANT: Nothing.")
    assert words.eos_token_id not in made.ids[: ends[0] + 1], "the history stays the template's"


def test_whole_turns_go_before_a_picture_is_cut(loaded: Loaded) -> None:
    full = row(loaded)
    made, dropped = encoder(loaded, len(full.ids) - 1).row(dialogue(), seen(loaded, "0"))
    assert dropped == 1 and len(made.spots) == len(full.spots)
    assert made.labels.count(IGNORED) < len(made.labels)
    with pytest.raises(DatasetError, match=r"id-0 takes \d+ tokens and learning\.max_tokens is 20"):
        encoder(loaded, 20).row(dialogue(), seen(loaded, "0"))


def learner(loaded: Loaded) -> Learner:
    return Learner(Learned(loaded.model, loaded.processor, loaded.family, None), mixed=False)  # type: ignore[arg-type]


def collator(loaded: Loaded, plain: bool = False) -> Collator:
    config = loaded.model.config
    return Collator(
        loaded.processor.tokenizer.pad_token_id,
        lambda name: seen(loaded, name).inputs,
        lambda *looks: loaded.family.packed(config, *looks),
        plain,
    )


def loss(loaded: Loaded, sequences: list[tuple[Row, ...]], answered: int = 1) -> float:
    with torch.no_grad():
        return float(learner(loaded)(collator(loaded)(sequences, answered)))


def test_the_loss_is_that_of_transformers(loaded: Loaded) -> None:
    made = row(loaded)
    inputs = dict(seen(loaded, "0").inputs)
    ids = torch.tensor([made.ids])
    marks = (ids == loaded.family.placeholder(loaded.processor)).long()
    more = {"gemma3": {"token_type_ids": marks}, "qwen2_5_vl": {"mm_token_type_ids": marks}}.get(loaded.family.name, {})
    with torch.no_grad():
        logits = loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs, **more).logits
    targets = torch.tensor([made.labels])[:, 1:]
    expected = torch.nn.functional.cross_entropy(logits[0, :-1], targets[0], ignore_index=IGNORED, reduction="sum")
    assert loss(loaded, [(made,)]) == pytest.approx(float(expected), rel=1e-4)


def test_packed_and_padded_rows_do_not_see_each_other(loaded: Loaded) -> None:
    rows = [row(loaded, name, TURNS[:2] if name == "1" else TURNS) for name in PICTURES]
    alone = sum(loss(loaded, [(one,)]) for one in rows)
    assert loss(loaded, [tuple(rows)]) == pytest.approx(alone, rel=1e-4)
    assert loss(loaded, [(rows[0],), (rows[1],), (rows[2],)]) == pytest.approx(alone, rel=1e-4)
    assert loss(loaded, [tuple(rows)], answered=7) == pytest.approx(alone / 7, rel=1e-4)


def test_talk_without_a_picture_is_learnt_too(loaded: Loaded) -> None:
    made, _ = encoder(loaded).row(dialogue(picture=False), None)
    assert made.spots == () and loss(loaded, [(made,)]) > 0


def test_rows_are_packed_whole_and_never_beyond_the_limit() -> None:
    rows = [Row(str(n), None, (1,) * n, (1,) * n, torch.zeros(1, n), (), ()) for n in (5, 9, 3, 7, 2)]
    made = packed(rows, 12)
    assert sorted(len(row.ids) for rows_ in made for row in rows_) == [2, 3, 5, 7, 9]
    assert all(sum(len(row.ids) for row in rows_) <= 12 for rows_ in made) and len(made) == 3


def test_a_plan_shows_every_row_and_splits_steps_without_changing_them() -> None:
    lengths, answered = [n % 13 + 5 for n in range(40)], list(range(1, 41))
    epochs = [list(range(40)), list(reversed(range(40)))]
    whole, halves = plan(lengths, answered, epochs, 4, 1), plan(lengths, answered, epochs, 4, 2)
    assert len(whole) == 20 and len(halves) == 40
    assert sorted(n for one in whole[:10] for n in one.sequences) == list(range(40))
    for number, one in enumerate(whole):
        both = halves[2 * number : 2 * number + 2]
        assert {n for half in both for n in half.sequences} == set(one.sequences)
        assert {half.answered for half in both} == {one.answered} == {sum(answered[n] for n in one.sequences)}
    spread = [max(lengths[n] for n in one.sequences) - min(lengths[n] for n in one.sequences) for one in whole]
    assert sum(spread) / len(spread) < 3, "rows of like length come together"


def test_a_plan_by_tokens_shows_every_row_once_an_epoch_within_its_limit() -> None:
    lengths, answered = [20 + n % 37 for n in range(300)], [float(n) for n in range(300)]
    epochs = [list(range(300)), list(reversed(range(300)))]
    passes = plan_by_tokens(lengths, answered, epochs, 256)
    first, second = ([one for one in passes if int(one.epoch) == number] for number in (0, 1))
    for half in (first, second):
        assert sorted(n for one in half for n in one.sequences) == list(range(300))
    assert all(len(one.sequences) * max(lengths[n] for n in one.sequences) <= 256 for one in passes)
    assert all(one.answered == sum(answered[n] for n in one.sequences) for one in passes)
    assert [one.sequences for one in first] != [one.sequences for one in second]
    assert [one.sequences for one in passes] == [
        one.sequences for one in plan_by_tokens(lengths, answered, epochs, 256)
    ]
    assert [one.sequences for one in plan_by_tokens([900], [1.0], [[0]], 256)] == [(0,)], "one at least"
