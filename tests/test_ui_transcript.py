"""What stands under and beside the turns of a conversation."""

import pytest

from medvlm import catalog, checkpoints
from medvlm.packages import sha256_of
from medvlm.page.desk import Moment
from medvlm.page.session import GREEDY, Given, Made, Session
from medvlm.page.suggestions import SUGGESTIONS
from medvlm.types import Decoding
from medvlm.ui.transcript import transcript
from tests.fakes import a_scan
from tests.ui_cases import EVIL, answered, at_slice


def test_under_an_answer_stands_how_often_these_weights_were_right_and_nothing_of_other_weights() -> None:
    own = sha256_of(checkpoints.weight_files(catalog.resolve_adapter("nano-med"))[0])
    session = Session().with_scan(a_scan().as_domain("ct", "user")).asked("Is there a mass?", None)

    def shown(weights: str) -> str:
        made = Made(session.asking, "nano + nano-med", "tuned", GREEDY, weights=weights)
        return transcript(session.answered("Yes.", made))

    assert "CT, closed questions: " in shown(own) and "n = " in shown(own)
    assert "not evaluated on real images" in shown("0" * 64)
    assert "questions:" not in shown("")


def test_an_answer_says_what_it_is_about_and_what_it_cost() -> None:
    html = transcript(answered(notes=("Older questions were left out.",)))
    for part in ("about slice 12 of 40", "first word 1.0 s", "5.0 tokens/s", "tuned", "Older questions were left out."):
        assert part in html
    assert "seed" not in html


@pytest.mark.parametrize(
    ("ended", "says"), [("stopped", "stopped"), ("length", "cut at the longest length"), ("time", "time limit")]
)
def test_an_answer_that_was_cut_says_why(ended: str, says: str) -> None:
    assert says in transcript(answered(ended=ended))


def test_only_the_last_turn_can_be_edited_or_asked_again() -> None:
    session = answered()
    session = session.asked("two", None).answered("2", Made(None, "m", "base", Decoding(0.5, seed=3)))
    html = transcript(session)
    assert [html.count(f'data-act="{act}"') for act in ("edit", "undo", "retry", "copy")] == [1, 1, 1, 2]
    assert html.index('data-act="edit"') > html.index("two") and "seed 3" in html
    running = transcript(session.asked("three", None), Moment("reading"))
    assert 'data-act="edit"' not in running and "Reading the picture" in running


def test_an_answer_says_what_it_contradicts_and_what_the_model_saw() -> None:
    given = (Given(b"P", b"J", "slice 12 of 40"), Given(b"P", b"J", f"its part {EVIL}"))
    session = at_slice(Session().with_scan(a_scan(40)), 11)
    for text in ("Yes.", "No."):
        session = session.asked("Is there a nodule?", None)
        session = session.answered(text, Made(session.asking, "m", "tuned", GREEDY, saw=given))
    html = transcript(session)
    assert html.count('<p class="note">') == 1 and "This contradicts an earlier answer" in html
    assert html.count('alt="What the model saw: slice 12 of 40"') == 2 and "<img src=x" not in html
    assert 'data-act="given" data-answer="1"' in html


def test_waiting_says_for_what() -> None:
    assert "2 ahead of you" in transcript(Session(), Moment("queued", ahead=2))
    assert "Waiting for the model to load" in transcript(Session(), Moment("loading"))
    assert "spinner" not in transcript(Session(), Moment("writing", "so far"))


def test_suggestions_are_those_of_the_domain_less_what_was_asked() -> None:
    session = Session().with_scan(a_scan())
    assert all(question in transcript(session) for question in SUGGESTIONS["ct"])
    first = SUGGESTIONS["ct"][0]
    assert f'data-question="{first}"' not in transcript(session.asked(first, None))
    assert "suggest" not in transcript(Session())
