"""What each stage learns from: examples about pictures, and how each picture is made or found."""

import random
from collections.abc import Iterable, Iterator
from functools import lru_cache
from io import BytesIO
from math import ceil

import numpy as np
from PIL import Image, ImageEnhance

from medvlm import datasets
from medvlm.imaging import render
from medvlm.phantoms import draw
from medvlm.phantoms.knowledge import general_dialogues
from medvlm.phantoms.scan import as_scan
from medvlm.phantoms.truth import Phantom, Question, QuestionKind, Texts
from medvlm.phantoms.writer import write
from medvlm.prompts import SHORT, SYSTEM
from medvlm.types import DOMAINS, Domain, Sample, Turn
from train.nano import real, shapes
from train.nano.sequences import Example

Dialogue = tuple[Turn, ...]
LAYPERSON = (
    "Describe the picture.",
    "What do you see?",
    "What does this picture show?",
    "Tell me what is in the picture.",
)
# Instructions for captions of fewer than 30 words, and of 30 and more.
BRIEF = (
    "Describe the picture in a sentence.",
    "Summarise the picture briefly.",
    "What is this, in short?",
    "Give a brief caption.",
)
DETAILED = (
    "Describe the picture in detail.",
    "Write a full description.",
    "Explain all that you can see.",
    "Describe all findings.",
)

# Whether a finding is there, on which side and where, is what a reader of scans is asked most.
TOGETHER: dict[QuestionKind, int] = {"presence": 3, "side": 3, "place": 3}
RADIOLOGY: dict[Domain, str] = {"cxr": "X-ray", "ct": "CT", "mri": "MRI"}
WHICH_OF_THREE = (
    "X-ray, CT or MRI: which is it?",
    "Was this made with X-rays alone, by CT or by MRI?",
    "Which of the three is this: MRI, X-ray or CT?",
    "Do you see an MRI, a CT or an X-ray here?",
    "How was this picture made, CT, MRI or X-ray?",
)


def pair(question: str, answer: str) -> Dialogue:
    return Turn("user", question), Turn("assistant", answer)


def spoken(dialogue: Dialogue) -> Dialogue:
    """The dialogue's words without its pictures: a row has its picture in front."""
    return tuple(Turn(turn.role, turn.text) for turn in dialogue)


def phantom_names(count: int, first: int) -> list[tuple[Domain, int, str]]:
    """(domain, seed, picture name), the five domains in turn."""
    wanted = [(DOMAINS[i % 5], first + i // 5) for i in range(count)]
    return [(domain, seed, f"phantom:{domain}:{seed}") for domain, seed in wanted]


@lru_cache(4000)  # drawn for its texts and again for its pixels
def phantom(domain: Domain, seed: int) -> Phantom:
    return draw(domain, seed, "train")


def texts(domain: Domain, seed: int) -> Texts:
    return write(phantom(domain, seed).truth, seed)


def shape_examples(count: int) -> Iterator[Example]:
    """Shapes and textures."""
    for i in range(count):
        yield Example(f"shapes:{i}", SYSTEM, tuple(pair(q, a) for q, a in shapes.draw(i).asked))


def layperson_examples(count: int, first: int = 1_000_000) -> Iterator[Example]:
    """The five kinds of picture in a layperson's words, and one scene of shapes for every four of them."""
    for domain, seed, name in phantom_names(count, first):
        rng = random.Random(seed)
        yield Example(name, SYSTEM, (pair(rng.choice(LAYPERSON), phantom(domain, seed).truth.layperson),))
    yield from shape_examples(count // 4)


def caption_examples(count: int, first: int = 2_000_000) -> Iterator[Example]:
    """Concept alignment: each picture with its brief and its detailed caption."""
    for domain, seed, name in phantom_names(count, first):
        rng, said = random.Random(seed), texts(domain, seed)
        yield Example(name, SYSTEM, (pair(rng.choice(BRIEF), said.brief), pair(rng.choice(DETAILED), said.detailed)))


def spread(questions: Iterable[Question], rng: random.Random, most: int) -> list[Question]:
    """So many questions, no two of one kind (three about findings) before every kind was taken."""
    order = sorted(questions, key=lambda _: rng.random())
    seen: dict[str, int] = {}
    ranked = []
    for question in order:
        seen[question.kind] = seen.get(question.kind, 0) + 1
        ranked.append((ceil(seen[question.kind] / TOGETHER.get(question.kind, 1)), question))
    return [q for _, q in sorted(ranked, key=lambda r: r[0])[:most]]


def which_of_three(domain: Domain, rng: random.Random) -> tuple[Dialogue, ...]:
    """What kind of radiology it is, asked by naming all three; nothing of other kinds of picture."""
    return (pair(rng.choice(WHICH_OF_THREE), RADIOLOGY[domain]),) if domain in RADIOLOGY else ()


def instruct_example(domain: Domain, seed: int, name: str, questions: int) -> Example:
    """Questions answered in a word (two rows in three, twice as many) or in sentences, with a dialogue and talk."""
    rng, said = random.Random(seed), texts(domain, seed)
    if rng.random() < 2 / 3:
        asked = spread(said.questions, rng, 2 * questions)
        three = which_of_three(domain, rng) if rng.random() < 0.4 else ()
        return Example(name, SHORT, (*(pair(q.text, q.short) for q in asked), *three))
    dialogues = [pair(q.text, q.sentence) for q in spread(said.questions, rng, questions)]
    if said.dialogues and rng.random() < 0.5:
        dialogues.append(spoken(rng.choice(said.dialogues)))
    if rng.random() < 0.3:
        dialogues.append(pair(rng.choice(BRIEF), said.brief))
    # A general question is answered as such, also where a picture stands beside it.
    if rng.random() < 0.4:
        dialogues.append(spoken(rng.choice(general_dialogues(seed))))
    return Example(name, SYSTEM, tuple(dialogues))


def instruct_examples(count: int, questions: int, first: int = 3_000_000) -> Iterator[Example]:
    """Phantoms of the five domains."""
    for domain, seed, name in phantom_names(count, first):
        yield instruct_example(domain, seed, name, questions)


def general_examples(per_row: int = 6) -> Iterator[Example]:
    """Questions without a picture, so that the language stays fluent."""
    said = [spoken(d) for d in general_dialogues(0)]
    for start in range(0, len(said), per_row):
        yield Example(None, SYSTEM, tuple(said[start : start + per_row]))


def as_sentence(answer: str) -> str:
    """A short reference as the chat would say it."""
    text = answer.strip()
    return text if not text else f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def vqa_rad_samples(kept_back: frozenset[str] = frozenset()) -> list[Sample]:
    """VQA-RAD's training rows, without those that the test asks too and without the pictures kept back."""
    samples = (s for s in datasets.vqa_rad("train") if not datasets.asked_in_test(s))
    return list(datasets.without(samples, kept_back))


def vqa_rad_examples(samples: Iterable[Sample], variants: int, seed: int) -> Iterator[Example]:
    """VQA-RAD, all questions of a picture together; one row in five in the chat's manner, else in a word or phrase.

    Each picture comes in several variants of crop and light, so that few pictures are not learnt by heart. Questions
    made from templates repeat what others ask: they come with every second variant.
    """
    by_image: dict[str, list[Sample]] = {}
    for sample in samples:
        by_image.setdefault(sample.image, []).append(sample)
    kinds = {image: modality_of(asked) for image, asked in by_image.items()}
    for variant in range(variants):
        for image, asked in sorted(by_image.items()):
            chat = random.Random(f"{seed}:{variant}:{image}").random() < 0.2
            put = [s for s in asked if s.free_form or variant % 2]
            said = [pair(s.question, as_sentence(s.reference) if chat else s.reference.lower()) for s in put]
            said += which_of_three(kinds[image] or "other", random.Random(f"{variant}:{image}")) if not chat else ()
            yield Example(f"vqa_rad:{image}:{variant}", SYSTEM if chat else SHORT, tuple(said))


def modality_of(asked: Iterable[Sample]) -> Domain | None:
    """The picture's modality where its own questions settle it."""
    found = {datasets.modality_named(s.question, s.reference) for s in asked} - {None}
    return found.pop() if len(found) == 1 else None


def varied(image: Image.Image, variant: int, name: str) -> Image.Image:
    """Variant 0 is the picture itself; others are cropped by up to a tenth a side and lit otherwise, never mirrored."""
    if variant == 0:
        return image
    rng = random.Random(f"{variant}:{name}")
    width, height = image.size
    left, top, right, bottom = (rng.uniform(0, 0.1) for _ in range(4))
    box = (int(width * left), int(height * top), int(width * (1 - right)), int(height * (1 - bottom)))
    cropped = image.crop(box)
    lit = ImageEnhance.Brightness(cropped).enhance(rng.uniform(0.8, 1.25))
    return ImageEnhance.Contrast(lit).enhance(rng.uniform(0.75, 1.3))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """As it comes back from a JPEG file: real pictures mostly do."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as back:
        return back.convert("RGB")


def load(name: str) -> Image.Image:
    """The picture of an example's name, RGB."""
    source, _, rest = name.partition(":")
    if source == "shapes":
        return shapes.draw(int(rest)).image
    if source == "phantom":
        domain, seed = rest.split(":")
        made = phantom(next(d for d in DOMAINS if d == domain), int(seed))
        return jpeg(Image.fromarray(render(as_scan(made))), int(np.random.default_rng([3, int(seed)]).integers(50, 96)))
    image, _, variant = rest.partition(":")
    with Image.open(datasets.picture(source, image)) as file:
        return varied(file.convert("RGB"), int(variant or 0), image)


def real_examples() -> list[Example]:
    return real.examples(SYSTEM)
