"""LLaVA-Med's files: the chat test of 193 questions, and the instruction sets of 10K and 60K dialogues."""

from collections.abc import Iterator
from typing import Any

from medvlm.datasets.places import file, picture
from medvlm.datasets.reading import Row, json_rows, jsonl_rows
from medvlm.types import DataSplit, Domain, Sample

CHAT = "llava_med_eval_qa50_qa.jsonl"
INSTRUCT = {
    "10k": "llava_med_instruct_10k.json",
    "60k": "llava_med_instruct_60k.json",
    "60k_im": "llava_med_instruct_60k_inline_mention.json",
}
# In this order the first true one counts, as in their own summary.
_DOMAINS: tuple[tuple[str, Domain], ...] = (
    ("chest_xray", "cxr"),
    ("mri", "mri"),
    ("histology", "histology"),
    ("gross", "gross"),
    ("ct_scan", "ct"),
)


def chat(split: DataSplit) -> Iterator[Sample]:
    """The 193 questions with GPT-4's answers as references; a picture that is not there is left out of its sample."""
    for row in jsonl_rows(file("llava_med_chat", CHAT)):
        image = row.text("image")
        yield Sample(
            id=f"llava_med_chat-{row.text('question_id')}",
            image=image if picture("llava_med_chat", image).is_file() else "",
            question=_plain(row.text("text")),
            reference=row.text("gpt4_answer"),
            domain=first_domain(row.values.get("domain")),
            kind=row.text("type"),
            dataset="llava_med_chat",
            split=split,
            closed=False,
        )


def instruct(which: str, split: DataSplit) -> Iterator[Sample]:
    """Each question of each dialogue with its answer; `which` is a key of INSTRUCT."""
    for row in json_rows(file("llava_med_instruct", INSTRUCT[which])):
        # The published files spell the key both ways.
        turns = row.values.get("conversations") or row.values.get("conversatons")
        for number, (question, answer) in enumerate(_pairs(row, turns)):
            yield Sample(
                id=f"llava_med_{which}-{row.text('id')}-{number}",
                image=row.text("image"),
                question=question,
                reference=answer,
                domain=first_domain(row.values.get("domain")),
                kind="conversation",
                dataset="llava_med_instruct",
                split=split,
                closed=False,
            )


def first_domain(flags: Any) -> Domain:
    """The first of the true flags, "other" for none."""
    true = flags if isinstance(flags, dict) else {}
    return next((domain for name, domain in _DOMAINS if true.get(name)), "other")


def _pairs(row: Row, turns: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(turns, list) or not all(isinstance(turn, dict) and "value" in turn for turn in turns):
        raise row.wrong("has no list of turns with a 'value' under 'conversations'")
    said = [_plain(str(turn["value"])) for turn in turns]
    if len(said) % 2 or any(turn.get("from") not in ("human", "gpt") for turn in turns):
        raise row.wrong("does not alternate between 'human' and 'gpt'")
    return zip(said[::2], said[1::2], strict=True)


def _plain(text: str) -> str:
    return text.replace("<image>", "").strip()
