"""Who is forgotten when: on request, when idle, after leaving, at the end; and that nothing is left of them."""

from medvlm.page.keeping import Holding, Keeper
from medvlm.page.retention import Line
from medvlm.page.seat import Seat
from tests.fakes import Clock, a_scan


def test_who_is_idle_is_forgotten_and_who_is_not_stays() -> None:
    clock, gone = Clock(), []
    keeper = Keeper(100.0, clock=clock)
    keeper.touch("ada", lambda: gone.append("ada"))
    clock.now = 60.0
    keeper.touch("ben", lambda: gone.append("ben"))
    assert keeper.seconds_left("ada") == 40.0 and keeper.seconds_left("nobody") is None
    clock.now = 100.0
    assert keeper.sweep() == 1 and gone == ["ada"] and len(keeper) == 1
    keeper.touch("ben", lambda: gone.append("ben"))
    clock.now = 199.0
    assert keeper.sweep() == 0
    clock.now = 200.0
    assert keeper.sweep() == 1 and gone == ["ada", "ben"]


def test_who_leaves_is_forgotten_soon_unless_they_come_back() -> None:
    clock, gone = Clock(), []
    keeper = Keeper(1000.0, closed_seconds=60.0, clock=clock)
    for name in ("ada", "ben"):
        keeper.touch(name, lambda name=name: gone.append(name))  # type: ignore[misc]
        keeper.left(name)
    keeper.left("nobody")
    clock.now = 30.0
    keeper.touch("ben", lambda: gone.append("ben"))
    clock.now = 60.0
    assert keeper.sweep() == 1 and gone == ["ada"]


def test_forgetting_is_at_once_and_only_once() -> None:
    gone: list[str] = []
    keeper = Keeper(100.0)
    keeper.touch("ada", lambda: gone.append("ada"))
    assert keeper.forget("ada") and not keeper.forget("ada") and gone == ["ada"]


def test_beyond_the_most_the_one_unused_for_longest_goes() -> None:
    gone: list[str] = []
    keeper = Keeper(100.0, most=2)
    for name in ("ada", "ben", "ada", "cleo"):
        keeper.touch(name, lambda name=name: gone.append(name))  # type: ignore[misc]
    assert gone == ["ben"] and len(keeper) == 2
    keeper.stop()
    assert sorted(gone) == ["ada", "ben", "cleo"] and len(keeper) == 0


def test_a_chore_is_done_with_every_sweep() -> None:
    done: list[int] = []
    keeper = Keeper(100.0)
    keeper.chores.append(lambda: done.append(1))
    assert keeper.sweep() == 0 and done == [1]


def test_whatever_is_done_at_a_seat_counts_as_use_and_forgetting_does_not() -> None:
    clock, gone = Clock(), []
    keeper = Keeper(100.0, clock=clock)
    holding, seat = Holding(keeper), Seat()
    holding.also_forgets += [lambda seat, key: gone.append(key), lambda seat, key: seat.forget()]
    holding.arrive(seat, "ada")
    clock.now = 90.0
    seat.change(lambda session: session.with_scan(a_scan()))
    clock.now = 189.0
    assert keeper.sweep() == 0 and seat.session.scan is not None
    clock.now = 190.0
    assert keeper.sweep() == 1 and gone == ["ada"] and len(keeper) == 0
    assert seat.session.items == () and keeper.seconds_left("ada") is None
    seat.change(lambda session: session.with_scan(a_scan()))
    assert keeper.seconds_left("ada") == 100.0, "a page that is still open can go on"


def test_the_receipt_says_what_other_parts_hold_too() -> None:
    holding, seat = Holding(Keeper(1800.0)), Seat()
    holding.also_holds.append(lambda seat: [Line("Your votes", "the ratings", "for good")])
    seat.change(lambda session: session.with_scan(a_scan()))
    lines = holding.receipt(seat)
    assert "1 scan" in lines[0].what and "30 minutes" in lines[0].until and lines[-1].what == "Your votes"
