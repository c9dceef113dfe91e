"""Typed, forgiving access to single elements of a DICOM header: an element that is malformed counts as absent."""

import math
from collections.abc import Container
from typing import Any, TypeAlias

# pydicom has no type information here; a header never leaves this package.
Header: TypeAlias = Any


def value(header: Header, keyword: str) -> Any:
    """The element's value, or None where it is absent, empty or cannot be parsed."""
    try:
        found = header.get(keyword)
    except Exception:  # any parser of any value type may fail on damaged bytes: then the fact is unknown
        return None
    return None if found is None or found == "" else found


def is_unreadable(header: Header, keyword: str) -> bool:
    """Whether the element is there and not empty, but holds no number."""
    try:
        found = header.get(keyword)
    except Exception:  # see `value`
        return True
    return found is not None and found != "" and number(header, keyword) is None


def numbers(header: Header, keyword: str) -> tuple[float, ...]:
    """All values of an element as finite floats; empty where any of them is not a number."""
    found = value(header, keyword)
    if found is None:
        return ()
    several = found if _is_list(found) else (found,)
    try:
        result = tuple(float(item) for item in several)
    except (TypeError, ValueError, OverflowError):
        return ()
    return result if all(math.isfinite(item) for item in result) else ()


def number(header: Header, keyword: str) -> float | None:
    """The first value of an element as a finite float, or None."""
    return next(iter(numbers(header, keyword)), None)


def whole(header: Header, keyword: str) -> int | None:
    """The first value of an element if it is a whole number, or None."""
    found = number(header, keyword)
    return int(found) if found is not None and found == int(found) else None


def code(header: Header, keyword: str, allowed: Container[str]) -> str:
    """The first value of an element in capitals if it is one of the `allowed` words, else ""."""
    found = value(header, keyword)
    word = str(next(iter(found), "") if _is_list(found) else found).strip().upper()
    return word if word in allowed else ""


def each_code(header: Header, keyword: str, allowed: Container[str]) -> tuple[str, ...]:
    """Each value of an element in capitals, or "" where it is none of the `allowed` words."""
    found = value(header, keyword)
    several = found if _is_list(found) else (found,)
    words = (str(item).strip().upper() for item in several)
    return tuple(word if word in allowed else "" for word in words)


def codes(header: Header, keyword: str, allowed: Container[str]) -> frozenset[str]:
    """All values of an element, in capitals, that are among the `allowed` words."""
    found = value(header, keyword)
    several = found if _is_list(found) else (found,)
    return frozenset(word for word in (str(item).strip().upper() for item in several) if word in allowed)


def items(header: Header, keyword: str) -> list[Header]:
    """The items of a sequence; empty where there is none."""
    found = value(header, keyword)
    return list(found) if _is_list(found) else []


def item(header: Header, *keywords: str) -> Header | None:
    """The first item of a sequence, or of a sequence within it, and so on; None where one is missing."""
    for keyword in keywords:
        found = items(header, keyword)
        if not found:
            return None
        header = found[0]
    return header


def _is_list(found: object) -> bool:
    return isinstance(found, list | tuple) or (hasattr(found, "__iter__") and not isinstance(found, str | bytes))
