"""Our own scores of short answers: whole words, an explicit "unparsed", counts clipped. Unscored is None, never 0.

BLEU, ROUGE and the ratio of lengths are in `similarity`, hedging in `hedging`; what each number means, and where a
reading is known to fail, is in docs/metrics.md.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from medvlm.metrics.similarity import CHINESE
from medvlm.metrics.text import counted, normalised, words

YesNo = Literal["yes", "no"]
# One answer to a closed question. "unparsed": it names none of the possible answers, or several.
Verdict = Literal["right", "wrong", "unparsed"]

# SLAKE's Chinese answers: what they begin with, and references that are one of them.
_CHINESE_NO = ("不", "没", "否", "无", "未", "非")
_CHINESE_YES = ("是", "有", "存在", "对")
_CHINESE_UNSURE = ("不能", "无法", "不确定", "不清楚", "不知道")
YES_NO = ("yes", "no", "是", "否", "不是", "有", "没有", "无", "存在", "不存在", "对", "不对")
_UNSURE = re.compile(r"\b(cannot|can not|can't|could not|unable|unclear|uncertain|not (sure|possible|clear|certain))\b")
_NEGATED = re.compile(r"\b(not|none|never|neither|nor|without|absent)\b|n't\b")


@dataclass(frozen=True, slots=True)
class Overlap:
    """Shared words of an answer and its reference, each word counted at most as often as the other side has it."""

    recall: float
    precision: float
    f1: float


def yes_no(text: str) -> YesNo | None:
    """Whether an answer says yes or no; None where it says neither, both, or that it cannot tell.

    The first word decides where it is "yes" or "no"; else the only one of the two that stands as a whole word; else a
    negation ("the heart is not enlarged") is a no. "Normal" and "note" are not. In Chinese the answer's beginning
    decides.
    """
    spoken = text.lower().replace("\u2019", "'")
    found = words(spoken)
    if not found:
        return None
    if CHINESE.match(found[0]):
        return _chinese(found[0])
    if found[0] in ("yes", "no"):
        return "yes" if found[0] == "yes" else "no"
    if _UNSURE.search(spoken):
        return None
    named = {"yes", "no"} & set(found)
    if len(named) == 2:
        return None
    if named:
        return "yes" if "yes" in named else "no"
    return "no" if _NEGATED.search(spoken) else None


def _chinese(word: str) -> YesNo | None:
    if word.startswith(_CHINESE_UNSURE):
        return None
    return "no" if word.startswith(_CHINESE_NO) else "yes" if word.startswith(_CHINESE_YES) else None


def is_yes_no(reference: str) -> bool:
    """Whether a reference is a plain yes or no, in English or Chinese."""
    return normalised(reference) in YES_NO


def closed(answer: str, reference: str, choices: tuple[str, ...] = ()) -> Verdict:
    """The verdict on a closed question: yes or no as `yes_no` reads it, anything else by equality of normalised words.

    With `choices`, an answer that equals none of them is "unparsed"; without, every answer that has words is parsed.
    """
    if is_yes_no(reference):
        said = yes_no(answer)
        return "unparsed" if said is None else "right" if said == yes_no(reference) else "wrong"
    given = normalised(answer)
    if given == normalised(reference):
        return "right"
    possible = {normalised(choice) for choice in choices}
    return "unparsed" if not given or (possible and given not in possible) else "wrong"


def exact(answer: str, reference: str) -> bool:
    """Whether the normalised words are the same."""
    return normalised(answer) == normalised(reference)


def overlap(answer: str, reference: str) -> Overlap | None:
    """Token recall, precision and F1 with clipped counts, as in SQuAD (Rajpurkar et al. 2016, section 6.1).

    None where the reference has no words; an answer without words scores 0.
    """
    given, wanted = counted(answer), counted(reference)
    if not wanted:
        return None
    shared = sum((given & wanted).values())
    recall, precision = shared / wanted.total(), _share(shared, given)
    return Overlap(recall, precision, 2 * recall * precision / (recall + precision) if shared else 0.0)


def _share(shared: int, given: Counter[str]) -> float:
    return shared / given.total() if given else 0.0
