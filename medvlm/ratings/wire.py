"""A rating as JSON types and back: what files, digests and the database's JSON columns are made of."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import MISSING, asdict, fields
from datetime import UTC, datetime
from typing import Any

from medvlm.errors import DatasetError, UserError
from medvlm.ratings.records import Candidate, Case, ErrorTag, RatedAnswer, Rating, checked
from medvlm.types import Decoding, Turn, View, Window

# A JSON object.
Record = dict[str, Any]
WIRE_SCHEMA = 1
# How repr writes NUL and surrogates. A text may say the same; then it is looked at more closely and left alone.
_AWKWARD = re.compile(r"\\x00|\\ud[89a-f]")


def as_record(rating: Rating) -> Record:
    """Everything in the rating, as JSON types; the picture as base64."""
    record: Record = asdict(rating)
    record["created"] = stamp(rating.created)
    picture = rating.case.picture
    record["case"]["picture"] = None if picture is None else base64.b64encode(picture).decode()
    return {"schema": WIRE_SCHEMA, **record}


def from_record(record: Record) -> Rating:
    """The rating that `as_record` wrote. Raises `DatasetError` for no such record, `UserError` for one not to keep."""
    if record.get("schema") != WIRE_SCHEMA:
        raise DatasetError(
            f"A rating of schema {record.get('schema')!r} cannot be read; this version knows {WIRE_SCHEMA}. "
            "Export it again, or update the program."
        )
    try:
        right = record.get("right")
        return checked(
            Rating(
                **{
                    **_known(Rating, record),
                    "case": case_from(record["case"]),
                    "left": answer_from(record["left"]),
                    "right": None if right is None else answer_from(right),
                    "created": when(record["created"]),
                }
            )
        )
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"The record of rating {record.get('id')!r} is malformed ({type(error).__name__}: {error}); export anew."
        ) from error


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, always of one length, so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def case_from(record: Record) -> Case:
    picture = record.get("picture")
    return Case(
        **{
            **_known(Case, record),
            "scans": tuple(record.get("scans") or ()),
            "view": view_from(record.get("view")),
            "window": window_from(record.get("window")),
            "picture": None if picture is None else _bytes(picture),
        }
    )


def answer_from(record: Record) -> RatedAnswer:
    scores = tuple(record.get("scores") or (None,) * 5)
    if len(scores) != 5:
        raise ValueError(f"{len(scores)} scores")
    return RatedAnswer(
        **{
            **_known(RatedAnswer, record),
            "candidate": Candidate(**record["candidate"]),
            "history": turns_from(record.get("history")),
            "decoding": decoding_from(record.get("decoding")),
            "leaks": tuple(record.get("leaks") or ()),
            "scores": scores,
            "errors": tuple(ErrorTag(**tag) for tag in record.get("errors") or ()),
        }
    )


def turns_from(records: list[Record] | None) -> tuple[Turn, ...]:
    return tuple(Turn(r["role"], r["text"], tuple(View(**v) for v in r.get("views", ()))) for r in records or ())


def view_from(record: Record | None) -> View | None:
    return None if record is None else View(**record)


def window_from(record: Record | None) -> Window | None:
    return None if record is None else Window(**record)


def decoding_from(record: Record | None) -> Decoding | None:
    return None if record is None else Decoding(**record)


def digest(rating: Rating) -> str:
    """SHA-256 over all that is said in the rating, as 64 hex digits.

    Fields at their constant default are left out, so that a later version with more fields gives the same digest.
    """
    said = _said(rating)
    said["created"] = stamp(rating.created)
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=_plain).encode()).hexdigest()


def storable(rating: Rating) -> Rating:
    """The rating as it comes back from a database: no NUL or half surrogate pair in a text, whole seconds as floats.

    Models can say anything; what a database cannot hold is made visible instead of costing a vote.
    """
    if not _AWKWARD.search(repr(rating)) and not isinstance(rating.seconds, int):
        return rating  # nearly always, and ten times as fast
    record = _held(as_record(rating))
    seconds = None if rating.seconds is None else float(rating.seconds)
    return from_record({**record, "seconds": seconds})


def _held(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\u2400").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _held(one) for key, one in value.items()}
    return [_held(one) for one in value] if isinstance(value, list | tuple) else value


def _said(value: Any) -> Record:
    """A dataclass as a dict of the fields that differ from their defaults."""
    return {
        one.name: _deep(getattr(value, one.name))
        for one in fields(value)
        if one.default is MISSING or getattr(value, one.name) != one.default
    }


def _deep(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_deep(one) for one in value]
    return _said(value) if hasattr(value, "__dataclass_fields__") else value


def _plain(value: Any) -> str:
    return stamp(value) if isinstance(value, datetime) else hashlib.sha256(value).hexdigest()


def _known(kind: type, record: Record) -> Record:
    """The record's entries that are fields; a field of ours that is absent takes its default."""
    return {one.name: record[one.name] for one in fields(kind) if one.name in record}


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("its picture is no base64") from error
