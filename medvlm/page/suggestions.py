"""What to ask first: three questions for each kind of picture, and the words that tell a kind from an answer."""

import re

from medvlm.page.host import PageModel
from medvlm.page.screen import shot
from medvlm.page.seat import Seat
from medvlm.types import DOMAINS, Conversation, Decoding, Domain, View

SUGGESTIONS: dict[Domain, tuple[str, str, str]] = {
    "cxr": ("Is there a pleural effusion?", "Is the heart enlarged?", "Describe this picture."),
    "ct": ("Which organ does this picture show?", "Is there a mass?", "Describe this picture."),
    "mri": ("Which MRI sequence is this?", "Is there a lesion?", "Describe this picture."),
    "histology": ("Which stain was used?", "Is there necrosis?", "Describe this picture."),
    "gross": ("Which organ is this?", "Is there a mass?", "Describe this picture."),
    "other": ("What kind of picture is this?", "What does this picture show?", "Is anything abnormal?"),
}

GUESS_QUESTION = "What kind of picture is this?"
# In this order: "CT" is a word of its own, and a chest X-ray must be both.
WORDS: dict[Domain, re.Pattern[str]] = {
    "histology": re.compile(r"\b(histolog\w*|histopatholog\w*|microscop\w*|biopsy|stain\w*|slide)\b", re.I),
    "gross": re.compile(r"\b(gross|specimen|resection|cut surface)\b", re.I),
    "mri": re.compile(r"\b(mri|mr|magnetic resonance|flair|t[12])\b", re.I),
    "ct": re.compile(r"\b(ct|computed tomograph\w*|cat scan)\b", re.I),
    "cxr": re.compile(r"\b(cxr|chest x-?\s?rays?|chest radiograph\w*|chest film)\b", re.I),
}


def domain_said(answer: str) -> Domain | None:
    """The kind of picture that an answer names; None when it names none or several."""
    named = [domain for domain in DOMAINS if WORDS[domain].search(answer)]
    return named[0] if len(named) == 1 else None


def guessed(model: PageModel, seat: Seat) -> Domain | None:
    """What kind of picture the model says is shown; it gives way as soon as a question is asked."""
    scan, shown = seat.session.scan, seat.session.now
    assert scan is not None and shown is not None, "there is something to guess about"
    alone = Conversation(scans=(shot(scan, shown.look),)).asked(GUESS_QUESTION, (View(0),))
    answer = model.stream(alone, model.arms[-1], Decoding(max_tokens=24, seconds=20.0))
    seat.meanwhile(answer.close)
    try:
        return domain_said("".join(answer))
    finally:
        seat.meanwhile(None)
        answer.close()
        model.forget(alone.id)
