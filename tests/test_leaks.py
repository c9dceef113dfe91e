"""What an answer gives away of its writer, what is shown instead, and how marks find their way back."""

import pytest

from medvlm.compare.differences import differences
from medvlm.compare.disguise import MASK, disguised, plain
from medvlm.compare.leaks import leaks, names_of, settled
from medvlm.page.suggestions import SUGGESTIONS
from medvlm.ratings.records import Candidate, ErrorTag

NAMES = names_of((
    Candidate("nano", "base", model="nano"),
    Candidate("nano-med", "tuned", model="nano", adapter="nano-med", endpoint="http://10.0.0.5:8000/v1"),
    Candidate("checkpoint-lung-best", model="llava-1.5-7b"),
))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I am nano-med, at your service.", ["nano-med"]),
        ("I am Nano Med.", ["Nano Med"]),
        ("NANO_MED says no.", ["NANO_MED"]),
        ("This is nanomed.", ["nanomed"]),
        ("I, nano, see a mass.", ["nano"]),
        ("As a fine-tuned model I see none.", ["fine-tuned"]),
        ("As a base model, I cannot say.", ["base model"]),
        ("As an AI language model I cannot.", ["As an AI language model"]),
        ("As an AI, I cannot.", ["As an AI"]),
        ("I was trained on radiology reports.", ["I was trained"]),
        ("LLaVA-1.5-7B sees it; so does Qwen2.5.", ["LLaVA-1.5-7B", "Qwen2.5"]),
        ("llava15 7b", ["llava15"]),
        ("ChatGPT and gpt-4o", ["ChatGPT", "gpt-4o"]),
        ("checkpoint-lung-best", ["checkpoint-lung-best"]),
        ("My LoRA says: pretrained.", ["LoRA", "pretrained"]),
    ],
)
def test_names_and_ways_to_say_what_one_is_are_found(text: str, found: list[str]) -> None:
    assert [leak.words for leak in leaks(text, NAMES)] == found
    assert all(text[leak.start : leak.stop] == leak.words for leak in leaks(text, NAMES))


@pytest.mark.parametrize(
    "text",
    [
        "Opacity at the base of the left lung; the general appearance is normal.",
        "A nanoparticle contrast agent was given to the patient.",
        "Best seen in the lung window. The tumour was tuned out of the picture.",
        "Claude syndrome is a midbrain stroke. The model of the knee is shown.",
        "Ask a physician; I am no doctor. Medical history is not shown.",
        "The fine line is a tube. It is fine. Tuned to bone, it is seen.",
        *(question for three in SUGGESTIONS.values() for question in three),
    ],
)
def test_medicine_is_left_alone(text: str) -> None:
    assert leaks(text, NAMES) == ()


def test_what_is_shown_while_it_is_written_never_has_to_be_taken_back() -> None:
    text = "As a fine-tuned model, nano-med by OpenAI says: **no mass**, as far as an AI model can tell. Bye nano"
    for end in range(len(text) + 1):
        seen = disguised(text[:end], NAMES, whole=False).text
        for word in ("nano", "tuned", "OpenAI", "AI model"):
            assert word not in seen
    whole = disguised(text, NAMES)
    assert whole.text.count(MASK) == 5 and whole.leaks[0] == "fine-tuned"


def test_ordinary_words_do_not_wait_long() -> None:
    text = "There is a large mass in the left lobe "
    assert settled(text, NAMES) == len(text)
    assert settled("There is a round mass", NAMES) == len("There is a round ")
    assert settled("There is a round mass.", NAMES) == len("There is a round ")
    assert settled("It says fine ", NAMES) == len("It says ")
    assert settled("", NAMES) == 0 and settled("It is fine. ", NAMES) == len("It is fine. ")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            "# Findings\n\n**Mass** of *3 cm*.\n\n\n1. left\n2) lower",
            "Findings\nMass of 3 cm.\n\u2013 left\n\u2013 lower",
        ),
        ("* one\n- two\n\u2022 three", "\u2013 one\n\u2013 two\n\u2013 three"),
        ("  Yes.  \n", "Yes."),
        ("`code` and __bold__", "code and bold"),
        ("a  b\n---\nc", "a b\nc"),
        ("It is 5 * 3 mm.", "It is 5 * 3 mm."),
        ("", ""),
    ],
)
def test_every_answer_is_laid_out_alike(answer: str, shown: str) -> None:
    assert disguised(answer, NAMES).text == shown


def test_a_mark_in_what_was_shown_is_a_mark_in_the_answer() -> None:
    answer = "## Report\n\nAs nano-med I see a **big mass** here."
    seen = disguised(answer, NAMES)
    assert seen.text == f"Report\nAs {MASK} I see a big mass here."

    def own(words: str) -> str:
        start = seen.text.index(words)
        tag = seen.own(ErrorTag("side", "mild", start, start + len(words)))
        return answer[tag.start : tag.stop]

    assert own("big mass") == "big mass" and own(MASK) == "nano-med" and own("here.") == "here."
    assert own("masked") == "nano-med", "of what was masked nobody can mark a part"
    assert own("I see a big mass") == "I see a **big mass"
    assert own(seen.text) == answer.removeprefix("## ")
    whole = ErrorTag("other", "none")
    assert seen.own(whole) == whole and plain(answer).own(ErrorTag("side", "mild", 3, 9)).start == 3


def test_differences_are_stretches_of_words() -> None:
    left, right = "There is a mass on the left.", "There is no mass, on the right side."
    first, second = differences(left, right)
    assert [left[a:b] for a, b in first] == ["a", "left."]
    assert [right[a:b] for a, b in second] == ["no", "right side."]
    assert differences("Same words.", "same words") == ((), ()) and differences("", "x") == ((), ((0, 1),))
