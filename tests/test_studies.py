"""A reader study from its first case to its last vote: who sees what, in which order, and what is kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from medvlm.errors import UserError
from medvlm.ratings import upkeep
from medvlm.ratings.records import ErrorTag
from medvlm.ratings.store import RatingStore
from medvlm.ratings.studies import StudyStore
from medvlm.studies.answering import add_reader, draw_answers, open_study
from medvlm.studies.codes import new_code
from medvlm.studies.design import Design, Showing, Study, StudyCase, rating_id
from medvlm.studies.order import APART, Deck, pair_of, plan, sides
from medvlm.studies.pictures import first_look
from medvlm.studies.progress import progress
from medvlm.studies.reading import Pass, ReadingRoom
from medvlm.types import Decoding
from tests import studies_cases as made
from tests.fakes import FakeModel
from tests.rating_cases import BASE, TUNED


@pytest.fixture
def kept(tmp_path: Path) -> StudyStore:
    return made.store(tmp_path)


def deck(count: int = 20, **design: object) -> Deck:
    cases = [StudyCase(f"c{number}", "What?", "phantom:ct:0") for number in range(count)]
    given = {case.id: ["a", "b"] for case in cases}
    return Deck("s", Design(**{"repeats": 0.0, **design}), cases, given, {}, 4)  # type: ignore[arg-type]


def test_each_reader_has_an_order_of_their_own_and_always_the_same() -> None:
    one, other = plan(deck(), "r1"), plan(deck(), "r2")
    assert plan(deck(), "r1") == one
    assert [s.case for s in one] != [s.case for s in other]
    assert {s.case for s in one} == {s.case for s in other} == {f"c{n}" for n in range(20)}
    assert [s.position for s in one] == list(range(20))
    assert plan(deck(seed=1), "r1") != one


def test_sides_are_drawn_anew_for_each_showing_and_follow_from_the_recorded_seed() -> None:
    shown = [s for reader in range(40) for s in plan(deck(), f"r{reader}")]
    assert 0.45 < sum(s.left == "a" for s in shown) / len(shown) < 0.55
    assert all((s.left, s.right) == sides("a", "b", s.side_seed) for s in shown)
    assert len({s.side_seed for s in shown}) == len(shown)


def test_repeats_are_as_many_as_asked_and_come_well_after_the_first_showing() -> None:
    for reader in range(20):
        shown = plan(deck(repeats=0.25), f"r{reader}")
        again = [s for s in shown if s.repeat]
        assert len(shown) == 25 and len(again) == 5
        for s in again:
            first = next(one.position for one in shown if one.case == s.case and not one.repeat)
            assert s.position - first > APART


def test_every_case_again_still_keeps_them_apart() -> None:
    shown = plan(deck(6, repeats=1.0), "r1")
    assert sorted(s.repeat for s in shown) == [0] * 6 + [1] * 6
    for s in (s for s in shown if s.repeat):
        assert s.position > next(one.position for one in shown if one.case == s.case and not one.repeat) + 1


def test_training_cases_come_first_as_listed_and_ask_for_no_guess() -> None:
    full = deck(guesses=1.0)
    cases = [replace(case, training=number in (3, 7)) for number, case in enumerate(full.cases)]
    shown = plan(replace(full, cases=cases), "r1")
    assert [(s.case, s.training, s.asked) for s in shown[:2]] == [("c3", True, False), ("c7", True, False)]
    assert all(s.asked and not s.training for s in shown[2:])


def test_readers_per_case_are_reached_and_shared_out_evenly() -> None:
    load: dict[str, int] = {}
    counts = []
    for reader in range(4):
        shown = plan(replace(deck(readers_per_case=2), load=dict(load)), f"r{reader}")
        counts.append(len(shown))
        for s in shown:
            load[s.case] = load.get(s.case, 0) + 1
    assert counts == [10, 10, 10, 10] and set(load.values()) == {2} and len(load) == 20


def test_of_three_candidates_every_pair_meets_and_a_case_has_the_same_pair_for_everyone() -> None:
    many = replace(deck(60), given={f"c{n}": ["a", "b", "c"] for n in range(60)})
    pairs = [pair_of(many, f"c{n}") for n in range(60)]
    assert set(pairs) == {("a", "b"), ("a", "c"), ("b", "c")}
    for reader in ("r1", "r2"):
        assert all({s.left, s.right} == set(pair_of(many, s.case)) for s in plan(many, reader))


def test_a_code_opens_one_study_and_only_its_hash_is_kept(kept: StudyStore, tmp_path: Path) -> None:
    codes = made.opened(kept)
    room = ReadingRoom(kept)
    assert room.sign_in(codes["r1"]) == Pass(made.NAME, "r1", "reader")
    assert room.sign_in(codes["leader"]).role == "leader"
    assert room.sign_in(codes["r2"].lower().replace("-", " ").replace("0", "o")).person == "r2"
    kept.ratings.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for code in codes.values():
        assert code.encode() not in stored and code.replace("-", "")[4:].encode() not in stored


@pytest.mark.parametrize("code", ["", "ABCD", "ZZZZ-0000-0000-0000", "nonsense", "\0" * 40, "é" * 300])
def test_a_wrong_code_opens_nothing(kept: StudyStore, code: str) -> None:
    made.opened(kept)
    with pytest.raises(UserError, match="opens no study"):
        ReadingRoom(kept).sign_in(code)


def test_one_readers_code_never_opens_anothers_place_and_a_new_code_ends_the_old_one(kept: StudyStore) -> None:
    codes = made.opened(kept)
    mixed = codes["r1"][:4] + codes["r2"][4:]
    room = ReadingRoom(kept)
    with pytest.raises(UserError, match="opens no study"):
        room.sign_in(mixed)
    code, lock = new_code()
    kept.set_lock(made.NAME, "r1", lock)
    assert room.sign_in(code).person == "r1"
    with pytest.raises(UserError, match="opens no study"):
        room.sign_in(codes["r1"])


def test_a_study_is_read_case_by_case_and_goes_on_where_it_was_on_another_machine(
    kept: StudyStore, tmp_path: Path
) -> None:
    codes = made.opened(kept)
    room = ReadingRoom(kept)
    one = room.sign_in(codes["r1"])
    assert made.read_all(room, one, most=2) == 2
    kept.ratings.close()
    with RatingStore(tmp_path / "ratings.sqlite3") as elsewhere:
        room = ReadingRoom(StudyStore(elsewhere))
        task = room.task(room.sign_in(codes["r1"]))
        assert task is not None and (task.number, task.total) == (3, 6)
        assert made.read_all(room, one) == 4
        assert room.task(one) is None
        other = room.task(room.sign_in(codes["r2"]))
        assert other is not None and other.number == 1, "readers do not move each other on"
        rows = list(elsewhere.ratings())
    assert len(rows) == 6 and {row.study for row in rows} == {made.NAME} and {row.reader for row in rows} == {"r1"}
    assert all(row.case.scans and row.case.picture is None and row.blinded for row in rows)
    assert {row.verdict for row in rows} <= {"left", "right"}


def test_a_vote_sent_twice_is_one_row_and_a_locked_case_stays_as_it_is(kept: StudyStore) -> None:
    room = ReadingRoom(kept)
    who = room.sign_in(made.opened(kept)["r1"])
    task = room.task(who)
    assert task is not None
    first = room.submit(who, task.key, made.ballot(task, "left"), None, None)
    again = room.submit(who, task.key, made.ballot(task, "right"), None, None)
    assert first.rating == again.rating and kept.ratings.count() == 1
    following = room.task(who)
    assert following is not None and following.key != task.key


def test_nobody_votes_on_a_case_that_is_not_theirs_or_not_yet_on(kept: StudyStore) -> None:
    codes = made.opened(kept)
    room = ReadingRoom(kept)
    one, other = room.sign_in(codes["r1"]), room.sign_in(codes["r2"])
    task = room.task(one)
    assert task is not None
    for key in (rating_id(made.NAME, "r1", 3), rating_id(made.NAME, "r2", 0), "nonsense"):
        with pytest.raises(UserError, match="Another case is on"):
            room.submit(one, key, made.ballot(task), None, None)
    with pytest.raises(UserError, match="reads no cases"):
        room.task(room.sign_in(codes["leader"]))
    room.submit(one, task.key, made.ballot(task), None, None)
    with pytest.raises(UserError, match="Another case is on"):
        room.submit(other, task.key, made.ballot(task), None, None)


def test_answers_are_shown_without_words_that_name_them_and_marks_find_their_place_again(kept: StudyStore) -> None:
    room = ReadingRoom(kept)
    who = room.sign_in(made.opened(kept)["r1"])
    task = room.task(who)
    assert task is not None
    side = 0 if task.showing.left == BASE.id else 1
    shown = task.shown[side].text
    assert "base model" not in shown and shown.startswith("As a")
    at = shown.index("cannot")
    given = made.ballot(task)
    remarks = replace((given.left, given.right)[side] or given.left, errors=(ErrorTag("other", "mild", at, at + 6),))
    given = replace(given, **{("left", "right")[side]: remarks})
    answer = room.submit(who, task.key, given, None, None).rating.answers[side]
    assert answer.leaks == ("base model",) and "base model" in answer.text
    (tag,) = answer.errors
    assert answer.text[tag.start : tag.stop] == "cannot"


def test_training_gives_feedback_and_a_guess_is_kept_only_where_it_was_asked(kept: StudyStore) -> None:
    design = Design(repeats=0.0, guesses=0.0)
    room = ReadingRoom(kept)
    who = room.sign_in(made.opened(kept, count=2, training=1, design=design)["r1"])
    task = room.task(who)
    assert task is not None and task.showing.training
    told = room.submit(who, task.key, made.ballot(task, guess="left"), None, None)
    assert told.rating.training and task.case.reference in told.feedback and told.rating.guess is None
    task = room.task(who)
    assert task is not None
    assert room.submit(who, task.key, made.ballot(task), None, None).feedback == ""


def test_breaks_come_when_the_design_says(kept: StudyStore) -> None:
    design = Design(repeats=0.0, break_every=2)
    room = ReadingRoom(kept)
    who = room.sign_in(made.opened(kept, design=design)["r1"])
    rests = []
    while (task := room.task(who)) is not None:
        rests.append(task.rest)
        room.submit(who, task.key, made.ballot(task), None, None)
    assert rests == [False, False, True, False, True, False]


def test_the_picture_is_kept_only_where_the_leader_chose_so(kept: StudyStore) -> None:
    room = ReadingRoom(kept)
    who = room.sign_in(made.opened(kept, count=2, design=Design(repeats=0.0, keep_pictures=True))["r1"])
    task = room.task(who)
    assert task is not None
    scan = made.pictures(kept).scan(task.case)
    look = first_look(scan, task.case)
    row = room.submit(who, task.key, made.ballot(task), scan, look).rating
    assert row.case.picture is not None and row.case.picture.startswith(b"\x89PNG")
    assert row.case.window == look.window and json.loads(row.case.look)["slice"] == look.slice


def test_a_study_is_opened_only_when_nothing_is_missing(kept: StudyStore) -> None:
    kept_code = made.drafted(kept)
    with pytest.raises(UserError, match=r"no readers.*6 of 6 cases have fewer than two answers"):
        open_study(kept, made.NAME)
    code = add_reader(kept, made.NAME, "r1")
    room = ReadingRoom(kept)
    with pytest.raises(UserError, match="not open yet"):
        room.task(room.sign_in(code))
    assert kept_code != code


def test_answers_are_drawn_once_and_a_stopped_run_goes_on_where_it_was(kept: StudyStore) -> None:
    made.drafted(kept)
    model = FakeModel(made.script)
    half = {"base": BASE}
    assert draw_answers(kept, made.pictures(kept), model, half, Decoding()) == 6  # type: ignore[arg-type]
    assert draw_answers(kept, made.pictures(kept), model, made.CANDIDATES, Decoding()) == 6  # type: ignore[arg-type]
    assert draw_answers(kept, made.pictures(kept), model, made.CANDIDATES, Decoding()) == 0  # type: ignore[arg-type]
    assert [arm for _, arm, _ in model.asked] == ["base"] * 6 + ["tuned"] * 6
    assert set(kept.answered(made.NAME)["phantom-cxr-0"]) == {BASE.id, TUNED.id}


def test_a_reader_may_join_an_open_study_and_nobody_a_closed_one(kept: StudyStore) -> None:
    made.opened(kept)
    room = ReadingRoom(kept)
    late = room.sign_in(add_reader(kept, made.NAME, "late"))
    assert made.read_all(room, late) == 6
    kept.set_status(made.NAME, "closed")
    with pytest.raises(UserError, match="closed"):
        add_reader(kept, made.NAME, "later")
    with pytest.raises(UserError, match="is closed"):
        room.task(late)
    with pytest.raises(UserError, match="results may have been seen"):
        kept.set_status(made.NAME, "open")


def test_progress_counts_readers_and_cases(kept: StudyStore) -> None:
    codes = made.opened(kept, training=1, count=4)
    room = ReadingRoom(kept)
    made.read_all(room, room.sign_in(codes["r1"]))
    now = progress(kept, made.NAME)
    assert (now.readers["r1"].done, now.readers["r1"].total, now.readers["r2"].done) == (5, 5, 0)
    assert (now.cases.done, now.cases.total, now.training, now.ratings) == (0, 4, 1, 5)
    made.read_all(room, room.sign_in(codes["r2"]))
    now = progress(kept, made.NAME)
    assert now.cases.whole and now.whole.whole and now.answers.done == 5


def test_what_is_wrong_with_a_study_is_said(kept: StudyStore) -> None:
    made.drafted(kept)
    with pytest.raises(UserError, match="already"):
        made.drafted(kept)
    with pytest.raises(UserError, match="there are: pilot"):
        kept.get("other")
    with pytest.raises(UserError, match=r"(?s)repeats is 2.*its name is"):
        made.make_study(kept, Study("a b", Design(repeats=2)))
    add_reader(kept, made.NAME, "r1")
    for name in ("r1", "leader", "", "a b"):
        with pytest.raises(UserError, match=r"already|no pseudonym"):
            add_reader(kept, made.NAME, name)
    with pytest.raises(UserError, match="no reader 'ghost'"):
        kept.set_lock(made.NAME, "ghost", new_code()[1])
    case = StudyCase("x", " ", "phantom:ct:0", domain="foot", slice=-1)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"no question.*domain is 'foot'.*slice is -1"):
        kept.add_cases(made.NAME, [case])


def test_a_copy_of_the_database_holds_the_studies_too(kept: StudyStore, tmp_path: Path) -> None:
    codes = made.opened(kept)
    with RatingStore(upkeep.backup(kept.ratings, tmp_path / "copy.sqlite3")) as copy:
        room = ReadingRoom(StudyStore(copy))
        assert made.read_all(room, room.sign_in(codes["r1"])) == 6
    assert upkeep.check(kept.ratings) == []


def test_the_same_order_is_never_drawn_twice(kept: StudyStore) -> None:
    made.opened(kept)
    before = kept.order(made.NAME, "r1")
    kept.set_order(made.NAME, "r1", [Showing(0, "phantom-cxr-0", BASE.id, TUNED.id, 1)])
    assert kept.order(made.NAME, "r1") == before and len(before) == 6
