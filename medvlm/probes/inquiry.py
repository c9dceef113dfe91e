"""The same question about a changed picture, apart from its conversation: what all checks of trust are made of."""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from medvlm.page import region
from medvlm.page.region import Region
from medvlm.page.screen import drawn
from medvlm.page.viewing import Look
from medvlm.types import Arm, ChatModel, Conversation, Decoding, Scan, View, Window

# uint8 RGB of shape (H, W, 3): a picture as the model's processor is given it.
Shown = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Inquiry:
    """A question about one picture as it was on the screen, so that it can be asked again about others.

    Earlier turns stay out: they would tell the model what it saw. `id` keys the model's caches; let it forget that.
    `region`: the part of the picture that was asked about.
    """

    scan: Scan
    look: Look
    question: str
    system: str | None = None
    region: Region | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def pixels(self, window: Window | None = None) -> Shown:
        """The picture, through its own window or another. Raises `UserError` where a slice is damaged."""
        return drawn(self.scan, self.look if window is None else replace(self.look, window=window, channels=()))

    def about(self, pixels: Shown) -> Conversation:
        """The question alone, about these pixels."""
        # Named by its content: what is kept of one picture must never be taken for another.
        name = hashlib.sha256(f"{pixels.shape} ".encode() + pixels.tobytes()).hexdigest()
        picture = Scan((pixels,), self.scan.domain, self.scan.domain_source, name, "a changed picture")
        alone = Conversation((picture,), system=self.system, id=self.id)
        if self.region is not None:
            return region.asked(alone, View(0), self.region, self.question)
        return alone.asked(self.question, (View(0),))


class Brake:
    """Stops what is being asked, and with it whatever would be asked next; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pulled = False
        self._close: Callable[[], None] | None = None

    def __call__(self) -> None:
        """Stop."""
        with self._lock:
            self._pulled, close = True, self._close
        if close is not None:
            close()

    @property
    def pulled(self) -> bool:
        return self._pulled

    def hold(self, close: Callable[[], None] | None) -> None:
        """From now on, this is how to stop; None when there is nothing to stop any more."""
        with self._lock:
            self._close, pulled = close, self._pulled
        if pulled and close is not None:
            close()


def greedy(decoding: Decoding) -> Decoding:
    """The same length and time, without chance: only then does another answer mean another picture."""
    return replace(decoding, temperature=0.0, top_p=1.0)


def put(model: ChatModel, inquiry: Inquiry, pixels: Shown, arm: Arm, decoding: Decoding, brake: Brake) -> str | None:
    """The greedy answer to the inquiry about these pixels; None where the brake was pulled. Raises UserError."""
    if brake.pulled:
        return None
    stream = model.stream(inquiry.about(pixels), arm, greedy(decoding))
    brake.hold(stream.close)
    try:
        text = "".join(stream)
    finally:
        brake.hold(None)
        stream.close()
    return None if brake.pulled else text.strip()
