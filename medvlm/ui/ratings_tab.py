"""The Ratings tab: what was voted, in figures with intervals; its cases; files to take along; and reader studies."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr

from medvlm import plots
from medvlm.compare.steps import LONGEST_READER
from medvlm.errors import UserError
from medvlm.outcomes.results import FORMS, Order, Parcel, Results
from medvlm.outcomes.tally import Tally, reviewed
from medvlm.page.handout import Handout
from medvlm.plots.layout import Plot
from medvlm.plots.ratings import plots as drawn
from medvlm.privacy import Gate
from medvlm.ratings.store import RatingStore
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.studies.reviewing import Reviewing, study_of
from medvlm.ui import ratings_html, review_page, study_page
from medvlm.ui.frame import html
from medvlm.ui.markup import error
from medvlm.ui.review_page import Bench, Judging
from medvlm.ui.study_html import door, led
from medvlm.ui.study_page import Chair, Desk, Studying, Update
from medvlm.ui.theme import asset

QUIET: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "trigger_mode": "multiple"}
# Every plot that there may be, in the order of the page.
PLOTS = (
    "verdicts", "net-domain", "net-type", "net-reader", "criteria", "correctness", "errors", "agreement", "times",
    "blinding", "strengths",
)  # fmt: skip
ORDERS: tuple[Order, ...] = ("hard", "disputed", "won", "lost")


@dataclass(frozen=True, slots=True)
class RatingsRoom:
    """What the tab is built with. `store`: opens the ratings, when somebody looks at them first.

    `gate`: what pictures pass before a reader sees them. `shelf`: the runs whose answers can be judged alone.
    """

    store: Callable[[], RatingStore]
    handout: Handout
    gate: Gate = field(default_factory=lambda: Gate("strict"))
    shelf: RunShelf = field(default_factory=RunShelf)


class View:
    """What one person looks at: whose ratings, which candidates, and which case."""

    def __init__(self) -> None:
        self.study: str | None = None
        self.duel = 0
        self.order: Order = "hard"
        self.case = ""

    def __deepcopy__(self, _: object) -> "View":
        return View()


@dataclass(frozen=True, slots=True)
class Parts:
    """The components of the tab."""

    view: Any
    desk: Desk
    bench: Bench
    results: Any
    board: Any
    plots: dict[str, tuple[Any, Any, Any]]
    cases: Any
    porter: Any

    @property
    def figures(self) -> list[Any]:
        """What looking at other ratings changes."""
        return [self.results, self.board, self.cases, *(one for plot in self.plots.values() for one in plot)]


def build(room: RatingsRoom, blocks: gr.Blocks) -> None:
    """The tab, inside the `gr.Tab` that is open."""
    parts = _parts(room)
    tab = Tab(room, parts)
    everything = [*parts.desk.all, *parts.bench.all, *parts.figures, parts.porter]
    inputs = [parts.desk.chair, parts.view]
    for component in (parts.desk.door, parts.desk.head, parts.bench.head, parts.board, parts.cases):
        component.act(tab.act, inputs, everything, **QUIET)
    blocks.unload(tab.leave)
    parts.desk.scan.hello(tab.hello, parts.desk.chair, [parts.desk.head, parts.desk.scan], **QUIET)
    parts.desk.scan.gone(tab.gone, parts.desk.chair, parts.desk.scan, **QUIET)
    parts.desk.form.vote(tab.vote, parts.desk.chair, parts.desk.all, **QUIET)
    parts.bench.scan.hello(tab.hello_alone, parts.desk.chair, parts.bench.scan, **QUIET)
    parts.bench.scan.gone(tab.gone_alone, parts.desk.chair, parts.bench.scan, **QUIET)
    parts.bench.form.vote(tab.judge, parts.desk.chair, parts.bench.all, **QUIET)


def _parts(room: RatingsRoom) -> Parts:
    chair, view = gr.State(Chair(room.handout)), gr.State(View())
    with gr.Column(elem_id="ratings", min_width=0):
        html(f"<style>{asset('ratings.css')}</style>", elem_id="rt-style", js_on_load=None)
        entrance = html(door(None), elem_id="rt-door", js_on_load=asset("ratings.js"))
        desk = study_page.build(chair, entrance)
        bench = review_page.build()
        with gr.Column(elem_id="rt-results", min_width=0) as results:
            board = html(
                '<p role="status">Counting the ratings</p>', elem_id="rt-board", js_on_load=asset("ratings.js")
            )
            with gr.Column(elem_id="rt-plots", min_width=0):
                made = {name: _plot(name) for name in PLOTS}
            cases = html("", elem_id="rt-cases", js_on_load=asset("ratings.js"))
        porter = html({}, elem_id="rt-porter", html_template="", js_on_load=asset("ratings_porter.js"))
    return Parts(view, desk, bench, results, board, made, cases, porter)


def _plot(name: str) -> tuple[Any, Any, Any]:
    with gr.Column(elem_classes="rt-plot", min_width=0, visible=False) as frame:
        figure = gr.Plot(show_label=False, elem_id=f"rt-plot-{name}")
        numbers = html("", js_on_load=None)
    return frame, figure, numbers


class Tab:
    """One method an event. They translate; `Results` and `Studying` decide."""

    def __init__(self, room: RatingsRoom, parts: Parts) -> None:
        self._open = room.store
        self._parts = parts
        self._present: WeakValueDictionary[str, Chair] = WeakValueDictionary()
        self.studying = Studying(lambda: self.results, parts.desk, room.gate)
        self._room = room
        self.judging = Judging(lambda: self.reviewing, parts.bench)

    @cached_property
    def results(self) -> Results:
        """The ratings, opened when somebody looks. Raises `StoreError`; then the next look tries again."""
        return Results(self._open())

    @cached_property
    def reviewing(self) -> Reviewing:
        return Reviewing(self.results.store, self._room.shelf, self._room.gate)

    def act(self, chair: Chair, view: View, event: gr.EventData) -> Update:
        """A button, a choice, or the sign-in."""
        data = event._data
        steps: dict[str, Callable[[], Update]] = {
            "open": lambda: {} if chair.reads else self.shown(chair, view),
            "sign-in": lambda: self._entered(chair, view, str(data.get("code", ""))[:80]),
            "sign-out": lambda: self.studying.sign_out(chair) | self.shown(chair, view),
            "forward": lambda: self.studying.forward(chair),
            "close-study": lambda: self.studying.close_study(chair) | self.shown(chair, view),
            "review": lambda: self._begun(chair, view, str(data.get("run", "")), str(data.get("reader", ""))),
            "leave-review": lambda: self._left(chair, view),
            "study": lambda: self._chosen(chair, view, study=str(data.get("value", ""))),
            "duel": lambda: self._chosen(chair, view, study=view.study, duel=str(data.get("value", ""))),
            "order": lambda: self._ordered(chair, view, str(data.get("value", ""))),
            "case": lambda: self._case(chair, view, str(data.get("case", ""))),
            "leave-case": lambda: self._case(chair, view, ""),
            "export": lambda: self._export(chair, view, str(data.get("form", ""))),
            "bundle": lambda: self._parcel(self.results.bundle(view.study or "", view.case, chair.who)),
        }
        step = steps.get(str(data.get("act")))
        try:
            with chair.lock:
                return step() if step is not None else {}
        except UserError as problem:
            return {self._parts.board: error(str(problem))}

    def hello(self, chair: Chair, event: gr.EventData, request: gr.Request) -> Update:
        self._present[str(request.session_hash)] = chair
        return self.studying.hello(chair, event)

    def hello_alone(self, chair: Chair, event: gr.EventData) -> Update:
        """The bench's viewer is on the page; it has the page's key, which the chair may know already."""
        try:
            chair.holder.bind(str(event.key))
        except UserError as problem:
            return {self._parts.bench.head: error(str(problem))}
        return self.judging.seen(chair)

    def gone_alone(self, chair: Chair) -> Update:
        return self.judging.seen(chair)

    def judge(self, chair: Chair, event: gr.EventData) -> Update:
        """What was said of a single answer."""
        with chair.lock:
            return self.judging.vote(chair, event._data)

    def leave(self, request: gr.Request) -> None:
        """The page was closed: nobody sits here, and nobody fetches pixels."""
        chair = self._present.pop(str(request.session_hash), None)
        if chair is not None:
            chair.leave()

    def gone(self, chair: Chair) -> Update:
        return self.studying.gone(chair)

    def vote(self, chair: Chair, event: gr.EventData) -> Update:
        with chair.lock:
            return self.studying.vote(chair, event)

    def shown(self, chair: Chair, view: View, *wrong: str) -> Update:
        """The figures of what is chosen; nothing to a reader, while they read.

        `wrong`: why single answers cannot be judged, and what was filled in there.
        """
        if chair.reads:
            return {self._parts.results: gr.update(visible=False)}
        shelves = self.results.shelves(chair.who)
        studies = [one.study for one in shelves]
        if view.study not in studies:
            view.study, view.duel, view.case = (studies[0] if studies else None), 0, ""
        found = None if view.study is None else self.results.tally(view.study, view.duel, chair.who)
        update: Update = {self._parts.results: gr.update(visible=True)} | self._plots(found)
        above = led(self.results, chair.who)
        alone = review_page.door(self.reviewing.runs(), *wrong)
        if view.study is None:
            hidden = ratings_html.HIDDEN if self.results.studies.hidden() and not above else ""
            return update | {self._parts.board: above + ratings_html.EMPTY + hidden + alone, self._parts.cases: ""}
        ballots = self.results.ballots(view.study, chair.who)
        said = above + ratings_html.choices(shelves, view.study, ballots.duels, view.duel)
        said += ratings_html.figures(found) if found is not None else ratings_html.reviewed(reviewed(ballots))
        said += ratings_html.exports() + alone
        return update | {self._parts.board: said, self._parts.cases: self._list(chair, view, found)}

    def _plots(self, found: Tally | None) -> Update:
        there: dict[str, Plot] = {} if found is None else {plot.name: plot for plot in drawn(found)}
        update: Update = {}
        for name, (frame, figure, numbers) in self._parts.plots.items():
            plot = there.get(name)
            update[frame] = gr.update(visible=plot is not None)
            update[figure] = None if plot is None else plots.checked(plot.figure())
            update[numbers] = ratings_html.numbers(plot)
        return update

    def _list(self, chair: Chair, view: View, found: Tally | None) -> str:
        """Marked errors, answers judged alone, and the cases: or one case whole."""
        if found is None or view.study is None:
            return ""
        if view.case:
            ratings = self.results.case(view.study, view.case, chair.who)
            if ratings:
                _, picture = self.results.given(view.study, view.case)
                kept = picture or next((one.case.picture for one in ratings if one.case.picture is not None), None)
                return ratings_html.case(ratings, found.names, _url(kept))
        rows = self.results.cases(view.study, found.duel, view.order, chair.who)
        tables = ratings_html.errors_table(found) + ratings_html.reviewed(found.reviewed)
        return tables + ratings_html.cases(rows, found.duel, view.order)

    def _entered(self, chair: Chair, view: View, code: str) -> Update:
        return self.studying.sign_in(chair, code) | ({} if chair.who is None else self._for(chair, view))

    def _for(self, chair: Chair, view: View) -> Update:
        """What somebody sees who has just signed in: a leader their own study."""
        if chair.who is not None and chair.who.role == "leader":
            view.study = chair.who.study
        return self.shown(chair, view)

    def _begun(self, chair: Chair, view: View, run: str, judge: str) -> Update:
        """The first single answer, in the place of the results."""
        try:
            update = self.judging.begin(chair, run, judge)
        except UserError as problem:
            return self.shown(chair, view, str(problem), run, judge[:LONGEST_READER])
        view.study, view.duel, view.case = study_of(run), 0, ""
        return update | {self._parts.results: gr.update(visible=False), self._parts.desk.door: ""}

    def _left(self, chair: Chair, view: View) -> Update:
        """From the single answers back to the results."""
        return self.judging.leave(chair) | {self._parts.desk.door: door(chair.who)} | self.shown(chair, view)

    def _chosen(self, chair: Chair, view: View, study: str | None, duel: str = "0") -> Update:
        view.study, view.case = study, ""
        view.duel = int(duel) if duel.isdigit() else 0
        return self.shown(chair, view)

    def _ordered(self, chair: Chair, view: View, order: str) -> Update:
        view.order = next((one for one in ORDERS if one == order), "hard")
        return self._case(chair, view, "")

    def _case(self, chair: Chair, view: View, case: str) -> Update:
        view.case = case
        found = None if view.study is None else self.results.tally(view.study, view.duel, chair.who)
        return {self._parts.cases: self._list(chair, view, found)}

    def _export(self, chair: Chair, view: View, form: str) -> Update:
        known = next((one for one in FORMS if one == form), None)
        if known is None or view.study is None:
            return {}
        return self._parcel(self.results.export(view.study, known, chair.who))

    def _parcel(self, parcel: Parcel) -> Update:
        data = base64.b64encode(parcel.data).decode()
        return {self._parts.porter: {"name": parcel.name, "type": parcel.kind, "data": data}}


def _url(picture: bytes | None) -> str:
    return "" if picture is None else f"data:image/png;base64,{base64.b64encode(picture).decode()}"
