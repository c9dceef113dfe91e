"""The conversation as it is read: questions, answers as they grow, and what each answer cost."""

import base64
from html import escape

from medvlm.claims.contradictions import contradicted
from medvlm.page.desk import Moment
from medvlm.page.session import Given, Made, Session
from medvlm.page.suggestions import SUGGESTIONS
from medvlm.scoreboard.trust_line import question_kind, trust_line
from medvlm.types import EndReason
from medvlm.ui.markup import button

GIVEN = "What the model saw"
ENDED: dict[EndReason, str] = {
    "end": "",
    "length": "cut at the longest length; raise it in Settings",
    "stopped": "stopped",
    "time": "stopped at the time limit",
}


def transcript(session: Session, moment: Moment | None = None) -> str:
    """All turns; `moment` is how the answer stands that is being written."""
    turns = session.conversation.turns
    typed = iter(question.text for question in session.questions)
    made, said = iter(session.made), iter(contradicted(session))
    rows = [
        _question(next(typed, turn.text), last=n >= len(turns) - 2 and moment is None)
        if turn.role == "user"
        else _answer(session, n // 2, turn.text, next(made, None), next(said, ""), last=n == len(turns) - 1)
        for n, turn in enumerate(turns)
    ]
    if moment is not None:
        rows.append(_running(moment))
    if not rows:
        rows.append(_welcome(session))
    return f'<div class="turns" role="region" aria-label="Conversation" tabindex="0">{"".join(rows)}</div>' + (
        _suggestions(session) if moment is None else ""
    )


def _welcome(session: Session) -> str:
    if session.scan is not None:
        return '<div class="welcome"><p>Ask about this picture. Answers can be wrong.</p></div>'
    return (
        '<div class="welcome"><h2>Talk about a scan</h2><p>Open a picture on the left, then ask about it in your own '
        "words. The answers come from a small model on this machine; they can be wrong.</p></div>"
    )


def _question(text: str, last: bool) -> str:
    acts = button("edit", "Edit", "edit") + button("undo", "Undo", "undo") if last else ""
    return (
        f'<article class="turn question"><h3 class="sr">Question</h3><p class="text">{escape(text)}</p>'
        f'<div class="meta">{acts}</div></article>'
    )


def _answer(session: Session, number: int, text: str, made: Made | None, contradicts: str, last: bool) -> str:
    acts = f'<span class="acts">{button("copy", "Copy", "copy")}{_retry(made) if last else ""}</span>'
    facts = "".join(f"<span>{escape(fact)}</span>" for fact in _facts(session, made))
    report = made.report if made else None
    told = (*((contradicts,) if contradicts else ()), *(report.notes if report else ()))
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in told)
    given = _given(made.saw, number) if made else ""
    return (
        f'<article class="turn answer"><h3 class="sr">Answer</h3><p class="text">{escape(text)}</p>'
        f'{notes}<div class="meta">{given}{facts}{acts}</div>{_trust(session, made, number) if made else ""}</article>'
    )


def _trust(session: Session, made: Made, number: int) -> str:
    """How often these weights were right on pictures and questions of this kind; nothing where nobody measured them."""
    scan = session.items[made.shown.item].scan if made.shown is not None else None
    if scan is None or not made.weights:
        return ""
    kind = question_kind(session.questions[number].text)
    told = trust_line(scan.domain, kind, made.arm, made.weights)
    return f'<p class="trusted" title="{escape(told.more)}">{escape(told.text)}</p>'


def _given(saw: tuple[Given, ...], answer: int) -> str:
    """Small copies of what the model was given, which show the pixels themselves when they are pressed."""
    if not saw:
        return ""
    images = "".join(
        f'<img src="data:image/jpeg;base64,{base64.b64encode(one.small).decode()}" '
        f'alt="{escape(f"{GIVEN}: {one.words}")}">'
        for one in saw
    )
    return (
        f'<button type="button" class="given" data-act="given" data-answer="{answer}" '
        f'title="{GIVEN}: show its very pixels">{images}</button>'
    )


def _retry(made: Made | None) -> str:
    greedy = made is not None and made.decoding.temperature == 0
    hint = (
        "At temperature 0 the answer repeats itself; raise it in Settings" if greedy else "Ask again with the next seed"
    )
    return button("retry", "Retry", "retry", hint=hint)


def _facts(session: Session, made: Made | None) -> list[str]:
    """What stands under an answer, small: which arm and picture, how fast, with which seed, how it ended."""
    if made is None:
        return []
    about = session.about(made.shown)
    facts = [made.arm, f"about {about}" if about else ""]
    if (report := made.report) is not None and report.tokens:
        after_first = report.seconds - report.seconds_to_first_token
        facts.append(f"first word {report.seconds_to_first_token:.1f} s")
        if report.tokens > 1 and after_first > 0:
            facts.append(f"{(report.tokens - 1) / after_first:.1f} tokens/s")
        facts.append(ENDED[report.ended])
    if made.decoding.temperature > 0:
        facts.append(f"seed {made.decoding.seed}")
    return [fact for fact in facts if fact]


def _running(moment: Moment) -> str:
    doing = {
        "loading": "Waiting for the model to load",
        "queued": f"{moment.ahead} ahead of you",
        "reading": "Reading the picture",
    }.get(moment.phase, "")
    waiting = f'<span class="spinner"></span><span class="tick" data-tick="{moment.phase}">{doing}</span>'
    return (
        f'<article class="turn answer running"><h3 class="sr">Answer</h3><p class="text">{escape(moment.text.lstrip())}'
        f'</p><div class="meta">{waiting if doing else ""}</div></article>'
    )


def _suggestions(session: Session) -> str:
    if session.scan is None:
        return ""
    asked = {turn.text for turn in session.conversation.turns}
    left = [question for question in SUGGESTIONS[session.scan.domain] if question not in asked]
    buttons = "".join(button("suggest", question, kind="chip", question=question) for question in left)
    return f'<div class="suggestions" role="group" aria-label="Suggested questions">{buttons}</div>' if left else ""
