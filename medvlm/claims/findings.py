"""What a free text claims about a picture: findings with state, side, place and number, read by rules.

The rules are for short descriptions such as models and captions give. How well they read a set of sentences that were
labelled beforehand is measured in tests/test_truth_scoring.py and told in docs/metrics.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Literal

from medvlm.claims.finding_words import ABSENCES, FINDINGS, NUMBERS, PLACES, SEVERAL, SIDELESS
from medvlm.phantoms.truth import Side
from medvlm.types import Domain

State = Literal["present", "absent", "unsure"]
NORMAL = "normal"  # the claim that nothing is wrong with the picture as a whole

_SENTENCE = re.compile(r"(?:[^.;!?\n]|\.(?=\d))+[.;!?\n]?")
_SIDE_NOT = re.compile(r",?\s*\b(?:and )?not (?:on|in|at) the (?:left|right)(?: side)?(?: but)?\b")
# How a scan was made denies nothing: "without contrast showing a mass".
_TECHNIQUE = re.compile(r"\bwith(?:out)? (?:iv |intravenous )?contrast\b")
_ANSWERED = re.compile(r"^\s*(?:yes|no),\s+(?=\w+ \w+)")
_CLAUSE = re.compile(r"\b(?:but|however|although|whereas|while)\b")
_NEGATION = re.compile(
    r"\b(?:no|not|without|absence of|neither|nor|never|free of|lacks?|negative for)\b|n't\b"
    r"|\b(?:cannot|can't|can not) (?:see|find|identify)\b"
)
# A negation reaches no further than these.
_REACH = re.compile(r"\bthere (?:is|are)\b|,? \band (?:there|a|an|the|one|two|three)\b|\bwith\b|, (?:a|an|the|with)\b")
_DENIED_AFTER = re.compile(
    r"^[^,]{0,40}?(?:\b(?:is|are|was|were) (?:not\b(?! only)|absent|excluded|ruled out)|: ?(?:none|no|absent)\b)"
)
_UNSURE = re.compile(
    r"\b(?:may|might|could|possibl[ey]|possibility|suspected|suspicious|suggest\w*|unclear|uncertain|unsure|probabl[ey]"
    r"|likely|questionable|whether|cannot (?:tell|be excluded)|(?:not|cannot be) (?:excluded|ruled out))\b"
)
# What is said of medicine in general claims nothing of this picture.
_GENERAL = re.compile(
    r"\bcan (?:(?:also )?be (?:caused|associated|due)|cause|lead|help)\b|\bsuch as\b|\balso known as\b|\bused to\b"
    r"|\brefers? to\b|\bis a (?:type|kind) of\b|\buseful for\b|\btypically\b|\bunlike\b|\bmay be (?:caused|due)\b"
)
_SEPARATOR = re.compile(r",|;|\band\b|\bor\b|\bnor\b|\bwith\b|\bwithout\b|\bbut\b")
_BOTH = re.compile(
    r"\b(?:both (?:sides|lungs|kidneys|hemispheres|lobes)|bilateral(?:ly)?|left and right|right and left)\b"
)
_LEFT, _RIGHT = re.compile(r"\bleft\b"), re.compile(r"\bright\b")
_AGAIN = re.compile(r",? (?:and )?(?P<number>one|two|three|four|another)(?= (?:in|on|at)\b)")
_NORMAL = re.compile(
    r"\bno (?:other )?(?:abnormalit(?:y|ies)|abnormal findings?|pathology)\b|\bnothing (?:abnormal|wrong)\b"
    r"|\b(?:is|are|looks?|appears?|seems?) (?:completely |entirely )?"
    r"(?:normal|healthy|unremarkable|clear|within normal)\b"
    r"|\bnormal appearance\b|^normal\b|\bwithout abnormality\b"
)
# Parts and techniques that are called normal without the picture being so.
_PARTLY = re.compile(r"\b(?:half|side|size|exposure|film|exposed|otherwise|rest|cellularity)\b|\bnot\b|n't\b")


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing claimed of a picture. `finding` is a phantom's name for it, or NORMAL for the whole picture.

    `count` is a number or "many"; None in a field: the text does not say. `said` is the piece of text that names it.
    """

    finding: str
    state: State
    side: Side | None = None
    place: str | None = None
    count: int | Literal["many"] | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class _Mention:
    """Where a finding is named in a clause; `denied`: the words themselves say that it is absent."""

    finding: str
    start: int
    end: int
    denied: bool = False


def claims(text: str, domain: Domain) -> tuple[Claim, ...]:
    """Everything that a text claims of a picture of this domain, in order.

    Questions, and sentences about medicine in general ("can be caused by ..."), claim nothing of the picture.
    That all is normal is claimed only by a text that names no finding as present.
    """
    lower = text.lower().replace("\u2019", "'")
    spoken = [sentence for sentence in _SENTENCE.findall(lower) if not sentence.rstrip().endswith("?")]
    sentences = [sentence for sentence in spoken if not _GENERAL.search(sentence)]
    found = [claim for sentence in sentences for claim in _of_sentence(sentence, domain)]
    if not any(claim.state == "present" for claim in found):
        found += [Claim(NORMAL, "present", said=s.strip()) for s in sentences if _normal(s, domain)][:1]
    return tuple(found)


def _normal(sentence: str, domain: Domain) -> bool:
    return bool(_NORMAL.search(sentence)) and not _PARTLY.search(sentence) and not _mentions(sentence, domain)


def _of_sentence(sentence: str, domain: Domain) -> Iterator[Claim]:
    plain = _ANSWERED.sub("", _TECHNIQUE.sub(" ", _SIDE_NOT.sub(" ", sentence)))
    for clause in _CLAUSE.split(plain):
        yield from _of_clause(clause, domain)


def _of_clause(clause: str, domain: Domain) -> Iterator[Claim]:
    mentions = _mentions(clause, domain)
    cuts = _cuts(clause, mentions)
    for mention, (start, end) in zip(mentions, cuts, strict=True):
        head, tail = clause[start : mention.start], clause[mention.end : end]
        state = _state(clause, mention, tail)
        claim = _described(mention, state, head, clause[mention.start : mention.end], tail, domain)
        yield claim
        yield from _again(claim, tail, domain)


def _described(mention: _Mention, state: State, head: str, said: str, tail: str, domain: Domain) -> Claim:
    again = _AGAIN.search(tail)
    around = (tail[: again.start()] if again else tail, said, head)
    return Claim(mention.finding, state, _side(around, domain), _place(around, domain), _count(head), said)


def _again(claim: Claim, tail: str, domain: Domain) -> Iterator[Claim]:
    """The same finding counted again: "one lesion on the left, one in the right frontal lobe"."""
    if found := _AGAIN.search(tail):
        rest, number = tail[found.end() :], NUMBERS.get(found["number"], 1)
        yield replace(claim, side=_side((rest,), domain), place=_place((rest,), domain), count=number)


def _cuts(clause: str, mentions: list[_Mention]) -> list[tuple[int, int]]:
    """What belongs to each mention: between two, the last separator parts them."""
    bounds = [0]
    for before, after in pairwise(mentions):
        parts = list(_SEPARATOR.finditer(clause, before.end, after.start))
        bounds.append(parts[-1].start() if parts else after.start)
    bounds.append(len(clause))
    return list(pairwise(bounds)) if mentions else []


def _state(clause: str, mention: _Mention, tail: str) -> State:
    if mention.denied:
        return "absent"
    if _UNSURE.search(clause):
        return "unsure"
    before = clause[: mention.end]
    for cue in _NEGATION.finditer(before):
        if not _REACH.search(before, cue.end(), max(cue.end(), mention.start)):
            return "absent"
    return "absent" if _DENIED_AFTER.match(tail) else "present"


def _side(around: tuple[str, ...], domain: Domain) -> Side | None:
    """The patient's side that the nearest part of the text names; None for none or for two."""
    if domain in SIDELESS:
        return None
    for text in around:
        if _BOTH.search(text):
            return "both"
        left, right = bool(_LEFT.search(text)), bool(_RIGHT.search(text))
        if left != right:
            return "left" if left else "right"
    return None


def _place(around: tuple[str, ...], domain: Domain) -> str | None:
    for text in around:
        if found := _first(_places(domain), text):
            return found
    return None


def _count(head: str) -> int | Literal["many"] | None:
    """The number in the last words before a finding; a length ("20 mm") is none."""
    found = re.search(rf"\b({'|'.join(NUMBERS)}|\d{{1,2}}|{'|'.join(SEVERAL)})(?: [a-z-]+){{0,3}}? ?$", head)
    if found is None or re.match(r"\s*(?:mm|cm|microns?|millimet|centimet)", head[found.end(1) :]):
        return None
    word = found[1]
    return "many" if word in SEVERAL else NUMBERS.get(word) or int(word)


def _mentions(clause: str, domain: Domain) -> list[_Mention]:
    """All findings named in a clause, in order; of names that overlap, the longest."""
    made = [
        _Mention(name, found.start(), found.end(), denied)
        for denied in (False, True)
        for name, pattern in _patterns(domain, denied)
        for found in pattern.finditer(clause)
    ]
    kept: list[_Mention] = []
    for one in sorted(made, key=lambda mention: (mention.start - mention.end, mention.start)):
        if all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda mention: mention.start)


def _first(table: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str | None:
    hits = [(found.start(), found.start() - found.end(), name) for name, p in table if (found := p.search(text))]
    return min(hits)[2] if hits else None


@cache
def _patterns(domain: Domain, denied: bool) -> tuple[tuple[str, re.Pattern[str]], ...]:
    table = (ABSENCES if denied else FINDINGS)[domain]
    return tuple((name, re.compile(rf"\b(?:{pattern})\b")) for name, pattern in table.items())


@cache
def _places(domain: Domain) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(rf"\b(?:{pattern})")) for name, pattern in PLACES[domain].items())
