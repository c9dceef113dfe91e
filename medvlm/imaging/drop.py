"""What came in together, archives opened: the files of a study before anybody has looked into them."""

from collections.abc import Sequence
from dataclasses import dataclass

from medvlm.errors import UserError
from medvlm.imaging.archives import archive_form, entry_of, unpacked
from medvlm.imaging.dicomdir import is_dicomdir, listed, references_of
from medvlm.imaging.edge import called, only_advice
from medvlm.imaging.limits import Limits
from medvlm.imaging.parts import Part, part_of
from medvlm.imaging.reading import kind_of

STUDY_LIMITS = Limits(file_bytes=2_000_000_000, total_bytes=2_000_000_000)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A file of the drop; `what` names it in errors: a file in an archive by its number."""

    part: Part
    what: str


@dataclass(frozen=True, slots=True, eq=False)
class Drop:
    """Files that came in together, archives opened: for those who ask for the first picture and for the study."""

    given: tuple[Given, ...]

    def __len__(self) -> int:
        return len(self.given)


def unpack(files: Sequence[tuple[str, bytes]], limits: Limits = STUDY_LIMITS) -> Drop:
    """Opens the archives among the files, (name, bytes) each; those in a zip or tar stay packed until they are read.

    Raises `UserError`, and nothing else, for an archive that is not safe to unpack, and beyond the limits.
    """
    return Drop(tuple(_opened(files, limits)))


def _opened(files: Sequence[tuple[str, bytes]], limits: Limits) -> list[Given]:
    """All files, those of archives unpacked."""
    if not files:
        raise UserError("No file was given. Choose the files of a study, its folder, or an archive of it.")
    limits.check_files(len(files), "The study")
    found: list[Given] = []
    size = 0
    for name, data in files:
        what = called(name)
        with only_advice(what, kind_of(data[:1024])):
            limits.check_file(len(data), what)
            opened = _with_contents(name, data, what, limits)
        found += opened
        size += sum(one.part.size for one in opened)
        limits.check_files(len(found), "The study")
        limits.check_study(size, "The study")
    return found


def _with_contents(name: str, data: bytes, what: str, limits: Limits) -> list[Given]:
    form = archive_form(data)
    if form is None:
        return [Given(part_of(name, data), what)]
    parts = unpacked(data, form, what, limits)
    if not parts:
        raise UserError(f"{what} is an archive without any files. Export or copy it again.")
    return [Given(part, entry_of(what, number)) for number, part in enumerate(parts, 1)]


def picked(given: Sequence[Given]) -> tuple[list[Given], list[str]]:
    """Without the tables of contents; where one lists some of the files, only those."""
    tables = [one for one in given if _is_table(one.part)]
    if not tables or len(tables) == len(given):
        return list(given), []
    rest = [one for one in given if one not in tables]
    references = [reference for one in tables for reference in references_of(one.part.read())]
    chosen = listed([one.part.name for one in rest], references)
    if not chosen:
        return rest, ["the DICOMDIR lists none of the files: all of them are shown"]
    notes = [f"{files_word(len(rest) - len(chosen))} that the DICOMDIR does not list left out"] * (
        len(chosen) < len(rest)
    )
    missing = len(set(references)) - len(chosen)
    notes += [f"not here: {files_word(missing)} that the DICOMDIR lists"] * (missing > 0)
    return [rest[index] for index in chosen], notes


def _is_table(part: Part) -> bool:
    try:
        return is_dicomdir(part.load(min(1024, part.size)))
    except UserError:  # said again when the file itself is read
        return False


def files_word(count: int) -> str:
    """ "1 file", "2,000 files"."""
    return "1 file" if count == 1 else f"{count:,} files"
