"""Data sets by name: published layouts are read, test rows stay out of training, what is missing says what to do."""

import csv
import io
import json
import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medvlm import datasets
from medvlm.datasets import drawn, medhalt, modality, own, pathology, vqarad
from medvlm.datasets.places import SOURCES
from medvlm.datasets.states import state
from medvlm.errors import DatasetError
from medvlm.paths import EXAMPLES
from medvlm.ratings import exports
from medvlm.types import DataSplit, Sample
from tests.rating_cases import simple

VQA_RAD = datasets.data_home() / "vqa_rad"
needs_vqa_rad = pytest.mark.skipif(not VQA_RAD.is_dir(), reason=f"needs {VQA_RAD}")


@cache
def encoded() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def picture(path: Path) -> Path:
    """A small picture; what it is, is told by its bytes, whatever its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded())
    return path


def written(path: Path, content: Any) -> Path:
    """JSON, or text as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


SLAKE_ROW = {
    "img_id": 1, "img_name": "xmlab1/source.jpg", "question": "Which organ?", "answer": "Lung", "q_lang": "en",
    "location": "Lung", "modality": "X-Ray", "answer_type": "OPEN", "base_type": "vqa", "content_type": "Organ",
    "triple": ["vhead", "_", "_"], "qid": 7,
}  # fmt: skip


def slake(home: Path) -> None:
    chinese = {**SLAKE_ROW, "q_lang": "zh", "question": "这是什么模态?", "answer": "是", "qid": 8, "modality": "MRI",
               "answer_type": "CLOSED"}  # fmt: skip
    knee = {**SLAKE_ROW, "location": "Knee", "qid": 9}
    for name in ("train.json", "validate.json", "test.json"):
        written(home / "slake" / name, [SLAKE_ROW, chinese, knee])
    picture(home / "slake" / "imgs" / "xmlab1" / "source.jpg")


def path_vqa(home: Path) -> None:
    for name in ("train", "val", "test"):
        folder = home / "path_vqa" / "qas" / name
        folder.mkdir(parents=True)
        rows = [
            {"image": f"{name}_0001", "question": "Where are the cells, by the H&E stain?", "answer": "in the wall"},
            {"image": f"{name}_0002", "question": "Is the gross specimen cut?", "answer": "yes"},
        ]
        (folder / f"{name}_qa.pkl").write_bytes(pickle.dumps(rows))
        for number in (1, 2):
            picture(home / "path_vqa" / "images" / name / f"{name}_000{number}.jpg")


def roco(home: Path) -> None:
    for name in ("train", "validation", "test"):
        folder = home / "roco" / "data" / name / "radiology"
        written(
            folder / "captions.txt", "ROCO_1\t Chest X-ray shows a mass.\nROCO_2\tAxial CT of the liver, see [12].\n"
        )
        for number in (1, 2):
            picture(folder / "images" / f"ROCO_{number}.jpg")


def rocov2(home: Path) -> None:
    for name, folder in (("train", "train_images/train"), ("valid", "valid"), ("test", "test_images")):
        written(home / "rocov2" / f"{name}_captions.csv", f'ID,Caption\nROCOv2_{name}_1,"MRI, T2, of the knee"\n')
        picture(home / "rocov2" / folder / f"ROCOv2_{name}_1.jpg")


FLAGS = {"chest_xray": False, "mri": False, "ct_scan": True, "histology": True, "gross": False}


def llava_med_chat(home: Path) -> None:
    row = {"question_id": 0, "image": "a_F1.jpg", "text": "What is it?\n<image>", "gpt4_answer": "A cyst.",
           "domain": FLAGS, "type": "conversation"}  # fmt: skip
    gone = {**row, "question_id": 1, "image": "b_F1.jpg"}
    written(home / "llava_med_chat" / "llava_med_eval_qa50_qa.jsonl", f"{json.dumps(row)}\n{json.dumps(gone)}\n")
    picture(home / "llava_med_chat" / "images" / "a_F1.jpg")


def llava_med_instruct(home: Path) -> None:
    turns = [
        {"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A cyst."},
        {"from": "human", "value": "How large?"}, {"from": "gpt", "value": "Small."},
    ]  # fmt: skip
    for number, name in enumerate(("10k", "60k", "60k_inline_mention")):
        key = "conversatons" if number == 0 else "conversations"
        row = {"id": "a_F1", "image": "a_F1.jpg", "domain": FLAGS, key: turns}
        written(home / "llava_med_instruct" / f"llava_med_instruct_{name}.json", [row])
    picture(home / "llava_med_instruct" / "images" / "a_F1.jpg")


def medhalt_fake(home: Path) -> None:
    path = home / "medhalt_fake" / "reasoning_fake.csv"
    path.parent.mkdir(parents=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "dataset", "question", "options"])
        rows.writerow(["q1", "medqa_en", 'What of "Zorgon"?', str({"0": "It's blue", "1": "I do not know"})])


def vqa_rad(home: Path) -> None:
    row = {"image_name": "a.jpg", "image_organ": "CHEST", "answer": "Yes", "answer_type": "CLOSED ",
           "question_type": "PRES, ABN", "question": "Is there a mass?", "phrase_type": "frame"}  # fmt: skip
    others = [{**row, "image_name": f"{n}.jpg", "answer_type": "OPEN", "phrase_type": "freeform"} for n in range(70)]
    written(home / "vqa_rad" / "trainset.json", [row, *others])
    written(home / "vqa_rad" / "testset.json", others)
    for name in ("a", *range(70)):
        picture(home / "vqa_rad" / "images" / f"{name}.jpg")


LAYOUTS = {
    "vqa_rad": vqa_rad, "slake": slake, "path_vqa": path_vqa, "roco": roco, "rocov2": rocov2,
    "llava_med_chat": llava_med_chat, "llava_med_instruct": llava_med_instruct, "medhalt_fake": medhalt_fake,
}  # fmt: skip
# How many rows the layouts above have in each split.
ROWS: dict[str, dict[DataSplit, int]] = {
    "vqa_rad": {"train": 71, "test": 70, "held_out": 120},
    "vqa_rad_disjoint": {"train": 11, "test": 120},
    "vqa_rad_free_form": {"train": 70, "test": 70},
    "slake": {"train": 2, "validation": 2, "test": 2},
    "slake_zh": {"train": 1, "validation": 1, "test": 1},
    "path_vqa": {"train": 2, "validation": 2, "test": 2},
    "roco": {"train": 2, "validation": 2, "test": 2},
    "rocov2": {"train": 1, "validation": 1, "test": 1},
    "llava_med_chat": {"test": 2},
    "llava_med_10k": {"train": 2},
    "llava_med_60k": {"train": 2},
    "llava_med_60k_im": {"train": 2},
    "medhalt_fake": {"test": 1},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home with every published layout in small."""
    monkeypatch.setenv("MEDVLM_DATA", str(tmp_path))
    for write in LAYOUTS.values():
        write(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    """What was read from another data home is forgotten, before and after."""
    kept = (vqarad.rows, vqarad.held_out_pictures, vqarad.modality_labels, vqarad.domains)
    for one in kept:
        one.cache_clear()
    yield
    for one in kept:
        one.cache_clear()


@pytest.mark.parametrize("name", ROWS)
def test_every_published_layout_is_read(home: Path, name: str) -> None:
    assert set(ROWS[name]) == set(datasets.DATASETS[name].splits)
    for split, count in ROWS[name].items():
        rows = datasets.load(name, split)
        assert len(rows.samples) == count and len({s.id for s in rows.samples}) == count
        assert all(s.split == split or name.endswith("disjoint") for s in rows.samples)
        for sample in rows.samples:
            if shown := datasets.name_of(sample):
                assert len(datasets.scan(shown).slices) == 1
    found = state(name)
    assert found.presence == ("text only" if name == "llava_med_chat" else "here") and len(found.sha256) == 64


def test_every_entry_is_read_by_some_test() -> None:
    assert set(datasets.DATASETS) == {*ROWS, "phantoms", "own", "ratings", "corpus"}


def of(name: str, split: DataSplit = "test") -> list[Sample]:
    return list(datasets.load(name, split).samples)


def test_labels_are_those_of_the_data_sets(home: Path) -> None:
    lung, knee = of("slake")
    assert (lung.domain, knee.domain, lung.closed, lung.kind) == ("cxr", "other", False, "Organ")
    (chinese,) = of("slake_zh")
    assert (chinese.domain, chinese.language, chinese.reference, chinese.closed) == ("mri", "zh", "是", True)
    where, gross = of("path_vqa", "validation")
    assert (where.kind, where.domain, where.closed, where.image) == ("where", "histology", False, "val/val_0001.jpg")
    assert (gross.kind, gross.domain, gross.closed) == ("yes/no", "gross", True)
    assert [sample.domain for sample in of("roco")] == ["cxr", "ct"]
    assert of("rocov2")[0].domain == "mri" and of("rocov2")[0].reference == "MRI, T2, of the knee"
    there, gone = of("llava_med_chat")
    assert (there.image, gone.image, there.question, there.domain) == ("a_F1.jpg", "", "What is it?", "histology")
    first, second = of("llava_med_10k", "train")
    assert (first.question, second.question, second.reference) == ("What is it?", "How large?", "Small.")
    (absurd,) = of("medhalt_fake")
    assert absurd.choices == ("It's blue", "I do not know") and absurd.reference == medhalt.REFERENCE
    assert absurd.question.endswith("- It's blue\n- I do not know")
    closed = of("vqa_rad", "train")[0]
    assert closed.closed and closed.kind == "PRES" and not closed.free_form


@pytest.mark.parametrize("name", sorted(set(datasets.DATASETS) - {"phantoms", "own", "ratings", "corpus"}))
def test_what_is_missing_says_where_to_get_it_and_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MEDVLM_DATA", str(tmp_path))
    entry = datasets.DATASETS[name]
    source = SOURCES[str(entry.source)]
    with pytest.raises(DatasetError) as raised:
        datasets.load(name, entry.splits[0])
    for part in (source.address, source.licence, str(tmp_path / str(entry.source)), "MEDVLM_DATA"):
        assert part in str(raised.value)
    assert state(name).presence == "missing" and state(name).advice == str(raised.value)


def test_test_rows_are_refused_for_training_unless_a_reason_is_given(home: Path) -> None:
    for name, split in (("vqa_rad", "test"), ("vqa_rad", "held_out"), ("slake", "test"), ("medhalt_fake", "test")):
        with pytest.raises(DatasetError, match="for testing"):
            datasets.load(name, split, purpose="train")  # type: ignore[arg-type]
        with pytest.raises(DatasetError, match="for testing"):
            datasets.load(name, split, purpose="train", override="  ")  # type: ignore[arg-type]
    assert datasets.load("slake", "validation", purpose="train").label == "slake-validation"
    forced = datasets.load("vqa_rad", "test", purpose="train", override="to see what it is worth")
    assert forced.label == "vqa_rad-test (override: to see what it is worth)"
    assert datasets.from_label(forced.label) == ("vqa_rad", "test")
    assert datasets.load("vqa_rad", "test", override="not training").label == "vqa_rad-test"


def test_what_a_checkpoint_lists_is_known_again() -> None:
    assert datasets.from_label("vqa_rad-train") == ("vqa_rad", "train")
    assert datasets.from_label("phantoms") == ("phantoms", "train")
    assert datasets.from_label("own:/data/my-scans-test") == ("own:/data/my-scans", "test")
    assert datasets.from_label("bccd") is None


def test_what_cannot_be_loaded_says_why(home: Path) -> None:
    for address, split, says in (
        ("nowhere", "test", "no data set 'nowhere'"),
        ("slake:en", "test", "takes nothing"),
        ("own", "test", "needs the folder"),
        ("medhalt_fake", "train", "no split 'train'"),
        ("phantoms:kind=colour", "test", "kind=colour is none of"),
        ("phantoms:seeds=ten", "test", "no range"),
        ("phantoms:size=1", "test", "no option"),
    ):
        with pytest.raises(DatasetError, match=says):
            datasets.load(address, split)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("slake/test.json", "{", "no JSON"),
        ("slake/test.json", {"a": 1}, "holds dict"),
        ("slake/test.json", ["text"], "row 1: it is str"),
        ("slake/test.json", [{**SLAKE_ROW, "question": None}], "has no 'question'"),
    ],
)
def test_damage_names_file_and_row(home: Path, file: str, content: Any, says: str) -> None:
    written(home / file, content)
    with pytest.raises(DatasetError, match=says) as raised:
        datasets.load("slake", "test")
    assert str(home / file) in str(raised.value)


def test_a_pickle_that_would_run_code_is_refused(home: Path) -> None:
    path = home / "path_vqa" / "qas" / "test" / "test_qa.pkl"
    path.write_bytes(pickle.dumps([Path("/")]))
    with pytest.raises(DatasetError, match="plain data does not need"):
        datasets.load("path_vqa", "test")
    assert pathology.kind("Is it?", False) == "other"


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


def test_phantoms_are_chosen_by_address() -> None:
    sides = of("phantoms:domain=ct+cxr,kind=side,seeds=0-3")
    assert {s.domain for s in sides} == {"cxr", "ct"} and {s.kind for s in sides} == {"side"}
    assert all(s.choices and s.reference in s.choices for s in sides if s.closed)
    one = of("phantoms:domain=ct,seeds=2")
    assert {s.image for s in one} == {"ct:2"} and of("phantoms:domain=ct,seeds=2") == one
    worded = of("phantoms:domain=ct,seeds=2,wordings=trained")
    assert {s.question for s in worded} != {s.question for s in one}
    parts = [of(f"phantoms:domain=gross,seeds=0-4,combinations={which}") for which in ("all", "held_out", "drawn")]
    assert len(parts[0]) == len(parts[1]) + len(parts[2]) and all(s.held_out for s in parts[1])
    (trained,) = {s.dataset for s in of("phantoms:domain=mri,seeds=0", "train")}
    assert trained == "phantom-train"
    assert datasets.scan("phantom:ct:2").sha256 != datasets.scan("phantom-train:ct:2").sha256
    assert all(not s.closed for s in one if s.kind in drawn.OPEN_KINDS and not s.choices)


def test_a_picture_that_is_none_says_what_a_name_is() -> None:
    for name in ("synpic1.jpg", "phantom:knee:1", "nowhere:a.jpg"):
        with pytest.raises(DatasetError, match="is no"):
            datasets.scan(name)
    with pytest.raises(DatasetError, match="leads out"):
        datasets.picture("vqa_rad", "../../etc/passwd")


def test_captions_name_their_domain() -> None:
    said = {
        "Chest radiograph, PA view": "cxr", "Radiograph of the wrist": "other", "Axial CT and MRI": "other",
        "H&E stain, magnification x100": "histology", "Gross photograph of the spleen": "gross", "A dog": "other",
    }  # fmt: skip
    assert {caption: modality.of_caption(caption) for caption in said} == said


@needs_vqa_rad
def test_vqa_rad_is_as_published_and_its_domains_are_as_the_document_says() -> None:
    """Counts: the data set's own documentation and LLaVA-Med's table 8 (1,797 training rows, 451 test rows)."""
    assert len(of("vqa_rad", "train")) == 3064 and len(of("vqa_rad_free_form", "train")) == 1797
    assert Counter(s.closed for s in of("vqa_rad")) == {True: 272, False: 179}
    by_question, by_words = vqarad.modality_labels(), vqarad.domains()
    assert (len(by_question), len(by_words)) == (59, 169)
    assert all(by_words[name] == domain for name, domain in by_question.items())
    assert Counter(s.domain for s in of("vqa_rad")) == {"other": 200, "cxr": 114, "ct": 74, "mri": 63}
    kept_back, trained = {s.image for s in of("vqa_rad_disjoint")}, {s.image for s in of("vqa_rad_disjoint", "train")}
    assert len(kept_back) == 60 and not kept_back & trained


@needs_vqa_rad
def test_words_of_one_modality_agree_with_what_questions_about_it_say() -> None:
    """How often the words' own label is that of the questions about the modality, where both speak: 52 of 52."""
    votes: dict[str, Counter[str]] = {}
    for _, row in vqarad.rows():
        votes.setdefault(row["image_name"], Counter()).update(modality.hinted(row["question"], str(row["answer"])))
    words = vqarad._unanimous(votes)  # type: ignore[arg-type]
    both = words.keys() & vqarad.modality_labels().keys()
    assert len(both) == 52 and all(words[name] == vqarad.modality_labels()[name] for name in both)


def test_what_is_asked_about_the_modality_is_read() -> None:
    assert modality.modality_named("Is this an MRI?", "yes") == "mri" and modality.modality_named("?", "MRI") is None
    assert modality.hinted("Is this a CT?", "no") == frozenset()
    assert modality.hinted("Is the lesion hyperdense?", "no") == {"ct"}
    assert modality.hinted("CT or MRI?", "T2 weighted") == {"mri"}
