"""A page that other machines may reach: nothing is shown to whoever has not logged in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from medvlm.auth import Gate, add
from medvlm.page.desk import Desk
from medvlm.page.host import Host
from medvlm.page.inbox import Inbox
from medvlm.ui.chat_tab import Room
from tests.browser.conftest import PATIENCE
from tests.browser.serving import served
from tests.fakes import FakeModel

PASSWORD = "a long enough one"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """The address of a page with a login, on a fake model."""
    users = tmp_path / "users"
    add(users, "ada", PASSWORD)
    host = Host(lambda _: FakeModel())
    host.start()
    with served(lambda: Room(Desk(host), Inbox(1000), 200), Gate.open(users)) as made:
        yield made


def enter(page: Page, password: str) -> None:
    page.get_by_label("username").fill("ada")
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()


def test_login_with_the_right_password_and_only_with_it(guarded: str, browser: Browser) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    page.goto(guarded)
    page.wait_for_selector("input[type=password]")
    assert "Drop a scan here" not in page.content() and "Not for diagnosis" in page.inner_text("body")
    enter(page, "not this one")
    page.wait_for_selector("text=Incorrect")
    enter(page, PASSWORD)
    page.wait_for_selector("#viewer .drop")
    context.close()
