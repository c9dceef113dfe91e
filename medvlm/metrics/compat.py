"""LLaVA-Med v1.0.0's scores of answers, bug for bug, so that numbers stand beside published ones.

Its evaluation counts "the lungs are normal" as a "no" and lets repetition raise recall; `strict` does neither. The
definitions with their defects, one by one, are in docs/metrics.md. `medevalkit` and `med_idefics` do the same for two
other evaluations.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from medvlm.metrics.unsmoothed import sentence_bleu

PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
NUMBER_WORDS = "zero one two three four five six seven eight nine ten"
NUMBERS = {word: str(number) for number, word in enumerate(NUMBER_WORDS.split())} | {"none": "0"}
ARTICLES = ("a", "an", "the")
# A word of these that lost one of its apostrophes gets it back, as in the VQA evaluation that the original builds on.
# "let's", "she's", "I'm" and "I've" are not among them: its table has those as themselves or with a capital letter.
APOSTROPHES = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's
where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've
y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
# The original hands a flag of this value to `re.sub` where the number of replacements belongs.
MOST_PERIODS = 32


def _one_lost(word: str) -> list[str]:
    """The word with each of its apostrophes left out in turn."""
    return [word[:at] + word[at + 1 :] for at, letter in enumerate(word) if letter == "'"]


# In its table one entry is the wrong way round: "somebody'd" loses its apostrophe.
CONTRACTIONS = {lost: word for word in APOSTROPHES.split() for lost in _one_lost(word)} | {"somebody'd": "somebodyd"}


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
    return _names_one(given) and wanted in given


def closed_without_zeros(answer: str, reference: str) -> bool | None:
    """The same where zeros are forgotten, as in its PathVQA evaluation: None is an item that leaves the denominator.

    That is an answer with "yes" or "no" in it that is not right, so wrong answers raise the accuracy.
    """
    right = closed_correct(answer, reference)
    return None if not right and _names_one(normalise(answer.lower())) else right


def _names_one(normalised: str) -> bool:
    return "yes" in normalised or "no" in normalised


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


def exact_match(answer: str, reference: str) -> float:
    """What it calls exact match: distinct reference words present, over all tokens of the answer (a precision)."""
    given, wanted = _counts(answer), _counts(reference)
    return sum(word in given for word in wanted) / given.total() if given else 0.0


def open_hit(answer: str, reference: str, candidates: Sequence[str | int]) -> bool:
    """Its open accuracy: whether the candidate of which the answer has the greatest share of words is the reference.

    The first of equals is chosen, so an answer that fits nothing chooses the first candidate. Its own list of
    candidates was never published. Raises ValueError for no candidates.
    """
    if not candidates:
        raise ValueError("Open accuracy chooses among candidate answers; give at least one.")
    said = _counts(answer)
    named = [normalise(str(candidate)) for candidate in candidates]
    shares = [_share(said, set(name.split())) for name in named]
    return named[shares.index(max(shares))] == normalise(normalise(reference.lower()))


def _share(said: Counter[str], candidate: set[str]) -> float:
    return sum(word in candidate for word in said) / len(candidate) if candidate else 0.0


def bleu(answer: str, reference: str, order: int) -> float:
    """Its BLEU of one order alone (1 to 3), and 0 for the usual mean of orders 1 to 4; unsmoothed, normalised once."""
    weights = tuple(float(at == order) for at in range(1, 5)) if order else (0.25,) * 4
    given, wanted = (normalise(text.lower()).split() for text in (answer, reference))
    return sentence_bleu(given, wanted, weights)


def _counts(text: str) -> Counter[str]:
    return Counter(normalise(normalise(text.lower())).lower().split())
