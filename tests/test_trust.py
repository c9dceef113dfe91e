"""The trust panel: what it shows, how it runs, what stops it, and that nothing from outside becomes markup."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from medvlm.claims.contradictions import contradicted
from medvlm.errors import UserError
from medvlm.page.desk import Desk
from medvlm.page.host import Host
from medvlm.page.seat import Seat
from medvlm.page.session import GREEDY, Made, Session
from medvlm.probes.reliance import judged
from medvlm.probes.sweep import Tried, groups
from medvlm.types import Arm, Conversation, Decoding, Scan, Window
from medvlm.ui.trust import (
    GONE,
    NO_ANSWER,
    NO_PICTURE,
    Trust,
    build,
    fresh,
    last_answer,
    panel,
    reliance_table,
    sweep_table,
    wire,
)
from tests.fakes import FakeModel

EVIL = "<img src=x onerror=alert(1)>\"'&${1+1}"
QUESTION = "Is there a nodule?"


def ct() -> Scan:
    pixels = np.linspace(-1000, 1200, 32 * 24).reshape(24, 32).astype(np.int16)
    return Scan((pixels,), "ct", "file", "0" * 64, "a scan", window=Window(400, 40), unit="HU")


def answered(seat: Seat, text: str = "Yes.", picture: bool = True) -> None:
    def step(session: Session) -> Session:
        shown = session.with_scan(ct()) if picture and session.scan is None else session
        made = Made(shown.now, "fake", "base", Decoding(temperature=0.7, max_tokens=9))
        return shown.asked(QUESTION, "Be brief.").answered(text, made)

    seat.change(step)


def seated(picture: bool = True) -> Seat:
    seat = Seat()
    answered(seat, picture=picture)
    return seat


def trust_with(model: FakeModel) -> Trust:
    host = Host(lambda _: model)
    host.start()
    assert host.wait(10)
    return Trust(Desk(host))


def bright(conversation: Conversation, arm: Arm) -> str:
    return "It is bright." if conversation.scans[0].slices[0].mean() > 127 else "It is dark."


RUNS: dict[str, Callable[[Trust, Seat], Iterator[str]]] = {"sweep": Trust.sweep, "reliance": Trust.reliance}


def test_without_an_answer_about_a_picture_there_is_no_panel() -> None:
    assert panel(Session()) == "" and fresh(Seat()) == "" and fresh(seated(picture=False)) == ""
    html = fresh(seated())
    assert 'data-act="sweep"' in html and 'data-act="reliance"' in html and "enough" not in html


def test_the_last_answer_is_asked_again_with_its_own_picture_question_and_settings() -> None:
    seat = seated()
    checked = last_answer(seat.session)
    assert checked.inquiry.question == QUESTION and checked.inquiry.system == "Be brief."
    assert checked.inquiry.scan is seat.session.scan and checked.made is seat.session.made[-1]
    for session, says in ((Session(), NO_ANSWER), (seated(picture=False).session, NO_PICTURE)):
        with pytest.raises(UserError) as refused:
            last_answer(session)
        assert str(refused.value) == says


def test_the_sweep_grows_window_by_window_and_ends_with_the_buttons() -> None:
    model = FakeModel(bright)
    steps = list(trust_with(model).sweep(seated()))
    assert "As asked, As opened, Soft tissue 400/40 (1 of 6)" in steps[0] and 'data-act="enough"' in steps[0]
    assert [step.count("<tr") for step in steps] == sorted(step.count("<tr") for step in steps)
    assert 'data-act="sweep"' in steps[-1] and "windows give another answer" in steps[-1]
    assert steps[-1].count("<mark>differs</mark>") == 1
    assert {arm for _, arm, _ in model.asked} == {"base"}
    assert {(d.temperature, d.max_tokens) for *_, d in model.asked} == {(0.0, 9)}
    assert len(set(model.forgotten)) == 1 and model.forgotten[0] == model.asked[0][0].id


def test_the_reliance_table_ends_with_a_score_and_the_warning_of_a_model_that_does_not_look() -> None:
    last = list(trust_with(FakeModel(lambda *_: "Yes, a nodule.")).reliance(seated()))[-1]
    assert "Image reliance <b>0.00</b>" in last and "does not change with a blank picture" in last
    assert last.count('<th scope="row">') == 5 and "<mark>" not in last
    looks = list(trust_with(FakeModel(bright)).reliance(seated()))[-1]
    assert "<mark>" in looks and "Image reliance <b>0.00</b>" not in looks


def test_nothing_that_was_asked_or_answered_becomes_markup() -> None:
    found = groups([Tried(EVIL, EVIL), Tried("b", "other")])
    last = list(trust_with(FakeModel(lambda *_: EVIL)).reliance(seated()))[-1]
    for html in (sweep_table(found), last, panel(seated().session, doing=EVIL), panel(seated().session, wrong=EVIL)):
        assert "<img" not in html and "&lt;img" in html
    assert "<b>" not in reliance_table(judged(())), "no score before there is one"


@pytest.mark.parametrize("run", RUNS)
def test_the_other_button_and_stop_keep_what_was_found(run: str) -> None:
    model = FakeModel(bright)
    trust, seat = trust_with(model), seated()
    steps = RUNS[run](trust, seat)
    next(steps), next(steps)
    trust.enough(seat)
    rest = list(steps)
    assert len(model.asked) == 1 and len(rest) == 1 and 'data-act="sweep"' in rest[0] and "It is" in rest[0]
    trust.enough(seat)  # nothing is running: nothing happens


@pytest.mark.parametrize("run", RUNS)
def test_a_question_stops_the_check_at_once(run: str) -> None:
    model = FakeModel(lambda *_: "word " * 500, seconds=0.02)
    trust, seat = trust_with(model), seated()
    steps = RUNS[run](trust, seat)
    next(steps)
    began = time.monotonic()
    seat.begin(lambda: None)
    answered(seat, "No.")
    seat.end()
    (last,) = list(steps)
    assert time.monotonic() - began < 5 and GONE in last and len(model.asked) == 0


def test_a_second_check_takes_over_and_the_first_says_nothing_more() -> None:
    trust, seat = trust_with(FakeModel(bright)), seated()
    first = trust.sweep(seat)
    next(first)
    second = trust.reliance(seat)
    next(second)
    assert list(first) == [] and "Image reliance" in list(second)[-1]
    seat.begin(lambda: None)
    seat.end()


def test_a_reader_who_goes_away_leaves_nothing_running() -> None:
    model = FakeModel(bright)
    trust, seat = trust_with(model), seated()
    steps: Any = trust.reliance(seat)
    next(steps)
    steps.close()
    assert len(model.forgotten) == 1 and model.asked == []
    assert "Image reliance" in list(trust.reliance(seat))[-1]


def test_what_is_the_matter_stands_in_the_panel() -> None:
    trust, seat = trust_with(FakeModel(error=UserError("The machine ran out of memory."))), seated()
    assert "ran out of memory" in list(trust.sweep(seat))[-1]
    seat.begin(lambda: None)
    (busy,) = trust.sweep(seat)
    assert "still being written" in busy
    loading = Trust(Desk(Host(lambda _: FakeModel())))
    (waiting,) = loading.sweep(seated())
    assert "still loading" in waiting
    (nothing,) = loading.reliance(Seat())
    assert nothing == "", "where nothing was answered there is no panel to write on"


def test_a_picture_in_colour_has_no_windows_and_the_panel_says_so() -> None:
    seat = Seat()
    scan = Scan((np.zeros((8, 8, 3), np.uint8),), "gross", "file", "0" * 64, "a photograph")
    seat.change(
        lambda s: (now := s.with_scan(scan)).asked(QUESTION, None).answered("A.", Made(now.now, "m", "tuned", GREEDY))
    )
    assert "in colour" in list(trust_with(FakeModel()).sweep(seat))[-1]


def test_another_window_of_the_same_slice_is_the_same_picture_for_contradictions_another_picture_is_not() -> None:
    def say(session: Session, text: str, window: Window) -> Session:
        assert session.now is not None and session.scan is not None
        looked = session.looked(session.scan.slices, replace(session.now.look, window=window))
        return looked.asked(QUESTION, None).answered(text, Made(looked.now, "m", "tuned", GREEDY))

    once = say(Session().with_scan(ct()), "Yes.", Window(400, 40))
    twice = say(once, "No.", Window(1500, -600))
    assert len(twice.sent) == 2, "the model was given two pictures"
    first, second = contradicted(twice)
    assert first == "" and second.startswith("This contradicts an earlier answer")
    assert contradicted(say(once.with_scan(ct()), "No.", Window(400, 40))) == ("", "")


def test_the_component_hears_its_three_events_and_writes_on_itself_alone() -> None:
    async def made() -> Any:
        with gr.Blocks() as blocks:
            seat = gr.State(Seat())
            component = build()
            wire(component, seat, Desk(Host(lambda _: FakeModel())))
        return blocks.config["dependencies"], component._id

    dependencies, own = asyncio.run(made())
    heard = {target[1]: step["outputs"] for step in dependencies for target in step["targets"]}
    assert heard == {"sweep": [own], "reliance": [own], "enough": []}
