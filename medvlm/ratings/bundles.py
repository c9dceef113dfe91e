"""A case to hand on: one zip with picture or hash, window, prompts, answers, seeds, hashes of the weights, and ratings.

Read again, it is the same case, and the same weights give the same text.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from typing import Any

from medvlm import NOT_FOR_DIAGNOSIS, __version__
from medvlm.chat import Answered, answer
from medvlm.errors import DatasetError, UserError
from medvlm.imaging import read
from medvlm.page.screen import shot
from medvlm.page.viewing import Look
from medvlm.prompts import PROMPT_VERSION, SYSTEM
from medvlm.ratings import wire
from medvlm.ratings.records import Candidate, Case, RatedAnswer, Rating
from medvlm.types import Arm, ChatModel, Conversation, Decoding, Scan, Turn, View, Window

SCHEMA = 1
CASE, RATINGS, PICTURE = "case.json", "ratings.jsonl", "picture.png"
LARGEST = 100_000_000  # bytes that a bundle may unpack to
NO_PICTURE = "The bundle holds the picture's hash alone"


@dataclass(frozen=True, slots=True)
class Bundle:
    """One case as it was packed. `look`: what of the scan the models were given; `picture`: that, as a PNG."""

    case: Case
    look: Look | None
    system: str
    prompt_version: int
    answers: tuple[RatedAnswer, ...]
    ratings: tuple[Rating, ...]
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class Rerun:
    """One answer drawn again. `text` None: it could not be, and `reason` says why."""

    answer: RatedAnswer
    text: str | None
    reason: str = ""

    @property
    def same(self) -> bool:
        return self.text == self.answer.text


def pack(ratings: Sequence[Rating], picture: bytes | None = None, look: Look | None = None, system: str = "") -> bytes:
    """All ratings of one case as a zip. `picture`: what the models were given, where it may leave the house.

    Raises `UserError` for no ratings, or those of several cases.
    """
    if len({rating.case.id for rating in ratings}) != 1:
        raise UserError("A bundle holds the ratings of one case. Name a case that has been rated.")
    case = replace(ratings[0].case, picture=None)
    answers = {(one.candidate.id, one.text): _bare(one) for rating in ratings for one in rating.answers}
    rows = [replace(one, case=replace(one.case, picture=None)) for one in ratings]
    record = {
        "schema": SCHEMA,
        "label": NOT_FOR_DIAGNOSIS,
        "program": f"MedVLM {__version__}",
        "case": asdict(case),
        "look": None if look is None else asdict(look),
        "prompts": {"version": PROMPT_VERSION, "system": system or SYSTEM},
        "answers": [{**asdict(answers[key]), "candidate_id": key[0]} for key in sorted(answers)],
        "picture": None if picture is None else hashlib.sha256(picture).hexdigest(),
    }
    files = {
        CASE: json.dumps(record, indent=1, ensure_ascii=False).encode(),
        RATINGS: "".join(json.dumps(wire.as_record(one), ensure_ascii=False) + "\n" for one in rows).encode(),
    }
    return _zipped(files | ({} if picture is None else {PICTURE: picture}))


def unpack(data: bytes) -> Bundle:
    """The case in a bundle. Raises `DatasetError` for one that is damaged or of another kind."""
    files = _files(data)
    try:
        record = json.loads(files[CASE])
        if record["schema"] != SCHEMA:
            raise DatasetError(f"The bundle is of schema {record['schema']!r}; this version reads {SCHEMA}.")
        picture = files.get(PICTURE)
        if record["picture"] != (None if picture is None else hashlib.sha256(picture).hexdigest()):
            raise DatasetError("The bundle's picture is not the one that was packed. Get the bundle again.")
        rows = [wire.from_record(json.loads(line)) for line in files[RATINGS].decode().splitlines()]
        return Bundle(
            case=wire.case_from(record["case"]),
            look=None if record["look"] is None else _look(record["look"]),
            system=record["prompts"]["system"],
            prompt_version=record["prompts"]["version"],
            answers=tuple(_answer(one) for one in record["answers"]),
            ratings=tuple(rows),
            picture=picture,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"The bundle is damaged ({type(error).__name__}: {error}). Get it again.") from error


def asked(bundle: Bundle, given: RatedAnswer, scan: Scan | None = None) -> Conversation:
    """What this answer was an answer to. `scan`: needed where the bundle holds the hash of the scan alone.

    Raises `UserError` that asks for the file, or says that it is another one.
    """
    turns = (*given.history, Turn("user", bundle.case.question))
    picture = _picture(bundle, scan)
    if picture is None:
        return Conversation((), tuple(replace(turn, views=()) for turn in turns), bundle.system)
    first = next(place for place, turn in enumerate(turns) if turn.role == "user")
    shown = [replace(turn, views=(View(0),) if place == first else ()) for place, turn in enumerate(turns)]
    return Conversation((picture,), tuple(shown), bundle.system)


def rerun(
    bundle: Bundle, model: ChatModel, candidates: Mapping[Arm, Candidate], scan: Scan | None = None
) -> Iterator[Rerun]:
    """Draw each answer again with the model at hand, where that is the candidate who gave it. Raises `UserError`."""
    by_id = {who.id: arm for arm, who in candidates.items()}
    for given in bundle.answers:
        arm = by_id.get(given.candidate.id)
        if arm is None:
            yield Rerun(given, None, f"{given.candidate.name} is not loaded, or its weights are others")
        elif bundle.prompt_version != PROMPT_VERSION:
            yield Rerun(given, None, f"its prompts are of version {bundle.prompt_version}, here {PROMPT_VERSION}")
        else:
            *_, last = answer(model, asked(bundle, given, scan), arm, given.decoding or Decoding())
            assert isinstance(last, Answered)
            yield Rerun(given, last.text)


def _picture(bundle: Bundle, scan: Scan | None) -> Scan | None:
    if bundle.picture is not None:
        return read(bundle.picture, PICTURE)
    if not bundle.case.scans:
        return None
    wanted = bundle.case.scans[0]
    if scan is None:
        raise UserError(f"{NO_PICTURE}: give the file with SHA-256 {wanted[:16]}... by --picture FILE.")
    if scan.sha256 != wanted:
        raise UserError(
            f"The file is another one than the case's: its SHA-256 is {scan.sha256[:16]}, not {wanted[:16]}."
        )
    return scan if bundle.look is None else shot(scan, bundle.look)


def _bare(answer: RatedAnswer) -> RatedAnswer:
    """Without what one reader said of it."""
    return RatedAnswer(answer.candidate, answer.text, answer.history, answer.decoding, answer.leaks)


def _answer(record: Mapping[str, Any]) -> RatedAnswer:
    made = wire.answer_from({name: value for name, value in record.items() if name != "candidate_id"})
    if made.candidate.id != record["candidate_id"]:
        raise DatasetError(f"The candidate {made.candidate.name!r} of the bundle is not who its id was made from.")
    return made


def _look(record: Mapping[str, Any]) -> Look:
    window = record["window"]
    return Look(
        record["plane"],
        record["axis"],
        record["slice"],
        None if window is None else Window(**window),
        record["inverted"],
        tuple(record["turn"]),
    )


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """The same files give the same bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _files(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = [one for one in archive.infolist() if one.filename in (CASE, RATINGS, PICTURE)]
            if sum(one.file_size for one in entries) > LARGEST:
                raise DatasetError(f"The bundle unpacks to more than {LARGEST:,} bytes; that is no case.")
            return {one.filename: archive.read(one) for one in entries}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise DatasetError(
            f"The file is no case bundle ({error}). Name a zip that was made by 'ratings bundle'."
        ) from error
