"""A reader study's pieces as HTML: the sign-in, how far a reader is, words in a case's place, the leader's page."""

from html import escape

from medvlm.outcomes.results import Results
from medvlm.studies.progress import Progress, progress
from medvlm.studies.reading import Pass, Task
from medvlm.ui.markup import button, error


def door(who: Pass | None, wrong: str = "", code: str = "") -> str:
    """Where people sign in, and out."""
    if who is None:
        return (
            '<form class="rt-door" autocomplete="off" data-act="sign-in"><label for="rt-code">Reader or leader of a '
            f'study? Sign-in code</label><input id="rt-code" name="code" value="{escape(code)}" maxlength="40" '
            'spellcheck="false" autocapitalize="characters" placeholder="ABCD-EFGH-JKMN-PQRS">'
            f'<button type="submit" class="soft-button">Sign in</button>{error(wrong)}</form>'
        )
    role = "Leader of" if who.role == "leader" else f"{who.person}, reader of"
    leave = button("sign-out", "Sign out" if who.role == "leader" else "Pause", kind="soft-button")
    return f'<div class="rt-door"><p><b>{escape(role)}</b> {escape(who.study)}</p>{leave}{error(wrong)}</div>'


def head(task: Task | None, wrong: str = "") -> str:
    """How far the reader is."""
    if task is None:
        return error(wrong)
    training = '<span class="rt-chip">Practice</span>' if task.showing.training else ""
    bar = f'<progress max="{task.total}" value="{task.number - 1}" aria-label="Cases read"></progress>'
    return (
        f'<div class="rt-progress"><h2>{escape(task.study.words)}</h2>{training}'
        f'<p role="status">case {task.number} of {task.total}</p>{bar}</div>{error(wrong)}'
    )


def panel(title: str, text: str, act: str, label: str, other: tuple[str, str] | None = None) -> str:
    """A few words in the place of a case, with what can be done next."""
    second = button(other[0], other[1], kind="soft-button") if other else ""
    return (
        f'<section class="rt-panel" role="status"><h2>{escape(title)}</h2><p>{escape(text)}</p>'
        f'<div class="rt-acts">{button(act, label, kind="strong")}{second}</div></section>'
    )


def led(results: Results, who: Pass | None) -> str:
    """The leader's page: how far readers and cases are, and the end of the study."""
    if who is None or who.role != "leader":
        return ""
    return leading(progress(results.studies, who.study))


def leading(now: Progress) -> str:
    """One study as its leader sees it."""
    rows = "".join(_reader(name, count.done, count.total) for name, count in now.readers.items())
    facts = (
        f"{now.study.status} · {now.cases.done} of {now.cases.total} cases have all their readers · "
        f"{now.training} for training · {now.ratings} ratings"
    )
    end = ""
    if now.study.status == "open":
        end = button(
            "close-study", "Close the study", kind="soft-button", hint="Ends reading; everybody may see results"
        )
    table = (
        f'<table><thead><tr><th scope="col">Reader</th><th scope="col">Read</th><td></td></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        if rows
        else "<p>No readers yet; add them with 'python -m medvlm study readers'.</p>"
    )
    return (
        f'<section class="rt-card rt-leader" aria-label="Progress of the study"><h3>{escape(now.study.words)}</h3>'
        f'<p class="quiet">{escape(facts)}</p>{table}{end}</section>'
    )


def _reader(name: str, done: int, total: int) -> str:
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{done} of {total}</td>'
        f'<td><progress max="{max(1, total)}" value="{done}" aria-label="{escape(name)}"></progress></td></tr>'
    )
