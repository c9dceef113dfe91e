"""Everything that comes in leaves as a scan or as one sentence of advice: limits, refusals, damage, threads."""

import bz2
import hashlib
import io
import logging
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless

from medvlm.errors import UserError
from medvlm.imaging import Limits, read, render
from tests import dicom_cases as cases
from tests.crowd import at_once
from tests.fuzz import mutants, pyramid, samples, saved, tiff
from tests.study_cases import gzipped

SAMPLES = samples()
GREY = np.random.default_rng(1).integers(0, 4096, (40, 32), dtype=np.uint16)
RGB = np.random.default_rng(1).integers(0, 256, (40, 32, 3), dtype=np.uint8)


def refusal(data: bytes, limits: Limits | None = None, name: str = "case.bin") -> str:
    with pytest.raises(UserError) as caught:
        read(data, name, limits or Limits())
    return str(caught.value)


@pytest.mark.parametrize("name", SAMPLES)
def test_sound_files_are_read_and_shown(name: str) -> None:
    scan = read(SAMPLES[name], name)
    assert scan.sha256 == hashlib.sha256(SAMPLES[name]).hexdigest()
    for index in range(len(scan.slices)):
        shown = render(scan, index)
        assert shown.dtype == np.uint8 and shown.shape[2] == 3 and shown.shape[:2] == scan.slices[index].shape[:2]


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_but_advice_leaves_damaged_files(name: str) -> None:
    refused = 0
    for mutant in mutants(SAMPLES[name], count=50, seed=1):
        try:
            render(read(mutant, "case.bin"))
        except UserError as error:
            refused += 1
            assert str(error).startswith("case.bin ") and str(error).endswith(".")
    assert refused, "damage went unnoticed in every file: the mutations do nothing"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_cut_of_a_file_is_refused_or_shown(name: str) -> None:
    data = SAMPLES[name]
    for end in range(0, len(data), max(1, len(data) // 40)):
        try:
            render(read(data[:end], "case.bin"))
        except UserError as error:
            assert "case.bin" in str(error)


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"bmp", "tiff pyramid"}))
def test_a_file_cut_in_half_is_said_to_be_damaged(name: str) -> None:
    assert any(word in refusal(SAMPLES[name][: len(SAMPLES[name]) // 2]) for word in ("cut short", "damaged"))


def test_the_same_mutants_come_from_the_same_seed() -> None:
    first, second = (list(mutants(SAMPLES["png"], 5, seed=3)) for _ in range(2))
    assert first == second and SAMPLES["png"] not in first
    assert first != list(mutants(SAMPLES["png"], 5, seed=4))


def zipped(encrypted: bool = False, name: str = "a.txt") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "text")
    data = bytearray(out.getvalue())
    if encrypted:
        data[6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


NIFTI_PAIR = struct.pack("<i", 348) + b"\0" * 340 + b"ni1\0" + b"\0" * 100
NIFTI = struct.pack("<i", 348) + b"\0" * 340 + b"n+1\0" + b"\0" * 100
CMS = b"\x30\x82\x10\x00\x06\x09" + bytes.fromhex("2a864886f70d010703") + b"\xa0" * 40


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty (0 bytes)"),
        (b"%PDF-1.7 ...", "is a PDF"),
        (b"%PDF-1.7 ... /Encrypt 5 0 R", "password-protected PDF"),
        (zipped(), "is a text file"),
        (zipped(encrypted=True), "password-protected zip"),
        (zipped(name="[Content_Types].xml"), "Office document"),
        (zipped()[:40], "zip archive that is damaged"),
        (NIFTI, "without any points"),
        (gzipped(NIFTI), "without any points"),
        (NIFTI_PAIR, "whose numbers are in another file"),
        (gzipped(b"anything"), "is a text file"),
        (b"\x1f\x8b\x08\x00rubbish", "gzip"),
        (bz2.compress(b"anything"), "bzip2"),
        (CMS, "is encrypted"),
        (b"Salted__" + b"\1" * 30, "is encrypted"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "password-protected Office"),
        ("Befund: Röntgen Thorax, unauffällig.".encode(), "is a text file"),
        (b"\xff\xfeB\0e\0f\0u\0n\0d\0", "is a text file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is a text file"),
        (b"GIF89a" + b"\0" * 20, "is a GIF"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 20, "HEIC"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 20, "is a video"),
        (b"\x7fELF" + b"\2" * 40, "is a program"),
        (b"\x07\x9a\xfe\x01" * 100, "is not a picture that is known here"),
        (b"\x89PNG", "is not a picture that is known here"),
        ("Röntgen".encode() * 1000, "is a text file"),
        (b"\0" * 1000, "is not a picture that is known here"),
    ],
)
def test_what_is_no_picture_is_named_with_advice(data: bytes, says: str) -> None:
    message = refusal(data)
    assert message.startswith("case.bin ") and says in message and message.endswith(".")


@pytest.mark.parametrize("data", [zipped(), gzipped(NIFTI), NIFTI, CMS, b"%PDF-1.7 ... /Encrypt 5 0 R"])
def test_nothing_but_advice_leaves_damaged_files_of_other_kinds(data: bytes) -> None:
    for mutant in mutants(data, count=50, seed=1):
        assert refusal(mutant)


def test_an_encrypted_dicom_without_pixels_is_said_to_be_encrypted() -> None:
    ds = cases.header("CT", EncryptedAttributesSequence=[cases.item(EncryptedContent=b"\1\2")])
    assert "is encrypted" in refusal(cases.written(ds))


def test_a_large_file_is_refused_before_anything_is_read() -> None:
    message = refusal(b"\0" * 2000, Limits(file_bytes=1000))
    assert "at most 0.0 MB are read" in message and "Export fewer" in message
    read(SAMPLES["png"], "a", Limits(file_bytes=len(SAMPLES["png"])))


def png_of(columns: int, rows: int) -> bytes:
    """A PNG whose header declares a size that its few bytes do not have, with a sound checksum."""
    data = bytearray(saved(Image.fromarray(RGB), "PNG"))
    struct.pack_into(">II", data, 16, columns, rows)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)


def jpeg_of(columns: int, rows: int) -> bytes:
    data = bytearray(saved(Image.fromarray(RGB), "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, rows, columns)
    return bytes(data)


def bmp_of(columns: int, rows: int) -> bytes:
    data = bytearray(saved(Image.fromarray(RGB), "BMP"))
    struct.pack_into("<ii", data, 18, columns, rows)
    return bytes(data)


def webp_of(columns: int, rows: int) -> bytes:
    body = bytes([16, 0, 0, 0]) + (columns - 1).to_bytes(3, "little") + (rows - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 200) + b"WEBPVP8X" + struct.pack("<I", 10) + body + b"\0" * 40


def tiff_of(columns: int, rows: int) -> bytes:
    data = bytearray(tiff(np.zeros((7, 5), np.uint32), metadata=None))
    for tag, value in ((256, columns), (257, rows), (278, rows)):
        at = data.index(struct.pack("<HHI", tag, 3, 1)) if struct.pack("<HHI", tag, 3, 1) in data else None
        at = data.index(struct.pack("<HHI", tag, 4, 1)) if at is None else at
        struct.pack_into("<HHII", data, at, tag, 4, 1, value)
    return bytes(data)


def dicom_of(columns: int, rows: int) -> bytes:
    ds = cases.dataset(GREY, "CT")
    ds.Rows, ds.Columns = rows, columns
    return cases.written(ds)


def j2k_of(columns: int, rows: int) -> bytes:
    stream = bytearray(cases.j2k_stream(GREY))
    struct.pack_into(">II", stream, 8, columns, rows)
    return cases.encapsulated([bytes(stream)], cases.dataset(GREY, "MR"), JPEG2000Lossless)


@pytest.mark.parametrize("make", [png_of, jpeg_of, bmp_of, webp_of, tiff_of, dicom_of, j2k_of])
def test_a_declared_size_beyond_the_limit_is_refused_before_decoding(make: Any) -> None:
    tracemalloc.start()
    try:
        message = refusal(make(60_000, 50_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "60000 x 50000 pixels (3,000 megapixels)" in message and "at most 100 megapixels" in message
    assert peak < 20e6


@pytest.mark.parametrize("make", [png_of, jpeg_of, bmp_of, webp_of, tiff_of, dicom_of, j2k_of])
def test_a_declared_size_within_the_limit_that_the_bytes_do_not_have_is_refused_too(make: Any) -> None:
    assert any(word in refusal(make(3000, 2000)) for word in ("damaged", "cut short"))


def test_too_many_slices_are_refused() -> None:
    stack = np.zeros((5, 4, 4), np.uint16)
    for data in (cases.picture(stack, "MR"), tiff(stack, photometric="minisblack", metadata=None)):
        message = refusal(data, Limits(frames=4))
        assert "has 5 slices; at most 4" in message
        assert len(read(data, "a", Limits(frames=5)).slices) == 5


@pytest.mark.parametrize("data", [dicom_of(32, 40), SAMPLES["png"], tiff(GREY), pyramid()])
def test_slices_that_do_not_fit_into_the_allowed_memory_are_refused(data: bytes) -> None:
    assert "of memory once unpacked" in refusal(data, Limits(total_bytes=1000))


def test_a_deflated_bomb_is_refused_while_it_is_unpacked() -> None:
    ds = cases.dataset(np.zeros((1000, 1000), np.uint16), "MR", syntax=DeflatedExplicitVRLittleEndian)
    data = cases.written(ds)
    assert len(data) < 10_000
    assert "of memory once unpacked" in refusal(data, Limits(total_bytes=1_000_000))
    assert read(data, "a").slices[0].shape == (1000, 1000)


def test_running_out_of_memory_is_advice() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(np.zeros((8, 8), np.uint8), metadata=None, compression="zlib")
    data = bytearray(out.getvalue())
    for tag in (256, 257, 278):  # 2^30 x 2^30 pixels are more than any machine has
        at = next(
            data.index(struct.pack("<HHI", tag, kind, 1))
            for kind in (3, 4)
            if struct.pack("<HHI", tag, kind, 1) in data
        )
        struct.pack_into("<HHII", data, at, tag, 4, 1, 1 << 30)
    boundless = Limits(frame_pixels=1 << 62, total_bytes=1 << 62)
    assert "more memory than is free" in refusal(bytes(data), boundless)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = saved(Image.fromarray(RGB), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    assert "200 scans" in refusal(data[:start] + data[start:-2] * 300 + data[-2:])
    read(data, "a")


def test_a_circle_of_pages_ends() -> None:
    data = bytearray(tiff(np.zeros((2, 4, 4), np.uint16), photometric="minisblack", metadata=None))
    first = struct.unpack_from("<I", data, 4)[0]
    second = struct.unpack_from("<I", data, first + 2 + 12 * struct.unpack_from("<H", data, first)[0])[0]
    struct.pack_into("<I", data, second + 2 + 12 * struct.unpack_from("<H", data, second)[0], first)
    assert len(read(bytes(data), "a").slices) == 2


@pytest.mark.parametrize(
    ("name", "called"),
    [("", "The file"), ("/home/x/scan.dcm", "scan.dcm"), ("C:\\x\\scan.dcm", "scan.dcm"), ("a\nb.dcm", "ab.dcm")],
)
def test_the_error_names_the_file_without_its_folder(name: str, called: str) -> None:
    assert refusal(b"", name=name).startswith(f"{called} is empty")


def test_a_long_name_is_shortened() -> None:
    assert len(refusal(b"", name="x" * 5000)) < 200


def test_a_header_that_would_be_quoted_in_a_warning_is_quoted_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    data = cases.picture(GREY, "CT", PatientID="QUOTED", StudyDate="20200101")
    broken = data.replace(b"20200101", b"QUOTED!!").replace(b"DA\x08\x00QUOTED", b"TM\x08\x00QUOTED")
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        read(broken, "a")
        for mutant in mutants(broken, 50, seed=2):
            with pytest.raises(UserError) if _refused(mutant) else warnings.catch_warnings():
                read(mutant, "a")
    assert seen == []
    assert "QUOTED" not in caplog.text


def _refused(data: bytes) -> bool:
    try:
        read(data, "a")
    except UserError:
        return True
    return False


def test_many_readers_at_once_get_their_own_scans_and_leave_the_warnings_as_they_were() -> None:
    before = list(warnings.filters)
    wrong: list[object] = []

    def work(name: str) -> None:
        expected = [one.tobytes() for one in read(SAMPLES[name], name).slices]
        for _ in range(5):
            if [one.tobytes() for one in read(SAMPLES[name], name).slices] != expected:
                wrong.append(name)

    names = list(SAMPLES)
    at_once(len(names), lambda number: work(names[number]))
    assert not wrong
    assert list(warnings.filters) == before
