"""Zip and tar archives -> the files in them, in memory only; whatever an archive can be misused for is an error.

Entries are spoken of by their number: their names may name a patient.
"""

import contextlib
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Literal

from medvlm.errors import UserError
from medvlm.imaging.limits import Limits
from medvlm.imaging.parts import Part, part_of
from medvlm.imaging.sniff import GZIP, gzip_start, is_nifti

ArchiveForm = Literal["zip", "tar", "tar.gz", "gzip"]
_ZIP, _TAR_AT, _TAR = (b"PK\x03\x04", b"PK\x05\x06"), 257, b"ustar"
# What an archive may hold, but not inside another: unpacking in turns is how a small file becomes an endless one.
_NESTED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "a zip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (_TAR_AT, _TAR, "a tar archive"),
)
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"
# A directory entry of a zip takes 46 bytes and its name; more than this each is no honest archive.
_ENTRY = 400
_CHUNK, _FED = 1 << 20, 1 << 16
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def archive_form(data: bytes) -> ArchiveForm | None:
    """What kind of archive this is, from its bytes; a compressed NIfTI volume or an Office document is none."""
    if data.startswith(_ZIP):
        return "zip"
    if data[_TAR_AT : _TAR_AT + 5] == _TAR:
        return "tar"
    if not data.startswith(GZIP):
        return None
    start = gzip_start(data)
    if start[_TAR_AT : _TAR_AT + 5] == _TAR:
        return "tar.gz"
    return None if is_nifti(start) else "gzip"


def entry_of(what: str, number: int) -> str:
    """What the file `number` (from 1) of an archive is called in errors."""
    return f"{what} (file {number} in it)"


def unpacked(data: bytes, form: ArchiveForm, what: str, limits: Limits) -> list[Part]:
    """The files of an archive, folders and empty entries left out; raises `UserError` for anything suspicious."""
    if form == "zip":
        return _zip(data, what, limits)
    if form == "tar":
        return _tar(data, what, limits)
    if form == "tar.gz":
        return _streamed_tar(data, what, limits)
    inside = bytes(gunzip(data, what, limits))
    _check_nested(inside[:512], 1, what)
    return [part_of("", inside)]


def gunzip(data: bytes, what: str, limits: Limits) -> bytearray:
    """A gzip stream whole; of several streams in a row all. Stopped at the limits while it is unpacked."""
    whole = bytearray()
    for piece in _inflated(data, what, limits):
        whole += piece
    return whole


def _inflated(data: bytes, what: str, limits: Limits) -> Iterator[bytes]:
    """Pieces of at most a megabyte. The packed bytes go in little by little, since what is left over is copied."""
    size, at, unpacker = 0, 0, zlib.decompressobj(31)
    while at < len(data):
        waiting = data[at : at + _FED]
        at += len(waiting)
        while waiting and not unpacker.eof:
            try:
                piece = unpacker.decompress(waiting, _CHUNK)
            except zlib.error:
                raise _damaged(what, "a gzip file") from None
            size += len(piece)
            limits.check_unpacked(size, len(data), what)
            yield piece
            waiting = unpacker.unconsumed_tail
        if unpacker.eof:
            at -= len(unpacker.unused_data)
            if not data.startswith(GZIP, at):
                return  # padding behind the last stream
            unpacker = zlib.decompressobj(31)
    if not unpacker.eof:
        raise _damaged(what, "a gzip file")


class _Damaged(UserError):
    """One file of an archive cannot be unpacked."""


class _Inflating(io.RawIOBase):
    """The same pieces as a file that is read from start to end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        got = bytearray()
        while len(got) < size:
            if not self._left:
                self._left = memoryview(next(self._pieces, b""))
                if not self._left:
                    break
            wanted = size - len(got)
            got += self._left[:wanted]
            self._left = self._left[wanted:]
        return bytes(got)


def _zip(data: bytes, what: str, limits: Limits) -> list[Part]:
    _check_directory(data, what, limits)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, struct.error, NotImplementedError, UnicodeDecodeError):
        raise _damaged(what, "a zip archive") from None
    entries = archive.infolist()
    limits.check_files(len(entries), what)
    if any(entry.filename == "[Content_Types].xml" for entry in entries):
        raise UserError(f"{what} is an Office document. Save the picture in it as PNG and add that.")
    files = list(enumerate((entry for entry in entries if not entry.is_dir() and entry.file_size), 1))
    for number, entry in files:
        _check_entry(entry, number, what)
    limits.check_unpacked(sum(entry.file_size for _, entry in files), len(data), what)
    parts = [_zipped(archive, entry, number, what) for number, entry in files]
    for part, (number, _) in zip(parts, files, strict=True):
        with contextlib.suppress(_Damaged):  # said when it is read: the others can be
            start = part.load(min(512, part.size))
            _check_nested(start, number, what)
    return parts


def _check_directory(data: bytes, what: str, limits: Limits) -> None:
    """The size of the directory at the archive's end, before it is read: each entry becomes an object in memory."""
    end = data.rfind(_END, max(0, len(data) - 65_557))
    if end < 0 or end + 22 > len(data):
        return
    size = struct.unpack_from("<I", data, end + 12)[0]
    big = data.rfind(_END64, max(0, end - 65_557), end)
    if size == 0xFFFFFFFF and 0 <= big <= len(data) - 48:
        size = struct.unpack_from("<Q", data, big + 40)[0]
    if size > limits.files * _ENTRY:
        raise UserError(f"{what} holds more than {limits.files:,} files. Add the pictures of one study.")


def _check_entry(entry: zipfile.ZipInfo, number: int, what: str) -> None:
    if entry.flag_bits & 1:
        raise UserError(
            f"{what} is a password-protected zip archive. Unpack it with its password and add the pictures in it."
        )
    _check_path(entry.orig_filename, number, what)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise _suspicious(what, number, "a link or a device, not a file")
    if entry.compress_type not in _READ:
        raise _suspicious(what, number, f"compressed by a method that is not read (number {entry.compress_type})")


def _zipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, number: int, what: str) -> Part:
    one = entry_of(what, number)

    def load(size: int) -> bytes:
        try:
            with archive.open(entry) as file:
                found = file.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
            raise _Damaged(f"{one} is damaged and cannot be unpacked. Export or copy it again.") from None
        if len(found) < size:
            raise _Damaged(f"{one} is cut short: not all of it can be unpacked. Export or copy it again.")
        return found

    return Part(entry.filename, entry.file_size, load, entry.CRC)


def _tar(data: bytes, what: str, limits: Limits) -> list[Part]:
    """Files stay where they are in the archive's bytes until somebody reads them."""
    parts = []
    for _, entry in _entries(io.BytesIO(data), "r:", what, limits):
        if entry.offset_data + entry.size > len(data):
            raise UserError(f"{what} is a tar archive that is cut short. Export or copy it again.")
        parts.append(_tarred(entry, data))
        _check_nested(parts[-1].load(512), len(parts), what)
    limits.check_unpacked(sum(part.size for part in parts), len(data), what)
    return parts


def _streamed_tar(data: bytes, what: str, limits: Limits) -> list[Part]:
    """A packed archive is read once from start to end, each file into bytes of its own, so that it can be let go."""
    parts = []
    for archive, entry in _entries(_Inflating(_inflated(data, what, limits)), "r|", what, limits):
        file = archive.extractfile(entry)
        inside = b"" if file is None else file.read()
        if len(inside) < entry.size:
            raise UserError(f"{what} is a tar archive that is cut short. Export or copy it again.")
        parts.append(part_of(entry.name, inside))
        _check_nested(inside[:512], len(parts), what)
    return parts


def _entries(
    source: io.IOBase, mode: Literal["r:", "r|"], what: str, limits: Limits
) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The files with content, checked; closing the iterator closes the archive."""
    try:
        with tarfile.open(fileobj=source, mode=mode, errorlevel=2) as archive:
            for number, entry in enumerate(archive, 1):
                limits.check_files(number, what)
                _check_path(entry.name, number, what)
                if not entry.isdir() and (not entry.isreg() or entry.issparse()):
                    raise _suspicious(what, number, "a link, a device or a file with holes")
                if entry.isreg() and entry.size:
                    limits.check_study(entry.size, what)
                    yield archive, entry
    except (tarfile.TarError, ValueError, OverflowError, EOFError, struct.error):
        raise _damaged(what, "a tar archive") from None


def _tarred(entry: tarfile.TarInfo, data: bytes) -> Part:
    start, whole = entry.offset_data, entry.size
    return Part(entry.name, whole, lambda size: data[start : start + min(size, whole)])


def _check_path(name: str, number: int, what: str) -> None:
    steps = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in steps or ":" in steps[0] or "\0" in name:
        raise _suspicious(what, number, "named so that it would be unpacked outside its folder")


def _check_nested(start: bytes, number: int, what: str) -> None:
    kind = next((kind for at, magic, kind in _NESTED if start[at : at + len(magic)] == magic), None)
    if kind is None and start.startswith(GZIP) and not is_nifti(gzip_start(start)):
        kind = "a gzip archive"
    if kind is not None:
        raise UserError(
            f"{what} holds another archive: file {number} in it is {kind}. Unpack it and add the pictures in it."
        )


def _suspicious(what: str, number: int, why: str) -> UserError:
    return UserError(f"{what} is not unpacked: entry {number} in it is {why}. Unpack it yourself and add the pictures.")


def _damaged(what: str, kind: str) -> UserError:
    return UserError(f"{what} is {kind} that is damaged or cut short. Export or copy it again.")
