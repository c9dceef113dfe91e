"""`python -m eval run TASK --model M [--adapter A]`: answers and scores in a folder, both arms in one pass.

A run that was killed goes on where it stood. Several processes share one: `accelerate launch --num_processes 2 -m eval
run ...`. With `--endpoint`, an OpenAI-compatible server answers.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from eval import serving
from eval.serving import positive
from eval.task_list import PROMPTS, TASKS, find
from medvlm import paths
from medvlm.config import ComputeType, Device, Quantization

if TYPE_CHECKING:
    from eval.answering import Answerer
    from eval.crew import Crew
    from eval.run_info import Weights, Wish

ARMS = {"base": ("base",), "tuned": ("tuned",), "both": ("base", "tuned")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    tasks = ", ".join(TASKS)
    parser.add_argument(
        "task", metavar="TASK", help=f"{tasks}; or a data set, as in phantoms:domain=ct or own:DIR@test"
    )
    parser.add_argument("--model", default="nano", help="catalog name, folder or hub name (default: nano)")
    parser.add_argument("--adapter", help="a folder that training wrote, or a name in assets/adapters; none: the base")
    parser.add_argument("--arm", choices=ARMS, help="default: both where there is an adapter")
    parser.add_argument("--quantization", choices=get_args(Quantization), default="nf4")
    parser.add_argument("--compute-dtype", choices=get_args(ComputeType), default="auto")
    parser.add_argument("--device", choices=get_args(Device), default="auto")
    parser.add_argument("--limit", type=positive, help="only the first so many questions, for a trial")
    parser.add_argument("--prompt", choices=PROMPTS, help="system prompt (default: the task's own)")
    parser.add_argument("--max-tokens", type=positive, help="longest answer (default: the task's own)")
    parser.add_argument("--name", help="the run's folder (default: task, model and a fingerprint)")
    parser.add_argument("--runs", type=Path, default=paths.ROOT / "runs", help="where runs are kept (default: runs/)")
    serving.add_arguments(parser, "--model and --adapter")


def run(chosen: argparse.Namespace) -> int:
    """Answer, score, and print the run's folder."""
    # Only here: torch takes seconds, and a wrong argument should not wait for it.
    from eval import crew, run_info, running
    from eval.run_notes import with_leaks

    wish, together = _wish(chosen), crew.crew(chosen.device)
    task = find(wish.task)
    there, found = run_info.weights(wish), run_info.rows(task, wish.limit)
    info = run_info.info(wish, task, found, there)
    folder = chosen.runs / info.name
    work = running.Work(folder, info, run_info.cases(found, info.system), together)
    if together.first:
        info = running.begin(work)
    together.wait()
    running.answer(work, lambda: _answerer(chosen, wish, there, together))
    together.wait()
    if together.first:
        looks = chosen.runs / "features" / "looks.jsonl"
        running.finish(work, with_leaks(info, found, there.trained_on, looks))
        print(folder)
    return 0


def _wish(chosen: argparse.Namespace) -> "Wish":
    from eval.run_info import Wish

    return Wish(
        task=chosen.task,
        model=chosen.model,
        adapter=None if chosen.adapter in (None, "none") else chosen.adapter,
        arms=ARMS[chosen.arm] if chosen.arm else None,  # type: ignore[arg-type]
        quantization=chosen.quantization,
        compute_dtype=chosen.compute_dtype,
        device=chosen.device,
        prompt=chosen.prompt,
        tokens=chosen.max_tokens,
        limit=chosen.limit,
        endpoint=chosen.endpoint,
        name=chosen.name,
    )


def _answerer(chosen: argparse.Namespace, wish: "Wish", there: "Weights", together: "Crew") -> "Answerer":
    """The server, or the weights in memory."""
    from eval import answering

    if wish.endpoint is not None:
        return answering.Asked(serving.model(chosen, wish.model, wish.adapter), chosen.at_once)
    return answering.local(wish, there, chosen.runs / "features", together.device)
