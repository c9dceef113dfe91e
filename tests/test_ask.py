"""`python -m medvlm ask`: one question about one scan, streamed or as JSON."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medvlm import NOT_FOR_DIAGNOSIS, ask, paths
from medvlm.__main__ import main, parser
from medvlm.ask import chosen_slice
from medvlm.imaging import render
from medvlm.page.screen import at_first, drawn
from medvlm.types import Conversation, Decoding, Scan, Spacing, View, Window
from tests.fakes import FakeModel
from tests.tiny_models import picture

TALK = Conversation().with_scan(picture()).asked("What is it?", (View(0),))


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.png"
    Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)).save(path)
    return path


def test_a_record_holds_the_answer_and_what_it_cost() -> None:
    made = ask.record(FakeModel(), TALK, "tuned", Decoding(seed=3))
    assert made["answer"] == "tuned: What is it?" and made["arm"] == "tuned" and made["tokens"] == 4
    assert made["model"] == "fake + fake-med · NF4 · CPU" and made["seed"] == 3
    assert made["seconds"] >= made["seconds_to_first_token"] >= 0
    assert made["notes"] == [] and made["label"] == NOT_FOR_DIAGNOSIS


def test_both_arms_are_one_object() -> None:
    made = ask.both([ask.record(FakeModel(), TALK, arm, Decoding()) for arm in ("base", "tuned")])
    assert made["base"]["answer"].startswith("base:") and made["tuned"]["answer"].startswith("tuned:")


def test_the_text_streams_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    ask.tell(FakeModel(), TALK, "base", Decoding(), heading=True)
    assert capsys.readouterr().out == "[base]\nbase: What is it?\n"


@pytest.mark.parametrize(
    ("wanted", "there", "chosen"),
    [
        (None, ("base", "tuned"), ("tuned",)),
        (None, ("base",), ("base",)),
        ("base", ("base", "tuned"), ("base",)),
        ("both", ("base", "tuned"), ("base", "tuned")),
    ],
)
def test_without_a_wish_the_tuned_arm_answers(wanted: Any, there: Any, chosen: Any) -> None:
    assert ask.chosen_arms(wanted, there) == chosen


def test_every_option_is_read() -> None:
    words = (
        "ask x.dcm Why? --arm both --json --seed 4 --max-tokens 9 --base nano --adapter none --quantization none "
        "--temperature 0.5 --top-p 0.8 --domain ct --device cpu --slice 3"
    )
    chosen = vars(parser().parse_args(words.split()))
    assert chosen["seed"] == 4 and chosen["max_tokens"] == 9 and chosen["domain"] == "ct" and chosen["slice"] == 3
    assert (chosen["temperature"], chosen["top_p"], chosen["adapter"]) == (0.5, 0.8, "none")


@pytest.mark.parametrize("words", ["ask", "ask x y --arm other", "ask x y --max-tokens 0", "ask x y --domain foot"])
def test_wrong_options_are_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(words.split())
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["missing.png", "?"], "missing.png cannot be read"),
        (["{scan}", "?", "--slice", "2"], "has slices 1 to 1"),
        (["{scan}", "?", "--base", "no-such-model"], "no model 'no-such-model'"),
        (["{scan}", "?", "--adapter", "/nowhere"], "is not an adapter"),
    ],
)
def test_mistakes_are_one_sentence(scan: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", *(word.format(scan=scan) for word in words)]) == 1
    printed = capsys.readouterr()
    assert says in printed.err and printed.err.count("\n") == 1 and not printed.out


def test_a_domain_that_is_named_is_the_users(scan: Path) -> None:
    chosen = parser().parse_args(["ask", str(scan), "?", "--domain", "histology"])
    (read,) = ask._conversation(chosen).scans
    assert (read.domain, read.domain_source) == ("histology", "user")
    assert isinstance(chosen, argparse.Namespace)


def test_nano_answers_about_an_example_in_json(nano_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = sorted(paths.EXAMPLES.glob("*.dcm"))[0]
    assert main(["ask", str(example), "What is this?", "--json", "--max-tokens", "4"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["answer"] and 0 < made["tokens"] <= 4 and made["model"].startswith("nano")
    assert made["label"] == NOT_FOR_DIAGNOSIS and made["notes"]


def test_without_a_wish_it_is_the_slice_that_the_page_begins_with() -> None:
    slices = tuple(np.arange(48, dtype=np.int16).reshape(6, 8) + n for n in range(9))
    scan = Scan(slices, "ct", "file", "0" * 64, "CT", window=Window(60, 30))
    assert chosen_slice(None, scan) == at_first(scan).slice == 4
    assert chosen_slice(9, scan) == 8


def test_the_model_gets_the_pixels_that_the_page_would_give_it() -> None:
    slices = tuple(np.arange(48, dtype=np.int16).reshape(6, 8) + n for n in range(3))
    scan = Scan(slices, "ct", "file", "0" * 64, "CT", spacing=Spacing(2.0, 1.0), window=Window(60, 30))
    for number in (0, 2):
        talk = ask.asked(scan, number, "What is it?")
        shown = drawn(scan, replace(at_first(scan), slice=number))
        assert shown.shape == (12, 8, 3), "pixels are made square"
        assert np.array_equal(render(talk.scans[0], 0), shown) and talk.turns[0].views == (View(0),)
