"""Published results as data: what is kept is what was printed, and disagreements are kept as two numbers."""

import json
import re
from fractions import Fraction
from pathlib import Path
from statistics import stdev

import pytest

from medvlm.errors import DatasetError
from medvlm.metrics.relative import Pair
from medvlm.paths import ROOT
from medvlm.scoreboard import published

SEEDS = ROOT.parent / "shared" / "seeds"
CHAT = ROOT.parent / "shared" / "data" / "llava_med_chat"
needs_seeds = pytest.mark.skipif(not SEEDS.is_dir(), reason=f"needs the source documents in {SEEDS}")
needs_chat = pytest.mark.skipif(not CHAT.is_dir(), reason=f"needs the published reviews in {CHAT}")


def text_of(document: str) -> str:
    (path,) = SEEDS.glob(f"{document}_*.txt")
    return path.read_text(encoding="utf-8")


def without_tags(line: str) -> tuple[str, ...]:
    return tuple(re.sub(r"</?i>", "", cell).strip() for cell in line.split("\t"))


@needs_seeds
@pytest.mark.parametrize("name", published.PAPERS)
def test_every_row_stands_in_its_document(name: str) -> None:
    paper = published.paper(name)
    lines = {without_tags(line) for line in text_of(paper.document).splitlines() if "\t" in line}
    # One table's rows carry an empty cell at the end, for a heading that spans two columns.
    lines |= {line[:-1] for line in lines if not line[-1]}
    for table in paper.tables:
        for row in table.rows:
            assert row.cells in lines, f"{table.id}: {row.cells}"


@needs_seeds
def test_every_row_of_the_documents_tables_is_kept() -> None:
    """All tables that the documents hold are kept whole: no line of numbers in them is missing from the data."""
    kept = {row.cells for paper in published.papers() for table in paper.tables for row in table.rows}
    for document in ("000", "003"):
        for line in text_of(document).splitlines():
            cells = without_tags(line)
            if sum(published.parse(cell) is not None for cell in cells) >= 4 and not cells[0].startswith(
                ("1", "Infra")
            ):
                heading = cells[0].startswith("#") and "Epochs" in cells[0]
                assert heading or cells in kept or cells[:-1] in kept, line


@needs_seeds
@pytest.mark.parametrize("name", published.PAPERS)
def test_every_statement_stands_in_its_document(name: str) -> None:
    paper = published.paper(name)
    text = " ".join(text_of(paper.document).split())
    for one in paper.statements:
        assert one.quote in text, one.quote
        numbers = {Fraction(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?|\.\d+", one.quote.rstrip("."))}
        value = Fraction(str(one.value))
        assert value in numbers or value / 1000 in numbers, f"{one.name}: {one.value} is not in {one.quote!r}"


@needs_seeds
@pytest.mark.parametrize("name", published.PAPERS)
def test_numbers_that_disagree_are_both_in_the_document(name: str) -> None:
    paper = published.paper(name)
    text = text_of(paper.document)
    for one in paper.disagreements:
        assert len(one.places) >= 2
        for where, numbers in one.places:
            if not where.startswith("computed"):
                assert all(number in text for number in numbers), one


def test_the_llava_next_report_keeps_what_its_text_and_its_table_say() -> None:
    paper = published.paper("llava-next-reasoning")
    overall = [number for number in paper.table("table-1").numbers() if number.labels == ("Overall",)]
    assert [number.value for number in overall] == [8.89, 7.01, 6.92, 79.03, 78.30]
    said = {(one.name, one.value) for one in paper.statements if "relative" in one.name}
    assert {("Base model, relative score", 79.02), ("Fine-tuned model, relative score", 78.02)} <= said
    assert [one.places[0][1] for one in paper.disagreements[:2]] == [("79.02",), ("78.02",)]
    assert [one.places[1][1] for one in paper.disagreements[:2]] == [("79.03",), ("78.30",)]
    (share,) = [one for one in paper.disagreements if "Share of parameters" in one.about]
    assert share.places[1][1] == (f"{100 * 4194304 / 8358955008:.2f}",)


def test_approximate_numbers_are_marked_and_deviations_kept() -> None:
    table = published.paper("llava-next-reasoning").table("table-1")
    scan = next(number for number in table.numbers() if number.labels == ("CT Scan",))
    assert (scan.value, scan.about, scan.printed) == (8.86, True, r"$\sim \! 8.86$")
    runs = published.paper("llava-med").table("table-10b")
    means = [number for number in runs.numbers() if number.deviation is not None]
    assert [(number.value, number.deviation) for number in means] == [(39.49, 0.10), (40.97, 0.56)]


def test_the_spread_that_table_10b_prints_is_not_that_of_its_runs() -> None:
    paper = published.paper("llava-med")
    runs = [n for n in paper.table("table-10b").numbers() if n.column == "Average" and n.labels[0].startswith("Run")]
    computed = [f"{stdev(number.value for number in runs[at : at + 3]):.2f}" for at in (0, 3)]
    assert computed == [one.places[1][1][0] for one in paper.disagreements[-2:]] == ["0.05", "0.38"]


def test_the_tables_that_are_kept() -> None:
    paper = published.paper("llava-med")
    kept = [table.id.removeprefix("table-") for table in paper.tables]
    assert kept == ["1", "3", "4a", "4b", "5", "8", "9", "10a", "10b", "11a", "11b"]
    # 5 rows of 8; 4 rows of 6, 5 of 4 and 1 of 6; 17 + 2 + 2 + 2 rows of 7.
    assert [len(list(table.numbers())) for table in paper.tables][:3] == [40, 50, 161]
    first = paper.table("table-1")
    assert next(first.numbers()) == published.Number(
        "llava-med", "table-1", None, ("LLaVA",), "Conversation (143)", first.condition, "percent", "39.4", 39.4
    )
    assert first.rows[1].section == "LLaVA-Med" and first.rows[1].cells[0] == "Stage 1"
    assert published.paper("llava-med").table("table-4a").rows[-1].section == "LLaVA as released"


def test_table_1s_domains_are_all_its_questions() -> None:
    """193 questions by type (143 + 50) and by domain (37 + 38 + 44 + 34 + 40), as its heading counts them."""
    counts = [int(re.findall(r"\d+", column)[-1]) for column in published.paper("llava-med").table("table-1").columns]
    assert (sum(counts[:2]), sum(counts[2:7]), counts[7]) == (193, 193, 193)


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("19,755", (19755.0, False, None)),
        ("~ 8.93", (8.93, True, None)),
        ("39.49\u00b10.10", (39.49, False, 0.10)),
        ("", None),
        ("60K-IM", None),
        ("10K", None),
        ("N/A", None),
    ],
)
def test_printed_numbers_are_read(printed: str, value: tuple[float, bool, float | None] | None) -> None:
    assert published.parse(printed) == value


def test_the_published_reviews_give_a_relative_score() -> None:
    found = published.reviews()
    assert len(found) == 192 and 183 not in {one.question for one in found}
    overall = published.reviewed(found)["type"]["overall"]
    assert overall.n == 192 and overall.unscored == 0
    total = [sum(pair) for pair in zip(*((one.pair.reference, one.pair.model) for one in found), strict=True)]
    assert overall.ratio_of_means == pytest.approx(total[1] / total[0])
    assert overall.mean_of_ratios != pytest.approx(overall.ratio_of_means or 0, abs=0.001)
    groups = published.reviewed(found)["domain"]
    assert sum(groups[name].n for name in groups if name != "overall") == 192


@needs_chat
def test_the_kept_scores_are_those_of_the_reviews() -> None:
    rows = [json.loads(line) for line in (CHAT / "llava_med_eval_qa50_qa_ans.jsonl").read_text().splitlines()]
    kept = {one.question: one for one in published.reviews()}
    for row in rows:
        first, second = row["result"].split("\n")[0].split()
        one = kept.pop(row["question_id"])
        assert (one.type, one.pair) == (row["type"], Pair(int(first), int(second)))
        assert set(one.domains) == {name for name, true in row["domain"].items() if true}
    assert not kept


@pytest.mark.parametrize("text", ["{", "[]", '{"id": "x"}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "ldrt.json").write_text(text)
    with pytest.raises(DatasetError, match=r"ldrt.*Restore it"):
        published.paper("ldrt", tmp_path)


def test_a_row_that_is_too_short_is_named(tmp_path: Path) -> None:
    record = json.loads((published.FOLDER / "llava-med.json").read_text())
    record["tables"][0]["rows"][0]["cells"].pop()
    (tmp_path / "llava-med.json").write_text(json.dumps(record))
    with pytest.raises(DatasetError, match="a row of 8 cells"):
        published.paper("llava-med", tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"reviews\.json cannot be read"):
        published.reviews(tmp_path)
