"""Two answers at once: each says what it says alone, ends for itself, and what fails on one side stays there."""

import gc
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from medvlm.chat import whole
from medvlm.engine.decoding import look_back
from medvlm.errors import UserError
from medvlm.families import FAMILIES
from medvlm.model import LocalModel
from medvlm.types import Arm, Conversation, Decoding, View
from tests import tiny_models
from tests.crowd import at_once
from tests.pairing_cases import LONG, begun, texts
from tests.tiny_models import ARMS, SHORT, FamilyName, asked, load, picture, said


@pytest.fixture(scope="module")
def model(folders: tuple[Path, Path]) -> LocalModel:
    return load(folders)


@pytest.fixture(scope="module")
def fresh(folders: tuple[Path, Path]) -> LocalModel:
    """The same model, which keeps nothing."""
    return load(folders, cache_bytes=1, keep_warm=False)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_over_eight_turns_of_unlike_histories_each_side_says_what_it_says_alone(
    model: LocalModel, fresh: LocalModel, temperature: float
) -> None:
    rng = random.Random(3)
    talks = [Conversation().with_scan(picture(0)).with_scan(picture(1)) for _ in ARMS]
    reused = [0, 0]
    for turn in range(8):
        views = {0: (View(0),), 3: (View(1),)}.get(turn, ())
        question = " ".join(rng.choices(["left", "and", "肺", "heart?", "size"], k=rng.randint(1, 9)))
        talks = [talk.asked(question, views) for talk in talks]
        decodings = tuple(Decoding(temperature, 0.9, rng.randint(3, 40), turn + side) for side in (0, 1))
        sides = (0, 1) if turn % 3 else (1, 0)  # sides are swapped now and then
        arms: tuple[Arm, Arm] = (ARMS[sides[0]], ARMS[sides[1]])
        pair = begun(model, *(talks[i] for i in sides), arms=arms, decodings=(decodings[sides[0]], decodings[sides[1]]))
        both = texts(pair)
        for place, i in enumerate(sides):
            alone = whole(fresh, talks[i], ARMS[i], decodings[i])
            report = pair.reports[place]
            assert both[place] == alone.text, f"turn {turn}, {ARMS[i]}"
            assert report is not None and report.reused_tokens % 32 == 0
            assert replace(report, reused_tokens=0, seconds=0, seconds_to_first_token=0) == replace(
                alone.report, seconds=0, seconds_to_first_token=0
            )
            assert 0 < report.seconds_to_first_token <= report.seconds
            reused[i] += report.reused_tokens
        talks = [talk.answered(both[sides.index(i)]) for i, talk in enumerate(talks)]
        if turn == 4:  # one side's earlier question is edited: the histories have other lengths from here
            talks[1] = talks[1].up_to(4)
    assert min(reused) > 500


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "llava"])
def test_every_family_says_in_a_pair_what_it_says_alone(family: FamilyName, tmp_path: Path) -> None:
    base = tiny_models.write_model(tmp_path / "base", family)
    model = load((base, tiny_models.write_adapter(tmp_path / "adapter", base)), keep_warm=False)
    talks = (
        asked("What is it?", 1),
        asked("Where?", 2).answered("There. " * 9).asked("And what else is in the picture?"),
    )
    decodings = SHORT, Decoding(0.9, max_tokens=9, seed=1)
    both = texts(begun(model, *talks, decodings=decodings))
    for talk, arm, text, decoding in zip(talks, ARMS, both, decodings, strict=True):
        assert model._engine.mixes
        assert text == said(model, replace(talk, id="alone"), arm, decoding)


def test_what_a_pair_computed_serves_a_single_answer_and_the_other_way_round(
    folders: tuple[Path, Path], fresh: LocalModel
) -> None:
    model = load(folders, keep_warm=False)
    talk = asked("Tell me about it, at some length, please.")
    both = texts(begun(model, talk))
    for arm, text in zip(ARMS, both, strict=True):
        again = whole(model, talk, arm, SHORT)
        assert again.text == text and again.report.reused_tokens > 30
    follow = talk.answered("x").asked("And then?")
    alone = whole(model, follow, "tuned", SHORT)
    pair = begun(model, follow)
    assert texts(pair) == (said(fresh, follow, "base"), alone.text)
    assert all(report is not None and report.reused_tokens > 30 for report in pair.reports)


def test_a_row_looks_back_in_its_own_text_and_no_further_than_its_window() -> None:
    assert look_back((3, 1), 1, None)[:, 0, 0].int().tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert look_back((3, 1), 1, 2)[:, 0, 0].int().tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]
    assert look_back((0, 1), 2, None)[:, 0].int().tolist() == [[[1, 0, 0], [1, 1, 0]], [[1, 1, 0], [1, 1, 1]]]


def test_the_two_lie_in_one_buffer_that_both_keep(folders: tuple[Path, Path]) -> None:
    model = load(folders, keep_warm=False)
    talk = asked("Tell me about it, at some length, please.")
    texts(begun(model, talk))
    marks = model._engine.fitting(talk, 12).marks
    kept = [model._engine.prefixes.take(talk.id, arm, marks)[0] for arm in ARMS]
    homes = [key_values.layers[0].home for key_values in kept]
    assert homes[0] is not None and homes[0] is homes[1]
    assert sum(key_values.nbytes for key_values in kept) == sum(
        keys.nbytes + values.nbytes for keys, values in (layer.home for layer in kept[0].layers)
    )


def test_the_tower_sees_a_picture_once_and_each_arm_projects_it_itself(folders: tuple[Path, Path]) -> None:
    model = load(folders)
    net = model.loaded.model
    seen: list[str] = []
    hooks = [
        net.get_submodule(path).register_forward_hook(lambda *_, path=path: seen.append(path))
        for path in ("model.vision_tower", "model.multi_modal_projector")
    ]
    texts(begun(model, asked()))
    for hook in hooks:
        hook.remove()
    assert seen.count("model.vision_tower") == 1 and seen.count("model.multi_modal_projector") == 2


def test_both_are_drawn_in_one_batch_until_one_has_ended(model: LocalModel) -> None:
    rows: list[int] = []
    hook = model.loaded.model.get_submodule("lm_head").register_forward_hook(
        lambda _, inputs, __: rows.append(len(inputs[0]))
    )
    pair = begun(model, asked("Go."), decodings=(Decoding(max_tokens=5), Decoding(max_tokens=11)))
    texts(pair)
    hook.remove()
    counts = [report.tokens for report in pair.reports if report is not None]
    assert counts == [5, 11] and rows.count(2) == 4 and rows.count(1) == 2 + 11 - 5


@pytest.mark.parametrize("arms", [("tuned", "tuned"), ("base", "base"), ("tuned", "base")])
def test_any_two_arms_of_one_model_can_be_paired(model: LocalModel, fresh: LocalModel, arms: tuple[Arm, Arm]) -> None:
    talks = asked("One?", 1), asked("Another question that is longer?", 2)
    expected = tuple(said(fresh, talk, arm) for talk, arm in zip(talks, arms, strict=True))
    assert texts(begun(model, *talks, arms=arms)) == expected


def test_the_adapter_is_as_it_was_after_a_pair(model: LocalModel, fresh: LocalModel) -> None:
    expected = [said(fresh, asked("Now?"), arm) for arm in ARMS]
    texts(begun(model, asked()))
    pair = begun(model, asked(), decodings=(LONG, LONG))
    next(pair)
    pair.close()
    assert [said(model, asked("Now?"), arm) for arm in ARMS] == expected


def test_closing_stops_both_within_one_token_and_frees_the_line(model: LocalModel) -> None:
    pair = begun(model, asked("Talk on."), decodings=(LONG, LONG))
    got = [next(pair) for _ in range(4)]
    pair.close()
    pair.join(10)
    left, right = pair.reports
    assert {side for side, _ in got} == {0, 1} and list(pair) == []
    assert left is not None and right is not None and left.ended == right.ended == "stopped"
    assert abs(left.tokens - right.tokens) <= 1 and left.tokens < 1500
    assert said(model, asked(), "base")


def test_a_pair_that_nobody_holds_any_more_stops(model: LocalModel) -> None:
    pair = begun(model, asked("Talk on."), decodings=(LONG, LONG))
    next(pair)
    second = model.stream(asked(), "base", SHORT)
    assert second.ahead == 1 and pair.ahead == 0
    del pair
    gc.collect()
    assert second.wait(20) and list(second)


def test_a_pair_takes_one_place_in_the_line_and_may_leave_it_unserved(folders: tuple[Path, Path]) -> None:
    small = load(folders, queue_size=1)
    first = begun(small, asked("Talk on."), decodings=(LONG, LONG))
    waiting = begun(small, asked())
    assert small.waiting(waiting) == 1
    with pytest.raises(UserError, match="already waiting"):
        begun(small, asked())
    waiting.close()
    waiting.join(10)
    assert [report and (report.tokens, report.ended) for report in waiting.reports] == [(0, "stopped")] * 2
    first.close()
    first.join(10)
    assert said(small, asked(), "base")


def test_each_side_has_its_own_time(model: LocalModel) -> None:
    pair = begun(model, asked("Talk on."), decodings=(replace(LONG, seconds=0.2), SHORT))
    texts(pair)
    left, right = pair.reports
    assert left is not None and left.ended == "time" and left.tokens < 1500
    assert right is not None and right.tokens == 12


def test_pairs_and_single_answers_of_many_never_mix(model: LocalModel, fresh: LocalModel) -> None:
    brief = Decoding(max_tokens=4)
    talks = [asked(f"{i}?", i % 3) for i in range(4)]
    expected = [tuple(said(fresh, talk, arm, brief) for arm in ARMS) for talk in talks]
    wrong: list[int] = []

    def ask(thread: int) -> None:
        for i in range(thread, 40, 8):
            talk, answers = replace(talks[i % 4], id=f"{thread}"), expected[i % 4]
            if i % 3 == 0:
                if said(model, talk, ARMS[i % 2], brief) != answers[i % 2]:
                    wrong.append(i)
            elif texts(begun(model, talk, decodings=(brief, brief))) != answers:
                wrong.append(i)

    at_once(8, ask)
    assert not wrong


def test_a_side_that_cannot_be_answered_leaves_the_other_alone(model: LocalModel, fresh: LocalModel) -> None:
    unasked = asked().answered("x")
    for bad, says in ((unasked, "no question"), (asked("long " * 2000), "there is room for")):
        pair = begun(model, bad, asked())
        assert texts(pair) == ("", said(fresh, asked(), "tuned"))
        assert says in str(pair.errors[0]) and pair.errors[1] is None
        assert pair.reports[0] is None and pair.reports[1] is not None
    with pytest.raises(UserError, match="no question"):
        texts(begun(model, unasked, unasked))
    with pytest.raises(UserError, match="there is room for"):
        texts(begun(model, asked("long " * 2000)))


class OneRowBroken:
    """A head of the model that computes no numbers for one row of a batch."""

    def __init__(self, head: torch.nn.Module, row: int) -> None:
        self.head, self.row = head, row

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(hidden)
        if len(logits) == 2:
            logits[self.row] = float("nan")
        return logits


@pytest.mark.parametrize("row", [0, 1])
def test_a_side_that_fails_in_the_middle_leaves_the_other_alone(model: LocalModel, fresh: LocalModel, row: int) -> None:
    reader = model._engine.reader
    head = reader._head
    reader._head = OneRowBroken(head, row)
    try:
        pair = begun(model, asked())
        both = texts(pair)
    finally:
        reader._head = head
    assert both[1 - row] == said(fresh, asked(), ARMS[1 - row])
    assert "not numbers" in str(pair.errors[row]) and pair.errors[1 - row] is None
    assert texts(begun(model, asked())) == tuple(said(fresh, asked(), arm) for arm in ARMS)


def test_a_failure_of_the_whole_computation_is_one_sentence_and_the_next_question_works(
    model: LocalModel, fresh: LocalModel
) -> None:
    reader = model._engine.reader
    head = reader._head

    def broken(hidden: torch.Tensor) -> torch.Tensor:
        if len(hidden) == 2:
            raise torch.OutOfMemoryError("x")
        return torch.Tensor(head(hidden))

    reader._head = broken
    try:
        with pytest.raises(UserError, match="ran out of memory"):
            texts(begun(model, asked()))
    finally:
        reader._head = head
    assert texts(begun(model, asked())) == tuple(said(fresh, asked(), arm) for arm in ARMS)


def test_an_adapter_that_is_not_plain_lora_is_drawn_one_arm_after_the_other(
    folders: tuple[Path, Path], fresh: LocalModel
) -> None:
    model = load(folders)
    layer = model._engine.row_adapter._layers[0]
    layer.lora_variant["tuned"] = layer  # as DoRA leaves its own computation there
    assert not type(model._engine.row_adapter)(model.loaded.adapted, model._engine.row_adapter._head).plain
    del layer.lora_variant["tuned"]
    model._engine.mixes = False
    assert texts(begun(model, asked())) == tuple(said(fresh, asked(), arm) for arm in ARMS)
