"""A server as a model: it answers as any other, and what goes wrong with servers goes wrong in good order."""

import base64
import io
import time
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from medvlm.chat import whole
from medvlm.endpoint import NO_KEY, Budget, Pace, Patience
from medvlm.errors import ConfigError, UserError
from medvlm.page.waking import remote_loader
from medvlm.remote import RemoteModel
from medvlm.types import Conversation, Decoding, Scan, View
from tests.serving import Fault, serving

QUICK = Patience(tries=3, wait=0.01, longest=0.05, silence=0.5)
PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def model(url: str, patience: Patience = QUICK, budget: Budget | None = None) -> RemoteModel:
    return RemoteModel(url, "small", "small-med", patience=patience, budget=budget)


def asked(question: str = "What is this?") -> Conversation:
    scan = Scan((PICTURE,), "other", "unknown", "hash", "scan")
    return Conversation(system="Be brief.").with_scan(scan).asked(question, (View(0),))


def test_both_arms_answer_under_their_own_names_with_what_it_cost() -> None:
    with serving() as server:
        remote = model(server.url)
        base, tuned = (whole(remote, asked(), arm, Decoding(max_tokens=9)) for arm in remote.arms)
    assert (base.text, tuned.text) == ("small hears What is this?", "small-med hears What is this?")
    assert (base.report.tokens, base.report.prompt_tokens, base.report.ended) == (5, 7, "end")
    assert [body["model"] for body in server.bodies] == ["small", "small-med"]
    assert server.bodies[0]["temperature"] == 0.0 and server.bodies[0]["seed"] == 0


def test_pictures_arrive_as_they_are_shown_and_turns_in_their_order() -> None:
    talk = asked().answered("A square.").asked("How large?")
    with serving() as server:
        whole(model(server.url), talk, "base", Decoding())
    system, first, answer, last = server.bodies[0]["messages"]
    assert (system["content"], answer["content"], last["content"]) == ("Be brief.", "A square.", "How large?")
    picture, text = first["content"]
    assert text == {"type": "text", "text": "What is this?"}
    data = base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), PICTURE)


@pytest.mark.parametrize("faults", [["500"], ["503", "500"], ["429"], ["cut"], ["unfinished"], ["no json"],
                                    ["wrong json"], ["silent"], ["no counts"]])  # fmt: skip
def test_what_may_pass_is_tried_again_and_nothing_is_said_twice(faults: Sequence[Fault]) -> None:
    with serving(faults=faults) as server:
        answered = whole(model(server.url), asked(), "tuned", Decoding())
    assert answered.text == "small-med hears What is this?"
    assert len(server.bodies) == len(faults) + 1


def test_a_server_that_says_when_is_asked_then() -> None:
    with serving(faults=["429"]) as server:
        began = time.monotonic()
        whole(model(server.url), asked(), "base", Decoding())
        assert time.monotonic() - began >= 0.2


def test_after_so_many_failures_the_last_is_told() -> None:
    with serving(faults=["500"] * 3) as server, pytest.raises(UserError, match=r"failed 3 times.*status 500"):
        whole(model(server.url), asked(), "base", Decoding())


@pytest.mark.parametrize(("fault", "says"), [("400", "status 400.*the script says no"), ("404", "serves 'small'")])
def test_what_will_not_pass_is_not_tried_again(fault: Fault, says: str) -> None:
    with serving(faults=[fault]) as server, pytest.raises(UserError, match=says):
        whole(model(server.url), asked(), "base", Decoding())
    assert len(server.bodies) == 1


def test_another_answer_on_the_second_try_is_not_glued_to_the_first() -> None:
    answers = iter(["one two three four", "one deux trois"])
    with serving(lambda _: next(answers), ["cut"]) as server, pytest.raises(UserError, match="another answer"):
        whole(model(server.url), asked(), "base", Decoding())


def test_without_counts_pieces_are_counted_and_it_is_said() -> None:
    with serving(usage=False) as server:
        report = whole(model(server.url), asked(), "base", Decoding()).report
    assert report.tokens == 5 and "counts" in report.notes[0]


def test_an_answer_that_is_too_long_says_so() -> None:
    with serving(lambda _: "one two three four") as server:
        answered = whole(model(server.url), asked(), "base", Decoding(max_tokens=2))
    assert (answered.text, answered.report.ended) == ("one two", "length")


def test_closing_stops_the_server_and_time_is_kept() -> None:
    with serving(lambda _: "word " * 400, pause=0.01) as server:
        stream = model(server.url).stream(asked(), "base", Decoding(max_tokens=400))
        next(stream)
        stream.close()
        stream.join(5.0)
        assert stream.report is not None and stream.report.ended == "stopped"
        late = whole(model(server.url), asked(), "base", Decoding(max_tokens=400, seconds=0.2)).report
        assert late.ended == "time" and late.tokens < 400
    assert server.written < 400


def test_questions_run_side_by_side() -> None:
    with serving(pause=0.1) as server:
        remote = model(server.url)
        began = time.monotonic()
        streams = [remote.stream(asked(f"Number {n}?"), "base", Decoding()) for n in range(8)]
        texts = ["".join(stream) for stream in streams]
        assert time.monotonic() - began < 8 * 4 * 0.1
    assert texts == [f"small hears Number {n}?" for n in range(8)]


def test_a_budget_ends_the_asking() -> None:
    with serving() as server:
        by_requests = model(server.url, budget=Budget(requests=2))
        by_tokens = model(server.url, budget=Budget(tokens=13))
        for remote in (by_requests, by_tokens):
            for _ in range(2):
                whole(remote, asked(), "base", Decoding())
            with pytest.raises(UserError, match="budget of"):
                whole(remote, asked(), "base", Decoding())
    assert by_tokens.endpoint.budget.spent == {"requests": 2, "tokens": 24}
    assert len(server.bodies) == 4


def test_a_pace_spreads_requests_and_a_hold_stops_them_all() -> None:
    now = [100.0]
    pace = Pace(per_minute=60, clock=lambda: now[0])
    assert [pace.take() for _ in range(3)] == [0.0, 1.0, 2.0]
    pace.hold(30.0)
    assert pace.take() == 30.0
    now[0] += 60
    assert pace.take() == 0.0


def test_no_key_of_the_users_is_sent_unless_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serving() as server:
        whole(model(server.url), asked(), "base", Decoding())
        monkeypatch.setenv("MEDVLM_ENDPOINT_KEY", "mine")
        whole(model(server.url), asked(), "base", Decoding())
    assert server.keys == [f"Bearer {NO_KEY}", "Bearer mine"]


def test_what_is_no_server_is_told() -> None:
    with pytest.raises(ConfigError, match="http://HOST"):
        RemoteModel("localhost:8000", "small")
    with pytest.raises(UserError, match="failed 3 times"):
        model("http://127.0.0.1:9").check()
    with pytest.raises(UserError, match="no tuned model"):
        RemoteModel("http://127.0.0.1:9", "small").stream(asked(), "tuned", Decoding())


def test_the_page_gets_a_server_that_was_tried_with_every_name() -> None:
    said: list[str] = []
    with serving() as server:
        found = remote_loader(server.url, "small", "small-med")(lambda text, _: said.append(text))
        folders = RemoteModel(server.url, "/models/nano", "/models/merged/")
        assert folders.badge.startswith("nano + merged · on ") and folders.name == "/models/nano + /models/merged/"
        assert found.badge == f"small + small-med · on {server.url.removeprefix('http://')}"
        assert found.arms == ("base", "tuned") and not found.verified
        assert found.seen(asked().scans[0], View(0)).size == (4, 4)
        assert "What is this?" in found.prompt_text(asked(), "base")
    assert [body["model"] for body in server.bodies] == ["small", "small-med"]
    assert said[-1] == "Ready"
    with serving(faults=["404"]) as server, pytest.raises(UserError, match="serves 'small'"):
        remote_loader(server.url, "small")(lambda *_: None)
