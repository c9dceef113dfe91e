"""A teacher: any ChatModel asked about text, several questions at once, every reply kept on disk and asked for once."""

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Protocol, runtime_checkable

from medvlm import scores
from medvlm.chat import whole
from medvlm.endpoint import Budget
from medvlm.errors import ConfigError, UserError
from medvlm.types import ChatModel, Conversation, Decoding, EndReason


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of text alone, with how its answer is drawn."""

    conversation: Conversation
    decoding: Decoding


@dataclass(frozen=True, slots=True)
class Said:
    """One reply. `tokens`: in and out, as the model told them."""

    text: str
    ended: EndReason
    tokens: int


@runtime_checkable
class Batching(Protocol):
    """A model that answers several questions in one batch sooner than one after the other."""

    def answer_all(self, asked: Sequence[Asked]) -> list[Said]: ...


class Teacher:
    """Asks a model and keeps every reply; what was asked before, word for word, is not asked again.

    So a killed piece of work that is begun anew goes on where it stood. One process at a time has the file.
    """

    def __init__(
        self, model: ChatModel, path: Path, version: int, *, at_once: int = 1, budget: Budget | None = None
    ) -> None:
        """`path`: a JSON Lines file; `version`: of the prompts, kept with each reply. `budget`: what this call may ask
        in all, for models that keep none themselves. Raises ConfigError where another process has the file."""
        self._model, self._version, self._at_once = model, version, max(1, at_once)
        self._budget = budget or Budget()
        self._known = {str(row["key"]): _said(row) for row in scores.rows(path)}
        self._file = _opened(path)
        self._lock = Lock()
        self.fresh = 0  # replies that this call asked for; the others stood in the file

    @property
    def name(self) -> str:
        return self._model.name

    def ask(self, conversation: Conversation, decoding: Decoding) -> str:
        """One reply. Raises UserError where the model gives none."""
        (said,) = self.ask_all([Asked(conversation, decoding)])
        if isinstance(said, UserError):
            raise said
        return said.text

    def ask_all(self, asked: Sequence[Asked]) -> list[Said | UserError]:
        """The replies in the order of the questions; an error where the model failed, which is asked again next time.

        A spent budget is a `BudgetSpent` in the place of each reply that it did not reach; as many as run at once may
        go beyond a budget of tokens.
        """
        keys = [self.key(one) for one in asked]
        new = {key: one for key, one in zip(keys, asked, strict=True) if key not in self._known}
        failed = dict(self._ask_new(new))
        return [failed.get(key) or self._known[key] for key in keys]

    def key(self, one: Asked) -> str:
        """Changes with the model's name, any word that it is told, and how it draws."""
        talk, drawn = one.conversation, asdict(one.decoding)
        drawn.pop("seconds")  # how long one waits changes no finished reply
        told = [self.name, talk.system, [(turn.role, turn.text) for turn in talk.turns], drawn]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:24]

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Teacher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask_new(self, new: Mapping[str, Asked]) -> Iterator[tuple[str, UserError]]:
        """The failures; replies are kept as they come."""
        if isinstance(self._model, Batching):
            waiting = list(new.items())
            for start in range(0, len(waiting), self._at_once):
                yield from self._batch(self._model, waiting[start : start + self._at_once])
            return
        with ThreadPoolExecutor(self._at_once) as pool:
            for key, error in pool.map(self._one, new.items()):
                if error is not None:
                    yield key, error

    def _one(self, due: tuple[str, Asked]) -> tuple[str, UserError | None]:
        key, one = due
        try:
            self._budget.request()
            answered = whole(self._model, one.conversation, "base", one.decoding)
        except UserError as error:
            return key, error
        report = answered.report
        self._keep(key, one, Said(answered.text, report.ended, report.tokens + report.prompt_tokens))
        return key, None

    def _batch(self, model: Batching, due: Sequence[tuple[str, Asked]]) -> Iterator[tuple[str, UserError]]:
        """One batch; where it fails, each question alone, so that one that is too long spoils no other."""
        try:
            for _ in due:
                self._budget.request()
            for (key, one), said in zip(due, model.answer_all([one for _, one in due]), strict=True):
                self._keep(key, one, said)
        except UserError as error:
            if len(due) == 1:
                yield due[0][0], error
                return
            for one_due in due:
                yield from self._batch(model, [one_due])

    def _keep(self, key: str, one: Asked, said: Said) -> None:
        row = {"key": key, "model": self.name, "prompt_version": self._version}
        row |= {"asked": one.conversation.turns[-1].text, "reply": said.text, "ended": said.ended}
        line = json.dumps({**row, "tokens": said.tokens}, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            self._budget.tokens(said.tokens)
            self._known[key] = said
            self.fresh += 1
            if said.ended in ("end", "length"):  # else the machine was too slow for this call, not for every one
                self._file.write(line)
                self._file.flush()


def _said(row: scores.Record) -> Said:
    return Said(str(row["reply"]), row.get("ended", "end"), int(row.get("tokens", 0)))


def _opened(path: Path) -> BinaryIO:
    """The file at its end, a line that a kill left torn cut off. Raises ConfigError where another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ConfigError(
            f"{path} is being written by another process. Wait for it, or choose another folder."
        ) from None
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
    return file
