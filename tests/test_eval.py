"""Answers to many questions at once are what one question at a time gives; a killed evaluation goes on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from eval import __main__ as command
from eval import environment, pictures, predict
from eval.answering import Batched
from eval.asking import Asker, fingerprint
from eval.items import Answer, EvalArm, EvalPut, Item, windows
from eval.nano import settings as nano
from eval.nano import tasks
from eval.nano.tasks import Case
from eval.pictures import Features
from eval.predict import Predictor
from medvlm import datasets, paths, scores
from medvlm.chat import whole
from medvlm.datasets import drawn
from medvlm.errors import ConfigError
from medvlm.model import LocalModel
from medvlm.prompts import SHORT
from medvlm.types import Arm, Conversation, Decoding, View
from tests import tiny_models
from tests.tiny_models import FamilyName

LIMIT = 6
# Several pictures of several sizes, one with one question and one with many, and none at all.
ITEMS = [
    Item("a", "phantom:ct:0", "Is this a CT?", SHORT),
    Item("b", "phantom:histology:1", "What stain is it, and how do you know that?", SHORT),
    Item("c", "phantom:ct:0", "Where?", SHORT),
    Item("d", None, "What is a lung?", SHORT),
    Item("e", "phantom:gross:2", "What organ is this?", SHORT),
    Item("f", "phantom:ct:0", "Which of the two sides has the nodule, left or right?", SHORT),
    Item("g", "blank", "Is it normal?", SHORT),
]


@pytest.fixture(scope="module", params=["llava", "llava_next"])
def folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    family: FamilyName = request.param
    base = tiny_models.write_model(tmp_path_factory.mktemp("base"), family)
    return base, tiny_models.write_adapter(tmp_path_factory.mktemp("adapter"), base)


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = tiny_models.write_model(tmp_path_factory.mktemp("base"))
    return base, tiny_models.write_adapter(tmp_path_factory.mktemp("adapter"), base)


def conversation(item: Item) -> Conversation:
    asked = Conversation(system=item.system)
    if item.picture is None:
        return asked.asked(item.question)
    return asked.with_scan(pictures.scan(item.picture)).asked(item.question, (View(0),))


def plainly(model: LocalModel, item: Item, arm: Arm, limit: int = LIMIT) -> str:
    return whole(model, conversation(item), arm, Decoding(max_tokens=limit)).text.strip()


BOTH: tuple[Arm, Arm] = ("tuned", "base")


def put(*arms: EvalArm, items: Sequence[Item] = ITEMS) -> list[EvalPut]:
    return [(item, arm) for arm in arms for item in items]


@pytest.mark.parametrize("rows", [4, 128])
def test_a_batch_of_both_arms_gives_what_single_runs_give(
    folders: tuple[Path, Path], tmp_path: Path, rows: int
) -> None:
    model = tiny_models.weights(*folders)
    predictor, single = Predictor(model, Features(tmp_path, model), rows), LocalModel(model)
    answers = predictor.answer(put(*BOTH), LIMIT)
    assert [answer.id for answer in answers] == [item.id for item in ITEMS] * 2
    assert [answer.text for answer in answers] == [plainly(single, item, arm) for arm in BOTH for item in ITEMS]
    for (item, arm), answer in zip(put(*BOTH), answers, strict=True):
        assert arm != "projector"
        wanted = single.next_token_probabilities(conversation(item), arm, ("yes", "no"))
        assert (answer.yes, answer.no) == pytest.approx((wanted["yes"], wanted["no"]), abs=2e-6)
    texts = [answer.text for answer in answers]
    assert texts[: len(ITEMS)] != texts[len(ITEMS) :]
    for arm, wanted_texts in zip(BOTH, (texts[: len(ITEMS)], texts[len(ITEMS) :]), strict=True):
        assert [answer.text for answer in predictor.answer(put(arm), LIMIT)] == wanted_texts


def test_an_adapter_that_is_not_plain_lora_answers_one_arm_after_the_other(
    llava: tuple[Path, Path], tmp_path: Path
) -> None:
    base, adapter = llava[0], tiny_models.write_adapter(tmp_path / "dora", llava[0], use_dora=True)
    model = tiny_models.weights(base, adapter)
    predictor, single = Predictor(model, Features(tmp_path, model)), LocalModel(model)
    answers = predictor.answer(put(*BOTH), LIMIT)
    assert [answer.text for answer in answers] == [plainly(single, item, arm) for arm in BOTH for item in ITEMS]


def test_what_memory_does_not_hold_at_once_is_answered_in_parts(
    llava: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_models.weights(*llava)
    predictor = Predictor(model, Features(tmp_path, model))
    wanted = [answer.text for answer in predictor.answer(put(*BOTH), LIMIT)]
    monkeypatch.setattr(predict, "rows_within", lambda *_: 3)
    assert [answer.text for answer in predictor.answer(put(*BOTH), LIMIT)] == wanted
    asked = [(item, arm) for arm in BOTH for item in ITEMS]
    answerer, decoding = Batched(model, tmp_path), Decoding(max_tokens=LIMIT)
    parts = answerer.batches(asked, asked, decoding)
    assert [len(part) for part in parts] == [3, 3, 3, 3, 2]
    assert [item.picture for item, _ in parts[0]] == ["phantom:ct:0"] * 3, "one picture's questions, side by side"
    assert answerer.batches(asked, parts[3][1:2], decoding) == [parts[3]], "what was killed is answered in like batches"


def test_what_shares_a_batch_changes_no_draw(llava: tuple[Path, Path], tmp_path: Path) -> None:
    model, warm = tiny_models.weights(*llava), Decoding(temperature=0.9, seed=4)
    predictor = Predictor(model, Features(tmp_path, model))
    both = predictor.answer(put(*BOTH), LIMIT, warm)
    few = predictor.answer(put("base", items=ITEMS[2:4]), LIMIT, warm)
    assert [answer.text for answer in few] == [answer.text for answer in both[len(ITEMS) + 2 : len(ITEMS) + 4]]
    other = predictor.answer(put(*BOTH), LIMIT, replace(warm, seed=5))
    assert [answer.text for answer in other] != [answer.text for answer in both]


def test_the_projector_alone_is_the_adapter_without_its_lora(folders: tuple[Path, Path], tmp_path: Path) -> None:
    model = tiny_models.weights(*folders)
    predictor = Predictor(model, Features(tmp_path, model))
    both = predictor.answer(put("projector", "base"), LIMIT)
    projector, base = both[: len(ITEMS)], both[len(ITEMS) :]
    for name, parameter in model.adapted.named_parameters() if model.adapted else ():
        if "lora_B" in name:
            parameter.data.zero_()
    without_lora = Predictor(model, Features(tmp_path, model)).answer(put("tuned"), LIMIT)
    assert [answer.text for answer in projector] == [answer.text for answer in without_lora]
    assert projector != base
    assert projector[3] == base[3], "without a picture there is nothing to project"


def test_nano_answers_in_a_batch_as_it_does_alone(nano_folder: Path, tmp_path: Path) -> None:
    model = tiny_models.weights(nano_folder, paths.ASSETS / "adapters" / "nano-med")
    predictor, single = Predictor(model, Features(tmp_path, model)), LocalModel(model)
    items = ITEMS[:4]
    answers = predictor.answer(put("tuned", items=items), LIMIT)
    assert [answer.text for answer in answers] == [plainly(single, item, "tuned") for item in items]


def test_features_are_kept_on_disk_and_follow_the_tower(folders: tuple[Path, Path], tmp_path: Path) -> None:
    model = tiny_models.weights(*folders)
    first = Features(tmp_path, model).encoded("phantom:ct:0")
    (file,) = tmp_path.rglob("*.safetensors")
    written = file.stat().st_mtime_ns
    again = Features(tmp_path, model)
    assert torch.equal(again.encoded("phantom:ct:0"), first)
    assert again.picture("phantom:ct:0").tokens == Features(tmp_path, model).picture("phantom:ct:0").tokens > 0
    assert file.stat().st_mtime_ns == written
    tower = model.family.part(model.model, model.family.vision_tower)
    next(tower.parameters()).data.add_(0.5)
    assert not torch.equal(Features(tmp_path, model).encoded("phantom:ct:0"), first)


def test_windows_keep_pictures_together_and_prompts_apart() -> None:
    other = [Item(f"x{i}", "blank", "?", "Another prompt.") for i in range(3)]
    made = windows([*ITEMS, *other], size=4)
    assert sorted(i.id for w in made for i in w) == sorted(i.id for i in (*ITEMS, *other))
    assert all(len({item.system for item in window}) == 1 and len(window) <= 4 for window in made)
    assert [sum(item.picture == "phantom:ct:0" for item in window) for window in made].count(3) == 1
    many = [Item(str(i), "blank", "?", SHORT) for i in range(9)]
    assert [len(window) for window in windows(many, size=4)] == [4, 4, 1]


def cases(count: int) -> list[Case]:
    """So many questions about three pictures, in several windows."""
    return [
        Case(Item(str(i), f"phantom:ct:{i % 3}", f"Is it {i}?", SHORT), "yes", "ct", "presence", True)
        for i in range(count)
    ]


def test_a_killed_evaluation_goes_on_and_ends_the_same(llava: tuple[Path, Path], tmp_path: Path) -> None:
    def ask(name: str, arm: EvalArm = "tuned") -> dict[str, Answer]:
        return Asker(*llava, tmp_path / name, tmp_path / "features").ask("t", cases(70), arm, "full", 3)

    whole_run = ask("one")
    assert set(whole_run) == {str(i) for i in range(70)}
    (path,) = (tmp_path / "one").glob("*.jsonl")
    torn = tmp_path / "two" / path.name
    torn.parent.mkdir()
    torn.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    kept = scores.rows(torn)
    assert 0 < len(kept) < 70
    assert ask("two") == whole_run
    assert scores.rows(torn)[: len(kept)] == kept, "what was answered before the kill is not asked again"
    before = torn.read_bytes()
    assert ask("two") == whole_run and torn.read_bytes() == before


def test_answers_to_other_questions_are_not_taken_for_these() -> None:
    items = [case.item for case in cases(3)]
    assert fingerprint(items, 3) == fingerprint(list(items), 3)
    changed = [Item(**{**asdict(items[0]), "question": "Is it so?"}), *items[1:]]
    assert len({fingerprint(items, 3), fingerprint(changed, 3), fingerprint(items, 4)}) == 3


def run_command(folders: tuple[Path, Path], out: Path, *more: str) -> int:
    return command.main(
        ["nano", "--base", str(folders[0]), "--adapter", str(folders[1]), "--runs", str(out), "--limit", "2", *more]
    )


def test_the_command_measures_and_keeps_what_belongs_to_these_weights(
    llava: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--name", "trial", "--phantoms", "1", "--out", str(tmp_path / "scores"))
    assert run_command(llava, tmp_path, *given, "--settings", "general,phantoms") == 0
    said = capsys.readouterr()
    assert "left" in said.err and said.out.strip() == str(tmp_path / "scores" / "trial.json")
    record = json.loads(Path(said.out.strip()).read_text())
    assert list(record["settings"]) == ["phantoms", "general"]
    assert record["limit"] == 2 and record["settings"]["phantoms"]["n"] == 2
    assert record["adapter_sha256"] == environment.adapter_hash(llava[1])
    assert set(record["settings"]["phantoms"]["arms"]) == {"tuned", "base", "majority", "question"}
    assert len(record["settings"]["general"]["quotes"]) == 2 + 1
    other = tiny_models.write_adapter(tmp_path / "other", llava[0], seed=5)
    assert run_command((llava[0], other), tmp_path, *given, "--settings", "general") == 0
    assert list(json.loads((tmp_path / "scores" / "trial.json").read_text())["settings"]) == ["general"]


@pytest.mark.skipif(not (datasets.data_home() / "vqa_rad").is_dir(), reason=f"needs {datasets.data_home() / 'vqa_rad'}")
def test_every_setting_is_measured(llava: tuple[Path, Path], tmp_path: Path) -> None:
    given = ("--phantoms", "1", "--out", str(tmp_path / "scores"))
    assert run_command(llava, tmp_path, "--name", "vqa-disjoint", *given) == 0
    record = scores.read(tmp_path / "scores" / "vqa-disjoint.json")
    assert record is not None and tuple(record["settings"]) == nano.SETTINGS
    assert record["settings"]["kept-back"]["all"]["n"] >= 2
    assert record["settings"]["precision"]["same_text"]["n"] == 2


def test_a_setting_that_says_nothing_about_a_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert nano.parse(None, "instruct") == ("modality",)
    assert nano.parse("general, vqa-rad", "vqa-official") == ("vqa-rad", "general")
    with pytest.raises(ConfigError, match="kept-back cannot be measured for vqa-official"):
        nano.parse("kept-back", "vqa-official")
    assert command.main(["nano", "--adapter", "nowhere", "--name", "instruct"]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_tasks_ask_the_same_on_every_call() -> None:
    once = tasks.phantom_cases("ct", 3)
    assert once == tasks.phantom_cases("ct", 3)
    assert all(case.reference in case.choices for case in once if case.closed)
    assert all(case.kind in drawn.OPEN_KINDS for case in once if not case.closed)
