"""A teacher's text becomes data only where it holds: every fault has its name, and nothing is asked for twice."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medvlm import datasets, scores
from medvlm.datasets import corpus
from medvlm.endpoint import Budget
from medvlm.errors import ConfigError, DatasetError, UserError
from medvlm.queueing import Answer, Channel, Line
from medvlm.statements import Exchange
from medvlm.teacher import Teacher
from medvlm.types import Arm, Conversation, Decoding, EndReason, Report
from tests.serving import Body, serving
from train import __main__ as train
from train import examples
from train.corpus import records
from train.generate import counting, faults, plan, prompts, rules, sources
from train.generate.align import Align
from train.generate.arguments import TASKS
from train.generate.faults import Fault
from train.generate.filtering import Filter
from train.generate.instruct import Instruct
from train.generate.making import ANY, FAILURES, TRIES, Request, Shelf, Tally, Task, make
from train.generate.output import REPLIES
from train.generate.reason import ANSWER, Reason, each
from train.generate.sources import Kind, Source
from train.recipe import Data

CYST = Source(
    "cyst", "Figure 2: Axial CT scan of the liver with a 2 cm cyst on the left.", ("It was large (Fig. 2).",), "ct"
)
MASS = Source("mass", "Coronal T1 MRI scan of the brain with a mass in the right frontal lobe.", (), "mri")
GOOD = (
    "Q1: What kind of picture is it?\nA1: The caption says that it is a CT scan.\nQ2: Where is the cyst?\n"
    "A2: On the left.\nQ3: What does the caption add?\nA3: Nothing."
)
Reply = str | UserError | BaseException | tuple[str, EndReason]


class Scripted:
    """A teacher that says one thing after the other, the last one for ever, and may misbehave in every way."""

    name = "scripted"

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[Conversation, Decoding]] = []
        self._lock = threading.Lock()

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding) -> Answer:
        with self._lock:
            self.asked.append((conversation, decoding))
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return Answer(Line(), lambda channel: self._say(channel, reply))

    def _say(self, channel: Channel, reply: Reply) -> None:
        if isinstance(reply, BaseException):
            raise reply
        text, ended = (reply, "end") if isinstance(reply, str) else reply
        channel.put(text)
        channel.end(Report(len(text.split()), 3, 0, 0.0, 0.0, ended))


class Kept:
    """What `make` handed over."""

    def __init__(self) -> None:
        self.all: list[tuple[str, tuple[Exchange, ...]]] = []

    def __call__(self, due: Request, said: tuple[Exchange, ...]) -> Fault | None:
        self.all.append((due.source.id, said))
        return None


def made(
    task: Task, model: Scripted, path: Path, *given: Source, kind: Kind = "conversation", wanted: int = 9, **more: Any
) -> tuple[Tally, Kept]:
    """The task on sources in their order, one question at a time."""
    kept = Kept()
    with Teacher(model, path / "replies.jsonl", 1, **more) as teacher:
        return make(task, Shelf(given, {(ANY, kind): wanted}, None), teacher, kept), kept


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


YES = Exchange("Is there a cyst in the liver?", "Yes, there is a cyst.")
STEPS = "1. The picture is a CT scan of the liver.\n2. A round dark area lies on the left, which is a cyst.\n"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (STEPS + "Answer: Yes", None),
        (STEPS, None),
        (STEPS + "Answer: No, there is none.", "answer changed"),
        ("The picture is a CT scan of the liver.\nThere is no cyst in it.\nAnswer: Yes", "contradiction"),
        ("As the caption and the text mention, a cyst can be seen by all.\nAnswer: Yes", "giveaway"),
        ("Answer: Yes", "too short"),
    ],
)
def test_reasoning_ends_with_the_very_answer_or_is_dropped(reply: str, outcome: Fault | None, tmp_path: Path) -> None:
    source = replace(CYST, exchanges=(YES,))
    tally, kept = made(Reason(), Scripted(reply), tmp_path, source, kind="reasoning")
    assert tally.dropped == ({outcome: 1} if outcome else {})
    for _, said in kept.all:
        lines = said[0].answer.splitlines()
        assert said[0].question == YES.question and lines[-1] == ANSWER + YES.answer and not lines[0].startswith("1")


def test_each_answer_is_reasoned_for_by_itself_and_a_source_without_one_is_refused(tmp_path: Path) -> None:
    two = list(each([replace(CYST, exchanges=(YES, YES)), MASS]))
    assert [one.id for one in two] == ["cyst-1", "cyst-2"]
    tally, _ = made(Reason(), Scripted(STEPS), tmp_path, MASS, kind="reasoning")
    assert tally.dropped == {"format": 1}


def dialogue(*said: tuple[str, str], caption: str = CYST.caption, kind: Kind = "conversation") -> Source:
    return replace(CYST, caption=caption, exchanges=tuple(Exchange(*one) for one in said), kind=kind)


FINE = ("What kind of picture is it?", "It is a CT scan.")
COPIED = "In this patient an axial CT scan of the liver with a 2 cm cyst on the left was made after the first visit."
FILTERED: list[tuple[Source, str, Fault | None]] = [
    (dialogue(FINE), "Good.\nScore: 8", None),
    (dialogue(FINE), "Bad.\nScore: 2", "score"),
    (dialogue(FINE), "It is fine.", "format"),
    (dialogue(("Is there a cyst?", "No, there is no cyst.")), "Score: 9", "contradiction"),
    (
        dialogue(("Is there a mass?", "Yes."), caption="CT of a liver. There is a cyst, no mass."),
        "Score: 9",
        "contradiction",
    ),
    (dialogue(("Is there a cyst?", "Yes."), caption="CT without contrast with a cyst, no mass."), "Score: 9", None),
    (dialogue(("Is there a cyst?", "Yes, there is a cyst."), ("Is there a cyst?", "No.")), "Score: 9", "contradiction"),
    (dialogue(("Anything else?", "Yes, there is a fracture.")), "Score: 9", "unsupported"),
    (dialogue(("What?", "The caption names a cyst.")), "Score: 9", "giveaway"),
    (dialogue(("What?", "...")), "Score: 9", "empty"),
    (dialogue(("What?", "Das ist ein Bild der Leber mit einer Zyste und ohne Blutung.")), "Score: 9", "language"),
    (dialogue(("What?", "It is dark there. " * 20)), "Score: 9", "repeats"),
    (dialogue(("What?", COPIED), caption=COPIED), "Score: 9", "copied"),
    (dialogue(("Describe it.", COPIED), caption=COPIED, kind="detailed description"), "Score: 9", None),
]


@pytest.mark.parametrize(("source", "judged", "fault"), FILTERED)
def test_a_filter_names_why_a_dialogue_is_left_out(
    source: Source, judged: str, fault: Fault | None, tmp_path: Path
) -> None:
    model = Scripted(judged)
    tally, kept = made(Filter(6), model, tmp_path, source, kind=source.kind)
    assert tally.dropped == ({fault: 1} if fault else {})
    assert len(model.asked) == {None: 1, "score": 1, "format": TRIES}.get(fault, 0), (
        "rules come first, judges are not begged"
    )
    assert kept.all == ([] if fault else [("cyst", source.exchanges)])


def test_the_same_long_dialogue_under_another_caption_is_a_duplicate(tmp_path: Path) -> None:
    long = dialogue(
        FINE, ("What does it show?", " ".join(["It shows", *"abcdefghijklmnopqrstuvwxyz", "and the liver of a man."]))
    )
    model = Scripted("Score: 7")
    given = [
        replace(one, caption=caption) for one in (long, dialogue(FINE)) for caption in ("A CT.", "A CT.", "Another CT.")
    ]
    tally, _ = made(Filter(6), model, tmp_path, *given)
    assert tally.kept == 5 and tally.dropped == {"duplicate": 1}


def write_pairs(folder: Path, *rows: dict[str, Any]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.png").write_bytes(b"a picture's bytes")
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


LONG = "Figure 4. " + "Axial CT scan of the chest with a nodule in the right upper lobe. " * 3
ROW = {"id": "p/1", "image": "a.png", "licence": "CC-BY-4.0", "credit": "A. Author", "article": "PMC1", "domain": "ct"}


def test_align_asks_briefly_or_in_detail_at_thirty_words_and_training_reads_it(tmp_path: Path) -> None:
    address = write_pairs(tmp_path / "in", {**ROW, "caption": LONG}, {**ROW, "id": "p2", "caption": "Fig. 1A: A CT."})
    out = tmp_path / "out"
    command = ["generate", "align", address, "--out", str(out), "--teacher", "rules"]
    assert train.main(command) == 0
    by = {row["source"]: row for row in scores.rows(out / "data.jsonl")}
    assert by["p-1"]["question"] in examples.DETAILED and by["p2"]["question"] in examples.BRIEF
    assert by["p2"]["answer"] == "A CT." and by["p-1"]["answer"].startswith("Axial CT")
    for row in by.values():
        assert (row["teacher"], row["prompt_version"], row["licence"]) == ("rules", prompts.PROMPT_VERSION, "CC-BY-4.0")
        assert (row["article"], row["credit"], row["kind"]) == ("PMC1", "A. Author", "caption")
    loaded = datasets.load(f"own:{out}", "train", "train").samples
    assert len(loaded) == 2 and all(Path(one.image).read_bytes() == b"a picture's bytes" for one in loaded)
    first = (out / "data.jsonl").read_bytes()
    assert train.main(command) == 0 and (out / "data.jsonl").read_bytes() == first
    assert train.main([*command, "--seed", "5"]) == 1, "another job needs another folder"


def test_the_whole_chain_runs_by_rules_and_a_dialogue_is_learnt_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, why, good = tmp_path / "said", tmp_path / "why", tmp_path / "good"
    rule = ["--teacher", "rules"]
    assert train.main(["generate", "instruct", "phantoms:10", "--out", str(said), "--count", "8", *rule]) == 0
    assert train.main(["generate", "reason", str(said), "--out", str(why), *rule]) == 0
    assert train.main(["generate", "filter", str(said), "--out", str(good), *rule]) == 0
    assert "dialogues" in capsys.readouterr().out
    rows = scores.rows(said / "data.jsonl")
    mixed = examples.mixture(Data((f"own:{good}",)), 0)
    assert len(mixed.dialogues) == len({row["source"] for row in scores.rows(good / "data.jsonl")})
    assert any(len(one.turns) > 2 for one in mixed.dialogues) and len(rows) > 8
    by_question = {(row["source"], row["question"]): row["answer"] for row in rows}
    steps = scores.rows(why / "data.jsonl")
    assert steps and all(row["answer"].rpartition(ANSWER)[2] in by_question.values() for row in steps)
    filtered = scores.rows(good / "data.jsonl")
    assert {row["made_by"] for row in filtered} == {"rules, prompts 1"} and {row["teacher"] for row in filtered} == {
        "rules"
    }
    report = scores.read(said / "report.json")
    assert (
        report is not None
        and report["kept"] + sum(report["dropped"].values()) >= 8
        and report["asked_in_this_call"] == 0
    )


def test_a_server_teaches_and_one_that_says_nothing_useful_leaves_no_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(name: str, url: str, *more: str) -> list[str]:
        out = ["--out", str(tmp_path / name), "--teacher", "big", "--endpoint", url]
        return ["generate", "instruct", "phantoms:2", *out, *more]

    def good(body: Body) -> str:
        return GOOD if "questions" in body["messages"][-1]["content"] else LONG[10:]

    with serving(good, faults=["503"]) as server:
        assert train.main(command("good", server.url, "--requests", "2")) == 1, "the failed request counts, too"
        assert "budget of 2 requests" in capsys.readouterr().err
        assert train.main(command("good", server.url)) == 0
        assert len(server.bodies) == 3
    report = scores.read(tmp_path / "good" / "report.json")
    assert report is not None and (report["kept"], report["asked_in_this_call"], report["teacher"]) == (2, 1, "big")
    with serving(lambda body: "I cannot do that.") as server:
        assert train.main(command("bad", server.url)) == 1
    said = capsys.readouterr()
    assert "Everything was dropped" in said.err and "2 refusal" in said.out
    assert not (tmp_path / "bad" / "data.jsonl").exists() and len(scores.rows(tmp_path / "bad" / REPLIES)) == 2 * TRIES


def test_a_corpus_gives_its_training_figures_and_nothing_else_is_guessed(tmp_path: Path) -> None:
    figure = corpus.Figure(
        "PMC1-f1", "PMC1", "Figure 1", "CT of the liver.", ("See Figure 1.",), "CC-BY-4.0", "A. Author", "train", "ct",
        8, 8, "0" * 64, "png", b"bytes",
    )  # fmt: skip
    records.write(tmp_path, [figure, replace(figure, id="PMC2-f1", split="test")])
    (one,) = sources.read(str(tmp_path))
    assert (one.id, one.mentions, one.name) == ("PMC1-f1", ("See Figure 1.",), "PMC1-f1.png")
    assert one.picture is not None and one.picture() == b"bytes"
    for address in ("nowhere", "phantoms:many"):
        with pytest.raises(DatasetError):
            list(sources.read(address))
    wrong = write_pairs(tmp_path / "in", {"caption": "A CT.", "image": "b.png"})
    with pytest.raises(DatasetError, match=r"row 1: it names the picture 'b\.png'"):
        list(sources.read(wrong))


def test_rules_say_what_the_caption_says_and_no_more() -> None:
    said = rules.conversation(
        replace(CYST, caption="Axial CT scan of the chest with a nodule in the left lung. No mass is seen."), 9
    )
    answers = [one.answer for one in said]
    assert (
        "This is a CT scan." in answers and "It is on the left side." in answers and "No, there is no mass." in answers
    )
    assert rules.caption(CYST).startswith("Axial CT") and rules.conversation(Source("x", ""), 3) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Describe the image concisely.", ("describe", "image")),
        ("Can you explain the large cavitating lesion?", ("explain", "lesion")),
        ("What does the picture show?", ("show", "picture")),
        ("Is there an effusion?", ("be", "effusion")),
        ("Where is the lesion located?", ("locate", "lesion")),
        ("The image shows a small cyst. It is dark.", ("show", "cyst")),
        ("A view of the knee.", None),
        ("Yes.", None),
    ],
)
def test_the_root_verb_and_its_noun_are_read(text: str, found: tuple[str, str] | None) -> None:
    assert counting.root(text) == found


def test_counts_are_by_domain_and_kind_with_what_the_rules_could_read() -> None:
    counts = counting.Counts()
    counts.add(
        "ct", "conversation", [Exchange("Describe the image.", "Yes."), Exchange("Describe the cyst.", "It is dark.")]
    )
    counts.add("mri", "caption", [Exchange("Describe the image.", "The image shows a knee.")])
    record = counts.record()
    assert record["by_domain"] == {"ct": {"dialogues": 1, "conversation": 1}, "mri": {"dialogues": 1, "caption": 1}}
    assert record["roots"]["instructions"] == {
        "read": 1.0, "verbs": [{"verb": "describe", "count": 3, "nouns": {"image": 2, "cyst": 1}}],
    }  # fmt: skip
    assert record["roots"]["responses"]["read"] == round(2 / 3, 3)
    assert counting.table(record)[-2].startswith("instructions: 100% read by rules; describe image (3)")


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
