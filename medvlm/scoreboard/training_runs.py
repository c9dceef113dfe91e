"""Training runs on this machine as others see them: their settings, losses and looks, and whether they live."""

import hashlib
import json
import os
import socket
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from medvlm import paths

RECIPE, LOG, DONE, PARTS, BEAT = "recipe.json", "log.jsonl", "done.json", "parts.txt", "beat.json"
# Stages of nano, in their order; they have no recipe of their own but a part of one plan.
NANO_PLAN = paths.ROOT / "train" / "configs" / "nano.toml"
State = Literal["running", "preparing", "done", "stopped", "interrupted"]
Kind = Literal["recipe", "nano"]
# A run on another machine, or one without a beat, lives while its files are younger than this (seconds).
FRESH = 300.0
# A curve is drawn from at most so many points.
MOST_POINTS = 600


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the model: its weights and how many of them take steps."""

    name: str
    weights: int
    trained: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    `losses`: (step, loss); `looks`: what was found at a step, by name; `settings`: as they were given; `command`: the
    words behind `python -m train` that began it.
    """

    name: str
    folder: Path
    kind: Kind
    state: State
    step: int
    of: int
    changed: float
    losses: tuple[tuple[int, float], ...] = ()
    looks: tuple[tuple[int, dict[str, float]], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    speed: dict[str, float] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    pid: int | None = None
    command: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Names the run on the page: kind and folder."""
        return f"{self.kind}:{self.folder.name}"

    @property
    def alive(self) -> bool:
        return self.state in ("running", "preparing")


def roots() -> dict[Kind, Path]:
    """Where runs are kept, by what they are of."""
    return {"recipe": paths.home() / "recipes", "nano": paths.home() / "train"}


def runs(where: dict[Kind, Path] | None = None) -> list[Run]:
    """All runs: those that live first, then the last changed first. A folder that cannot be read is left out."""
    found: list[Run] = []
    for kind, root in (where or roots()).items():
        found += [run for folder in _folders(kind, root) if (run := _read(folder, kind)) is not None]
    return sorted(found, key=lambda run: (not run.alive, -run.changed, run.name))


def signature(where: dict[Kind, Path] | None = None) -> str:
    """Changes when a run comes, goes or gets on: cheap enough to be asked for again and again."""
    seen = []
    for kind, root in (where or roots()).items():
        for folder in _folders(kind, root):
            for name in (LOG, DONE, BEAT):
                stat = _stat(folder / name)
                seen.append(f"{folder.name}/{name}:{stat.st_size}:{stat.st_mtime_ns}" if stat else "")
            seen.append(str(_alive(folder)))
    return hashlib.sha256("|".join(seen).encode()).hexdigest()[:16]


def _folders(kind: Kind, root: Path) -> Iterator[Path]:
    marks = (RECIPE,) if kind == "recipe" else (LOG, DONE)
    try:
        children = sorted(root.iterdir())
    except OSError:
        return
    yield from (child for child in children if any((child / mark).is_file() for mark in marks))


def _read(folder: Path, kind: Kind) -> Run | None:
    settings = _json(folder / RECIPE) if kind == "recipe" else _plan(folder.name)
    lines = _lines(folder / LOG)
    beat, result = _json(folder / BEAT), _json(folder / DONE)
    changed = max((stat.st_mtime for name in (RECIPE, LOG, DONE, BEAT) if (stat := _stat(folder / name))), default=0.0)
    losses = [(int(one["step"]), float(one["loss"])) for one in lines if _number(one.get("loss"))]
    looks = [(int(one["step"]), watched) for one in lines if (watched := _watched(one))]
    last = max((int(one.get("step", 0)) for one in lines), default=0)
    of = max((int(one.get("of", 0)) for one in lines), default=int(beat.get("of", 0)))
    return Run(
        name=folder.name,
        folder=folder,
        kind=kind,
        state=_state(folder, beat, bool(lines)),
        step=last,
        of=max(of, last),
        changed=changed,
        losses=thinned(losses),
        looks=tuple(looks),
        settings=settings,
        parts=parts(folder / PARTS),
        speed={k: float(beat[k]) for k in SPEED if _number(beat.get(k))},
        result=result,
        command=tuple(str(word) for word in beat.get("command", ())),
        pid=int(beat["pid"]) if _number(beat.get("pid")) and beat.get("host") == socket.gethostname() else None,
    )


SPEED = ("samples_per_second", "memory_gb", "seconds_left")


def _state(folder: Path, beat: dict[str, Any], begun: bool) -> State:
    if (folder / DONE).is_file():
        return "done"
    if not _alive(folder):
        return "stopped" if beat.get("state") == "stopped" else "interrupted"
    return "running" if begun else "preparing"


def _alive(folder: Path) -> bool:
    """Whether a process trains there: on this machine the very one of the beat, elsewhere by how old its files are."""
    if (folder / DONE).is_file():
        return False
    beat = _json(folder / BEAT)
    if beat.get("state") == "stopped":
        return False
    if beat.get("host") == socket.gethostname():
        return _is_process(beat.get("pid"), beat.get("began"))
    stat = _stat(folder / (BEAT if beat else LOG))
    return stat is not None and time.time() - stat.st_mtime < FRESH


def _is_process(pid: Any, began: Any) -> bool:
    """Another process may have got the number since: it began at another time."""
    import psutil  # type: ignore[import-untyped]

    if not isinstance(pid, int) or not _number(began):
        return False
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - began) < 1 and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _watched(line: dict[str, Any]) -> dict[str, float]:
    """What a look found: the validation loss, and the share or recall of answered questions with their number."""
    return {name: float(line[name]) for name in ("validation_loss", "closed", "open", "n") if _number(line.get(name))}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def thinned(points: Sequence[tuple[int, float]], most: int = MOST_POINTS) -> tuple[tuple[int, float], ...]:
    """At most so many points, each the mean of its neighbours at the last one's step; the first and last steps stay."""
    if len(points) <= most:
        return tuple(points)
    size = -(-len(points) // most)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return tuple((group[-1][0], sum(loss for _, loss in group) / len(group)) for group in groups)


def parts(path: Path) -> tuple[Part, ...]:
    """The table that a run printed before its first step, without its last row, which is the sum."""
    try:
        rows = path.read_text(encoding="utf-8").splitlines()[1:]
        return tuple(_part(row) for row in rows if row.strip() and not row.startswith("all "))
    except (OSError, ValueError, IndexError):
        return ()


def _part(row: str) -> Part:
    *name, weights, trained, _ = row.split()
    return Part(" ".join(name), int(weights.replace(",", "")), int(trained.replace(",", "")))


def _plan(stage: str) -> dict[str, Any]:
    try:
        plan = tomllib.loads(NANO_PLAN.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    own = plan.get(stage, {})
    return own if isinstance(own, dict) else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, dict) else {}


def _lines(path: Path) -> list[dict[str, Any]]:
    """The log's lines; one that is being written just now is not whole and left out."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return []
    made = []
    for line in text.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict) and isinstance(one.get("step"), int):
            made.append(one)
    return made


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def duration(seconds: float) -> str:
    """Such as "8 s", "12 min" or "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def restart(run: Run) -> tuple[str, ...]:
    """The words behind `python -m train` that go on with a run that was stopped or killed."""
    if run.command:
        return run.command
    return ("nano", "--stage", run.name) if run.kind == "nano" else ("run", run.name)
