"""What kind of series this is, in words of a closed list: the free text of a header may name a patient."""

import re
from collections.abc import Iterable

# A word as scanners and technicians write it -> the word that is shown. Nothing outside this table is taken over.
WORDS: dict[str, str] = {
    **{word: "axial" for word in ("AX", "AXIAL", "TRA", "TRANS", "TRANSVERSAL", "TRANSVERSE")},
    **{word: "coronal" for word in ("COR", "CORONAL", "KOR")},
    **{word: "sagittal" for word in ("SAG", "SAGITTAL")},
    **{word: "localizer" for word in ("LOC", "LOCALIZER", "SCOUT", "SURVEY", "TOPOGRAM", "SURVIEW")},
    **{word: "T1" for word in ("T1", "T1W", "T1WI")},
    **{word: "T2" for word in ("T2", "T2W", "T2WI")},
    **{word: "proton density" for word in ("PD", "PDW")},
    **{word: "FLAIR" for word in ("FLAIR", "TIRM")},
    **{word: "diffusion" for word in ("DWI", "DIFF", "DIFFUSION", "TRACEW", "TRACE")},
    **{word: "ADC map" for word in ("ADC",)},
    **{word: "STIR" for word in ("STIR",)},
    **{word: "fat suppressed" for word in ("FS", "FATSAT", "SPAIR", "SPIR")},
    **{word: "susceptibility" for word in ("SWI", "SWAN")},
    **{word: "gradient echo" for word in ("GRE", "FLASH", "FFE", "HEMO")},
    **{word: "spin echo" for word in ("TSE", "FSE")},
    **{word: "MPRAGE" for word in ("MPRAGE", "BRAVO", "TFE")},
    **{word: "angiography" for word in ("TOF", "MRA", "CTA", "ANGIO", "ANGIOGRAPHY")},
    **{word: "perfusion" for word in ("PERF", "PERFUSION")},
    **{word: "with contrast" for word in ("KM", "CONTRAST", "GAD", "GADO", "CE", "POST")},
    **{word: "without contrast" for word in ("NATIVE", "NATIV", "PLAIN", "PRE")},
    **{word: "arterial phase" for word in ("ARTERIAL", "ART")},
    **{word: "portal venous phase" for word in ("PORTAL", "VENOUS", "VEN", "PV")},
    **{word: "delayed phase" for word in ("DELAYED", "DELAY", "LATE")},
    **{word: "lung" for word in ("LUNG", "LUNGS", "LUNGE")},
    **{word: "bone" for word in ("BONE", "BONES", "KNOCHEN")},
    **{word: "soft tissue" for word in ("SOFT", "WEICHTEIL", "ABDOMENSOFT")},
    **{word: "thin slices" for word in ("THIN", "HR", "HRCT")},
    **{word: "reformatted" for word in ("MPR", "REFORMATTED", "RECON")},
    **{word: "maximum intensity" for word in ("MIP",)},
    **{word: "attenuation corrected" for word in ("AC", "CTAC", "MRAC")},
    **{word: "magnitude" for word in ("MAG", "MAGNITUDE")},
    **{word: "phase" for word in ("PHA", "PHASE")},
    **{word: "head" for word in ("HEAD", "BRAIN", "CRANIAL", "CRANIUM", "SCHAEDEL", "KOPF", "SKULL")},
    **{word: "neck" for word in ("NECK", "HALS")},
    **{word: "chest" for word in ("CHEST", "THORAX")},
    **{word: "abdomen" for word in ("ABDOMEN", "ABD")},
    **{word: "pelvis" for word in ("PELVIS", "BECKEN")},
    **{word: "spine" for word in ("SPINE", "CSPINE", "TSPINE", "LSPINE", "LWS", "BWS", "HWS")},
    **{word: "knee" for word in ("KNEE", "KNIE")},
    **{word: "shoulder" for word in ("SHOULDER", "SCHULTER")},
    **{word: "hip" for word in ("HIP", "HUEFTE")},
    **{word: "wrist" for word in ("WRIST", "HANDGELENK")},
    **{word: "ankle" for word in ("ANKLE",)},
    **{word: "heart" for word in ("HEART", "CARDIAC", "CORONARY")},
    **{word: "liver" for word in ("LIVER", "LEBER")},
    **{word: "PA view" for word in ("PA",)},
    **{word: "AP view" for word in ("AP",)},
    **{word: "lateral view" for word in ("LAT", "LATERAL", "LL")},
}  # fmt: skip
_PLANES = frozenset(("axial", "coronal", "sagittal"))
_TOKEN = re.compile(r"[A-Z0-9]+")
_MOST = 6


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The known words in free texts (series description, protocol, image type), each once."""
    tokens = (token for text in texts for token in _TOKEN.findall(text.upper()[:200]))
    return tuple(dict.fromkeys(WORDS[token] for token in tokens if token in WORDS))


def description_of(words: tuple[str, ...], plane: str = "") -> str:
    """Known words joined by commas. `plane` is what the orientation says: it comes first and overrules the words."""
    if plane:
        words = (plane, *(word for word in words if word not in _PLANES))
    return ", ".join(words[:_MOST])
