"""The page without a browser: what it writes, which requests it answers, and that it keeps to itself."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from medvlm.auth import Gate, add
from medvlm.page.desk import Desk, Moment
from medvlm.page.host import Host, Status
from medvlm.page.inbox import Inbox
from medvlm.page.session import Choices, Session
from medvlm.types import Decoding
from medvlm.ui import receiving
from medvlm.ui.chat_tab import Room
from medvlm.ui.composer import composer
from medvlm.ui.doors import LARGEST_BODY
from medvlm.ui.drawer import choices
from medvlm.ui.header import CHIP, badge, header
from medvlm.ui.keys import KEYS, dialog
from medvlm.ui.layout import page, web_app
from medvlm.ui.markup import ICONS, button, error, icon
from medvlm.ui.picture import picture
from medvlm.ui.receiving import GARBLED, receiver
from medvlm.ui.theme import SCRIPTS, TONES, asset, script
from medvlm.ui.transcript import transcript
from tests.fakes import FakeModel
from tests.ui_cases import EVIL, answered


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


def test_gradios_own_parts_have_the_colours_of_the_style_sheet() -> None:
    light, dark = re.findall(r"(?::root|\.dark) \{(.*?)\}", asset("app.css"), re.S)
    for number, block in enumerate((light, dark)):
        tones = dict(re.findall(r"--([\w-]+): (#\w+);", block))
        assert {name: pair[number] for name, pair in TONES.items()} == {name: tones[name] for name in TONES}


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
