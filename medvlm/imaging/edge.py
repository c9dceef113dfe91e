"""The edge of the readers: inside it a decoder may raise what it likes, outside there is only `UserError`."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from medvlm.errors import UserError
from medvlm.imaging.quiet import quiet

_log = logging.getLogger(__name__)


@contextmanager
def only_advice(what: str, kind: str) -> Iterator[None]:
    """Turns whatever the block raises into a `UserError` that names `what` and calls it `kind` ("a PNG file").

    The text of an error may quote a header: only its kind and place are logged, and it is not chained.
    """
    try:
        with quiet():
            yield
    except UserError:
        raise
    except MemoryError:
        raise UserError(
            f"{what} needs more memory than is free on this machine. Export fewer slices or a smaller picture."
        ) from None
    except Exception as error:
        _log.info("a file could not be read: %s", _place(error))
        # The error itself must not be the context either: it would travel along with the advice.
        advice = UserError(f"{what} is {kind} that is damaged or cut short. Export or copy it again.")
        advice.__suppress_context__ = True
        raise advice from None


def called(name: str) -> str:
    """The file's own name for messages, without folders or control characters, shortened."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(letter for letter in base if letter.isprintable()).strip()
    if not clean:
        return "The file"
    return clean if len(clean) <= 60 else f"{clean[:40]}...{clean[-15:]}"


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno}"
