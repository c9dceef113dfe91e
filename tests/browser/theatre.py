"""The Compare tab on answers that a test writes, and readers all of whose traffic it hears."""

import asyncio
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
from playwright.sync_api import Page, Response

from medvlm.compare.steps import Comparing
from medvlm.page.desk import Desk
from medvlm.page.host import Host
from medvlm.page.inbox import Inbox
from medvlm.ui.chat_tab import Room
from medvlm.ui.compare_tab import CompareRoom, build
from medvlm.ui.layout import web_app
from medvlm.ui.server import Server, listen
from medvlm.ui.tabs import Tab
from tests.compare_cases import FakeRatings, Stage, entrants
from tests.fakes import FakeModel

QUESTION = "Is there a mass?"
# Seeds of sides: with the one nobody is asked which answer is the tuned one's, with the other the reader is.
UNASKED, ASKED = 1, 5
# Where the keys of the vote work, and where screen readers say what is asked.
VOTING = "document.activeElement.matches('#compare-vote [role=radiogroup]')"
# Everything that comes on the line of answers, as the page's own scripts read it.
EARS = """(() => {
    window.heard = [];
    const plain = window.fetch.bind(window);
    window.fetch = async (...asked) => {
        const reply = await plain(...asked);
        const copy = reply.clone();
        if (copy.body) (async () => {
            const reader = copy.body.pipeThrough(new TextDecoderStream()).getReader();
            for (let got = await reader.read(); !got.done; got = await reader.read()) window.heard.push(got.value);
        })().catch(() => 0);
        return reply;
    };
})()"""


@dataclass(slots=True)
class Theatre:
    """The served page, and what stands behind it."""

    stage: Stage = field(default_factory=Stage)
    ratings: FakeRatings = field(default_factory=FakeRatings)
    address: str = ""
    seeds: list[int] = field(default_factory=list)

    def draw(self) -> int:
        return self.seeds.pop(0) if self.seeds else UNASKED

    def app(self) -> Any:
        host = Host(lambda _: FakeModel())
        host.start()
        comparing = Comparing(host, lambda _: entrants(host.model()), self.stage.duet, self.ratings.keep, self.draw)
        tab = Tab("Compare", partial(build, CompareRoom(comparing)))
        return web_app(Room(Desk(host), Inbox(10_000_000), 10), None, local=True, beside=[tab])

    def serve(self, up: threading.Event, port: int, servers: list[Server]) -> None:
        async def run() -> None:
            config = uvicorn.Config(self.app(), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
            servers.append(Server(config, up.set))
            await servers[0].serve(sockets=[listen("127.0.0.1", port)])

        asyncio.run(run())


@dataclass(slots=True)
class Reader:
    """One person at the Compare tab, with an example open, and all that their browser was sent."""

    page: Page
    replies: list[Response] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def begin(self, address: str) -> None:
        self.page.on("filechooser", lambda _: None)
        self.page.on("response", lambda reply: self.replies.append(reply))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("websocket", lambda socket: socket.on("framereceived", lambda one: self.frames.append(str(one))))
        self.page.add_init_script(EARS)
        self.page.goto(address)
        self.page.wait_for_selector("body[data-ready]")
        self.page.get_by_role("tab", name="Compare").click()
        self.page.wait_for_selector("#compare-vote [data-works]")

    def open_example(self) -> None:
        self.page.click("#compare-tray [data-act=example] >> nth=1")
        self.page.wait_for_selector("#compare-scan .mv:not([hidden])")
        self.page.wait_for_selector("#compare-bench .suggestions")

    def ask(self, question: str = QUESTION) -> None:
        self.page.fill("#both-question", question)
        self.page.press("#both-question", "Enter")
        self.page.wait_for_selector(f".exchange.last .words:text-is('{question}')")
        self.page.wait_for_selector(".vote[data-state=open]")
        self.page.wait_for_function(VOTING)

    def texts(self) -> list[str]:
        return self.page.locator("[data-answer] .text").all_inner_texts()

    def heard(self) -> str:
        """All that came over the network since the page was opened, and what stands in page and accessibility tree."""
        said = "".join(self.page.evaluate("window.heard")) + "".join(self.frames) + self.page.content()
        for reply in self.replies:
            said += f"{reply.url} {reply.headers}"
            if reply.request.resource_type not in ("fetch", "eventsource", "image", "font", "stylesheet"):
                said += reply.text()
        return said + self.page.locator("body").aria_snapshot()
