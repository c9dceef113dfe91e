"""A file with a string of its own in every text element: none of them is seen again, anywhere."""

import asyncio
import dataclasses
import io
import json
import logging
import pickle
import tempfile
import traceback
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from medvlm.errors import UserError
from medvlm.imaging import read, read_study
from medvlm.page.desk import Desk
from medvlm.page.export import export
from medvlm.page.host import Host
from medvlm.page.inbox import Inbox
from medvlm.page.retention import receipt
from medvlm.page.session import Session
from medvlm.page.viewing import manifest
from medvlm.privacy import Gate, Waiting
from medvlm.privacy.gate import Asked
from medvlm.types import Scan
from medvlm.ui.chat_tab import Room
from medvlm.ui.gate import question
from medvlm.ui.layout import web_app
from medvlm.ui.receipt import receipt as receipt_html
from tests.fakes import FakeModel
from tests.planted import found, planted, plants

NAME = "ZQX77777.dcm"


@pytest.fixture(scope="module")
def file() -> bytes:
    made = planted(WindowCenter=40, WindowWidth=400)
    assert len(plants()) > 1500 and len(set(found(made))) > 1400, "the file must hold what is searched for"
    return made


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """Where everything that is written without a place of its own goes."""
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path)
    yield tmp_path
    tempfile.tempdir = before


def everything(scan: Scan) -> str:
    fields = {one.name: getattr(scan, one.name) for one in dataclasses.fields(scan) if one.name != "slices"}
    return f"{scan!r} {fields!r} {pickle.dumps(scan)!r}"


def test_nothing_of_it_is_in_a_scan_its_export_the_page_or_a_log(
    file: bytes, temporary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        scan = read(file, NAME)
        session = Session().with_scan(scan).asked("What is it?", None)
        texts = [
            everything(scan),
            json.dumps(manifest(scan, "token")),
            *(export(session, form, "model", datetime.now(UTC))[1] for form in ("json", "markdown")),  # type: ignore[arg-type]
            receipt_html(receipt(session, None, 60)),
        ]
    assert len(scan.traces.fields) > 40 and "Patient's Name" in scan.traces.fields
    assert found(" ".join(texts) + caplog.text) == []
    assert list(temporary.rglob("*")) == []


def test_the_gate_names_fields_and_no_values(file: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        scan = read(file, NAME)
        admission = Gate("ask", lambda: None).admission()
        with pytest.raises(Asked) as asked:
            admission(scan)
        shown = question(asked.value.ruling, Waiting().hold(asked.value, lambda: iter(())))
    assert "Patient&#x27;s" in shown or "Study Date" in shown
    assert found(shown + str(asked.value) + repr(asked.value) + caplog.text) == []


def test_a_study_with_it_lists_and_opens_without_it(file: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ZQX88888/ZQX88889", file)
    study = read_study([("ZQX88887.zip", packed.getvalue())])
    scan = study.open(0)
    assert found(f"{study.series!r} {study.notes!r} {everything(scan)}") == []
    assert "Patient's Name" in scan.traces.fields


@pytest.mark.parametrize("end", [200, 30_000, -300])
def test_errors_of_damaged_copies_quote_nothing(file: bytes, end: int, caplog: pytest.LogCaptureFixture) -> None:
    text = ""
    with caplog.at_level(logging.DEBUG):
        try:
            text = everything(read(file[:end], "a.dcm"))
        except UserError as error:
            text = f"{error} {error.args!r} {''.join(traceback.format_exception_only(error))} {error.__cause__!r}"
    assert found(text + caplog.text) == []


@pytest.mark.parametrize("flip", range(6))
def test_errors_of_changed_copies_quote_nothing(file: bytes, flip: int, caplog: pytest.LogCaptureFixture) -> None:
    changed = bytearray(file)
    at = 132 + (flip * 7919) % (len(file) - 200)
    changed[at : at + 3] = bytes((255 - flip, flip, 0))
    with caplog.at_level(logging.DEBUG):
        try:
            text = everything(read(bytes(changed), "a.dcm"))
        except UserError as error:
            text = f"{error} {error.args!r}"
    assert found(text + caplog.text) == []


@dataclasses.dataclass(slots=True)
class Door:
    """The page behind its HTTP door, and every byte that came out of it."""

    client: TestClient
    config: dict[str, Any]
    heard: list[bytes]

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        reply = self.client.post(path, **body)
        assert reply.status_code == 200, reply.text
        self.heard += [reply.content, repr(reply.headers).encode()]
        made: dict[str, Any] = reply.json()
        return made

    def target(self, event: str) -> tuple[int, int]:
        """The component and the function of an event."""
        for one in self.config["dependencies"]:
            for component, name in one["targets"]:
                if name == event:
                    return component, one["id"]
        raise AssertionError(f"the page has no event {event}")


@pytest.fixture
def door() -> Iterator[Door]:
    host = Host(lambda _: FakeModel())

    async def made() -> Any:
        return web_app(Room(Desk(host), Inbox(1_000_000), 200), None, local=True)

    with TestClient(asyncio.run(made()), base_url="http://127.0.0.1:7860") as client:
        yield Door(client, client.get("/config").json(), [])


def test_nothing_of_it_comes_out_of_the_door(file: bytes, door: Door, temporary: Path) -> None:
    component, function = door.target("parcel")
    said = {"session_hash": "h" * 11, "component_id": component, "fn_name": "receive"}
    ticket = door.post("/gradio_api/component_server", json={**said, "data": {"files": [[NAME, len(file)]]}})["ticket"]
    door.post(f"/inbox/{ticket}", content=file)
    event = {"ticket": ticket, "_data": {"ticket": ticket}}
    asked = {
        "data": [None],
        "event_data": event,
        "fn_index": function,
        "session_hash": "h" * 11,
        "trigger_id": component,
    }
    door.post("/gradio_api/queue/join", json=asked)
    stream = door.client.get("/gradio_api/queue/data", params={"session_hash": "h" * 11})
    assert "process_completed" in stream.text and "16 x 16" in stream.text, "the picture must have been opened"
    assert found(b"".join([*door.heard, stream.content])) == []
    assert list(temporary.rglob("*")) == []


def test_the_test_would_see_it(file: bytes) -> None:
    assert found(file[:1000]) and found("zqx00001") and found(b"19470203") and not found("ZQX1")
