"""Captions of a phantom: a brief one of fewer than 30 words and a detailed one of at least 30."""

import random

from medvlm.phantoms.truth import Truth
from medvlm.phantoms.wording import (
    be,
    described,
    exposure_clause,
    is_plural,
    listed,
    picture_name,
    start,
    technique,
    with_article,
)

BRIEF_LIMIT = 30


def brief(truth: Truth, rng: random.Random) -> str:
    """What it is and what it shows, in fewer than 30 words."""
    opening, shown = what_it_is(truth, rng), [described(finding) for finding in truth.findings]
    ends = ENDS[1:] if opening.endswith("contrast") else ENDS  # not "with contrast with a mass"
    text = rng.choice(ends if shown else NORMAL_ENDS).format(opening=opening, shown=listed(shown))
    if words(text) >= BRIEF_LIMIT:
        names = dict.fromkeys(finding.name for finding in truth.findings)
        text = f"{opening} showing {listed(list(names))}."
    return start(text)


NORMAL_ENDS = (
    "{opening} without abnormality.",
    "Normal {opening}.",
    "{opening}, normal appearance.",
    "{opening}. No abnormality is seen.",
)
ENDS = (
    "{opening} with {shown}.",
    "{opening} showing {shown}.",
    "{opening}. It shows {shown}.",
    "{opening} that demonstrates {shown}.",
)


def words(text: str) -> int:
    return len(text.split())


def what_it_is(truth: Truth, rng: random.Random) -> str:
    """ "axial CT scan of the head with contrast", "T2 MRI scan of the knee, sagittal view"."""
    thing = picture_name(truth).thing
    subject = "" if truth.domain == "cxr" else f" of the {truth.organ if rng.random() < 0.6 else truth.region}"
    plane = f"{truth.plane} " if truth.plane else ""
    if truth.domain == "mri" and truth.technique:
        sequence, contrast, _ = truth.technique.partition(" with contrast")
        return f"{plane}{sequence} {thing}{subject}{contrast}"
    if truth.domain == "histology" and truth.technique:
        return f"{thing}{subject} stained with {truth.technique}"
    if truth.domain == "ct" and truth.technique:
        return f"{plane}{thing}{subject} {truth.technique}"
    return f"{plane}{thing}{subject}"


def detailed(truth: Truth, rng: random.Random) -> str:
    """Modality, technique, findings, and what is absent, in at least 30 words."""
    said = [rng.choice(OPENINGS).format(what=with_article(what_it_is(truth, rng)))]
    said += technique_sentences(truth, rng)
    said += [rng.choice(SEEN).format(be=verb_of(truth, i), shown=described(f)) for i, f in enumerate(truth.findings)]
    said += absences(truth, rng)
    for sentence in closings(truth, rng):
        if words(" ".join(said)) >= BRIEF_LIMIT and len(said) > 3:
            break
        said.append(sentence)
    return " ".join(start(sentence) for sentence in said)


OPENINGS = ("This is {what}.", "The picture shows {what}.", "The image is {what}.", "Shown here is {what}.")
SEEN = ("There {be} {shown}.", "{shown} {be} seen.", "{shown} {be} present.", "The picture shows {shown}.")


def verb_of(truth: Truth, index: int) -> str:
    finding = truth.findings[index]
    return "are" if finding.count > 1 or is_plural(finding.name) else "is"


def technique_sentences(truth: Truth, rng: random.Random) -> list[str]:
    said = []
    if truth.plane is not None:
        said.append(rng.choice(("The view is {0}.", "It is seen in {0} view.")).format(truth.plane))
    if (exposure := technique(truth)) is not None and truth.domain == "cxr":
        said.append(start(f"{exposure_clause(exposure)}."))
    extras = dict(truth.extras)
    if "magnification" in extras:
        said.append(f"It was taken at {extras['magnification']} magnification.")
    return said


def absences(truth: Truth, rng: random.Random) -> list[str]:
    """That it is normal, if it is, and one to three things that are not there."""
    present = {finding.name for finding in truth.findings}
    absent = [name for name in truth.possible if name not in present]
    if truth.normal:
        opening = rng.choice(("No abnormality is seen.", "The appearance is normal.", "It looks normal."))
    else:
        opening = ""
    if not absent:
        return [opening] if opening else []
    named = rng.sample(absent, min(len(absent), rng.choice((1, 2, 2, 3))))
    verb = be(named[0])
    missing = rng.choice((f"There {verb} no {listed(named, 'or')}.", f"No {listed(named, 'or')} {be(named[-1])} seen."))
    return [opening, missing] if opening else [missing]


def closings(truth: Truth, rng: random.Random) -> list[str]:
    """True sentences that lengthen a description that is still too short."""
    thing = picture_name(truth).thing
    organ = truth.organ
    first = f"The organ of interest is the {organ}, as {with_article(thing)} shows it."
    second = (
        "Nothing else that is abnormal can be made out in this picture."
        if not truth.normal
        else (f"All that can be seen of the {organ} keeps its usual shape, outline and texture.")
    )
    third = "What is described here is all that the picture shows, and nothing beyond it should be read from it."
    fourth = "The description covers this single picture only, not any other picture of the same examination."
    return [*rng.sample([first, second], 2), third, fourth]
