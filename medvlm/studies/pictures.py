"""From what a case says of its picture to the scan: a phantom drawn again, a data set's picture, or the leader's file.

Sources are named as evaluation names them: `phantom:ct:12` (number 12 of the test split), `vqa_rad:synpic1.jpg`; and
`file:chest/7.dcm` lies below the study's folder of pictures (a folder there is one series). Nothing is copied, and
nothing is kept but the SHA-256.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import cast, get_args

from medvlm import datasets, paths
from medvlm.errors import UserError
from medvlm.imaging import read_study
from medvlm.page.screen import at_first
from medvlm.page.viewing import Look
from medvlm.phantoms import DRAWERS, draw
from medvlm.phantoms.scan import as_scan
from medvlm.phantoms.truth import Phantom
from medvlm.privacy import Gate
from medvlm.studies.design import Study, StudyCase
from medvlm.types import Domain, Scan

KINDS = ("phantom", "file", *datasets.SOURCES)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where the pictures of one study are found on this machine. `gate`: what files pass before they are shown."""

    study: Study
    gate: Gate

    def scan(self, case: StudyCase) -> Scan:
        """The scan of a case. Raises `UserError` where it is not here, is another one, or may not be shown."""
        scan = self.found(case.source)
        if case.domain != "other" and scan.domain != case.domain:
            scan = scan.as_domain(case.domain, "user")
        if case.scan and scan.sha256 != case.scan:
            raise UserError(
                f"The picture of case {case.id!r} ({case.source}) is another one than when the case was added. "
                "Put the first one back, or make a new study."
            )
        return scan

    def found(self, source: str) -> Scan:
        """The scan that a source names."""
        kind, _, place = source.partition(":")
        if kind == "phantom":
            return phantom(place)
        if kind in datasets.SOURCES and place and ".." not in place:
            return self.gate.admission()(opened(datasets.picture(kind, place)))
        if kind == "file":
            return self.gate.admission()(opened(self._within(place)))
        raise UserError(
            f"{source!r} says of no kind of picture where it is; begin it with {', '.join(f'{one}:' for one in KINDS)}."
        )

    def _within(self, place: str) -> Path:
        """A file below the folder of pictures, and never outside of it."""
        folders = [folder for folder in (beside(self.study.name), self.study.pictures) if folder]
        for folder in map(Path, folders):
            path = (folder / place).resolve()
            if path.is_relative_to(folder.resolve()) and path.exists():
                return path
        raise UserError(
            f"The picture {place!r} of the study {self.study.name!r} is not in {' or '.join(map(str, folders))}. "
            "Put it there, or link the folder to the first of them."
        )


def beside(study: str) -> Path:
    """Where this machine's own copy of a study's pictures is looked for first."""
    return paths.home() / "studies" / study / "pictures"


def phantom(place: str) -> Scan:
    """The scan of "ct:12", drawn again. Raises `UserError`."""
    name, _, number = place.partition(":")
    domain = next((one for one in DRAWERS if one == name), None)
    if domain is None or not number.isdigit():
        raise UserError(f"There is no phantom {place!r}; write a domain and a number, such as ct:12.")
    return as_scan(drawn(domain, int(number)))


@lru_cache(maxsize=32)
def drawn(domain: Domain, number: int) -> Phantom:
    """One phantom of the test split, kept for a while: a study asks for each several times."""
    return draw(domain, number, "test")


def opened(path: Path) -> Scan:
    """The scan of a file, or of the largest series in a folder. Raises `UserError`."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    try:
        drop = [(str(one.relative_to(path.parent)), one.read_bytes()) for one in files]
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Check the path and its rights.") from error
    study = read_study(drop)
    largest = max(study.series, key=lambda one: (one.count, -one.number))
    return study.open(largest.number)


def first_look(scan: Scan, case: StudyCase) -> Look:
    """What is shown of it first: the slice that the case names, else the viewer's choice. Raises `UserError`."""
    look = at_first(scan)
    if case.slice is None:
        return look
    if case.slice >= len(scan.slices):
        raise UserError(f"Case {case.id!r} names slice {case.slice + 1}; its picture has {len(scan.slices)}.")
    return replace(look, slice=case.slice)


def domain_of(scan: Scan, said: str) -> Domain:
    """The domain that a list of cases names, else the file's. Raises `UserError` for an unknown one."""
    if not said:
        return scan.domain
    if said not in get_args(Domain):
        raise UserError(f"{said!r} is no kind of picture; there are {', '.join(get_args(Domain))}.")
    return cast(Domain, said)
