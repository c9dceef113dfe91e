"""`eval judge` through a server: what it prints, and what a server that misbehaves costs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eval import __main__ as command
from medvlm import scores
from medvlm.judging import records
from tests import judged_runs
from tests.judged_runs import SAID, answered, given
from tests.serving import Body, Fault, serving


def test_without_a_judge_the_command_says_that_nano_does_not_judge(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["judge", "runs/any"]) == 1
    told = capsys.readouterr().err
    assert "nano" in told and "--endpoint" in told and "eval truth" in told


def test_the_command_judges_through_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = judged_runs.write(tmp_path / "run")
    with serving(lambda body: SAID["llava-med"]) as server:
        arguments = ["judge", str(folder), "--endpoint", server.url, "--model", "big", "--decoding", "low-temperature"]
        assert command.main([*arguments, "--audit", "2"]) == 0
        asked = len(server.bodies)
        assert command.main([*arguments, "--audit", "2"]) == 0
    assert asked == len(server.bodies) == 12 + 2 * 2
    assert {body["temperature"] for body in server.bodies} == {0.2}
    assert "0 of 12 verdicts unparsed" in capsys.readouterr().out
    assert command.main(["judge-audit", str(folder)]) == 0
    assert "order" in capsys.readouterr().out


# What a server's judge may do instead of judging -> whether its answers are scored.
@pytest.mark.parametrize(
    ("says", "is_scored"),
    [
        (lambda body: "", False),
        (lambda body: "I'm sorry, but I can't help with medical content.", False),
        (lambda body: "Let me think about this. " * 60 + "The scores are eight and six.", False),
        (lambda body: "Let me think about this. " * 20 + "\n8 6\nThat is all.", True),
        (lambda body: "Assistant 2: 6, Assistant 1: 8", False),  # the order was swapped: no guess which is which
        (lambda body: body["messages"][-1]["content"], False),
        (lambda body: '{"score": 8}', False),
    ],
    ids=["empty", "refusing", "verbose", "verbose with a verdict", "swapped", "parroting", "another form"],
)
def test_misbehaving_servers_earn_no_score(says: Callable[[Body], str], is_scored: bool, tmp_path: Path) -> None:
    folder = judged_runs.write(tmp_path / "run", [answered(0, "base")])
    with serving(says) as server:
        arguments = ["judge", str(folder), "--endpoint", server.url, "--model", "big"]
        assert command.main(arguments) == 0
        assert len(server.bodies) == (1 if is_scored else 2), "an unparsed reply is asked for once more"
    values = [score.value for score in scores.read_run(folder).scores]
    assert values and all((value is not None) == is_scored for value in values)
    (kept,) = records.read(records.files(folder, "llava-med", "first"))
    assert len(kept.judgement.replies) == len(server.bodies), "every raw reply is kept"


def test_a_server_that_refuses_one_case_leaves_it_open_and_the_next_call_asks_it(tmp_path: Path) -> None:
    folder = judged_runs.write(tmp_path / "run", [answered(0, "base"), answered(1, "base")])
    faults: list[Fault] = ["400"]
    with serving(lambda body: SAID["llava-med"], faults) as server:
        arguments = ["judge", str(folder), "--endpoint", server.url, "--model", "big", "--at-once", "1"]
        assert command.main(arguments) == 0
        assert [s.sample_id for s in scores.read_run(folder).scores if s.metric.endswith("first")] == ["q1"]
        assert command.main(arguments) == 0
    assert len(given(folder, "judge_llava_med_first")) == 2


def test_a_server_that_is_gone_stops_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = judged_runs.write(tmp_path / "run")
    with serving(lambda body: SAID["llava-med"], ["404"] * 40) as server:
        assert command.main(["judge", str(folder), "--endpoint", server.url, "--model", "big"]) == 1
    assert capsys.readouterr().err
