"""What is wrong with a teacher's reply, each fault by its name: what makes it no reply, and what makes it no data."""

import re
from typing import Literal

from medvlm.claims import statements
from medvlm.claims.contradictions import FINDINGS as WORDS
from medvlm.claims.contradictions import conflict
from medvlm.claims.finding_words import FINDINGS
from medvlm.claims.findings import NORMAL, Claim, claims
from medvlm.claims.statements import Exchange, topic_of, without_technique
from medvlm.exchanges import GIVEAWAYS
from medvlm.judging.verdicts import without_thinking
from medvlm.teacher import Said
from medvlm.types import Domain

Fault = Literal[
    "empty", "endless", "refusal", "language", "repeats", "format", "example", "giveaway", "server",
    "contradiction", "unsupported", "copied", "too short", "answer changed", "score", "duplicate", "picture",
]  # fmt: skip
MEANINGS: dict[Fault, str] = {
    "empty": "the reply held no word",
    "endless": "the reply ran into its limit of tokens or time",
    "refusal": "the teacher declined to write",
    "language": "the reply is not in English",
    "repeats": "the reply goes round in circles",
    "format": "the reply is not in the form that was asked for",
    "example": "the reply repeats an example of the prompt",
    "giveaway": "the reply speaks of a caption or a text, beyond what can be cut off",
    "server": "the teacher's server failed",
    "contradiction": "what is said contradicts the caption, the answer, or itself",
    "unsupported": "a finding is said to be there that the material does not name",
    "copied": "an answer is copied from the material",
    "too short": "too few exchanges were left",
    "answer changed": "the reasoning arrives at another answer",
    "score": "the judge gave too few points",
    "duplicate": "another caption has the very same dialogue",
    "picture": "its picture cannot be read",
}
ENGLISH = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "in", "is", "it", "its", "no", "not",
    "of", "on", "or", "that", "the", "there", "this", "to", "was", "what", "where", "which", "with", "yes",
))  # fmt: skip
# Words as common in German, French, Spanish, Italian and Portuguese, and in no English sentence.
OTHERS = frozenset((
    "auf", "che", "com", "con", "das", "dans", "del", "della", "der", "des", "di", "die", "dos", "ein", "eine", "el",
    "est", "il", "ist", "la", "las", "le", "les", "los", "mit", "na", "nel", "nicht", "não", "par", "pas", "por",
    "sono", "sur", "um", "uma", "una", "und", "une", "y", "é",
))  # fmt: skip
_REFUSAL = re.compile(
    r"^\W*(?:i'?m sorry|sorry|i apologi[sz]e|unfortunately,? i|i (?:cannot|can't|can not|am unable|am not able|won't)"
    r"|as an? (?:ai|language model|assistant)|i do(?:n't| not) have (?:access|the ability|enough))\b", re.IGNORECASE,
)  # fmt: skip
_WORDS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_NO = re.compile(r"(?:no|not|without|nor|neither)\b")
# A negation begins a part and reaches to its end; "there is" begins another.
_PARTS = re.compile(rf"[.;]|\bbut\b|\bthere (?:is|are)\b|(?=\b{_NO.pattern})")
LOOP = 30  # words from which on circles are looked for
FRESH = 0.5  # share of runs of four words that must be new


def of_reply(said: Said) -> Fault | None:
    """Why a reply is none, whatever was asked for."""
    text = spoken(said.text)
    if not _WORDS.search(text):
        return "endless" if said.ended in ("length", "time") else "empty"
    if circles(text):
        return "repeats"
    if said.ended != "end":
        return "endless"
    if _REFUSAL.match(text.replace("\u2019", "'")):
        return "refusal"
    return None if english(text) else "language"


def spoken(reply: str) -> str:
    """A reply without what the teacher thought aloud before it; nothing where that never ended."""
    return (without_thinking(reply) or "").strip()


def circles(text: str) -> bool:
    """Whether most of a long text has been said in it before."""
    words = tokens(text)
    runs = grams(words, 4)
    return len(words) >= LOOP and len(set(runs)) < FRESH * len(runs)


def english(text: str) -> bool:
    """Whether letters and small words are English ones; short texts are judged by their letters alone."""
    letters = [letter for letter in text if letter.isalpha()]
    if sum(letter.isascii() or letter in "µαβγéèö" for letter in letters) < 0.9 * len(letters):
        return False
    words = tokens(text)
    ours, theirs = (sum(word in known for word in words) for known in (ENGLISH, OTHERS))
    return len(words) < 8 or (ours > theirs and ours >= 0.08 * len(words))


def tokens(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def grams(words: list[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(n)), strict=False))


def copied(text: str, material: str, n: int = 8) -> float:
    """The share of a text's runs of `n` words that stand in the material word for word; 0 for a shorter text."""
    runs = grams(tokens(text), n)
    known = set(grams(tokens(material), n))
    return sum(run in known for run in runs) / len(runs) if runs else 0.0


def alike(text: str, others: tuple[str, ...], n: int = 6) -> bool:
    """Whether a text has a run of `n` words in common with one of the others."""
    runs = set(grams(tokens(text), n))
    return any(runs & set(grams(tokens(other), n)) for other in others)


def gives_away(said: tuple[Exchange, ...]) -> bool:
    return any(GIVEAWAYS.search(part) for one in said for part in (one.question, one.answer))


def against(known: str, said: Exchange, domain: Domain) -> Fault | None:
    """Whether an exchange contradicts what is known of the picture, or names a finding that is not in it."""
    if clash(Exchange("", known), said) or any(_denied(known, part) for part in _parts(said)):
        return "contradiction"
    if domain not in FINDINGS:
        return None
    truth, told = claims(known, domain), claims(said.answer, domain)
    if any(_excluded(one, truth) for one in told):
        return "contradiction"
    named = {one.finding for one in truth}
    invented = any(one.state == "present" and one.finding not in (NORMAL, *named) for one in told)
    return "unsupported" if invented else None


def clash(first: Exchange, second: Exchange) -> bool:
    """Whether two exchanges about one picture exclude one another in any of their sentences."""
    return any(conflict(a, b) is not None for a in _parts(first) for b in _parts(second))


def _parts(one: Exchange) -> list[Exchange]:
    """Sentence by sentence: only the first one answers the question."""
    first, *rest = _SENTENCES.split(one.answer.strip())
    return [Exchange(one.question, first), *(Exchange("", text) for text in rest)]


def _denied(known: str, said: Exchange) -> bool:
    """Whether a finding that an exchange claims or denies is only ever denied or only ever named in what is known."""
    parts = [(topic_of(part), bool(_NO.match(part))) for part in _PARTS.split(without_technique(known.lower()))]
    for claim in statements.claims(said):
        if claim.side is None and claim.topic & WORDS:
            named = [negated for topic, negated in parts if claim.topic <= topic]
            if named and all(negated == claim.holds for negated in named):
                return True
    return False


def _excluded(one: Claim, truth: tuple[Claim, ...]) -> bool:
    """Whether a claim cannot stand beside what is true."""
    if one.state == "unsure":
        return False
    if one.finding == NORMAL:
        return any(known.state == "present" and known.finding != NORMAL for known in truth)
    same = [known for known in truth if known.finding == one.finding and known.state != "unsure"]
    if not same:
        return False
    if all(known.state != one.state for known in same):
        sides = {known.side for known in same}
        return one.side is None or None in sides or one.side in sides
    held = {known.side for known in same if known.state == "present"}
    return (
        one.state == "present" and one.side in ("left", "right") and bool(held) and not {one.side, None, "both"} & held
    )
