"""The gate that every scan passes before it is shown or kept: it rules, and the person decides where it asks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from medvlm.errors import UserError
from medvlm.imaging import Series
from medvlm.privacy.header import Finding, findings_of
from medvlm.privacy.masks import Box, masked
from medvlm.privacy.pixels import INSTALL, Detector, detector, text_in
from medvlm.types import Origin, Scan

Mode = Literal["strict", "ask", "off"]
Verdict = Literal["go on", "ask", "mask", "block"]
# What a person may choose where the gate asks: to leave the scan, to cover the text in it, or to take it as it is.
Choice = Literal["block", "mask", "go on"]

OFTEN_NAMED: tuple[Origin, ...] = ("secondary capture", "ultrasound")
LEFT_OUT = "The picture was not taken in; nothing of it is kept."
NOTHING_FOUND = "no text found in the picture (best effort: look yourself)"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the gate says of one scan. `boxes`: what "mask" covers. `choices`: what may be chosen where it asks.

    `advice` is one sentence: why it is blocked and what to do, or what is asked.
    """

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    boxes: tuple[Box, ...] = ()
    choices: tuple[Choice, ...] = ()
    advice: str = ""
    searched: bool = False


class Gate:
    """Rules by `mode`. "ask" (default): captures and ultrasound are covered, everything else with a finding is asked
    about. "strict": nobody is asked; what could name a person is covered or blocked. "off": everything goes on.

    Without a detector of text, captures and ultrasound are blocked unless the gate is off.
    """

    def __init__(self, mode: Mode = "ask", find: Callable[[], Detector | None] = detector) -> None:
        """`find` is asked once, when the first scan comes."""
        self.mode = mode
        self._find = find
        self._finder: Detector | None = None
        self._asked = False

    def previews(self, origin: Origin, burned_in: bool | None) -> bool:
        """Whether a series may be shown as a thumbnail before it has been ruled on."""
        return self.mode == "off" or (origin not in OFTEN_NAMED and not burned_in)

    def rule(self, scan: Scan) -> Ruling:
        """Looks at a scan. Raises `UserError` for a slice that cannot be decoded."""
        if self.mode == "off":
            return Ruling("go on", findings_of(scan.traces))
        finder = self.finder
        boxes = () if finder is None else text_in(scan, finder)
        return _ruled(scan, boxes, self.mode, finder is not None)

    def admission(self) -> "Admission":
        """For the scans of one drop."""
        return Admission(self)

    @property
    def finder(self) -> Detector | None:
        """The detector, if there is one."""
        if not self._asked:
            self._asked, self._finder = True, self._find()
        return self._finder


class Asked(UserError):
    """The gate asks, and nobody has answered: `ruling` says what about, and `admission` takes the answer."""

    def __init__(self, ruling: Ruling, admission: "Admission") -> None:
        super().__init__(" ".join([*(one.sentence for one in ruling.findings), ruling.advice]))
        self.ruling = ruling
        self.admission = admission


class Admission:
    """The gate as the scans of one drop pass it, one after another; what was chosen holds for all of them."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.choice: Choice | None = None

    def __call__(self, scan: Scan) -> Scan:
        """The scan as it may be shown and kept. Raises `Asked` where it depends on an answer, else `UserError`."""
        ruling = self._gate.rule(scan)
        if ruling.verdict == "ask" and self.choice is None:
            raise Asked(ruling, self)
        return admitted(scan, ruling, self.choice)

    def previews(self, series: Series) -> bool:
        """Whether a series may be shown as a thumbnail before it has been ruled on."""
        return self._gate.previews(series.origin, series.burned_in)


def admitted(scan: Scan, ruling: Ruling, choice: Choice | None = None) -> Scan:
    """The scan after a ruling: covered where that was ruled or chosen. Raises `UserError` where it is not taken in.

    "mask" for a scan in which no text was found is "go on", unless its file says that there is some.
    """
    verdict = choice or "block" if ruling.verdict == "ask" else ruling.verdict
    if verdict == "block":
        raise UserError(ruling.advice if ruling.verdict == "block" else LEFT_OUT)
    if verdict != "mask":
        return scan
    if ruling.boxes:
        return masked(scan, ruling.boxes)
    if any(one.kind == "burned in" for one in ruling.findings) and not ruling.searched:
        raise UserError(f"The text in the picture cannot be found without a detector. {_INSTALL}")
    return replace(scan, notes=(*scan.notes, NOTHING_FOUND)) if ruling.searched else scan


def _ruled(scan: Scan, boxes: tuple[Box, ...], mode: Mode, searched: bool) -> Ruling:
    findings = findings_of(scan.traces)
    if scan.traces.origin in OFTEN_NAMED:
        return _often_named(findings, boxes, mode, searched)
    words = tuple(box for box in boxes if not box.is_marker)
    if words:
        places = "1 place" if len(words) == 1 else f"{len(words)} places"
        findings = (*findings, Finding("text", f"There seems to be text in the picture, in {places}."))
    if not findings:
        return Ruling("go on", searched=searched)
    return _strictly(findings, words, searched) if mode == "strict" else _asked(findings, words, searched)


def _often_named(findings: tuple[Finding, ...], boxes: tuple[Box, ...], mode: Mode, searched: bool) -> Ruling:
    if not searched:
        what = "A capture" if any(one.kind == "secondary capture" for one in findings) else "An ultrasound picture"
        return Ruling(
            "block", findings, advice=f"{what} may show a name, and no text detector is installed. {_INSTALL}"
        )
    if mode == "strict" and any(one.kind == "fields" for one in findings):
        return Ruling("block", findings, boxes, advice=_DEIDENTIFY, searched=True)
    return Ruling("mask", findings, boxes, searched=True)


def _strictly(findings: tuple[Finding, ...], words: tuple[Box, ...], searched: bool) -> Ruling:
    if any(one.kind == "fields" for one in findings):
        return Ruling("block", findings, words, advice=_DEIDENTIFY, searched=searched)
    if not searched:
        return Ruling(
            "block", findings, advice=f"Text is burned into the picture, and no detector is installed. {_INSTALL}"
        )
    return Ruling("mask", findings, words, searched=True)


def _asked(findings: tuple[Finding, ...], words: tuple[Box, ...], searched: bool) -> Ruling:
    choices: tuple[Choice, ...] = ("block", "mask", "go on") if words else ("block", "go on")
    return Ruling("ask", findings, words, choices, "Choose whether the picture is taken in.", searched)


_INSTALL = f"Install one ({INSTALL}) and start again, or start with --privacy off."
_DEIDENTIFY = (
    "The file has fields that can name a person, and the gate is strict. Run 'python -m medvlm deidentify IN OUT' "
    "and add what it wrote."
)
