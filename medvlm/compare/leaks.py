"""Finds where an answer says whose it is: names of candidates, names of known models, "as a fine-tuned model".

A leak is a run of words; between two of them may stand white space, or a hyphen, dot, slash or underscore, so that
"nano-med" is found as "nano med" and "Nano_Med" too. What is found is the telling words alone: in "As a base model, I
see ..." it is "base model", because the sentence may still be worth judging.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from medvlm.ratings.records import Candidate

# A run of words, each as a regular expression for the whole word, in lower case.
Phrase = tuple[re.Pattern[str], ...]

_WORD = re.compile(r"[^\W_]+")
_GAP = re.compile(r"[ \t\n]+|[._/:-]{0,3}")
_MORE = re.compile(r"[.-](?:v?\d\w*|[a-z]+\d\w*)", re.I)  # of a version: ".5" after "Qwen2", "-4o" after "gpt"
_PART = re.compile(r"[a-z]+|\d+|[^\W\d_a-z]+")  # "llava1" is "llava" and "1" to a reader
_MARKS = "".join(map(chr, range(33, 48))) + ":;<=>?@[]^_`{|}~"
# Families and makers of language models; a version may follow at once ("qwen2", "gpt4o").
_KNOWN = (
    "alibaba", "anthropic", "biomedgpt", "chatglm", "chatgpt", "chexagent", "deepmind", "deepseek", "flamingo",
    "gemini", "gemma", "gpt", "huggingface", "huatuo(?:gpt)?", "idefics", "instructblip", "internvl", "llama",
    "llava", "medgemma", "medpalm", "minicpm", "mistral", "mixtral", "openai", "paligemma", "qwen", "radfm", "smollm",
    "smolvlm", "vicuna", "xraygpt",
)  # fmt: skip
_VERSION = r"(?:v?\d\w*)?"
_MODEL = "(?:models?|assistants?|chatbots?)"
# Ways to say what one is. Words that mean something in medicine ("base of the lung", Claude's syndrome) need a second.
_TELLING: tuple[tuple[str, ...], ...] = (
    ("(?:fine|instruction)", "tun(?:ed|ing)"),
    ("(?:finetun|untun)(?:ed|ing)",),
    ("pre", "train(?:ed|ing)"),
    ("pretrain(?:ed|ing)",),
    ("(?:tuned|base|foundation|general|generic|original|specialised|specialized|medical|untrained)", _MODEL),
    ("(?:medical|general)", "(?:ai|language)", _MODEL),
    ("general", "purpose", _MODEL),
    ("(?:large|small)", "language", _MODEL),
    ("language", _MODEL),
    ("vision", "language", _MODEL),
    ("ai", _MODEL),
    ("(?:as|am)", "an", "ai"),
    ("(?:as|am)", "an", "ai", _MODEL),
    ("(?:as|am)", "an", "ai", "language", _MODEL),
    ("i", "(?:was|am)", "trained"),
    ("i", "have", "been", "trained"),
    ("claude", "(?:ai|opus|sonnet|haiku)"),
    ("my", "(?:training|knowledge)", "(?:data|cutoff|set)"),
    ("lora",),
    ("qlora",),
    ("llms?",),
    ("vlms?",),
    ("hugging", "face"),
    ("med", "palm"),
)
# Words of names that would hide medicine: they count only together with the other words of the name.
_PLAIN = frozenset(
    (
        "abdomen", "adapter", "base", "best", "bone", "brain", "chat", "chest", "clinical", "cxr", "doctor", "final",
        "gross", "head", "health", "heart", "histology", "http", "https", "image", "instruct", "large", "last", "liver",
        "lung", "med", "medical", "mini", "model", "mri", "new", "old", "pathology", "picture", "radiology", "report",
        "rad", "scan", "small", "stage", "test", "train", "tuned", "tumor", "tumour", "vision", "vqa", "www", "xray",
    )
)  # fmt: skip
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Leak:
    """Characters `start` to `stop` of a text, which say `words`."""

    start: int
    stop: int
    words: str


def names_of(candidates: Iterable[Candidate]) -> tuple[str, ...]:
    """All that could name one of them in an answer: names of model, adapter and endpoint, whole."""
    said = (name for one in candidates for name in (one.name, one.model, one.adapter, one.endpoint))
    return tuple(sorted({name.lower() for name in said if name.strip()}))


def leaks(text: str, names: Sequence[str]) -> tuple[Leak, ...]:
    """Every stretch that says whose the text is, in order and without overlaps; of two at one place the longer."""
    words = [match.span() for match in _WORD.finditer(text)]
    found: list[Leak] = []
    first, phrases = _phrases(tuple(names))
    at = 0
    while at < len(words):
        length = 0
        if first.fullmatch(
            text[slice(*words[at])].lower()
        ):  # one look for nearly all words: this runs with each of them
            length = max(_met(text, words, at, phrase) for phrase in phrases)
        if length:
            start, stop = words[at][0], words[at + length - 1][1]
            while more := _MORE.match(text, stop):
                stop, length = more.end(), length + 1
            found.append(Leak(start, stop, text[start:stop]))
        at += max(length, 1)
    return tuple(found)


def settled(text: str, names: Sequence[str]) -> int:
    """Of a text that is still being written: how many characters can be shown, whatever follows.

    Held back are a last word that may go on, and words that may be the beginning of a leak.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    end = len(text)
    if words and not text[words[-1][1] :].strip(_MARKS) and not text[-1:].isspace():
        words, end = words[:-1], words[-1][0]
    first, phrases = _phrases(tuple(names))
    longest = max(map(len, phrases))
    for at in range(max(0, len(words) - longest), len(words)):
        begins = first.fullmatch(text[slice(*words[at])].lower())
        if begins and any(_begun(text, words, at, end, phrase) for phrase in phrases):
            return words[at][0]
    return end


@lru_cache(maxsize=64)
def _phrases(names: tuple[str, ...]) -> tuple[re.Pattern[str], tuple[Phrase, ...]]:
    """What the first word of a leak is like, and all phrases."""
    spelled = [*_TELLING, *((f"{known}{_VERSION}",) for known in _KNOWN)]
    for name in names:
        spelled += _spelled(name)
    first = "|".join(dict.fromkeys(f"(?:{phrase[0]})" for phrase in spelled))
    return re.compile(first), tuple(tuple(map(re.compile, phrase)) for phrase in dict.fromkeys(spelled))


def _spelled(name: str) -> list[tuple[str, ...]]:
    """Ways to write a name: as it stands, in one word, with digits apart, and by its first word alone."""
    whole = tuple(re.escape(word) for word in _WORD.findall(name.lower()))
    parts = tuple(re.escape(part) for word in whole for part in _PART.findall(word))
    ways = [whole, parts, ("".join(whole),)]
    first = parts[:1]
    if first and len(first[0]) >= _SHORTEST and first[0] not in _PLAIN:
        ways.append((f"{first[0]}{_VERSION}",))
    return [way for way in ways if way and not (len(way) == 1 and (way[0] in _PLAIN or len(way[0]) < _SHORTEST))]


def _met(text: str, words: list[tuple[int, int]], at: int, phrase: Phrase) -> int:
    """How many words the phrase takes from word `at` on; 0 where it does not stand there."""
    if at + len(phrase) > len(words):
        return 0
    for number, pattern in enumerate(phrase):
        start, stop = words[at + number]
        apart = number and not _GAP.fullmatch(text[words[at + number - 1][1] : start])
        if apart or not pattern.fullmatch(text[start:stop].lower()):
            return 0
    return len(phrase)


def _begun(text: str, words: list[tuple[int, int]], at: int, end: int, phrase: Phrase) -> bool:
    """Whether all words from `at` on are the beginning of the phrase, with room for the rest of it after them."""
    here = words[at:]
    if len(here) >= len(phrase) or not _GAP.fullmatch(text[here[-1][1] : end]):
        return False
    return bool(_met(text, words, at, phrase[: len(here)]))
