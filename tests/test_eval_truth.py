"""Free text about drawn pictures, scored by what is in them."""

from dataclasses import replace
from pathlib import Path

import pytest

from eval import __main__ as command
from eval import truth
from eval.nano import drawn
from medvlm import scores
from tests import judged_runs
from tests.judged_runs import answered, given


def test_free_text_about_drawn_pictures_is_scored_without_a_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caption = drawn.caption_of("phantom:cxr:0")  # a central line
    said = {"right": caption, "wrong": "There is a pneumothorax.", "nothing": "What is this?"}
    shown = [
        replace(answered(n, "tuned", text), image="phantom:cxr:0", reference="x")
        for n, text in enumerate(said.values())
    ]
    closed = replace(answered(9, "tuned", "yes"), image="phantom:cxr:0", closed=True)
    folder = judged_runs.write(tmp_path / "run", [*shown, closed], replace(judged_runs.INFO, arms=("tuned",)))
    assert command.main(["truth", str(folder)]) == 0
    assert command.main(["truth", str(folder)]) == 0
    assert scores.read_info(folder).notes == (truth.READER,), "what its reader is worth is said wherever it is shown"
    assert [given(folder, "truth")[f"q{n}", "tuned"] for n in range(3)] == [1.0, 0.0, 0.0]
    assert ("q9", "tuned") not in given(folder, "truth"), "closed answers are for the strict metrics"
    assert given(folder, "truth_recall")["q1", "tuned"] == 0.0
    assert truth.READER in capsys.readouterr().out
    nothing = judged_runs.write(tmp_path / "nothing")
    assert command.main(["truth", str(nothing)]) == 1


def test_what_the_reader_of_texts_is_worth_is_told_as_it_was_measured() -> None:
    """The sentence holds the numbers that docs/metrics.md has and tests/test_claims.py measures."""
    text = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    for number in ("58/58, 58/58", "10/19, 10/15"):
        assert number in text
    assert "58 of 58" in truth.READER and "10 of 19" in truth.READER and "10 of 15" in truth.READER


def test_a_run_that_still_goes_on_is_scored_by_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its end would write over what is said of it, and half of its answers would be taken for all."""
    folder = judged_runs.write(tmp_path, None, replace(judged_runs.INFO, state="running"))
    for given_ in (["truth", str(folder)], ["judge", str(folder), "--endpoint", "http://127.0.0.1:9", "--model", "x"]):
        assert command.main(given_) == 1
        assert "is unfinished" in capsys.readouterr().err
