"""Two answers at once: in one batch where one model has both, side by side otherwise."""

import threading
import time
from typing import Protocol, runtime_checkable

from medvlm.engine.queueing import Channel, Line, PairAnswer
from medvlm.errors import UserError
from medvlm.types import AnswerStream, Contender, Decoding, Report

# A stopped answer is reported when its worker has noticed, within a token; the slowest take a while over one.
TICK, PATIENCE = 0.01, 10.0


@runtime_checkable
class PairModel(Protocol):
    """A model that can draw two answers of its own together."""

    def stream_pair(self, left: Contender, right: Contender, decodings: tuple[Decoding, Decoding]) -> PairAnswer: ...


def stream(left: Contender, right: Contender, decodings: tuple[Decoding, Decoding]) -> PairAnswer:
    """Begin to answer both sides' last questions together; pieces come as (side, piece), interleaved as they are made.

    Two of one local model are drawn in one batch and one turn of its line; any others each by their own model, in a
    thread each. What goes wrong on one side stands in `errors` and leaves the other alone; when both fail, a UserError
    is raised. `close` calls both streams' `close`, in the thread of whoever stops.
    """
    if left.model is right.model and isinstance(left.model, PairModel):
        try:
            return left.model.stream_pair(left, right, decodings)
        except UserError:
            pass  # One side cannot be answered; perhaps the other can.
    return _side_by_side((left, right), decodings)


def _side_by_side(sides: tuple[Contender, Contender], decodings: tuple[Decoding, Decoding]) -> PairAnswer:
    begun = [_begun(side, decoding) for side, decoding in zip(sides, decodings, strict=True)]
    streams = [one for one in begun if not isinstance(one, UserError)]
    if not streams:
        raise UserError(" ".join(dict.fromkeys(str(one) for one in begun)))

    def stop() -> None:
        for one in streams:
            one.close()

    return PairAnswer(Line(), lambda channel: _relay_both(channel, begun), stop)


def _begun(side: Contender, decoding: Decoding) -> AnswerStream | UserError:
    try:
        return side.model.stream(side.conversation, side.arm, decoding)
    except UserError as error:
        return error


def _relay_both(channel: Channel, begun: list[AnswerStream | UserError]) -> None:
    """Pass both on, each in a thread of its own; returns when both have ended."""
    other = threading.Thread(target=_relay, args=(channel, 1, begun[1]), name="answer")
    other.start()
    _relay(channel, 0, begun[0])
    other.join()


def _relay(channel: Channel, side: int, stream: AnswerStream | UserError) -> None:
    """Pass pieces on, then the report or what went wrong. What nobody can act on ends both."""
    try:
        if isinstance(stream, UserError):
            raise stream
        for piece in stream:
            if piece:
                channel.put((side, piece))
        channel.put((side, _report(stream)))
    except UserError as error:
        channel.put((side, error))
    except BaseException as error:
        channel.end(error)


def _report(stream: AnswerStream) -> Report:
    until = time.monotonic() + PATIENCE
    while (report := stream.report) is None and time.monotonic() < until:
        time.sleep(TICK)
    return report or Report(0, 0, 0, 0.0, 0.0, "stopped")
