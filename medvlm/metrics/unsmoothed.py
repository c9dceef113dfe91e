"""Sentence BLEU without smoothing against one reference, as NLTK counts it and older evaluations report it."""

import math
import sys
from collections import Counter
from collections.abc import Sequence


def sentence_bleu(answer: Sequence[str], reference: Sequence[str], weights: Sequence[float]) -> float:
    """The weighted geometric mean of clipped n-gram precisions times the brevity penalty (Papineni et al. 2002).

    `weights[i]` is that of order i + 1. 0 where no word is shared. Where a longer n-gram is never shared, its precision
    is the smallest float, as NLTK has it: next to 0 for an order that has a weight, no matter for one that has none.
    """
    precisions = [_precision(answer, reference, order) for order in range(1, len(weights) + 1)]
    if not precisions or precisions[0] == 0:
        return 0.0
    logs = (weight * math.log(share or sys.float_info.min) for weight, share in zip(weights, precisions, strict=True))
    return brevity(len(answer), len(reference)) * math.exp(math.fsum(logs))


def brevity(answer: int, reference: int) -> float:
    """1 for an answer longer than its reference, else exp(1 - reference / answer), lengths in tokens; 0 for none."""
    if answer > reference:
        return 1.0
    return math.exp(1 - reference / answer) if answer else 0.0


def _precision(answer: Sequence[str], reference: Sequence[str], order: int) -> float:
    given, wanted = _ngrams(answer, order), _ngrams(reference, order)
    return (given & wanted).total() / max(1, given.total())


def _ngrams(tokens: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[at : at + order]) for at in range(len(tokens) - order + 1))
