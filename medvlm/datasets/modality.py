"""Which kind of picture a text says it is: by a question about the modality, by words of one modality, by a caption.

The rule, in docs/add-a-dataset.md with how much it covers: what is asked about the modality counts most; else words
that are said of one modality only, when no other is hinted at; what stays unsaid is "other".
"""

import re

from medvlm.types import Domain

MODALITY_QUESTION = re.compile(
    r"modality|type of (image|imaging|scan|study)|kind of (image|scan)|imaging (technique|method)"
    r"|is this an? (mri|ct|x-?ray)"
)
MODALITY_WORDS: tuple[tuple[Domain, str], ...] = (
    ("mri", r"\bmri?\b|magnetic resonance|\bflair\b|\bdwi\b|diffusion"),
    ("ct", r"\bct\b|computed tomo|cat scan"),
    ("cxr", r"x-?ray|radiograph|\bxr\b|plain film|\bcxr\b"),
)
# What people say of pictures of one modality only: sequences and "intense" of MRI, "dense" and contrast phases of CT,
# projections and exposure of X-rays.
HINTS: tuple[tuple[Domain, re.Pattern[str]], ...] = (
    (
        "mri",
        re.compile(
            r"\bt[12]\b|flair|\bdwi\b|\badc\b|diffusion[- ]weight|restricted diffusion|hyper-?intens|hypo-?intens"
            r"|signal intensit|gadolinium|\bsignal\b"
        ),
    ),
    (
        "ct",
        re.compile(
            r"hyper-?dens|hypo-?dens|attenuat|hounsfield|\bct\b(?! or)|cat scan|iv contrast|intravenous contrast"
            r"|oral contrast|arterial phase|venous phase|bone window|lung window"
        ),
    ),
    (
        "cxr",
        re.compile(
            r"\bpa\b|\bap\b|x-?ray|radiograph|penetrat|inspirat|costophrenic|costovertebral angle|plain film|portable"
            r"|hemidiaphragm|posterior[- ]anterior|cxr"
        ),
    ),
)
# A question that names a modality to be denied, or several to choose from, hints at none of them itself.
_NAMES_ONE = re.compile(
    r"modality|type of (image|imaging|scan|study)|kind of|\b(mri?|ct|x-?ray|cat scan|magnetic|computed|radiograph)\b"
)
_CHOICE = re.compile(r"modality|mri or|ct or|rather|versus| or an? ")
CHEST = re.compile(r"chest|thora|lung|pulmonary|pleura|cardiac|cardio|hemidiaphragm|mediastin")
HISTOLOGY = re.compile(
    r"histolog|histopath|micrograph|microscop|h ?& ?e\b|hematoxylin|haematoxylin|immunohisto|stain(ed|ing)?\b|biopsy"
    r"|(high|low)[- ]power|magnification"
)
GROSS = re.compile(r"\bgross\b|\bmacroscop|resect(ed|ion) specimen|specimen photograph|cut surface")


def modality_named(question: str, answer: str) -> Domain | None:
    """The modality that a question about the modality settles: by its answer, or by "yes" to one named in it."""
    question, answer = question.lower(), answer.lower().strip(" .")
    if not MODALITY_QUESTION.search(question):
        return None
    named = modalities_in(question if answer == "yes" else answer)
    return next(iter(named)) if len(named) == 1 else None


def modalities_in(text: str) -> frozenset[Domain]:
    """The modalities that a text names; "cxr" stands for X-rays of any part."""
    return frozenset(domain for domain, words in MODALITY_WORDS if re.search(words, text.lower()))


def hinted(question: str, answer: str) -> frozenset[Domain]:
    """The modalities that a question and its answer speak the language of; "cxr" stands for X-rays of any part."""
    question, answer = question.lower(), answer.lower().strip(" .")
    if answer == "no" and _NAMES_ONE.search(question):
        return frozenset()
    text = answer if _CHOICE.search(question) else f"{question} {answer}"
    return frozenset(domain for domain, words in HINTS if words.search(text))


def of_caption(caption: str) -> Domain:
    """The domain that a figure's caption names; "other" where it names none or several.

    An X-ray counts as "cxr" only where the caption speaks of the chest.
    """
    text = caption.lower()
    found: set[Domain] = set(modalities_in(text))
    found |= {"histology"} if HISTOLOGY.search(text) else set()
    found |= {"gross"} if GROSS.search(text) else set()
    if len(found) != 1:
        return "other"
    (domain,) = found
    return "other" if domain == "cxr" and not CHEST.search(text) else domain
