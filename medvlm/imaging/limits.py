"""How large a file may be, on disk and unpacked, so that no upload can fill the machine."""

from dataclasses import dataclass

from medvlm.errors import UserError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file or study; every check raises a `UserError` of its own, before anything large is allocated.

    `file_bytes`: of the upload. `frame_pixels`: rows x columns of one slice. `frames`: slices in one file.
    `total_bytes`: all slices together as numbers in memory (2,000 CT slices of 512 x 512 need 1.05 GB). Of a study:
    `files`: how many, `study_bytes`: all of them unpacked, `ratio`: unpacked to packed size of an archive that gets
    large (`from_bytes`): scans are packed to a half or a quarter, bombs to a thousandth.
    """

    file_bytes: int = 200_000_000
    frame_pixels: int = 100_000_000
    frames: int = 2_000
    total_bytes: int = 1 << 30
    files: int = 10_000
    study_bytes: int = 2_000_000_000
    ratio: int = 200
    from_bytes: int = 50_000_000

    def check_file(self, size: int, what: str) -> None:
        """`size`: bytes of the upload."""
        if size > self.file_bytes:
            raise UserError(
                f"{what} has {_megabytes(size)}; at most {_megabytes(self.file_bytes)} are read. "
                "Export fewer slices or a smaller picture."
            )

    def check_frame(self, rows: int, columns: int, what: str) -> None:
        """`rows` and `columns` as the header declares them."""
        if rows < 1 or columns < 1:
            raise UserError(
                f"{what} says it has {columns} x {rows} pixels, so there is nothing to show. Export it again."
            )
        if rows * columns > self.frame_pixels:
            raise UserError(
                f"{what} says it has {columns} x {rows} pixels ({rows * columns / 1e6:,.0f} megapixels); "
                f"at most {self.frame_pixels / 1e6:,.0f} megapixels are read. Export a smaller picture or a part of it."
            )

    def check_frames(self, count: int, what: str) -> None:
        """`count`: slices that the header declares."""
        if count > self.frames:
            raise UserError(
                f"{what} has {count:,} slices; at most {self.frames:,} are read. Export a part of the series."
            )

    def check_total(self, size: int, what: str) -> None:
        """`size`: bytes of all slices in memory."""
        if size > self.total_bytes:
            raise UserError(
                f"{what} would need {_megabytes(size)} of memory once unpacked; at most "
                f"{_megabytes(self.total_bytes)} are allowed. Export fewer slices or a smaller picture."
            )

    def check_files(self, count: int, what: str) -> None:
        """`count`: files of a study, or entries of an archive."""
        if count > self.files:
            raise UserError(f"{what} holds more than {self.files:,} files. Add the pictures of one study.")

    def check_study(self, size: int, what: str) -> None:
        """`size`: bytes of all files of a study, unpacked."""
        if size > self.study_bytes:
            raise UserError(
                f"{what} would have {_megabytes(size)} unpacked; at most {_megabytes(self.study_bytes)} are read. "
                "Add fewer series."
            )

    def check_unpacked(self, size: int, packed: int, what: str) -> None:
        """`size`: what an archive of `packed` bytes unpacks to, as declared or so far."""
        self.check_study(size, what)
        if size > self.from_bytes and size > self.ratio * packed:
            raise UserError(
                f"{what} would unpack to more than {self.ratio} times its size, as no scan does. "
                "Unpack it yourself and add the pictures in it."
            )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 100_000_000 else f"{size / 1e6:,.0f} MB"
