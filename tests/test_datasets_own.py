"""A folder of one's own, and answers that readers judged, as data sets."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medvlm import datasets
from medvlm.datasets import own
from medvlm.errors import DatasetError
from medvlm.paths import EXAMPLES
from medvlm.ratings import exports
from tests.dataset_cases import of, picture, written
from tests.rating_cases import simple


def own_folder(folder: Path) -> Path:
    picture(folder / "pictures" / "one.png")
    written(
        folder / "mine.csv",
        "image,question,answer,domain,kind,choices,split\n"
        "pictures/one.png,Which side?,left,cxr,side,left|right,test\n"
        "pictures/one.png,Is it there?,yes,,,,\n"
        ",What is a lung?,an organ,,,,train\n",
    )
    return folder


def test_a_folder_of_ones_own_is_a_data_set(tmp_path: Path) -> None:
    address = f"own:{own_folder(tmp_path)}"
    side, there = of(address)
    assert (side.domain, side.kind, side.choices, side.closed) == ("cxr", "side", ("left", "right"), True)
    assert (there.split, there.closed, there.id) == ("test", True, "own-3")
    assert datasets.scan(str(datasets.name_of(side))).slices[0].shape == (8, 8, 3)
    (word,) = of(address, "train")
    assert word.image == "" and datasets.name_of(word) is None
    assert of(f"own:{tmp_path / 'mine.csv'}") == [side, there]


def test_dicom_and_slices_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "ct.dcm").write_bytes((EXAMPLES / "head-ct.dcm").read_bytes())
    (tmp_path / "volume.nii.gz").write_bytes((EXAMPLES / "chest-volume.nii.gz").read_bytes())
    rows = [
        {"image": "ct.dcm", "question": "What?", "answer": "CT", "domain": "ct"},
        {"image": "volume.nii.gz", "slice": 2, "question": "What?", "answer": "CT"},
        {"image": "volume.nii.gz", "question": "What?", "answer": "CT"},
    ]
    written(tmp_path / "mine.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    scans = [datasets.scan(str(datasets.name_of(sample))) for sample in of(f"own:{tmp_path}")]
    assert [len(scan.slices) for scan in scans] == [1, 1, 1] and scans[0].kind != "picture"
    assert not np.array_equal(scans[1].slices[0], scans[2].slices[0]), "the second slice, and the middle one"
    with pytest.raises(DatasetError, match="Slice 9999"):
        datasets.scan(f"own:{tmp_path / 'volume.nii.gz'}#9999")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"image": "gone.png"}, "which is not at"),
        ({"image": "../other.png"}, "leads out"),
        ({"image": "a.png", "slice": "x"}, "slices count from 1"),
        ({"domain": "xray"}, "domain 'xray'"),
        ({"closed": "perhaps"}, "write yes or no"),
        ({"question": None}, "no 'question'"),
    ],
)
def test_a_row_of_ones_own_that_is_wrong_is_named(tmp_path: Path, line: dict[str, Any], says: str) -> None:
    picture(tmp_path / "a.png")
    written(tmp_path / "mine.jsonl", json.dumps({"question": "What?", "answer": "CT", **line}) + "\n")
    with pytest.raises(DatasetError, match=says):
        of(f"own:{tmp_path}")


def test_a_folder_without_its_file_says_what_should_be_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="image, question, answer"):
        own.manifest(tmp_path)


def test_rated_questions_are_asked_again(tmp_path: Path) -> None:
    buffer = picture(tmp_path / "kept.png").read_bytes()
    first = simple(1, "left")
    first = replace(first, case=replace(first.case, picture=buffer))
    again, wrong = replace(first, id="another"), simple(2, "right")
    wrong = replace(wrong, right=replace(wrong.answers[1], correctness="wrong"))
    path = written(tmp_path / "ratings.jsonl", "".join(exports.jsonl([first, again, wrong])))
    sample, other = of(f"ratings:{path}")
    assert (sample.question, sample.reference) == (first.case.question, first.left.text)
    assert datasets.content(str(datasets.name_of(sample))) == buffer
    assert (other.image, other.reference) == ("", ""), "what its reader called wrong is no reference"
