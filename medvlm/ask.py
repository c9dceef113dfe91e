"""One question about one scan, in the terminal: `python -m medvlm ask SCAN QUESTION`."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.chat import Answered, answer
from medvlm.errors import UserError
from medvlm.imaging import read
from medvlm.page.screen import at_first, shot
from medvlm.page.viewing import start_of
from medvlm.types import Arm, ChatModel, Conversation, Decoding, Domain, Scan, View

if TYPE_CHECKING:
    from medvlm.model import LocalModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `ask` takes."""
    default = Decoding()
    parser.add_argument("scan", metavar="SCAN", help="a picture or a DICOM file")
    parser.add_argument("question", metavar="QUESTION")
    parser.add_argument("--arm", choices=["base", "tuned", "both"], help="default: tuned, where there is an adapter")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of streaming text")
    parser.add_argument("--domain", choices=get_args(Domain.__value__ if hasattr(Domain, "__value__") else Domain))
    parser.add_argument("--slice", type=int, help="of a stack, from 1 (default: the one that the page shows first)")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--max-tokens", type=_positive, default=default.max_tokens)
    parser.add_argument("--temperature", type=float, default=default.temperature, help="0 (default) is greedy")
    parser.add_argument("--top-p", type=float, default=default.top_p)
    parser.add_argument("--base", default="nano", help="catalog name, folder or hub name (default nano)")
    parser.add_argument(
        "--adapter", help="adapter folder or name; 'none' for the base alone (default: nano-med for nano)"
    )
    parser.add_argument("--quantization", choices=["nf4", "int8", "none"], default="nf4")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def run(arguments: argparse.Namespace) -> None:
    """Load, ask, print. Raises UserError with what to do."""
    conversation = _conversation(arguments)
    model = _model(arguments)
    decoding = Decoding(
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        max_tokens=arguments.max_tokens,
        seed=arguments.seed,
    )
    arms = chosen_arms(arguments.arm, model.arms)
    if arguments.json:
        records = [record(model, conversation, arm, decoding) for arm in arms]
        print(json.dumps(records[0] if len(records) == 1 else both(records), ensure_ascii=False, indent=1))
    else:
        for arm in arms:
            tell(model, conversation, arm, decoding, heading=len(arms) > 1)
        print(f"\n{model.badge} · {NOT_FOR_DIAGNOSIS}")


def chosen_arms(wanted: str | None, there: Sequence[Arm]) -> tuple[Arm, ...]:
    """The arms to ask, in order; without a wish, the tuned one where there is one."""
    if wanted == "both":
        return ("base", "tuned")
    if wanted is None:
        return (there[-1],)
    return ("base",) if wanted == "base" else ("tuned",)


def record(model: ChatModel, conversation: Conversation, arm: Arm, decoding: Decoding) -> dict[str, Any]:
    """One answer with what it cost, for JSON."""
    *_, last = answer(model, conversation, arm, decoding)
    assert isinstance(last, Answered)
    return {
        "answer": last.text,
        "arm": arm,
        "tokens": last.report.tokens,
        "seconds": round(last.report.seconds, 3),
        "seconds_to_first_token": round(last.report.seconds_to_first_token, 3),
        "ended": last.report.ended,
        "model": getattr(model, "badge", model.name),
        "seed": decoding.seed,
        "notes": [*conversation.scans[0].notes, *last.report.notes],
        "label": NOT_FOR_DIAGNOSIS,
    }


def both(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The answers of both arms as one object, by arm."""
    return {**{made["arm"]: made for made in records}, "label": NOT_FOR_DIAGNOSIS}


def tell(model: ChatModel, conversation: Conversation, arm: Arm, decoding: Decoding, heading: bool) -> None:
    """Stream one answer to the terminal."""
    if heading:
        print(f"[{arm}]")
    shown = ""
    for step in answer(model, conversation, arm, decoding):
        if isinstance(step, Answered):
            print()
            for note in step.report.notes:
                print(f"({note})")
        else:
            print(step.text[len(shown) :], end="", flush=True)
            shown = step.text


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _conversation(arguments: argparse.Namespace) -> Conversation:
    path = Path(arguments.scan).expanduser()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    scan = read(data, path.name)
    if arguments.domain:
        scan = scan.as_domain(arguments.domain, "user")
    return asked(scan, chosen_slice(arguments.slice, scan), arguments.question)


def asked(scan: Scan, number: int, question: str) -> Conversation:
    """The question about one slice (from 0), which the model gets as the page would show it at first."""
    picture = shot(scan, replace(at_first(scan), slice=number))
    return Conversation().with_scan(picture).asked(question, (View(0),))


def chosen_slice(number: int | None, scan: Scan) -> int:
    """From 0."""
    if number is None:
        return start_of(scan)
    if not 1 <= number <= len(scan.slices):
        raise UserError(f"--slice {number}: {scan.name} has slices 1 to {len(scan.slices)}.")
    return number - 1


def _model(arguments: argparse.Namespace) -> "LocalModel":
    from medvlm.catalog import default_adapter
    from medvlm.model import LocalModel

    adapter = arguments.adapter if arguments.adapter is not None else default_adapter(arguments.base)
    if adapter == "none":
        adapter = None
    return LocalModel.load(
        arguments.base, adapter, device=arguments.device, quantization=arguments.quantization, keep_warm=False
    )
