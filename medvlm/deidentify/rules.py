"""The profile carried out on one data set, in place, through all its sequences."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from medvlm.deidentify import coded
from medvlm.deidentify.profile import EDITION, TEMPORAL, action_of
from medvlm.deidentify.pseudonyms import Pseudonyms
from medvlm.deidentify.words import is_known

# CID 7050: what was done, in codes (PS3.16).
BASIC = ("113100", "Basic Application Confidentiality Profile")
CLEAN_PIXELS = ("113101", "Clean Pixel Data Option")
MODIFIED_DATES = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
_DUMMIES: dict[str, object] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT", "PN"), "REMOVED"),
    **{"AS": "000Y", "DA": "19000101", "DT": "19000101000000", "TM": "000000", "UR": "http://removed.invalid"},
}
# An identifier shorter than this turns up anywhere by chance.
_LEAST_ECHO = 4
_DEEPEST = 32
# Identifiers whose values must not turn up anywhere else, such as a patient's name in the name of a sequence.
IDENTIFIERS = (
    *("PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames", "PatientBirthName", "AccessionNumber"),
    *("PatientMotherBirthName", "PatientAddress", "PatientTelephoneNumbers", "ReferringPhysicianName", "OperatorsName"),
    *("PerformingPhysicianName", "NameOfPhysiciansReadingStudy", "PhysiciansOfRecord", "RequestingPhysician"),
    *("InstitutionName", "InstitutionAddress", "StationName", "ResponsiblePerson", "MedicalRecordLocator"),
)


@dataclass(slots=True)
class Changes:
    """What was done to one file: keyword -> how often; `echoes`: elements that repeated an identifier."""

    removed: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    moved: Counter[str] = field(default_factory=Counter)
    private: int = 0
    echoes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Rules:
    """How the files of one run are treated. `shift`: dates are moved by each patient's own number of days."""

    pseudonyms: Pseudonyms
    shift: bool = False

    def apply(self, dataset: Any) -> Changes:
        """De-identify a parsed file in place, but for its pixels; its meta header is made anew."""
        patient = patient_of(dataset)
        echoes = identifiers_of(dataset)
        changes = Changes()
        self._walk(dataset, patient, changes, 0)
        _without_echoes(dataset, echoes, changes, 0)
        new = self.pseudonyms.patient(patient)
        dataset.PatientName, dataset.PatientID = new, new
        self._say_what_was_done(dataset)
        _renew_meta(dataset)
        return changes

    def _walk(self, dataset: Any, patient: str, changes: Changes, depth: int) -> None:
        for tag in list(dataset.keys()):
            element = _parsed(dataset, tag)
            if element is None or depth > _DEEPEST:
                del dataset[tag]
                changes.removed["(unreadable)"] += 1
                continue
            self._treat(dataset, element, patient, changes, depth)

    def _treat(self, dataset: Any, element: Any, patient: str, changes: Changes, depth: int) -> None:
        action = action_of(int(element.tag), element.VR, element.keyword, self.shift)
        name = element.keyword or "(private or unknown)"
        if action == "items" or (action == "K" and element.VR == "SQ"):
            self._items(dataset, element, patient, changes, depth)
        elif action == "U":
            self._unique(element, changes)
        elif action == "K" and element.VR in TEMPORAL:
            self._move(dataset, element, patient, changes)
        elif action == "K":
            _keep(dataset, element, changes)
        elif action == "D" and element.VR in _DUMMIES:
            element.value = _DUMMIES[element.VR]
            changes.replaced[name] += 1
        elif action == "Z":
            element.value = [] if element.VR == "SQ" else None
            changes.removed[name] += 1
        else:
            del dataset[element.tag]
            changes.private += int(element.tag.is_private)
            changes.removed[name] += not element.tag.is_private

    def _items(self, dataset: Any, element: Any, patient: str, changes: Changes, depth: int) -> None:
        if any(coded.is_code(item) and not coded.settle(item) for item in element.value):
            del dataset[element.tag]
            changes.removed[element.keyword] += 1
            return
        for item in element.value:
            kept = {word: item[word] for word in coded.WORDS if word in item} if coded.is_code(item) else {}
            for word in kept:
                del item[word]
            self._walk(item, patient, changes, depth + 1)
            for word, one in kept.items():
                item[word] = one

    def _unique(self, element: Any, changes: Changes) -> None:
        """Identifiers that the standard itself gives (kinds of object, transfer syntaxes, known frames) stay."""
        from pydicom.uid import UID_dictionary

        olds = several(element.value)
        news = [old if str(old) in UID_dictionary else self.pseudonyms.uid(str(old)) for old in olds if old]
        if news != list(olds):
            changes.replaced[element.keyword] += 1
        element.value = news[0] if len(news) == 1 else news or None

    def _move(self, dataset: Any, element: Any, patient: str, changes: Changes) -> None:
        if element.VR == "TM" and all(_is_clock(str(one)) for one in several(element.value)):
            return  # the time of day stays; the day it belongs to has moved
        news = [self.pseudonyms.moved(str(one), patient) for one in several(element.value)]
        if element.VR == "TM" or None in news or not news:
            del dataset[element.tag]
            changes.removed[element.keyword] += 1
            return
        element.value = news[0] if len(news) == 1 else news
        changes.moved[element.keyword] += 1

    def _say_what_was_done(self, dataset: Any) -> None:
        from medvlm import __version__

        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = f"MedVLM {__version__}, PS3.15 {EDITION} Basic Profile, best effort"
        dataset.LongitudinalTemporalInformationModified = "MODIFIED" if self.shift else "REMOVED"
        add_method(dataset, BASIC)
        if self.shift:
            add_method(dataset, MODIFIED_DATES)


def add_method(dataset: Any, code: tuple[str, str]) -> None:
    """Record a code of what was done."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code[0], "DCM", code[1]
    dataset.DeidentificationMethodCodeSequence = [*(dataset.get("DeidentificationMethodCodeSequence") or []), item]


def patient_of(dataset: Any) -> str:
    """What tells one patient of a run from another: the number with its issuer; without one, the study's identifier."""
    number = str(dataset.get("PatientID") or "").strip()
    name = str(dataset.get("PatientName") or "").strip()
    if not number and not name:
        return f"study\0{dataset.get('StudyInstanceUID') or dataset.get('SOPInstanceUID') or ''}"
    return f"{number}\0{dataset.get('IssuerOfPatientID') or ''}" if number else f"name\0{name}"


def identifiers_of(dataset: Any) -> frozenset[str]:
    """The identifiers of a file and the parts of names in them, in capitals: what must not be left anywhere."""
    found: set[str] = set()
    for keyword in IDENTIFIERS:
        element = _parsed(dataset, keyword) if keyword in dataset else None
        for one in several(element.value) if element is not None else ():
            text = str(one).upper().strip()
            parts = [text, *text.replace("^", " ").replace("=", " ").replace(",", " ").split()]
            found.update(part for part in parts if len(part) >= _LEAST_ECHO)
    return frozenset(found)


def _without_echoes(dataset: Any, identifiers: frozenset[str], changes: Changes, depth: int) -> None:
    """Remove what was kept and repeats an identifier."""
    for tag in list(dataset.keys()):
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value if depth < _DEEPEST else ():
                _without_echoes(item, identifiers, changes, depth + 1)
        elif element.VR in ("CS", "LO", "SH") and element.keyword not in (*coded.WORDS, "Modality"):
            text = str(element.value).upper()
            if any(one in text for one in identifiers):
                del dataset[tag]
                changes.echoes[element.keyword] += 1


def _keep(dataset: Any, element: Any, changes: Changes) -> None:
    """Code words that are not known are taken out of those that are."""
    if element.VR not in ("CS", "LO"):
        return
    words = [str(one) for one in several(element.value)]
    kept = [word if is_known(element.keyword, word) else "" for word in words]
    if kept == words:
        return
    changes.removed[element.keyword] += 1
    if element.keyword == "Modality":
        element.value = "OT"
    elif any(kept):
        element.value = [word or "OTHER" for word in kept]
    else:
        del dataset[element.tag]


def _renew_meta(dataset: Any) -> None:
    """The meta header names programs and stations, and the preamble may hold anything: both are made anew."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

    old, dataset.file_meta = dataset.file_meta, FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID") or old.get("MediaStorageSOPClassUID")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = old.TransferSyntaxUID
    dataset.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    dataset.preamble = b"\0" * 128


def _parsed(dataset: Any, tag: Any) -> Any:
    """The element, or None where its value cannot be read: then nobody can say what is in it."""
    try:
        element = dataset[tag]
        str(element.value)
    except Exception:  # any parser of any kind of value; its message may quote the value
        return None
    return element


def several(value: Any) -> list[Any]:
    """The values of an element, one or many."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) or hasattr(value, "append") else [value]


def _is_clock(text: str) -> bool:
    return all(letter.isdigit() or letter in ".:" for letter in text.strip())
