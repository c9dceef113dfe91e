"""What `python -m train corpus` can be told."""

import argparse
import os
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help="folder of papers: JATS XML with pictures, .tar.gz packages, PDF")
    parser.add_argument("--out", type=Path, required=True, help="folder for the shards")
    add_filters(parser)
    parser.add_argument("--held-out", type=float, help="share of articles kept back for testing (default: 0.05)")
    parser.add_argument("--each", type=int, help="figures a shard (default: 1000)")
    parser.add_argument("--batch", type=int, help="papers that a process takes at a time (default: 32)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--engine", choices=("processes", "ray"), default="processes")
    parser.add_argument("--address", default="", help="of the Ray cluster (default: this machine alone)")


def add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--licence", nargs="+", help="allowed licences (default: CC0 CC-PDM CC-BY CC-BY-SA)")
    parser.add_argument("--language", nargs="+", help="languages of captions (default: en)")
    parser.add_argument("--any-language", action="store_true", help="keep captions in every language")
    parser.add_argument("--smallest", type=int, help="fewest pixels of the shorter side (default: 160)")
    parser.add_argument("--panels", action="store_true", help="keep figures of several panels")
    parser.add_argument("--classifier", help="MODULE:FUNCTION in place of the rules, or none to keep charts")
    parser.add_argument("--topic", help="regular expression that title, abstract, keywords or caption must hold")
