"""Every score of one answer by name, so that profiles can be chosen, compared and tested alike; None is unscored.

A metric says which items it is for (`applies`); on those, None means that it could not score the answer. `summarise`
keeps the two apart and never takes None for 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from medvlm.metrics import compat, med_idefics, medevalkit, similarity, strict

Profile = Literal["strict", "llava-med", "medevalkit", "med-idefics"]
Applies = Literal["closed", "open", "all"]


@dataclass(frozen=True, slots=True)
class Item:
    """One question's answer and what is needed to score it. `closed` as the data set counts it."""

    answer: str
    reference: str
    closed: bool
    choices: tuple[str, ...] = ()


Scorer = Callable[[Item], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """One score of one item. `share`: 0 or 1 each, so that the mean is a share with a Wilson interval."""

    name: str
    title: str
    profile: Profile
    applies: Applies
    score: Scorer
    share: bool = False

    def scores(self, item: Item) -> bool:
        """Whether it is for this item at all."""
        return self.applies == "all" or item.closed == (self.applies == "closed")


@dataclass(frozen=True, slots=True)
class Summary:
    """The mean over the scored of `n` items that a metric is for; `value` is None where none could be scored."""

    n: int
    unscored: int
    value: float | None

    @property
    def scored(self) -> int:
        return self.n - self.unscored

    @property
    def unscored_share(self) -> float | None:
        """None for no items."""
        return self.unscored / self.n if self.n else None

    def sentence(self) -> str:
        """ "62.1 %, n = 270 (2 of 272 unscored, 0.7 %)": the unscored are told wherever the value is."""
        value = "not scored" if self.value is None else f"{100 * self.value:.1f} %"
        if not self.n:
            return "no items"
        return (
            f"{value}, n = {self.scored} ({self.unscored} of {self.n} unscored, {100 * self.unscored / self.n:.1f} %)"
        )


def summarise(values: Sequence[float | None]) -> Summary:
    """The mean of what is scored, with the number of what is not."""
    scored = [value for value in values if value is not None]
    return Summary(len(values), len(values) - len(scored), sum(scored) / len(scored) if scored else None)


def summary(metric: Metric, items: Sequence[Item]) -> Summary:
    """One metric over the items that it is for."""
    return summarise([metric.score(item) for item in items if metric.scores(item)])


def _strict_closed(item: Item) -> float | None:
    verdict = strict.closed(item.answer, item.reference, item.choices)
    return None if verdict == "unparsed" else float(verdict == "right")


def _strict_closed_all(item: Item) -> float | None:
    return float(strict.closed(item.answer, item.reference, item.choices) == "right")


def _overlap(part: Literal["recall", "precision", "f1"], item: Item) -> float | None:
    found = strict.overlap(item.answer, item.reference)
    return None if found is None else float(getattr(found, part))


def _llava_open(part: Literal["recall", "precision", "f1"], item: Item) -> float:
    return float(getattr(compat.open_score(item.answer, item.reference), part))


def _without_zeros(item: Item) -> float | None:
    right = compat.closed_without_zeros(item.answer, item.reference)
    return None if right is None else float(right)


def _medevalkit_closed(item: Item) -> float:
    plain = medevalkit.is_closed(item.reference)
    return float((medevalkit.closed_correct if plain else medevalkit.closed_equal)(item.answer, item.reference))


def _medevalkit_open(part: str, item: Item) -> float | None:
    found = medevalkit.open_scores(item.answer, item.reference)
    return None if found is None else float(getattr(found, part))


def _bleu(order: int, item: Item) -> float | None:
    return similarity.bleu(item.answer, item.reference, order)


def _rouge(which: similarity.Rouge, item: Item) -> float | None:
    return similarity.rouge(item.answer, item.reference, which)


def _of(score: Callable[[str, str], bool | float | None]) -> Scorer:
    """A function of answer and reference as a scorer of items."""

    def scorer(item: Item) -> float | None:
        value = score(item.answer, item.reference)
        return None if value is None else float(value)

    return scorer


def _cut(score: Callable[[str, str, bool], bool | float]) -> Scorer:
    return lambda item: float(score(item.answer, item.reference, True))


_ALL: tuple[Metric, ...] = (
    Metric("strict_closed", "Right answers", "strict", "closed", _strict_closed_all, True),
    Metric("strict_closed_parsed", "Right, of those that can be read", "strict", "closed", _strict_closed, True),
    Metric("strict_exact", "The reference, word for word", "strict", "open", _of(strict.exact), True),
    Metric("strict_open", "Reference words found (recall)", "strict", "open", partial(_overlap, "recall")),
    Metric(
        "strict_precision", "Words that the reference has (precision)", "strict", "open", partial(_overlap, "precision")
    ),
    Metric("strict_f1", "Words in common (F1)", "strict", "open", partial(_overlap, "f1")),
    *(Metric(f"bleu{n}", f"BLEU-{n}", "strict", "open", partial(_bleu, n)) for n in (1, 2, 3, 4)),
    *(Metric(w, f"ROUGE-{w[5:]} F1", "strict", "open", partial(_rouge, w)) for w in similarity.ROUGES),
    Metric("length_ratio", "Words per reference word", "strict", "open", _of(similarity.length_ratio)),
    Metric("compat_closed", "Closed accuracy", "llava-med", "closed", _of(compat.closed_correct), True),
    Metric("compat_closed_no_zeros", "Closed, zeros forgotten", "llava-med", "closed", _without_zeros, True),
    Metric("compat_open", "Open recall", "llava-med", "open", partial(_llava_open, "recall")),
    Metric("compat_precision", "Open precision", "llava-med", "open", partial(_llava_open, "precision")),
    Metric("compat_f1", "Open F1", "llava-med", "open", partial(_llava_open, "f1")),
    Metric("compat_exact", '"Exact match" (a precision)', "llava-med", "open", _of(compat.exact_match)),
    Metric("medevalkit_closed", "Closed accuracy", "medevalkit", "closed", _medevalkit_closed, True),
    Metric("medevalkit_em", "Open exact match", "medevalkit", "open", partial(_medevalkit_open, "em"), True),
    Metric("medevalkit_f1", 'Printed "f1" (a recall)', "medevalkit", "open", partial(_medevalkit_open, "f1")),
    Metric("medevalkit_rougel", "ROUGE-L F", "medevalkit", "open", partial(_medevalkit_open, "rougel")),
    Metric("idefics_em", "Reference in answer", "med-idefics", "all", _of(med_idefics.contains_reference), True),
    Metric("idefics_em_cut", "Reference in span", "med-idefics", "all", _cut(med_idefics.contains_reference), True),
    Metric("idefics_em_reverse", "Answer in reference", "med-idefics", "all", _of(med_idefics.within_reference), True),
    Metric(
        "idefics_em_reverse_cut", "Span in reference", "med-idefics", "all", _cut(med_idefics.within_reference), True
    ),
    Metric("idefics_f1", "F1", "med-idefics", "all", _of(med_idefics.f1)),
    Metric("idefics_f1_cut", "F1 of the span", "med-idefics", "all", _cut(med_idefics.f1)),
    Metric("idefics_bleu1", "BLEU-1", "med-idefics", "all", _of(med_idefics.bleu1)),
    Metric("idefics_bleu1_cut", "BLEU-1 of the span", "med-idefics", "all", _cut(med_idefics.bleu1)),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
