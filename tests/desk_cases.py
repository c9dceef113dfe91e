"""A desk with a model behind it, and somebody seated there."""

from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from PIL import Image

from medvlm.page.desk import Desk, Moment
from medvlm.page.host import Host, PageModel
from medvlm.page.seat import Seat
from medvlm.page.session import Choices
from medvlm.types import Arm, Conversation

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
