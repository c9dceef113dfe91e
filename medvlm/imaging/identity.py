"""What in a DICOM file could name a person: names of fields from a closed list, never what stands in them."""

from collections.abc import Iterable, Iterator
from functools import cache

from medvlm.imaging.elements import QuickHeader
from medvlm.imaging.header import Header, code, value
from medvlm.types import Origin, Traces

# Who was examined, by whom, where and under which number. All of these leave by PS3.15's Basic Profile (table E.1-1);
# what that also removes (unique identifiers, times, settings, descriptions) stands in nearly every file, also in those
# that were de-identified, and would only teach people to click the question away.
KEYWORDS = (
    *("PersonName",),
    *("PatientName", "PatientID", "IssuerOfPatientID", "OtherPatientIDs", "OtherPatientNames"),
    *("PatientBirthDate", "OtherPatientIDsSequence", "PatientBirthTime", "PatientBirthName"),
    *("PatientMotherBirthName", "PatientAddress", "PatientTelephoneNumbers", "PatientTelecomInformation"),
    *("MedicalRecordLocator", "Occupation", "PatientComments", "PatientBirthDateInAlternativeCalendar"),
    *("MilitaryRank", "CountryOfResidence", "RegionOfResidence", "AdditionalPatientHistory"),
    *("PatientReligiousPreference", "ResponsiblePerson", "ResponsibleOrganization", "AccessionNumber"),
    *("StudyID", "AdmissionID", "ServiceEpisodeID", "RequestedProcedureID", "IdentifyingComments"),
    *("FillerOrderNumberImagingServiceRequest", "PlacerOrderNumberImagingServiceRequest"),
    *("ImagingServiceRequestComments", "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName"),
    *("InstitutionCodeSequence", "StationName", "DeviceSerialNumber", "CurrentPatientLocation"),
    *("PatientInstitutionResidence", "RequestingService", "ReferringPhysicianName", "ReferringPhysicianAddress"),
    *("ReferringPhysicianTelephoneNumbers", "PhysiciansOfRecord", "ConsultingPhysicianName"),
    *("PerformingPhysicianName", "NameOfPhysiciansReadingStudy", "OperatorsName", "RequestingPhysician"),
    *("ScheduledPerformingPhysicianName", "NamesOfIntendedRecipientsOfResults", "ReviewerName", "ImageComments"),
    *("VisitComments", "RequestedProcedureComments", "CommentsOnThePerformedProcedureStep", "StudyDate"),
    *("SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime", "InstanceCreationDate"),
)  # fmt: skip
OVERLAY_TEXT = "Overlay text"
# Stands for what is there and cannot be read: it may hold anything, so it counts as something that names a person.
UNEXAMINED = "A part that cannot be read"
_UNREADABLE = 0
_OVERLAY_TEXTS = frozenset((0x1500, 0x4000))
_ULTRASOUND = frozenset(("US", "IVUS"))
# PS3.4 B.5: the storage classes of ultrasound pictures, and those of captures from screens, films and paper.
_ULTRASOUND_CLASSES = ("1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3")
_CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"
_SEQUENCE = b"SQ"
_UNDEFINED = 0xFFFFFFFF
_DEEPEST = 16


def quick_traces(header: Header, modality: str) -> Traces:
    """Of the top level of a header, in microseconds: for each of the hundreds of files of a series."""
    return _traces(header, modality, _filled(header))


def traces_of(header: Header, modality: str) -> Traces:
    """Of a header with everything nested in it; persons' names count wherever they stand."""
    full = header.full if isinstance(header, QuickHeader) else header
    return _traces(header, modality, _nested(full, 0))


def merged(several: Iterable[Traces]) -> Traces:
    """Of files that make one scan: whatever one of them holds; "no text" and "removed" only if all say so."""
    every = list(several)
    said = [one.burned_in for one in every]
    return Traces(
        fields=tuple(dict.fromkeys(name for one in every for name in one.fields)),
        private=sum(one.private for one in every),
        origin=max((one.origin for one in every), key=_caution, default="unknown"),
        burned_in=True if True in said else None if None in said or not said else False,
        removed=bool(every) and all(one.removed for one in every),
    )


def _caution(origin: Origin) -> int:
    return ("unknown", "scanner", "secondary capture", "ultrasound").index(origin)


def _traces(header: Header, modality: str, filled: Iterable[int]) -> Traces:
    names = _names()
    tags = list(filled)
    held = set(tags)
    # The person first, as in the list: whoever is told of a few of them should hear of those.
    found = dict.fromkeys(name for tag, name in names.items() if tag in held)
    if any(_is_overlay_text(tag) for tag in tags):
        found[OVERLAY_TEXT] = None
    said = code(header, "BurnedInAnnotation", ("YES", "NO"))
    return Traces(
        fields=tuple(found),
        private=sum(tag >> 16 & 1 for tag in tags),
        origin=_origin(header, modality),
        burned_in={"YES": True, "NO": False}.get(said),
        removed=code(header, "PatientIdentityRemoved", ("YES", "NO")) == "YES",
    )


def _origin(header: Header, modality: str) -> Origin:
    said = value(header, "SOPClassUID") or getattr(header.file_meta, "MediaStorageSOPClassUID", "")
    kind = str(said)
    if modality in _ULTRASOUND or kind.startswith(_ULTRASOUND_CLASSES):
        return "ultrasound" if _is_within(kind, _ULTRASOUND_CLASSES) or modality in _ULTRASOUND else "scanner"
    if modality == "SC" or _is_within(kind, (_CAPTURE_CLASS,)):
        return "secondary capture"
    return "scanner" if modality or kind else "unknown"


def _is_within(kind: str, classes: tuple[str, ...]) -> bool:
    return any(kind == one or kind.startswith(f"{one}.") for one in classes)


@cache
def _names() -> dict[int, str]:
    from pydicom.datadict import dictionary_description, tag_for_keyword

    tags = [tag for tag in map(tag_for_keyword, KEYWORDS) if tag is not None]
    return {int(tag): dictionary_description(tag) for tag in tags} | {_UNREADABLE: UNEXAMINED}


def _is_overlay_text(tag: int) -> bool:
    return tag >> 24 == 0x60 and tag & 0xFFFF in _OVERLAY_TEXTS


def _filled(header: Header) -> Iterator[int]:
    """The tags of the top level whose elements are not empty."""
    if isinstance(header, QuickHeader):
        yield from (tag for tag, (_, _, length) in header.elements.items() if length)
        return
    for tag in list(header.keys()):
        held = header.get_item(tag).value
        if held is not None and len(held if hasattr(held, "__len__") else "x"):
            yield int(tag)


def _nested(header: Header, depth: int) -> Iterator[int]:
    """The same, with the items of sequences; a person's name in an element that is not in the list counts as one."""
    from pydicom.datadict import tag_for_keyword

    yield from _filled(header)
    if depth >= _DEEPEST:
        yield _UNREADABLE
        return
    for tag in list(header.keys()):
        try:
            element = header[tag]
        except Exception:  # whatever a parser makes of damaged bytes; its error may quote them
            yield _UNREADABLE
            continue
        if element.VR == "PN" and element.value and int(tag) not in _names():
            yield int(tag_for_keyword("PersonName") or 0)
        elif element.VR == "SQ":
            for item in element.value:
                yield from _nested(item, depth + 1)
