"""The whole way in small, from drawn papers to scores on the page: `python -m train demo`.

Papers, corpus, data made from it, three stages of training, evaluation. Each step is a command line that may as well be
typed by hand; the demo prints it, times it, and passes over what was done with the same inputs. A killed step goes on
where its own command can.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medvlm import paths
from medvlm.errors import ConfigError
from train.recipe import CONFIGS

RUN = "demo"  # the evaluation's folder and its name in the Scores tab
STAGES = ("align", "instruct", "downstream")
STATE = "demo.json"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. `test`: what `python -m eval run` asks; `changes`: settings for every recipe."""

    papers: int
    made: int
    test: str
    changes: tuple[str, ...] = ()
    downstream: str | None = None


# Chosen so that all takes less than 20 minutes on two idle cores: training has half of them, answers a fifth.
WHOLE = Size(60, 120, "phantoms:kind=modality+normal+presence,seeds=0-10")
SMOKE = Size(
    3, 6, "phantoms:kind=modality,seeds=0-1", ("learning.steps=2", "learning.max_tokens=4096"), "phantoms:seeds=0-1"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything goes. `runs`: where evaluation's runs are; the Scores tab reads the checkout's `runs/`."""

    home: Path
    runs: Path
    base: str
    size: Size


@dataclass(frozen=True, slots=True)
class Step:
    """One command line (behind `python -m`), what it makes, and what it is made from."""

    name: str
    what: str
    command: tuple[str, ...]
    makes: Path
    reads: tuple[Path, ...] = ()


def plan(home: Path | None, runs: Path | None, base: str = "nano", smoke: bool = False) -> Plan:
    home = (home or paths.home() / "demo").resolve()
    if "," in str(home):
        raise ConfigError(f"{home} has a comma, which parts lists in settings. Give --home another folder.")
    return Plan(home, (runs or paths.ROOT / "runs").resolve(), base, SMOKE if smoke else WHOLE)


def steps(made: Plan) -> Iterator[Step]:
    """All of them, in order."""
    home, size = made.home, made.size
    papers, corpus = home / "papers", home / "corpus"
    many = str(size.papers)
    yield Step("papers", "drawn articles with figures", ("train.papers", str(papers), "--count", many), papers)
    yield Step(
        "corpus", "figures, captions, mentions and licences, filtered",
        ("train", "corpus", str(papers), "--out", str(corpus)), corpus, (papers,),
    )  # fmt: skip
    yield _generated(made, "align", "captions as instructions", corpus)
    yield _generated(made, "instruct", "dialogues from captions and mentions", corpus)
    yield _generated(made, "reason", "step-by-step answers", home / "data-instruct")
    yield _trained(made, "align", "the projector learns captions", ("align",))
    yield _trained(made, "instruct", "LoRA and projector learn dialogues and reasoning", ("instruct", "reason"))
    yield _trained(made, "downstream", "short answers to questions", ())
    adapter = adapter_of(made)
    yield Step(
        "scores", "base and tuned model answer questions about phantoms that nobody trained on",
        ("eval", "run", size.test, "--model", made.base, "--adapter", str(adapter), "--name", RUN,
         "--runs", str(made.runs)), made.runs / RUN, (adapter,),
    )  # fmt: skip


def adapter_of(made: Plan) -> Path:
    return made.home / "recipes" / f"demo-{STAGES[-1]}" / "adapter"


def _generated(made: Plan, task: str, what: str, source: Path) -> Step:
    target = made.home / f"data-{task}"
    command = ("train", "generate", task, str(source), "--out", str(target), "--teacher", "rules")
    return Step(f"generate {task}", what, (*command, "--count", str(made.size.made)), target, (source,))


def _trained(made: Plan, stage: str, what: str, data: Sequence[str]) -> Step:
    """A recipe of train/configs/demo, on the data made before (without any: on the recipe's own)."""
    recipes, folders = made.home / "recipes", [made.home / f"data-{one}" for one in data]
    before = STAGES[: STAGES.index(stage)][-1:]
    changes = [*made.size.changes]
    if made.base != "nano":
        changes.append(f"model.base={made.base}")
    if folders:
        changes.append("data.train=" + ",".join(f"own:{folder}" for folder in folders))
    elif made.size.downstream:
        changes.append(f"data.train={made.size.downstream}")
    return Step(
        f"train {stage}", what, ("train", "run", f"demo/{stage}", *changes, "--runs", str(recipes)),
        recipes / f"demo-{stage}",
        (CONFIGS / "demo" / f"{stage}.toml", *folders, *(recipes / f"demo-{one}" / "adapter" for one in before)),
    )  # fmt: skip


def launched(command: Sequence[str]) -> int:
    """The command in a process of its own, as if typed by hand; its exit code."""
    return subprocess.run([sys.executable, "-m", *command], cwd=paths.ROOT, check=False).returncode


def run(made: Plan, start: Callable[[Sequence[str]], int] = launched) -> None:
    """Every step that is not done, then the scores. Raises ConfigError where one fails."""
    made.home.mkdir(parents=True, exist_ok=True)
    wanted = list(steps(made))
    began = time.perf_counter()
    for number, step in enumerate(wanted, 1):
        print(f"\n[{number}/{len(wanted)}] {step.name}: {step.what}", flush=True)
        take(step, made.home, start)
    print(f"\n{len(wanted)} steps in {spoken(time.perf_counter() - began)}.\n")
    print("\n".join((*table(made.runs / RUN), "", *farewell(made))), flush=True)


def take(step: Step, home: Path, start: Callable[[Sequence[str]], int] = launched) -> None:
    """Do a step, unless it was done with the same inputs. Raises ConfigError where its command fails."""
    known, key = state(home), fingerprint(step)
    before = known.get(step.name, {})
    if before.get("key") == key and before.get("seconds") is not None and step.makes.exists():
        print(f"done before, in {spoken(before['seconds'])}: {step.makes}", flush=True)
        return
    if step.makes.exists() and before.get("key") != key:
        clear(step, bool(before))
    remember(home, {**known, step.name: {"key": key, "seconds": None}})
    print(f"$ python -m {' '.join(step.command)}", flush=True)
    began = time.perf_counter()
    if code := start(step.command):
        raise ConfigError(
            f"The demo stopped at {step.name} (exit code {code}); what its command said stands above. "
            "Mend that and give the same command again: it goes on with this step."
        )
    seconds = round(time.perf_counter() - began, 1)
    remember(home, {**known, step.name: {"key": key, "seconds": seconds}})
    print(f"{spoken(seconds)}: {step.makes}", flush=True)


def clear(step: Step, ours: bool) -> None:
    """Remove what an earlier demo made of other inputs. Raises ConfigError for what it did not make."""
    if not ours:
        raise ConfigError(f"{step.makes} is there, and no demo made it. Move it away, or give --home or --runs.")
    shutil.rmtree(step.makes)


def state(home: Path) -> dict[str, dict[str, Any]]:
    """Step -> fingerprint of what it was begun with, and its seconds once it was done."""
    path = home / STATE
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def remember(home: Path, known: dict[str, dict[str, Any]]) -> None:
    part = home / f"{STATE}.part"
    part.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    part.replace(home / STATE)


def fingerprint(step: Step) -> str:
    """Changes with the command and with every byte of what the step reads."""
    sha = hashlib.sha256(json.dumps(step.command).encode())
    for read in step.reads:
        for path in sorted(read.rglob("*")) if read.is_dir() else [read]:
            if path.is_file():
                sha.update(f"\n{path.relative_to(read)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()


def spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def table(folder: Path) -> Iterator[str]:
    """Base against tuned over all, by domain and by kind, each with n and 95 % interval."""
    from medvlm.plots.scores import said
    from medvlm.scoreboard import packed
    from medvlm.scoreboard.board import board, title
    from medvlm.scoreboard.sentences import cautions, scale_of
    from medvlm.scoreboard.sides import compared, groups, of_run, overall

    one = board(packed.read(folder))
    found = compared({one.name: one}, of_run({one.name: one}, one.name))
    form = scale_of(found)
    yield f"{title(found.selection.metric)}, with 95 % intervals; the difference is paired"
    yield f"{'':<18}{'base':<34}{'tuned by the demo':<34}difference"
    for group in (overall(found), *groups(found, "domain"), *groups(found, "kind")):
        sides = "".join(f"{said(side, form):<34}" for side in (group.second, group.first))
        yield f"{group.label:<18}{sides}{said(group.difference, form, signed=True)}"
    yield cautions(one)


def farewell(made: Plan) -> Iterator[str]:
    """Where to look at what was made."""
    yield "Talk to it, and see these scores in the page's Scores tab:"
    yield f"  {sys.executable} app.py --base {made.base} --adapter {adapter_of(made)}"
    if made.runs != paths.ROOT / "runs":
        yield f"  (the tab reads {paths.ROOT / 'runs'}; this run is in {made.runs / RUN})"
