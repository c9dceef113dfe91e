"""The Ratings tab's handlers without a browser: what stands in the page, for whom, and that nothing in it is run."""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from medvlm.compare.steps import CLOSED
from medvlm.page.handout import Handout
from medvlm.privacy import Gate
from medvlm.ratings.store import RatingStore
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.studies.design import Design
from medvlm.types import Scan
from medvlm.ui import ratings_html, review_page, study_page
from medvlm.ui.judging import Judging
from medvlm.ui.judging import Parts as CompareParts
from medvlm.ui.ratings_tab import PLOTS, Parts, RatingsRoom, Tab, View, _parts, build
from medvlm.ui.study_page import Chair
from tests import studies_cases as made
from tests.compare_cases import Room
from tests.rating_cases import full, rich, simple
from tests.score_cases import open_run, written

EVIL = '<img src=x onerror="alert(1)">'


@dataclass(frozen=True, slots=True)
class Page:
    """One person's page, and the handlers behind it."""

    tab: Tab
    parts: Parts
    chair: Chair
    view: View

    def act(self, act: str, **data: Any) -> dict[Any, Any]:
        return self.tab.act(self.chair, self.view, SimpleNamespace(_data={"act": act, **data}))  # type: ignore[arg-type]

    def judge(self, correctness: str | None, key: str) -> dict[Any, Any]:
        said = {"scores": [None] * 5, "errors": [], "correctness": correctness}
        turn = self.chair.turn
        look = self.look(turn.scan if turn else None)
        payload = {"id": "0" * 32, "key": key, "verdict": None, "left": said, "right": None, "look": look}
        return self.tab.judge(self.chair, SimpleNamespace(_data=payload))  # type: ignore[arg-type]

    def look(self, scan: Scan | None) -> dict[str, Any] | None:
        """What the viewer tells of that scan, once it is on the screen."""
        if scan is None:
            return None
        view = {"plane": "axial", "axis": 2, "slice": 0, "inverted": False, "measures": [], "turn": [1, 0, 0, 1]}
        window = {"width": 256, "level": 128, "function": "LINEAR"}
        return {**view, "token": self.chair.holder.offer(scan), "window": window}

    def vote(self, verdict: str, key: str, scan: Scan | None = None, seen: bool = True) -> dict[Any, Any]:
        """`scan`: what is on the screen, the case's own unless told otherwise."""
        said = {"scores": [None] * 5, "errors": []}
        look = self.look(scan or self.chair.scan) if seen else None
        payload = {"id": "0" * 32, "key": key, "verdict": verdict, "left": said, "right": said, "look": look}
        return self.tab.vote(self.chair, SimpleNamespace(_data=payload))  # type: ignore[arg-type]


def parts_of(room: RatingsRoom) -> Parts:
    """The components, made where an event loop runs: elsewhere Blocks leave loops of their own behind."""

    async def made_in_a_loop() -> Parts:
        with gr.Blocks():
            return _parts(room)

    return asyncio.run(made_in_a_loop())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RatingStore]:
    with RatingStore(tmp_path / "ratings.sqlite3") as opened:
        yield opened


@pytest.fixture
def page(store: RatingStore, tmp_path: Path) -> Page:
    shelf = RunShelf([written(tmp_path / "runs" / "drawn", open_run()).parent])
    room = RatingsRoom(lambda: store, Handout(), Gate("off"), shelf)
    parts = parts_of(room)
    return Page(Tab(room, parts), parts, Chair(room.handout), View())


def test_an_empty_store_says_what_to_do(page: Page) -> None:
    shown = page.act("open")
    assert "No ratings yet" in shown[page.parts.board] and shown[page.parts.cases] == ""
    assert all(shown[page.parts.plots[name][1]] is None for name in PLOTS)


def test_figures_plots_and_cases_stand_in_the_page(page: Page, store: RatingStore) -> None:
    store.add_all(rich(number, ("left", "right", "tie")[number % 3]) for number in range(60))
    shown = page.act("open")
    assert "Net win rate of nano-med" in shown[page.parts.board] and "60" in shown[page.parts.board]
    assert shown[page.parts.plots["verdicts"][1]] is not None
    assert "<table>" in shown[page.parts.plots["verdicts"][2]] and "Marked errors" in shown[page.parts.cases]
    opened = page.act("case", case="case-3")
    assert "Question 3?" in opened[page.parts.cases] and "Back to the list" in opened[page.parts.cases]
    assert "Cases (12)" in page.act("order", value="disputed")[page.parts.cases]


def test_files_go_out_as_they_are(page: Page, store: RatingStore) -> None:
    store.add(simple(1))
    page.act("open")
    parcel = page.act("export", form="mrmc")[page.parts.porter]
    assert parcel["name"] == "votes-mrmc.csv" and base64.b64decode(parcel["data"]).startswith(b"reader,case")
    page.act("case", case="case-1")
    assert base64.b64decode(page.act("bundle")[page.parts.porter]["data"]).startswith(b"PK")
    assert page.act("export", form="nonsense") == {} and page.act("nonsense") == {}


def test_nothing_that_was_typed_becomes_markup(page: Page, store: RatingStore) -> None:
    one = full()
    case = replace(one.case, id=EVIL, question=EVIL, reference=EVIL, question_type=EVIL, picture=None)
    left = replace(one.left, text=EVIL * 3)
    store.add(replace(one, case=case, left=left, reader=EVIL, comment=EVIL, study="", blinded=True, training=False))
    shown = page.act("open")
    opened = page.act("case", case=EVIL)
    for part in (shown[page.parts.board], shown[page.parts.cases], opened[page.parts.cases]):
        assert "<img src=x" not in part
    assert "&lt;img src=x" in opened[page.parts.cases]


def test_a_reader_sees_their_case_and_no_result_and_votes_are_locked(page: Page, store: RatingStore) -> None:
    kept = made.StudyStore(store)
    codes = made.opened(kept, count=3, design=Design(repeats=0.0, break_every=2))
    store.add_all(rich(number, "left") for number in range(20))
    desk = page.parts.desk
    assert "opens no study" in page.act("sign-in", code="ABCD")[desk.door]
    shown = page.act("sign-in", code=codes["r1"])
    assert shown[page.parts.results]["visible"] is False and page.parts.board not in shown
    assert "case 1 of 3" in shown[desk.head] and shown[desk.form]["state"] == "open"
    assert "nano" not in str(shown[desk.pair]) and "base model" not in str(shown[desk.pair])
    key = shown[desk.form]["key"]
    assert "Choose which answer" in page.vote(None, key)[desk.form]["error"]  # type: ignore[arg-type]
    assert page.vote("left", key, seen=False)[desk.form]["error"] == study_page.UNSEEN and store.count() == 20
    before = page.chair.scan
    shown = page.vote("left", key)
    assert "case 2 of 3" in shown[desk.head] and store.count() == 21
    assert page.vote("right", key)[desk.form]["state"] == "open", "the case that is on stays on"
    assert store.count() == 21
    key = shown[desk.form]["key"]
    assert page.vote("tie", key, scan=before)[desk.form]["error"] == study_page.UNSEEN
    shown = page.vote("tie", key)
    assert study_page.REST in shown[desk.head] and shown[desk.scan] == {"scans": []}
    shown = page.act("forward")
    assert "case 3 of 3" in shown[desk.head]
    page.vote("tie", shown[desk.form]["key"])
    assert page.chair.task is None and store.count() == 23
    left = page.act("sign-out")
    assert left[desk.room]["visible"] is False and left[page.parts.results]["visible"] is True
    assert "Net win rate" in left[page.parts.board] and made.NAME not in left[page.parts.board]


def test_a_vote_after_the_server_was_started_anew_stays_in_the_form_until_the_reader_is_back(
    page: Page, store: RatingStore
) -> None:
    codes = made.opened(made.StudyStore(store), count=2, design=Design(repeats=0.0))
    desk = page.parts.desk
    key = page.act("sign-in", code=codes["r1"])[desk.form]["key"]
    anew = replace(page, chair=Chair(Handout()), view=View())
    refused = anew.vote("left", key)
    assert refused[desk.form]["state"] == "open" and refused[desk.form]["key"] == key
    assert refused[desk.form]["error"] == study_page.SIGNED_OUT and "Sign-in code" in refused[desk.door]
    assert store.count() == 0
    assert anew.act("sign-in", code=codes["r1"])[desk.form]["key"] == key, "the form of this key is not emptied"
    stranger = anew.act("sign-in", code=codes["r1"])[desk.scan]
    assert stranger["scans"] == [] and stranger["stranger"], "the page is asked for its key, and then shown the picture"
    anew.chair.holder.bind("k" * 32)
    assert anew.act("forward")[desk.scan]["scans"]
    assert "case 2 of 2" in anew.vote("left", key)[desk.head] and store.count() == 1
    alone = anew.judge("right", "review-of-before")[page.parts.bench.form]
    assert (alone["state"], alone["key"], alone["error"]) == ("open", "review-of-before", review_page.ANEW)


def test_a_vote_that_something_unforeseen_stops_stays_in_the_form(
    page: Page, store: RatingStore, caplog: pytest.LogCaptureFixture
) -> None:
    codes = made.opened(made.StudyStore(store), count=1)
    desk, bench = page.parts.desk, page.parts.bench
    key = page.act("sign-in", code=codes["r1"])[desk.form]["key"]
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE study_cases SET record = '{' || record")
    told = page.vote("left", key)[desk.form]
    assert (told["state"], told["key"]) == ("open", key) and "could not be kept (JSONDecodeError)" in told["error"]
    page.act("sign-out")
    page.chair.holder.bind("k" * 32)
    turn = page.act("review", run="drawn", reader="A")[bench.form]["key"]
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE errors")
        connection.exec_driver_sql("DROP TABLE ratings")
    told = page.judge("right", turn)[bench.form]
    assert (told["state"], told["key"]) == ("open", turn) and "It is still here" in told["error"]
    assert "in submit" in caplog.text and "JSONDecodeError" in caplog.text


def test_a_vote_whose_case_the_server_has_lost_says_so_and_stays_to_be_copied() -> None:
    room, lost = Room(), Room()
    room.ask()
    components = CompareParts(*("seat", "booth", "scan", "head", "bench", "form"))
    seat: Any = SimpleNamespace(used=lambda: None)
    told = Judging(lost.comparing, components).vote(seat, lost.booth, SimpleNamespace(_data=room.payload()))  # type: ignore[arg-type]
    assert (told["form"]["state"], told["form"]["key"]) == ("closed", room.now.key), "not emptied"
    assert told["form"]["error"] == told["head"]["error"] == CLOSED and not lost.ratings.kept


def test_a_leader_sees_progress_and_interim_results_with_a_caution_and_closes(page: Page, store: RatingStore) -> None:
    kept = made.StudyStore(store)
    codes = made.opened(kept, count=2)
    room = made.ReadingRoom(kept)
    made.read_all(room, room.sign_in(codes["r1"]))
    assert "No ratings yet" in page.act("open")[page.parts.board]
    shown = page.act("sign-in", code=codes["leader"])[page.parts.board]
    assert "<td>2 of 2</td>" in shown and "<td>0 of 2</td>" in shown and "still open" in shown
    closed = page.act("close-study")[page.parts.board]
    assert "closed" in closed and "still open" not in closed
    page.act("sign-out")
    assert "Net win rate" in page.act("open")[page.parts.board]


def test_a_training_case_teaches_before_the_next_one_comes(page: Page, store: RatingStore) -> None:
    codes = made.opened(made.StudyStore(store), count=1, training=1)
    desk = page.parts.desk
    shown = page.act("sign-in", code=codes["r1"])
    assert "Practice" in shown[desk.head]
    told = page.vote("left", shown[desk.form]["key"])
    assert "reference answer" in told[desk.head] and told[desk.form]["state"] == "kept"
    assert "case 2 of 2" in page.act("forward")[desk.head]


def test_single_answers_are_judged_without_names_and_counted_after(page: Page, store: RatingStore) -> None:
    bench, desk = page.parts.bench, page.parts.desk
    assert '<option value="drawn">drawn (6)</option>' in page.act("open")[page.parts.board]
    assert "made up" in page.act("review", run="drawn", reader=" ")[page.parts.board]
    page.chair.holder.bind("k" * 32)
    shown = page.act("review", run="drawn", reader="Reader A")
    assert shown[page.parts.results]["visible"] is False and shown[desk.door] == "" and page.act("open") == {}
    for number in range(1, 7):
        assert f"answer {number} of 6" in shown[bench.head] and "liver" in shown[bench.answer]
        assert "nano" not in str(shown[bench.answer]) and "Reference" in shown[bench.answer]
        assert shown[bench.scan]["scans"] and shown[bench.form]["state"] == "open"
        key = shown[bench.form]["key"]
        assert "how correct" in page.judge(None, key)[bench.form]["error"]
        assert page.judge("right", "another")[bench.form]["state"] == "closed"
        shown = page.judge("partly", key)
    assert review_page.ENDED in shown[bench.head] and shown[bench.form]["state"] == "closed"
    shown = page.act("leave-review")
    assert "Answers judged alone" in shown[page.parts.board] and "nano-med" in shown[page.parts.board]
    assert shown[bench.room]["visible"] is False and "Sign in" in shown[desk.door]
    assert {one.reader for one in store.ratings()} == {"Reader A"}


def test_every_part_of_the_tab_is_heard(store: RatingStore) -> None:
    async def wired() -> set[str]:
        with gr.Blocks() as blocks:
            build(RatingsRoom(lambda: store, Handout()), blocks)
        return {target[1] for step in blocks.config["dependencies"] for target in step["targets"]}

    assert asyncio.run(wired()) == {"act", "hello", "gone", "vote", "unload"}


def test_nobody_gets_another_persons_chair(page: Page) -> None:
    from copy import deepcopy

    copy = deepcopy(page.chair)
    assert copy.holder is not page.chair.holder and copy.who is None


def test_a_store_that_cannot_be_opened_is_said_where_it_matters(tmp_path: Path) -> None:
    (tmp_path / "ratings.sqlite3").write_text("no database at all, but some text of enough length to be looked at")
    room = RatingsRoom(lambda: RatingStore(tmp_path / "ratings.sqlite3"), Handout(), Gate("off"))
    parts = parts_of(room)
    page = Page(Tab(room, parts), parts, Chair(room.handout), View())
    assert "is no SQLite database" in page.act("open")[parts.board]
    assert "is no SQLite database" in page.act("sign-in", code="ABCD-0000")[parts.desk.door]


def test_every_form_and_order_has_words() -> None:
    from medvlm.outcomes.results import FORMS
    from medvlm.ui.ratings_tab import ORDERS

    assert set(ratings_html.FORM_WORDS) == set(FORMS) and set(ratings_html.ORDER_WORDS) == set(ORDERS)
