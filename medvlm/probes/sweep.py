"""Window sweep: the same question under every window of the picture's kind, and which answers differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from medvlm.errors import UserError
from medvlm.imaging.window import words
from medvlm.metrics.text import normalised
from medvlm.page.viewing import presets
from medvlm.probes import Brake, Inquiry, Shown, put
from medvlm.types import Arm, ChatModel, Decoding, Window

ON_SCREEN = "As asked"


@dataclass(frozen=True, slots=True, eq=False)
class Pane:
    """One way of looking at the picture. `names`: all windows that draw these very pixels."""

    names: tuple[str, ...]
    window: Window
    pixels: Shown

    @property
    def label(self) -> str:
        """Such as "Lung 1500/-600"."""
        return f"{', '.join(self.names)} {words(self.window)}"


@dataclass(frozen=True, slots=True)
class Tried:
    """What was answered through one window."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Windows with the same answer. `differs`: it is not the answer through the window that was asked with."""

    text: str
    labels: tuple[str, ...]
    differs: bool


def panes(inquiry: Inquiry) -> tuple[Pane, ...]:
    """The picture through the window it was asked with, then through each preset; same pixels come once.

    Raises `UserError` for a picture without windows: in colour, or of a single grey.
    """
    own = inquiry.look.window
    if own is None:
        raise UserError("This picture is in colour, so there are no windows to try. Open a greyscale scan for that.")
    found: list[Pane] = []
    for name, window in ((ON_SCREEN, own), *((preset.name, preset.window) for preset in presets(inquiry.scan))):
        pixels = inquiry.pixels(None if name == ON_SCREEN else window)
        same = next((n for n, pane in enumerate(found) if (pane.pixels == pixels).all()), None)
        if same is None:
            found.append(Pane((name,), window, pixels))
        else:
            found[same] = replace(found[same], names=(*found[same].names, name))
    if len(found) < 2:
        raise UserError("Every window shows this picture alike, so there is nothing to compare. Try another picture.")
    return tuple(found)


def sweep(
    model: ChatModel, inquiry: Inquiry, through: Sequence[Pane], arm: Arm, decoding: Decoding, brake: Brake
) -> Iterator[Tried]:
    """Ask greedily through each pane, in order, until the brake is pulled. Raises `UserError` as the model does."""
    for pane in through:
        text = put(model, inquiry, pane.pixels, arm, decoding, brake)
        if text is None:
            return
        yield Tried(pane.label, text)


def groups(tried: Sequence[Tried]) -> tuple[Group, ...]:
    """Answers that are equal word for word (case, punctuation and articles aside), the first one's group first."""
    kept: dict[str, list[Tried]] = {}
    for one in tried:
        kept.setdefault(normalised(one.text), []).append(one)
    return tuple(
        Group(same[0].text, tuple(one.label for one in same), differs=n > 0) for n, same in enumerate(kept.values())
    )


def verdict(found: Sequence[Group]) -> str:
    """The sweep in one sentence; empty before anything was asked."""
    count = sum(len(group.labels) for group in found)
    others = sum(len(group.labels) for group in found if group.differs)
    if count < 2:
        return ""
    if not others:
        return f"The answer is the same through all {count} windows."
    return f"{others} of {count} windows give another answer: it depends on how the picture is shown."
