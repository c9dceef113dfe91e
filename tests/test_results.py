"""What may be looked at, by whom; figures, cases and files of it; and a case that goes out and comes back the same."""

import json
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from medvlm import plots
from medvlm.errors import DatasetError, UserError
from medvlm.imaging import read
from medvlm.outcomes.results import FORMS, MOST_ROWS, Results
from medvlm.page.viewing import Look
from medvlm.plots import ratings as plots_ratings
from medvlm.ratings import bundles
from medvlm.ratings.records import ErrorTag, Rating
from medvlm.ratings.store import RatingStore
from medvlm.statistics import FEWEST
from medvlm.studies.design import Design
from medvlm.studies.reading import Pass, ReadingRoom
from medvlm.studies.report import write_report
from medvlm.types import View, Window
from tests import studies_cases as made
from tests.fakes import FakeModel
from tests.rating_cases import BASE, TUNED, full, simple, single

LEADER = Pass(made.NAME, "leader", "leader")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(RatingStore(tmp_path / "ratings.sqlite3"))


def read_study(results: Results, count: int = 6, **design: object) -> dict[str, str]:
    """A study that two readers have read whole, still open."""
    kept = results.studies
    codes = made.opened(kept, count=count, design=Design(**{"repeats": 0.0, **design}))  # type: ignore[arg-type]
    room = ReadingRoom(kept)
    for reader in ("r1", "r2"):
        made.read_all(room, room.sign_in(codes[reader]))
    return codes


def votes(count: int) -> list[Rating]:
    """Votes that the tuned one wins two times in three, one to a case, a severe error in every tenth."""
    found = []
    for number in range(count):
        one = simple(number, ("right", "right", "left")[number % 3], tuned_left=False)
        tags = (ErrorTag("side", "severe", 0, 2),) if number % 10 == 0 else ()
        found.append(replace(one, left=replace(one.left, errors=tags), seconds=float(number % 7)))
    return found


def test_nothing_of_an_open_study_is_shown_but_to_its_leader(results: Results) -> None:
    read_study(results)
    results.store.add_all(votes(3))
    assert [one.study for one in results.shelves()] == [""]
    assert [one.study for one in results.shelves(Pass(made.NAME, "r1", "reader"))] == [""]
    mine = results.shelves(LEADER)
    assert {one.study for one in mine} == {"", made.NAME} and any("still open" in one.note for one in mine)
    assert [one.study for one in results.shelves(replace(LEADER, study="other"))] == [""]
    duel = results.ballots(made.NAME, LEADER).duels[0]
    for look in (
        lambda who: results.tally(made.NAME, 0, who),
        lambda who: results.cases(made.NAME, duel, "hard", who),
        lambda who: results.case(made.NAME, "phantom-cxr-0", who),
        lambda who: results.export(made.NAME, "csv", who),
        lambda who: results.bundle(made.NAME, "phantom-cxr-0", who),
    ):
        for who in (None, Pass(made.NAME, "r1", "reader"), replace(LEADER, study="other")):
            with pytest.raises(UserError, match="before it is closed"):
                look(who)
        assert look(LEADER)
    results.studies.set_status(made.NAME, "closed")
    assert {one.study for one in results.shelves()} == {"", made.NAME}
    assert results.tally(made.NAME) is not None


def test_figures_follow_the_votes_and_change_with_the_next_one(results: Results) -> None:
    assert results.tally("") is None and results.shelves() == []
    results.store.add_all(votes(30))
    found = results.tally("")
    assert found is not None and found.duel.first == TUNED and found.votes == 30
    assert found.summary.net.value == pytest.approx(1 / 3)
    assert results.tally("") is found, "what was counted once is kept"
    results.store.add(simple(99, "left"))
    again = results.tally("")
    assert again is not None and again.votes == 31


def test_training_repeats_and_named_votes_are_told_and_not_counted(results: Results) -> None:
    rows = votes(12)
    results.store.add_all(rows)
    for number, change in enumerate(({"training": True}, {"repeat": 1}, {"blinded": False})):
        results.store.add(replace(rows[0], id=f"other-{number}", **change))
    found = results.tally("")
    assert found is not None and found.votes == 12
    assert found.left_out == {"hidden repeats": 1, "training cases": 1, "named votes": 1}


def test_every_plot_is_one_that_plotly_knows_and_holds_its_numbers(results: Results) -> None:
    results.store.add_all([*votes(40), single()])
    found = results.tally("")
    assert found is not None
    drawn = {plot.name: plot for plot in plots_ratings.plots(found)}
    for plot in drawn.values():
        plots.checked(plot.figure())
        assert plot.rows and all(len(row) == len(plot.columns) for row in plot.rows)
    win = drawn["verdicts"].rows[0]
    assert win[0] == "nano-med better (27)" and win[1] == pytest.approx(67.5) and win[4] == 40
    assert drawn["verdicts"].data[0]["x"][0] == pytest.approx(67.5)


def test_too_few_cases_give_counts_and_a_reason_instead_of_marks(results: Results) -> None:
    results.store.add_all(votes(6))
    found = results.tally("")
    assert found is not None
    plot = plots_ratings.verdicts(found)
    plots.checked(plot.figure())
    assert plot.rows[0][0] == "nano-med better (4)" and plot.data[0]["x"] == [None] * 4
    assert [one["text"] for one in plot.layout["annotations"]] == [f"too few: 6 cases, {FEWEST} needed"] * 4


def test_cases_come_in_the_order_asked_for(results: Results) -> None:
    rows = [simple(n, verdict, case="c1", reader=f"r{n}") for n, verdict in enumerate(("left", "right", "tie"))]
    rows += [simple(n, "neither", case="c2", reader=f"r{n}") for n in (10, 11)]
    rows += [simple(n, "right", case="c3", reader=f"r{n}") for n in (20, 21)]
    results.store.add_all(rows)
    duel = results.ballots("").duels[0]
    orders = {order: [row.case for row in results.cases("", duel, order)] for order in ("hard", "disputed", "won")}  # type: ignore[arg-type]
    assert orders["hard"][0] == "c2" and orders["disputed"][0] == "c1" and orders["won"][0] == "c3"


def test_every_file_is_written_and_too_many_rows_are_refused_with_the_command(results: Results) -> None:
    results.store.add_all([*votes(20), replace(simple(50, "neither"), case=replace(full().case, id="hard"))])
    parcels = {form: results.export("", form) for form in FORMS}
    for form in ("csv", "jsonl"):
        with zipfile.ZipFile(BytesIO(parcels[form].data)) as archive:  # type: ignore[index]
            assert len(archive.namelist()) == 2 and any("dictionary" in name for name in archive.namelist())
            assert b"\\x89PNG" not in b"".join(archive.read(name) for name in archive.namelist())
    assert parcels["mrmc"].data.startswith(b"reader,case,treatment,score")
    assert json.loads(parcels["hard"].data.splitlines()[0])["label"]
    assert len(parcels["preferences"].data.splitlines()) == 20
    results.store.add_all(simple(number + 1000) for number in range(MOST_ROWS))
    with pytest.raises(UserError, match="ratings export FILE --as mrmc"):
        results.export("", "mrmc")


def test_a_case_goes_out_and_comes_back_the_same_and_runs_to_the_same_text(results: Results, tmp_path: Path) -> None:
    read_study(results)
    results.studies.set_status(made.NAME, "closed")
    data = results.bundle(made.NAME, "phantom-ct-0").data
    assert results.bundle(made.NAME, "phantom-ct-0").data == data
    found = bundles.unpack(data)
    with RatingStore(tmp_path / "other.sqlite3") as other:
        assert other.add_all(found.ratings) == 2 and other.add_all(found.ratings) == 0
        assert list(other.ratings()) == results.case(made.NAME, "phantom-ct-0")
    assert found.picture is not None and found.look is not None and len(found.answers) == 2
    seen: list[bytes] = []

    def script(conversation: object, arm: str) -> str:
        seen.append(conversation.scans[0].slices[0].tobytes())  # type: ignore[attr-defined]
        return made.script(conversation, arm)  # type: ignore[arg-type]

    again = list(bundles.rerun(found, FakeModel(script), made.CANDIDATES))  # type: ignore[arg-type]
    assert [one.same for one in again] == [True, True]
    case = next(one for one in results.studies.cases(made.NAME) if one.id == "phantom-ct-0")
    given = made.pictures(results.studies)
    from medvlm.studies.answering import asked

    assert set(seen) == {asked(given, case).scans[0].slices[0].tobytes()}, "the very pixels of the first time"


def test_a_bundle_with_a_hash_alone_asks_for_the_file_and_takes_no_other(results: Results) -> None:
    scan = read(Path("assets/examples/specimen.png").read_bytes(), "specimen.png")
    row = simple(1)
    results.store.add(replace(row, case=replace(row.case, scans=(scan.sha256,))))
    found = bundles.unpack(results.bundle("", "case-1").data)
    assert found.picture is None
    answer = found.answers[0]
    with pytest.raises(UserError, match="--picture FILE"):
        bundles.asked(found, answer)
    with pytest.raises(UserError, match="another one"):
        bundles.asked(found, answer, replace(scan, sha256="1" * 64))
    assert bundles.asked(found, answer, scan).scans == (scan,)


def test_a_case_of_the_compare_tab_carries_what_was_asked_about(results: Results) -> None:
    row = simple(1)
    look = {"plane": "coronal", "axis": 1, "slice": 40, "inverted": True, "turn": [0, 1, -1, 0], "token": "t"}
    case = replace(row.case, view=View(0, 12), window=Window(400, 40), look=json.dumps(look))
    results.store.add(replace(row, case=case))
    found = bundles.unpack(results.bundle("", "case-1").data)
    assert found.look == Look("coronal", 1, 12, Window(400, 40), True, (0, 1, -1, 0)), "as asked, not as left"


def test_a_rerun_says_who_is_not_here(results: Results) -> None:
    read_study(results)
    results.studies.set_status(made.NAME, "closed")
    found = bundles.unpack(results.bundle(made.NAME, "phantom-ct-0").data)
    other = {"base": BASE, "tuned": replace(TUNED, adapter_sha256="c" * 64)}
    again = {one.answer.candidate.name: one for one in bundles.rerun(found, FakeModel(made.script), other)}  # type: ignore[arg-type]
    assert again["nano"].same and again["nano-med"].text is None and "others" in again["nano-med"].reason


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04nonsense", b"\x00" * 100])
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(DatasetError, match="no case bundle"):
        bundles.unpack(data)


def test_a_bundle_that_was_changed_is_refused(results: Results) -> None:
    results.store.add(simple(1))
    whole = results.bundle("", "case-1").data
    for old, new in ((b'"schema": 1', b'"schema": 9'), (b'"name": "nano"', b'"name": "nono"')):
        with zipfile.ZipFile(BytesIO(whole)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text.replace(old, new) if name == bundles.CASE else text)
        with pytest.raises(DatasetError):
            bundles.unpack(out.getvalue())
    with pytest.raises(UserError, match="one case"):
        bundles.pack([])


def test_the_report_is_one_page_that_fetches_nothing_and_waits_for_the_end(results: Results, tmp_path: Path) -> None:
    read_study(results, count=12)
    target = tmp_path / "out" / "report.html"
    with pytest.raises(UserError, match="not closed"):
        write_report(results.studies, made.NAME, target)
    results.studies.set_status(made.NAME, "closed")
    write_report(results.studies, made.NAME, target)
    text = target.read_text(encoding="utf-8")
    body = text[text.index("<body>") :]
    assert 'src="' not in text[:2000] and "<link" not in text[:2000] and "https://" not in body
    assert "Not for diagnosis" in body and "nano-med against nano" in body and "12, and 0 for training" in body
    assert body.count("<details>") >= 9 and "Net win rate of nano-med, in points: 100.0" in body
