"""The line of those who ask, and answers made in threads of their own."""

import gc
import threading
import time

import pytest

from medvlm.engine.queueing import Answer, Channel, Line
from medvlm.errors import UserError
from medvlm.types import Report

REPORT = Report(1, 1, 0, 0.0, 0.0, "end")


def counting(pieces: int, seconds: float = 0.0, log: list[int] | None = None):  # type: ignore[no-untyped-def]
    """Work that writes 0, 1, 2, ... and notes how far it came."""

    def work(channel: Channel) -> None:
        done = 0
        for i in range(pieces):
            if not channel.go_on():
                break
            channel.put(str(i))
            done += 1
            time.sleep(seconds)
        if log is not None:
            log.append(done)
        channel.end(Report(done, 0, 0, 0.0, 0.0, "end" if done == pieces else "stopped"))

    return work


def test_pieces_arrive_in_order_and_the_report_follows() -> None:
    answer = Answer(Line(), counting(3))
    assert list(answer) == ["0", "1", "2"]
    assert answer.report is not None and answer.report.tokens == 3
    assert list(answer) == []


def test_answers_are_made_in_the_order_of_asking() -> None:
    line, order = Line(), []

    def work(number: int):  # type: ignore[no-untyped-def]
        def run(channel: Channel) -> None:
            order.append(number)
            channel.end(REPORT)

        return run

    gate = threading.Event()
    first = Answer(line, lambda channel: (gate.wait(5), channel.end(REPORT))[1])
    others = [Answer(line, work(i)) for i in range(10)]
    assert [answer.ahead for answer in others] == list(range(1, 11))
    gate.set()
    for answer in (first, *others):
        list(answer)
    assert order == list(range(10))


def test_waiting_shows_when_something_is_there() -> None:
    gate = threading.Event()
    answer = Answer(Line(), lambda channel: (gate.wait(5), channel.put("x"), channel.end(REPORT))[2])
    assert not answer.wait(0.01)
    gate.set()
    assert answer.wait(5)
    assert list(answer) == ["x"]
    assert answer.wait(0)


def test_closing_stops_the_work_and_lets_the_next_go() -> None:
    line, log = Line(), []
    answer = Answer(line, counting(1000, 0.01, log))
    assert next(answer) == "0"
    answer.close()
    answer.join(5)
    assert len(line) == 0 and log[0] < 20
    assert answer.report is not None and answer.report.ended == "stopped"
    assert list(answer) == []


def test_an_answer_that_nobody_holds_any_more_stops() -> None:
    line, log = Line(), []
    answer = Answer(line, counting(1000, 0.01, log))
    next(answer)
    del answer
    gc.collect()
    with line.turn():
        assert log[0] < 100


def test_one_who_waits_may_leave_without_being_served() -> None:
    line, gate = Line(), threading.Event()
    first = Answer(line, lambda channel: (gate.wait(5), channel.end(REPORT))[1])
    served: list[int] = []
    second = Answer(line, counting(1, 0, served))
    second.close()
    second.join(5)
    assert len(line) == 1 and not served
    assert second.report is not None and second.report.ended == "stopped"
    gate.set()
    list(first)


def test_a_failure_reaches_the_reader_and_the_next_question_works() -> None:
    line = Line()

    def fails(channel: Channel) -> None:
        channel.put("a")
        raise UserError("The model broke. Ask again.")

    answer = Answer(line, fails)
    assert next(answer) == "a"
    with pytest.raises(UserError, match="Ask again"):
        next(answer)
    assert list(Answer(line, counting(2))) == ["0", "1"]


def test_a_full_line_says_so() -> None:
    line, gate = Line(limit=2), threading.Event()
    held = [Answer(line, lambda channel: (gate.wait(5), channel.end(REPORT))[1]) for _ in range(3)]
    with pytest.raises(UserError, match="2 questions are already waiting"):
        Answer(line, counting(1))
    gate.set()
    for answer in held:
        list(answer)
    assert list(Answer(line, counting(1))) == ["0"]


def test_an_answer_may_be_read_by_many_threads_in_turn() -> None:
    answer, pieces = Answer(Line(), counting(20)), []
    for _ in range(21):
        reader = threading.Thread(target=lambda: pieces.extend([p] if (p := next(answer, None)) else []))
        reader.start()
        reader.join()
    assert pieces == [str(i) for i in range(20)]


def test_what_is_left_to_do_waits_until_the_next_was_let_go() -> None:
    line, seen = Line(), []

    def work(channel: Channel):  # type: ignore[no-untyped-def]
        channel.end(REPORT)
        return lambda: seen.append(len(line))

    answer = Answer(line, work)
    list(answer)
    for _ in range(500):
        if seen:
            break
        time.sleep(0.01)
    assert seen == [0]
