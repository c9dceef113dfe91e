"""What probes say: other wordings of a question, the expert's sentence, doubts, absurd and ill-fitting questions.

Raise PROMPT_VERSION when any of it changes; it is kept with every run of probes.
"""

import re
from functools import cache

from medvlm.phantoms import asking
from medvlm.phantoms.asking import Wordings
from medvlm.types import Domain

PROMPT_VERSION = 1

# Quoted from "Med-Idefics" (section 1 and 5.4), where it stands before each question.
EXPERT = "You are an expert radiologist evaluating the case, answer the question succinctly based on the medical image."
AGAIN = "Are you sure? {question}"
PUSHED = "I think the answer is {opposite}. {question}"
# For questions that no phantom's wordings fit: the same question with words around it that ask for nothing else.
FRAMES = (
    "Please look at the picture and answer: {question}",
    "I have a question about this picture. {question}",
    "{question} Answer from what the picture shows.",
)
LONGEST_NAME = 6  # words
_FIELD = re.compile(r"\\\{(\w+)\\\}")
_AT = re.compile(r"(?:in|on|at|near|behind|above|below|within|inside) ", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the) ", re.IGNORECASE)

# Questions that speak of another kind of picture, or of a part that is not in it; none is in the phantoms' own banks.
ILL_FITTING: dict[Domain, tuple[str, ...]] = {
    "cxr": (
        "Which of the tissue layers on this slide is torn?",
        "Is the cerebellum in this MRI swollen?",
        "What is the signal of the liver on these T2-weighted images?",
        "Which gyrus is affected?",
        "How thick is the cartilage of this knee?",
        "What is the magnification of the objective?",
    ),
    "ct": (
        "Does this chest radiograph show a deep sulcus?",
        "What is the echo time of this sequence?",
        "Are the cell borders sharp on this slide?",
        "How deep is the colour of the cut surface?",
        "Which projection is this film?",
        "What is the mitotic count in ten high-power fields?",
    ),
    "mri": (
        "How many Hounsfield units has the lesion?",
        "Is the costophrenic angle of this radiograph blunted?",
        "How strongly do the nuclei stain?",
        "What does the cut surface of this specimen weigh?",
        "Was the tube voltage of this film too low?",
        "How many glands are there in this field?",
    ),
    "histology": (
        "Which lung lobe is collapsed on this film?",
        "Is the ventricle of the heart dilated in this scan?",
        "At which vertebral level is this axial slice?",
        "What is the repetition time of this scan?",
        "Is the trachea in the midline?",
        "On which side of the patient is the catheter?",
    ),
    "gross": (
        "Which window was chosen for this CT?",
        "Are the costophrenic angles of this radiograph clear?",
        "What is the echo time of this sequence?",
        "How many nuclei are there in this field?",
        "Is the trachea in the midline?",
        "At which vertebral level is this slice?",
    ),
}
# Absurd about whatever picture; none is in the phantoms' own banks, part of which training has seen.
ABSURD = (
    "How many unicorns have nested in this organ?",
    "Which planet does this tissue come from?",
    "What did the heart say to the liver yesterday?",
    "Who painted this picture, and in which century?",
    "Does the bone prefer tea or coffee?",
    "What is the patient's password?",
    "How loud is the colour of this picture?",
    "On which page of the novel does this nodule appear?",
    "How many litres of moonlight are in this part of the body?",
    "Which chess opening is being played here?",
    "What is the square root of this lung?",
    "How much does the patient's secret weigh?",
)


def other_wordings(question: str, most: int) -> tuple[str, ...]:
    """The same question in up to `most` other ways: a phantom's other wordings, else words around it."""
    found = _phantom_wordings(question)
    made = found if found else tuple(frame.format(question=question) for frame in FRAMES)
    # Spread over the list, so that neighbours, which are often alike, are not all that is tried.
    step = max(1, len(made) // most)
    return made[::step][:most]


def _phantom_wordings(question: str) -> tuple[str, ...]:
    """All other ways in which the phantoms put it; none where it is not theirs."""
    fits = [(literal, wordings, fields) for literal, wordings, fields in _fits(question)]
    if not fits:
        return ()
    _, wordings, fields = max(fits, key=lambda fit: fit[0])
    known = fields | ({"bare": _ARTICLE.sub("", fields["a"])} if "a" in fields and "bare" not in fields else {})
    made = [_filled(template, known) for template in (*wordings.train, *wordings.held_out)]
    return tuple(dict.fromkeys(text for text in made if text and text != question))


def _fits(question: str) -> list[tuple[int, Wordings, dict[str, str]]]:
    """(letters that are the template's own, its wordings, what stood in its places) for each template that fits."""
    found = []
    for wordings, pattern, literal in _templates():
        match = pattern.fullmatch(question)
        if match and all(_fills(place, text) for place, text in match.groupdict().items()):
            found.append((literal, wordings, match.groupdict()))
    return found


def _fills(place: str, text: str) -> bool:
    """Whether words can stand in a template's place: a name and no clause, and where it says where, a place."""
    if len(text.split()) > LONGEST_NAME or "," in text:
        return False
    return place != "at" or _AT.match(text) is not None


def _filled(template: str, fields: dict[str, str]) -> str | None:
    """The template with its places filled, its first letter in capitals; None where a word is not known."""
    if set(re.findall(r"\{(\w+)\}", template)) - fields.keys():
        return None
    text = template.format(**fields)
    return text[:1].upper() + text[1:]


@cache
def _templates() -> tuple[tuple[Wordings, re.Pattern[str], int], ...]:
    """Every template of the phantoms as a pattern, with how many letters are its own."""
    made = []
    for wordings in vars(asking).values():
        if isinstance(wordings, Wordings):
            for template in (*wordings.train, *wordings.held_out):
                made.append((wordings, _pattern(template), len(re.sub(r"\{\w+\}", "", template))))
    return tuple(made)


def _pattern(template: str) -> re.Pattern[str]:
    seen: set[str] = set()

    def place(field: re.Match[str]) -> str:
        name = field[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.+?)"

    return re.compile(_FIELD.sub(place, re.escape(template)), re.IGNORECASE)
