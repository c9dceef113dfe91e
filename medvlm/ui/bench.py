"""What stands between question and vote: the case as far as it has come, and whose answers they were afterwards."""

from collections.abc import Sequence
from html import escape

from medvlm.claims.contradictions import Marked, in_case
from medvlm.compare.comparison import Comparison
from medvlm.compare.differences import Marks, differences
from medvlm.compare.disguise import Disguised
from medvlm.compare.steps import Moment
from medvlm.page.suggestions import SUGGESTIONS
from medvlm.ratings.records import SIDES, Candidate
from medvlm.types import Report, Scan
from medvlm.ui.columns import Column, exchange
from medvlm.ui.markup import button
from medvlm.ui.transcript import ENDED
from medvlm.ui.vote import VERDICT_WORDS

NO_WORDS = "(no words)"
NO_MARKS: tuple[Marks, Marks] = ((), ())


def bench(now: Comparison | None, scan: Scan | None, moment: Moment | None = None, question: str = "") -> str:
    """The case; `moment` is how the answers stand that are being written, to `question`.

    As long as the reader may not know the names, nothing of them is in here, nor anything that could tell them.
    """
    going_on = now is not None and (moment is None or now.rating is None)
    rows = _turns(now, moment) if now is not None and going_on else []
    if moment is not None and (now is None or not _running(now)):
        rows.append(exchange(question, [Column("left", ""), Column("right", "")], doing=_doing(moment)))
    if not rows:
        rows.append(_welcome(scan))
    after = _revealed(now) if now is not None and now.rating is not None and moment is None else ""
    tail = _suggestions(scan) if now is None and moment is None else ""
    return f'<div class="exchanges" role="region" aria-label="Answers" tabindex="0">{after}{"".join(rows)}</div>{tail}'


def _running(now: Comparison) -> bool:
    return now.conversations[0].turns[-1].role == "user"


def _turns(now: Comparison, moment: Moment | None) -> list[str]:
    last = len(now.questions) - 1
    return [_turn(now, n, last=n == last, moment=moment if n == last else None) for n in range(last + 1)]


def _turn(now: Comparison, number: int, last: bool, moment: Moment | None) -> str:
    seen = now.seen[number]
    about = "" if seen is None or (number and now.seen[number - 1] == seen) else seen.about
    if last and _running(now):
        texts = [moment.left, moment.right] if moment is not None else ["", ""]
        columns = [_column(now, side, text, (), ()) for side, text in enumerate(texts)]
        return exchange(now.questions[number], columns, about, doing=_doing(moment) if moment is not None else "")
    shown = [now.as_voted(side, 2 * number + 1) for side in (0, 1)]
    # As the names, only after the vote: who judges blinded judges alone.
    told = in_case(now)[number] if now.named else Marked()
    marks = differences(shown[0].text, shown[1].text) if now.rating is not None and last else NO_MARKS
    facts = [_facts(one, now.reports[side]) if now.named and last else [] for side, one in enumerate(shown)]
    columns = [
        _column(now, side, one.text or NO_WORDS, facts[side], marks[side], told.sides[side])
        for side, one in enumerate(shown)
    ]
    return exchange(now.questions[number], columns, about, last=last, note=told.both)


def _column(now: Comparison, side: int, text: str, facts: Sequence[str], marks: Marks, note: str = "") -> Column:
    candidate = now.entrants[side].candidate
    name = words(candidate) if now.named else ""
    return Column(SIDES[side], text, name, tuple(facts), marks, (candidate.arm or "") if now.named else "", note)


def words(candidate: Candidate) -> str:
    """Who that is: "nano-med (tuned)"."""
    return f"{candidate.name} ({candidate.arm})" if candidate.arm else candidate.name


def _facts(shown: Disguised, report: Report | None) -> list[str]:
    facts = [f"masked: {', '.join(dict.fromkeys(shown.leaks))}"] if shown.leaks else []
    if report is not None:
        facts += [f"{report.tokens} tokens", ENDED[report.ended]]
    return [fact for fact in facts if fact]


def _doing(moment: Moment) -> str:
    if moment.phase == "loading":
        return "Waiting for the model to load"
    return "Both are writing" if moment.left or moment.right else "Both are reading"


def _welcome(scan: Scan | None) -> str:
    if scan is not None:
        said = "Ask about this picture. Two models answer; you say which answer is better."
        return f'<div class="welcome"><p>{said}</p></div>'
    return (
        '<div class="welcome"><h2>Two answers, no names</h2><p>Open a scan and ask about it. Two models answer side by '
        "side, and nobody is told which is which before the vote is kept.</p></div>"
    )


def _suggestions(scan: Scan | None) -> str:
    if scan is None:
        return ""
    buttons = "".join(button("suggest", one, kind="chip", question=one) for one in SUGGESTIONS[scan.domain])
    return f'<div class="suggestions" role="group" aria-label="Suggested questions">{buttons}</div>'


def _revealed(now: Comparison) -> str:
    """Whose answers they were, in words, and what can be done now."""
    assert now.rating is not None and now.rating.verdict is not None, "a vote has been kept"
    left, right = (escape(words(one.candidate)) for one in now.entrants)
    said = f"<b>A</b> was {left}. <b>B</b> was {right}. You said: {VERDICT_WORDS[now.rating.verdict][0]}."
    kind = "" if now.rating.blinded else " It does not count as a blinded vote."
    acts = button("next", "Next case", kind="strong") + button("differences", "Show differences", kind="plain outlined")
    acts += button("correct", "Correct the vote", kind="plain outlined", hint="A new vote that points to this one")
    return f'<section class="reveal"><p role="status">{said}{kind}</p><div class="acts">{acts}</div></section>'
