"""The addresses of the viewer's script and pixels."""

import re

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from medvlm.errors import UserError
from medvlm.page.handout import Handout, Holder
from medvlm.paths import ASSETS
from medvlm.types import Pixels, Scan
from medvlm.ui.theme import script
from medvlm.ui.viewer import ADDRESSES, HEAD, seen, serve, viewer

KEY = "k" * 32


class Damaged(tuple[Pixels, ...]):
    """Slices of which the last cannot be decoded."""

    __slots__ = ()

    def __getitem__(self, index: int) -> Pixels:  # type: ignore[override]
        if index == len(self) - 1:
            raise UserError("The slice is cut short. Export it again.")
        return super().__getitem__(index)


@pytest.fixture
def handout() -> Handout:
    return Handout()


@pytest.fixture
def holder(handout: Handout) -> Holder:
    made = handout.holder()
    made.bind(KEY)
    return made


@pytest.fixture
def client(handout: Handout) -> TestClient:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    serve(app, handout)
    return TestClient(app)


def a_scan() -> Scan:
    pixels = tuple(np.full((3, 4), n, np.int16) for n in range(3))
    return Scan(Damaged(pixels), "ct", "file", "0" * 64, "a.dcm")


def test_pixels_come_for_the_token_with_the_key(client: TestClient, holder: Holder) -> None:
    token = seen(holder, [a_scan()])["scans"][0]["token"]
    reply = client.get(f"/pixels/{token}/1", headers={"X-Pixels-Key": KEY})
    assert reply.status_code == 200 and reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["cache-control"] == "no-store"
    assert np.frombuffer(reply.content, "<i2", offset=16)[0] == 1


def test_without_the_key_or_for_another_token_there_is_nothing_and_no_word_why(
    client: TestClient, holder: Holder
) -> None:
    token = seen(holder, [a_scan()])["scans"][0]["token"]
    key = {"X-Pixels-Key": KEY}
    replies = [
        client.get(f"/pixels/{token}/0"),
        client.get(f"/pixels/{token}/0", headers={"X-Pixels-Key": KEY[:-1] + "x"}),
        client.get(f"/pixels/{'a' * 32}/0", headers=key),
        client.get(f"/pixels/{token}/3", headers=key),
        client.get(f"/pixels/{token}/99999", headers=key),
    ]
    assert {(reply.status_code, reply.content) for reply in replies} == {(404, b"")}
    assert client.post(f"/pixels/{token}/0", headers=key).status_code == 405


def test_a_damaged_slice_says_what_is_wrong(client: TestClient, holder: Holder) -> None:
    token = seen(holder, [a_scan()])["scans"][0]["token"]
    reply = client.get(f"/pixels/{token}/2", headers={"X-Pixels-Key": KEY})
    assert (reply.status_code, reply.text) == (422, "The slice is cut short. Export it again.")


def test_showing_another_scan_ends_the_first_ones_token(client: TestClient, holder: Holder) -> None:
    first = seen(holder, [a_scan()])["scans"][0]["token"]
    both = seen(holder, [a_scan(), a_scan()], ("Current", "Prior"))["scans"]
    assert [one["label"] for one in both] == ["Current", "Prior"]
    answers = [
        client.get(f"/pixels/{token}/0", headers={"X-Pixels-Key": KEY}).status_code
        for token in (first, both[0]["token"], both[1]["token"])
    ]
    assert answers == [404, 200, 200]


def test_a_scan_that_may_be_shown_again_keeps_its_token(client: TestClient, holder: Holder) -> None:
    one, two = a_scan(), a_scan()
    token = seen(holder, [one])["scans"][0]["token"]
    seen(holder, [two], (), [one, two])
    assert client.get(f"/pixels/{token}/0", headers={"X-Pixels-Key": KEY}).status_code == 200
    assert seen(holder, [one], (), [one, two])["scans"][0]["token"] == token


def test_only_the_scripts_own_files_are_served(client: TestClient) -> None:
    names = {path.name for path in (ASSETS / "viewer").iterdir() if path.suffix in (".js", ".css")}
    assert {"mount.js", "viewer.js", "viewer.css"} <= names
    for name in names:
        reply = client.get(f"/viewer/{name}")
        assert reply.status_code == 200 and reply.headers["content-type"].startswith(("text/javascript", "text/css"))
        assert re.fullmatch(ADDRESSES, f"/viewer/{name}")
    for name in ("nothing.js", "..%2fapp.css", "%2e%2e/app.css", "mount.js.map", ""):
        assert client.get(f"/viewer/{name}").status_code == 404


def test_the_script_takes_nothing_from_elsewhere() -> None:
    for path in (ASSETS / "viewer").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?:|//\w+\.\w+/|@import|url\(", text), path.name
        for source in re.findall(r"(?:from|import)\s*\(?\s*'([^']+)'", text):
            assert source.startswith("./") and (path.parent / source).exists(), (path.name, source)


def test_the_component_hears_what_the_script_says() -> None:
    part = viewer(elem_id="viewer")
    for event in ("hello", "look", "gone"):
        assert callable(getattr(part, event))
    with pytest.raises(AttributeError, match="poem"):
        _ = part.poem
    assert "viewer/mount.js" in script("scan") and "viewer/viewer.css" in HEAD
