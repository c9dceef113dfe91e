"""Keeps decoders silent while a file is read: their warnings may quote a header, and a header may name a patient."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_readers = 0
_catcher: "warnings.catch_warnings[None] | None" = None


@contextmanager
def quiet() -> Iterator[None]:
    """No Python warning while the block runs, and no log line of a decoder from its first use on.

    `warnings.catch_warnings` changes the whole process, and two overlapping ones would restore each other's filters.
    So the first reader opens one and the last reader closes it.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _readers, _catcher
    with _lock:
        _readers += 1
        if _readers > 1:
            return
        for name in ("pydicom", "tifffile", "PIL", "openjpeg"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        _catcher = warnings.catch_warnings()
        _catcher.__enter__()
        warnings.simplefilter("ignore")


def _leave() -> None:
    global _readers, _catcher
    with _lock:
        _readers -= 1
        if _readers == 0 and _catcher is not None:
            _catcher.__exit__(None, None, None)
            _catcher = None
