"""Probes of the words: questions without an answer, other wordings, an expert's sentence, Chinese."""

import pytest

from medvlm.claims.finding_words import FINDINGS
from medvlm.paths import ROOT
from medvlm.phantoms.absurd import ANY_PICTURE, ONE_DOMAIN
from medvlm.probes import chinese, wordings
from medvlm.probes.declining import declines
from medvlm.probes.registry import asking
from tests.golden_rows import rows
from tests.phantom_truths import kept_truths
from tests.probe_cases import figures, material


@pytest.mark.parametrize("name", ["ill-fitting", "absurd", "nonsense"])
def test_declining_is_right_where_there_is_no_answer(name: str) -> None:
    prefix = name.replace("-", "_")
    declining = figures(name, lambda ask: "I cannot tell that from this picture.")
    taken_in, silent = figures(name, lambda ask: "Yes, two of them."), figures(name, lambda ask: "")
    assert (declining[f"{prefix}_declined"].value, declining[f"{prefix}_affirmed"].value) == (1.0, 0.0)
    assert (taken_in[f"{prefix}_declined"].value, taken_in[f"{prefix}_affirmed"].value) == (0.0, 1.0)
    assert silent[f"{prefix}_declined"].value is None and "an empty answer" in silent[f"{prefix}_declined"].note


@pytest.mark.parametrize("row", rows("declining"), ids=lambda row: str(row["text"])[:40])
def test_declining_is_read_by_the_table(row: dict[str, object]) -> None:
    assert declines(str(row["text"])) is row["declines"]


def test_questions_without_an_answer_are_not_those_that_training_has_seen() -> None:
    known = {text for text, _ in (*ANY_PICTURE, *(pair for pairs in ONE_DOMAIN.values() for pair in pairs))}
    ours = [*wordings.ABSURD, *(text for texts in wordings.ILL_FITTING.values() for text in texts)]
    assert not known & set(ours)
    assert all(len(set(texts)) == 6 for texts in wordings.ILL_FITTING.values())


def test_the_expert_s_sentence_is_quoted_and_stands_before_the_question() -> None:
    asks = asking()["expert"].plan(material())
    assert all(ask.question == f"{wordings.EXPERT} {ask.subject.question}" for ask in asks)
    gained = figures("expert", lambda ask: ask.subject.reference if ask.probe == "expert" else "perhaps")
    assert gained["expert_gain"].value == 1.0 and gained["expert_changed"].value == 1.0


@pytest.mark.skipif(
    not (ROOT.parent / "shared" / "seeds").is_dir(), reason="needs Med-Idefics' text in ../shared/seeds"
)
def test_the_expert_s_sentence_is_med_idefics() -> None:
    (path,) = (ROOT.parent / "shared" / "seeds").glob("002_*")
    text = " ".join(path.read_text(encoding="utf-8").split())
    assert wordings.EXPERT.rstrip(".") in text


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("Am I looking at a CT?", "Is this a CT?"),
        ("Does the picture suggest a central line?", "Is there a central line?"),
        ("Would you call the view lateral or PA?", "Is this lateral or PA?"),
        ("Are there any gallstones?", "Are there gallstones?"),
    ],
)
def test_other_wordings_are_the_phantoms_own_with_the_same_words_in_their_places(question: str, other: str) -> None:
    made = wordings.other_wordings(question, 3)
    assert other in made and question not in made and len(set(made)) == 3


def test_a_question_that_is_nobody_s_gets_words_around_it() -> None:
    made = wordings.other_wordings("Is there biliary duct dilation of the third kind, doctor?", 2)
    assert len(made) == 2 and all("Is there biliary duct dilation of the third kind, doctor?" in text for text in made)


def test_agreement_over_wordings_and_draws_is_by_pairs() -> None:
    # As asked yes, one other wording yes, one no: one of three pairs agrees.
    odd = figures("wordings", lambda ask: "no" if ask.condition == "wording-2" else "yes")
    assert odd["wordings_same"].value == pytest.approx(1 / 3)
    # Three draws, one of them apart: one of three pairs.
    drawn = figures("draws", lambda ask: "no" if ask.condition == "draw-3" else "yes")
    assert drawn["draws_same"].value == pytest.approx(1 / 3)
    asks = asking()["draws"].plan(material())
    assert {ask.decoding.seed for ask in asks if ask.subject == asks[0].subject} == {18, 19, 20}
    assert all(ask.decoding.temperature == 0.7 for ask in asks)


def test_chinese_questions_ask_the_same_as_the_english_ones() -> None:
    drop = figures("chinese", lambda ask: "什么" if ask.condition == "chinese" else ask.subject.reference)
    assert (drop["chinese_drop"].value, drop["chinese_score"].value, drop["english_score"].value) == (1.0, 0.0, 1.0)
    assert drop["chinese_in_chinese"].value == 1.0
    both = figures("chinese", lambda ask: {"yes": "是", "no": "不是"}.get(ask.subject.reference, ""))
    assert both["chinese_drop"].value == 0.0 and both["chinese_score"].value == 1.0


def test_every_finding_has_a_chinese_name() -> None:
    assert {name for names in FINDINGS.values() for name in names} == set(chinese.FINDINGS)


def test_chinese_questions_hold_for_the_truth_they_are_asked_of() -> None:
    answers = []
    for truth in kept_truths()[:200]:
        for english, _, holds in chinese.questions(truth):
            answers.append(holds)
            if english == chinese.NORMAL[0]:
                assert holds == truth.normal
            elif english.startswith("Does this picture show"):
                name = english.removeprefix("Does this picture show ").removesuffix("?")
                assert holds == any(finding.name == name for finding in truth.findings)
    assert 0.25 < sum(answers) / len(answers) < 0.75
