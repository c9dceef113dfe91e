"""One OpenAI-compatible server: streamed answers with patience, a pace, and a budget in requests or tokens."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from medvlm.errors import ConfigError, UserError
from medvlm.types import Decoding

# Statuses after which the same request may succeed: overload, restarts, gateways. Others say that it never will.
PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))
NO_KEY = "none"  # sent where nobody gave a key: without one, the client would send the user's own hub token along
GLANCE = 0.05  # seconds between looks at whether anybody still wants the answer


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a server is given another chance. Waits double from `wait` to `longest` seconds;
    `silence`: seconds without a word after which a request counts as failed."""

    tries: int = 5
    wait: float = 1.0
    longest: float = 30.0
    silence: float = 120.0

    def pause(self, failed: int) -> float:
        """Seconds to wait after so many failures."""
        return float(min(self.longest, self.wait * 2 ** (failed - 1)))


class BudgetSpent(UserError):
    """No more may be asked; a larger budget goes on."""


class Budget:
    """How much may be asked of a server in all; safe for threads. None: without limit."""

    def __init__(self, requests: int | None = None, tokens: int | None = None) -> None:
        self._most = {"requests": requests, "tokens": tokens}
        self.spent = {"requests": 0, "tokens": 0}
        self._lock = threading.Lock()

    def request(self) -> None:
        """Take one request; raises BudgetSpent where one of the limits is reached."""
        with self._lock:
            for what, most in self._most.items():
                if most is not None and self.spent[what] >= most:
                    raise BudgetSpent(
                        f"The budget of {most} {what} is spent. Give a larger one to go on; what was answered is kept."
                    )
            self.spent["requests"] += 1

    def tokens(self, count: int) -> None:
        """Note what a request took, in and out."""
        with self._lock:
            self.spent["tokens"] += count


class Pace:
    """When the next request may start: at most so many a minute, and none before the server said that it may."""

    def __init__(self, per_minute: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._next = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """The seconds to wait before one may start; the place is taken."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next)
            self._next = start + self._gap
            return start - now

    def hold(self, seconds: float) -> None:
        """Nobody starts for so long."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event of a streamed answer. `finish`: why it ended, in the last one with text; counts where it told them."""

    text: str
    finish: str | None
    prompt_tokens: int | None
    tokens: int | None


class Fault(Exception):
    """Something that may pass; `wait`: seconds that the server asked for."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class WithoutCounts(Exception):
    """The server refuses to be asked for counts of tokens; without the wish it answers."""


class Endpoint:
    """A server's address with everything that its requests share. Safe for threads."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        patience: Patience | None = None,
        budget: Budget | None = None,
        per_minute: int | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{url!r} is no server's address; write http://HOST:PORT or https://HOST.")
        self.url = url.rstrip("/")
        self.host = parts.netloc.rpartition("@")[2]
        self.patience = patience or Patience()
        self.budget = budget or Budget()
        self._pace = Pace(per_minute)
        self._key = key or NO_KEY
        self._counts = True  # whether it takes the wish for counts of tokens; transformers serve refuses it

    def ask(
        self, model: str, messages: list[dict[str, Any]], decoding: Decoding, go_on: Callable[[], bool]
    ) -> Iterator[Chunk]:
        """The answer as it comes, begun again where it fails. Ends early when `go_on` says no.

        An answer that breaks off is asked for again, and what had come of it is not given twice; when the second one
        begins otherwise, that cannot be. Raises UserError that says what to do.
        """
        given, failed = "", 0
        while self._rest(self._pace.take(), go_on):
            self.budget.request()
            try:
                for chunk in self._fresh(self._once(model, messages, decoding), given):
                    given += chunk.text
                    yield chunk
                    if not go_on():
                        return
                return
            except WithoutCounts:
                self._counts = False
            except Fault as fault:
                failed += 1
                if failed == self.patience.tries:
                    raise UserError(
                        f"The server {self.host} failed {failed} times, last with: {fault}. Look at its log, or try "
                        "again later; what was answered is kept."
                    ) from fault
                self._pace.hold(fault.wait)
                if not self._rest(max(fault.wait, self.patience.pause(failed)), go_on):
                    return

    def _fresh(self, chunks: Iterator[Chunk], given: str) -> Iterator[Chunk]:
        """The chunks without the text that was given out before they were asked for again."""
        with closing(chunks):  # type: ignore[type-var]
            for chunk in chunks:
                known = min(len(given), len(chunk.text))
                if chunk.text[:known] != given[:known]:
                    raise UserError(
                        f"The server {self.host} broke off and began another answer on the second try. Ask again; "
                        "temperature 0 avoids it on most servers."
                    )
                given = given[known:]
                yield Chunk(chunk.text[known:], chunk.finish, chunk.prompt_tokens, chunk.tokens)

    def _once(self, model: str, messages: list[dict[str, Any]], decoding: Decoding) -> Iterator[Chunk]:
        """One request. Raises Fault for what may pass, UserError for what will not."""
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError

        finished = False
        with self._client() as client:
            try:
                events = client.chat_completion(
                    messages,
                    model=model,
                    stream=True,
                    max_tokens=decoding.max_tokens,
                    temperature=decoding.temperature,
                    top_p=decoding.top_p,
                    seed=decoding.seed,
                    stream_options={"include_usage": True} if self._counts else None,
                )
                for event in events:
                    chunk = _chunk(event)
                    finished = finished or chunk.finish is not None
                    yield chunk
            except httpx2.TimeoutException as error:
                raise Fault(f"no word for {self.patience.silence:.0f} s") from error
            except HfHubHTTPError as error:
                raise self._refusal(error, model) from error
            except httpx2.HTTPError as error:
                raise Fault(f"{type(error).__name__}: {error}") from error
            except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
                raise Fault(f"an answer that is no chat completion ({type(error).__name__}: {error})") from error
        if not finished:
            raise Fault("an answer that broke off")

    def _client(self) -> Any:
        """The hub's client on a connection of its own, closed with it.

        The hub's own connection refuses every address while HF_HUB_OFFLINE is set, those of this machine included, and
        sends what concerns the hub alone. Servers on this machine are not looked for behind a proxy.
        """
        import httpx2
        from huggingface_hub import InferenceClient
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

        secure = self.url.startswith("https")
        near = urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")

        class Direct(InferenceClient):
            def _inner_post(self, request_parameters: Any, *, stream: bool = False) -> Any:
                session = self.exit_stack.enter_context(
                    httpx2.Client(timeout=self.timeout, trust_env=not near, verify=secure)
                )
                sent = session.stream(
                    "POST", request_parameters.url, json=request_parameters.json, headers=request_parameters.headers
                )
                response = self.exit_stack.enter_context(sent)
                hf_raise_for_status(response)
                return response.iter_lines()

        return Direct(base_url=self.url, api_key=self._key, timeout=self.patience.silence)

    def _refusal(self, error: Any, model: str) -> Exception:
        status: int = error.response.status_code
        said = " ".join(_text(error.response).split())[:300]
        if self._counts and status in (400, 422) and "stream_options" in said:
            return WithoutCounts(said)
        if status in PASSING:
            return Fault(f"status {status} {said}".strip(), _asked_to_wait(error.response.headers.get("Retry-After")))
        step = {
            401: "Give its key in MEDVLM_ENDPOINT_KEY.",
            403: "Give a key that may use it in MEDVLM_ENDPOINT_KEY.",
            404: f"Check the address, and that it serves {model!r}.",
        }.get(status, "Check the model's name and what it takes.")
        return UserError(f"The server {self.host} refused the question for {model!r}: status {status} {said}. {step}")

    def _rest(self, seconds: float, go_on: Callable[[], bool]) -> bool:
        """Wait, looking now and then whether anybody still wants the answer; whether somebody does."""
        end = time.monotonic() + seconds
        while go_on():
            left = end - time.monotonic()
            if left <= 0:
                return True
            time.sleep(min(GLANCE, left))
        return False


def _chunk(event: Any) -> Chunk:
    """Raises TypeError where an event is none of a chat completion."""
    usage = getattr(event, "usage", None)
    choices = event.choices
    if not choices:
        if usage is None:
            raise TypeError("an event without choices")
        return Chunk("", None, usage.prompt_tokens, usage.completion_tokens)
    text = choices[0].delta.content or ""
    told = (usage.prompt_tokens, usage.completion_tokens) if usage is not None else (None, None)
    return Chunk(text, choices[0].finish_reason, *told)


def _text(response: Any) -> str:
    """What the server wrote; nothing where the body is gone."""
    try:
        response.read()
        return str(response.text)
    except Exception:  # the refusal counts, whatever else happens to its body
        return ""


def _asked_to_wait(header: str | None) -> float:
    """Seconds of a Retry-After header; 0 for none, or for a date."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0
