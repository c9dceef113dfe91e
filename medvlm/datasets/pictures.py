"""Pictures by name, "SOURCE:PICTURE", as samples, runs and the page name them."""

from dataclasses import replace
from pathlib import Path

from medvlm.datasets import corpus, rated
from medvlm.datasets.places import SOURCES, missing, picture
from medvlm.errors import DatasetError
from medvlm.imaging import read
from medvlm.phantoms import draw
from medvlm.phantoms.scan import as_scan
from medvlm.phantoms.truth import Split
from medvlm.types import DOMAINS, Sample, Scan

DRAWN: dict[str, Split] = {"phantom": "test", "phantom-train": "train"}


def name_of(sample: Sample) -> str | None:
    """Such as "vqa_rad:synpic676.jpg", "phantom:ct:7" or "own:/data/mine/a.dcm#12"; None without a picture."""
    return f"{sample.dataset}:{sample.image}" if sample.image else None


def scan(name: str) -> Scan:
    """The picture of that name, as one slice. Raises DatasetError where it is missing, UserError for a damaged one."""
    source, _, rest = name.partition(":")
    if source in DRAWN:
        domain, _, seed = rest.partition(":")
        if domain not in DOMAINS or not seed.isdigit():
            raise DatasetError(f"{name!r} is no phantom; write {source}:ct:7.")
        return as_scan(draw(next(d for d in DOMAINS if d == domain), int(seed), DRAWN[source]))
    file, _, number = rest.partition("#") if source == "own" else (rest, "", "")
    return one_slice(read(content(name), Path(file).name), number)


def one_slice(found: Scan, number: str) -> Scan:
    """The slice of that number (from 1), the middle one for no number. Raises DatasetError for one out of range."""
    count = len(found.slices)
    index = int(number) - 1 if number else count // 2
    if not 0 <= index < count:
        raise DatasetError(f"Slice {number} is not there: the scan has {count}. Correct the row's slice.")
    return found if count == 1 else replace(found, slices=(found.slices[index],), geometry=None)


def content(name: str) -> bytes:
    """The bytes of a picture's file, or of one kept with a rating. Raises DatasetError."""
    source, _, rest = name.partition(":")
    if source == "ratings":
        address, _, case = rest.rpartition("#")
        return rated.picture(address, case)
    if source == "corpus":
        folder, _, figure = rest.rpartition("#")
        return corpus.picture(folder, figure)
    if source != "own" and source not in SOURCES:
        known = ", ".join((*DRAWN, *SOURCES, "own", "ratings", "corpus"))
        raise DatasetError(f"{name!r} is no picture's name: {source!r} is none of {known}.")
    path = Path(rest.partition("#")[0]) if source == "own" else picture(source, rest)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if source == "own":
            raise DatasetError(f"{path} is not there. Put the picture back, or correct the manifest.") from None
        raise missing(source, path) from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error}. Put the data set back or set MEDVLM_DATA.") from error
