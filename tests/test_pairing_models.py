"""Two models of any kind side by side: neither waits for the other, and what fails on one side stays there."""

import time

import pytest

from medvlm.engine.pairing import stream
from medvlm.errors import UserError
from medvlm.types import Arm, Contender, Conversation, Decoding, Report
from tests.fakes import FakeModel
from tests.pairing_cases import LONG, begun, texts
from tests.tiny_models import SHORT, asked


def test_any_two_models_answer_side_by_side() -> None:
    slow, quick = FakeModel(lambda *_: "a b c d", seconds=0.02), FakeModel(lambda *_: "1 2 3 4", seconds=0.02)
    pair = stream(Contender(slow, "base", asked("Who?")), Contender(quick, "tuned", asked("You?")), (SHORT, SHORT))
    pieces = list(pair)
    assert ["".join(piece for side, piece in pieces if side == i) for i in (0, 1)] == ["a b c d", "1 2 3 4"]
    assert [side for side, _ in pieces] not in ([0] * 4 + [1] * 4, [1] * 4 + [0] * 4), "neither waits for the other"
    assert [report and report.tokens for report in pair.reports] == [4, 4] and pair.errors == (None, None)
    assert slow.asked[0][1:] == ("base", SHORT) and quick.asked[0][1] == "tuned"


def test_two_arms_that_cannot_be_batched_answer_one_after_the_other() -> None:
    fake = FakeModel()
    assert texts(begun(fake, asked("Who?"))) == ("base: Who?", "tuned: Who?")


def test_side_by_side_one_failure_leaves_the_other_alone() -> None:
    failing, fine = FakeModel(error=UserError("No line to the server.")), FakeModel()
    sides = Contender(failing, "base", asked("Who?")), Contender(fine, "base", asked("Who?"))
    pair = stream(*sides, (SHORT, SHORT))
    assert texts(pair) == ("base:", "base: Who?")
    assert pair.errors == ("No line to the server.", None) and pair.reports[0] is None and pair.reports[1] is not None
    failing.error = UserError("No line to the server.")
    with pytest.raises(UserError, match="No line to the server"):
        texts(stream(sides[0], Contender(FakeModel(arms=("base",)), "tuned", asked()), (SHORT, SHORT)))


class Surprised(FakeModel):
    """A model that fails in a way that nobody foresaw."""

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding):  # type: ignore[no-untyped-def]
        return Unforeseen()


class Unforeseen:
    report: Report | None = None

    def __iter__(self) -> "Unforeseen":
        return self

    def __next__(self) -> str:
        raise KeyError("choices")

    def close(self) -> None:
        pass


def test_what_nobody_can_act_on_is_not_hidden() -> None:
    sides = Contender(Surprised(), "base", asked()), Contender(FakeModel(), "base", asked())
    with pytest.raises(KeyError, match="choices"):
        texts(stream(*sides, (SHORT, SHORT)))


def test_closing_stops_both_sides_wherever_they_are() -> None:
    held = FakeModel(lambda *_: "word " * 1000, seconds=0.01)
    before = held.stream(asked(), "base", LONG)
    free = FakeModel(lambda *_: "word " * 1000, seconds=0.01)
    pair = stream(Contender(held, "base", asked()), Contender(free, "base", asked()), (LONG, LONG))
    assert next(pair)[0] == 1, "the other side waits in its model's line"
    began = time.monotonic()
    pair.close()
    pair.join(10)
    left, right = pair.reports
    assert time.monotonic() - began < 5
    assert left is not None and (left.tokens, left.ended) == (0, "stopped")
    assert right is not None and 0 < right.tokens < 1000 and right.ended == "stopped"
    before.close()
    before.join(10)
