"""Where articles lie: folders with XML and pictures, PubMed Central's packages (tar.gz), and PDFs."""

import hashlib
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from medvlm.errors import DatasetError
from train.corpus import jats
from train.corpus.articles import Article, Fetch

XML = (".nxml", ".xml")
PACKAGES = (".tar.gz", ".tgz")
# Best first: PubMed Central has small GIFs beside its JPEGs. What is tried behind a name without a known ending.
PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp")
# A package is unpacked in memory, so it must fit there. The largest of the open access subset hold films, not read.
LARGEST_FILE, LARGEST_PACKAGE, LARGEST_XML = 200_000_000, 2_000_000_000, 100_000_000


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """One file with one article or more. `name`: its path below the folder of all; `size` in bytes, `time` in ns."""

    name: str
    size: int
    time: int


def listing(folder: Path) -> list[Source]:
    """Every source below a folder (or the one file), by name. Raises DatasetError where there is none.

    A PDF beside XML in the same folder is the same article once more (packages have both) and is left out.
    """
    if not folder.exists():
        raise DatasetError(f"{folder} is not there. Name the folder that holds the papers: XML, packages or PDFs.")
    home = folder if folder.is_dir() else folder.parent
    files = sorted(p for p in home.rglob("*") if p.is_file()) if folder.is_dir() else [folder]
    with_xml = {path.parent for path in files if path.name.lower().endswith(XML)}
    taken = [p for p in files if kind(p.name) and not (kind(p.name) == "pdf" and _twin(p, with_xml))]
    if not taken:
        raise DatasetError(f"{folder} holds no papers: no .nxml or .xml, no .tar.gz and no .pdf file.")
    return sorted(Source(p.relative_to(home).as_posix(), (at := p.stat()).st_size, at.st_mtime_ns) for p in taken)


def _twin(path: Path, with_xml: set[Path]) -> bool:
    """Whether the PDF is an article's whose XML lies beside it: alone with one in its folder, or of the same name."""
    if path.parent not in with_xml:
        return False
    beside = [one for one in path.parent.iterdir() if one.name.lower().endswith(XML)]
    return len(beside) == 1 or any(one.stem == path.stem for one in beside)


def kind(name: str) -> str:
    """ "xml", "package", "pdf", or "" for what holds no article."""
    low = name.lower()
    if low.startswith("."):
        return ""
    known = (("xml", XML), ("package", PACKAGES), ("pdf", (".pdf",)))
    return next((which for which, ends in known if low.endswith(ends)), "")


def digest(sources: list[Source]) -> str:
    """Changes with any file's name, size or time."""
    return hashlib.sha256(repr(sources).encode()).hexdigest()


def articles(home: Path, name: str) -> Iterator[Article]:
    """The articles of one source. Raises DatasetError for what cannot be read."""
    path = home / name
    try:
        if kind(name) == "pdf":
            from train.corpus import pdf

            yield pdf.read(path.read_bytes(), name, _stem(name))
        elif kind(name) == "package":
            yield from _package(path, name)
        else:
            yield from jats.read(_bounded(path), name, _stem(name), partial(beside, path.parent))
    except OSError as error:
        raise DatasetError(f"{name} cannot be read: {error}.") from error


def beside(folder: Path, name: str) -> Fetch | None:
    """The picture of that name in a folder, with one of the known endings where it has none."""
    bare = PurePosixPath(name.replace("\\", "/")).name
    found = (folder / choice for choice in _choices(bare))
    path = next((one for one in found if one.is_file()), None)
    return path.read_bytes if path is not None else None


def _choices(bare: str) -> Iterator[str]:
    if not bare or bare in (".", ".."):
        return
    known = bare.lower().endswith(PICTURES)
    if known:
        yield bare
    # "x.tif" in the XML is often x.jpg in the package, and names without an ending may have dots of their own.
    stems = [bare.rsplit(".", 1)[0]] if known or re.search(r"\.(gif|eps|pdf)$", bare, re.IGNORECASE) else [bare]
    for stem in stems:
        for ending in PICTURES:
            yield stem + ending
            yield stem + ending.upper()


def _package(path: Path, name: str) -> Iterator[Article]:
    try:
        held = _unpacked(path, name)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise DatasetError(f"{name} is a damaged package: {error}.") from error
    texts = [one for one in held if kind(one) == "xml"]
    if not texts:
        raise DatasetError(f"{name} holds no article: no .nxml or .xml file is in it.")
    for text in texts:
        yield from jats.read(held[text], f"{name}/{text}", _stem(f"{name}/{text}"), partial(_in_package, held, text))


def _unpacked(path: Path, name: str) -> dict[str, bytes]:
    """XML and pictures of a package, by their paths in it; nothing is written to disk."""
    held: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as tar:
        for member in tar:
            if member.offset_data + member.size > LARGEST_PACKAGE:
                raise DatasetError(f"{name} unpacks to more than {LARGEST_PACKAGE / 1e9:g} GB, more than is read.")
            wanted = kind(member.name) == "xml" or member.name.lower().endswith(PICTURES)
            if member.isfile() and wanted and member.size <= LARGEST_FILE:
                file = tar.extractfile(member)
                assert file is not None
                held[member.name] = file.read()
    return held


def _in_package(held: dict[str, bytes], text: str, name: str) -> Fetch | None:
    folder = PurePosixPath(text).parent
    for choice in _choices(PurePosixPath(name.replace("\\", "/")).name):
        if (data := held.get(str(folder / choice))) is not None:
            return partial(bytes, data)
    return None


def _bounded(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_XML:
        raise DatasetError(f"{path.name} has more than {LARGEST_XML / 1e6:g} MB; one article's XML has a few at most.")
    return path.read_bytes()


def _stem(name: str) -> str:
    """What names an article that has no id: its path, since many are called "article.xml"."""
    return name.rsplit(".", 1)[0]
