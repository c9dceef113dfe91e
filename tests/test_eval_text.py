"""A run's account of its words: the corpus' BLEU, hedging and what it is worth, and what another counting changes."""

from dataclasses import replace
from pathlib import Path

import pytest

from eval import __main__ as command
from eval import text
from medvlm import scores
from medvlm.metrics.profiles import METRICS
from medvlm.metrics.similarity import corpus_bleu
from medvlm.scores import Prediction
from tests import judged_runs
from tests.judged_runs import answered


def closed(number: int, said: str, reference: str) -> Prediction:
    return replace(answered(number, "tuned", said), reference=reference, closed=True, choices=("yes", "no"))


# Twelve closed answers that hedge and are wrong, twelve plain ones that are right, two open ones.
GIVEN = [
    *(closed(n, "It may be so, no.", "yes") for n in range(12)),
    *(closed(n, "yes", "yes") for n in range(12, 24)),
    replace(answered(30, "tuned", "the left lung"), reference="left lung"),
    replace(answered(31, "tuned", "a mass in the liver"), reference="a mass in the left liver"),
]


def test_hedging_is_held_against_quality() -> None:
    found = text.account(GIVEN)["tuned"]["hedging"]
    assert (found["texts"], found["hedged"], found["counts"]) == (26, 12, {"may": 12})
    # Plain: twelve right, and F1 1 ("the" goes) and 6/7 (3 of 3 words, 3 of 4) of the open ones.
    assert found["quality"]["hedged"]["value"] == 0.0
    assert found["quality"]["plain"]["value"] == pytest.approx((12 + 1 + 6 / 7 * 1) / 14, abs=0.01)
    assert found["difference"]["value"] < -0.9 and found["difference"]["high"] < 0


def test_bleu_is_the_corpus_and_tells_how_it_was_counted() -> None:
    found = text.account(GIVEN)["tuned"]["wording"]
    spoken = ["the left lung", "a mass in the liver"], ["left lung", "a mass in the left liver"]
    assert found["n"] == 2 and found["bleu2"] == corpus_bleu(*spoken, 2) and "tok:13a" in found["signature"]
    assert found["rougeL"]["n"] == 2 and found["length_ratio"]["value"] == pytest.approx((3 / 2 + 5 / 6) / 2)


def test_flips_are_told_with_their_effect() -> None:
    normal = [closed(n, "the lungs are normal", "no") for n in range(3)]
    found = text.account([*normal, closed(4, "yes", "yes")])["tuned"]["flips"]["compat_closed -> strict_closed"]
    # "normal" holds "no": right for LLaVA-Med, unparsed and so not right for us: 4 of 4 against 1 of 4.
    assert (found["mean_first"], found["mean_second"], found["effect"], found["flips"]) == (1.0, 0.25, -0.75, 3)
    assert found["counted"]["down"] == 3 and found["examples"][0]["answer"] == "the lungs are normal"


@pytest.mark.parametrize("names", text.COUNTED)
def test_what_is_compared_counts_the_same_kind_of_question(names: tuple[str, str]) -> None:
    first, second = (METRICS[name] for name in names)
    assert first.applies == second.applies


def test_the_command_writes_it_beside_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = judged_runs.write(tmp_path / "run", GIVEN)
    assert command.main(["text", str(folder), "--flips", "bleu1", "strict_f1"]) == 0
    told = capsys.readouterr().out
    assert "12 of 26 answers hedge" in told and "BLEU-4" in told and "bleu1 -> strict_f1" in told
    assert scores.read(folder / text.FILE) == text.account(GIVEN, [("bleu1", "strict_f1")])


def test_what_cannot_be_counted_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = judged_runs.write(tmp_path / "run", GIVEN)
    assert command.main(["text", str(folder), "--flips", "bleu9", "strict_f1"]) == 1
    assert "bleu9" in capsys.readouterr().err
    bare = judged_runs.write(tmp_path / "bare", [replace(answered(0, "tuned"), reference="")])
    assert command.main(["text", str(bare)]) == 1
    assert "no question" in capsys.readouterr().err.lower()
