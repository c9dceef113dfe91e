"""The examples on the empty page: all readable, of the kinds they claim, and a broken shelf says so."""

import json
from pathlib import Path

import pytest

from medvlm.errors import DatasetError
from medvlm.imaging import read
from medvlm.page.shelf import Example, shelf
from medvlm.page.suggestions import SUGGESTIONS, domain_said
from medvlm.paths import EXAMPLES
from medvlm.types import DOMAIN_NAMES, DOMAINS


def test_there_is_an_example_of_every_domain() -> None:
    assert {example.domain for example in shelf()} == set(DOMAINS)
    assert all(1 <= len(example.label.split()) <= 2 for example in shelf())


@pytest.mark.parametrize("example", shelf(), ids=lambda example: example.path.name)
def test_each_example_opens(example: Example) -> None:
    scan = read(example.read(), example.path.name)
    assert scan.domain_source == "unknown" or scan.domain == example.domain


def test_no_manifest_is_an_empty_shelf_and_a_broken_one_is_an_error(tmp_path: Path) -> None:
    assert shelf(tmp_path / "none") == ()
    for number, rows in enumerate(["{", "[1]", json.dumps([{"file": "a.png", "label": "A", "domain": "ct"}])]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "examples.json").write_text(rows)
        with pytest.raises(DatasetError, match=r"examples\.json"):
            shelf(folder)


def test_a_manifest_reaches_no_file_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "examples.json").write_text('[{"file": "../secret.png", "label": "A", "domain": "ct"}]')
    with pytest.raises(DatasetError):
        shelf(folder)


def test_the_repositorys_examples_stand_where_the_page_looks() -> None:
    assert (EXAMPLES / "examples.json").exists()


def test_three_questions_are_suggested_for_every_kind_of_picture() -> None:
    assert set(SUGGESTIONS) == set(DOMAIN_NAMES)
    assert all(len(set(questions)) == 3 for questions in SUGGESTIONS.values())


@pytest.mark.parametrize(
    ("answer", "domain"),
    [
        ("This is a chest X-ray.", "cxr"),
        ("A chest radiograph, PA view.", "cxr"),
        ("It is an axial CT scan of the head.", "ct"),
        ("This is a T2-weighted MRI scan.", "mri"),
        ("A histology slide stained with H&E.", "histology"),
        ("A gross photograph of a kidney.", "gross"),
        ("The effect is unclear.", None),
        ("This is an X-ray of the knee.", None),
        ("A CT or an MRI.", None),
        ("", None),
    ],
)
def test_an_answer_names_a_kind_only_when_it_names_one(answer: str, domain: str | None) -> None:
    assert domain_said(answer) == domain
