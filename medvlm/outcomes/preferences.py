"""Ratings as data to learn from: pairs for preference training, and the cases where both answers failed."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from medvlm.metrics.text import normalised
from medvlm.ratings.records import RatedAnswer, Rating

# A JSON object.
Record = dict[str, Any]
SEVERE = "severe"


@dataclass(frozen=True, slots=True)
class _Duel:
    """Two answers to one question, in the order of their texts, whoever stood on which side."""

    case: str
    first: str
    second: str


def preferences(ratings: Iterable[Rating]) -> Iterator[Record]:
    """One record for each two answers that a majority of readers tells apart, in TRL's conversational format.

    {"images": ["sha256:..."], "prompt": [...], "chosen": [...], "rejected": [...]} with messages whose content is a
    list of {"type": "image"} and {"type": "text", "text": ...}, as `DPOTrainer` takes them for models that see; put
    the pictures of those hashes in before training. `votes`, `for`, `against` say how sure the readers were. Ties,
    training cases, named votes and repeats say nothing here; where both are unacceptable, nothing is to be preferred.
    """
    groups: dict[_Duel, list[Rating]] = defaultdict(list)
    for rating in ratings:
        if rating.right is not None and not (rating.training or rating.repeat or not rating.blinded):
            first, second = sorted((rating.left.text, rating.right.text))
            groups[_Duel(rating.case.id, first, second)].append(rating)
    for duel, judged in groups.items():
        lead = sum(_points(rating, duel.first) for rating in judged)
        if lead and duel.first != duel.second:
            yield _preference(duel.first if lead > 0 else duel.second, judged)


def _by_hash(rating: Rating) -> str:
    """Which picture a case is about."""
    return f"sha256:{rating.case.scans[0]}" if rating.case.scans else ""


def hard_cases(ratings: Iterable[Rating], image: Callable[[Rating], str] = _by_hash) -> Iterator[Record]:
    """Cases where a reader found both answers unacceptable or an error of severe harm, once each, as samples.

    The fields are those that a data set of one's own has (`image`, as `image` names it; `answer` is the reference),
    with the failed answers and what was said of them. `split` is "train" or "test", by the picture's hash, so that no
    picture is in both; a third is for testing.
    """
    cases: dict[tuple[str, str], list[Rating]] = defaultdict(list)
    for rating in ratings:
        if not rating.training:
            cases[rating.study, rating.case.id].append(rating)
    for judged in cases.values():
        failed = [rating for rating in judged if _is_hard(rating)]
        if failed:
            yield _hard(failed, image(failed[0])) | {"readers": len({rating.reader for rating in judged})}


def _points(rating: Rating, text: str) -> int:
    """1 where the answer of this text was preferred, -1 where the other was."""
    if rating.verdict not in ("left", "right"):
        return 0
    return 1 if (rating.left.text == text) == (rating.verdict == "left") else -1


def _preference(chosen: str, judged: list[Rating]) -> Record:
    rating = judged[0]
    assert rating.right is not None  # only pairs come here
    better, worse = (rating.left, rating.right) if rating.left.text == chosen else (rating.right, rating.left)
    points = [_points(one, chosen) for one in judged]
    return {
        "images": [f"sha256:{one}" for one in rating.case.scans],
        "prompt": _prompt(rating),
        "chosen": [_message("assistant", better.text)],
        "rejected": [_message("assistant", worse.text)],
        "votes": len(judged),
        "for": points.count(1),
        "against": points.count(-1),
        "chosen_candidate": better.candidate.id,
        "rejected_candidate": worse.candidate.id,
        "case": rating.case.id,
        "domain": rating.case.domain,
        "question_type": rating.case.question_type,
        "view": None if rating.case.view is None else [rating.case.view.scan, rating.case.view.slice],
        "label": rating.label,
    }


def _prompt(rating: Rating) -> list[Record]:
    """The turns that both answers share, then the question; pictures stand in the first turn of the user."""
    history = rating.left.history
    shared = rating.right is None or history == rating.right.history
    turns = [(turn.role, turn.text) for turn in history] if shared else []
    pictures = [{"type": "image"}] * len(rating.case.scans)
    messages: list[Record] = []
    for role, text in [*turns, ("user", rating.case.question)]:
        message = _message(role, text)
        if role == "user" and pictures:
            message["content"] = [*pictures, *message["content"]]
            pictures = []
        messages.append(message)
    return messages


def _message(role: str, text: str) -> Record:
    return {"role": role, "content": [{"type": "text", "text": text}]}


def _is_hard(rating: Rating) -> bool:
    return rating.verdict == "neither" or any(_is_severe(answer) for answer in rating.answers)


def _is_severe(answer: RatedAnswer) -> bool:
    return any(tag.harm == SEVERE for tag in answer.errors)


def _hard(failed: list[Rating], image: str) -> Record:
    first = failed[0]
    case, scan = first.case, "".join(first.case.scans[:1])
    answers = {a.text: _failure(a) for r in failed for a in r.answers if r.verdict == "neither" or _is_severe(a)}
    name = hashlib.sha256(f"{first.study}\0{case.id}".encode()).hexdigest()
    return {
        "id": f"hard-{name[:16]}",
        "image": image,
        "question": case.question,
        "answer": case.reference,
        "domain": case.domain,
        "kind": case.question_type or "question",
        "split": "test" if int(hashlib.sha256(scan.encode()).hexdigest(), 16) % 3 == 0 else "train",
        "closed": "yes" if normalised(case.reference) in ("yes", "no") else "no",
        "study": first.study,
        "case": case.id,
        "scan": f"sha256:{scan}" if scan else "",
        "view": None if case.view is None else [case.view.scan, case.view.slice],
        "both_unacceptable": len({rating.reader for rating in failed if rating.verdict == "neither"}),
        "answers": list(answers.values()),
        "comments": [rating.comment for rating in failed if rating.comment],
        "label": first.label,
    }


def _failure(answer: RatedAnswer) -> Record:
    errors = [{"kind": e.kind, "harm": e.harm, "words": answer.text[e.start : e.stop]} for e in answer.errors]
    return {"candidate": answer.candidate.id, "name": answer.candidate.name, "text": answer.text, "errors": errors}
