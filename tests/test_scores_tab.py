"""What the Scores tab says: every part of a selection, escaped, with cautions; broken runs beside the others."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medvlm import plots, scores
from medvlm.judging import records
from medvlm.judging.judgement import Judgement
from medvlm.judging.verdicts import TwoScores
from medvlm.scoreboard.case_picture import picture
from medvlm.scoreboard.query import Query
from medvlm.scoreboard.run_shelf import OWN, RunShelf
from medvlm.ui import doors, scores_tab
from medvlm.ui.scores_view import TRAINING, losses, published_view, view
from tests.score_cases import Case, both, many, run, written


def answers(shelf: RunShelf) -> dict[str, Any]:
    return {one.__name__: one for one in scores_tab.answers(shelf)}


@pytest.fixture
def shelf(tmp_path: Path) -> RunShelf:
    written(tmp_path / "first", many())
    written(
        tmp_path / "drawn", many(name="drawn", task="phantoms", real=False, dataset="phantoms", notes=("<i>x</i>",))
    )
    return RunShelf((tmp_path,))


def test_a_look_has_every_part_and_figures_that_plotly_knows(shelf: RunShelf) -> None:
    got = answers(shelf)["look"]({})
    assert set(got["parts"]) == {"head", "figures", "main", "more", "flips", "cases", "about"}
    assert {"domain-bars", "domain-forest", "kind-bars", "kind-forest", "spread", "runs"} <= got["plots"].keys()
    for name, plot in got["plots"].items():
        plots.checked({"data": plot["data"], "layout": plot["layout"]})
        assert f'<figure class="sc-plot" data-plot="{name}"' in got["parts"]["main"] + got["parts"]["more"]
    figures = got["parts"]["figures"]
    assert "62.5 %" in figures and "+25.0 points" in figures and "n = 120" in figures
    assert figures.count('data-act="sentence"') == 3 and "Not for diagnosis" in figures
    assert got["query"]["run"] == "first" and got["query"]["against"] == "first|base"


def test_every_choice_is_labelled_and_every_plot_has_a_table(shelf: RunShelf) -> None:
    got = answers(shelf)["look"]({})
    head = got["parts"]["head"]
    names = ("task", "run", "against", "metric", "domain", "kind")
    assert all(f'<select name="{name}"' in head for name in names) and head.count("<label") == len(names)
    for part in ("main", "more"):
        html = got["parts"][part]
        assert html.count("<figure") == html.count("<table") == html.count('role="img"') > 0
        assert html.count('data-act="save"') == 3 * html.count("<figure")


def test_what_comes_from_files_is_text(shelf: RunShelf) -> None:
    got = answers(shelf)["look"]({"run": "drawn"})
    assert "<i>x</i>" not in str(got["parts"]) and "&lt;i&gt;x" in got["parts"]["head"]
    assert "<b>ct-1" not in got["parts"]["cases"] and "&lt;b&gt;ct-1" in got["parts"]["cases"]
    assert "drawings" in got["parts"]["head"]


def test_rows_are_filtered_and_paged(shelf: RunShelf) -> None:
    rows = answers(shelf)["rows"]
    assert "1 to 25 of 120" in rows({})["cases"]
    assert "26 to 50 of 120" in rows({"start": 25})["cases"]
    one = rows({"at_domain": "ct", "which": "differ"})["cases"]
    assert "of 30" in one and "CT: show all" in one and "cxr-1" not in one
    assert "No case passes" in rows({"words": "nothing like it"})["cases"]


def test_a_case_opens_with_both_answers_and_a_picture_that_is_not_here_is_named(shelf: RunShelf) -> None:
    open_case = answers(shelf)["open_case"]
    html = open_case({"place": 0})["case"]
    assert "base says &lt;b&gt;ct-0" in html and "tuned says" in html and "Reference:" in html
    assert "vqa_rad:ct-0.jpg is not on this machine" in html
    for place in (9999, -1, None, "x"):
        assert "not there any more" in open_case({"place": place})["gone"]


def test_a_drawing_is_drawn_on_the_spot_and_a_change_of_it_too(tmp_path: Path) -> None:
    written(tmp_path, run([Case("q", "ct", both(0.0, 1.0), image="mirrored|phantom:ct:3")]))
    html = answers(RunShelf((tmp_path,)))["open_case"]({"place": 0})["case"]
    assert 'src="data:image/png;base64,' in html and "drawn, not recorded" in html
    own = picture("phantom:ct:3")
    assert own is not None and own[:4] == b"\x89PNG" and picture("mirrored|phantom:ct:3") != own
    for name in ("phantom:elbow:1", "phantom:ct:x", "vqa_rad:../../secret", "nowhere:x.png", "bent|phantom:ct:3", ""):
        assert picture(name) is None, name
    assert picture("blank") is not None


def test_what_a_judge_wrote_is_shown_word_for_word(tmp_path: Path) -> None:
    written(tmp_path, run([Case("q", "ct", both(4.0, 8.0, "judge_llava_med_first"), closed=False)]))
    where = records.files(tmp_path, "llava-med", "first")
    scores.write(where.info, {"judge": "first"})
    judged = records.Judged("q", "tuned", "forward", 0, Judgement(TwoScores(9, 8), ("mumble", "9 8\n<script>")))
    scores.append(where.rows, [records.row(judged)])
    html = answers(RunShelf((tmp_path,)))["open_case"]({"place": 0})["case"]
    assert "Judge llava-med.first, forward order" in html
    assert "<pre>mumble</pre>" in html and "9 8\n&lt;script&gt;" in html


def test_with_nothing_to_show_it_says_what_to_do(tmp_path: Path) -> None:
    got = answers(RunShelf((tmp_path,)))["look"]({"run": "x"})
    assert "No scores yet" in got["parts"]["head"] and got["plots"] == {}
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / scores.RUN).write_text("{")
    html = answers(RunShelf((tmp_path,)))["look"]({})["parts"]["head"]
    assert "One run cannot be read" in html and str(tmp_path) not in html


def test_a_broken_run_is_listed_and_an_unfinished_one_marked(shelf: RunShelf) -> None:
    root = shelf.roots[0]
    (written(root / "torn", many(name="torn")) / scores.SCORES).write_text("{\n")
    written(root / "going", many(name="going", state="running", limit=7))
    got = view(shelf.look(), Query(run="going"))
    assert "<b>torn</b>" in got["parts"]["about"] and "going · unfinished" in got["parts"]["head"]
    assert "unfinished: 120 of 120" in got["parts"]["head"] and "limited to 7" in got["parts"]["head"]
    version = answers(shelf)["version"]({})["version"]
    written(root / "more", many(name="more"))
    assert answers(shelf)["version"]({})["version"] > version


def test_two_runs_can_be_held_against_each_other(shelf: RunShelf) -> None:
    cases = [Case(f"ct-{i}", "ct", both(0.0, 0.0)) for i in range(60)]
    written(shelf.roots[0] / "rival", run(cases, name="rival"))
    got = view(shelf.look(), Query(run="first", against="rival|tuned"))
    assert "nano-med (tuned) · rival" in got["parts"]["head"] and "+75.0 points" in got["parts"]["figures"]
    alone = view(shelf.look(), Query(run="first", against="none"))
    assert alone["parts"]["figures"].count("<article") == 1 and "domain-forest" not in alone["plots"]


def test_published_results_stand_beside_ours_only_where_the_counting_is_theirs(tmp_path: Path) -> None:
    cases = [Case(f"q{i}", "ct", both(0.0, 1.0, "compat_closed")) for i in range(20)]
    written(tmp_path / "one", run(cases))
    found = RunShelf((tmp_path,)).look()
    assert "published" in view(found, Query())["plots"] and "published" not in view(found, Query(domain="ct"))["plots"]
    written(tmp_path / "two", run(cases, name="two", task="vqa-rad:blank", created="2020"))
    found = RunShelf((tmp_path,)).look()
    assert "published" not in view(found, Query(run="two"))["plots"]
    assert "A probe: blank" in view(found, Query(run="two"))["parts"]["head"]


def test_losses_stand_beside_runs_of_the_adapter_whose_training_they_are(shelf: RunShelf) -> None:
    mine = scores.read(TRAINING)
    assert mine is not None and list(losses(mine["adapter_sha256"])) == list(mine["stages"])
    assert losses("another") == {} and losses(None) == {} and "losses" not in view(shelf.look(), Query())["plots"]
    own = view(RunShelf([OWN]).look(), Query(run="nano-vqa-rad"))
    assert "losses" in own["plots"]


def test_the_papers_can_be_browsed() -> None:
    first = published_view("", "", "")
    assert "79.02" in first["html"] and "79.03" in first["html"] and "reviews-4" in first["plots"]
    chosen = published_view("llava-med", "table-10b", "Average")
    assert "llava-med-table-10b" in chosen["plots"] and "selected>Average" in chosen["html"]
    text = published_view("ldrt", "", "")
    assert "1,451" in text["html"] and not any(name.startswith("ldrt") for name in text["plots"])
    assert published_view("evil", "<x>", "<y>")["plots"].keys() == first["plots"].keys()


def test_the_script_has_one_address_that_the_doors_can_open() -> None:
    assert re.fullmatch(scores_tab.ADDRESSES, "/scores/plotly.js")
    assert not re.fullmatch(scores_tab.ADDRESSES, "/scores/../app.py")
    assert doors.GET.fullmatch("/") is not None


def test_unscored_answers_are_said_beside_the_figure(tmp_path: Path) -> None:
    made = many()
    gone = tuple(replace(s, value=None) if s.sample_id == "ct-0" else s for s in made.scores)
    written(tmp_path, replace(made, scores=gone))
    figures = answers(RunShelf((tmp_path,)))["look"]({})["parts"]["figures"]
    assert figures.count("1 unscored") == 2 and "n = 119" in figures
