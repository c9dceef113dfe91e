"""A teacher's text becomes data only where it holds: every fault has its name, and nothing is asked for twice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medvlm.claims.statements import Exchange
from medvlm.endpoint import Budget
from medvlm.errors import ConfigError, UserError
from medvlm.teacher import Teacher
from medvlm.types import Conversation, Decoding
from tests.generate_cases import CYST, GOOD, MASS, Reply, Scripted, made
from train import examples
from train.generate import faults, plan, prompts
from train.generate.align import Align
from train.generate.arguments import TASKS
from train.generate.faults import Fault
from train.generate.instruct import Instruct
from train.generate.making import ANY, FAILURES, TRIES, Shelf
from train.generate.sources import Source


def instruct() -> Instruct:
    return Instruct(turns=3, seed=0)


def test_a_dialogue_is_freed_of_talk_about_a_text_and_what_cannot_be_freed_is_left_out(tmp_path: Path) -> None:
    model, task = Scripted(GOOD), instruct()
    tally, kept = made(task, model, tmp_path, CYST)
    assert tally.kept == 1 and not tally.faults and task.cut["phrases"] == 1
    said = (Exchange("What kind of picture is it?", "It is a CT scan."), Exchange("Where is the cyst?", "On the left."))
    assert kept.all == [("cyst", said)]
    talk, _ = model.asked[0]
    assert [turn.role for turn in talk.turns] == ["user", "assistant"] * len(prompts.EXAMPLES) + ["user"]
    told = talk.turns[-1].text
    assert "| Axial CT scan of the liver" in told and "| It was large (Fig. 2)." in told and "Figure 2" not in told
    assert talk.scans == (), "the teacher sees text alone"


LOOP = "Q1: Where is it?\nA1: " + "The mass lies in the lobe. " * 12
MISBEHAVING: list[tuple[Reply, Fault]] = [
    ("", "empty"),
    ("<think>They want questions. " + GOOD, "empty"),
    ((GOOD, "length"), "endless"),
    ((LOOP, "length"), "repeats"),
    ("I'm sorry, but I cannot look at pictures.", "refusal"),
    ("Q1: Was ist das für ein Bild?\nA1: Das ist ein CT der Leber mit einer Zyste und ohne Blutung.", "language"),
    ("Q1: 这是什么?\nA1: 这是一张肝脏的断层图像。", "language"),
    ("This is a CT scan of the liver, which shows a cyst.", "format"),
    ('{"questions": [{"question": "What is it?", "ans', "format"),
    (prompts.numbered(prompts.EXAMPLES[0][1]), "example"),
    ("Q1: What does the caption say?\nA1: A cyst.\nQ2: Is it mentioned?\nA2: Yes, in the text.", "giveaway"),
    ("Q1: What is it?\nA1: A CT scan.", "too short"),
    ("Q1: What is it?\nA1: This is a cyst.\nQ2: What is that?\nA2: This is a cyst.", "repeats"),
    (UserError("status 500"), "server"),
]


@pytest.mark.parametrize(("reply", "fault"), MISBEHAVING)
def test_a_misbehaving_teacher_is_asked_again_named_and_dropped(reply: Reply, fault: Fault, tmp_path: Path) -> None:
    model = Scripted(*[reply] * TRIES, GOOD)
    tally, kept = made(instruct(), model, tmp_path, CYST, MASS, wanted=1)
    assert tally.faults == {fault: TRIES} and tally.dropped == {fault: 1}
    assert [name for name, _ in kept.all] == ["mass"], "the next source takes the place of the one that was dropped"
    assert fault in faults.MEANINGS and len({drawn.seed for _, drawn in model.asked[:TRIES]}) == TRIES


def test_a_second_try_is_drawn_otherwise_and_may_make_good(tmp_path: Path) -> None:
    model = Scripted("Nothing.", "The cyst lies in the left part of the liver.")
    task = Align(0)
    tally, _ = made(
        task, Scripted("As the text mentions.", "Axial CT with a cyst."), tmp_path / "a", CYST, kind="caption"
    )
    assert tally.kept == 1 and tally.faults == {"giveaway": 1} and not tally.dropped
    tally, _ = made(instruct(), model, tmp_path / "b", replace(CYST, mentions=()), kind="detailed description")
    assert (
        tally.dropped == {"too short": 1} and model.asked[0][0].turns[-1].text.splitlines()[-1][2:] in examples.DETAILED
    )
    assert prompts.again(prompts.EXACT, 1).temperature > 0 == prompts.EXACT.temperature


def test_a_server_that_is_gone_ends_the_work_and_keeps_what_was_made(tmp_path: Path) -> None:
    given = [replace(CYST, id=f"cyst-{number}") for number in range(9)]
    given = [replace(one, caption=f"{one.caption} Number {n}.") for n, one in enumerate(given)]
    tally, kept = made(instruct(), Scripted(GOOD, UserError("The server is gone.")), tmp_path, *given)
    assert tally.stopped == "The server is gone." and len(kept.all) == 1 and tally.faults["server"] == FAILURES


def test_a_spent_budget_or_a_kill_costs_nothing_that_was_answered(tmp_path: Path) -> None:
    given = [replace(CYST, id=str(number), caption=f"CT scan {number} of the liver.") for number in range(4)]
    tally, kept = made(instruct(), Scripted(GOOD), tmp_path, *given, budget=Budget(requests=2))
    assert "budget of 2 requests" in tally.stopped and len(kept.all) == tally.kept == 2 and not tally.dropped
    with pytest.raises(KeyboardInterrupt):
        made(instruct(), Scripted(GOOD, KeyboardInterrupt()), tmp_path, *given)
    again = Scripted(GOOD)
    tally, kept = made(instruct(), again, tmp_path, *given)
    assert tally.kept == 4 and len(again.asked) == 1


def test_quotas_by_domain_and_kind_are_filled_and_what_is_missing_is_told() -> None:
    given = [Source(f"{domain}-{n}", "A scan.", domain=domain) for domain in ("ct", "mri", "other") for n in range(4)]
    three = plan.read("instruct", None, {"count": 8, "domains.ct": 1.0, "domains.mri": 2.0})
    wanted = plan.wanted(three, len(given))
    assert sum(wanted.values()) == 8 and wanted[("mri", "conversation")] == 4
    shelf = Shelf(given, wanted, 0)
    taken = shelf.take(100)
    assert len(taken) == 3 + 4 and len({one.source.id for one in taken}) == len(taken)
    assert sum(shelf.missing().values()) == 1, "five were wanted of four MRI scans"
    shelf.reopen(taken[0].slot)
    assert sum(shelf.missing().values()) == 2
    orders = [[one.source.id for one in Shelf(given, {(ANY, None): 12}, seed).take(12)] for seed in (0, 0, 1, None)]
    assert orders[0] == orders[1] != orders[2] and orders[3] == [one.id for one in given]


@pytest.mark.parametrize(
    ("name", "count", "mentions"), [("10k", 10_000, False), ("60k", 60_000, False), ("60k-im", 60_000, True)]
)
def test_the_paper_s_variants_come_from_one_plan_each(name: str, count: int, mentions: bool) -> None:
    read = plan.read("instruct", f"instruct-{name}", {})
    assert (read.count, read.mentions) == (count, mentions)
    wanted = plan.wanted(read, 10**6)
    assert {domain for domain, _ in wanted} == {"cxr", "ct", "mri", "histology", "gross"}
    assert sum(wanted.values()) == count and len(set(wanted.values())) == 2


def test_plans_are_checked_and_belong_to_their_task() -> None:
    for path in plan.CONFIGS.glob("*.toml"):
        task = next(task for task in TASKS if path.stem.startswith(task))
        assert plan.read(task, path.stem, {}).source.startswith("seed")
    with pytest.raises(ConfigError, match="plan for `generate instruct`"):
        plan.read("align", "instruct-10k", {})
    with pytest.raises(ConfigError, match="turns is 1") as found:
        plan.read("instruct", None, {"turns": 1, "count": 0, "domains.ct": -1.0})
    assert "count is 0" in str(found.value) and "domains.ct is -1.0" in str(found.value)


def test_a_model_on_this_machine_says_the_same_in_any_company(tmp_path: Path) -> None:
    from medvlm.teacher import Asked
    from tests.tiny_models import write_model
    from train.generate.local import TextModel

    model = TextModel.load(str(write_model(tmp_path / "tiny", context=600)))

    def ask(text: str, **way: Any) -> Asked:
        return Asked(Conversation().asked(text), Decoding(max_tokens=12, **way))

    asked: Sequence[Asked] = [
        ask("one", temperature=0.9, seed=1),
        ask("a longer one", temperature=0.9, seed=2),
        ask("one"),
    ]
    together = model.answer_all(asked)
    assert [model.answer_all([one])[0] for one in asked] == together
    assert together[0].text != together[2].text and {one.ended for one in together} <= {"end", "length"}
    assert model.answer_all([ask("one", temperature=0.9, top_p=1e-9, seed=7)])[0].text == together[2].text
    with pytest.raises(UserError, match="has room for 600 tokens"):
        model.answer_all([ask("long " * 200)])
    with Teacher(model, tmp_path / "r.jsonl", 1, at_once=2) as teacher:
        assert teacher.ask(asked[2].conversation, asked[2].decoding) == together[2].text
