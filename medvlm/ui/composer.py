"""Where questions are typed: one box, send and stop in one place, and the sentence when something was wrong."""

import itertools
from typing import Any, Literal

from medvlm.ui.markup import icon

# The script changes this markup in place; the server never sends it again, so what is typed is never overwritten.
TEMPLATE = f"""
<form class="ask" autocomplete="off">
  <p class="editing" hidden><span>Editing your last question</span>
    <button type="button" class="plain" data-act="cancel">Cancel</button></p>
  <p class="editing about" hidden><span></span>
    <button type="button" class="plain" data-act="whole">Ask about the whole picture</button></p>
  <div class="box">
    <label class="sr" for="question">Your question</label>
    <textarea id="question" rows="1" placeholder="Ask about the picture" aria-describedby="ask-error"></textarea>
    <button type="submit" class="send" aria-label="Send" title="Send (Enter)">{icon("send")}<i class="square"></i>
    </button>
  </div>
  <p class="error" id="ask-error" role="alert"></p>
</form>
<div class="sr" id="live" aria-live="polite" aria-atomic="false"></div>
"""

State = Literal["idle", "busy"]
_numbers = itertools.count(1)


def composer(
    state: State,
    *,
    accepted: bool = False,
    wrong: str = "",
    back: str = "",
    edit: str = "",
    say: str = "",
    wipe: bool = False,
) -> dict[str, Any]:
    """What the box is to show; numbered, so that the same state twice is seen twice.

    `accepted`: the question was taken, so the box empties. `back`: a question returned to its writer; `edit`: the last
    question, to be changed; `say`: a sentence for the live region. `wipe`: what is typed and what was said goes.
    """
    return {
        "number": next(_numbers),
        "state": state,
        "accepted": accepted,
        "error": wrong,
        "back": back,
        "edit": edit,
        "say": say,
        "wipe": wipe,
    }
