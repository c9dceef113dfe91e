"""A conversation to take along: as Markdown for people, as JSON for programs; both say what it was made with."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from medvlm import NOT_FOR_DIAGNOSIS, __version__
from medvlm.session import Made, Session
from medvlm.types import DOMAIN_NAMES, Scan, Turn

SCHEMA = 1
Format = Literal["markdown", "json"]
SOURCES = {"file": "from the file", "guess": "guessed by the model", "user": "set by the user", "unknown": "not known"}


def export(session: Session, form: Format, model: str, when: datetime) -> tuple[str, str]:
    """File name and text. `model` is what the badge says; `when` stands in both. No pixels go out."""
    record = as_record(session, model, when)
    stem = f"medvlm-{when:%Y-%m-%d-%H%M}"
    if form == "json":
        return f"{stem}.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    return f"{stem}.md", as_markdown(record)


def as_record(session: Session, model: str, when: datetime) -> dict[str, Any]:
    """Everything that is exported, as JSON types."""
    answered = iter(session.made)
    turns = session.conversation.turns
    return {
        "schema": SCHEMA,
        "label": NOT_FOR_DIAGNOSIS,
        "program": f"MedVLM {__version__}",
        "model": model,
        "exported": when.isoformat(timespec="seconds"),
        "system": session.conversation.system,
        "scans": [_scan(scan) for scan in session.conversation.scans],
        "turns": [_turn(turn, session, next(answered, None) if turn.role == "assistant" else None) for turn in turns],
    }


def as_markdown(record: dict[str, Any]) -> str:
    """The record as a page to read; the label stands first and last."""
    lines = [f"# Conversation, {record['exported'].replace('T', ' ')}", "", f"**{record['label']}**", ""]
    lines += [f"{record['program']}, {record['model']}", ""]
    if record["system"]:
        lines += [f"System prompt: {_quoted(record['system'])}", ""]
    for number, scan in enumerate(record["scans"], 1):
        lines += [f"- Picture {number}: {_scan_line(scan)}"]
    for turn in record["turns"]:
        speaker = "Question" if turn["role"] == "user" else "Answer"
        lines += ["", f"## {speaker}{_about(turn)}", "", _quoted(turn["text"])]
        if turn["role"] == "assistant" and turn.get("made"):
            lines += ["", f"*{_made_line(turn['made'])}*"]
    return "\n".join([*lines, "", f"**{record['label']}**", ""])


def _scan(scan: Scan) -> dict[str, Any]:
    return {
        "name": scan.name,
        "kind": scan.kind,
        "domain": scan.domain,
        "domain_source": scan.domain_source,
        "sha256": scan.sha256,
        "slices": len(scan.slices),
        "notes": list(scan.notes),
    }


def _turn(turn: Turn, session: Session, made: Made | None) -> dict[str, Any]:
    record: dict[str, Any] = {"role": turn.role, "text": turn.text}
    if turn.role == "user":
        return {**record, "views": [asdict(view) for view in turn.views]}
    if made is None:
        return record
    facts = {
        "model": made.model,
        "arm": made.arm,
        "view": asdict(made.view) if made.view else None,
        "decoding": asdict(made.decoding),
        "report": asdict(made.report) if made.report else None,
    }
    return {**record, "about": session.about(made.view), "made": facts}


def _about(turn: dict[str, Any]) -> str:
    return f" ({turn['about']})" if turn.get("about") else ""


def _scan_line(scan: dict[str, Any]) -> str:
    domain = f"{DOMAIN_NAMES[scan['domain']]} ({SOURCES[scan['domain_source']]})"
    notes = "; ".join(scan["notes"])
    return f"{scan['kind']}, {domain}, SHA-256 {scan['sha256'][:12]}" + (f"; {notes}" if notes else "")


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


def _quoted(text: str) -> str:
    """As a block quote: what was typed or answered never becomes a heading or a list of ours."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines() or [""])
