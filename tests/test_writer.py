"""What is said of phantoms: lengths, wordings, grammar, truth, and that no question gives its answer away."""

import math
import random
import re
from collections import Counter, defaultdict
from dataclasses import replace
from typing import get_args

import pytest

from medvlm.phantoms import absurd, asking, balance, draw, knowledge
from medvlm.phantoms.asking import Wordings
from medvlm.phantoms.truth import Finding, Question, QuestionKind, Texts, Truth
from medvlm.phantoms.wording import article, described, indefinite, plural, singular, size, where
from medvlm.phantoms.writer import write
from medvlm.types import DOMAINS, Domain
from tests.phantom_truths import TRUTHS, kept_truths

EFFUSION = Finding("pleural effusion", "left", "lower zone", (0.75, 0.7), 0.15)
NODULE = Finding("nodule", "right", "upper zone", (0.3, 0.25), 0.04, 14.0)
CHEST = ("pleural effusion", "nodule", "pneumothorax", "cardiomegaly", "consolidation")
POINTS = 0.05


def chest(*findings: Finding) -> Truth:
    return Truth("cxr", "X-ray", "chest", "lungs", "PA", "overexposed", findings, CHEST, "A grey picture.")


@pytest.fixture(scope="module")
def truths() -> list[Truth]:
    """Those of the first 700 training phantoms of each domain, in any order."""
    return random.Random(7).sample(kept_truths(), len(kept_truths()))


@pytest.fixture(scope="module")
def written(truths: list[Truth]) -> list[Texts]:
    return [write(truth, seed) for seed, truth in enumerate(truths)]


@pytest.fixture(scope="module")
def closed(written: list[Texts]) -> tuple[list[Question], list[Question]]:
    """Closed questions of 3,000 truths to learn from and of 500 others to be tested on."""
    asked = [[q for q in texts.questions if q.closed] for texts in written]
    return [q for group in asked[:3000] for q in group], [q for group in asked[3000:] for q in group]


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_kept_truths_are_those_of_the_phantoms(domain: Domain) -> None:
    of_domain = [truth for truth in kept_truths() if truth.domain == domain]
    assert len(of_domain) == 700
    for seed in (3, 498):
        fresh = replace(draw(domain, seed).truth, layperson="")
        assert of_domain[seed] == fresh, (
            f"run python -m medvlm.phantoms.balance --per-domain 700 --truths {TRUTHS.name}"
        )


def beyond_chance(questions: list[Question], guesses: list[str]) -> float:
    """Mean of (right - chance), chance being one over the number of choices."""
    pairs = zip(questions, guesses, strict=True)
    return sum((guess == q.short) - 1 / len(q.choices) for q, guess in pairs) / len(questions)


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def naive_bayes(train: list[Question], test: list[Question]) -> list[str]:
    answers, seen = Counter(q.short for q in train), defaultdict(Counter)
    for q in train:
        seen[q.short].update(words(q.text))
    size_of = len({word for counts in seen.values() for word in counts})

    def score(q: Question, choice: str) -> float:
        return math.log(answers[choice] + 1) + sum(
            math.log((seen[choice][word] + 1) / (answers[choice] + size_of)) for word in words(q.text)
        )

    return [max(q.choices, key=lambda choice: score(q, choice)) for q in test]


def majority(train: list[Question], test: list[Question]) -> list[str]:
    by_text, overall = defaultdict(Counter), Counter(q.short for q in train)
    for q in train:
        by_text[q.text][q.short] += 1
    return [max(q.choices, key=lambda choice: (by_text.get(q.text, Counter())[choice], overall[choice])) for q in test]


def test_the_commonest_answer_to_the_same_text_is_no_better_than_chance(
    closed: tuple[list[Question], list[Question]],
) -> None:
    train, test = closed
    assert len(test) > 6000
    assert abs(beyond_chance(test, majority(train, test))) < POINTS


def test_the_words_of_a_question_do_not_tell_its_answer(closed: tuple[list[Question], list[Question]]) -> None:
    train, test = closed
    assert abs(beyond_chance(test, naive_bayes(train, test))) < POINTS


def test_yes_comes_as_often_as_no_in_every_domain_and_kind(truths: list[Truth], written: list[Texts]) -> None:
    answers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for truth, texts in zip(truths, written, strict=True):
        for q in texts.questions:
            if q.choices == ("yes", "no"):
                answers[truth.domain, q.kind][q.short] += 1
    assert len(answers) > 25
    for key, counts in answers.items():
        n = counts.total()
        # 5 points, and three standard errors for the kinds that are asked seldom.
        assert abs(counts["yes"] / n - 0.5) < 0.05 + 1.5 / math.sqrt(n), key


def test_a_baseline_would_notice_unbalanced_questions() -> None:
    answers = ["no" if i % 4 else "yes" for i in range(400)]
    leaky = [Question("presence", "Is there a nodule?", answer, "", True, ("yes", "no")) for answer in answers]
    assert beyond_chance(leaky, majority(leaky, leaky)) > 0.2
    assert beyond_chance(leaky, naive_bayes(leaky, leaky)) > 0.2


def test_the_frequencies_know_the_facts_of_the_phantoms(truths: list[Truth]) -> None:
    table = balance.table_on_disk()
    for truth in truths:
        of_domain = table[truth.domain]
        assert {f"presence of {name}" for name in truth.possible} <= of_domain.keys()
        for fact in ("normal", "plane", "technique", "organ", "region"):
            value = balance.facts(truth).get(fact)
            assert value is None or value in of_domain[fact], "run python -m medvlm.phantoms.balance"


def test_counting_facts_gives_their_frequencies() -> None:
    table = balance.count_facts([chest(EFFUSION), chest(EFFUSION, NODULE), chest(NODULE), chest()])["cxr"]
    assert table["normal"] == {"no": 0.75, "yes": 0.25}
    assert table["presence of nodule"] == {"no": 0.5, "yes": 0.5}
    assert table["presence of pneumothorax"] == {"no": 1.0}
    assert table["side of nodule"] == {"right": 1.0}
    assert table["thresholds in mm"] == {"nodule": 15.0}


@pytest.mark.parametrize("frequency", [0.1, 0.35, 0.8])
def test_a_fact_is_asked_so_that_yes_and_no_come_equally_often(frequency: float) -> None:
    rng = random.Random(3)
    holds = [rng.random() < frequency for _ in range(20000)]
    answers = Counter(one for one in holds if balance.ask_yes_no(rng, one, frequency))
    assert abs(answers[True] / answers.total() - 0.5) < 0.02


def test_every_kind_of_question_is_asked(written: list[Texts]) -> None:
    assert {q.kind for texts in written for q in texts.questions} == set(get_args(QuestionKind))


def test_every_form_has_five_training_and_two_held_out_wordings() -> None:
    forms = {name: value for name, value in vars(asking).items() if isinstance(value, Wordings)}
    assert len(forms) > 35
    for name, form in forms.items():
        assert len(set(form.train)) >= 5, name
        assert len(set(form.held_out)) >= 2, name
        assert not set(form.train) & set(form.held_out), name


@pytest.mark.parametrize("domain", DOMAINS)
def test_held_out_wordings_are_never_used_in_training(
    domain: Domain, truths: list[Truth], written: list[Texts]
) -> None:
    pairs = [(truth, texts) for truth, texts in zip(truths, written, strict=True) if truth.domain == domain]
    trained = {q.text for _, texts in pairs for q in texts.questions}
    held_out = [write(truth, seed, held_out_wordings=True) for seed, (truth, _) in enumerate(pairs[:150])]
    tested = {q.text for texts in held_out for q in texts.questions}
    assert len(tested) > 100
    assert not trained & tested


def test_captions_keep_to_the_thirty_word_line(written: list[Texts]) -> None:
    for texts in written:
        assert len(texts.brief.split()) < 30, texts.brief
        assert len(texts.detailed.split()) >= 30, texts.detailed


def test_the_same_seed_writes_the_same_texts() -> None:
    assert write(chest(EFFUSION, NODULE), 11) == write(chest(EFFUSION, NODULE), 11)
    assert write(chest(EFFUSION, NODULE), 11) != write(chest(EFFUSION, NODULE), 12)


def all_texts(texts: Texts) -> list[str]:
    said = [texts.brief, texts.detailed, *(t for q in texts.questions for t in (q.text, q.sentence))]
    return said + [turn.text for dialogue in texts.dialogues for turn in dialogue]


def test_sentences_begin_and_end_as_sentences(written: list[Texts]) -> None:
    for text in (text for texts in written[:700] for text in all_texts(texts)):
        assert text[0].isupper() or text[0].isdigit(), text
        assert text[-1] in ".?!", text
        assert not re.search(r"\b(a [aei]\w+|an [bcdgjkpqtvwyz]\w+|a an|the the|None)\b|  ", text), text


def test_answers_do_not_invent_findings() -> None:
    truth = chest(EFFUSION)
    for seed in range(60):
        for q in write(truth, seed).questions:
            if q.kind == "presence":
                assert (q.short == "yes") == (q.about == "pleural effusion"), q
            if q.kind == "side" and q.choices != ("yes", "no"):
                assert q.short == "left", q
            if q.closed:
                assert q.short in q.choices, q


def test_what_is_there_more_than_once_is_not_called_the_one() -> None:
    truth = chest(NODULE, Finding("nodule", "left", "lower zone", (0.7, 0.7), 0.05, 9.0))
    kinds = {q.kind for seed in range(20) for q in write(truth, seed).questions}
    assert not kinds & {"side", "place", "size", "count"}


def test_dialogues_have_two_to_six_questions_and_alternate(written: list[Texts]) -> None:
    lengths: Counter[int] = Counter()
    for dialogue in (dialogue for texts in written for dialogue in texts.dialogues):
        roles = [turn.role for turn in dialogue]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert bool(dialogue[0].views)
        assert not any(turn.views for turn in dialogue[1:])
        lengths[len(roles) // 2] += 1
    assert set(lengths) == {2, 3, 4, 5, 6}


def test_follow_ups_lean_on_the_turn_before() -> None:
    turns = [t.text for seed in range(80) for d in write(chest(NODULE), seed).dialogues for t in d]
    assert any(text in turns for text in ("And on the other side?", "What about the other side?"))
    assert "On the left I see no nodule." in turns
    assert "The nodule measures about 1.4 cm." in turns
    assert "The nodule is in the right upper zone." in turns


def test_a_picture_question_that_cannot_be_answered_says_so_and_why(written: list[Texts]) -> None:
    absurd_ones = [q for texts in written[:300] for q in texts.questions if q.kind == "unanswerable"]
    assert len(absurd_ones) == 600
    for q in absurd_ones:
        assert q.short == absurd.CANNOT_TELL
        assert "cannot" in q.sentence
        assert len(q.sentence.split()) > 6


def test_the_bank_of_absurd_questions_is_large_and_split() -> None:
    all_questions = {text for pairs in (absurd.ANY_PICTURE, *absurd.ONE_DOMAIN.values()) for text, _ in pairs}
    assert len(all_questions) >= 60
    for domain in DOMAINS:
        trained, kept = absurd.bank(domain, False), absurd.bank(domain, True)
        assert len(trained) > 40 and len(kept) > 8
        assert not {text for text, _ in trained} & {text for text, _ in kept}


def test_general_dialogues_are_many_distinct_and_without_pictures() -> None:
    dialogues = knowledge.general_dialogues(1)
    answers = {dialogue[1].text for dialogue in dialogues}
    assert len(answers) >= 120
    assert not any(turn.views for dialogue in dialogues for turn in dialogue)
    assert dialogues == knowledge.general_dialogues(1)
    assert dialogues != knowledge.general_dialogues(2)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("MRI scan", "an"),
        ("X-ray", "an"),
        ("nodule", "a"),
        ("AP view", "an"),
        ("PA view", "a"),
        ("uterus", "a"),
        ("effusion", "an"),
    ],
)
def test_articles(phrase: str, expected: str) -> None:
    assert article(phrase) == expected


def test_findings_are_worded_as_a_report_words_them() -> None:
    assert described(NODULE) == "a 1.4 cm nodule in the right upper zone"
    assert described(Finding("nodule", "left", "lower lobe", count=3)) == "three nodules in the left lower lobe"
    assert indefinite("consolidation") == "consolidation"
    assert (plural("mass"), singular("mitoses")) == ("masses", "mitosis")
    assert where(Finding("emphysema", "both")) == "on both sides"
    assert where(Finding("mass", "right", "liver")) == "in the liver"
    assert where(Finding("necrosis", place="upper left")) == "in the upper left of the picture"
    assert [size(mm) for mm in (0.083, 8.2, 35.0)] == ["85 microns", "8 mm", "3.5 cm"]
