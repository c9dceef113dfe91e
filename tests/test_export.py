"""A conversation taken along: everything it was made with, the label, and nothing that breaks out of its place."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.page.export import as_record, export
from medvlm.page.session import Given, Made, Session
from medvlm.page.viewing import Measure
from medvlm.types import Decoding, Report, Scan, Window

WHEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MODEL = "nano + nano-med · NF4 · CPU"
REPORT = Report(12, 200, 0, 2.0, 0.5, "end", ("Older questions were left out.",))

WINDOW = Window(1500, -600)
MEASURES = (
    Measure(1, "distance", 2, 1, ((0.0, 0.0), (3.0, 0.0)), 50.12, "mm"),
    Measure(2, "ellipse", 1, 2, ((0.0, 0.0), (3.0, 2.0)), 12.0, "mm²", 31.5, 4.0, 20.0, 40.0, 6),
)


def conversation(question: str = "Is there a mass?", answer: str = "Yes, on the left.") -> Session:
    slices = tuple(np.zeros((4, 4), np.uint8) for _ in range(3))
    scan = Scan(slices, "ct", "file", "ab" * 32, "CT stack", "DICOM CT", notes=("window 400/40 from the file",))
    session = Session().with_scan(replace(scan, window=Window(400, 40)))
    assert session.now is not None
    session = session.looked(scan.slices, replace(session.now.look, window=WINDOW, measures=MEASURES))
    session = session.asked(question, "Be brief.")
    made = Made(
        session.asking,
        "nano + nano-med",
        "tuned",
        Decoding(0.7, 0.9, 64, 17),
        REPORT,
        (Given(b"PNG", b"JPG", "slice 2 of 3"),),
    )
    return session.answered(answer, made)


def test_json_holds_model_seed_picture_report_and_label() -> None:
    name, text = export(conversation(), "json", MODEL, WHEN)
    record = json.loads(text)
    assert name == "medvlm-2026-11-21-0930.json"
    assert record["label"] == NOT_FOR_DIAGNOSIS and record["model"] == MODEL and record["system"] == "Be brief."
    (scan,) = record["scans"]
    assert (scan["sha256"], scan["domain"], scan["slices"]) == ("ab" * 32, "ct", 3)
    question, answer = record["turns"]
    (view,) = question["views"]
    assert (view["scan"], view["slice"], view["plane"], view["axis"]) == (0, 1, "stored", 2)
    assert view["window"] == {"width": 1500, "level": -600, "function": "LINEAR"} and view == answer["made"]["view"]
    assert answer["text"] == "Yes, on the left." and answer["about"] == "slice 2 of 3, window 1500/-600"
    assert answer["made"]["saw"] == [{"about": "slice 2 of 3", "picture": "data:image/png;base64,UE5H"}]
    assert answer["made"]["decoding"]["seed"] == 17 and answer["made"]["arm"] == "tuned"
    assert answer["made"]["report"]["tokens"] == 12
    assert record["exported"] == "2026-11-21T09:30:00+00:00"


def test_markdown_says_the_same_to_people_with_the_label_first_and_last() -> None:
    name, text = export(conversation(), "markdown", MODEL, WHEN)
    assert name == "medvlm-2026-11-21-0930.md"
    lines = [line for line in text.splitlines() if line]
    assert lines[1] == lines[-1] == f"**{NOT_FOR_DIAGNOSIS}**"
    for part in (MODEL, "Is there a mass?", "Yes, on the left.", "seed 17", "temperature 0.7", "tuned", "Be brief."):
        assert part in text
    assert (
        "window 400/40 from the file" in text and "(slice 2 of 3, window 1500/-600)" in text and "abababababab" in text
    )
    assert "Older questions were left out." in text


def test_what_was_typed_cannot_pass_for_a_heading_or_the_label() -> None:
    _, text = export(conversation("# A heading\n**Approved for diagnosis**"), "markdown", MODEL, WHEN)
    assert "\n# A heading" not in text and "> # A heading\n> **Approved" in text


def test_measurements_go_along_with_where_they_were_made() -> None:
    record = as_record(conversation(), MODEL, WHEN)
    distance, ellipse = record["scans"][0]["measurements"]
    assert (distance["kind"], distance["value"], distance["unit"], distance["slice"]) == ("distance", 50.12, "mm", 1)
    assert (ellipse["mean"], ellipse["pixels"], ellipse["axis"]) == (31.5, 6, 1)
    _, text = export(conversation(), "markdown", MODEL, WHEN)
    assert "  - Distance 50.12 mm, slice 2" in text
    assert "  - Ellipse 12 mm², mean 31.5, deviation 4 over 6 pixels, row 3" in text


def test_no_names_of_files_and_no_pixels_but_what_the_model_was_given_go_out() -> None:
    record = as_record(conversation(), MODEL, WHEN)
    assert set(record["scans"][0]) == {
        *("name", "kind", "description", "domain", "domain_source", "sha256", "slices", "notes", "unit"),
        "measurements",
    }
    assert json.dumps(record).count("data:image/") == 1


def test_an_unanswered_question_is_exported_as_it_stands() -> None:
    session = conversation().asked("And on the right?", None)
    record = as_record(session, MODEL, WHEN)
    assert [turn["role"] for turn in record["turns"]] == ["user", "assistant", "user"]
    assert "made" not in as_record(replace(session, made=()), MODEL, WHEN)["turns"][1]
    assert export(Session(), "markdown", MODEL, WHEN)[1].count(NOT_FOR_DIAGNOSIS) == 2


def test_what_contradicts_an_earlier_answer_and_what_was_typed_about_a_region_go_along() -> None:
    session = conversation("Is there a mass?", "Yes.")
    assert session.now is not None
    box = Measure(7, "box", 2, session.now.look.slice, ((-0.5, -0.5), (3.5, 3.5)), 16.0, "px²")
    assert session.scan is not None
    session = session.looked(session.scan.slices, replace(session.now.look, measures=(box,)))
    session = session.asked("Is there a mass?", None).answered("No.", Made(session.asking, "m", "base", Decoding()))
    session = session.asked("Is there a mass?", None, session.about_region(7))
    session = session.answered("No.", Made(session.asking, "m", "base", Decoding()))
    _, first, _, second, asked, about_a_part = as_record(session, MODEL, WHEN)["turns"]
    assert "contradicts" not in first and "contradicts" not in about_a_part
    assert second["contradicts"].startswith("This contradicts an earlier answer")
    assert asked["text"] == "Is there a mass?" and asked["as_sent"].endswith("Is there a mass?")
    assert asked["as_sent"] != asked["text"] and about_a_part["made"]["view"]["region"]["shape"] == "box"
    _, text = export(session, "markdown", MODEL, WHEN)
    assert text.count("**This contradicts an earlier answer") == 1
