"""Data sets by name: published layouts are read, test rows stay out of training, what is missing says what to do."""

import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medvlm import datasets
from medvlm.datasets import drawn, medhalt, modality, pathology, vqarad
from medvlm.datasets.places import SOURCES
from medvlm.datasets.states import state
from medvlm.errors import DatasetError
from tests.dataset_cases import LAYOUTS, ROWS, SLAKE_ROW, of, written

VQA_RAD = datasets.data_home() / "vqa_rad"
needs_vqa_rad = pytest.mark.skipif(not VQA_RAD.is_dir(), reason=f"needs {VQA_RAD}")


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
    assert set(datasets.DATASETS) == {*ROWS, "phantoms", "phantoms_chat", "own", "ratings", "corpus"}


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


@pytest.mark.parametrize(
    "name", sorted(set(datasets.DATASETS) - {"phantoms", "phantoms_chat", "own", "ratings", "corpus"})
)
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
    assert datasets.from_label("vqa_rad-train-without-held-out-pictures") == ("vqa_rad_disjoint", "train")
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


def test_a_picture_that_is_none_says_what_a_name_is(home: Path) -> None:
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
