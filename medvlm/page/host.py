"""The model while it loads: the page is up before it is, and says how far it has come."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from medvlm.errors import UserError
from medvlm.types import AnswerStream, Arm, ChatModel, Conversation, Decoding, Scan, View

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

# A sentence, and how much is done (0 to 1).
Progress = Callable[[str, float], None]


class LiveAnswer(AnswerStream, Protocol):
    """An answer that can be watched without waiting for it."""

    @property
    def ahead(self) -> int:
        """How many are answered before this one."""

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; whether the next piece, or the end, is there. Raises what the model raised."""

    def join(self, seconds: float) -> None:
        """Wait for the work to have stopped, at most so long."""


class PageModel(ChatModel, Protocol):
    """A ChatModel that can also say what it is and what it saw."""

    @property
    def badge(self) -> str: ...

    @property
    def verified(self) -> bool: ...

    @property
    def adapter_sha256(self) -> str:
        """Of the adapter's weights; empty where there is none, or nobody here knows."""
        ...

    @property
    def arms(self) -> tuple[Arm, ...]: ...

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding) -> LiveAnswer: ...

    def seen(self, scan: Scan, view: View) -> "Image": ...

    def prompt_text(self, conversation: Conversation, arm: Arm) -> str: ...

    def forget(self, conversation_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Status:
    """How the model stands: `sentence` is for the badge (its name, what is going on, or why it failed).

    `seconds`: since loading began, or what it took. `adapted`: there is a tuned arm; `verified`: it fits its base.
    """

    state: Literal["loading", "ready", "failed"]
    sentence: str
    seconds: float
    adapted: bool = False
    verified: bool = False


class Host:
    """Loads one model in a thread of its own and keeps it."""

    def __init__(
        self,
        load: Callable[[Progress], PageModel],
        ended: Callable[[Status], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ended` is told how loading ended, in the thread that loads."""
        self._load = load
        self._ended = ended
        self._clock = clock
        self._began = clock()
        self._took = 0.0
        self._doing = "Starting"
        self._model: PageModel | None = None
        self._failed: str | None = None
        self._done = threading.Event()

    def start(self) -> None:
        """Begin to load; returns at once."""
        self._began = self._clock()
        threading.Thread(target=self._run, daemon=True, name="load").start()

    @property
    def status(self) -> Status:
        if self._failed is not None:
            return Status("failed", self._failed, self._took)
        if self._model is None:
            return Status("loading", self._doing, self._clock() - self._began)
        return Status("ready", self._model.badge, self._took, "tuned" in self._model.arms, self._model.verified)

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the end of loading; whether it has ended, well or not."""
        return self._done.wait(seconds)

    @property
    def ready(self) -> "PageModel | None":
        """The model, or None while it loads or when it failed."""
        return self._model

    def model(self) -> PageModel:
        """The model; raises `UserError` with the reason where loading failed or has not ended."""
        if self._model is None:
            raise UserError(self._failed or "The model is still loading; ask again in a moment.")
        return self._model

    def _run(self) -> None:
        try:
            model = self._load(self._note)
            self._took = self._clock() - self._began
            self._model = model
        except UserError as error:
            self._failed = str(error)
        except Exception as error:
            # Unforeseen: the page must not say "loading" for ever, and the terminal must show where it broke.
            log.exception("The model could not be loaded.")
            self._failed = f"The model could not be loaded ({type(error).__name__}); the terminal says where it broke."
        finally:
            self._took = self._clock() - self._began
            self._done.set()
            self._ended(self.status)

    def _note(self, sentence: str, _: float) -> None:
        self._doing = sentence
