"""LLaVA-Med v1.0.0's scores of VQA answers, bug for bug, so that numbers stand beside published ones.

Its evaluation counts "the lungs are normal" as a "no" and lets repetition raise recall; `strict` does neither. What is
reproduced and what not: closed accuracy, open recall, precision and F1, and the normalisation before them. Its "open
accuracy" needs a list of candidate answers that was never published.
"""

import re
from collections import Counter
from dataclasses import dataclass

PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
NUMBER_WORDS = "zero one two three four five six seven eight nine ten"
NUMBERS = {word: str(number) for number, word in enumerate(NUMBER_WORDS.split())} | {"none": "0"}
ARTICLES = ("a", "an", "the")
# Apostrophes are put back into these words, as in the VQA evaluation that the original builds on.
APOSTROPHES = """
ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd how'll how's i'm i've
isn't it'd it'll let's ma'am might've mightn't must've mustn't needn't not've o'clock oughtn't she's should've shouldn't
somebody's someone's something's that'd that's there'd there're there's they'd they'll they're they've wasn't we've
weren't what'll what're what's what've when's where'd where's where've who'd who'll who's who've why'll why're why's
won't would've wouldn't y'all you'd you'll you're you've
"""
CONTRACTIONS = {word.replace("'", ""): word for word in APOSTROPHES.split()}
# The original hands a flag of this value to `re.sub` where the number of replacements belongs.
MOST_PERIODS = 32


@dataclass(frozen=True, slots=True)
class OpenScore:
    """Token overlap in the original's counting; `recall` is the score its paper gives for open questions."""

    recall: float
    precision: float
    f1: float


def normalise(text: str) -> str:
    """The original's normalisation of an answer or a reference.

    A punctuation mark is deleted throughout when it touches a space anywhere, or when digits with a comma between them
    stand anywhere; otherwise it becomes a space. Periods that no digit follows go, but only the first 32.
    """
    result = text
    thousands = re.search(r"\d,\d", text) is not None
    for mark in PUNCTUATION:
        touches = f"{mark} " in text or f" {mark}" in text
        result = result.replace(mark, "" if touches or thousands else " ")
    result = re.sub(r"\.(?!\d)", "", result, count=MOST_PERIODS)
    spoken = (NUMBERS.get(word, word) for word in result.lower().split())
    kept = (CONTRACTIONS.get(word, word) for word in spoken if word not in ARTICLES)
    return " ".join(kept).replace(",", "")


def closed_correct(answer: str, reference: str) -> bool:
    """Right if "yes" or "no" is a *substring* of the answer and so is the reference.

    So "the lungs are normal" is a right "no", "yes and no" is always right, and "axial" never is.
    """
    given, wanted = normalise(answer.lower()), normalise(reference.lower())
    return ("yes" in given or "no" in given) and wanted in given


def open_score(answer: str, reference: str) -> OpenScore:
    """Recall, precision and F1 in which a shared word counts as often as the *answer* has it; normalised twice."""
    given, wanted = _counts(answer), _counts(reference)
    hits = sum(n for word, n in given.items() if word in wanted)
    if not hits:
        return OpenScore(0.0, 0.0, 0.0)
    extra = given.total() - hits
    missing = sum(n for word, n in wanted.items() if word not in given)
    precision, recall = hits / (hits + extra), hits / (hits + missing)
    return OpenScore(recall, precision, 2 * precision * recall / (precision + recall))


def _counts(text: str) -> Counter[str]:
    return Counter(normalise(normalise(text.lower())).lower().split())
