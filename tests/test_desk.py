"""What can be done at the page: ask, stop, retry, edit, undo, start anew; what goes wrong gives the question back."""

import logging
import threading
import time

import pytest

from medvlm.chat import LONGEST_QUESTION
from medvlm.errors import UserError
from medvlm.page.desk import Desk, Moment
from medvlm.page.host import Host, PageModel
from medvlm.page.seat import Seat
from medvlm.page.session import Choices
from medvlm.types import Arm, Conversation, Decoding
from tests.desk_cases import ASK, desk_with, seated, turns, until, words
from tests.fakes import FakeModel


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


def test_the_prompt_is_shown_with_the_chosen_system_prompt_and_the_last_question() -> None:
    desk = desk_with(FakeModel())
    seat = seated(desk)
    assert "(your question)" in desk.prompt_text(seat, ASK)
    list(desk.ask(seat, "one", ASK))
    text = desk.prompt_text(seat, Choices(system="Be brief."))
    assert text == "system: Be brief.\nuser: [picture] one"
    assert turns(seat) == ["one", "tuned: one"]
