"""Serving the page: one address, no access log, a clear word when the address is taken."""

import atexit
import os
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from medvlm.errors import ConfigError


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises `ConfigError` where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"{host}:{port} cannot be used ({error.strerror}); choose another port with --port, or another --host."
        ) from None
    listener.listen(128)
    return listener


class Server(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def serve(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until interrupted; `ready` is called once the page answers. Nothing that people send is logged."""
    signal.signal(signal.SIGTERM, _end)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1, lifespan="on"
    )
    Server(config, ready).run(sockets=[listener])


def _end(number: int, _: object) -> None:
    """uvicorn ends in order and then sends the signal again: with the default handler nothing after it would be done.

    A model that is being loaded is cut off at the very end; the interpreter would not survive tearing it down.
    """
    atexit.register(os._exit, 128 + number)
    sys.exit(128 + number)
