"""A small OpenAI-compatible server that answers from a script, and misbehaves when told to."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Body = dict[str, Any]
# What goes wrong with one request: a status with or without Retry-After, silence, a stream that is cut after its first
# words, one that ends without saying so, lines that are no JSON, JSON that is no chat completion.
Fault = Literal["500", "503", "429", "400", "404", "silent", "cut", "unfinished", "no json", "wrong json", "no counts"]
SILENCE = 1.5


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def echo(body: Body) -> str:
    """The model's name and the last question, so that mixed-up answers show."""
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else " ".join(p["text"] for p in content if p["type"] == "text")
    return f"{body['model']} hears {text}"


class Serving:
    """What the server was asked, and what it will do wrong: `faults` are used up one a request, then all is well."""

    def __init__(self, answer: Callable[[Body], str], faults: Sequence[Fault], usage: bool, pause: float) -> None:
        self.answer, self.usage, self.pause = answer, usage, pause
        self.faults = list(faults)
        self.bodies: list[Body] = []
        self.keys: list[str | None] = []
        self.written = 0  # events that reached the socket
        self.lock = threading.Lock()
        self.url = ""

    def note(self, body: Body, key: str | None) -> Fault | None:
        with self.lock:
            self.bodies.append(body)
            self.keys.append(key)
            return self.faults.pop(0) if self.faults else None


@contextmanager
def serving(
    answer: Callable[[Body], str] = echo, faults: Sequence[Fault] = (), usage: bool = True, pause: float = 0.0
) -> Iterator[Serving]:
    """A server on a free port of this machine, up while the block runs. `pause`: seconds between words."""
    told = Serving(answer, faults, usage, pause)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"told": told}))
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    told: Serving

    def log_message(self, format: str, *args: Any) -> None:
        """The tests' output is not the place."""

    def do_POST(self) -> None:
        body: Body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.told.note(body, self.headers.get("Authorization"))
        assert self.path == "/v1/chat/completions" and body["stream"] is True
        if fault in ("500", "503", "429", "400", "404"):
            self._refuse(int(fault), "the script says no")
        elif fault == "no counts" and "stream_options" in body:
            self._refuse(422, "Unsupported fields in the request: {'stream_options'}")
        else:
            self._stream(body, fault)

    def _refuse(self, status: int, why: str) -> None:
        text = json.dumps({"error": why}).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "0.2")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _stream(self, body: Body, fault: Fault | None) -> None:
        if fault == "silent":
            time.sleep(SILENCE)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if fault == "no json":
            self._line("data: <html>busy</html>")
        elif fault == "wrong json":
            self._line('data: {"answer": 42}')
        else:
            self._words(body, self.told.answer(body).split(" ")[: body["max_tokens"]], fault)

    def _words(self, body: Body, words: list[str], fault: Fault | None) -> None:
        for number, word in enumerate(words):
            if fault == "cut" and number == 2:
                return
            self._event(body, [_choice(word if not number else f" {word}", None)])
            time.sleep(self.told.pause)
        if fault != "unfinished":
            self._event(body, [_choice("", "length" if len(words) == body["max_tokens"] else "stop")])
        if self.told.usage and "stream_options" in body:
            self._event(body, [], {"prompt_tokens": 7, "completion_tokens": len(words), "total_tokens": 7 + len(words)})
        if fault != "unfinished":
            self._line("data: [DONE]")

    def _event(self, body: Body, choices: list[Body], usage: Body | None = None) -> None:
        made = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": body["model"], "choices": choices}
        self._line("data: " + json.dumps(made if usage is None else {**made, "usage": usage}))

    def _line(self, text: str) -> None:
        try:
            self.wfile.write(text.encode() + b"\n\n")
            self.wfile.flush()
            self.told.written += 1
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


def _choice(text: str, finish: str | None) -> Body:
    return {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
