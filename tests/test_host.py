"""The model while it loads: the page learns how far it is, that it is ready, or why it is not."""

import threading

import pytest

from medvlm.errors import CheckpointError, UserError
from medvlm.page.host import Host, PageModel, Progress, Status
from tests.fakes import FakeModel


def test_loading_says_what_it_does_and_for_how_long_then_is_ready() -> None:
    go, told = threading.Event(), []
    now = [0.0]

    def load(progress: Progress) -> PageModel:
        progress("Unpacking the weights", 0.5)
        assert go.wait(10)
        return FakeModel()

    host = Host(load, told.append, clock=lambda: now[0])
    host.start()
    while host.status.sentence == "Starting":
        pass
    now[0] = 7.0
    assert host.status == Status("loading", "Unpacking the weights", 7.0)
    with pytest.raises(UserError, match="still loading"):
        host.model()
    assert host.ready is None and not host.wait(0.0)
    go.set()
    assert host.wait(10)
    assert host.status == Status("ready", "fake + fake-med · NF4 · CPU", 7.0, adapted=True, verified=True)
    assert host.model() is host.ready
    assert [status.state for status in told] == ["ready"]


def test_a_checkpoint_that_does_not_fit_is_told_in_its_own_words() -> None:
    def load(_: Progress) -> PageModel:
        raise CheckpointError("nano-med was trained on another base; train it again.")

    host = Host(load)
    host.start()
    assert host.wait(10)
    assert (host.status.state, host.status.sentence) == (
        "failed",
        "nano-med was trained on another base; train it again.",
    )
    with pytest.raises(UserError, match="another base"):
        host.model()


def test_an_unforeseen_failure_ends_the_wait_too_and_the_log_says_where(caplog: pytest.LogCaptureFixture) -> None:
    def load(_: Progress) -> PageModel:
        raise ZeroDivisionError("some detail")

    host = Host(load)
    host.start()
    assert host.wait(10)
    assert host.status.state == "failed" and "ZeroDivisionError" in host.status.sentence
    assert "some detail" not in host.status.sentence and "some detail" in caplog.text
