"""The page without a browser: what it writes, which requests it answers, and that it keeps to itself."""

import asyncio
import base64
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from medvlm import catalog, checkpoints
from medvlm.auth import Gate, add
from medvlm.desk import Desk, Moment
from medvlm.giving import ways
from medvlm.host import Host, Status
from medvlm.inbox import Inbox
from medvlm.packages import sha256_of
from medvlm.session import GREEDY, Choices, Given, Item, Made, Session
from medvlm.suggestions import SUGGESTIONS
from medvlm.types import Decoding, Report, Scan, Window
from medvlm.ui import receiving
from medvlm.ui.chat_tab import Room
from medvlm.ui.composer import composer
from medvlm.ui.doors import LARGEST_BODY
from medvlm.ui.drawer import choices
from medvlm.ui.header import CHIP, badge, header
from medvlm.ui.keys import KEYS, dialog
from medvlm.ui.layout import page, web_app
from medvlm.ui.markup import ICONS, button, error, icon
from medvlm.ui.picture import LONGEST, Doing, choosing, data_url, notes, picture, saw
from medvlm.ui.receiving import GARBLED, receiver
from medvlm.ui.theme import SCRIPTS, TONES, asset, script
from medvlm.ui.transcript import transcript
from tests.fakes import FakeModel

EVIL = "<img src=x onerror=alert(1)>\"'&${1+1}`"


def inside_a_loop(make: Callable[[], Any]) -> Any:
    """Blocks that are made where no event loop runs leave loops of their own behind, unclosed."""

    async def run() -> Any:
        return make()

    return asyncio.run(run())


def room() -> Room:
    host = Host(lambda _: FakeModel())
    return Room(Desk(host), Inbox(1000), 200)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = inside_a_loop(lambda: web_app(room(), None, local=True))
    with TestClient(app, base_url="http://127.0.0.1:7860") as made:
        yield made


def a_scan(slices: int = 1, source: str = "file") -> Scan:
    pixels = tuple(np.full((6, 8), n, np.int16) for n in range(slices))
    return Scan(
        pixels, "ct", source, "0" * 64, "CT stack", "DICOM CT", None, Window(400, 40), notes=("header removed",)
    )  # type: ignore[arg-type]


def at_slice(session: Session, slice_: int) -> Session:
    assert session.scan is not None and session.now is not None
    return session.looked(session.scan.slices, replace(session.now.look, slice=slice_))


def answered(text: str = "Yes.", **report: object) -> Session:
    facts = {"tokens": 11, "prompt_tokens": 9, "reused_tokens": 0, "seconds": 3.0, "seconds_to_first_token": 1.0}
    done = Report(**{**facts, "ended": "end", **report})  # type: ignore[arg-type]
    session = at_slice(Session().with_scan(a_scan(40)), 11).asked(EVIL, None)
    return session.answered(text, Made(session.asking, "m", "tuned", GREEDY, done))


def test_under_an_answer_stands_how_often_these_weights_were_right_and_nothing_of_other_weights() -> None:
    own = sha256_of(checkpoints.weight_files(catalog.resolve_adapter("nano-med"))[0])
    session = Session().with_scan(a_scan().as_domain("ct", "user")).asked("Is there a mass?", None)

    def shown(weights: str) -> str:
        made = Made(session.asking, "nano + nano-med", "tuned", GREEDY, weights=weights)
        return transcript(session.answered("Yes.", made))

    assert "CT, closed questions: " in shown(own) and "n = " in shown(own)
    assert "not evaluated on real images" in shown("0" * 64)
    assert "questions:" not in shown("")


def decoded(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,"))))


def test_whatever_comes_from_outside_is_text_on_the_page() -> None:
    for html in (
        transcript(answered(EVIL)),
        transcript(Session(), Moment("writing", EVIL)),
        error(EVIL),
        picture(Session(), 200, EVIL),
        badge(Status("failed", EVIL, 1.0)),
        button("suggest", EVIL, question=EVIL),
    ):
        assert "<img src=x" not in html and "&lt;img src=x" in html


def test_an_answer_says_what_it_is_about_and_what_it_cost() -> None:
    html = transcript(answered(notes=("Older questions were left out.",)))
    for part in ("about slice 12 of 40", "first word 1.0 s", "5.0 tokens/s", "tuned", "Older questions were left out."):
        assert part in html
    assert "seed" not in html


@pytest.mark.parametrize(
    ("ended", "says"), [("stopped", "stopped"), ("length", "cut at the longest length"), ("time", "time limit")]
)
def test_an_answer_that_was_cut_says_why(ended: str, says: str) -> None:
    assert says in transcript(answered(ended=ended))


def test_only_the_last_turn_can_be_edited_or_asked_again() -> None:
    session = answered()
    session = session.asked("two", None).answered("2", Made(None, "m", "base", Decoding(0.5, seed=3)))
    html = transcript(session)
    assert [html.count(f'data-act="{act}"') for act in ("edit", "undo", "retry", "copy")] == [1, 1, 1, 2]
    assert html.index('data-act="edit"') > html.index("two") and "seed 3" in html
    running = transcript(session.asked("three", None), Moment("reading"))
    assert 'data-act="edit"' not in running and "Reading the picture" in running


def test_an_answer_says_what_it_contradicts_and_what_the_model_saw() -> None:
    given = (Given(b"P", b"J", "slice 12 of 40"), Given(b"P", b"J", f"its part {EVIL}"))
    session = at_slice(Session().with_scan(a_scan(40)), 11)
    for text in ("Yes.", "No."):
        session = session.asked("Is there a nodule?", None)
        session = session.answered(text, Made(session.asking, "m", "tuned", GREEDY, saw=given))
    html = transcript(session)
    assert html.count('<p class="note">') == 1 and "This contradicts an earlier answer" in html
    assert html.count('alt="What the model saw: slice 12 of 40"') == 2 and "<img src=x" not in html
    assert 'data-act="given" data-answer="1"' in html


def test_waiting_says_for_what() -> None:
    assert "2 ahead of you" in transcript(Session(), Moment("queued", ahead=2))
    assert "Waiting for the model to load" in transcript(Session(), Moment("loading"))
    assert "spinner" not in transcript(Session(), Moment("writing", "so far"))


def test_suggestions_are_those_of_the_domain_less_what_was_asked() -> None:
    session = Session().with_scan(a_scan())
    assert all(question in transcript(session) for question in SUGGESTIONS["ct"])
    first = SUGGESTIONS["ct"][0]
    assert f'data-question="{first}"' not in transcript(session.asked(first, None))
    assert "suggest" not in transcript(Session())


def test_around_the_viewer_stand_the_kind_and_what_was_done_to_the_picture() -> None:
    session = at_slice(Session().with_scan(a_scan(40)), 11)
    html = picture(session, 200)
    assert 'data-domain="ct" aria-pressed="true"' in html and html.count('aria-pressed="true"') == 1
    assert "DICOM CT · slice 12/40 · 8 x 6 · header removed" in notes(session)
    assert ">DICOM CT · 8 x 6 · header removed<" in notes(Session().with_scan(a_scan())) and notes(Session()) == ""
    assert session.scan is not None and session.now is not None
    other = session.looked(session.scan.slices, replace(session.now.look, window=Window(1500, -600)))
    assert "slice 12/40 · 8 x 6 · window 1500/-600 · header removed" in notes(other)


def test_a_drop_says_how_far_it_is_until_it_is_shown() -> None:
    doing = Doing("Looking through the files: 3 of 12", 3, 12)
    assert 'max="12" value="3"' in picture(Session(), 200, doing=doing)
    assert "3 of 12" in picture(Session(), 200, doing=doing) and "Drop a scan" in picture(Session(), 200, doing=doing)
    with_first = picture(Session(), 200, doing=replace(doing, first=True))
    assert "data-doing" in with_first and "Drop a scan" not in with_first
    assert "data-doing" not in picture(Session(), 200)
    assert "up to 2 GB" in picture(Session(), 2000) and "up to 200 MB" in picture(Session(), 200)


def test_gradios_own_parts_have_the_colours_of_the_style_sheet() -> None:
    light, dark = re.findall(r"(?::root|\.dark) \{(.*?)\}", asset("app.css"), re.S)
    for number, block in enumerate((light, dark)):
        tones = dict(re.findall(r"--([\w-]+): (#\w+);", block))
        assert {name: pair[number] for name, pair in TONES.items()} == {name: tones[name] for name in TONES}


def test_the_same_mistake_twice_is_drawn_twice() -> None:
    assert picture(Session(), 200, "No.") != picture(Session(), 200, "No.")


def test_a_guess_is_marked_and_an_unknown_kind_is_not_chosen() -> None:
    assert "guess" in picture(Session().with_scan(a_scan(source="guess")), 200)
    unknown = picture(Session().with_scan(a_scan(source="unknown")), 200)
    assert 'aria-pressed="true"' not in unknown and "guess" not in unknown


def test_several_pictures_can_be_chosen_from() -> None:
    session = Session().with_scan(a_scan()).with_scan(a_scan(3))
    waiting = Item(f"CT · axial, lung {EVIL}", 120, a_scan, thumb=np.zeros((4, 4, 3), np.uint8))
    html = picture(replace(session, items=(*session.items, waiting)), 200)
    assert html.count('data-act="pick"') == 3 and 'data-item="1" aria-pressed="true"' in html
    assert html.count('class="card open"') == 2 and html.count('data-act="beside"') == 2
    assert "<b>CT</b>" in html and "<small>120 · axial, lung" in html and "<img src=x" not in html
    assert "pick" not in picture(Session().with_scan(a_scan()), 200)


def test_pixels_reach_the_page_unchanged_and_large_ones_smaller() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.array_equal(np.asarray(decoded(data_url(pixels))), pixels)
    large = decoded(data_url(np.zeros((30, LONGEST * 2, 3), np.uint8)))
    assert large.size == (LONGEST, 15)
    seen = saw([Image.fromarray(pixels)])
    assert "30 x 20 pixels" in seen and "What the model sees" in seen and saw([]) == ""


def test_what_goes_to_the_model_can_be_chosen_where_it_is_shown() -> None:
    session = Session().with_scan(replace(a_scan(40), unit="HU"))
    html = choosing(session)
    assert html.count("<option") == len(ways(session.scan)) and html.count(" selected") == 1  # type: ignore[arg-type]
    assert 'value="screen" selected' in html
    assert 'value="window Lung" selected' in choosing(session.giving("window Lung")) and choosing(Session()) == ""
    several = saw([Image.new("RGB", (8, 8))] * 3, EVIL, html)
    assert "3 pictures" in several and "<img src=x" not in several and html in several


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (Status("loading", "Unpacking 4-bit weights", 7.2), "spinner", "unpacking 4-bit weights, 7 s"),
        (Status("ready", "nano + nano-med", 7.0, True, True), "dot good", "Adapter verified"),
        (Status("ready", "nano + nano-med", 7.0, True, False), "dot open", "adapter not verified"),
        (Status("ready", "nano", 7.0), "dot open", "no adapter"),
        (Status("failed", "The weights are damaged.", 7.0), "dot bad", "The weights are damaged."),
    ],
)
def test_the_badge_shows_how_the_model_stands(status: Status, kind: str, says: str) -> None:
    html = header(status)
    assert f'class="{kind}"' in html and says in html and CHIP in html


def test_the_chip_is_there_before_anything_else_is_known() -> None:
    assert "not for diagnosis" in header(None)


def test_buttons_without_words_have_names_and_icons_are_skipped_by_readers() -> None:
    assert 'aria-label="Settings"' in button("drawer", "Settings", "settings", text=False)
    assert all('aria-hidden="true"' in icon(name) for name in ICONS)
    assert all(key in dialog() for key, _ in KEYS)


def test_the_drawer_gives_the_library_its_own_types() -> None:
    made = choices("base", 0.5, 0.9, 64, 7, "  Be brief. ")
    assert made == Choices("base", Decoding(0.5, 0.9, 64, 7), "Be brief.")
    assert choices("tuned", 0, 1, 160, None, "") == Choices()
    assert choices("tuned", 0, 1, 160, -(2**40), "").decoding.seed in range(2**31)


def test_the_same_state_twice_is_two_states_for_the_box() -> None:
    one, two = composer("idle", wrong="No."), composer("idle", wrong="No.")
    assert one["number"] != two["number"] and one["error"] == two["error"] == "No."


def test_files_come_in_by_pieces_under_a_ticket_and_nonsense_is_refused_in_words() -> None:
    inbox = Inbox(100)
    receive = receiver(inbox)
    app = FastAPI()
    receiving.serve(app, inbox)
    ticket = receive({"files": [["a/1.dcm", 3], ["a/2.dcm", 2]]})["ticket"]
    assert re.fullmatch(receiving.ADDRESS, f"/inbox/{ticket}")
    with TestClient(app) as client:
        assert client.post(f"/inbox/{ticket}", content=b"abcd").json() == {"size": 4}
        assert client.post(f"/inbox/{ticket}", content=b"e").json() == {"size": 5}
        refused = client.post(f"/inbox/{'x' * 32}", content=b"e")
    assert refused.status_code == 409 and "interrupted" in refused.json()["error"]
    assert inbox.take(ticket) == [("a/1.dcm", b"abc"), ("a/2.dcm", b"de")]
    for nonsense in (None, [], {}, {"files": None}, {"files": [["a"]]}, {"files": [["a", "x"]]}, "text"):
        assert receive(nonsense) == {"error": GARBLED}
    assert "MB are read" in receive({"files": [["a.png", 10**9]]})["error"]


def test_no_event_of_the_page_is_an_endpoint_for_programs() -> None:
    config = inside_a_loop(lambda: page(room())).get_config_file()
    visible = {dependency["api_visibility"] for dependency in config["dependencies"] if dependency["backend_fn"]}
    assert visible == {"private"}


def test_the_page_is_ready_when_each_of_its_scripts_listens() -> None:
    config = inside_a_loop(lambda: page(room())).get_config_file()
    scripts = [part["props"]["js_on_load"] for part in config["components"] if part["props"].get("js_on_load")]
    # The gate's question and the panel of doubts are not there at first: nothing waits for them.
    assert set(map(script, SCRIPTS)) <= set(scripts)
    assert sum(f"length === {len(SCRIPTS)})" in one for one in scripts) == len(SCRIPTS)


def test_no_event_of_a_person_is_dropped_because_the_last_has_not_ended() -> None:
    config = inside_a_loop(lambda: page(room())).get_config_file()
    modes = {(target[1], dep["trigger_mode"]) for dep in config["dependencies"] for target in dep["targets"]}
    repeated = {"load", "unload", "tick", "then"}
    dropped = {event for event, mode in modes if mode != "multiple"} - repeated
    assert dropped == set() and ("ask", "multiple") in modes


def test_the_page_comes_with_strict_headers_and_without_gradios_extras(client: TestClient) -> None:
    got = client.get("/")
    assert got.status_code == 200 and "MedVLM" in got.text
    policy = got.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert got.headers["cache-control"] == "no-store" and got.headers["referrer-policy"] == "no-referrer"
    config = client.get("/config").json()
    assert config["footer_links"] == [] and config["run_history"] is False and config["analytics_enabled"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("GET", "/gradio_api/proxy=http://example.org/"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/gradio_api/heartbeat/../info"),
        ("GET", "/monitoring"),
        ("GET", "/docs"),
        ("GET", "/assets/../app.py"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/call/predict"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/vibe-edit"),
        ("PUT", "/"),
        ("DELETE", "/config"),
    ],
)
def test_doors_that_the_page_does_not_need_are_shut(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 404


def test_pixels_and_uploads_have_addresses_that_give_nothing_without_their_tickets(client: TestClient) -> None:
    assert client.get(f"/pixels/{'x' * 32}/0").status_code == 404
    assert client.post(f"/inbox/{'x' * 32}", content=b"bytes").status_code == 409
    assert client.get("/viewer/mount.js").headers["content-type"].startswith("text/javascript")
    assert client.get(f"/inbox/{'x' * 32}").status_code == client.post(f"/pixels/{'x' * 32}/0").status_code == 404


def test_another_host_name_is_refused_on_loopback(client: TestClient) -> None:
    assert client.get("/", headers={"host": "evil.example:7860"}).status_code == 421
    assert client.get("/", headers={"host": "localhost:7860"}).status_code == 200


def test_bodies_are_bounded_with_and_without_a_length(client: TestClient) -> None:
    big = b"x" * (LARGEST_BODY + 1)
    assert client.post("/gradio_api/component_server/", content=big).status_code == 413
    assert client.post("/gradio_api/queue/join", headers={"content-length": "x"}).status_code == 413


def test_nothing_is_shown_before_login_and_a_wrong_password_opens_nothing(tmp_path: Path) -> None:
    users = tmp_path / "users"
    add(users, "ada", "a long enough one")
    app = inside_a_loop(lambda: web_app(room(), Gate.open(users), local=False))
    with TestClient(app, base_url="http://scans.example") as client:
        before = client.get("/")
        assert "Drop a scan here" not in before.text and "Not for diagnosis" in before.text
        assert client.get("/config").status_code == 401
        assert client.post("/gradio_api/component_server/", json={}).status_code == 401
        assert client.post("/login", data={"username": "ada", "password": "wrong one"}).status_code == 400
        assert client.get("/config").status_code == 401
        assert client.post("/login", data={"username": "ada", "password": "a long enough one"}).status_code == 200
        assert "Drop a scan here" in client.get("/").text


def test_every_state_of_a_person_is_their_own() -> None:
    blocks = inside_a_loop(lambda: page(room()))
    (state,) = (block for block in blocks.blocks.values() if isinstance(block, gr.State))
    from gradio.state_holder import SessionState

    one, two = SessionState(blocks)[state._id], SessionState(blocks)[state._id]
    assert one is not two and one.session.conversation.id != two.session.conversation.id
    assert one.holder is not two.holder
