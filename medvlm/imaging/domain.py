"""Which of the five kinds of picture a DICOM header says this is, from closed lists of modalities and body parts."""

from typing import Literal

from medvlm.types import Domain, DomainSource

Region = Literal["head", "neck", "chest", "abdomen", "liver", "pelvis", "spine", "limb", "breast", "heart", "other"]

# DICOM PS3.3 C.7.3.1.1.1: modality -> the word for a person. A value outside this table is not taken over.
MODALITIES: dict[str, str] = {
    "CT": "CT",
    "MR": "MR",
    "CR": "X-ray",
    "DX": "X-ray",
    "RG": "X-ray",
    "RF": "fluoroscopy",
    "XA": "angiography",
    "MG": "mammography",
    "PX": "dental X-ray",
    "IO": "dental X-ray",
    "US": "ultrasound",
    "IVUS": "ultrasound",
    "NM": "nuclear medicine",
    "PT": "PET",
    "SM": "slide microscopy",
    "GM": "microscopy",
    "XC": "photograph",
    "ES": "endoscopy",
    "OP": "ophthalmic photograph",
    "OPT": "ophthalmic tomography",
    "SC": "secondary capture",
    "OT": "other modality",
    "BMD": "bone density",
    "SEG": "segmentation",
    "RTIMAGE": "radiotherapy image",
    "RTDOSE": "radiotherapy dose",
}
# What the code does not say: these pictures are simply called DICOM.
_UNNAMED = frozenset({"", "OT"})
# Modalities whose objects hold no picture.
WITHOUT_PIXELS: dict[str, str] = {
    "SR": "structured report",
    "RTSTRUCT": "radiotherapy structure set",
    "RTPLAN": "radiotherapy plan",
    "RTRECORD": "radiotherapy treatment record",
    "PR": "presentation state",
    "KO": "key object selection",
    "REG": "registration",
    "FID": "fiducials",
    "DOC": "document",
    "PLAN": "plan",
    "ECG": "electrocardiogram",
    "EEG": "electroencephalogram",
    "HD": "haemodynamic waveform",
    "AU": "audio",
    "M3D": "3D model",
    "SEG": "segmentation",
}
# These say how a picture was stored or taken, not what it is of: somebody has to say it.
_SAYS_NOTHING = frozenset({"", "SC", "OT", "XC", "GM"})
_RADIOGRAPHS = frozenset({"CR", "DX", "RG"})
_CHEST_WORDS = ("CHEST", "THORAX", "LUNG", "LUNGS", "THORACICCAVITY")

# DICOM PS3.16 Annex L, body part examined, grouped as far as a window or a domain depends on it.
_WORDS: dict[Region, tuple[str, ...]] = {
    "head": ("HEAD", "BRAIN", "SKULL", "CEREBRUM", "CEREBELLUM", "BRAINSTEM", "POSTERIORFOSSA", "INTRACRANIAL"),
    "neck": ("NECK", "HEADNECK", "LARYNX", "THYROID", "CAROTID"),
    "chest": _CHEST_WORDS,
    "heart": ("HEART", "CORONARYARTERY", "CORONARY"),
    "abdomen": ("ABDOMEN", "ABDOMENPELVIS", "KIDNEY", "SPLEEN", "PANCREAS", "STOMACH", "COLON"),
    "liver": ("LIVER", "GALLBLADDER"),
    "pelvis": ("PELVIS", "BLADDER", "PROSTATE", "UTERUS", "RECTUM"),
    "spine": ("SPINE", "CSPINE", "TSPINE", "LSPINE", "SSPINE", "TLSPINE", "LSSPINE", "CTSPINE", "WHOLESPINE", "SACRUM"),
    "limb": (
        *("KNEE", "HIP", "ANKLE", "FOOT", "TOE", "LEG", "FEMUR", "TIBIA", "FIBULA", "TIBIAFIBULA", "PATELLA"),
        *("SHOULDER", "ELBOW", "WRIST", "HAND", "FINGER", "THUMB", "ARM", "HUMERUS", "FOREARM", "CLAVICLE", "SCAPULA"),
        *("THIGH", "CALF", "CALCANEUS", "HEEL", "EXTREMITY", "RADIUS", "ULNA", "RADIUSULNA"),
    ),
    "breast": ("BREAST",),
    "other": (
        *("WHOLEBODY", "CHESTABDPELVIS", "CHESTABDOMEN"),
        *("JAW", "MAXILLA", "MANDIBLE", "ORBIT", "EYE", "EAR", "SINUS", "RIB", "RIBS", "STERNUM"),
    ),
}  # fmt: skip
BODY_PARTS: dict[str, Region] = {word: region for region, words in _WORDS.items() for word in words}

# Which CT preset shows a region as it is usually read first; every other region gets "soft tissue".
CT_PRESETS: dict[Region, str] = {"head": "brain", "chest": "lung", "liver": "liver", "spine": "bone", "limb": "bone"}


def word_of(modality: str) -> str:
    """What a picture of that modality is called: "CT", "secondary capture", or "DICOM" where the code does not say."""
    return "DICOM" if modality in _UNNAMED else MODALITIES.get(modality, "DICOM")


def domain_of(modality: str, region: Region | None) -> tuple[Domain, DomainSource]:
    """The domain as far as the header says it; a radiograph without a body part, or a mere photograph, is unknown."""
    if modality == "CT":
        return "ct", "file"
    if modality == "MR":
        return "mri", "file"
    if modality == "SM":
        return "histology", "file"
    if modality in _RADIOGRAPHS and region == "chest":
        return "cxr", "file"
    if modality in _SAYS_NOTHING or (modality in _RADIOGRAPHS and region is None):
        return "other", "unknown"
    return "other", "file"


def region_of(body_part: str) -> Region | None:
    """The region that a body part's code string names ("T-SPINE" as "TSPINE"); None for a word not in the table."""
    return BODY_PARTS.get("".join(letter for letter in body_part.upper() if letter.isalnum()))
