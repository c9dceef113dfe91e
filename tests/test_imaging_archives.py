"""Zip, tar and gzip: what is in them is read, and whatever they can be misused for is an error that names it."""

import bz2
import io
import lzma
import random
import stat
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest

from medvlm.errors import UserError
from medvlm.imaging import Limits, read, read_study, unpack
from medvlm.imaging.archives import archive_form, gunzip
from medvlm.imaging.dicomdir import listed
from medvlm.imaging.lazy import LazySlices
from tests.fuzz import mutants
from tests.study_cases import (
    Drop,
    as_nifti,
    as_series,
    dicomdir,
    drops,
    gzipped,
    numbered,
    one_slice,
    phantom,
    stack,
    tarred,
    tried,
    zipped,
)  # fmt: skip

SERIES = stack([0.0, 1.0, 2.0])


def refusal(data: bytes, limits: Limits | None = None, name: str = "case.zip") -> str:
    with pytest.raises(UserError) as caught:
        read_study([(name, data)], limits or Limits())
    return str(caught.value)


def entry(name: str = "a.dcm", mode: int = stat.S_IFREG | 0o644, flags: int = 0, data: bytes = SERIES[0][1]) -> bytes:
    out = io.BytesIO()
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, data)
    raw = bytearray(out.getvalue())
    raw[6] |= flags
    raw[raw.index(b"PK\x01\x02") + 8] |= flags
    return bytes(raw)


def tar_entry(name: str = "a.dcm", kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = len(SERIES[0][1]) if kind == tarfile.REGTYPE else 0
        archive.addfile(info, io.BytesIO(SERIES[0][1]))
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [zipped(SERIES), zipped(SERIES, zipfile.ZIP_STORED), tarred(SERIES), tarred(SERIES, packed=True)],
    ids=["deflated", "stored", "tar", "tar.gz"],
)
def test_a_series_in_an_archive_is_the_series(data: bytes) -> None:
    scan = read_study([("scan.zip", data)]).open(0)
    assert [int(one.flat[0]) for one in scan.slices] == [0, 1, 2]
    assert [int(one.flat[0]) for one in read(data, "scan.zip").slices] == [0, 1, 2]


def test_folders_and_empty_entries_are_passed_over() -> None:
    files = [("scan/", b""), ("scan/empty", b""), *((f"scan/{name}", data) for name, data in SERIES)]
    assert [one.count for one in read_study([("a", zipped(files))]).series] == [3]


def test_archives_and_files_may_come_together() -> None:
    more = [("x.dcm", one_slice(numbered(9), 9, (0, 0, 3.0)))]
    study = read_study([("a.zip", zipped(SERIES[:2])), ("b.tar", tarred(SERIES[2:])), *more])
    assert [one.count for one in study.series] == [4]


def test_of_an_archive_with_several_series_the_largest_is_read() -> None:
    other = [("o", one_slice(numbered(50, 8), 1, (0, 0, 0), series="b"))]
    scan = read(zipped([*other, *SERIES, ("notes.txt", b"text")]), "a.zip")
    assert len(scan.slices) == 3 and scan.notes[0] == "the largest of 2 series in the archive"
    assert scan.notes[-1] == "1 file left out: a text file, not a picture"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (entry(flags=1), "is a password-protected zip archive"),
        (entry("../../etc/x"), "entry 1 in it is named so that it would be unpacked outside its folder"),
        (entry("/etc/passwd"), "unpacked outside its folder"),
        (entry("C:\\x\\y.dcm"), "unpacked outside its folder"),
        (entry("a\\..\\..\\b.dcm"), "unpacked outside its folder"),
        (entry(mode=stat.S_IFLNK | 0o777), "entry 1 in it is a link or a device"),
        (entry(mode=stat.S_IFIFO), "a link or a device"),
        (entry(data=zipped(SERIES)), "holds another archive: file 1 in it is a zip archive"),
        (entry(data=gzipped(SERIES[0][1])), "file 1 in it is a gzip archive"),
        (entry(data=tarred(SERIES)), "file 1 in it is a tar archive"),
        (entry(data=bz2.compress(b"x" * 100)), "file 1 in it is a bzip2 archive"),
        (entry(data=lzma.compress(b"x" * 100)), "file 1 in it is an xz archive"),
        (gzipped(zipped(SERIES)), "file 1 in it is a zip archive"),
        (gzipped(gzipped(b"x")), "file 1 in it is a gzip archive"),
        (zipped([("[Content_Types].xml", b"<a/>")]), "is an Office document"),
        (zipped([]), "is an archive without any files"),
        (zipped(SERIES, zipfile.ZIP_LZMA), "compressed by a method that is not read (number 14)"),
        (zipped(SERIES)[:60], "is a zip archive that is damaged or cut short"),
        (tar_entry("../x"), "entry 1 in it is named so that it would be unpacked outside its folder"),
        (tar_entry("/x"), "unpacked outside its folder"),
        (tar_entry(kind=tarfile.SYMTYPE, link="/etc/passwd"), "entry 1 in it is a link, a device"),
        (tar_entry(kind=tarfile.LNKTYPE, link="a"), "entry 1 in it is a link, a device"),
        (tar_entry(kind=tarfile.CHRTYPE), "entry 1 in it is a link, a device"),
        (tarred([("in.zip", zipped(SERIES))]), "holds another archive: file 1 in it is a zip archive"),
        (tarred([("in.zip", zipped(SERIES))], packed=True), "holds another archive: file 1 in it is a zip archive"),
        (tarred(SERIES)[:900], "cut short"),
        (tarred(SERIES, packed=True)[:-30], "cut short"),
        (gzipped(SERIES[0][1])[:-9], "is a gzip file that is damaged or cut short"),
    ],
)
def test_what_an_archive_can_be_misused_for_is_refused_by_name(data: bytes, says: str) -> None:
    message = refusal(data)
    assert message.startswith("case.zip ") and says in message and message.endswith(".")


def test_a_damaged_entry_is_named_by_its_number() -> None:
    data = bytearray(zipped(SERIES, zipfile.ZIP_STORED))
    at = data.index(SERIES[1][1]) + 700
    data[at] ^= 0xFF
    study = read_study([("a.zip", bytes(data))])
    assert [one.count for one in study.series] == [2]
    assert study.notes == ("1 file left out: damaged and cannot be unpacked",)
    with pytest.raises(UserError, match=r"^a\.zip \(file 1 in it\) is damaged and cannot be unpacked"):
        read_study([("a.zip", bytes(zipped([SERIES[1]], zipfile.ZIP_STORED)).replace(b"CT", b"XX"))])


def bomb(size: int) -> bytes:
    return zipped([("a.dcm", SERIES[0][1]), ("bomb", bytes(size))])


@pytest.mark.parametrize(
    "pack", [bomb, lambda size: tarred([("b", bytes(size))], packed=True), lambda size: gzipped(bytes(size))]
)
def test_a_bomb_is_refused_by_its_ratio_while_little_of_it_is_in_memory(pack: "object") -> None:
    data = pack(12_000_000)  # type: ignore[operator]
    limits = Limits(from_bytes=2_000_000)
    tracemalloc.start()
    try:
        message = refusal(data, limits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "more than 200 times its size" in message and peak < 12_000_000


@pytest.mark.parametrize(
    "data", [zipped([("a", bytes(3_000_000))]), tarred([("a", bytes(3_000_000))]), gzipped(bytes(3_000_000))]
)
def test_an_archive_beyond_the_total_is_refused(data: bytes) -> None:
    assert "at most 2.0 MB are read" in refusal(data, Limits(study_bytes=2_000_000, file_bytes=4_000_000))


def test_an_archive_of_too_many_files_is_refused_before_its_directory_is_read() -> None:
    data = zipped([(f"{n}", b"x") for n in range(300)])
    assert "holds more than 100 files" in refusal(data, Limits(files=100))
    end = data.rindex(b"PK\x05\x06")
    huge = data[: end + 12] + struct.pack("<I", 0xFFFFFF00) + data[end + 16 :]
    assert "holds more than 10,000 files" in refusal(huge)
    assert "holds more than 100 files" in refusal(tarred([(f"{n}", b"xy") for n in range(101)]), Limits(files=100))


def test_a_lying_size_is_found_out() -> None:
    data = bytearray(zipped(SERIES[:1]))
    real = len(SERIES[0][1])
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, real + 5_000)
    assert "cannot be unpacked" in refusal(bytes(data)) or "can be unpacked" in refusal(bytes(data))


def test_several_gzip_streams_in_a_row_are_one_file_and_padding_is_ignored() -> None:
    both = gzipped(b"abc") + gzipped(b"def") + b"\0" * 10
    assert gunzip(both, "a", Limits()) == b"abcdef"
    with pytest.raises(UserError, match="damaged"):
        gunzip(gzipped(b"abc")[:-12] + b"\xff" * 12, "a", Limits())


def test_entries_of_a_zip_stay_packed_until_they_are_looked_at_and_memory_stays_small() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (40, 128, 128), dtype=np.uint16)
    files = [(f"{n}", one_slice(pixels[n], n, (0, 0, float(n)))) for n in range(40)]
    for data in (zipped(files), tarred(files, packed=True)):
        tracemalloc.start()
        try:
            scan = read_study([("a", data)]).open(0)
            assert isinstance(scan.slices, LazySlices)
            scan.slices.load()
            assert scan.slices.wait(60)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 1.5 * pixels.nbytes, f"{peak / pixels.nbytes:.2f} times the pixels"


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (zipped(SERIES), "zip"), (tarred(SERIES), "tar"), (tarred(SERIES, packed=True), "tar.gz"),
        (gzipped(b"x"), "gzip"), (SERIES[0][1], None), (as_nifti(phantom(shape=(2, 4, 4))), None), (b"", None),
    ],
)  # fmt: skip
def test_archives_are_told_by_their_bytes(data: bytes, form: str | None) -> None:
    assert archive_form(data) == form


def test_a_disc_shows_the_files_that_it_lists() -> None:
    disc = [(f"DISC/IMAGES/IM{n}", data) for n, (_, data) in enumerate(SERIES)]
    viewer = [("DISC/VIEWER/LOGO", one_slice(numbered(5, 8), 77, None, None, series="logo", modality="OT"))]
    table = ("DISC/DICOMDIR", dicomdir([*(f"IMAGES/IM{n}" for n in range(3)), "IMAGES/IM9"]))
    study = read_study([table, *disc, *viewer])
    assert [one.count for one in study.series] == [3]
    assert study.notes[:2] == (
        "1 file that the DICOMDIR does not list left out",
        "not here: 1 file that the DICOMDIR lists",
    )
    assert [one.count for one in read_study([("disc.zip", zipped([table, *disc]))]).series] == [3]


def test_a_table_that_lists_nothing_that_is_here_hides_nothing() -> None:
    study = read_study([("DICOMDIR", dicomdir(["OTHER/A"])), *SERIES])
    assert [one.count for one in study.series] == [3]
    assert "the DICOMDIR lists none of the files: all of them are shown" in study.notes
    with pytest.raises(UserError, match="Add the picture files that it lists"):
        read_study([("DICOMDIR", dicomdir(["A"]))])


def test_references_are_compared_and_never_opened() -> None:
    names = ["A/B/IM1", "IM2", "b/im1", "IM1"]
    assert listed(names, [("B", "IM1")]) == [0, 2, 3]
    assert listed(names, [("X", "IM2"), ("Y", "IM2")]) == []
    assert listed(names, [("..", "..", "ETC", "PASSWD")]) == []


def test_the_discs_inside_pydicom_are_read() -> None:
    root = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"
    files = [(str(path.relative_to(root)), path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file()]
    study = read_study(files)
    assert sum(one.count for one in study.series) >= 30
    assert any(one.count == 5 and "2.5 mm from slice to slice" in one.notes for one in study.series)


@pytest.mark.parametrize("name", sorted(drops()))
def test_nothing_but_advice_leaves_damaged_drops(name: str) -> None:
    files = drops()[name]
    rng = random.Random(f"drops/{name}")
    # Processor time: on a busy machine the clock says nothing about a damaged file.
    refused, started = 0, time.process_time()
    for _ in range(33):
        index = rng.randrange(len(files))
        damaged: Drop = list(files)
        damaged[index] = (files[index][0], next(mutants(files[index][1], 1, rng.randrange(1 << 30))))
        try:
            tried(damaged)
        except UserError as error:
            refused += 1
            assert str(error).endswith(".")
    assert time.process_time() - started < 100 and (refused or len(files) > 1)


def test_a_drop_is_opened_once_for_all_who_ask() -> None:
    drop = unpack([("a.zip", zipped(SERIES))])
    assert len(drop) == 3 and [one.count for one in read_study(drop).series] == [3]


def test_a_zip_with_a_right_checksum_over_a_wrong_stream_is_no_crash() -> None:
    data = bytearray(zipped(SERIES[:1]))
    start = 30 + len(SERIES[0][0])
    data[start : start + 40] = zlib.compress(b"other")[:20] * 2
    assert "cannot be unpacked" in refusal(bytes(data))


def test_series_of_the_phantom_come_through_any_archive() -> None:
    volume = phantom()
    files = [(f"{n}.dcm", data) for n, data in enumerate(as_series(volume))]
    assert (np.stack(read(zipped(files), "a").slices) == volume.voxels).all()
