"""What rules say of a caption, and what they count in a text: its root verb and that verb's noun."""

from dataclasses import replace

import pytest

from medvlm.claims.statements import Exchange
from tests.generate_cases import CYST
from train.generate import counting, rules
from train.generate.sources import Source


def test_rules_say_what_the_caption_says_and_no_more() -> None:
    said = rules.conversation(
        replace(CYST, caption="Axial CT scan of the chest with a nodule in the left lung. No mass is seen."), 9
    )
    answers = [one.answer for one in said]
    assert (
        "This is a CT scan." in answers and "It is on the left side." in answers and "No, there is no mass." in answers
    )
    assert rules.caption(CYST).startswith("Axial CT") and rules.conversation(Source("x", ""), 3) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Describe the image concisely.", ("describe", "image")),
        ("Can you explain the large cavitating lesion?", ("explain", "lesion")),
        ("What does the picture show?", ("show", "picture")),
        ("Is there an effusion?", ("be", "effusion")),
        ("Where is the lesion located?", ("locate", "lesion")),
        ("The image shows a small cyst. It is dark.", ("show", "cyst")),
        ("This is an MRI scan.", ("be", "scan")),
        ("What does this view show?", ("show", "view")),
        ("Yes, a mass can be seen.", ("see", "mass")),
        ("What am I looking at?", None),
        ("A view of the knee.", None),
        ("Yes.", None),
    ],
)
def test_the_root_verb_and_its_noun_are_read(text: str, found: tuple[str, str] | None) -> None:
    assert counting.root(text) == found


def test_counts_are_by_domain_and_kind_with_what_the_rules_could_read() -> None:
    counts = counting.Counts()
    counts.add(
        "ct", "conversation", [Exchange("Describe the image.", "Yes."), Exchange("Describe the cyst.", "It is dark.")]
    )
    counts.add("mri", "caption", [Exchange("Describe the image.", "The image shows a knee.")])
    record = counts.record()
    assert record["by_domain"] == {"ct": {"dialogues": 1, "conversation": 1}, "mri": {"dialogues": 1, "caption": 1}}
    assert record["roots"]["instructions"] == {
        "read": 1.0, "verbs": [{"verb": "describe", "count": 3, "nouns": {"image": 2, "cyst": 1}}],
    }  # fmt: skip
    assert record["roots"]["responses"]["read"] == round(2 / 3, 3)
    assert counting.table(record)[-2].startswith("instructions: 100% read by rules; describe image (3)")
