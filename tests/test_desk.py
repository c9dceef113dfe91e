"""What can be done at the page: ask, stop, retry, edit, undo, start anew; what goes wrong gives the question back."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from medvlm.desk import LONGEST_QUESTION, Desk, Moment
from medvlm.errors import UserError
from medvlm.host import Host, PageModel
from medvlm.imaging import Limits, Series
from medvlm.seat import Seat
from medvlm.session import Choices
from medvlm.types import Arm, Conversation, Decoding, Scan, Window
from tests.fakes import FakeModel

ASK = Choices()


def png(grey: int = 100) -> bytes:
    out = BytesIO()
    Image.fromarray(np.full((12, 16), grey, np.uint8)).save(out, "PNG")
    return out.getvalue()


def desk_with(model: PageModel) -> Desk:
    host = Host(lambda _: model)
    host.start()
    assert host.wait(10)
    return Desk(host)


def seated(desk: Desk, pictures: int = 1) -> Seat:
    seat = Seat()
    for _ in range(pictures):
        desk.open_scan(seat, png(), "a.png")
    return seat


def turns(seat: Seat) -> list[str]:
    return [turn.text for turn in seat.session.conversation.turns]


def words(count: int) -> Callable[[Conversation, Arm], str]:
    return lambda conversation, arm: " ".join(f"w{n}" for n in range(count))


def until(moments: Iterator[Moment], ready: Callable[[Moment], bool]) -> Moment:
    return next(moment for moment in moments if ready(moment))


def test_an_answer_grows_and_then_stands_in_the_conversation_with_how_it_was_made() -> None:
    desk = desk_with(FakeModel(seconds=0.06))
    seat = seated(desk)
    moments = list(desk.ask(seat, "  What is it?  ", ASK))
    texts = [moment.text for moment in moments if moment.phase == "writing"]
    assert texts == sorted(texts, key=len) and len(texts) > 1
    assert moments[-1] == Moment("done")
    assert turns(seat) == ["What is it?", "tuned: What is it?"]
    (made,) = seat.session.made
    assert (
        made.shown is not None
        and made.shown.item == 0
        and [one.words for one in made.saw] == [seat.session.about(made.shown)]
        and made.model == "fake + fake-med"
        and made.report is not None
    )
    assert made.report.ended == "end" and not seat.busy


def test_asking_while_the_model_loads_waits_and_says_so() -> None:
    go = threading.Event()

    def load(_: object) -> PageModel:
        assert go.wait(20)
        return FakeModel()

    host = Host(load)
    host.start()
    seat = Seat()
    moments = Desk(host).ask(seat, "hello", ASK)
    assert next(moments).phase == "loading" and seat.busy
    go.set()
    assert list(moments)[-1].phase == "done" and turns(seat) == ["hello", "tuned: hello"]


def test_a_wait_for_the_model_can_be_stopped() -> None:
    host = Host(lambda _: FakeModel())  # Never started: it loads for ever.
    seat = Seat()
    moments = Desk(host).ask(seat, "hello", ASK)
    next(moments)
    seat.stop()
    assert list(moments) == [Moment("done", question="hello")] and turns(seat) == []


def test_a_model_that_did_not_load_says_why_and_gives_the_question_back() -> None:
    def load(_: object) -> PageModel:
        raise UserError("The weights are damaged; run make install.")

    host = Host(load)
    host.start()
    seat = Seat()
    (moment,) = Desk(host).ask(seat, "hello", ASK)
    assert moment == Moment("failed", error="The weights are damaged; run make install.", question="hello")
    assert turns(seat) == [] and not seat.busy


def test_stopping_keeps_what_was_written_and_frees_the_model() -> None:
    model = FakeModel(words(500), seconds=0.02)
    desk = desk_with(model)
    seat = seated(desk)
    moments = desk.ask(seat, "long", ASK)
    until(moments, lambda moment: "w3" in moment.text)
    seat.stop()
    began = time.monotonic()
    assert list(moments)[-1] == Moment("done")
    assert time.monotonic() - began < 2.0
    answer = turns(seat)[1]
    assert answer.startswith("w0 w1 w2 w3") and len(answer.split()) < 100
    assert seat.session.made[0].report is not None and seat.session.made[0].report.ended == "stopped"
    assert list(desk.ask(seat, "next", ASK))[-1].phase == "done"


def test_stopping_before_the_first_word_gives_the_question_back() -> None:
    desk = desk_with(FakeModel(seconds=3.0))
    seat = seated(desk)
    moments = desk.ask(seat, "slow", ASK)
    next(moments)
    seat.stop()
    assert list(moments)[-1] == Moment("done", question="slow") and turns(seat) == []


def test_who_waits_is_told_how_many_are_ahead() -> None:
    desk = desk_with(FakeModel(words(60), seconds=0.02))
    first, second = seated(desk), seated(desk)
    one = desk.ask(first, "first", ASK)
    until(one, lambda moment: moment.phase == "writing")
    two = desk.ask(second, "second", ASK)
    assert until(two, lambda moment: moment.phase == "queued").ahead == 1
    assert list(one)[-1].phase == "done" and list(two)[-1].phase == "done"
    assert turns(first)[0] == "first" and turns(second)[0] == "second"


def test_a_reader_that_goes_away_stops_the_work_and_leaves_no_question_behind() -> None:
    model = FakeModel(words(500), seconds=0.02)
    desk = desk_with(model)
    seat = seated(desk)
    moments = desk.ask(seat, "long", ASK)
    until(moments, lambda moment: moment.phase == "writing")
    moments.close()  # type: ignore[attr-defined]
    assert turns(seat) == [] and not seat.busy
    other = seated(desk)
    began = time.monotonic()
    next(desk.ask(other, "hi", ASK))
    assert time.monotonic() - began < 2.0


def test_an_error_of_the_model_gives_the_question_back_and_the_next_one_works() -> None:
    desk = desk_with(FakeModel(error=UserError("Out of memory; ask again.")))
    seat = seated(desk)
    assert list(desk.ask(seat, "one", ASK))[-1] == Moment("failed", error="Out of memory; ask again.", question="one")
    assert turns(seat) == []
    assert list(desk.ask(seat, "two", ASK))[-1].phase == "done" and turns(seat)[0] == "two"


def test_an_unforeseen_error_is_logged_without_what_was_typed(caplog: pytest.LogCaptureFixture) -> None:
    def broken(conversation: Conversation, arm: Arm) -> str:
        raise KeyError(conversation.turns[-1].text)

    desk = desk_with(FakeModel(broken))
    seat = seated(desk)
    with caplog.at_level(logging.DEBUG):
        last = list(desk.ask(seat, "Mrs Example, born 1950", ASK))[-1]
    assert last.phase == "failed" and "KeyError" in last.error and last.question == "Mrs Example, born 1950"
    assert "KeyError" in caplog.text and "Example" not in caplog.text and "Example" not in last.error


@pytest.mark.parametrize("question", ["", "   \n", "x" * (LONGEST_QUESTION + 1)])
def test_a_question_that_cannot_be_asked_is_refused_at_once(question: str) -> None:
    seat = Seat()
    with pytest.raises(UserError):
        next(desk_with(FakeModel()).ask(seat, question, ASK))
    assert not seat.busy and turns(seat) == []


def test_the_next_question_can_be_asked_as_soon_as_the_end_of_the_answer_is_read() -> None:
    desk = desk_with(FakeModel())
    seat = seated(desk)
    first = desk.ask(seat, "one", ASK)
    assert until(first, lambda moment: moment.phase == "done") and not seat.busy
    assert list(desk.ask(seat, "two", ASK))[-1] == Moment("done")
    assert turns(seat) == ["one", "tuned: one", "two", "tuned: two"]


def test_a_second_question_meanwhile_is_refused_and_the_first_goes_on() -> None:
    desk = desk_with(FakeModel(words(30), seconds=0.02))
    seat = seated(desk)
    moments = desk.ask(seat, "one", ASK)
    next(moments)
    with pytest.raises(UserError, match="still being written"):
        next(desk.ask(seat, "two", ASK))
    assert list(moments)[-1].phase == "done" and turns(seat)[0] == "one" and len(turns(seat)) == 2


def test_retry_draws_with_the_next_seed_and_replaces_the_answer() -> None:
    model = FakeModel()
    desk = desk_with(model)
    seat = seated(desk)
    warm = Choices(decoding=Decoding(temperature=0.7, seed=5))
    list(desk.ask(seat, "one", warm))
    list(desk.retry(seat, warm))
    list(desk.retry(seat, warm))
    assert [decoding.seed for _, _, decoding in model.asked] == [5, 6, 7]
    assert turns(seat) == ["one", "tuned: one"] and seat.session.made[0].decoding.seed == 7
    list(desk.retry(seat, Choices(decoding=Decoding(seed=5))))
    assert seat.session.made[0].decoding.seed == 5, "greedy answers do not depend on the seed"
    with pytest.raises(UserError, match="no question to ask again"):
        next(desk.retry(Seat(), warm))


def test_a_retry_that_fails_keeps_the_old_answer() -> None:
    model = FakeModel()
    desk = desk_with(model)
    seat = seated(desk)
    list(desk.ask(seat, "one", ASK))
    model.error = UserError("Out of memory; ask again.")
    assert list(desk.retry(seat, ASK))[-1].phase == "failed"
    assert turns(seat) == ["one", "tuned: one"] and len(seat.session.made) == 1


def test_edit_asks_in_place_of_the_last_question_and_undo_hands_it_back() -> None:
    desk = desk_with(FakeModel())
    seat = seated(desk)
    list(desk.ask(seat, "one", ASK))
    list(desk.ask(seat, "two", ASK))
    list(desk.edit(seat, "two, edited", ASK))
    assert turns(seat) == ["one", "tuned: one", "two, edited", "tuned: two, edited"]
    assert desk.undo(seat) == "two, edited"
    assert turns(seat) == ["one", "tuned: one"] and len(seat.session.made) == 1


def test_the_chosen_arm_answers_and_the_base_alone_answers_for_both() -> None:
    desk = desk_with(FakeModel())
    seat = seated(desk)
    list(desk.ask(seat, "one", Choices(arm="base")))
    assert turns(seat)[1] == "base: one"
    alone = desk_with(FakeModel(arms=("base",)))
    other = seated(alone)
    list(alone.ask(other, "one", Choices(arm="tuned")))
    assert turns(other)[1] == "base: one" and other.session.made[0].arm == "base"


def test_a_new_conversation_stops_the_old_one_and_the_model_forgets_it() -> None:
    model = FakeModel(words(500), seconds=0.02)
    desk = desk_with(model)
    seat = seated(desk)
    old = seat.session.conversation.id
    moments = desk.ask(seat, "long", ASK)
    until(moments, lambda moment: moment.phase == "writing")
    desk.restart(seat)
    list(moments)
    assert model.forgotten == [old] and seat.session.conversation.id != old
    assert turns(seat) == [] and seat.session.scan is None


def test_pictures_chosen_while_an_answer_is_written_are_kept() -> None:
    desk = desk_with(FakeModel(words(30), seconds=0.02))
    seat = seated(desk, pictures=2)
    moments = desk.ask(seat, "about the second", ASK)
    next(moments)
    desk.pick(seat, 0)
    list(moments)
    made = seat.session.made[0].shown
    assert seat.session.shown == 0 and made is not None and made.item == 1


def test_a_retry_is_about_the_same_picture_whatever_is_shown_now() -> None:
    model = FakeModel()
    desk = desk_with(model)
    seat = seated(desk, pictures=2)
    list(desk.ask(seat, "about the second", ASK))
    desk.pick(seat, 0)
    list(desk.retry(seat, ASK))
    made = seat.session.made[0].shown
    assert made is not None and made.item == 1
    first, again = (conversation for conversation, _, _ in model.asked)
    assert first.turns == again.turns and first.scans == again.scans


def test_several_files_fill_the_tray_and_each_opens_when_it_is_chosen() -> None:
    desk, seat = desk_with(FakeModel()), Seat()
    arrivals = list(desk.take_in(seat, [(f"{grey}.png", png(grey)) for grey in (10, 200, 90)]))
    items = seat.session.items
    assert len(items) == 3 and seat.session.shown == 0 and [item.scan is None for item in items] == [False, True, True]
    assert [round(float(item.thumb.mean())) for item in items if item.thumb is not None] == [10, 200, 90]
    assert arrivals[0].first is not None and arrivals[0].total == 3 and arrivals[-1].shown
    desk.pick(seat, 1)
    scan = seat.session.scan
    assert scan is not None and scan.slices[0].mean() == 200
    desk.pick(seat, 0, beside=True)
    assert seat.session.panes == (1, 0)


def test_what_the_gate_refuses_is_shown_to_nobody_not_even_as_a_first_picture() -> None:
    class Shut:
        def __call__(self, scan: Scan) -> Scan:
            raise UserError("A name stands in this picture.")

        def previews(self, series: Series) -> bool:
            return False

    desk, seat = desk_with(FakeModel()), Seat()
    steps = desk.take_in(seat, [("a.png", png()), ("b.png", png())], Shut())
    assert next(steps).first is None
    with pytest.raises(UserError, match="A name stands"):
        list(steps)
    assert seat.session.items == ()


def test_a_small_picture_waits_for_the_gate_and_is_drawn_of_what_came_through_it() -> None:
    class Covers:
        def __call__(self, scan: Scan) -> Scan:
            return replace(scan, slices=(np.zeros((12, 16), np.uint8),), window=Window(255, 127))

        def previews(self, series: Series) -> bool:
            return False

    desk, seat = desk_with(FakeModel()), Seat()
    list(desk.take_in(seat, [("a.png", png(200)), ("b.png", png(90))], Covers()))
    opened, waiting = seat.session.items
    assert opened.thumb is not None and opened.thumb.max() < 9 and waiting.thumb is None


def test_what_is_read_while_a_new_conversation_begins_does_not_turn_up_in_it() -> None:
    desk, seat = desk_with(FakeModel()), Seat()
    steps = desk.take_in(seat, [("a.png", png()), ("b.png", png())])
    next(steps)
    desk.restart(seat)
    list(steps)
    assert seat.session.items == ()


def test_the_model_sees_what_is_on_the_screen() -> None:
    desk = desk_with(FakeModel())
    assert desk.seen(Seat()) == () and len(desk.seen(seated(desk))) == 1


def test_a_wrong_file_leaves_everything_as_it_was() -> None:
    desk = desk_with(FakeModel())
    seat = seated(desk)
    before = seat.session
    with pytest.raises(UserError):
        desk.open_scan(seat, b"no picture", "notes.txt")
    assert seat.session is before
    with pytest.raises(UserError, match="MB"):
        Desk(desk.host, Limits(file_bytes=10)).open_scan(seat, png(), "a.png")


def test_the_model_guesses_what_neither_file_nor_person_said() -> None:
    desk = desk_with(FakeModel(lambda conversation, arm: "This is an axial CT scan."))
    seat = seated(desk)
    scan = desk.guess(seat).scan
    assert scan is not None and (scan.domain, scan.domain_source) == ("ct", "guess")
    assert turns(seat) == []
    seat.change(lambda session: session.as_domain(0, "mri"))
    assert desk.guess(seat).scan is seat.session.scan and seat.session.scan is not None
    assert seat.session.scan.domain == "mri"


def test_a_guess_that_names_nothing_or_two_kinds_is_no_guess() -> None:
    for said in ("A dog.", "A CT or an MRI."):
        desk = desk_with(FakeModel(lambda conversation, arm, said=said: said))  # type: ignore[misc]
        scan = desk.guess(seated(desk)).scan
        assert scan is not None and scan.domain_source == "unknown"


def test_a_question_does_not_wait_for_the_guess() -> None:
    desk = desk_with(FakeModel(words(500), seconds=0.02))
    seat = seated(desk)
    guessing = threading.Thread(target=desk.guess, args=(seat,))
    guessing.start()
    time.sleep(0.3)
    began = time.monotonic()
    until(desk.ask(seat, "now", ASK), lambda moment: moment.phase == "writing")
    assert time.monotonic() - began < 3.0
    guessing.join(5)
    assert not guessing.is_alive()


def test_the_prompt_is_shown_with_the_chosen_system_prompt_and_the_last_question() -> None:
    desk = desk_with(FakeModel())
    seat = seated(desk)
    assert "(your question)" in desk.prompt_text(seat, ASK)
    list(desk.ask(seat, "one", ASK))
    text = desk.prompt_text(seat, Choices(system="Be brief."))
    assert text == "system: Be brief.\nuser: [picture] one"
    assert turns(seat) == ["one", "tuned: one"]
