"""The head of the Compare tab: blinded or named, the reader's name, a new case, and the box that asks both."""

import itertools
from typing import Any

from medvlm.compare.steps import LONGEST_READER
from medvlm.ui.markup import button, icon

# The script changes this markup in place; the server never sends it again, so what is typed is never overwritten.
TEMPLATE = f"""
<div class="head">
  <div class="modes" role="radiogroup" aria-label="Names of the models">
    <label title="Nobody knows which answer is whose until the vote is kept">
      <input type="radio" name="mode" value="blinded" checked><span>Blinded</span></label>
    <label title="For teaching: names are shown from the start, and no statistic counts the votes as blinded">
      <input type="radio" name="mode" value="named"><span>Named</span></label>
  </div>
  <p class="teaching" hidden>For teaching: kept apart in every statistic</p>
  <label class="who-reads" title="A made-up name, kept in this browser; your votes are stored under it">
    <span>Reader</span><input name="reader" maxlength="{LONGEST_READER}" autocomplete="off" spellcheck="false"></label>
  {button("next", "New case", "new", hint="Leave this case and draw the sides anew")}
</div>
<form class="ask both" autocomplete="off">
  <div class="box">
    <label class="sr" for="both-question">Your question to both</label>
    <textarea id="both-question" rows="1" placeholder="Ask both about the picture" aria-describedby="both-error">
</textarea>
    <button type="submit" class="send" aria-label="Send" title="Send to both (Enter)">
      {icon("send")}<i class="square"></i></button>
  </div>
  <p class="error" id="both-error" role="alert"></p>
</form>
<div class="sr" aria-live="polite" aria-atomic="false" data-live></div>
"""
_numbers = itertools.count(1)


def asking(
    *,
    busy: bool = False,
    blinded: bool = True,
    settled: bool = True,
    accepted: bool = False,
    wrong: str = "",
    back: str = "",
    say: str = "",
) -> dict[str, Any]:
    """What the head and the box are to show; numbered, so that the same state twice is seen twice.

    `settled`: no case is open, so that names may be hidden or shown from now on. `accepted`: the question was taken, so
    the box empties. `back`: a question returned to its writer; `say`: a sentence for the live region.
    """
    return {
        "number": next(_numbers),
        "busy": busy,
        "blinded": blinded,
        "settled": settled,
        "accepted": accepted,
        "error": wrong,
        "back": back,
        "say": say,
    }
