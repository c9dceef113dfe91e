"""The line under an answer speaks of real pictures only, and says so where there are none."""

from pathlib import Path

import pytest

from medvlm.scoreboard.run_shelf import OWN, RunShelf
from medvlm.scoreboard.trust_line import METRICS, line, question_kind, trust_line
from medvlm.types import DOMAINS
from tests.score_cases import Case, both, many, run, written


def shelf(folder: Path, **runs: object) -> RunShelf:
    for name, made in runs.items():
        written(folder / name, made)  # type: ignore[arg-type]
    return RunShelf((folder,))


def test_the_line_has_the_share_its_interval_and_n(tmp_path: Path) -> None:
    found = shelf(tmp_path, real=many())
    # 45 of 60; Wilson's interval: (0.75 + 1.9208 / 60) / 1.06403 -+ 0.1087 = 0.6277 to 0.8422.
    assert line("ct", "closed", shelf=found) == "CT, closed questions: 75.0 % [62.8, 84.2], n = 60"
    assert line("ct", "closed", "base", shelf=found) == "CT, closed questions: 25.0 % [15.8, 37.2], n = 60"


def test_drawings_are_no_evaluation_on_real_images(tmp_path: Path) -> None:
    found = shelf(tmp_path, drawn=many(name="drawn", real=False))
    assert line("ct", "closed", shelf=found) == "CT, closed questions: not evaluated on real images (drawings: 75 %)"
    assert line("mri", "closed", shelf=found) == "MRI, closed questions: not evaluated on real images"
    assert line("ct", "open", shelf=found) == "CT, open questions: not evaluated on real images"


def test_open_questions_tell_the_words_recalled(tmp_path: Path) -> None:
    cases = [Case(f"q{i}", "mri", both(0.0, i / 20, "strict_open"), closed=False) for i in range(21)]
    said = line("mri", "open", shelf=shelf(tmp_path, real=run(cases)))
    assert said.startswith("MRI, open questions: words recalled 50.0 % [") and said.endswith("], n = 21")


@pytest.mark.parametrize(
    "changed",
    [
        {"adapter_sha256": "b" * 64},
        {"limit": 10},
        {"task": "vqa-rad:blank-picture"},
        {"state": "running"},
        {"quantization": "none"},
        {"real": None},
    ],
)
def test_what_does_not_speak_of_the_loaded_weights_as_they_are_asked_does_not_count(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    found = shelf(tmp_path, other=many(**changed))
    assert line("ct", "closed", adapter="a" * 64, shelf=found) == "CT, closed questions: not evaluated on real images"


def test_pictures_that_training_has_seen_are_said_to_be_and_clean_ones_go_first(tmp_path: Path) -> None:
    seen = many(name="seen", notes=("These pictures stand in the training split.",))
    found = shelf(tmp_path, seen=seen)
    told = trust_line("ct", "closed", shelf=found)
    assert told.text.endswith("n = 60, on pictures that training has seen") and "training split" in told.more
    found = shelf(tmp_path, clean=many(20, name="clean"))
    assert trust_line("ct", "closed", shelf=found).more == "Run clean."


def test_weights_trained_alike_speak_for_those_that_have_seen_the_pictures(tmp_path: Path) -> None:
    seen = many(name="seen", notes=("These pictures stand in the training split.",))
    alike = many(20, name="alike", adapter="nano-med (disjoint)", adapter_sha256="d" * 64)
    found = shelf(tmp_path, seen=seen, alike=alike)
    told = trust_line("ct", "closed", adapter="a" * 64, shelf=found)
    assert told.text.endswith("n = 20, trained alike without these pictures") and "Run alike" in told.more
    base = trust_line("ct", "closed", "base", "a" * 64, found)
    assert base.text.endswith("n = 60"), "the base was trained on none of them"
    other = many(20, name="other", adapter="nano-med (disjoint)", model_revision="x" * 16)
    assert "training has seen" in line("ct", "closed", shelf=shelf(tmp_path / "b", seen=seen, other=other))


def test_too_few_pictures_are_no_evaluation(tmp_path: Path) -> None:
    found = shelf(tmp_path, few=many(9))
    assert line("ct", "closed", shelf=found).endswith("not evaluated on real images")


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Is there a fracture?", "closed"),
        ("are the lungs normal appearing?", "closed"),
        ("Which side is it, left or right?", "closed"),
        ("Isn't this a CT?", "closed"),
        ("What is shown?", "open"),
        ("Where is the mass?", "open"),
        ("Describe it, or say nothing.", "open"),
        ("", "open"),
    ],
)
def test_a_questions_kind_is_told_from_its_words(question: str, kind: str) -> None:
    assert question_kind(question) == kind


def test_our_own_runs_have_a_line_for_every_domain_and_kind() -> None:
    own = RunShelf((OWN,))
    for domain in DOMAINS:
        for kind in METRICS:
            said = line(domain, kind, shelf=own)
            real = domain in ("cxr", "ct", "mri")
            assert (" n = " in said) == real and ("not evaluated on real images (drawings" in said) != real, said
