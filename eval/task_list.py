"""What can be asked by name: `python -m eval run TASK`. Nothing heavy is imported here."""

from dataclasses import dataclass
from typing import get_args

from medvlm import datasets, prompts
from medvlm.errors import ConfigError
from medvlm.types import DataSplit

# Name -> system prompt. What a run was asked with stands in its run.json, word for word.
PROMPTS: dict[str, str] = {"short": prompts.SHORT, "chat": prompts.SYSTEM}
SHORT_TOKENS = 12  # VQA-RAD's references have 1.6 words on average
CHAT_TOKENS = 160
DRAWN_CHAT_TOKENS = 96  # the longest reference has 44 words


@dataclass(frozen=True, slots=True)
class Task:
    """One test: which rows, with which system prompt, answered in at most so many tokens."""

    title: str
    address: str
    split: DataSplit
    prompt: str = "short"
    tokens: int = SHORT_TOKENS


TASKS: dict[str, Task] = {
    "vqa-rad": Task("VQA-RAD, published test", "vqa_rad", "test"),
    "vqa-rad-disjoint": Task("VQA-RAD, pictures kept back from training", "vqa_rad_disjoint", "test"),
    "slake": Task("SLAKE, English test", "slake", "test"),
    "slake-zh": Task("SLAKE, Chinese test", "slake_zh", "test"),
    "path-vqa": Task("PathVQA test", "path_vqa", "test"),
    "phantoms": Task("Phantoms, held-out wordings", "phantoms", "test"),
    "phantoms-chat": Task("Phantoms, asked as in a chat", "phantoms_chat", "test", "chat", DRAWN_CHAT_TOKENS),
    "roco": Task("ROCO captions, test", "roco", "test", "chat", CHAT_TOKENS),
    "rocov2": Task("ROCOv2 captions, test", "rocov2", "test", "chat", CHAT_TOKENS),
    "llava-med-chat": Task("LLaVA-Med's chat test", "llava_med_chat", "test", "chat", CHAT_TOKENS),
    "medhalt-fake": Task("Med-HALT, fake questions", "medhalt_fake", "test", "chat", CHAT_TOKENS),
}


def find(name: str) -> Task:
    """A task by name, or any data set as "ADDRESS@SPLIT" (test where no split is named). Raises ConfigError."""
    if name in TASKS:
        return TASKS[name]
    address, split = at_split(name)
    if address.partition(":")[0] not in datasets.DATASETS:
        known = ", ".join(TASKS)
        raise ConfigError(
            f"There is no task {name!r}. There are {known}; or name a data set, as in phantoms:domain=ct or "
            "own:FOLDER@test (python -m eval datasets lists them)."
        )
    entry, _ = datasets.resolve(address)
    title = f"{entry.title}, {split}"
    return Task(title, address, split) if entry.words else Task(title, address, split, "chat", CHAT_TOKENS)


def at_split(text: str, otherwise: DataSplit = "test") -> tuple[str, DataSplit]:
    """ "ADDRESS@SPLIT" taken apart; an "@" that no split follows belongs to the address."""
    address, at, last = text.rpartition("@")
    split = next((one for one in get_args(DataSplit) if one == last), None)
    return (address, split) if at and split else (text, otherwise)
