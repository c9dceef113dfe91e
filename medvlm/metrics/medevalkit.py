"""MedEvalKit's scores of VQA answers, bug for bug: substrings, sets of words, and labels that are one place off."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from medvlm.metrics.unsmoothed import sentence_bleu

# What may stand before the answer; only what follows the last of each is read, in this order.
LEADS = (
    "**answer**:",
    "**answer**",
    "*answer*:",
    "**answer:**",
    "answer is",
    "answer:",
    "答案:",
    "final answer",
    "final answer is",
)
NOT_BOXED = "None"  # what its helper returns where there is no box; it is then taken for the answer
ROUGE_EPSILON = 1e-8


@dataclass(frozen=True, slots=True)
class Open:
    """Scores of an open answer under the names that MedEvalKit prints.

    Its `precision` is truly the F1, its `recall` the precision and its `f1` the recall: `true_f1`, `true_precision` and
    `true_recall` undo that. They are shares of *distinct* words.
    """

    em: float
    bleu: tuple[float, float, float, float]
    rouge1: float
    rouge2: float
    rougel: float
    precision: float
    recall: float
    f1: float

    @property
    def true_f1(self) -> float:
        return self.precision

    @property
    def true_precision(self) -> float:
        return self.recall

    @property
    def true_recall(self) -> float:
        return self.f1


def is_closed(reference: str) -> bool:
    """Whether it takes a question for a closed one: by the reference alone (SLAKE has a field for it)."""
    return reference.strip().lower() in ("yes", "no")


def extracted(answer: str) -> str:
    """What its VQA-RAD and PathVQA evaluations take out of an answer before it is parsed."""
    inside = boxed(answer)
    return (inside if inside != NOT_BOXED else _tagged(answer)).lower().strip()


def parsed(answer: str) -> str:
    """The part of an answer that is compared: in a box or a tag, after a lead such as "answer is"; lower case."""
    text = answer.lower()
    text = boxed(text) if "boxed" in text else _tagged(text)
    for lead in LEADS:
        text = text.split(lead)[-1]
    return text


def boxed(text: str) -> str:
    r"""What stands in the last \boxed{...}; the word "None" where there is none."""
    _, found, rest = text.rpartition(r"\boxed{")
    depth = 1 if found else 0
    for at, letter in enumerate(rest if found else ""):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth == 0:
            return rest[:at].strip()
    return NOT_BOXED


def _tagged(text: str) -> str:
    """What stands in <answer> tags, parts joined by a space; the whole text where none is filled."""
    parts = [part.partition("</answer>") for part in text.split("<answer>")[1:]]
    return " ".join(inside for inside, closed, _ in parts if closed).strip() or text


def closed_correct(answer: str, reference: str) -> bool:
    """Yes/no: right if exactly one of "yes" and "no" is a *substring* of the answer, and the reference is one."""
    text = _flat(parsed(extracted(answer)))
    return ("yes" in text) != ("no" in text) and reference.lower().strip() in text


def closed_equal(answer: str, reference: str) -> bool:
    """Other closed questions (SLAKE): equality with the reference once line breaks and periods are gone."""
    return _flat(parsed(answer)) == reference.lower()


def _flat(text: str) -> str:
    return text.replace("\n", "").replace(".", "")


def open_scores(answer: str, reference: str) -> Open | None:
    """The scores of an open answer; None where the original stops with an error: a side without words."""
    given, wanted = parsed(extracted(answer)), reference.lower().strip()
    if not given.split() or not wanted.split() or not _sentences(given) or not _sentences(wanted):
        return None
    f1, precision, recall = _overlap(set(given.split()), set(wanted.split()))
    bleus = tuple(_bleu(given, wanted, order) for order in (1, 2, 3, 4))
    rouges = (_rouge(given, wanted, 1), _rouge(given, wanted, 2), _rouge_l(given, wanted))
    return Open(float(given == wanted), (bleus[0], bleus[1], bleus[2], bleus[3]), *rouges, f1, precision, recall)


def _overlap(given: set[str], wanted: set[str]) -> tuple[float, float, float]:
    """F1, precision and recall of distinct words, in the order in which the original returns them."""
    shared = len(given & wanted)
    if not shared:
        return 0.0, 0.0, 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * (precision * recall) / (precision + recall), precision, recall


def _bleu(given: str, wanted: str, order: int) -> float:
    tokens = [text.lower().replace(".", " .").split(" ") for text in (given, wanted)]
    return sentence_bleu(tokens[0], tokens[1], [1 / order] * order)


def _sentences(text: str) -> list[list[str]]:
    """Words by sentence, parted at every period, decimal ones as well (the `rouge` package, version 1.0.1)."""
    return [words for part in text.split(".") if part for words in [" ".join(part.split()).split(" ")]]


def _rouge(given: str, wanted: str, order: int) -> float:
    """ROUGE-N's F of *distinct* n-grams, which run across the ends of sentences."""
    first, second = (_distinct(list(chain.from_iterable(_sentences(text))), order) for text in (given, wanted))
    shared = len(first & second)
    return _f(shared / len(first) if first else 0.0, shared / len(second) if second else 0.0)


def _distinct(words: Sequence[str], order: int) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + order]) for at in range(len(words) - order + 1)}


def _rouge_l(given: str, wanted: str) -> float:
    """ROUGE-L's F: distinct words of the union of longest common subsequences, sentence by sentence."""
    union: set[str] = set()
    for sentence in _sentences(wanted):
        for said in _sentences(given):
            union |= set(longest_common(sentence, said))
    first, second = (set(chain.from_iterable(_sentences(text))) for text in (given, wanted))
    return _f(len(union) / len(first), len(union) / len(second))


def _f(precision: float, recall: float) -> float:
    return 2.0 * ((precision * recall) / (precision + recall + ROUGE_EPSILON))


def longest_common(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """One longest common subsequence; of several, the one that leaves out the later words of `first`."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first, 1):
        for j, b in enumerate(second, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if a == b else max(table[i - 1][j], table[i][j - 1])
    found, i, j = [], len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            found.append(first[i - 1])
            i, j = i - 1, j - 1
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return found[::-1]


@dataclass(frozen=True, slots=True)
class Graded:
    """One item: whether it is closed, whether the rules call it right, and what the judge replied (None: no reply)."""

    closed: bool
    right: bool
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Shares as MedEvalKit prints them; with a judge, one may exceed 1 (see `with_judge`). None for no items."""

    total: float | None
    open: float | None
    closed: float | None


def by_rules(items: Sequence[Graded]) -> Accuracies:
    """Without a judge: hits over items. An open item is right if it equals the reference."""
    sides = {closed: [item for item in items if item.closed is closed] for closed in (True, False)}
    shares = (_rate(sum(i.right for i in part), len(part)) for part in (items, sides[False], sides[True]))
    return Accuracies(*shares)


def with_judge(items: Sequence[Graded], benchmark: Literal["vqa_rad", "slake"]) -> Accuracies:
    """With a judge, in whose replies 0 is right; a missing or other reply is wrong.

    VQA-RAD: open items are judged, but the total keeps the rules' open hits and adds the judge's to them. SLAKE: all
    items are judged, and the judge's closed hits are added to those of the rules.
    """
    judged = [item for item in items if benchmark == "slake" or not item.closed]
    approved = [item for item in judged if item.reply is not None and _between(item.reply, "judge") == "0"]
    closed_hits = sum(item.right for item in items if item.closed) + sum(item.closed for item in approved)
    open_hits = sum(not item.closed for item in approved)
    kept = sum(item.right for item in items if benchmark == "vqa_rad" or item.closed)
    closed = sum(item.closed for item in items)
    return Accuracies(
        _rate(kept + len(approved), len(items)), _rate(open_hits, len(items) - closed), _rate(closed_hits, closed)
    )


def _between(text: str, tag: str) -> str:
    parts = [part.partition(f"</{tag}>") for part in text.split(f"<{tag}>")[1:]]
    return " ".join(inside for inside, closed, _ in parts if closed).strip() or text


def _rate(hits: int, n: int) -> float | None:
    return hits / n if n else None
