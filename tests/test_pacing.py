"""Two answers grow at the pace of the slower."""

import numpy as np

from medvlm.compare.pacing import Pace, count, first_words
from tests.compare_cases import Room


def test_both_columns_grow_at_the_pace_of_the_slower_whichever_it_is() -> None:
    words = {"base": "one two three four five six seven eight nine ten", "tuned": "a b c d e f g h i j k l"}
    for fast, slow in (("base", "tuned"), ("tuned", "base")):
        room = Room()
        room.stage.seconds, room.stage.script = {fast: 0.0, slow: 0.03}, lambda one: words[one.arm]
        counts = [(count(one.left), count(one.right)) for one in room.ask() if one.phase == "writing"]
        assert all(abs(left - right) <= 2 for left, right in counts), (fast, counts)
        assert max(max(pair) for pair in counts) > 3


def test_a_pace_is_that_of_the_slower_and_never_rushes() -> None:
    pace = Pace()
    assert pace.words((5, 0), (False, False), 0.0) == 0, "nobody is seen to begin first"
    assert pace.words((9, 1), (False, False), 1.0) == 1
    assert pace.words((40, 11), (False, False), 2.0) == 11
    assert pace.words((40, 11), (False, True), 2.0) == 11, "the other has ended; this one does not leap"
    grown = [pace.words((40, 11), (True, True), 2.0 + tenth / 10) for tenth in range(1, 40)]
    steps = np.diff([11, *grown])
    assert grown[-1] == 40 and steps.max() <= 2, "eleven words a second, as before"
    slow = Pace()
    assert slow.words((1, 1), (False, False), 0.0) == 1
    assert slow.words((30, 1), (True, True), 10.0) <= 81 and Pace().words((30, 4), (True, True), 0.0) == 30


def test_words_are_counted_and_cut_alike() -> None:
    text = "One two\nthree  four."
    cut = [first_words(text, words) for words in (0, 1, 3, 4, 9)]
    assert count(text) == 4 and cut == ["", "One", "One two\nthree", text, text]
