"""Clinicians' votes as pairs to learn from: which of two answers was preferred, and the picture both were about."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from medvlm import paths
from medvlm.errors import DatasetError, UserError
from medvlm.imaging import read, render
from medvlm.outcomes.preferences import Record, preferences
from medvlm.packages import sha256_of
from medvlm.page.screen import at_first, shot
from medvlm.prompts import SHORT, SYSTEM
from medvlm.ratings import bundles, imports
from medvlm.ratings.records import Rating
from medvlm.types import Turn
from train.examples import Dialogue, Mixture
from train.recipe import Data

NAME, HASH = "ratings", "sha256:"


@dataclass(frozen=True, slots=True)
class Votes(Mixture):
    """`dialogues` end with the preferred answer, `rejected` with the other; one of each a pair.

    `left_out`: how many votes or cases say nothing to learn, by reason.
    """

    rejected: tuple[Dialogue, ...]
    pictures: "Pictures"
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True)
class Export:
    """What one file says. `kept`: pictures that the study's leader had kept with the votes, by case."""

    records: tuple[Record, ...]
    left_out: dict[str, int]
    kept: dict[str, bytes]
    sha256: str


def votes(data: Data, addresses: Iterable[str]) -> Votes:
    """All pairs of the exports. Raises DatasetError for a missing or malformed file, or one without a preference."""
    given = tuple(addresses)
    exports = [export(file_of(address)) for address in given]
    kept: dict[str, bytes] = {}
    left_out: Counter[str] = Counter()
    pairs: list[tuple[Dialogue, Dialogue]] = []
    weights: list[float] = []
    for number, (address, one) in enumerate(zip(given, exports, strict=True)):
        if not one.records:
            raise DatasetError(nothing(file_of(address), one.left_out))
        kept |= one.kept
        left_out.update(one.left_out)
        made = [pair(record, data) for record in one.records[: data.limit]]
        pairs += made
        weights += [data.weights[number] if data.weights else 1.0] * len(made)
    return Votes(
        tuple(chosen for chosen, _ in pairs),
        tuple(weights),
        tuple(f"{address}-train" for address in given),
        tuple(one.sha256 for one in exports),
        tuple(rejected for _, rejected in pairs),
        Pictures(kept, data.pictures),
        dict(left_out),
    )


def file_of(address: str) -> Path:
    """The file of "ratings:FILE". Raises DatasetError."""
    name, _, place = address.partition(":")
    path = Path(place).expanduser()
    if name != NAME or not place:
        raise DatasetError(f"{address!r} holds no votes. Preference training takes {NAME}:FILE, an export of ratings.")
    if not path.is_file():
        raise DatasetError(f"{path} is not there. Write it with `python -m medvlm ratings export {path}`.")
    return path


def export(path: Path) -> Export:
    """The preferences of an export: whole ratings, or what `--as preferences` made of them. Raises DatasetError."""
    first = path.read_text(encoding="utf-8").lstrip().partition("\n")[0]
    if '"chosen"' in first and '"rejected"' in first:
        return Export(tuple(_lines(path)), {}, {}, sha256_of(path))
    found = imports.read(path)
    records = tuple(preferences(found.ratings))
    silent = Counter(found.left_out) + Counter(filter(None, map(why_silent, found.ratings)))
    if split := _duels(found.ratings) - len(records):
        silent["cases whose readers are of two minds"] = split
    kept = {one.case.id: one.case.picture for one in found.ratings if one.case.picture}
    return Export(records, dict(silent), kept, sha256_of(path))


def _lines(path: Path) -> Iterator[Record]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
            if not all(record[key] for key in ("prompt", "chosen", "rejected")):
                raise ValueError("prompt, chosen or rejected is empty")
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path}, line {number}, is no preference ({error}). Export it again.") from error
        yield record


def why_silent(rating: Rating) -> str:
    """Why a vote says nothing of a preference; empty for one that does."""
    reasons = {
        "votes on one answer alone": rating.right is None,
        "training cases": rating.training,
        "hidden repeats": bool(rating.repeat),
        "votes with names shown": not rating.blinded,
        "ties": rating.verdict == "tie",
        "votes that both are unacceptable": rating.verdict == "neither",
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _duels(ratings: Iterable[Rating]) -> int:
    """Two answers that somebody told apart, counted once however many did."""
    told = [one for one in ratings if not why_silent(one)]
    return len({(one.case.id, *sorted(answer.text for answer in one.answers)) for one in told})


def nothing(path: Path, left_out: dict[str, int]) -> str:
    """That there is nothing to learn, and why."""
    why = ", ".join(f"{count} {reason}" for reason, count in left_out.items()) or "it is empty"
    return (
        f"{path} has no preference to learn from ({why}). Collect blinded votes that prefer one of two answers, in the "
        "Compare tab or a study, and export them again."
    )


def pair(record: Record, data: Data) -> tuple[Dialogue, Dialogue]:
    """The same conversation twice, with the preferred and with the rejected answer at its end."""
    system = SHORT if data.system == "short" else SYSTEM
    prompt = tuple(Turn(message["role"], words(message)) for message in record["prompt"])
    name = picture_name(record)
    chosen, rejected = (
        Dialogue(f"{record['case']}", name, system, (*prompt, Turn("assistant", words(record[side][0]))))
        for side in ("chosen", "rejected")
    )
    return chosen, rejected


def words(message: dict[str, Any]) -> str:
    return "".join(part["text"] for part in message["content"] if part["type"] == "text")


def picture_name(record: Record) -> str | None:
    """Such as "sha256:ab12...#4@case-7", with the slice that was on the screen; None without a picture."""
    images, view = record["images"], record.get("view")
    if not images:
        return None
    chosen = images[view[0]] if view is not None and view[0] < len(images) else images[0]
    return f"{chosen}{f'#{view[1]}' if view is not None else ''}@{record['case']}"


class Pictures:
    """Pictures by hash, for the app keeps none: those kept with votes, in a folder (files and bundles), or examples."""

    def __init__(self, kept: dict[str, bytes], folder: str | None) -> None:
        self._kept, self._folder = kept, folder

    def image(self, name: str) -> Image.Image:
        """What the models were given. Raises DatasetError that names the picture and says where to put it."""
        place, _, case = name.removeprefix(HASH).partition("@")
        wanted, _, number = place.partition("#")
        if case in self._kept:
            return Image.fromarray(render(read(self._kept[case], "kept.png"), 0))
        path = self._files.get(case, self._files.get(wanted))
        if path is None:
            where = f"is not in {self._folder}" if self._folder else "is not here, and data.pictures names no folder"
            raise DatasetError(
                f"The picture of {case} with SHA-256 {wanted} {where}. Ratings keep no pictures: put the file, or the "
                "case's bundle (`python -m medvlm ratings bundle`), into a folder and name it in data.pictures."
            )
        if path.suffix == ".zip":
            given = bundles.unpack(path.read_bytes()).picture
            assert given is not None, "only bundles with a picture are indexed"
            return Image.fromarray(render(read(given, bundles.PICTURE), 0))
        scan = read(path.read_bytes(), path.name)
        look = at_first(scan)
        seen = shot(scan, replace(look, slice=int(number)) if number else look)
        return Image.fromarray(render(seen, 0))

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Every file below the folder by its hash; a bundle with a picture by its case."""
        roots = [paths.EXAMPLES, *([Path(self._folder).expanduser()] if self._folder else [])]
        found: dict[str, Path] = {}
        for path in (one for root in roots for one in sorted(root.rglob("*")) if one.is_file()):
            found[named(path)] = path
        return found


def named(path: Path) -> str:
    """What a file is looked for by: its hash, or the case whose picture it holds as the models were given it."""
    if path.suffix == ".zip":
        try:
            bundle = bundles.unpack(path.read_bytes())
        except UserError:
            return sha256_of(path)
        if bundle.picture is not None:
            return bundle.case.id
    return sha256_of(path)
