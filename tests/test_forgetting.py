"""After forgetting nothing of a scan can be had: not with its token, not by saying it again, not from memory."""

import asyncio
import gc
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from medvlm.page.desk import Desk
from medvlm.page.handout import Handout
from medvlm.page.host import Host
from medvlm.page.inbox import Inbox
from medvlm.page.keeping import Holding, Keeper
from medvlm.page.retention import LOCK, MEMORY, PREFIX
from medvlm.page.session import Choices
from medvlm.paths import ROOT
from medvlm.ui.chat_tab import Room
from medvlm.ui.layout import web_app
from tests.dicom_cases import named
from tests.fakes import Clock, FakeModel
from tests.serving import free_port

# Gradio's count of its own events asks pandas for something that pandas will does otherwise one day.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
KEY = "k" * 32
API = "/gradio_api"


@dataclass(slots=True)
class Page:
    """The page as its script sees it, without a browser."""

    client: TestClient
    config: dict[str, Any]
    room: Room
    clock: Clock
    me: str

    def say(self, event: str, **data: Any) -> str:
        """An event of the page; all that came back."""
        component, function = next(
            (component, one["id"])
            for one in self.config["dependencies"]
            for component, name in one["targets"]
            if name == event
        )
        inputs = next(one["inputs"] for one in self.config["dependencies"] if one["id"] == function)
        values = {one["id"]: one["props"].get("value") for one in self.config["components"] if one["type"] != "state"}
        given = [values.get(one) for one in inputs]
        body = {
            "data": given,
            "event_data": data,
            "fn_index": function,
            "session_hash": self.me,
            "trigger_id": component,
        }
        assert self.client.post(f"{API}/queue/join", json=body).status_code == 200
        return self.client.get(f"{API}/queue/data", params={"session_hash": self.me}).text

    def send(self, data: bytes) -> str:
        """A file on its way; its ticket."""
        component = next(c for one in self.config["dependencies"] for c, name in one["targets"] if name == "parcel")
        said = {"session_hash": self.me, "component_id": component, "fn_name": "receive"}
        said["data"] = {"files": [["a.dcm", len(data)]]}
        ticket: str = self.client.post(f"{API}/component_server", json=said).json()["ticket"]
        assert self.client.post(f"/inbox/{ticket}", content=data).status_code == 200
        return ticket

    def pixels(self, token: str) -> int:
        return self.client.get(f"/pixels/{token}/0", headers={"X-Pixels-Key": KEY}).status_code


@pytest.fixture
def page() -> Iterator[Page]:
    host = Host(lambda _: FakeModel())
    clock, handout = Clock(), Handout()
    holding = Holding(Keeper(3600.0, clock=clock))
    room = Room(Desk(host), Inbox(1_000_000), 200, Choices(), handout, holding)

    async def made() -> Any:
        return web_app(room, None, local=True)

    with TestClient(asyncio.run(made()), base_url="http://127.0.0.1:7860") as client:
        yield Page(client, client.get("/config").json(), room, clock, secrets.token_hex(6))


@dataclass(slots=True)
class Opened:
    """A scan on the page: its token, the ticket that it came with, and what would notice that it is still there."""

    token: str
    ticket: str
    slices: "weakref.ref[Any]"
    pixels: "weakref.ref[Any]"


def opened(page: Page) -> Opened:
    page.say("hello", key=KEY)
    ticket = page.send(named())
    said = page.say("parcel", ticket=ticket)
    token = said.split('\\"token\\": \\"')[1][:32] if '\\"token\\"' in said else said.split('"token":')[1].split('"')[1]
    assert page.pixels(token) == 200
    (scan,) = [holder.scan(token) for holder in {id(h): h for h in page.room.handout._holders.values()}.values()]
    return Opened(token, ticket, weakref.ref(_watched(scan.slices)), weakref.ref(scan.slices[0]))


def _watched(slices: Any) -> Any:
    """A tuple cannot be watched; its first picture can."""
    return slices[0] if isinstance(slices, tuple) else slices


def nothing_is_left(page: Page, scan: Opened) -> None:
    assert page.pixels(scan.token) == 404, "the token is worth nothing"
    again = page.say("parcel", ticket=scan.ticket)
    assert "interrupted" in again and '"token"' not in again, "what came in once does not come in again"
    look = {"token": scan.token, "plane": "stored", "axis": 2, "slice": 0, "measures": []}
    assert scan.token not in page.say("look", **look)
    assert page.pixels(scan.token) == 404
    gc.collect()
    assert scan.slices() is None and scan.pixels() is None, "no part of the program holds its pixels"
    kept = page.client.app
    assert kept is not None and len(page.room.inbox) == 0


def test_forgetting_on_request_leaves_nothing_of_a_scan(page: Page) -> None:
    scan = opened(page)
    late = page.send(named())
    assert "1 scan" in page.say("held")
    said = page.say("forget", ticket=late)
    assert "was forgotten" in said and "1 scan" not in said
    assert len(page.room.inbox) == 0, "what was on its way is gone too"
    nothing_is_left(page, scan)


def test_whoever_is_idle_for_long_is_forgotten_and_the_page_hears_of_it(page: Page) -> None:
    scan = opened(page)
    page.clock.now = 3599.0
    assert page.room.holding.keeper.sweep() == 0 and page.pixels(scan.token) == 200
    assert "Forgotten" not in page.say("lapse"), "there is a second left"
    page.clock.now = 3600.0
    assert page.room.holding.keeper.sweep() == 1
    assert page.pixels(scan.token) == 404
    assert "Forgotten after an hour without use" in page.say("lapse")
    stale = page.say("ask", question="What is it?", looks=[{"token": scan.token}])
    assert "were forgotten in the meantime" in stale
    nothing_is_left(page, scan)


def test_a_page_that_was_closed_is_forgotten_a_minute_later(page: Page) -> None:
    scan = opened(page)
    page.room.holding.keeper.left(page.me)
    page.clock.now = 60.0
    assert page.room.holding.keeper.sweep() == 1
    assert page.pixels(scan.token) == 404


def test_what_gradio_keeps_of_a_session_holds_no_picture_afterwards(page: Page) -> None:
    opened(page)
    from gradio.blocks import Blocks

    # By type: asking an object for its class wakes the stand-ins of other libraries, which warn.
    every = (one for one in gc.get_objects() if issubclass(type(one), Blocks) and hasattr(one, "state_holder"))
    blocks = next(one for one in every if page.me in one.state_holder.session_data)

    def kept() -> str:
        return json.dumps(
            [one["props"].get("value") for one in blocks.state_holder.session_data[page.me].config_values.values()],
            default=str,
        )

    assert "'token': " in kept() or '"token": ' in kept(), "it holds what the viewer was told of the scan"
    page.say("forget", ticket="")
    assert "'token': " not in kept() and '"token": ' not in kept()


def started(port: int, temporary: Path, log: Path) -> "subprocess.Popen[bytes]":
    """The real app with a model that is not there, once its page answers."""
    command = [sys.executable, "app.py", "--port", str(port), "--base", str(temporary / "none"), "--adapter", "none"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=environment)
    deadline = time.monotonic() + 300
    while b"MedVLM is at" not in log.read_bytes():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return process


# A process that has its own folder as the app has, and waits to be killed.
CLAIMS = (
    "import time; from medvlm.page.retention import claim; "
    "own = claim(); print(own.folder, flush=True); time.sleep(600)"
)


def killed(temporary: Path) -> Path:
    """The folder of a process that came to its end with no time to tidy up."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", CLAIMS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        (folder / "upload.dcm").write_bytes(named())
        process.send_signal(signal.SIGKILL)
    return folder


def own_folder(process: "subprocess.Popen[bytes]", temporary: Path) -> Path:
    """Where a running app has its temporary files: it holds the lock there. Other apps may come and go meanwhile."""
    if not MEMORY.is_dir():
        return next(temporary.glob(f"{PREFIX}*"))
    held = [os.path.realpath(file) for file in Path(f"/proc/{process.pid}/fd").iterdir()]
    return next(Path(file).parent for file in held if Path(file).name == LOCK and PREFIX in file)


def test_neither_a_kill_nor_a_polite_end_leaves_a_file(tmp_path: Path) -> None:
    temporary, log = tmp_path / "temporary", tmp_path / "log"
    temporary.mkdir()
    left = killed(temporary)
    app = started(free_port(), temporary, log)
    assert not left.exists(), "the next start deletes it"
    own = own_folder(app, temporary)
    (own / "upload.dcm").write_bytes(named())
    app.terminate()
    app.wait(60)
    assert not own.exists() and list(temporary.iterdir()) == []
