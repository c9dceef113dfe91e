"""Whether an answer declines: says that it cannot be told, or that the question does not fit the picture.

Rules on plain English (and the commonest Chinese phrases), for questions that have no answer. A bare "no" is an answer:
"Is the patient married? No." claims to have seen something. tests/test_probes_wordings.py holds the rules by a table of
cases.
"""

import re

_CANNOT = (
    r"\b(?:can ?not|can't|could not|couldn't|unable to|not able to|impossible to|not possible to|nobody can|no way to)"
    r"(?: be)?(?: reliably| really| possibly)? ?(?:tell|told|say|said|see|seen|know|known|determined?|answer(?:ed)?"
    r"|assess(?:ed)?|judged?|identif(?:y|ied)|read|find|found|infer(?:red)?|hear|heard|smell|evaluated?|provided?)\b"
)
_IGNORANT = (
    r"\b(?:do(?:es)? not|don't|doesn't) know\b|\bno idea\b|\bunknown\b|\bnot sure\b|\bunsure\b|\bi am uncertain\b"
)
_NOT_SHOWN = (
    r"\b(?:is|are|was|were)(?: not|n't)(?: \w+)? (?:shown|visible|seen|in|on|part of|applicable|measured|stained|given"
    r"|available|told|mentioned|possible|something)\b"
    r"|\b(?:do(?:es)? not|don't|doesn't|cannot) (?:show|tell|exist|have|hold|say|contain|name|list|apply|depict|include"
    r"|make sense|use|mean|reveal|display|provide)\b"
    r"|\bnot (?:visible|shown|applicable|answerable|possible|available|determinable)\b"
    r"|\bsays? nothing (?:of|about)\b|\bshows? nothing (?:of|about)\b|\bhas (?:no|nothing to do with)\b"
)
_OTHER_KIND = r"\b(?:is|this is|it is|it's) not an? (?:\w+ )?(?:mri|ct|x-?ray|scan|film|slide|photograph|radiograph)\b"
_NONSENSE = (
    r"\bnonsens\w*|\bmakes? no sense\b|\bnot (?:a )?real\b|\bfictional\b|\bmade[- ]up\b|\bimaginary\b|\bunanswerable\b"
    r"|\bno such\b|\bdoes not exist\b|\bnot (?:a )?(?:valid|meaningful|sensible) question\b|\bno (?:valid )?answer\b"
)
_CHINESE = "无法|不能判断|不能确定|不知道|不清楚|看不出|没有意义"
_DECLINES = re.compile("|".join((_CANNOT, _IGNORANT, _NOT_SHOWN, _OTHER_KIND, _NONSENSE, _CHINESE)))


def declines(text: str) -> bool | None:
    """True or False; None for an answer without a word, which says neither."""
    spoken = text.lower().replace("\u2019", "'")
    if not re.search(r"\w", spoken):
        return None
    return bool(_DECLINES.search(spoken))
