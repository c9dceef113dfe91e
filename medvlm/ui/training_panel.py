"""The Training panel of the Scores tab: runs that live and that ended, their curves, settings, parts, and what next."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from medvlm.plots import training as plots_training
from medvlm.plots.layout import Plot
from medvlm.scoreboard import training_runs
from medvlm.scoreboard.training_runs import Run, State, duration, restart
from medvlm.ui.markup import button
from medvlm.ui.scores_html import frames
from medvlm.ui.scores_parts import row_head, scroll_table

WORDS: dict[State, str] = {
    "running": "running", "preparing": "preparing", "done": "finished", "stopped": "stopped",
    "interrupted": "interrupted",
}  # fmt: skip
MOST_RUNS = 40
EMPTY = (
    '<div class="tr-empty"><p>No training run yet. A run that is started in the terminal appears here by itself:</p>'
    "<pre>python -m train recipes\npython -m train check smolvlm-laptop\npython -m train run smolvlm-laptop</pre></div>"
)


def view(asked: str, runs: Sequence[Run] | None = None) -> dict[str, Any]:
    """The panel with one run open: the one that `asked` names by its key, else the first."""
    found = training_runs.runs() if runs is None else runs
    chosen = next((run for run in found if run.key == asked), found[0] if found else None)
    drawn = plots_training.curves(chosen) if chosen else []
    return {
        "head": summary(found),
        "html": EMPTY if chosen is None else listed(found, chosen) + opened(chosen, drawn),
        "plots": {plot.name: {**plot.figure(), "csv": plot.csv(), "marks": [], "title": plot.title} for plot in drawn},
        "run": chosen.key if chosen else "",
    }


def summary(runs: Sequence[Run]) -> str:
    """What the closed panel says: what trains now, or how many runs there are."""
    alive = [run for run in runs if run.alive]
    if alive:
        left = alive[0].speed.get("seconds_left")
        until = f", {duration(left)} left" if left else ""
        more = f", and {len(alive) - 1} more" if len(alive) > 1 else ""
        return f"Training: {alive[0].name}, step {alive[0].step:,} of {alive[0].of:,}{until}{more}"
    return f"Training: {len(runs)} run{'s' if len(runs) != 1 else ''}" if runs else "Training: no run yet"


def listed(runs: Sequence[Run], chosen: Run) -> str:
    """All runs, each a button; those that live stand above."""
    rows = [_row(run, run.key == chosen.key) for run in runs[:MOST_RUNS]]
    more = f'<p class="sc-small">and {len(runs) - MOST_RUNS} older ones</p>' if len(runs) > MOST_RUNS else ""
    table = scroll_table(("run", "state", "step", "last loss", "changed"), rows, "tr-runs")
    return f'<section class="sc-flips tr-list">{table}{more}</section>'


def _row(run: Run, chosen: bool) -> str:
    name = button("training", run.name, kind="plain tr-run", hint=f"Show {run.name}", run=run.key, pressed=chosen)
    loss = f"{run.losses[-1][1]:.3f}" if run.losses else ""
    cells = [badge(run.state), f"{run.step:,} of {run.of:,}" if run.of else "", loss, when(run.changed)]
    name = name.replace("data-pressed=", "aria-pressed=").replace('"True"', '"true"').replace('"False"', '"false"')
    numbers = "".join(
        f'<td class="{"number" if place in (1, 2) else ""}">{one}</td>' for place, one in enumerate(cells)
    )
    return f'<th scope="row">{name}</th>{numbers}'


def badge(state: State) -> str:
    return f'<span class="tr-state" data-state="{state}">{WORDS[state]}</span>'


def when(moment: float, now: float | None = None) -> str:
    """How long ago."""
    ago = (time.time() if now is None else now) - moment
    days = int(ago // 86400)
    return f"{days} day{'s' if days != 1 else ''} ago" if days else f"{duration(max(ago, 0))} ago"


def opened(run: Run, drawn: Sequence[Plot]) -> str:
    """One run whole."""
    bar = f'<progress value="{run.step}" max="{max(run.of, 1)}" aria-label="Steps done">{run.step}</progress>'
    head = (
        f'<div class="tr-head"><h3>{escape(run.name)}</h3>{badge(run.state)}{bar if run.state != "done" else ""}</div>'
    )
    grid = f'<div class="sc-grid">{frames(drawn)}{trained(run)}{settings(run)}</div>'
    return f'<section class="tr-open">{head}{figures(run)}{next_steps(run)}{grid}</section>'


def figures(run: Run) -> str:
    """Step, loss, what validation found, speed, memory and time left: those that are known."""
    known = {"Step": f"{run.step:,} of {run.of:,}" if run.of else ""}
    known["Loss, smoothed"] = f"{plots_training.smoothed(run.losses)[-1][1]:.3f}" if run.losses else ""
    for name, title in (("validation_loss", "Validation loss"), ("closed", "Closed"), ("open", "Open")):
        found = [look for _, look in run.looks if name in look]
        if found:
            value = found[-1][name]
            n = f", n = {found[-1]['n']:.0f}" if "n" in found[-1] and name != "validation_loss" else ""
            known[title] = f"{value:.3f}" if name == "validation_loss" else f"{100 * value:.1f} %{n}"
    if best := run.result.get("best"):
        known["Best look kept"] = f"step {best.get('step', 0):,}"
    if run.alive:
        speed = run.speed
        known["Samples a second"] = f"{speed['samples_per_second']:.3g}" if "samples_per_second" in speed else ""
        known["Time left"] = duration(speed["seconds_left"]) if speed.get("seconds_left") else ""
    known["Memory"] = f"{run.speed['memory_gb']:.1f} GB" if "memory_gb" in run.speed else ""
    rows = "".join(f"<div><dt>{k}</dt><dd>{escape(v)}</dd></div>" for k, v in known.items() if v)
    return f'<dl class="tr-figures">{rows}</dl>'


def trained(run: Run) -> str:
    """Weights of each part and how many take steps."""
    if not run.parts:
        return ""
    whole, moving = sum(part.weights for part in run.parts), sum(part.trained for part in run.parts)
    rows = [_part(part.name, part.weights, part.trained) for part in run.parts]
    table = scroll_table(("part", "weights", "take steps", "share"), [*rows, _part("all", whole, moving)])
    return f'<figure class="sc-plot tr-parts"><h3>What is trained</h3>{table}</figure>'


def _part(name: str, weights: int, moving: int) -> str:
    cells = (f"{weights:,}", f"{moving:,}", f"{100 * moving / max(weights, 1):.3g} %")
    return row_head(name) + "".join(f'<td class="number">{one}</td>' for one in cells)


def next_steps(run: Run) -> str:
    """How to stop it, go on with it, or use what it made."""
    said = [_short(word) for word in restart(run)]
    started = f"<pre>{escape(' '.join(['python -m train', *said]))}</pre>"
    if list(restart(run)) != said:
        started += '<p class="sc-small">Paths are shortened here.</p>'
    if run.alive:
        stop = f"<pre>kill {run.pid}</pre>" if run.pid else "<p>End it on the machine that trains it.</p>"
        saves = "saves a checkpoint and ends" if run.kind == "recipe" else "ends; the last checkpoint stays"
        words = f"<div><h4>Stop</h4><p>It {saves}:</p>{stop}</div>"
        words += f"<div><h4>Go on later</h4><p>{SAME} from there:</p>{started}</div>"
    elif run.state == "done":
        words = f"<div><h4>Use it</h4><pre>{escape(_use(run))}</pre></div>"
    else:
        words = f"<div><h4>Go on</h4><p>{SAME} from the last checkpoint:</p>{started}</div>"
    return f'<div class="tr-next">{words}</div>'


SAME = "The same command goes on"


def _use(run: Run) -> str:
    if run.kind == "nano":
        return "python -m train publish\npython app.py"
    base = _short(run.settings.get("model", {}).get("base", ""))
    folder = f"{run.folder.parent.parent.name}/{run.folder.parent.name}/{run.folder.name}"
    if run.settings.get("parts", {}).get("language_model") == "full":
        return f"python app.py --base {folder}/model --adapter none"
    return f"python app.py --base {base} --adapter {folder}/adapter"


def settings(run: Run) -> str:
    """Everything the run was told, by its key; other parts of the machine's paths are nobody's business."""
    rows = [row_head(key) + f"<td>{escape(text)}</td>" for key, text in flat(run.settings)]
    if not rows:
        return ""
    table = scroll_table((), rows)
    return f'<details class="sc-plot" data-key="tr-settings"><summary>Settings</summary>{table}</details>'


def flat(given: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Keys as `key=value` takes them; what is not set is left out."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}.")
        elif isinstance(value, list | tuple):
            if value:
                yield f"{above}{key}", ", ".join(_short(one) for one in value)
        elif value is not None:
            yield f"{above}{key}", _short(value)


def _short(value: Any) -> str:
    """A path on this machine by its last part."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"(^|[=:,])/[^,\s]*/([^/,\s]+)", r"\1.../\2", text)
