"""A server instead of weights: the options that every command takes for one, and the model behind them."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medvlm.remote import RemoteModel


def add_arguments(parser: argparse.ArgumentParser, named: str, at_once: int = 8) -> None:
    """`named`: what the server has, for the help, such as "--model and --adapter"."""
    parser.add_argument("--endpoint", metavar="URL", help=f"an OpenAI-compatible server that has {named}")
    parser.add_argument("--at-once", type=positive, default=at_once, help="questions in flight (default: %(default)s)")
    parser.add_argument("--per-minute", type=positive, metavar="N", help="begin at most so many requests a minute")
    parser.add_argument("--most-requests", type=positive, metavar="N", help="stop after so many requests")
    parser.add_argument("--most-tokens", type=positive, metavar="N", help="stop after so many tokens, in and out")


def model(chosen: argparse.Namespace, base: str, tuned: str | None = None) -> "RemoteModel":
    """What the server answers as `base`, and as `tuned`. Raises ConfigError for what is no address."""
    from medvlm.remote import Budget, RemoteModel

    budget = Budget(requests=chosen.most_requests, tokens=chosen.most_tokens)
    return RemoteModel(chosen.endpoint, base, tuned, budget=budget, per_minute=chosen.per_minute)


def positive(text: str) -> int:
    """A number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number
