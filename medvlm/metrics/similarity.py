"""How much an answer's wording is like its reference's: BLEU, ROUGE and the ratio of lengths.

BLEU is sacrebleu's (Post 2018), ROUGE Google's reimplementation of Lin's (2004); neither stems nor drops articles.
Texts with Chinese characters are counted by character, where both would else see nothing or one word.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

Rouge = Literal["rouge1", "rouge2", "rougeL"]
ROUGES: tuple[Rouge, ...] = ("rouge1", "rouge2", "rougeL")
CHINESE = re.compile(r"[\u3400-\u9fff]")
_ROUGE_TOKEN = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]")


def bleu(answer: str, reference: str, order: int = 4) -> float | None:
    """BLEU-`order` (1 to 4) of one answer, 0 to 1, by orders the answer is long enough for; None without a reference.

    Smoothed as sacrebleu's sentence score is ("exp", Chen and Cherry 2014, method 3). For a data set use
    `corpus_bleu`: the mean of these is another number.
    """
    if not reference.strip():
        return None
    scorer = _bleu(order, bool(CHINESE.search(reference)), True)
    return float(scorer.sentence_score(answer, [reference]).score) / 100


def corpus_bleu(answers: Sequence[str], references: Sequence[str], order: int = 4) -> float | None:
    """BLEU-`order` over a data set, 0 to 1, with one reference each; None for no pairs.

    Raises ValueError where the two do not have the same length.
    """
    if len(answers) != len(references):
        raise ValueError(f"{len(answers)} answers and {len(references)} references do not belong together.")
    if not answers:
        return None
    scorer = _bleu(order, any(CHINESE.search(text) for text in references), False)
    return float(scorer.corpus_score(list(answers), [list(references)]).score) / 100


def signature(order: int = 4) -> str:
    """Sacrebleu's own account of how `corpus_bleu` counts, for reports."""
    scorer = _bleu(order, False, False)
    scorer.corpus_score(["one"], [["one"]])  # it knows how many references there are only once it has scored
    return str(scorer.get_signature())


def rouge(answer: str, reference: str, which: Rouge) -> float | None:
    """ROUGE-1, -2 or -L as F1, 0 to 1; None where the reference has no words."""
    if not _ROUGE_TOKEN.search(reference.lower()):
        return None
    return float(_scorer().score(reference, answer)[which].fmeasure)


def length_ratio(answer: str, reference: str) -> float | None:
    """Words of the answer to each word of the reference; None where that has none."""
    wanted = length(reference)
    return length(answer) / wanted if wanted else None


def length(text: str) -> int:
    """How many words: what stands between spaces, and each Chinese character."""
    return len(CHINESE.sub(" ", text).split()) + len(CHINESE.findall(text))


class _Tokens:
    """The reference tokenizer's words (ASCII letters and digits), and Chinese characters one by one."""

    def tokenize(self, text: str) -> list[str]:
        return _ROUGE_TOKEN.findall(text.lower())


@cache
def _bleu(order: int, chinese: bool, sentence: bool) -> Any:
    from sacrebleu.metrics.bleu import BLEU  # at the first use: it takes a moment

    return BLEU(lowercase=True, tokenize="zh" if chinese else "13a", max_ngram_order=order, effective_order=sentence)


@cache
def _scorer() -> Any:
    from rouge_score import rouge_scorer  # type: ignore[import-untyped]  # at the first use: it takes seconds

    return rouge_scorer.RougeScorer(list(ROUGES), use_stemmer=False, tokenizer=_Tokens())
