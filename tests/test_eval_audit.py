"""What of a test stands in training is found: pictures, copies, questions, answers; and told beside the score."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eval import __main__ as command
from eval import run_notes
from eval.leakage import audit
from eval.picture_hashes import Looks, look
from medvlm import datasets
from medvlm.datasets import Rows
from medvlm.imaging.likeness import NEAR
from tests.judged_runs import INFO

VQA_RAD = datasets.data_home() / "vqa_rad"


def drawn(seed: int) -> Image.Image:
    """A picture with blobs, another for each seed."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 255, (9, 9), np.uint8)).resize((160, 160), Image.Resampling.BICUBIC)


def folder(path: Path, rows: list[tuple[Image.Image | None, str, str]], kind: str = "PNG", quality: int = 95) -> str:
    """A data set of one's own; pictures are saved in that format."""
    path.mkdir()
    lines = []
    for number, (image, question, answer) in enumerate(rows):
        name = f"{number}.{kind.lower()}" if image else ""
        if image:
            image.save(path / name, kind, quality=quality)
        lines.append(json.dumps({"image": name, "question": question, "answer": answer, "split": "test"}))
    (path / "rows.jsonl").write_text("\n".join(lines))
    return f"own:{path}"


@pytest.fixture
def both(tmp_path: Path) -> tuple[Rows, Rows]:
    """Training: pictures 0 to 3. Test: 0 as it is, 1 as a coarse JPEG's pixels, 9 that is new, and words alone."""
    train = folder(tmp_path / "train", [(drawn(n), f"What is {n}?", f"a {n}") for n in range(4)])
    buffer = io.BytesIO()
    drawn(1).save(buffer, "JPEG", quality=40)
    rows = [
        (drawn(0), "What is 0?", "A 0."), (drawn(0), "Where is it?", "left"), (Image.open(buffer), "What is 1!", "b"),
        (drawn(9), "What is 2?", "a 2"), (None, "What is a lung?", "an organ"),
    ]  # fmt: skip
    return datasets.load(train, "test"), datasets.load(folder(tmp_path / "test", rows), "test")


def test_each_kind_of_overlap_is_counted(both: tuple[Rows, Rows]) -> None:
    train, test = both
    found = audit(train, test, Looks())
    same, here, copy, new, words = (sample.id for sample in test.samples)
    assert [len(found.pictures), found.unseen] == [4, 0]
    assert list(found.same_pictures) == [datasets.name_of(s) for s in test.samples[:2]]
    ((copied, (origin, bits)),) = found.like_pictures.items()
    assert (copied, origin) == (datasets.name_of(test.samples[2]), datasets.name_of(train.samples[1]))
    assert 0 <= bits <= NEAR
    assert found.seen_picture == (same, here, copy) and found.same_question_here == (same, copy)
    assert found.same_row == (same,)
    assert found.same_question == (same, copy, new) and found.same_pair == (same, new)
    assert found.clean == (new, words)
    assert found.sentences()[0].startswith("3 of 4 pictures of this test")


def test_nothing_in_common_says_nothing(both: tuple[Rows, Rows]) -> None:
    train, test = both
    found = audit(train, replace(test, samples=test.samples[3:]), Looks())
    assert found.sentences() == [] and len(found.clean) == 2


def test_a_picture_that_is_gone_is_counted_as_not_compared(both: tuple[Rows, Rows]) -> None:
    train, test = both
    Path(test.samples[0].image).unlink()
    found = audit(train, test, Looks())
    assert found.unseen == 1 and "1 pictures could not be compared" in found.sentences()[-1]


def test_copies_are_near_and_others_far(tmp_path: Path) -> None:
    address = folder(tmp_path / "a", [(drawn(n), "?", "") for n in range(6)])
    looks = [look(str(datasets.name_of(s))) for s in datasets.load(address, "test").samples]
    changed = {
        "half the size": drawn(0).resize((80, 80)), "brighter": drawn(0).point(lambda grey: min(255, grey * 1.2)),
        "in colour": drawn(0).convert("RGB"),
    }  # fmt: skip
    address = folder(tmp_path / "b", [(image, name, "") for name, image in changed.items()])
    for sample in datasets.load(address, "test").samples:
        assert look(str(datasets.name_of(sample))).distance(looks[0]) <= NEAR, sample.question
    assert min(one.distance(looks[0]) for one in looks[1:]) > NEAR


def test_looks_are_kept_and_follow_the_file(tmp_path: Path) -> None:
    address = folder(tmp_path / "a", [(drawn(1), "?", "")])
    name = str(datasets.name_of(datasets.load(address, "test").samples[0]))
    kept = tmp_path / "looks.jsonl"
    first = Looks(kept).of([name, name])[name]
    assert len(kept.read_text().splitlines()) == 1 and Looks(kept).of([name])[name] == first
    assert len(kept.read_text().splitlines()) == 1


def test_the_command_writes_the_filtered_list(
    both: tuple[Rows, Rows], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = (f"{rows.address}@test" for rows in both)
    assert command.main(["audit", train, test, "--out", str(tmp_path / "out"), "--runs", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "2 of 4 test pictures are in training, pixel for pixel" in said and "(of 256 bits)" not in said
    assert (tmp_path / "out" / "clean.txt").read_text().split() == [sample.id for sample in both[1].samples[3:]]
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["test_rows"] == 5


def test_a_run_says_what_its_checkpoint_was_trained_on(both: tuple[Rows, Rows], tmp_path: Path) -> None:
    train, test = both
    labels = ("phantoms", "bccd", f"{train.address}-test (override: a trial)", "slake_zh-train")
    noted = run_notes.with_leaks(INFO, test, labels, tmp_path / "looks.jsonl").notes
    assert "trained on rows for testing" in noted[0] and "3 of 4 pictures" in noted[1]
    if not (datasets.data_home() / "slake").is_dir():
        assert "Not audited against slake_zh-train" in noted[-1]


@pytest.mark.skipif(not VQA_RAD.is_dir(), reason=f"needs {VQA_RAD}")
def test_all_of_vqa_rads_test_pictures_stand_in_its_training_set(tmp_path: Path) -> None:
    """203 pictures, by name and by the bytes of their files; pixels are compared for a few of them alone, for time."""
    train, test = datasets.load("vqa_rad", "train"), datasets.load("vqa_rad", "test")
    pictures = {s.image for s in test.samples}
    assert len(pictures) == 203 and pictures <= {s.image for s in train.samples}
    few = set(sorted(pictures)[:6])
    some = [replace(rows, samples=tuple(s for s in rows.samples if s.image in few)) for rows in (train, test)]
    found = audit(some[0], some[1], Looks())
    assert found.sentences()[0] == "All 6 pictures of this test (vqa_rad-test) stand in training (vqa_rad-train)."
