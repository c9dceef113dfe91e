"""The study's commands: what they print, what they refuse, and where cases may come from."""

import json
import re
from pathlib import Path

import pytest

from medvlm import scores
from medvlm.__main__ import main
from medvlm.errors import DatasetError, UserError
from medvlm.ratings.store import RatingStore
from medvlm.ratings.studies import StudyStore
from medvlm.scores import Prediction, RunInfo
from medvlm.studies import cases
from medvlm.studies.reading import ReadingRoom
from medvlm.types import Arm, Decoding
from tests import studies_cases as made
from tests.browser.files import picture

CODE = re.compile(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ratings.sqlite3"


def study(file: Path, *arguments: str) -> int:
    return main(["study", "--store", str(file), *arguments])


def written(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_study_from_the_first_command_to_the_report(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study(file, "new", "pilot", "--title", "A pilot", "--repeats", "0") == 0
    assert CODE.search(capsys.readouterr().out)
    assert study(file, "cases", "pilot", "--phantoms", "2") == 0
    assert study(file, "cases", "pilot", "--phantoms", "2") == 0
    assert "0 new cases, 2 were here before" in capsys.readouterr().out
    assert study(file, "readers", "pilot", "r1") == 0
    code = CODE.findall(capsys.readouterr().out)[0]
    names = ["phantom-cxr-0", "phantom-ct-0"]
    for who in ("one", "other"):
        answers = written(tmp_path / f"{who}.jsonl", *({"case": name, "text": f"{who} says"} for name in names))
        opening = ["--do-not-open"] if who == "one" else []
        assert study(file, "run", "pilot", "--answers", str(answers), "--candidate", who, *opening) == 0
    assert "A pilot is open" in capsys.readouterr().out
    with RatingStore(file) as store:
        room = ReadingRoom(StudyStore(store))
        who_reads = room.sign_in(code)
        while (task := room.task(who_reads)) is not None:
            room.submit(who_reads, task.key, made.ballot(task, "tie"), None, None)
    assert study(file, "status", "pilot") == 0
    assert "r1: 2 of 2" in capsys.readouterr().out
    assert study(file, "report", "pilot", str(tmp_path / "r.html")) == 1
    assert "not closed" in capsys.readouterr().err
    assert study(file, "close", "pilot") == 0 and study(file, "report", "pilot", str(tmp_path / "r.html")) == 0
    assert (tmp_path / "r.html").stat().st_size > 1_000_000
    bundle = tmp_path / "case.zip"
    assert main(["ratings", "--store", str(file), "bundle", "phantom-ct-0", str(bundle), "--study", "pilot"]) == 0
    assert main(["ratings", "--store", str(tmp_path / "else.sqlite3"), "open", str(bundle)]) == 0
    assert "2 answers; 1 new ratings" in capsys.readouterr().out
    with RatingStore(tmp_path / "else.sqlite3") as other:
        (taken,) = other.ratings()
    assert taken.case.picture is not None, "it opens with its picture, here as there"


def test_a_lost_code_is_replaced(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study(file, "new", "pilot")
    leader = CODE.findall(capsys.readouterr().out)[0]
    assert study(file, "readers", "pilot", "leader", "--again") == 0
    again = CODE.findall(capsys.readouterr().out)[0]
    with RatingStore(file) as store:
        room = ReadingRoom(StudyStore(store))
        assert room.sign_in(again).role == "leader"
        with pytest.raises(UserError):
            room.sign_in(leader)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("new", "a b"), "its name is 'a b'"),
        (("new", "x", "--repeats", "2"), "repeats is 2.0"),
        (("new", "x", "--pictures", "/nowhere/at/all"), "is no folder"),
        (("status", "ghost"), "There is no study 'ghost'"),
        (("close", "ghost"), "there are: none yet"),
        (("readers", "ghost", "r1"), "There is no study 'ghost'"),
        (("run", "ghost", "--no-model"), "There is no study 'ghost'"),
    ],
)
def test_mistakes_are_one_sentence(
    file: Path, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study(file, *arguments) == 1
    told = capsys.readouterr().err
    assert says in told and "Traceback" not in told


def listed(tmp_path: Path, text: str, name: str = "cases.csv") -> cases.Batch:
    folder = tmp_path / "scans"
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(picture("PNG"))
    kept = made.store(tmp_path)
    made.make_study(kept, made.Study("listed", pictures=str(folder)))
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return cases.from_list(path, made.pictures(kept, "listed"))


def test_a_list_names_pictures_questions_and_what_else_is_known(tmp_path: Path) -> None:
    batch = listed(
        tmp_path,
        "image,question,reference,domain,slice,training,feedback\n"
        "a.png,What is it?,A disc,gross,1,yes,Look again\nphantom:ct:3,Where?,,,,,\n",
    )
    first, second = batch.cases
    assert (first.source, first.domain, first.slice, first.training, first.feedback) == (
        "file:a.png", "gross", 0, True, "Look again",
    )  # fmt: skip
    assert (second.source, second.domain, second.slice, second.training) == ("phantom:ct:3", "ct", None, False)
    assert len(first.scan) == 64 and first.id == "a.png: What is it?"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,question\nb.png,What?\n", "case 1: The picture 'b.png'.*is not in"),
        ("image,question\n../cases.csv,What?\n", "is not in"),
        ("image,question\na.png,\n", "it has no question"),
        ("image,question\n,What?\n", "names no image"),
        ("image,question,colour\na.png,What?,red\n", "colour is no column"),
        ("image,question,slice\na.png,What?,0\n", "slices count from 1"),
        ("image,question,domain\na.png,What?,foot\n", "'foot' is no kind of picture"),
        ("image,question\nphantom:foot:1,What?\n", "no phantom 'foot:1'"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_with_its_row(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        listed(tmp_path, text)


def test_json_lines_are_read_as_well(tmp_path: Path) -> None:
    batch = listed(tmp_path, json.dumps({"image": "a.png", "question": "What?", "slice": 1}) + "\n", "cases.jsonl")
    assert batch.cases[0].question == "What?" and batch.cases[0].slice == 0


def run_folder(tmp_path: Path, arms: tuple[Arm, ...] = ("base", "tuned")) -> Path:
    info = RunInfo(
        name="r", task="t", dataset="phantoms", split="test", real=False, samples=3, arms=arms, model="nano",
        model_revision="b" * 16, adapter="nano-med", adapter_sha256="a" * 64, endpoint=None, quantization="nf4",
        compute_dtype="float32", prompt="system", prompt_version=1, system="s", decoding=Decoding(), limit=None,
        metrics=(), data_sha256="", fingerprint="", seeds={}, versions={}, hardware="", git_commit="", created="",
        state="finished",
    )  # fmt: skip
    scores.write_info(tmp_path / "run", info)
    rows = [
        Prediction(
            f"q{n}", arm, f"{arm} {n}", 2, f"Question {n}?", "yes", "ct", "presence", True,
            None if n == 2 else f"phantom:ct:{n}", f"c{n}",
        )
        for n in range(3) for arm in arms
    ]  # fmt: skip
    scores.append(tmp_path / "run" / scores.PREDICTIONS, [scores.row_of(row) for row in rows])
    return tmp_path / "run"


def test_a_run_gives_its_questions_on_pictures_with_both_arms_answers(tmp_path: Path) -> None:
    batch = cases.from_run(run_folder(tmp_path))
    assert [case.source for case in batch.cases] == ["phantom:ct:0", "phantom:ct:1"]
    assert [(one.case, one.candidate.name, one.candidate.arm, one.text) for one in batch.answers] == [
        ("q0", "nano", "base", "base 0"), ("q0", "nano-med", "tuned", "tuned 0"),
        ("q1", "nano", "base", "base 1"), ("q1", "nano-med", "tuned", "tuned 1"),
    ]  # fmt: skip
    assert batch.answers[1].candidate.adapter_sha256 == "a" * 64 and batch.answers[0].candidate.adapter == ""
    assert len(cases.from_run(tmp_path / "run", limit=1).cases) == 1


def test_a_run_of_one_arm_has_no_pairs(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="two arms"):
        cases.from_run(run_folder(tmp_path, ("base",)))


def test_each_question_is_asked_about_each_picture_of_the_folder(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "scans"
    (folder / "series").mkdir(parents=True)
    for place in ("a.png", "series/b.png"):
        (folder / place).write_bytes(picture("PNG"))
    (folder / "notes.txt").write_text("no picture")
    study(file, "new", "pilot", "--pictures", str(folder))
    assert study(file, "cases", "pilot", "--ask", "What is it?", "Is it ill?", "--privacy", "off") == 0
    told = capsys.readouterr().out
    assert "4 new cases" in told and "Left out: notes.txt" in told
    with RatingStore(file) as store:
        found = StudyStore(store).cases("pilot")
    assert [one.id for one in found[:2]] == ["a.png: What is it?", "a.png: Is it ill?"]
    assert {one.source for one in found} == {"file:a.png", "file:series"} and all(one.scan for one in found)
    study(file, "new", "bare")
    assert study(file, "cases", "bare", "--ask", "What is it?") == 1
    assert "no folder of pictures" in capsys.readouterr().err


def test_a_data_sets_questions_become_cases(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study(file, "new", "pilot")
    asked = ("--data", "phantoms:kind=side,seeds=0-3", "--limit", "5", "--seed", "3")
    assert study(file, "cases", "pilot", *asked) == 0 and study(file, "cases", "pilot", *asked) == 0
    assert "0 new cases, 5 were here before" in capsys.readouterr().out
    with RatingStore(file) as store:
        found = StudyStore(store).cases("pilot")
    assert {one.question_type for one in found} == {"side"} and all(one.reference and one.scan for one in found)
    assert study(file, "cases", "pilot", "--data", "nothing") == 1
    assert "There is no data set 'nothing'" in capsys.readouterr().err
