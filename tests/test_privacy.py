"""The gate: what it finds, what it rules by each mode, what is covered, and who may answer."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from medvlm.errors import UserError
from medvlm.imaging import read, read_study, render
from medvlm.page.shelf import shelf
from medvlm.privacy import INSTALL, Asked, Box, Choice, Detector, Gate, Waiting, admitted, detector, masked
from medvlm.privacy.gate import LEFT_OUT, NOTHING_FOUND, Mode
from medvlm.privacy.masks import cover
from medvlm.privacy.pixels import RapidDetector, spread, text_in
from medvlm.privacy.waiting import MOST, SECONDS, TOO_LATE
from medvlm.types import Scan, Traces
from medvlm.ui.gate import WORDS, question
from tests.dicom_cases import item, named, picture, ramp
from tests.fakes import Clock

LINE, MARKER = Box(2, 1, 9, 3), Box(10, 10, 12, 12)


class Finder:
    """Says that text stands in these boxes, on every picture."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes = boxes
        self.asked = 0

    def find(self, picture: NDArray[np.uint8]) -> tuple[Box, ...]:
        self.asked += 1
        return self.boxes


def scan_of(modality: str = "CT", **elements: Any) -> Scan:
    return read(picture(ramp(16, 16), modality, **elements), "a")


def gate(mode: Mode, finder: Detector | None) -> Gate:
    return Gate(mode, lambda: finder)


NAMED = {"PatientName": "SECRETNAME"}
YES, NO = {"BurnedInAnnotation": "YES"}, {"BurnedInAnnotation": "NO"}


@pytest.mark.parametrize(
    ("mode", "modality", "elements", "boxes", "verdict"),
    [
        # A scanner's picture with nothing to fear goes on, with and without a detector.
        ("ask", "CT", {}, None, "go on"),
        ("ask", "CT", {}, (), "go on"),
        ("ask", "CT", NO, (), "go on"),
        ("strict", "CT", {}, (), "go on"),
        # What may name somebody is asked about.
        ("ask", "CT", NAMED, None, "ask"),
        ("ask", "CT", YES, None, "ask"),
        ("ask", "CT", {}, (LINE,), "ask"),
        ("ask", "CT", {}, (MARKER,), "go on"),
        ("ask", "CT", {**NAMED, "PatientIdentityRemoved": "YES"}, (), "go on"),
        # Captures and ultrasound are covered, or blocked where nothing can find the text.
        ("ask", "SC", {}, None, "block"),
        ("ask", "US", {}, None, "block"),
        ("ask", "US", NO, None, "block"),
        ("ask", "SC", {}, (LINE,), "mask"),
        ("ask", "US", {}, (), "mask"),
        ("ask", "US", NAMED, (LINE,), "mask"),
        ("ask", "CT", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"}, None, "block"),
        ("ask", "OT", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1"}, None, "block"),
        # Nobody is asked when it is strict.
        ("strict", "CT", NAMED, (), "block"),
        ("strict", "US", NAMED, (LINE,), "block"),
        ("strict", "CT", {}, (LINE,), "mask"),
        ("strict", "CT", YES, (), "mask"),
        ("strict", "CT", YES, None, "block"),
        ("strict", "SC", {}, None, "block"),
        ("strict", "SC", {}, (LINE,), "mask"),
        # Off is off.
        ("off", "US", {**NAMED, **YES}, None, "go on"),
    ],
)
def test_each_rule_of_the_gate(
    mode: Mode, modality: str, elements: dict[str, str], boxes: tuple[Box, ...] | None, verdict: str
) -> None:
    ruling = gate(mode, None if boxes is None else Finder(*boxes)).rule(scan_of(modality, **elements))
    assert ruling.verdict == verdict
    assert "SECRET" not in repr(ruling)
    if verdict == "block":
        assert INSTALL in ruling.advice or "python -m medvlm deidentify" in ruling.advice
    assert ruling.choices == ((("block", "mask", "go on") if boxes else ("block", "go on")) if verdict == "ask" else ())


def test_off_looks_at_no_pixels() -> None:
    finder = Finder(LINE)
    assert gate("off", finder).rule(scan_of("US")).verdict == "go on" and finder.asked == 0


def test_the_kind_of_object_counts_and_not_only_the_modality() -> None:
    origins = {
        word: scan_of(word, **({"SOPClassUID": kind} if kind else {})).traces.origin
        for word, kind in (("US", ""), ("SC", ""), ("CT", ""), ("MR", "1.2.840.10008.5.1.4.1.1.7"))
    }
    assert origins == {"US": "ultrasound", "SC": "secondary capture", "CT": "scanner", "MR": "secondary capture"}
    assert scan_of("CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.4").traces.origin == "scanner", (
        "no capture: 7, not 77"
    )


def test_names_in_items_of_sequences_are_found_and_empty_fields_are_not() -> None:
    nested = [item(PerformingPhysicianName="SECRETNAME")]
    assert scan_of("CT", RequestAttributesSequence=nested).traces.fields == ("Performing Physician's Name",)
    assert scan_of("CT", PatientName="", PatientID=None).traces.fields == ()
    unlisted = [item(ContentCreatorName="SECRETNAME")]
    assert scan_of("CT", RequestAttributesSequence=unlisted).traces.fields == ("Person Name",)


def test_of_a_series_every_file_counts() -> None:
    files = [
        picture(ramp(), "CT", SeriesInstanceUID="1.2.3", SOPInstanceUID=f"1.4.{n}", InstanceNumber=n, **extra)
        for n, extra in enumerate(({}, NAMED, YES), 1)
    ]
    study = read_study([(f"{n}.dcm", data) for n, data in enumerate(files)])
    traces = study.open(study.largest).traces
    assert traces.fields == ("Patient's Name",) and traces.burned_in is True
    assert study.series[0].burned_in is True and not Gate().admission().previews(study.series[0])


def test_text_fields_of_other_formats_are_named() -> None:
    out, info = BytesIO(), PngImagePlugin.PngInfo()
    for key, text in (("Author", "SECRET"), ("SECRETKEY", "SECRET"), ("Software", "x")):
        info.add_text(key, text)
    Image.new("L", (8, 8)).save(out, "PNG", pnginfo=info)
    assert read(out.getvalue(), "a").traces.fields == ("Author", "Other text")
    exif, out = Image.Exif(), BytesIO()
    exif[0x013B], exif[0x0132] = "SECRET", "2020:01:01 00:00:00"
    Image.new("L", (8, 8)).save(out, "JPEG", exif=exif, comment=b"SECRET")
    assert set(read(out.getvalue(), "a").traces.fields) == {"Artist", "Date", "Comment"}


def test_of_a_volume_the_texts_of_its_header_are_named() -> None:
    from nibabel import Nifti1Image

    image: Any = Nifti1Image
    volume = image(np.zeros((4, 4, 3), np.int16), np.eye(4))
    assert read(volume.to_bytes(), "a").traces == Traces()
    volume.header["db_name"], volume.header["descrip"] = b"SECRETNAME", b"SECRETTEXT"
    assert set(read(volume.to_bytes(), "a").traces.fields) == {"Description", "Data base"}


def test_our_own_examples_are_never_asked_about() -> None:
    small = [example for example in shelf() if example.path.suffix != ".zip"]
    assert small
    for example in small:
        assert gate("ask", None).rule(read(example.read(), example.path.name)).verdict == "go on", example.label


def test_what_is_covered_is_gone_on_every_slice_and_for_every_cache() -> None:
    stack = np.stack([ramp(16, 16) + 100] * 3)
    scan = read(picture(stack, "US", **NAMED), "a")
    kept = masked(scan, [LINE])
    grown = LINE.grown(16, 16)
    for old, new in zip(scan.slices, kept.slices, strict=True):
        assert (new[grown.top : grown.bottom, grown.left : grown.right] == old.min()).all()
        outside = np.ones(old.shape, bool)
        outside[grown.top : grown.bottom, grown.left : grown.right] = False
        assert np.array_equal(new[outside], old[outside])
    assert kept.sha256 != scan.sha256 and masked(scan, [LINE]).sha256 == kept.sha256
    assert masked(scan, [MARKER]).sha256 != kept.sha256 and masked(scan, []) is scan
    assert "1 region with text covered" in kept.notes


def test_a_covered_series_is_covered_slice_by_slice_as_it_is_looked_at() -> None:
    files = [
        picture(ramp(16, 16) + n, "CT", SeriesInstanceUID="1.2.3", SOPInstanceUID=f"1.4.{n}", InstanceNumber=n)
        for n in (1, 2, 3)
    ]
    scan = read_study([(f"{n}", data) for n, data in enumerate(files)]).open(0)
    kept = masked(scan, [LINE])
    assert len(kept.slices) == 3 and not kept.slices[1].flags.writeable
    assert (kept.slices[2][2, 3:8] == scan.slices[2].min()).all() and len(kept.slices[:2]) == 2


@pytest.mark.parametrize("inverted", [False, True])
def test_what_is_covered_is_black_on_the_screen(inverted: bool) -> None:
    scan = replace(scan_of(), inverted=inverted)
    assert render(masked(scan, [LINE]), 0)[2, 4].tolist() == [0, 0, 0]
    colour = cover(np.full((8, 8, 3), 9, np.uint8), [Box(0, 0, 2, 2)])
    assert colour[0, 0].tolist() == [0, 0, 0] and colour[5, 5].tolist() == [9, 9, 9]


@pytest.mark.parametrize(
    ("choice", "notes"),
    [("go on", None), ("mask", "1 region with text covered"), ("block", LEFT_OUT), (None, LEFT_OUT)],
)
def test_what_was_chosen_is_done(choice: Choice | None, notes: str | None) -> None:
    scan = scan_of("CT")
    ruling = gate("ask", Finder(LINE)).rule(scan)
    if notes == LEFT_OUT:
        with pytest.raises(UserError, match="not taken in"):
            admitted(scan, ruling, choice)
        return
    kept = admitted(scan, ruling, choice)
    assert kept is scan if notes is None else notes in kept.notes


def test_covering_where_nothing_was_found_says_so_or_is_refused() -> None:
    assert NOTHING_FOUND in admitted(scan_of("US"), gate("ask", Finder()).rule(scan_of("US"))).notes
    plain = scan_of("CT", **NAMED)
    assert admitted(plain, gate("ask", None).rule(plain), "mask") is plain
    marked = scan_of("CT", **YES)
    with pytest.raises(UserError, match=r"without a detector.*pip install"):
        admitted(marked, gate("ask", None).rule(marked), "mask")


def test_one_answer_holds_for_all_scans_of_a_drop_and_for_no_other() -> None:
    doors = gate("ask", None)
    first, other = doors.admission(), doors.admission()
    scan = read(named(), "a")
    with pytest.raises(Asked) as asked:
        first(scan)
    asked.value.admission.choice = "go on"
    assert first(scan) is scan and first(scan_of("CT", **YES)) is not None
    with pytest.raises(Asked):
        other(scan)


def asked_of(doors: Gate) -> Asked:
    with pytest.raises(Asked) as asked:
        doors.admission()(scan_of("CT", **NAMED))
    return asked.value


def test_what_waits_is_done_once_when_it_is_answered() -> None:
    waiting, asked, done = Waiting(), asked_of(gate("ask", None)), []

    def again() -> Iterator[str]:
        done.append(asked.admission.choice)
        yield "opened"

    ticket = waiting.hold(asked, again)
    assert list(waiting.answer(ticket, "go on")) == ["opened"] and done == ["go on"] and len(waiting) == 0
    with pytest.raises(UserError, match="answered already"):
        waiting.answer(ticket, "go on")


@pytest.mark.parametrize(
    ("choice", "says"), [("block", LEFT_OUT), ("mask", TOO_LATE), ("sudo", TOO_LATE), (None, TOO_LATE)]
)
def test_only_an_answer_that_was_offered_lets_a_picture_in(choice: object, says: str) -> None:
    waiting, asked = Waiting(), asked_of(gate("ask", None))
    ticket = waiting.hold(asked, lambda: iter(()))
    with pytest.raises(UserError) as caught:
        waiting.answer(ticket, choice)
    assert str(caught.value) == says and asked.admission.choice is None and len(waiting) == 0


def test_what_nobody_answers_is_forgotten() -> None:
    clock = Clock()
    waiting, asked = Waiting(clock), asked_of(gate("ask", None))
    ticket = waiting.hold(asked, lambda: iter(()))
    waiting.forget(waiting.hold(asked, lambda: iter(())))
    assert len(waiting) == 1
    clock.now = SECONDS
    assert len(waiting) == 0
    with pytest.raises(UserError):
        waiting.answer(ticket, "go on")
    tickets = {waiting.hold(asked, lambda: iter(())) for _ in range(MOST + 5)}
    assert len(tickets) == MOST + 5 and len(waiting) == MOST


def test_the_question_offers_what_may_be_chosen_and_nothing_of_the_file_is_markup() -> None:
    asked = asked_of(gate("ask", Finder(LINE)))
    said = question(asked.ruling, '"><script>')
    assert all(words in said for words in WORDS.values()) and "<script>" not in said
    without = question(asked_of(gate("ask", None)).ruling, "t")
    assert WORDS["mask"] not in without and "not searched" in without


def test_slices_are_spread_evenly_from_the_first_to_the_last() -> None:
    assert spread(3, 5) == [0, 1, 2] and spread(100, 3) == [0, 50, 99] and spread(1, 3) == [0]


def written_on(rows: int = 200, columns: int = 320) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Noise with two lines of text in its corners, and where a letter is."""
    noise = np.random.default_rng(0).normal(60, 15, (rows, columns)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(noise)
    pen = ImageDraw.Draw(image)
    pen.text((8, 8), "SMITH^JOHN 1950-12-31", fill=255, font=ImageFont.load_default(16))
    pen.text((200, 176), "ID 4711-0815", fill=255, font=ImageFont.load_default(14))
    return np.asarray(image), np.asarray(image) != noise


@pytest.fixture(scope="module")
def real() -> Detector:
    found = detector()
    if found is None:
        pytest.skip(f"the optional detector of text is not installed: {INSTALL}")
    return found


@pytest.mark.filterwarnings("ignore")  # the detector's own libraries warn as they like
def test_the_detector_finds_names_in_pixels_and_covering_removes_them(real: Detector) -> None:
    pixels, letters = written_on()
    scan = read(picture(pixels, "US"), "a")
    boxes = text_in(scan, real)
    assert len(boxes) == 2 and not any(box.is_marker for box in boxes)
    kept = admitted(scan, Gate("ask", lambda: real).rule(scan))
    assert letters.sum() > 500 and (kept.slices[0][letters] == pixels.min()).all(), "no pixel of a letter is left"
    assert "2 regions with text covered" in kept.notes


@pytest.mark.filterwarnings("ignore")
def test_the_detector_finds_nothing_in_noise_and_reads_no_letter(real: Detector) -> None:
    noise = np.random.default_rng(1).normal(60, 15, (64, 64)).clip(0, 255).astype(np.uint8)
    assert text_in(read(picture(noise, "US"), "a"), real) == ()
    assert isinstance(real, RapidDetector) and real._engine.text_rec is None


def test_without_its_packages_the_detector_is_named() -> None:
    if detector() is None:
        assert "rapidocr" in INSTALL and "onnxruntime" in INSTALL
    else:
        assert isinstance(detector(), RapidDetector)
