"""Questions that a picture cannot answer, each with the short reason why, for pictures of every or of one domain."""

import random

from medvlm.phantoms.truth import Question, Truth
from medvlm.phantoms.wording import picture_name, with_article
from medvlm.types import Domain

CANNOT_TELL = "cannot tell"
# {thing} is the kind of picture ("a chest X-ray"). Every fifth of a list is kept for tests.
ANY_PICTURE: tuple[tuple[str, str], ...] = (
    ("What is the patient's name?", "{thing} does not show names"),
    ("Which song is the heart playing?", "{thing} makes no sound"),
    ("What is the patient's blood group?", "blood groups need a laboratory test, not {thing}"),
    ("What did the patient have for breakfast?", "{thing} does not tell what was eaten"),
    ("How old is the patient's grandmother?", "{thing} says nothing about relatives"),
    ("What is the patient's telephone number?", "{thing} holds no telephone number"),
    ("Is the patient married?", "{thing} does not show that"),
    ("What language does the patient speak?", "{thing} does not show what somebody speaks"),
    ("How many children does this patient have?", "{thing} says nothing about family"),
    ("What is the patient's blood pressure?", "blood pressure is measured with a cuff, not on {thing}"),
    ("What is the body temperature?", "temperature is not visible on {thing}"),
    ("Which medicine does the patient take?", "{thing} does not list medicines"),
    ("What is the patient thinking about?", "thoughts are not visible on {thing}"),
    ("What colour are the patient's eyes?", "eye colour cannot be seen on {thing}"),
    ("Does the patient like jazz?", "{thing} says nothing about taste in music"),
    ("What will the weather be tomorrow?", "{thing} has nothing to do with the weather"),
    ("Who won the match last night?", "{thing} shows nothing about sports"),
    ("What is the name of the doctor who took this?", "{thing} does not name who took it"),
    ("In which city was this taken?", "{thing} does not show the place where it was taken"),
    ("How much did this examination cost?", "the price cannot be seen on {thing}"),
    ("What does this picture smell like?", "{thing} has no smell"),
    ("Can you hear the heart beat in this picture?", "{thing} is silent"),
    ("What is the patient's job?", "{thing} does not show what somebody works"),
    ("What is the blood sugar level?", "blood sugar is a laboratory value and not on {thing}"),
    ("What is the haemoglobin?", "haemoglobin is a laboratory value and not on {thing}"),
    ("Is the patient allergic to penicillin?", "allergies are not visible on {thing}"),
    ("On what day was the patient born?", "{thing} does not show a birthday"),
    ("How long will the patient live?", "nobody can read that from {thing}"),
    ("Does the patient have a dog?", "{thing} does not show pets"),
    ("What was the patient's school mark in maths?", "{thing} does not show school marks"),
    ("Which team does the surgeon support?", "{thing} says nothing about the surgeon"),
    ("Is the patient in pain right now?", "pain cannot be seen on {thing}"),
    ("What is the patient's favourite food?", "{thing} shows no preferences"),
    ("How tall is the patient's brother?", "{thing} says nothing about relatives"),
    ("What shoe size does the patient wear?", "{thing} does not show shoes"),
    ("Which bank does the patient use?", "{thing} shows nothing about money"),
    ("Will the patient win the lottery?", "{thing} does not show the future"),
    ("What is the cholesterol level?", "cholesterol is a laboratory value and not on {thing}"),
    ("Has the patient been to Paris?", "{thing} does not show travels"),
    ("What is the patient's heart rate?", "a still picture such as {thing} does not show a rate"),
    ("Does the patient snore?", "snoring is not visible on {thing}"),
    ("What time did the patient get up?", "{thing} does not show that"),
    ("Is the patient left-handed?", "handedness cannot be seen on {thing}"),
    ("Which insurance does the patient have?", "{thing} does not show insurance"),
    ("What is the genetic code of this patient?", "genes are read by sequencing, not from {thing}"),
    ("Is this patient happy?", "moods are not visible on {thing}"),
    ("What is the patient's hair colour?", "hair colour cannot be seen on {thing}"),
    ("Can the patient swim?", "{thing} does not show skills"),
    ("Which vaccine did the patient receive last?", "vaccinations are not visible on {thing}"),
    ("How many teeth has the patient's cat?", "{thing} shows no cat"),
)
ONE_DOMAIN: dict[Domain, tuple[tuple[str, str], ...]] = {
    "cxr": (
        ("Which MRI sequence is this?", "this is a chest X-ray, which has no MRI sequence"),
        ("Which stain was used?", "a chest X-ray is not stained"),
        ("Is there a meniscal tear?", "the knee is not on a chest X-ray"),
        ("How many mitoses are there?", "single cells cannot be seen on a chest X-ray"),
        ("Is the appendix inflamed?", "the appendix is not on a chest X-ray"),
        ("What is the colour of the lung tissue?", "a chest X-ray shows shades of grey, not colour"),
        ("Does the brain look normal?", "the brain is not on a chest X-ray"),
        ("How fast does the blood flow in the aorta?", "a chest X-ray does not show flow"),
    ),
    "ct": (
        ("Which MRI sequence is this?", "this is a CT, which has no MRI sequence"),
        ("Which stain was used?", "a CT is not stained"),
        ("How is this MRI weighted?", "this is a CT and not an MRI"),
        ("How many mitoses are there?", "single cells cannot be seen on a CT"),
        ("What colour is this organ?", "a CT shows shades of grey, not colour"),
        ("Is this a PA or an AP film?", "this is a CT slice and not a film"),
        ("What is the heart valve's opening time?", "a single CT slice does not show motion"),
        ("Which cells are dividing?", "single cells cannot be seen on a CT"),
    ),
    "mri": (
        ("What is the density in Hounsfield units?", "MRI is not measured in Hounsfield units"),
        ("Which stain was used?", "an MRI is not stained"),
        ("Is this a PA or an AP film?", "this is an MRI and not a film"),
        ("How many mitoses are there?", "single cells cannot be seen on an MRI"),
        ("What colour is this tissue really?", "an MRI shows shades of grey, not colour"),
        ("What was the X-ray dose of this scan?", "an MRI uses no X-rays"),
        ("How was this film exposed?", "an MRI is not an X-ray film"),
        ("Which cells are dividing?", "single cells cannot be seen on an MRI"),
    ),
    "histology": (
        ("Is this an axial or a coronal view?", "a histology slide has no such body plane"),
        ("Which MRI sequence is this?", "this is a histology slide, which has no MRI sequence"),
        ("Was contrast given?", "contrast is a matter of scans, not of a histology slide"),
        ("Is the finding on the patient's left side?", "a histology slide does not show the side of the patient"),
        ("Is the heart enlarged?", "the size of the heart cannot be seen on a histology slide"),
        ("What is the density in Hounsfield units?", "Hounsfield units belong to CT, not to a histology slide"),
        ("Is there a pleural effusion?", "the pleural space is not on this histology slide"),
        ("How many ribs are broken?", "no ribs are on a histology slide"),
    ),
    "gross": (
        ("Is this an axial or a coronal view?", "a photograph of an organ on a board has no such scan plane"),
        ("Which MRI sequence is this?", "this is a photograph, which has no MRI sequence"),
        ("Was contrast given?", "contrast is a matter of scans, not of a photograph"),
        ("Which stain was used?", "the organ in this photograph is not stained"),
        ("How many mitoses are there?", "single cells cannot be seen in this photograph"),
        ("What is the density in Hounsfield units?", "Hounsfield units belong to CT, not to a photograph"),
        ("Is there a pleural effusion?", "the chest cavity is not in this photograph"),
        ("What is the cell type of the tumour?", "single cells cannot be seen in this photograph"),
    ),
}
ANSWERS = ("I cannot tell: {reason}.", "That cannot be told from this picture: {reason}.", "I cannot say: {reason}.")


def bank(domain: Domain, held_out: bool) -> tuple[tuple[str, str], ...]:
    """(question, reason) pairs for a picture of this domain; a fifth of them is held out of training."""
    special = ONE_DOMAIN.get(domain, ())
    return tuple(
        pair for pairs in (ANY_PICTURE, special) for place, pair in enumerate(pairs) if (place % 5 == 4) == held_out
    )


def unanswerable(truth: Truth, rng: random.Random, held_out: bool) -> tuple[Question, ...]:
    """One general and one special question of the bank that this picture cannot answer."""
    special = {text for text, _ in ONE_DOMAIN.get(truth.domain, ())}
    pairs = bank(truth.domain, held_out)
    groups = ([p for p in pairs if p[0] not in special], [p for p in pairs if p[0] in special])
    thing = with_article(picture_name(truth).thing)
    return tuple(as_question(*rng.choice(group), thing, rng) for group in groups if group)


def as_question(text: str, reason: str, thing: str, rng: random.Random) -> Question:
    """One pair of the bank as a question about `thing` ("a CT scan")."""
    sentence = rng.choice(ANSWERS).format(reason=reason.format(thing=thing))
    return Question("unanswerable", text, CANNOT_TELL, sentence, False)
