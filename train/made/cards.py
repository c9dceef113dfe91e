"""The model card beside a checkpoint: what it is, what it was made of and under which terms, how it was measured."""

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medvlm import NOT_FOR_DIAGNOSIS, checkpoints
from medvlm.checkpoints import CheckpointInfo
from medvlm.packages import sha256_of
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.scoreboard.sides import Selection, Side, compared, overall
from train.made import licences

FILE, CURVE = "README.md", "loss.png"
WHOLE, ADAPTER = "config.json", "adapter_config.json"
NO_SCORES = "None yet: `python -m eval run TASK --adapter FOLDER` makes some, and `python -m train push` adds them."
# Metrics that a card reports, where a run has them.
METRICS = ("strict_closed", "strict_open")


@dataclass(frozen=True, slots=True)
class Story:
    """How weights came about, as far as their run still knows. `recipe`, `facts`: as recipe.json and done.json."""

    recipe: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None
    parts: str = ""
    curve: Path | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What only who makes the card knows. `licence`: of the whole, as the hub spells it."""

    name: str = ""
    merged: bool = False
    licence: str | None = None
    permission: str = ""


PLAIN = Given()


def story(folder: Path) -> Story:
    """What the run folder around a checkpoint tells; empty where there is none."""
    run = folder.parent
    read = {name: _record(run / name) for name in ("recipe.json", "done.json")}
    if read["recipe.json"] is None:
        return Story()
    parts, curve = run / "parts.txt", run / CURVE
    return Story(
        read["recipe.json"],
        read["done.json"],
        parts.read_text(encoding="utf-8") if parts.is_file() else "",
        curve if curve.is_file() else None,
    )


def _record(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def write(folder: Path, told: Story, given: Given = PLAIN) -> Path:
    """Put the card into a checkpoint's folder, with the curve where there is one. Raises CheckpointError."""
    if told.curve is not None:
        shutil.copyfile(told.curve, folder / CURVE)
    part = folder / f".{FILE}"
    part.write_text(text(folder, told, given), encoding="utf-8")
    return part.replace(folder / FILE)


def text(folder: Path, told: Story, given: Given) -> str:
    """The card of the checkpoint in this folder, in the hub's format: a head for machines, then words."""
    info = checkpoints.read(folder)
    base, data = licences.of_base(info.base_model), [licences.of_data(label) for label in info.datasets]
    name = given.name or str((told.recipe or {}).get("name") or folder.name)
    sections = [
        _head(info, licences.field(base, data, given.licence), given.merged or (folder / WHOLE).is_file()),
        f"# {name}\n\n**{NOT_FOR_DIAGNOSIS}** These weights may not be used for the care of a patient.",
        _what(info, told, given.merged),
        _trained(told),
        _data(info, told),
        _licences(base, data, given.permission),
        _training(told),
        section("Scores", NO_SCORES),
        _files(folder),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(info: CheckpointInfo, licence: Mapping[str, str], whole: bool) -> str:
    from huggingface_hub import ModelCardData

    head = ModelCardData(
        base_model=info.base_model if "/" in info.base_model else None,
        library_name="transformers" if whole else "peft",
        pipeline_tag="image-text-to-text",
        tags=["medvlm", "medical", "research-demo", "not-for-diagnosis", *(["lora"] if not whole else [])],
        **licence,  # type: ignore[arg-type]
    )
    return f"---\n{head.to_yaml()}\n---"


def _what(info: CheckpointInfo, told: Story, merged: bool) -> str:
    kind = "Base and adapter in one folder" if merged else "An adapter" if _adapted(told) else "A whole model"
    lines = [
        f"{kind}, made on `{info.base_model}` (revision `{info.base_revision}`, family {info.family}) "
        f"in the stage `{info.stage}`, {info.created}, with code at `{info.git_commit}` and prompts of version "
        f"{info.prompt_version}."
    ]
    if told.recipe:
        lines.append(f"Recipe `{told.recipe['name']}`, which follows {told.recipe['source']}.")
        if told.recipe.get("continues"):
            lines.append(f"It goes on with `{licences.shown(':' + str(told.recipe['continues']))[1:]}`.")
    return "\n".join(lines)


def _adapted(told: Story) -> bool:
    return not told.recipe or told.recipe["parts"]["language_model"] != "full"


def _trained(told: Story) -> str:
    return section("What was trained", f"```\n{told.parts.strip()}\n```") if told.parts else ""


def _data(info: CheckpointInfo, told: Story) -> str:
    facts = told.facts or {}
    hashes: Mapping[str, str] = facts.get("data", {})
    rows = [(f"`{licences.shown(label)}`", f"`{hashes.get(label, 'unknown')}`") for label in info.datasets]
    count = f" {facts['dialogues']:,} in all." if "dialogues" in facts else ""
    what = "Rows that it learnt from, each set with the SHA-256 of its questions and references."
    return section("Data", f"{what}{count}\n\n{_table(('data set', 'SHA-256'), rows)}")


def _licences(base: licences.Terms, data: Sequence[licences.Terms], permission: str) -> str:
    rows = [(one.title, one.licence, one.address) for one in dict.fromkeys((base, *data))]
    given = f"\n\nPermission: {permission}" if permission else ""
    return section("Licences", _table(("part", "licence", "where"), rows) + given)


def _training(told: Story) -> str:
    if told.recipe is None:
        return ""
    parts = ("learning", "lora", *(["preference"] if told.recipe["stage"] == "prefer" else []), "machine")
    chosen = {key: value for part in parts for key, value in _settings(told.recipe, part)}
    rows = [(f"`{key}`", f"{value}") for key, value in chosen.items()]
    last = {k: (told.facts or {}).get(k) for k in ("loss", "validation_loss")}
    ends = ", ".join(f"{k.replace('_', ' ')} {v:.4g}" for k, v in last.items() if v is not None)
    curve = f"\n\n![Loss over steps]({CURVE})" if told.curve else ""
    last_said = f"At its end: {ends}.\n\n" if ends else ""
    return section("Training", f"{last_said}{_table(('setting', 'value'), rows)}{curve}")


def _settings(recipe: Mapping[str, Any], part: str) -> Iterable[tuple[str, Any]]:
    return ((f"{part}.{key}", value) for key, value in recipe.get(part, {}).items() if value is not None)


def section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}"


def scores(folder: Path, shelf: RunShelf) -> str:
    """What evaluation runs of exactly these weights measured, in per cent with n and interval; empty for none."""
    rows = list(_scores(sha256_of(checkpoints.weight_files(folder)[0]), shelf))
    return _table(("run", "arm", "metric", "score"), rows) if rows else ""


def _scores(sha256: str, shelf: RunShelf) -> Iterable[tuple[str, ...]]:
    from medvlm.plots.scores import said

    boards = shelf.look().boards
    for name, board in boards.items():
        if board.info.adapter_sha256 != sha256 or board.info.state != "finished":
            continue
        for metric in METRICS:
            for arm in board.info.arms:
                if board.column(arm, metric) is not None:
                    figure = overall(compared(boards, Selection(Side(name, arm), None, metric, None))).first
                    yield name, arm, metric, said(figure, "percent")


def with_section(card: str, title: str, body: str) -> str:
    """The card with this section's words replaced, or put at its end where it has no such section."""
    found = re.search(rf"^## {title}\n.*?(?=^## |\Z)", card, re.MULTILINE | re.DOTALL)
    if found is None:
        return f"{card.rstrip()}\n\n{section(title, body)}\n"
    return f"{card[: found.start()]}{section(title, body)}\n\n{card[found.end() :]}".rstrip() + "\n"


def _files(folder: Path) -> str:
    rows = [(f"`{p.name}`", f"{p.stat().st_size:,}", f"`{sha256_of(p)}`") for p in checkpoints.weight_files(folder)]
    return section("Weights", _table(("file", "bytes", "SHA-256"), rows))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
