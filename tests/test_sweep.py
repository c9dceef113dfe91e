"""Window sweep: the same question through every window, greedily, one answer a group, the ones that differ marked."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.imaging.window import PRESETS
from medvlm.page.viewing import Look
from medvlm.probes import Brake, Inquiry
from medvlm.probes.sweep import ON_SCREEN, Tried, groups, panes, sweep, verdict
from medvlm.types import Arm, Conversation, Decoding, Domain, Pixels, Scan, Window
from tests.fakes import FakeModel

QUESTION = "Is there a nodule?"
SOFT = Window(400, 40)
HOT = Decoding(temperature=0.9, top_p=0.5, max_tokens=40, seed=3)


def scan(pixels: Pixels, domain: Domain = "ct", window: Window | None = SOFT) -> Scan:
    return Scan((pixels,), domain, "file", "0" * 64, "a scan", window=window, unit="HU")


def body() -> Pixels:
    """From air to bone, so that every window shows something else."""
    return np.linspace(-1000, 1200, 64 * 48).reshape(48, 64).astype(np.int16)


def inquiry(shown: Scan, window: Window | None = SOFT, **more: object) -> Inquiry:
    look = Look("stored", 2, 0, window, False, (1, 0, 0, 1))
    return Inquiry(shown, look, QUESTION, **more)  # type: ignore[arg-type]


def brightness(conversation: Conversation, arm: Arm) -> str:
    """An answer that rests on the picture: what is half white is said to be bright."""
    return "It is bright." if conversation.scans[0].slices[0].mean() > 127 else "It is dark."


def test_every_preset_is_tried_once_after_the_window_that_was_asked_with() -> None:
    found = panes(inquiry(scan(body()), Window(1500, -600)))
    assert found[0].names == (ON_SCREEN, "Lung") and found[0].label == "As asked, Lung 1500/-600"
    # "As opened" is the soft tissue window; nothing is asked twice.
    assert [pane.names for pane in found[1:]] == [
        ("As opened", "Soft tissue"), ("Liver",), ("Bone",), ("Brain",), ("Mediastinum",),
    ]  # fmt: skip
    assert {pane.window for pane in found} == set(PRESETS["ct"].values())


def test_numbers_without_a_unit_are_tried_by_percentiles() -> None:
    grey = np.random.default_rng(0).normal(500, 90, (48, 64)).astype(np.float32)
    names = [name for pane in panes(inquiry(scan(grey, "mri"), Window(300, 500))) for name in pane.names]
    assert names == [ON_SCREEN, "As opened", "1 to 99 %", "5 to 95 %", "Whole range"]


def test_the_model_gets_the_pixels_of_each_window_greedily_and_nothing_of_earlier_turns() -> None:
    model, asked = FakeModel(brightness), inquiry(scan(body()), system="Be brief.")
    through = panes(asked)
    tried = list(sweep(model, asked, through, "base", HOT, Brake()))
    assert [one.label for one in tried] == [pane.label for pane in through]
    for (conversation, arm, decoding), pane in zip(model.asked, through, strict=True):
        assert (conversation.scans[0].slices[0] == pane.pixels).all() and len(conversation.scans) == 1
        assert [turn.text for turn in conversation.turns] == [QUESTION] and conversation.system == "Be brief."
        assert arm == "base" and decoding == replace(HOT, temperature=0.0, top_p=1.0)
        assert conversation.id == asked.id, "what is kept of them can be forgotten at once"
    names = {conversation.scans[0].sha256 for conversation, _, _ in model.asked}
    assert len(names) == len(through), "pictures are kept by name: no two may share one"


def test_answers_are_grouped_by_their_words_and_those_unlike_the_first_are_marked() -> None:
    tried = [Tried("a", "Yes, a nodule."), Tried("b", "No."), Tried("c", "yes  nodule"), Tried("d", "no")]
    same, other = groups(tried)
    assert (same.text, same.labels, same.differs) == ("Yes, a nodule.", ("a", "c"), False)
    assert (other.text, other.labels, other.differs) == ("No.", ("b", "d"), True)
    assert verdict((same, other)) == "2 of 4 windows give another answer: it depends on how the picture is shown."


def test_a_sweep_without_a_difference_says_so_and_one_answer_says_nothing() -> None:
    assert verdict(groups([Tried("a", "Yes."), Tried("b", "yes")])) == "The answer is the same through all 2 windows."
    assert verdict(groups([Tried("a", "Yes.")])) == "" and verdict(()) == ""


def test_an_answer_that_rests_on_brightness_changes_with_the_window() -> None:
    asked = inquiry(scan(body()))
    found = groups(list(sweep(FakeModel(brightness), asked, panes(asked), "tuned", HOT, Brake())))
    assert len(found) == 2 and "Lung 1500/-600" in next(g for g in found if g.text == "It is bright.").labels


@pytest.mark.parametrize(
    ("pixels", "window", "says"),
    [
        (np.zeros((8, 8, 3), np.uint8), None, "in colour"),
        (np.full((8, 8), 3000, np.int16), Window(400, 40), "shows this picture alike"),
    ],
)
def test_a_picture_without_other_windows_is_refused_with_the_reason(
    pixels: Pixels, window: Window | None, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        panes(inquiry(scan(pixels, window=window), window))


def test_the_brake_stops_the_answer_that_is_being_written_and_all_after_it() -> None:
    model, asked, brake = FakeModel(lambda *_: "word " * 500, seconds=0.02), inquiry(scan(body())), Brake()
    threading.Timer(0.1, brake).start()
    assert list(sweep(model, asked, panes(asked), "tuned", Decoding(max_tokens=500), brake)) == []
    assert len(model.asked) == 1 and brake.pulled


def test_a_brake_pulled_before_the_start_lets_nothing_be_asked() -> None:
    model, asked, brake = FakeModel(), inquiry(scan(body())), Brake()
    brake()
    assert list(sweep(model, asked, panes(asked), "tuned", HOT, brake)) == [] and model.asked == []
    closed: list[bool] = []
    brake.hold(lambda: closed.append(True))
    assert closed == [True], "what begins after the brake was pulled is stopped at once"


def test_what_the_model_cannot_do_reaches_whoever_asked() -> None:
    asked = inquiry(scan(body()))
    with pytest.raises(UserError, match="out of memory"):
        list(sweep(FakeModel(error=UserError("out of memory")), asked, panes(asked), "tuned", HOT, Brake()))
