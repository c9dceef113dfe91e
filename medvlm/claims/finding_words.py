"""How findings and places are called in plain clinical English, for every domain of the phantoms.

Regular expressions on lower-case text. The names are those of a phantom's `Truth`; a test holds that every finding and
place that is ever drawn can be said and is understood.
"""

from medvlm.types import Domain

_EFFUSION = r"(?:pleural )?effusions?|pleural fluid|fluid around the (?:left |right )?lungs?"
_NODULE = r"nodules?"
_MASS = r"mass(?:es)?(?! effect)|tumou?rs?|neoplasms?"
_HAEMORRHAGE = r"ha?emorrhages?|bleed(?:s|ing)?|ha?ematomas?"
_NECROSIS = r"necros[ie]s|necrotic(?: areas?| tissue)?"
_HEART = r"(?:heart|cardiac silhouette)"
# A part of the body may come between "is" and what it is: "the heart is not enlarged".
_IS = r"(?: is| are| appears| looks| seems)?(?: not)?(?: clearly| slightly| mildly)?"

# What shows a finding. Of two that begin at the same letter, the longer wins.
FINDINGS: dict[Domain, dict[str, str]] = {
    "cxr": {
        "pleural effusion": _EFFUSION,
        "consolidation": r"consolidations?|consolidated lung|pneumonia",
        "pneumothorax": r"pneumothora(?:x|ces)|collapsed lung",
        "nodule": _NODULE,
        "cardiomegaly": rf"cardiomegaly|enlarged {_HEART}|{_HEART}(?: size)?{_IS} (?:enlarged|too large|increased)"
        rf"|enlargement of the {_HEART}",
        "central line": r"central (?:venous )?(?:lines?|catheters?)|cvc",
        "endotracheal tube": r"(?:endotracheal |breathing )?tubes?|ett",
        "elevated diaphragm": r"(?:elevated|raised|high)(?: left| right)? (?:hemi-?)?diaphragm"
        rf"|(?:(?:left|right) )?(?:hemi-?)?diaphragm{_IS} (?:elevated|raised|high)"
        r"|elevation of the (?:left |right )?(?:hemi-?)?diaphragm",
    },
    "ct": {
        "fracture": r"fractures?|fractured|broken bones?",
        "gallstone": r"gall ?stones?|cholelithiasis|stones?(?= (?:is |are |lies? )?in the gallbladder)",
        "infarct": r"infarct(?:s|ions?)?|strokes?",
        "bleed": _HAEMORRHAGE,
        "mass": _MASS,
        "pleural effusion": _EFFUSION,
        "nodule": _NODULE,
        "emphysema": r"emphysema|emphysematous",
        "free fluid": r"free (?:abdominal |pelvic )?fluid|ascites",
        "kidney stone": r"(?:kidney|renal) (?:stones?|calcul(?:us|i))|nephrolithiasis"
        r"|stones?(?= (?:is |are |lies? )?in the (?:left |right )?kidney)",
    },
    "mri": {
        "atrophy": r"atroph(?:y|ic)|volume loss|loss of (?:brain )?volume",
        "lesion": r"(?:white matter )?lesions?",
        "mass": _MASS,
        "effusion": r"(?:joint )?effusions?|(?:joint )?fluid(?![- ]atten)",
        "disc herniation": r"dis[ck] (?:herniations?|protrusions?|prolapse)|herniated dis[ck]s?|prolapsed dis[ck]s?",
    },
    "histology": {
        "necrosis": _NECROSIS,
        "inflammation": r"inflammation|inflammatory (?:infiltrates?|cells?)|inflamed",
        "mitoses": r"mitos[ie]s|mitotic figures?",
        "fibrosis": r"fibros[ie]s|fibrotic|scar(?:ring|s)?|fibrous tissue",
        "high cellularity": rf"(?:high|increased) cellularity|cellularity{_IS} (?:high|increased)|hypercellular(?:ity)?"
        r"|(?:densely|tightly) packed (?:cells|nuclei)",
    },
    "gross": {
        "cyst": r"cysts?|cystic (?:spaces?|areas?|lesions?)",
        "necrosis": _NECROSIS,
        "haemorrhage": _HAEMORRHAGE,
        "mass": _MASS,
    },
    "other": {},
}
# What says that a finding is absent without naming it.
ABSENCES: dict[Domain, dict[str, str]] = {
    "cxr": {
        "cardiomegaly": rf"{_HEART} size is normal|{_HEART}[^.;]{{0,40}}? normal (?:in )?size|normal {_HEART} size"
    },
    "ct": {"fracture": r"(?:skull|bones?|spine) (?:is|are) intact"},
    "mri": {},
    "histology": {"high cellularity": r"cellularity is normal|normal cellularity"},
    "gross": {},
    "other": {},
}

# "lateral view" is a projection and no place.
_PART = r"(?:ly)?(?! (?:view|projection|chest|x-ray|radiograph|film|image))"
_PICTURE = {
    f"{vertical} {horizontal}": rf"(?:{words})[- ]{horizontal}"
    for vertical, words in (("upper", "upper|top"), ("lower", "lower|bottom"), ("middle", "middle"))
    for horizontal in ("left", "right")
} | {"centre": r"cent(?:re|er|ral)\b|middle of"}
_HEAD = {
    **{f"{lobe} lobe": rf"{lobe}(?: lobes?)?" for lobe in ("frontal", "parietal", "temporal", "occipital")},
    "basal ganglia": r"basal ganglia",
    "cerebellum": r"cerebell(?:um|ar)",
}
_DEPTH = {"posterior": rf"posterior{_PART}", "anterior": rf"anterior{_PART}"}
PLACES: dict[Domain, dict[str, str]] = {
    "cxr": {
        "upper zone": r"upper (?:zone|lobe|lung|field)|apical|apex",
        "mid zone": r"mid(?:dle)?[- ](?:zone|lobe|lung|field)",
        "lower zone": r"lower (?:zone|lobe|lung|field)|bases?\b|basal|basilar",
        "lateral": rf"lateral{_PART}",
        **_DEPTH,
    },
    "ct": {
        **_HEAD,
        "upper lobe": r"upper lobes?",
        "lower lobe": r"lower lobes?",
        "kidney": r"kidneys?|renal",
        "liver": r"liver|hepatic",
        "spleen": r"spleen|splenic",
        "gallbladder": r"gallbladder",
        "base": r"bases?\b|basal(?! ganglia)|basilar",
        "thoracic spine": r"thoracic (?:spine|vertebra\w*)",
        "lumbar spine": r"lumbar (?:spine|vertebra\w*)",
        "skull": r"skull",
        "pelvis": r"pelvi[sc]",
        "flank": r"flanks?",
        **_DEPTH,
    },
    "mri": {
        **_HEAD,
        "brainstem": r"brain ?stem|pons|midbrain",
        "femur": r"femur|femoral",
        "vertebra": r"vertebra[el]?",
        "spinal canal": r"spinal canal",
        "behind the knee": r"behind the knee|popliteal",
        "back muscle": r"back muscles?|paraspinal",
        "joint": r"joint",
        "upper lumbar spine": r"upper lumbar spine",
        "lower lumbar spine": r"lower lumbar spine",
    },
    "histology": _PICTURE,
    "gross": _PICTURE,
    "other": {},
}
# Places that may be said for one another: (domain, as drawn) -> as it may be said.
ALSO_RIGHT: dict[tuple[Domain, str], frozenset[str]] = {
    ("ct", "lower lobe"): frozenset(("base",)),
    ("ct", "base"): frozenset(("lower lobe",)),
}
# Domains whose "left" is the picture's, never the patient's.
SIDELESS: frozenset[Domain] = frozenset(("histology", "gross"))

NUMBERS: dict[str, int] = {
    word: number
    for number, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 1)
} | {"single": 1, "solitary": 1, "lone": 1, "pair of": 2, "eleven": 11, "twelve": 12}
SEVERAL = ("multiple", "several", "many", "numerous", "a few", "some", "scattered", "various")
