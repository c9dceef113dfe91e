"""What may be said of the real pictures that come with counts instead of texts: blood smears and histology tiles."""

import random

from medvlm import datasets
from medvlm.types import Turn
from train.nano.sequences import Example

Pair = tuple[str, str]
SMEAR_KIND = (
    "What kind of picture is this?", "What type of image is this?",
    "What does this picture show?", "Describe the picture.",
)  # fmt: skip
CELLS = {"RBC": "red cells", "WBC": "white cells", "Platelets": "platelets"}


def dialogue(pair: Pair) -> tuple[Turn, ...]:
    return Turn("user", pair[0]), Turn("assistant", pair[1])


def few_or_many(count: int, name: str) -> str:
    """A count as somebody would say it who did not count one by one beyond a handful."""
    if count == 0:
        return f"I see no {name}."
    if count <= 4:
        word = ("one", "two", "three", "four")[count - 1]
        return f"There {'is' if count == 1 else 'are'} {word} {name[:-1] if count == 1 else name}."
    return f"There are about {round(count, -1 if count > 14 else 0)} {name}."


def smear(image: str, counts: dict[str, int], system: str) -> Example:
    """A blood smear of BCCD: what it is, which cells are there, and that it is none of the five kinds."""
    rng = random.Random(image)
    white = counts.get("WBC", 0)
    pairs: list[Pair] = [
        (rng.choice(SMEAR_KIND), "This is a photograph of a stained blood smear under the microscope.")
    ]
    key = rng.choice(list(CELLS))
    pairs.append((f"How many {CELLS[key]} are there?", few_or_many(counts.get(key, 0), CELLS[key])))
    present = "Yes, there is at least one." if white else "No, I see none."
    pairs.append(("Is there a white blood cell in the picture?", present))
    wrong = rng.choice(["a chest X-ray", "a CT scan", "an MRI", "a tissue section"])
    pairs.append((f"Is this {wrong}?", "No, it is a blood smear under the microscope."))
    return Example(f"bccd:{image}", system, tuple(dialogue(p) for p in pairs))


def tile(image: str, nuclei: int, system: str) -> Example:
    """A tile of the 2018 Data Science Bowl: what it is and how many nuclei, nothing about stain or disease."""
    rng = random.Random(image)
    pairs: list[Pair] = [
        (rng.choice(SMEAR_KIND), "This is a microscopic picture of tissue or cells with stained nuclei."),
        ("How many nuclei are there?", few_or_many(nuclei, "nuclei").replace("one nuclei", "one nucleus")),
        (
            "Are there many nuclei?",
            "Yes, the picture holds many nuclei." if nuclei >= 30 else "No, there are only a few.",
        ),
    ]
    wrong = rng.choice(["a chest X-ray", "a CT scan", "an MRI"])
    pairs.append((f"Is this {wrong}?", "No, it is a microscopic picture."))
    return Example(f"dsb2018_histology:{image}", system, tuple(dialogue(p) for p in pairs))


def examples(system: str) -> list[Example]:
    """All of them."""
    smears = [smear(name, dict(counts), system) for name, counts in sorted(datasets.bccd_counts().items())]
    return smears + [tile(name, count, system) for name, count in sorted(datasets.nuclei_counts().items())]
