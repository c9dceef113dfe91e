"""Noun phrases, places, sizes and counts in plain clinical English, from the fields of a `Finding`."""

from collections.abc import Sequence
from dataclasses import dataclass

from medvlm.phantoms.truth import Finding, Truth
from medvlm.types import Domain

# Nouns that take no article ("there is consolidation"), told by their last word.
MASS_NOUNS = frozenset(
    [
        "atrophy",
        "emphysema",
        "consolidation",
        "fibrosis",
        "necrosis",
        "inflammation",
        "cardiomegaly",
        "oedema",
        "edema",
        "haemorrhage",
        "hemorrhage",
        "fluid",
        "air",
        "cellularity",
        "bleeding",
        "degeneration",
        "calcification",
        "pneumonia",
        "atelectasis",
        "hydrocephalus",
        "ascites",
        "diffusion",
        "enhancement",
        "enlargement",
        "congestion",
        "scarring",
        "swelling",
        "narrowing",
        "thickening",
    ]
)
IRREGULAR_PLURALS = {
    "pneumothorax": "pneumothoraces",
    "mitosis": "mitoses",
    "mass": "masses",
    "metastasis": "metastases",
}
# Words of the picture, not of the patient.
PICTURE_PLACES = frozenset(
    (
        "upper left",
        "upper right",
        "lower left",
        "lower right",
        "upper middle",
        "lower middle",
        "middle left",
        "middle right",
        "centre",
        "center",
        "top",
        "bottom",
        "left half",
        "right half",
        "upper half",
        "lower half",
    )
)
# Organs that say their side themselves, and parts of the body that have two sides without being two.
UNPAIRED = frozenset(("liver", "spleen", "gallbladder", "pancreas", "stomach", "bladder"))
UNDIVIDED = frozenset(
    ("vertebra", "spinal canal", "joint", "skull", "pelvis", "abdomen", "brain", "cerebellum", "spine")
)
# Changes of a whole organ: their size is not a length that one would read off.
UNSIZED = frozenset(("cardiomegaly", "atrophy", "emphysema", "elevated diaphragm", "high cellularity"))
DIRECTIONS = frozenset(("anterior", "posterior", "lateral", "medial", "superior", "inferior", "central"))
AT_PLACES = frozenset(("base", "apex", "hilum", "margin", "edge", "surface", "pole", "tip"))
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
AN_LETTERS = frozenset("MX")  # said "em", "ex": an MRI, an X-ray


@dataclass(frozen=True, slots=True)
class PictureName:
    """How one kind of picture is called: as a modality ("CT"), and as a thing on the screen ("CT scan")."""

    modality: str
    thing: str


PICTURES: dict[Domain, PictureName] = {
    "cxr": PictureName("X-ray", "chest X-ray"),
    "ct": PictureName("CT", "CT scan"),
    "mri": PictureName("MRI", "MRI scan"),
    "histology": PictureName("histology", "histology slide"),
    "gross": PictureName("gross photograph", "gross photograph"),
}


def picture_name(truth: Truth) -> PictureName:
    """How this kind of picture is called."""
    return PICTURES.get(truth.domain, PictureName(truth.modality, "picture"))


def technique(truth: Truth) -> str | None:
    """The technique as an adjective or name that fits into a sentence."""
    return {"normal exposure": "normally exposed"}.get(truth.technique or "", truth.technique)


def exposure_clause(exposure: str) -> str:
    """ "the film is overexposed", "the exposure is good"."""
    return f"the film is {exposure}" if exposure.endswith("ed") else f"the exposure is {exposure}"


def is_plural(name: str) -> bool:
    """Whether a finding's name is a plural ("stones")."""
    return name.endswith("s") and not name.endswith(("ss", "sis", "us", "tis", "ascites"))


def is_mass(name: str) -> bool:
    """Whether a finding's name takes no article and no plural ("emphysema")."""
    return name.split()[-1] in MASS_NOUNS or (name.endswith("sis") and not name.endswith("mitosis"))


def article(phrase: str) -> str:
    """ "a" or "an" for the words that follow."""
    first = phrase[:1]
    spelled = len(phrase) > 1 and (phrase[1:2].isupper() or phrase[1:2] == "-")
    vowel = first.lower() in "aeio" or (first.lower() == "u" and not phrase.lower().startswith(("uni", "ute", "use")))
    return "an" if vowel or (spelled and first in AN_LETTERS) else "a"


def with_article(phrase: str) -> str:
    """ "a nodule", "an MRI"."""
    return f"{article(phrase)} {phrase}"


def indefinite(name: str) -> str:
    """A finding as first mentioned: "a nodule", "consolidation", "stones"."""
    return name if is_plural(name) or is_mass(name) else with_article(name)


def plural(name: str) -> str:
    """ "nodules"; the name itself where it has no other plural."""
    if is_plural(name) or is_mass(name):
        return name
    head, _, last = name.rpartition(" ")
    many = IRREGULAR_PLURALS.get(last) or (last + "es" if last.endswith(("s", "x", "ch", "sh")) else last + "s")
    return f"{head} {many}".strip()


def singular(name: str) -> str:
    """ "stone" of "stones"; the name itself where it is none."""
    if not is_plural(name):
        return name
    back = {many: one for one, many in IRREGULAR_PLURALS.items()}
    head, _, last = name.rpartition(" ")
    return f"{head} {back.get(last) or last[:-1]}".strip()


def number(count: int) -> str:
    """A count in words up to twelve, then in digits."""
    return NUMBER_WORDS[count] if 0 <= count < len(NUMBER_WORDS) else str(count)


def measured(finding: Finding) -> float | None:
    """Its size in mm where one can be given: of a single finding that is not a change of a whole organ."""
    return finding.size_mm if finding.count == 1 and finding.name not in UNSIZED else None


def counted(finding: Finding) -> str:
    """A finding with its count: "a nodule", "three nodules", "consolidation"."""
    if is_mass(finding.name):
        return finding.name
    if finding.count > 1:
        return f"{number(finding.count)} {plural(finding.name)}"
    return with_article(singular(finding.name))


def definite(finding: Finding) -> str:
    """A finding spoken of again: "the nodule", "the nodules"."""
    if is_mass(finding.name):
        return f"the {finding.name}"
    return f"the {plural(finding.name) if finding.count > 1 else singular(finding.name)}"


def verb(finding: Finding) -> str:
    """ "is" or "are", for a finding as it was counted."""
    return "are" if finding.count > 1 and not is_mass(finding.name) else "is"


def be(name: str) -> str:
    """ "is" or "are", for a finding's name alone."""
    return "are" if is_plural(name) else "is"


def short_place(finding: Finding) -> str | None:
    """Where it is in a word or three: "left lower lobe", "both sides", "upper left"; None when that is not known."""
    side, place = finding.side, finding.place
    if place is None:
        return "both sides" if side == "both" else side
    if side is None or side in place.split() or place in PICTURE_PLACES or place in UNPAIRED:
        return place
    return f"both {plural(place)}" if side == "both" else f"{side} {place}"


def where(finding: Finding) -> str | None:
    """The same as a phrase: "in the left lower lobe", "on the left", "in the upper left of the picture"."""
    side, place = finding.side, finding.place
    if place is None:
        return None if side is None else "on both sides" if side == "both" else f"on the {side}"
    if place in PICTURE_PLACES:
        return f"in the {place} of the picture"
    if place in DIRECTIONS:
        return (
            f"{'' if side is None else 'on both sides, ' if side == 'both' else f'on the {side}, '}in the {place} part"
        )
    if place in UNDIVIDED and side in ("left", "right"):
        return f"on the {side} side of the {place}"
    if side == "both" and "both" not in place:
        return f"{place_phrase(place)} on both sides"
    return place_phrase(short_place(finding) or place)


def place_phrase(place: str) -> str:
    """A preposition for a place: "in the left lobe", "at L4/L5", "behind the heart"."""
    first = place.split()[0]
    if first in ("in", "at", "on", "behind", "around", "near", "throughout", "along", "below", "above", "between"):
        return place
    if place[:1] in "CTLS" and any(letter.isdigit() for letter in place):
        return f"at {place}"
    if first in ("both", "all", "most"):
        return f"in {place}"
    if place.split()[-1] in AT_PLACES:
        return f"at the {place}"
    return f"in the {place}"


def size(size_mm: float) -> str:
    """A length as a report gives it: "40 microns", "8 mm", "3.5 cm"."""
    if size_mm < 1.0:
        return f"{max(5, round(size_mm * 1000 / 5) * 5)} microns"
    if size_mm < 10.0:
        return f"{round(size_mm)} mm"
    return f"{round(size_mm / 10.0, 1):g} cm"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def start(text: str) -> str:
    """The text with its first letter in upper case, the rest untouched."""
    return text[:1].upper() + text[1:]


def described(finding: Finding) -> str:
    """One finding in full: "a 12 mm nodule in the left upper lobe"."""
    phrase, size_mm = counted(finding), measured(finding)
    if size_mm is not None and is_mass(finding.name):
        phrase = f"{phrase} measuring {size(size_mm)}"
    elif size_mm is not None:
        sized = f"{size(size_mm)} {singular(finding.name)}"
        # "an 8 mm", "an 11 mm": said "eight", "eleven".
        phrase = f"{'an' if sized.startswith(('8', '11 ', '18 ')) else 'a'} {sized}"
    place = where(finding)
    return f"{phrase} {place}" if place else phrase
