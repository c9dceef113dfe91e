"""A ChatModel on any OpenAI-compatible server (vLLM, SGLang, `transformers serve`): answers, judges, a whole page."""

import base64
import io
import os
import time
from typing import TYPE_CHECKING, Any

from medvlm import prompts
from medvlm.chat import whole
from medvlm.endpoint import Budget, Endpoint, Patience
from medvlm.engine.queueing import Answer, Channel, Line
from medvlm.errors import UserError
from medvlm.imaging import render
from medvlm.types import Arm, Conversation, Decoding, EndReason, Report, Scan, View

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Budget", "Patience", "RemoteModel"]

KEY = "MEDVLM_ENDPOINT_KEY"
HELLO = "Answer with one word: hello."


class RemoteModel:
    """What a server answers under one name, or under two: its `base`, and the `tuned` model beside it.

    Pictures leave this machine, as PNG of what the page shows. Questions run side by side; the server decides how many.
    """

    verified = False  # nobody here can see whether the server's tuned model belongs to its base

    def __init__(
        self,
        endpoint: str,
        base: str,
        tuned: str | None = None,
        *,
        key: str | None = None,
        patience: Patience | None = None,
        budget: Budget | None = None,
        per_minute: int | None = None,
    ) -> None:
        """`endpoint`: such as http://127.0.0.1:8000; `base` and `tuned`: what the server calls them. `key`: for servers
        that want one (default: MEDVLM_ENDPOINT_KEY). Raises ConfigError for what is no address."""
        given = key or os.environ.get(KEY)
        self.endpoint = Endpoint(endpoint, key=given, patience=patience, budget=budget, per_minute=per_minute)
        self._names: dict[Arm, str] = {"base": base} if tuned is None else {"base": base, "tuned": tuned}

    @property
    def name(self) -> str:
        return " + ".join(self._names.values())

    @property
    def badge(self) -> str:
        """The names without the folders they may stand in."""
        names = [name.rstrip("/").rpartition("/")[2] if name.startswith("/") else name for name in self._names.values()]
        return f"{' + '.join(names)} · on {self.endpoint.host}"

    @property
    def adapter_sha256(self) -> str:
        """A server shows no weights."""
        return ""

    @property
    def arms(self) -> tuple[Arm, ...]:
        return tuple(self._names)

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding) -> Answer:
        """The answer as it comes. Raises UserError where there is no such arm, and while it is read."""
        if arm not in self._names:
            raise UserError("There is no tuned model here, only the base. Name the server's tuned model to get one.")
        # A line of its own: nobody has to wait for anybody else's answer.
        return Answer(Line(), lambda channel: self._answer(channel, conversation, arm, decoding))

    def check(self) -> None:
        """Ask every arm for one word. Raises UserError that says what is wrong with the server."""
        for arm in self.arms:
            whole(self, Conversation().asked(HELLO), arm, Decoding(max_tokens=1))

    def seen(self, scan: Scan, view: View) -> "Image":
        """The picture as it is sent; what the server's processor makes of it is not known here."""
        from PIL import Image

        return Image.fromarray(render(scan, view.slice))

    def prompt_text(self, conversation: Conversation, arm: Arm) -> str:
        """What is sent, as text; the server's chat template makes its tokens of it."""
        return prompts.plain(conversation)

    def forget(self, conversation_id: str) -> None:
        """Nothing is kept here between questions."""

    def _answer(self, channel: Channel, conversation: Conversation, arm: Arm, decoding: Decoding) -> None:
        began = time.monotonic()
        deadline = began + decoding.seconds
        first, pieces, tokens, prompt_tokens, finish = 0.0, 0, None, None, None

        def go_on() -> bool:
            return channel.go_on() and time.monotonic() < deadline

        for chunk in self.endpoint.ask(self._names[arm], messages(conversation), decoding, go_on):
            if chunk.text:
                first, pieces = first or time.monotonic() - began, pieces + 1
                channel.put(chunk.text)
            finish = chunk.finish or finish
            tokens = chunk.tokens if chunk.tokens is not None else tokens
            prompt_tokens = chunk.prompt_tokens if chunk.prompt_tokens is not None else prompt_tokens
        seconds = time.monotonic() - began
        notes = () if tokens is not None else ("The server tells no counts of tokens: pieces were counted.",)
        told = tokens if tokens is not None else pieces
        self.endpoint.budget.tokens(told + (prompt_tokens or 0))
        ended: EndReason = "length" if finish == "length" else "end"
        if finish is None:
            ended = "time" if channel.go_on() else "stopped"
        channel.end(Report(told, prompt_tokens or 0, 0, seconds, first or seconds, ended, notes))


def messages(conversation: Conversation) -> list[dict[str, Any]]:
    """The conversation as servers take it: each picture where it was shown, as a PNG in a data address."""
    pictures = iter(prompts.views(conversation))
    made = []
    for message in prompts.messages(conversation):
        parts = [
            part if part["type"] == "text" else _picture(conversation, next(pictures)) for part in message["content"]
        ]
        # Plain text for turns without a picture: some servers take nothing else from the system and the assistant.
        only_text = len(parts) == 1 and parts[0]["type"] == "text"
        made.append({"role": message["role"], "content": parts[0]["text"] if only_text else parts})
    return made


def _picture(conversation: Conversation, view: View) -> dict[str, Any]:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(render(conversation.scans[view.scan], view.slice)).save(buffer, "PNG")
    address = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return {"type": "image_url", "image_url": {"url": address}}
