"""What `python -m train generate` can be told."""

import argparse
from pathlib import Path
from typing import Literal, get_args

TaskName = Literal["align", "instruct", "reason", "filter"]
TASKS: tuple[TaskName, ...] = get_args(TaskName)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", choices=TASKS, help="what is made")
    parser.add_argument("source", help="phantoms:N, a corpus or an earlier folder, a CSV or JSONL file, a data set")
    parser.add_argument("--out", type=Path, required=True, help="the folder that is written; train on own:FOLDER")
    parser.add_argument(
        "--teacher",
        required=True,
        help="'rules', a model (catalog name, folder, hub name), or with --endpoint its name",
    )
    parser.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible server that has the teacher")
    parser.add_argument("--config", metavar="PLAN", help="a TOML file, or a name in train/configs/generate")
    parser.add_argument("--count", type=int, help="dialogues that are wanted (default: the plan's, or all)")
    parser.add_argument("--seed", type=int, help="draws sources and wordings (default: 0)")
    parser.add_argument(
        "--mentions", action=argparse.BooleanOptionalAction, help="tell what the paper says of a figure"
    )
    parser.add_argument("--requests", type=int, metavar="N", help="ask the teacher at most so often in this call")
    parser.add_argument("--tokens", type=int, metavar="N", help="stop after so many tokens, in and out, in this call")
    parser.add_argument("--at-once", type=int, default=4, help="questions in flight, or in a batch (default: 4)")
