"""A conversation to take along: as Markdown for people, as JSON for programs; both say what it was made with."""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from medvlm import NOT_FOR_DIAGNOSIS, __version__
from medvlm.claims.contradictions import contradicted
from medvlm.page.session import Given, Item, Made, Question, Session, Shown
from medvlm.page.viewing import Measure
from medvlm.types import DOMAIN_NAMES

SCHEMA = 3
Format = Literal["markdown", "json"]
SOURCES = {"file": "from the file", "guess": "guessed by the model", "user": "set by the user", "unknown": "not known"}


def export(session: Session, form: Format, model: str, when: datetime) -> tuple[str, str]:
    """File name and text. `model` is what the badge says; `when` stands in both.

    The only pixels in it are those that the model was given, as the page showed them beside the answer.
    """
    record = as_record(session, model, when)
    stem = f"medvlm-{when:%Y-%m-%d-%H%M}"
    if form == "json":
        return f"{stem}.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    return f"{stem}.md", as_markdown(record)


def as_record(session: Session, model: str, when: datetime) -> dict[str, Any]:
    """Everything that is exported, as JSON types."""
    return {
        "schema": SCHEMA,
        "label": NOT_FOR_DIAGNOSIS,
        "program": f"MedVLM {__version__}",
        "model": model,
        "exported": when.isoformat(timespec="seconds"),
        "system": session.conversation.system,
        "scans": [_scan(item) for item in session.items if item.scan is not None],
        "turns": list(_turns(session)),
    }


def as_markdown(record: dict[str, Any]) -> str:
    """The record as a page to read; the label stands first and last."""
    lines = [f"# Conversation, {record['exported'].replace('T', ' ')}", "", f"**{record['label']}**", ""]
    lines += [f"{record['program']}, {record['model']}", ""]
    if record["system"]:
        lines += [f"System prompt: {_quoted(record['system'])}", ""]
    for number, scan in enumerate(record["scans"], 1):
        lines += [f"- Picture {number}: {_scan_line(scan)}"]
        lines += [f"  - {_measure_line(measure)}" for measure in scan["measurements"]]
    for turn in record["turns"]:
        speaker = "Question" if turn["role"] == "user" else "Answer"
        lines += ["", f"## {speaker}{_about(turn)}", "", _quoted(turn["text"])]
        if turn.get("contradicts"):
            lines += ["", f"**{_plain(turn['contradicts'])}**"]
        if turn["role"] == "assistant" and turn.get("made"):
            lines += ["", f"*{_made_line(turn['made'])}*"]
            lines += [f"\n![What the model saw: {one['about']}]({one['picture']})" for one in turn["made"]["saw"]]
    return "\n".join([*lines, "", f"**{record['label']}**", ""])


def _scan(item: Item) -> dict[str, Any]:
    scan = item.scan
    assert scan is not None, "only what was opened is exported"
    return {
        "name": scan.name,
        "kind": scan.kind,
        "description": scan.description,
        "domain": scan.domain,
        "domain_source": scan.domain_source,
        "sha256": scan.sha256,
        "slices": len(scan.slices),
        "notes": [*scan.notes, *item.notes],
        "unit": scan.unit,
        "measurements": [asdict(measure) for measure in item.look.measures] if item.look else [],
    }


def _turns(session: Session) -> Iterator[dict[str, Any]]:
    """Questions as they were typed and as the model got them; answers with what they contradict."""
    questions, made, said = iter(session.questions), iter(session.made), iter(contradicted(session))
    for turn in session.conversation.turns:
        if turn.role == "user":
            views = [_shown(session.sent[view.scan], session) for view in turn.views]
            question = next(questions, Question(turn.text, None))
            as_sent = {} if question.text == turn.text else {"as_sent": turn.text}
            yield {"role": "user", "text": question.text, **as_sent, "views": views}
        else:
            yield _answer(turn.text, session, next(made, None), next(said, ""))


def _answer(text: str, session: Session, made: Made | None, contradicts: str) -> dict[str, Any]:
    record: dict[str, Any] = {"role": "assistant", "text": text} | ({"contradicts": contradicts} if contradicts else {})
    if made is None:
        return record
    facts = {
        "model": made.model,
        "arm": made.arm,
        "view": _shown(made.shown, session) if made.shown else None,
        "decoding": asdict(made.decoding),
        "report": asdict(made.report) if made.report else None,
        "saw": [_given(one) for one in made.saw],
    }
    return {**record, "about": session.about(made.shown), "made": facts}


def _given(given: Given) -> dict[str, str]:
    return {"about": given.words, "picture": f"data:image/png;base64,{base64.b64encode(given.png).decode()}"}


def _shown(shown: Shown, session: Session) -> dict[str, Any]:
    """A picture as it was on the screen; `scan` counts the scans of the export, from 0."""
    look = asdict(shown.look)
    del look["measures"]
    opened = [number for number, item in enumerate(session.items) if item.scan is not None]
    part = {} if shown.region is None else {"region": asdict(shown.region)}
    return {"scan": opened.index(shown.item), **look, **part}


def _about(turn: dict[str, Any]) -> str:
    return f" ({turn['about']})" if turn.get("about") else ""


def _scan_line(scan: dict[str, Any]) -> str:
    domain = f"{DOMAIN_NAMES[scan['domain']]} ({SOURCES[scan['domain_source']]})"
    notes = "; ".join(scan["notes"])
    return f"{scan['kind']}, {domain}, SHA-256 {scan['sha256'][:12]}" + (f"; {notes}" if notes else "")


def _measure_line(measure: dict[str, Any]) -> str:
    """ "Distance 50.1 mm, slice 12": the slice counts from 1, as on the screen."""
    made = Measure(**measure)
    axis = ("column", "row", "slice")[made.axis]
    values = [f"{made.kind.capitalize()} {made.value:.4g} {made.unit}"]
    if made.mean is not None:
        values += [f"mean {made.mean:.4g}, deviation {made.deviation or 0.0:.4g} over {made.pixels} pixels"]
    return f"{', '.join(values)}, {axis} {made.slice + 1}"


def _made_line(made: dict[str, Any]) -> str:
    decoding, report = made["decoding"], made["report"]
    words = [
        f"{made['model']}, {made['arm']}",
        f"temperature {decoding['temperature']:g}",
        f"top-p {decoding['top_p']:g}",
        f"seed {decoding['seed']}",
    ]
    if report:
        words += [f"{report['tokens']} tokens in {report['seconds']:.1f} s", f"ended: {report['ended']}"]
        words += report["notes"]
    return "; ".join(words)


def _plain(text: str) -> str:
    """In one line, with nothing that ends the bold type around it."""
    return " ".join(text.replace("*", "").split())


def _quoted(text: str) -> str:
    """As a block quote: what was typed or answered never becomes a heading or a list of ours."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines() or [""])
