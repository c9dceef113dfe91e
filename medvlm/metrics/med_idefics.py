"""Med-Idefics' scores (exact match, F1, BLEU-1), on the answer as it came and on the span cut out of longer output.

Its text gives two readings of "exact match": in section 5.5 the reference lies within the prediction, in section 5.7
the prediction within the reference. Both are here. It also says that follow-up questions and turns that the model made
up were stripped before scoring; `answer_span` does that, and every score can be had with and without it.
"""

import re

from medvlm.metrics.unsmoothed import sentence_bleu

ASKS = "question|user|human"
ANSWERS = "answer|assistant"
_ANY_MARK = re.compile(rf"\b(?:{ASKS}|{ANSWERS})\s*:|<\|?/?[a-z_]+\|?>", re.IGNORECASE)
_ASKED_FIRST = re.compile(rf"\s*(?:{ASKS})\s*:", re.IGNORECASE)
_ANSWER_MARK = re.compile(rf"\b(?:{ANSWERS})\s*:", re.IGNORECASE)
_ANSWERED_FIRST = re.compile(rf"\s*(?:{ANSWERS})\s*:", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?](?=\S)[^.!?\n]*)*[.!?\n]*")
# Words with what joins their parts ("x-ray", "2.5", "isn't"), and every other sign by itself.
_TOKEN = re.compile(r"\w+(?:[-'./]\w+)*|[^\w\s]")


def answer_span(text: str) -> str:
    """The part of an output that answers: one turn, up to the first question or repeated sentence; "" where none does.

    Cut are a repeated prompt before the answer ("User: ... Assistant:"), everything from the next turn's mark or a
    model's control word on, and everything from the first sentence that asks or that has been said before.
    """
    if _ASKED_FIRST.match(text):
        found = _ANSWER_MARK.search(text)
        text = text[found.start() :] if found else ""
    while found := _ANSWERED_FIRST.match(text):
        text = text[found.end() :]
    mark = _ANY_MARK.search(text)
    return "".join(_new_statements(text[: mark.start()] if mark else text)).strip()


def _new_statements(text: str) -> list[str]:
    kept: list[str] = []
    for sentence in _SENTENCE.findall(text):
        said = sentence.strip().lower()
        if said.endswith("?") or (said and said in (one.strip().lower() for one in kept)):
            break
        kept.append(sentence)
    return kept


def contains_reference(answer: str, reference: str, cut: bool = False) -> bool:
    """Exact match as section 5.5 has it: the reference stands verbatim, but for case, within the prediction."""
    return reference.strip().lower() in _said(answer, cut)


def within_reference(answer: str, reference: str, cut: bool = False) -> bool:
    """Exact match as section 5.7 has it: the prediction within the reference. An empty one is within nothing here."""
    said = _said(answer, cut)
    return bool(said) and said in reference.strip().lower()


def f1(answer: str, reference: str, cut: bool = False) -> float:
    """2PR / (P + R); shared *distinct* tokens over all tokens of the prediction (P) and of the reference (R)."""
    given, wanted = tokens(_said(answer, cut)), tokens(reference)
    shared = len(set(given) & set(wanted))
    if not shared:
        return 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def bleu1(answer: str, reference: str, cut: bool = False) -> float:
    """BLEU of single tokens with brevity penalty, unsmoothed."""
    return sentence_bleu(tokens(_said(answer, cut)), tokens(reference), (1.0,))


def tokens(text: str) -> list[str]:
    """Lower-case words, with the hyphen or point that joins their parts, and every other sign by itself."""
    return _TOKEN.findall(text.lower())


def _said(answer: str, cut: bool) -> str:
    return (answer_span(answer) if cut else answer).strip().lower()
