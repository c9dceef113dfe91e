"""Uploads on their way: whole or not at all, within limits, forgotten when abandoned."""

import pytest

from medvlm.errors import UserError
from medvlm.page.inbox import MOST_FILES, SECONDS, Inbox
from tests.fakes import Clock


def test_pieces_come_out_as_the_file_that_was_sent_and_once_only() -> None:
    inbox = Inbox(100)
    ticket = inbox.open([("scan.dcm", 5)])
    assert inbox.add(ticket, b"abc") == 3 and inbox.add(ticket, b"de") == 5
    assert inbox.take(ticket) == [("scan.dcm", b"abcde")]
    with pytest.raises(UserError, match="interrupted"):
        inbox.take(ticket)
    assert len(inbox) == 0


def test_the_files_of_a_folder_come_in_one_stream_whose_pieces_know_no_borders() -> None:
    inbox = Inbox(100)
    files = [("a/1", b"one"), ("a/empty", b""), ("a/2", b"three"), ("b", b"x")]
    ticket = inbox.open([(name, len(data)) for name, data in files])
    whole = b"".join(data for _, data in files)
    for at in range(0, len(whole), 2):
        inbox.add(ticket, whole[at : at + 2])
    assert inbox.take(ticket) == files


def test_tickets_cannot_be_guessed_or_confused() -> None:
    inbox = Inbox(100)
    tickets = {inbox.open([("same name", 1)]) for _ in range(50)}
    assert len(tickets) == 50 and min(len(ticket) for ticket in tickets) >= 32
    with pytest.raises(UserError, match="interrupted"):
        inbox.add("guess", b"x")


def test_a_file_that_is_not_whole_is_not_handed_out() -> None:
    inbox = Inbox(100)
    ticket = inbox.open([("scan.dcm", 5)])
    inbox.add(ticket, b"abc")
    with pytest.raises(UserError, match="interrupted"):
        inbox.take(ticket)
    assert len(inbox) == 0


@pytest.mark.parametrize("size", [101, -1])
def test_a_file_too_large_is_refused_before_a_byte_of_it_came(size: int) -> None:
    with pytest.raises(UserError, match=r"scan\.dcm has"):
        Inbox(100).open([("scan.dcm", size)])


def test_a_drop_is_bounded_as_a_whole() -> None:
    with pytest.raises(UserError, match="This drop of 2 files has"):
        Inbox(100).open([("a", 60), ("b", 60)])
    with pytest.raises(UserError, match="10,001 files"):
        Inbox(100).open([("a", 0)] * (MOST_FILES + 1))
    with pytest.raises(UserError, match="no file"):
        Inbox(100).open([])


def test_more_bytes_than_announced_are_refused() -> None:
    inbox = Inbox(100)
    ticket = inbox.open([("scan.dcm", 2)])
    with pytest.raises(UserError, match="changed while"):
        inbox.add(ticket, b"abc")
    assert len(inbox) == 0


def test_all_uploads_together_stay_within_bounds() -> None:
    clock = Clock()
    inbox = Inbox(100, total=150, clock=clock)
    inbox.open([("a", 100)])
    with pytest.raises(UserError, match="Too many files"):
        inbox.open([("b", 100)])
    clock.now = SECONDS + 1
    assert inbox.open([("b", 100)]), "an abandoned upload makes room"
    assert len(inbox) == 1


def test_what_would_not_find_room_in_memory_is_refused_before_it_is_sent() -> None:
    inbox = Inbox(1_000_000_000, free=lambda: 600_000_000)
    with pytest.raises(UserError, match=r"scan.zip needs about 800 MB .* has 600 MB free. Forget"):
        inbox.open([("scan.zip", 400_000_000)])
    assert inbox.open([("scan.zip", 200_000_000)]) and len(inbox) == 1
