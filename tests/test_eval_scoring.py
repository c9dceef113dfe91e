"""From answers to tables: baselines, calibration, scores on phantoms and VQA, and the card that shows them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from eval import scoring, tables
from eval.items import Answer, Item
from eval.nano import baselines, calibration, card, targets, tasks, truths
from eval.nano.baselines import Seen
from eval.nano.calibration import Belief
from eval.nano.tasks import Case
from medvlm import datasets, scores
from medvlm.paths import ASSETS, ROOT

NEEDS_VQA_RAD = pytest.mark.skipif(
    not (datasets.data_home() / "vqa_rad").is_dir(), reason=f"needs {datasets.data_home() / 'vqa_rad'}"
)


def case(name: str, reference: str, kind: str = "presence", picture: str = "p", **more: object) -> Case:
    closed = bool(more.pop("closed", True))
    return Case(Item(name, picture, f"{name}?", "s"), reference, "ct", kind, closed, **more)  # type: ignore[arg-type]


def texts(cases: Sequence[Case], *said: str) -> dict[str, str]:
    return {one.item.id: text for one, text in zip(cases, said, strict=True)}


SEEN = [
    Seen("Is there a mass?", "No", True),
    Seen("Is there a mass?", "no", True),
    Seen("Is there a mass?", "yes", True),
    Seen("What organ is shown?", "Lung", False),
    Seen("Is the heart large?", "Yes", True),
    Seen("Is the heart big?", "yes", True),
]


def test_baselines_answer_without_looking() -> None:
    cases = [
        Case(Item("same", "p", "is there a mass", "s"), "yes", "ct", "presence", True),
        Case(Item("near", "p", "Is the heart large today?", "s"), "yes", "ct", "presence", True),
        Case(Item("open", "p", "What organ?", "s"), "lung", "ct", "organ", False),
    ]
    assert baselines.question_only(cases, SEEN) == {"same": "no", "near": "yes", "open": "lung"}
    # Closed answers seen: yes 3 times, no twice; open: lung.
    assert baselines.majority(cases, SEEN) == {"same": "yes", "near": "yes", "open": "lung"}
    assert baselines.majority(cases[:1], []) == baselines.question_only(cases[:1], []) == {"same": ""}


def test_area_and_calibration_are_worked_out_by_hand() -> None:
    beliefs = [Belief(0.9, True), Belief(0.4, True), Belief(0.6, False), Belief(0.4, False), Belief(0.1, False)]
    # Pairs (true, false): 0.9 beats all 3; 0.4 beats 0.1 and ties with 0.4: (3 + 1 + 0.5) / 6.
    assert calibration.auc(beliefs) == pytest.approx(0.75)
    # Bins: 0.9 -> |0.9 - 1|; 0.6 -> 0.6; the two of 0.4 -> |0.8 - 1|; 0.1 -> 0.1; together 1.0 over 5.
    assert calibration.ece(beliefs) == pytest.approx(0.2)
    assert [(b["from"], b["n"], b["true"]) for b in calibration.bins(beliefs)] == [
        (0.1, 1, 0), (0.4, 2, 1), (0.6, 1, 0), (0.9, 1, 1),
    ]  # fmt: skip
    assert calibration.bins([Belief(1.0, True)])[0]["from"] == 0.9
    assert calibration.auc(beliefs[:2]) is None and calibration.ece([]) is None


def test_an_answer_that_cannot_be_read_is_neither_right_nor_hidden() -> None:
    cases = [case("a", "no"), case("b", "yes"), case("c", "left lung", closed=False)]
    found = scoring.all_metrics(cases, texts(cases, "the lungs are normal", "yes", "the left"))
    assert (found["strict_closed"]["hits"], found["strict_closed"]["n"], found["unparsed"]) == (1, 2, 1)
    assert found["compat_closed"]["hits"] == 2, "LLaVA-Med's counting takes it for a no"
    assert (found["strict_open"]["value"], found["strict_open"]["n"]) == (0.5, 1)
    assert found["compat_open"]["value"] == 0.5


def test_differences_are_paired_and_count_who_alone_was_right() -> None:
    cases = [case(str(i), "yes", picture=f"p{i % 3}") for i in range(6)]
    tuned, base = texts(cases, *["yes"] * 5, "no"), texts(cases, "yes", *["no"] * 4, "yes")
    found = scoring.difference(cases, tuned, base, "strict_closed")
    assert (found["only_first"], found["only_second"], found["n"]) == (4, 1, 6)
    assert found["value"] == 0.5 and found["low"] < 0.5 < found["high"]
    assert found["mcnemar_p"] == 0.375  # 2 * (1 + 5) / 2^5


def test_phantoms_are_scored_by_finding_and_side() -> None:
    cases = [
        case("1", "yes", about="mass"),
        case("2", "yes", about="mass", held_out=True),
        case("3", "no", about="mass"),
        case("4", "left", "side", choices=("left", "right")),
        case("5", "right", "side", closed=False),
        case("6", "yes", "side"),
        case("7", "cannot tell", "unanswerable", closed=False),
    ]
    said = texts(cases, "yes", "no", "maybe", "right", "The right side.", "yes", "Cannot tell.")
    answers = {one.item.id: Answer(one.item.id, said[one.item.id], 1, 0.6, 0.2) for one in cases}
    arm = truths.summary(cases, {"tuned": said}, {"tuned": answers})["arms"]["tuned"]
    finding = arm["findings"]["ct: mass"]
    assert [(finding[k]["hits"], finding[k]["n"]) for k in ("prevalence", "sensitivity", "specificity")] == [
        (2, 3), (1, 2), (0, 1),
    ]  # fmt: skip
    assert arm["sides"]["said"] == {"left": {"right": 1}, "right": {"right": 1}}
    assert (arm["sides"]["swapped"]["hits"], arm["sides"]["swapped"]["n"]) == (1, 2)
    assert (arm["closed"]["hits"], arm["closed"]["n"], arm["unparsed"]) == (2, 5, 1)
    assert (arm["never_drawn"]["hits"], arm["never_drawn"]["n"]) == (0, 1)
    assert arm["cannot_tell"]["hits"] == 1
    assert arm["open_side"]["hits"] == 0 and truths.side_said("bilateral") == "both"
    assert arm["belief"]["n"] == 3 and arm["belief"]["bins"][0]["mean"] == 0.75


def test_modality_is_read_from_answers() -> None:
    assert [scoring.named_modality(t) for t in ("It is an MRI.", "plain film", "CT or MRI", "a picture")] == [
        "MRI", "X-ray", None, None,
    ]  # fmt: skip
    cases = [case(str(i), label, "wording 1", closed=False) for i, label in enumerate(("CT", "CT", "MRI"))]
    found = scoring.modality(cases, texts(cases, "ct", "mri", "mri"))["wordings"]["wording 1"]
    assert found["value"] == 0.75 and found["said"] == {"CT": {"CT": 1, "MRI": 1}, "MRI": {"MRI": 1}}


@NEEDS_VQA_RAD
def test_swapped_pictures_are_others_and_the_kept_back_ones_are_sixty() -> None:
    own = tasks.vqa_rad_test()
    swapped = tasks.shown(own, "swapped")
    assert len(swapped) == len(own) == 451
    assert all(a.item.picture != b.item.picture for a, b in zip(own, swapped, strict=True))
    assert {a.item.picture for a in swapped} == {a.item.picture for a in own}
    assert {one.item.picture for one in tasks.shown(own, "none")} == {None}
    assert {one.item.picture for one in tasks.shown(own, "blank")} == {"blank"}
    test, train = tasks.kept_back("test"), tasks.kept_back("train")
    assert len({one.item.picture for one in test}) == datasets.HELD_OUT_PICTURES
    assert {one.item.id for one in test} < {one.item.id for one in own}
    assert not {one.item.id for one in train} & {one.item.id for one in own}


@NEEDS_VQA_RAD
def test_baselines_of_the_image_disjoint_split_have_not_seen_its_pictures() -> None:
    kept = datasets.held_out_pictures()
    assert len(baselines.vqa_rad()) - len(baselines.vqa_rad(kept)) == len(tasks.kept_back("train"))


def test_numbers_say_when_they_are_not_there() -> None:
    assert tables.share(None) == tables.gain(None) == tables.number(None) == tables.duration(None) == "not measured"
    assert tables.share(scores.share(0, 0)) == "none asked"
    assert tables.share(scores.share(15, 148)) == "10.1 [6.2, 16.0], n = 148"
    assert tables.gain({"value": 0.1, "low": -0.02, "high": 0.2}) == "+10.0 [-2.0, +20.0]"
    assert tables.line(["a|b", "c\nd"]) == "| a\\|b | c d |"
    assert [tables.duration(s) for s in (12, 600, 9000)] == ["12 s", "10 min", "2.5 h"]


def test_targets_are_hit_or_missed_by_a_number() -> None:
    assert targets.Target("x", 67, 68.2).verdict == "hit by 1.2"
    assert targets.Target("x", 67, 66.6).verdict == "missed by 0.4"
    assert targets.Target("x", 2, 3.5, most=True).verdict == "missed by 1.5"
    assert targets.Target("x", 0, 0.0).verdict == "missed by 0.0"
    assert targets.Target("x", 0, None).verdict == "not measured"


def test_a_card_without_scores_invents_none(tmp_path: Path) -> None:
    text = card.text(tmp_path, "vqa-official")
    goals = text.split("## Targets")[1].split("##")[0]
    rows = [line for line in goals.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 16 and all(row.endswith("| not measured | not measured |") for row in rows)
    assert "n = " not in text and "Not for diagnosis" in text


def test_the_card_shows_what_stands_in_the_files(tmp_path: Path) -> None:
    closed = {"hits": 190, **scores.share(190, 272)}
    arms = {"tuned": {"compat_closed": closed, "unparsed": 3}}
    measured = {"arms": arms, "git_commit": "c" * 40, "hardware": "2 cores, AVX2", "seconds": 75.0}
    weights = {"adapter_sha256": "a" * 64, "base_revision": "b", "prompt_version": 1}
    record = {**weights, "settings": {"vqa-rad": measured}}
    scores.write(tmp_path / "nano" / "vqa-official.json", record)
    text = card.text(tmp_path, "vqa-official")
    assert "| VQA-RAD official, closed, NF4 | at least 67 | 69.9 | hit by 2.9 |" in text
    assert "69.9 [64.2, 75.0], n = 272" in text and "2 cores, AVX2 | 75 s |" in text


def test_the_committed_card_is_what_the_command_writes() -> None:
    written = (ROOT / "docs" / "model-card-nano.md").read_text(encoding="utf-8")
    assert written == card.text(ASSETS / "scores", card.loaded_stage()), "run `python -m eval card`"
