"""Ratings from files: our own export, and the vote files of MT-bench and FastChat's arena.

Ids are hashes of what is in a line where the line has none of its own, so a file that is read twice counts once. Sides
and voters are taken over; network addresses are not.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medvlm.errors import DatasetError, UserError
from medvlm.ratings import wire
from medvlm.ratings.records import Candidate, Case, RatedAnswer, Rating, Verdict
from medvlm.types import Turn

Record = dict[str, Any]
# The winner's name in each kind of file -> verdict, with the first model on the left.
WINNERS: dict[str, Verdict] = {
    "model_a": "left",
    "model_b": "right",
    "model_1": "left",
    "model_2": "right",
    "tie": "tie",
    "tie (bothbad)": "neither",
    "leftvote": "left",
    "rightvote": "right",
    "tievote": "tie",
    "bothbad_vote": "neither",
}
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Read:
    """What a file gave: its ratings, and how many lines say nothing to count, by reason."""

    ratings: tuple[Rating, ...]
    left_out: dict[str, int]


class _NoVote(Exception):
    """A line that is in order but holds no vote; the reason is its message."""


def read(path: Path) -> Read:
    """All ratings of a JSON or JSON Lines file. Raises `DatasetError` that names the line that cannot be read."""
    ratings: list[Rating] = []
    left_out: dict[str, int] = {}
    for number, record in _records(path):
        try:
            ratings.append(_rating(record))
        except _NoVote as reason:
            left_out[str(reason)] = left_out.get(str(reason), 0) + 1
        except UserError as error:
            raise DatasetError(f"{path}, entry {number}: {error}") from error
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise DatasetError(
                f"{path}, entry {number}, is malformed ({type(error).__name__}: {error}). Correct it or take it out."
            ) from error
    return Read(tuple(ratings), left_out)


def _records(path: Path) -> Iterator[tuple[int, Record]]:
    """The objects of a file with their numbers from 1: a JSON list, or one object a line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. Name a JSON or JSON Lines file.") from error
    whole = text.lstrip().startswith("[")
    lines = [text] if whole else text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}, is no JSON: {error}. Correct it or take it out.") from error
        yield from enumerate(found, 1) if whole else [(number, found)]


def _rating(record: Record) -> Rating:
    """By what the record has, it is known for what it is."""
    kinds: tuple[tuple[str, Callable[[Record], Rating]], ...] = (
        ("schema", wire.from_record),
        ("states", _arena_vote),
        ("g1_winner", _judged_pair),
        ("winner", _battle),
    )
    for key, make in kinds:
        if key in record:
            return make(record)
    if record.get("type") == "chat":
        raise _NoVote("a conversation without a vote")
    raise DatasetError(
        "it is none of ours, MT-bench's or FastChat's: it has none of the keys " + ", ".join(key for key, _ in kinds)
    )


def _arena_vote(record: Record) -> Rating:
    """A line of FastChat's log: two states side by side and which button was pressed."""
    verdict = WINNERS.get(record["type"])
    if verdict is None:
        raise _NoVote(f"an event of type {record['type']!r}")
    states = record["states"]
    names = [state["model_name"] for state in states]
    talks = [_turns([(role == state["roles"][1], text) for role, text in state["messages"]]) for state in states]
    # The visible names were empty while the sides were blind.
    blinded = not any(record.get("models") or ())
    pair = f"{states[0].get('conv_id', '')}:{states[1].get('conv_id', '')}"
    return _made(record, "fastchat", names, talks, verdict, "arena", pair, record.get("tstamp"), blinded)


def _battle(record: Record) -> Rating:
    """A cleaned battle of the arena, or a human judgement of MT-bench."""
    verdict = WINNERS.get(record["winner"])
    if verdict is None:
        raise _NoVote(f"a winner {record['winner']!r}")
    talks = [_talk(record.get(f"conversation_{side}") or ()) for side in "ab"]
    names = [record["model_a"], record["model_b"]]
    source = "mt-bench" if record.get("judge", "").startswith(("expert", "author", "gpt")) else "fastchat"
    blinded = bool(record.get("anony", True))
    voter = str(record.get("judge") or "arena")
    case = f"{record['question_id']}" + (f"/{record['turn']}" if "turn" in record else "")
    return _made(record, source, names, talks, verdict, voter, case, record.get("tstamp"), blinded)


def _judged_pair(record: Record) -> Rating:
    """MT-bench's judge, asked in both orders: where the orders differ it is a tie, as MT-bench counts it."""
    winners = (record["g1_winner"], record["g2_winner"])
    if "error" in winners:
        raise _NoVote("the judge's answer could not be read")
    verdict = WINNERS[winners[0]] if winners[0] == winners[1] else "tie"
    judge = record.get("judge")
    voter = str(judge[0] if isinstance(judge, list) else judge or "judge")
    talks: list[tuple[Turn, ...]] = [(), ()]
    names = [record["model_1"], record["model_2"]]
    case = f"{record['question_id']}/{record.get('turn', 1)}"
    return _made(record, "mt-bench", names, talks, verdict, voter, case, record.get("tstamp"), True)


def _made(
    record: Record,
    source: str,
    names: list[str],
    talks: list[tuple[Turn, ...]],
    verdict: Verdict,
    voter: str,
    case: str,
    time: float | None,
    blinded: bool,
) -> Rating:
    left, right = (_answer(name, talk) for name, talk in zip(names, talks, strict=True))
    asked = next((turn.text for talk in talks for turn in reversed(talk) if turn.role == "user"), "")
    public = {key: value for key, value in record.items() if key != "ip"}
    identity = hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:32]
    return Rating(
        id=f"{source}-{identity}",
        reader=voter,
        case=Case(f"{source}/{case}", asked),
        left=left,
        right=right,
        verdict=verdict,
        blinded=blinded,
        source=source,
        created=UNKNOWN_TIME if time is None else datetime.fromtimestamp(float(time), UTC),
        software=source,
    )


def _answer(name: str, talk: tuple[Turn, ...]) -> RatedAnswer:
    """The last answer of a conversation; what came before its question is the history."""
    said = talk[-1].text if talk and talk[-1].role == "assistant" else ""
    return RatedAnswer(Candidate(name, endpoint="imported"), said, talk[:-2])


def _talk(messages: Any) -> tuple[Turn, ...]:
    return _turns([(message["role"] == "assistant", message["content"]) for message in messages])


def _turns(messages: list[tuple[bool, Any]]) -> tuple[Turn, ...]:
    """FastChat keeps a picture beside the text as [text, hashes]; an unfinished answer is None."""
    texts = [(answers, one[0] if isinstance(one, list | tuple) else one or "") for answers, one in messages]
    return tuple(Turn("assistant" if answers else "user", str(text)) for answers, text in texts)
