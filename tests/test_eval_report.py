"""Reports and paired tables stand on their own: n and intervals, definitions, hashes, the caution."""

import re
from pathlib import Path

import pytest

from eval import compare, report
from eval.__main__ import main
from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.errors import ConfigError
from medvlm.scoreboard.board import board
from tests.score_cases import Case, both, many, run, written


def folders(tmp_path: Path) -> tuple[str, str]:
    one = written(tmp_path / "one", many(name="one"))
    shared = [Case(f"ct-{i}", "ct", both(0.0, float(i < 30))) for i in range(60)]
    other = written(tmp_path / "other", run(shared, name="other", notes=("A caution.",)))
    return str(one), str(other)


def test_a_report_is_one_page_with_everything_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = folders(tmp_path)
    assert main(["report", one, other, "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert str(tmp_path / "out" / "report.html") in capsys.readouterr().out
    for part in ("62.5 % [53.6, 70.6], n = 120", "75.0 % [62.8, 84.2], n = 60", "d" * 64, "A caution.", "Holm", "<svg"):
        assert part in page, part
    assert page.count(NOT_FOR_DIAGNOSIS) >= 4
    assert not re.search(r"(?:src|href)\s*=", page), "nothing is loaded from anywhere"
    assert "<b>ct" not in page, "answers are text"


def test_the_markdown_has_its_plots_beside_it(tmp_path: Path) -> None:
    one, _ = folders(tmp_path)
    assert main(["report", one, "--out", str(tmp_path)]) == 0
    text = (tmp_path / "report.md").read_text()
    links = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(links) == 5 and all((tmp_path / link).read_text().startswith("<svg") for link in links)
    assert "| CT | 25.0 % [15.8, 37.2], n = 60 | 75.0 % [62.8, 84.2], n = 60 | +50.0 points" in text
    assert text.rstrip().endswith(NOT_FOR_DIAGNOSIS)


def test_a_run_can_be_named_and_one_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.read("nano-vqa-rad").name == "nano-vqa-rad"
    assert main(["report", "no-such-run"]) == 1
    assert "There is no run 'no-such-run'" in capsys.readouterr().err
    unfinished = written(tmp_path / "x", run([], name="x"))
    with pytest.raises(ConfigError, match="has no scores yet"):
        report.read(str(unfinished))


def test_two_runs_are_paired_over_the_questions_they_share(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """First: right where i % 4 is not 1; second: right below 30. Of 60: 22 and 1 more, and 15 where only one is."""
    one, other = folders(tmp_path)
    assert main(["compare", one, other]) == 0
    text = capsys.readouterr().out
    assert "60 questions stand in both runs" in text and "A caution." in text and NOT_FOR_DIAGNOSIS in text
    assert re.search(r"\| CT \| 50\.0 % \[[\d., ]+\], n = 60 \| 75\.0 % .* \| \+25\.0 points \[", text)
    assert main(["compare", one, one, "--out", str(tmp_path / "x.md")]) == 0
    assert "one (tuned) against one (base)" in (tmp_path / "x.md").read_text()
    assert main(["compare", "nano-vqa-rad", "nano-disjoint-vqa-rad"]) == 0
    assert "451 questions stand in both runs" in capsys.readouterr().out, "whatever the metric is for"


def test_what_cannot_be_paired_says_why(tmp_path: Path) -> None:
    one = board(many(name="one"))
    apart = board(run([Case("elsewhere", "ct", both(0.0, 1.0))], name="apart"))
    alone = board(run([Case("ct-1", "ct", {"base": {"strict_f1": 1.0}})], name="alone"))
    for first, second, says in (
        (one, apart, "share no question"),
        (one, alone, "They share: none"),
        (alone, alone, "only one arm"),
    ):
        with pytest.raises(ConfigError, match=says):
            list(compare.tables(first, second, "tuned"))
    with pytest.raises(ConfigError, match="need scores by nonsense"):
        compare.paired(one, one, "tuned", "nonsense")


def test_p_values_of_a_table_are_corrected_for_its_rows() -> None:
    table = report.grouped_table(_found(), "domain", {"first": board(many())})
    assert table.heads[-2:] == ("p", "p corrected")
    assert {row[0]: row[-2:] for row in table.rows} == {"Chest X-ray": ("1.000", "1.000"), "CT": ("< 0.001", "< 0.001")}


def _found() -> "report.Compared":
    from medvlm.scoreboard.sides import compared, of_run

    boards = {"first": board(many())}
    return compared(boards, of_run(boards, "first"))
