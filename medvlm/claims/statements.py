"""What an answer claims, read by rules together with its question: of what, whether it holds, and on which side.

Covered: yes/no questions and answers, left or right, "where" and "which side", normal or abnormal, "there is (no) ...",
"the ... is on the left". Not covered: counts, sizes, lobes, diagnoses, references such as "it" across turns. An answer
that contradicts itself ("No, the spleen is present") or is no statement claims nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right"]

# Words that say nothing of what is asked: of frames such as "Is there any evidence of ... in this picture?".
FRAME = frozenset((
    "a", "about", "above", "again", "also", "am", "an", "and", "any", "anything", "appear", "appears", "appreciate",
    "are", "as", "at", "be", "been", "being", "belong", "belongs", "body", "but", "by", "call", "can", "come",
    "compare", "could", "depicted", "did", "do", "does", "evidence", "evident", "exist", "exists", "find",
    "finding", "for", "found", "from", "give", "given", "had", "has", "have", "here", "how", "i", "identifiable",
    "identified", "identify", "image", "images", "in", "indicated", "injected", "into", "is", "it", "its", "let",
    "located", "location", "look", "looking", "looks", "make", "may", "me", "might", "my", "near", "noted",
    "observe", "observed", "of", "on", "one's", "or", "our", "out", "patient", "patient's", "picture", "place",
    "point", "presence", "present", "put", "radiograph", "region", "report", "s", "said", "say", "see", "seem",
    "seems", "seen", "shall", "should", "show", "showing", "shown", "shows", "side", "sided", "sides", "sign",
    "signs", "sit", "sits", "some", "study", "suggest", "suggests", "suspect", "tell", "than", "that", "the",
    "their", "there", "these", "they", "thing", "this", "those", "to", "two", "us", "used", "using", "very", "view",
    "viewed", "visible", "visualise", "visualised", "visualize", "visualized", "was", "we", "were", "what", "where",
    "whether", "which", "will", "with", "within", "would", "you", "your",
))  # fmt: skip
# Different words of the same claim. "abnormal" and "enlarged" are what "normal" (or "normal in size") denies.
ALIKE = {
    "haemorrhage": "bleed", "hemorrhage": "bleed", "bleeding": "bleed", "haematoma": "bleed", "hematoma": "bleed",
    "oedema": "edema", "swollen": "edema", "swelling": "edema", "edematous": "edema",
    "fractured": "fracture", "enlargement": "enlarged", "large": "enlarged", "dilated": "enlarged", "big": "enlarged",
    "abnormality": "abnormal", "abnormally": "abnormal", "pathology": "abnormal", "pathologic": "abnormal",
    "pathological": "abnormal", "disease": "abnormal", "wrong": "abnormal", "unusual": "abnormal",
    "hila": "hilum", "hilar": "hilum", "tumor": "tumour", "calcification": "calcified", "gallstone": "stone",
    "cardiac": "heart", "xray": "x-ray", "atrophied": "atrophy", "necrotic": "necrosis", "inflamed": "inflammation",
    "infarction": "infarct", "deviated": "deviation", "shifted": "shift", "consolidated": "consolidation",
}  # fmt: skip
NORMAL = frozenset(("normal", "normally", "unremarkable", "healthy", "clear"))
COMPARED = frozenset(("more", "most", "less", "least", "larger", "smaller", "clearer", "brighter", "whiter", "darker"))
_YES_NO = re.compile(
    r"^(is|are|was|were|am|do|does|did|has|have|had|can|could|would|will|should|any|isn't|aren't|doesn't)\b"
)
_WHERE = re.compile(
    r"\bwhere\b|\b(which|what) (of the two )?(side|lung|place|hemisphere|kidney|breast|half)\b|\bto which side\b"
    r"|\b(location|side|place) of\b|\bon (which|what) side\b|\bwhich side\b"
)
_SIDES_OFFERED = re.compile(r"\b(left|right)\b[\w' ]{0,20}\bor\b[\w' ]{0,20}\b(left|right)\b")
_ABSENCE_OFFERED = re.compile(r"\bor (no|not|without|none)\b")
# "No, it is not" begins with an answer; "no effusion is seen" does not.
_LEAD = re.compile(
    r"^(yes|yeah|yep|nope|no(?!\s+(?!(?:it|there|this|that|they|these|the|i|you|we|no|not)\b)\w))\b[\s,.:;!-]*"
)
_NEGATION = re.compile(r"\b(no|not|never|none|nothing|neither|nor|without|absent|cannot)\b|n't\b")
# How a picture was made denies nothing that is in it: "a scan without contrast shows a mass".
_TECHNIQUE = re.compile(r"\bwithout (?:any )?(?:iv |intravenous |oral )?contrast\b(?: (?:agent|material|medium))?")
_UNSURE = re.compile(r"\b(cannot|can't|could not|unable|unclear|uncertain|not (sure|certain|possible|clear))\b")
_ENUMERATED = re.compile(r"^[a-d][).]\s+(?=\w)")
_THERE = re.compile(
    r"^(?:on the (?P<side>left|right)(?: side)?,? )?(?:there (?:is|are|was|were)|i (?:can )?see|(?:it|this|the)"
    r"[\w -]{0,24}? shows?)(?P<no> no| not any| not an?)? (?P<what>[\w' -]+)"
)
_NONE_SEEN = re.compile(
    r"^no (?P<what>[\w' -]+?)(?: (?:is|are|was|were) (?:seen|visible|present|identified|found)\b|[.;]?$)"
)
_IS_AT = re.compile(
    r"^(?:the|this|that|an?) (?P<what>[\w' -]+?) (?:is|are|lies|lie|sits|sit) (?P<no>not )?(?:seen |located |found )?"
    r"(?:in|on|at|to|within|near) (?P<place>[\w' -]+)"
)
_PLACE = re.compile(r"\b(in|on|at|near|within|under|over|above|below|measuring|beside|along|of about)\b")
_ASKS_SIDE = re.compile(r"\b(on|to) (the|its) (left|right)( side)?\W*$|\b(left|right) side that\b")
_BOTH = re.compile(r"\b(both|bilateral|bilaterally|either)\b")
# What is asked besides something that was said before is no question of its own.
_BESIDES = re.compile(r"\b(else|other|another|besides|apart|as well|also)\b")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Claim:
    """`topic`: the words of what is claimed, in one form each; `holds`: that it is so, or that it is not.

    `side`: where, if one side is named. `alone`: that side and no other was named as the place. `about_side`: whether
    the claim is about the side itself, rather than about something that has a side in its name.
    """

    topic: frozenset[str]
    holds: bool
    side: Side | None = None
    alone: bool = False
    about_side: bool = False


def claims(exchange: Exchange) -> tuple[Claim, ...]:
    """All claims of an answer; none where it states nothing that the rules read."""
    question, answer = _plain(exchange.question), _ENUMERATED.sub("", _plain(exchange.answer))
    if "contrast" not in question:
        answer = without_technique(answer)
    if not answer or _UNSURE.search(answer):
        return ()
    found = [*_answered(question, answer), *_stated(answer)]
    return tuple(dict.fromkeys(claim for claim in found if claim.topic))


def without_technique(text: str) -> str:
    """A lower-case text without "without contrast", which is no denial unless contrast is what is asked for."""
    return " ".join(_TECHNIQUE.sub(" ", text).split())


def topic_of(text: str) -> frozenset[str]:
    """The words that matter, lower-case, singular, different words of the same claim put into one; no sides."""
    words = re.findall(
        r"[a-z0-9][a-z0-9'-]*", text.replace("mass effect", "mass-effect").replace("air-fluid", "air fluid")
    )
    plain = [_singular(word) for word in words if word not in FRAME]
    return frozenset(ALIKE.get(word, word) for word in plain if word not in ("left", "right", *FRAME))


def _answered(question: str, answer: str) -> Iterator[Claim]:
    """The claim that an answer makes as an answer to its question."""
    offered = _SIDES_OFFERED.search(question)
    if offered or (_WHERE.search(question) and not _YES_NO.match(question)):
        yield from _located(question, answer, bool(offered))
        return
    choice = " or " in question and not _ABSENCE_OFFERED.search(question)
    if (_YES_NO.match(question) or _ABSENCE_OFFERED.search(question)) and not choice and not _BESIDES.search(question):
        yield from _decided(_ABSENCE_OFFERED.sub("", question), answer)


def _located(question: str, answer: str, offered: bool) -> Iterator[Claim]:
    """An answer to "where" or "which side": that it is there, and on which side."""
    topic, rest = topic_of(question), _LEAD.sub("", answer)
    if answer.endswith("?") or _NEGATION.search(rest):
        return
    side = side_of(rest)
    if side is not None:
        yield Claim(topic, True, side, alone=True, about_side=True)
    elif not offered and (_BOTH.search(rest) or (rest == answer and _short(rest))):
        yield Claim(topic, True)


def _decided(question: str, answer: str) -> Iterator[Claim]:
    """An answer to a yes/no question: the question's own words, affirmed or denied."""
    topic, turned = _quality(topic_of(_after_frame(question)))
    lead = _LEAD.match(answer)
    if lead is None:
        holds = _restated(topic, answer)
    else:
        said = lead.group(1).startswith("y")
        holds = said if _coherent(said, topic, turned, _LEAD.sub("", answer)) else None
    if holds is not None:
        yield Claim(topic, holds != turned, side_of(question), about_side=bool(_ASKS_SIDE.search(question)))


def _coherent(yes: bool, topic: frozenset[str], turned: bool, rest: str) -> bool:
    """Whether what follows "yes" or "no" says the same; `turned`: something normal was asked for."""
    negated = bool(_NEGATION.search(rest))
    if yes or negated:
        return not (yes and negated)
    normal = bool(NORMAL & set(re.findall(r"[a-z-]+", rest)))
    if normal or turned:
        return normal != turned
    return len(rest.split()) < 3 or not topic_of(rest) & topic


def _restated(topic: frozenset[str], answer: str) -> bool | None:
    """Whether an answer without "yes" or "no" affirms or denies the topic by naming it; None where it does neither."""
    if answer.endswith("?") or not topic or not topic <= _quality(topic_of(answer))[0]:
        return None
    words = answer.split()
    if len(set(words)) < 0.6 * len(words):
        return None  # a model that repeats itself states nothing
    if _NEGATION.search(answer):
        return False
    return True if re.match(r"^(there (is|are)|the|an?|it|they|this|these|i)\b", answer) else None


def _stated(answer: str) -> Iterator[Claim]:
    """The claims of an answer's own sentences."""
    for sentence in re.split(r"(?<=[.!;:])\s+", answer):
        text = _LEAD.sub("", sentence)
        if text.endswith("?"):
            continue
        if found := _THERE.match(text):
            what = found["what"]
            side = side_of(found["side"] or "") or side_of(what)
            topic, turned = _quality(topic_of(_PLACE.split(what)[0]))
            yield Claim(topic, (found["no"] is None) != turned, side, about_side=found["side"] is not None)
        elif found := _NONE_SEEN.match(text):
            yield Claim(topic_of(_PLACE.split(found["what"])[0]), False, side_of(found["what"]))
        elif found := _IS_AT.match(text):
            side = side_of(found["place"])
            if side is not None:
                yield Claim(topic_of(found["what"]), found["no"] is None, side, alone=True, about_side=True)


def _quality(topic: frozenset[str]) -> tuple[frozenset[str], bool]:
    """Normal things as the denial of something abnormal: the topic in that form, and whether it was turned."""
    normal = topic & NORMAL
    if topic & {"non-enlarged"}:
        return topic - {"non-enlarged"} | {"enlarged"}, True
    if "size" in topic and (normal or "abnormal" in topic):
        return topic - normal - {"size", "abnormal"} | {"enlarged"}, bool(normal)
    if normal:
        return topic - normal | {"abnormal"}, True
    if {"abnormal", "enlarged"} <= topic:
        return topic - {"abnormal"}, False
    return topic, False


def side_of(text: str) -> Side | None:
    """The only side that a text names, if it names one."""
    named = set(re.findall(r"\b(left|right)\b", text))
    if _BOTH.search(text) or len(named) != 1:
        return None
    return "left" if "left" in named else "right"


def _after_frame(question: str) -> str:
    """The question without "-yes/no" and what else is asked behind an "and is"."""
    return re.split(r"\s+-?yes/no|\s+and (?:is|are) ", question)[0]


def _plain(text: str) -> str:
    """Lower-case, straight apostrophes, one kind of blank; "R lung" is the right one."""
    text = re.sub(r"\bR(?= (?:lung|kidney|hemi|lobe|side|renal))", "right", text)
    text = re.sub(r"\bL(?= (?:lung|kidney|hemi|lobe|side|renal))", "left", text)
    return " ".join(text.lower().replace("\u2019", "'").replace("is/are", "is").split())


def _singular(word: str) -> str:
    word = word.removesuffix("'s").rstrip("'-")
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def _short(text: str) -> bool:
    """Few enough words to be the name of a place."""
    return 0 < len(text.split()) <= 3
