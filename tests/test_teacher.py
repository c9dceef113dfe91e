"""A teacher is asked once for each question: replies stand on disk, failures and what no budget reached do not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from medvlm import scores
from medvlm.endpoint import Budget, BudgetSpent
from medvlm.errors import ConfigError, UserError
from medvlm.teacher import Asked, Said, Teacher
from medvlm.types import Conversation, Decoding
from tests.fakes import FakeModel


def asked(text: str, seed: int = 0) -> Asked:
    return Asked(Conversation().asked(text), Decoding(seed=seed))


def test_what_was_asked_before_is_not_asked_again_and_anything_else_is(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "replies.jsonl"
    model = FakeModel(arms=("base",))
    with Teacher(model, path, 3, at_once=2) as teacher:
        said = teacher.ask_all([asked("one"), asked("two"), asked("one")])
        assert [one.text for one in said if isinstance(one, Said)] == ["base: one", "base: two", "base: one"]
        assert len(model.asked) == teacher.fresh == 2
    with path.open("a") as file:
        file.write('{"key": "torn by a kil')
    with Teacher(model, path, 3) as teacher:
        assert teacher.ask(asked("one").conversation, Decoding()) == "base: one"
        assert teacher.fresh == 0
        teacher.ask_all([asked("one", seed=1)])
        assert teacher.fresh == 1, "another seed may say something else"
    rows = scores.rows(path)
    assert len(rows) == 3 and {row["prompt_version"] for row in rows} == {3} and rows[0]["tokens"] > 2


def test_a_failure_is_told_in_its_place_and_asked_again_next_time(tmp_path: Path) -> None:
    model = FakeModel(arms=("base",), error=UserError("The server is down."))
    with Teacher(model, tmp_path / "r.jsonl", 1) as teacher:
        first, second = teacher.ask_all([asked("one"), asked("two")])
        assert isinstance(first, UserError) and isinstance(second, Said)
        assert isinstance(teacher.ask_all([asked("one")])[0], Said)


def test_a_spent_budget_stops_before_the_next_question(tmp_path: Path) -> None:
    model = FakeModel(arms=("base",))
    with Teacher(model, tmp_path / "r.jsonl", 1, budget=Budget(requests=2)) as teacher:
        said = teacher.ask_all([asked(text) for text in "abc"])
    assert [type(one) for one in said] == [Said, Said, BudgetSpent] and len(model.asked) == 2
    with Teacher(model, tmp_path / "r.jsonl", 1, budget=Budget(tokens=1)) as teacher:
        kept, fresh, none = teacher.ask_all([asked("a"), asked("d"), asked("e")])
    assert isinstance(kept, Said) and isinstance(fresh, Said) and isinstance(none, BudgetSpent)


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    with Teacher(FakeModel(), tmp_path / "r.jsonl", 1), pytest.raises(ConfigError, match="another process"):
        Teacher(FakeModel(), tmp_path / "r.jsonl", 1)


class Batches(FakeModel):
    """Answers in batches, none of which may hold the word "long"."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def answer_all(self, asked: Sequence[Asked]) -> list[Said]:
        self.sizes.append(len(asked))
        if any(one.conversation.turns[-1].text == "long" for one in asked):
            raise UserError("too long")
        return [Said(one.conversation.turns[-1].text.upper(), "end", 5) for one in asked]


def test_one_question_that_fails_spoils_no_batch_and_a_slow_machine_is_not_remembered(tmp_path: Path) -> None:
    model = Batches()
    with Teacher(model, tmp_path / "r.jsonl", 1, at_once=3) as teacher:
        said = teacher.ask_all([asked(text) for text in ("a", "long", "b", "c")])
    assert [one.text if isinstance(one, Said) else str(one) for one in said] == ["A", "too long", "B", "C"]
    assert model.sizes == [3, 1, 1, 1, 1]
    model.answer_all = lambda asked: [Said("half", "time", 5)]  # type: ignore[method-assign]
    with Teacher(model, tmp_path / "r.jsonl", 1) as teacher:
        teacher.ask_all([asked("d")])
    assert len(scores.rows(tmp_path / "r.jsonl")) == 3
