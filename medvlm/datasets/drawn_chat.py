"""Phantoms asked as in a chat: an account of the whole picture, and open questions about what it shows."""

import random
from collections.abc import Iterator

from medvlm.datasets.drawn import selection
from medvlm.errors import DatasetError
from medvlm.phantoms import captions, draw
from medvlm.phantoms.truth import Question, Truth
from medvlm.phantoms.writer import write
from medvlm.types import DataSplit, Domain, Sample

SEEDS = 12  # phantoms a domain, unless the address says otherwise
# LLaVA-Med's two types of chat question (arXiv 2306.00890, section 5.1).
CONVERSATION, DETAILED = "conversation", "detailed description"
# One meaning in several words, as in LLaVA-Med's fixed list of detailed-description questions; none is trained on.
ACCOUNTS = (
    "Please describe this picture in detail.",
    "Tell me everything that can be seen in this picture.",
    "Give a thorough account of what this image shows.",
    "Describe this image as you would in a full report.",
    "Walk me through this picture, with all its details.",
    "What does this image show? Explain it at length.",
    "Write a complete description of the picture.",
    "Go through the image and describe whatever matters in it.",
    "Describe the contents of this picture as fully as you can.",
)
DETAILS = ("side", "place", "count")  # kinds of open question that follow "what do you see?"


def chat(options: str, split: DataSplit) -> Iterator[Sample]:
    """A question for a full account, one for the findings, and one about a finding where there is something to ask.

    `options` as those of `drawn.phantoms`: domain, seeds, combinations. All wordings are kept back from training, all
    phantoms are of the test's seeds. References are the truth's own sentences. Raises DatasetError.
    """
    if "seeds=" not in options:
        options = f"{options},seeds=0-{SEEDS}".lstrip(",")
    if "kind=" in options or "wordings=" in options:
        raise DatasetError(
            "phantoms_chat take domain, seeds and combinations, as in phantoms_chat:domain=ct,seeds=0-5."
        )
    wanted = selection(options)
    for seed in wanted.seeds:
        for domain in wanted.domains:
            truth = draw(domain, seed, "test").truth
            if wanted.combinations in ("all", "held_out" if truth.held_out else "drawn"):
                yield from about(domain, seed, truth)


def about(domain: Domain, seed: int, truth: Truth) -> Iterator[Sample]:
    """The two or three questions about one phantom."""
    rng = random.Random(f"{domain} {seed}")
    said = captions.detailed(truth, rng)
    yield _sample(domain, seed, truth, 0, DETAILED, rng.choice(ACCOUNTS), said, None)
    asked = write(truth, seed, held_out_wordings=True).questions
    for number, question in enumerate(_open(asked, rng), 1):
        yield _sample(domain, seed, truth, number, CONVERSATION, question.text, question.sentence, question.about)


def _open(asked: tuple[Question, ...], rng: random.Random) -> Iterator[Question]:
    """What is seen, and one detail by lot."""
    yield next(one for one in asked if one.kind == "which" and not one.closed)
    details = [one for one in asked if one.kind in DETAILS and not one.closed]
    if details:
        yield rng.choice(details)


def _sample(
    domain: Domain, seed: int, truth: Truth, number: int, kind: str, question: str, said: str, about: str | None
) -> Sample:
    return Sample(
        id=f"phantom-chat-{domain}-{seed}-{number}", image=f"{domain}:{seed}", question=question, reference=said,
        domain=domain, kind=kind, dataset="phantom", split="test", closed=False, about=about, held_out=truth.held_out,
    )  # fmt: skip
