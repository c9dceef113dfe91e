"""Nothing is loaded from elsewhere, nothing can be sent there, and nothing of a header is in what the page gets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, WebSocket

from medvlm.page.desk import Desk
from medvlm.page.host import Host
from medvlm.page.inbox import Inbox
from medvlm.ui.chat_tab import Room
from tests.browser.conftest import PATIENCE, strange
from tests.browser.serving import served
from tests.browser.steps import answered, ask, choose
from tests.fakes import FakeModel
from tests.planted import found, planted

# A name that resolves nowhere: a request to it would show in the log, and could do no harm.
ELSEWHERE = "https://elsewhere.invalid"
# Streams that may still be open, and a reply whose body the page does not read: the browser waits for their end. What
# they carry is searched without a browser, behind the HTTP door.
OPEN_ENDED = ("/heartbeat/", "/queue/data", "/inbox/")
# Each asks for something from elsewhere; the policy must stop it before it is asked for.
TRIES = {
    "fetch": "fetch(URL + '/fetch').catch(() => 0)",
    "beacon": "navigator.sendBeacon(URL + '/beacon', 'x')",
    "image": "Object.assign(new Image(), { src: URL + '/image.png' })",
    "script": "document.head.append(Object.assign(document.createElement('script'), { src: URL + '/script.js' }))",
    "style": "document.head.append(Object.assign(document.createElement('link'), "
    "{ rel: 'stylesheet', href: URL + '/a.css' }))",
    "font": "new FontFace('x', 'url(' + URL + '/font.woff2)').load().catch(() => 0)",
    "frame": "document.body.append(Object.assign(document.createElement('iframe'), { src: URL + '/frame' }))",
    "socket": "(() => { try { new WebSocket('wss://elsewhere.invalid/socket') } catch (refused) { } })()",
    "module": "import(URL + '/module.js').catch(() => 0)",
}


@dataclass(slots=True)
class Log:
    """All that went over the network, as the browser saw it."""

    asked: list[str] = field(default_factory=list)
    replies: list[Response] = field(default_factory=list)
    frames: list[str | bytes] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        # Functions of their own: Playwright marks what it is given, which not every object bears.
        page.context.on("request", lambda request: self.asked.append(request.url))
        page.context.on("response", lambda reply: self.replies.append(reply))
        page.on("websocket", lambda socket: self._socket(socket))

    def _socket(self, socket: WebSocket) -> None:
        self.asked.append(socket.url)
        socket.on("framereceived", lambda frame: self.frames.append(frame))


@pytest.fixture
def address() -> Iterator[str]:
    """A page on a fake model."""
    host = Host(lambda _: FakeModel())
    host.start()
    with served(lambda: Room(Desk(host), Inbox(10_000_000), 10)) as made:
        yield made


@pytest.fixture
def visited(address: str, browser: Browser) -> Iterator[tuple[Page, Log]]:
    """The page, ready, and the log from before its first byte."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, service_workers="block")
    context.set_default_timeout(PATIENCE * 1000)
    page, log = context.new_page(), Log()
    log.listen(page)
    page.on("filechooser", lambda _: None)
    page.goto(address)
    page.wait_for_selector("body[data-ready] #viewer .viewer")
    yield page, log
    context.close()


def test_a_whole_sitting_asks_nobody_else_and_gets_nothing_of_the_header(visited: tuple[Page, Log]) -> None:
    page, log = visited
    with page.expect_response(lambda reply: "/inbox/" in reply.url):
        choose(page, "ZQX77777.dcm", planted(WindowCenter=40, WindowWidth=400))
    page.wait_for_selector(".notes:has-text('header removed')")
    ask(page, "What is it?")
    answered(page)
    shown = page.content()
    assert [url for url in log.asked if strange(url)] == [] and len(log.asked) > 10
    assert found(shown) == []
    assert found(b"\n".join(one if isinstance(one, bytes) else one.encode() for one in log.frames)) == []
    bodies = 0
    for reply in log.replies:
        assert found(repr(reply.headers)) == []
        if reply.status == 200 and not any(part in reply.url for part in OPEN_ENDED):
            assert found(reply.body()) == [], reply.url
            bodies += 1
    assert bodies > 10


def test_the_policy_allows_the_pages_own_address_alone(visited: tuple[Page, Log]) -> None:
    _, log = visited
    page = next(reply for reply in log.replies if urlsplit(reply.url).path == "/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "connect-src 'self'" in policy and "http" not in policy
    assert "*" not in policy


def test_the_page_cannot_get_out(visited: tuple[Page, Log]) -> None:
    page, _ = visited
    for name, code in TRIES.items():
        blocked = page.evaluate(
            """async ([code, address]) => {
                const seen = [];
                const note = (event) => seen.push(event.blockedURI);
                document.addEventListener('securitypolicyviolation', note);
                new Function('URL', 'return ' + code)(address);
                for (let tries = 0; tries < 200 && !seen.length; tries += 1) {
                    await new Promise((done) => setTimeout(done, 50));
                }
                document.removeEventListener('securitypolicyviolation', note);
                return seen;
            }""",
            [code, ELSEWHERE],
        )
        assert blocked and all("elsewhere.invalid" in one for one in blocked), f"{name} was not stopped by the policy"
