"""What a set of dialogues is like: counts per domain and kind, lengths, and root verbs with their nouns.

As LLaVA-Med's figure 2. Verbs and nouns are read by rules, from a closed list of verbs; the share of sentences in which
they find both is told beside them.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from medvlm.claims.statements import Exchange
from medvlm.scores import Record
from medvlm.types import Domain
from train.generate.sources import Kind

TOP = 20  # verbs that are shown; the paper shows the 20 commonest with up to four nouns each
NOUNS = 4
_VERBS = (
    "affect", "analyse", "analyze", "answer", "appear", "ask", "assess", "cause", "characterise", "characterize",
    "compare", "confirm", "contain", "count", "define", "demonstrate", "depict", "describe", "detect",
    "determine", "differ", "discuss", "display", "elaborate", "examine", "exhibit", "explain", "extend", "find",
    "give", "go", "help", "identify", "illustrate", "indicate", "interpret", "involve", "lie", "list", "locate",
    "look", "make", "measure", "name", "narrate", "note", "notice", "observe", "occur", "point", "present",
    "provide", "reflect", "represent", "reveal", "say", "see", "seem", "sharpen", "show", "sit", "speak", "stain",
    "suggest", "sum", "summarise", "summarize", "support", "take", "tell", "think", "use", "view", "visualise",
    "visualize", "walk", "write",
)  # fmt: skip
_IRREGULAR = {
    "am": "be", "is": "be", "are": "be", "was": "be", "were": "be", "be": "be", "been": "be",
    "has": "have", "have": "have", "had": "have", "seen": "see", "saw": "see", "shown": "show", "found": "find",
    "lies": "lie", "lying": "lie", "lay": "lie", "gave": "give", "given": "give", "made": "make", "took": "take",
    "taken": "take", "seems": "seem",
}  # fmt: skip
_LIGHT = ("be", "have")  # the root only where no other verb stands in the sentence
_HELPERS = frozenset(("do", "does", "did", "can", "could", "would", "will", "should", "may", "might", "must"))
_SKIPPED = frozenset((
    "a", "all", "an", "any", "both", "each", "her", "here", "his", "how", "i", "it", "its", "many", "me", "more",
    "most", "much", "my", "no", "not", "our", "please", "some", "that", "the", "their", "there", "these", "this",
    "those", "us", "very", "what", "which", "whose", "yes", "you", "your",
))  # fmt: skip
_STOPS = frozenset((
    "about", "and", "are", "as", "at", "be", "between", "but", "by", "can", "do", "does", "for", "from", "has",
    "have", "in", "into", "is", "near", "of", "on", "or", "over", "than", "that", "to", "under", "was", "were",
    "when", "where", "which", "while", "who", "with", "within", "without",
))  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z][A-Za-z'-]*|[,.;:?!]")


def forms() -> dict[str, str]:
    """Every form of every verb that is known -> the verb."""
    made = dict(_IRREGULAR)
    for verb in _VERBS:
        stem = verb.removesuffix("e")
        third = f"{verb[:-1]}ies" if verb.endswith("fy") else f"{verb}s"
        past = f"{verb[:-1]}ied" if verb.endswith("fy") else f"{stem}ed"
        made |= {form: verb for form in (verb, third, past, f"{stem}ing")}
    return made


FORMS = forms()


def root(text: str) -> tuple[str, str] | None:
    """The root verb of a text's first sentence, and its noun: behind it, or else before it; None where one is not
    found."""
    words = [word.lower() for word in _TOKEN.findall(re.split(r"(?<=[.?!])\s", text.strip(), maxsplit=1)[0])]
    at = _verb(words)
    if at is None:
        return None
    noun = _noun(words[at + 1 :]) or _noun(words[:at])
    return (FORMS[words[at]], noun) if noun else None


def _verb(words: list[str]) -> int | None:
    """Where the root stands: the first verb that is more than "be" or "have", else one of these."""
    places = [at for at, word in enumerate(words) if word in FORMS and not _as_noun(words, at)]
    full = [at for at in places if FORMS[words[at]] not in _LIGHT]
    return next(iter([*full, *places]), None)


def _as_noun(words: list[str], at: int) -> bool:
    """ "a view", "the stain": what an article stands before is no verb; "this view" is none, "this is" and "this shows"
    are."""
    before = words[at - 1] if at else ""
    if before in ("this", "that", "which", "what"):
        return words[at] == FORMS[words[at]]
    return before in ("a", "an", "the", "any", "no", "your")


def _noun(words: list[str]) -> str | None:
    """The last word of the first group of words that could be a noun with what describes it."""
    group: list[str] = []
    for at, word in enumerate(words):
        if not word[0].isalpha() or word in _STOPS or (word in FORMS and not _as_noun(words, at)):
            if group:
                break
            continue
        if word not in _SKIPPED and word not in _HELPERS and not word.endswith("ly"):
            group.append(word)
    return group[-1] if group else None


@dataclass
class Counts:
    """Dialogues as they are kept, counted."""

    dialogues: int = 0
    exchanges: int = 0
    by: dict[Domain, Counter[Kind]] = field(default_factory=dict)
    words: Counter[str] = field(default_factory=Counter)
    roots: dict[str, Counter[tuple[str, str]]] = field(
        default_factory=lambda: {"instructions": Counter(), "responses": Counter()}
    )

    def add(self, domain: Domain, kind: Kind, said: Iterable[Exchange]) -> None:
        self.dialogues += 1
        self.by.setdefault(domain, Counter())[kind] += 1
        for one in said:
            self.exchanges += 1
            for part, text in (("instructions", one.question), ("responses", one.answer)):
                self.words[part] += len(text.split())
                if (found := root(text)) is not None:
                    self.roots[part][found] += 1

    def record(self) -> Record:
        """All of it for a JSON file; shares are of 1."""
        return {
            "dialogues": self.dialogues,
            "exchanges": self.exchanges,
            "by_domain": {
                domain: {"dialogues": sum(kinds.values()), **kinds} for domain, kinds in sorted(self.by.items())
            },
            "mean_words": {part: round(count / max(1, self.exchanges), 2) for part, count in self.words.items()},
            "roots": {part: self._roots(part) for part in self.roots},
        }

    def _roots(self, part: str) -> Record:
        pairs = self.roots[part]
        verbs: Counter[str] = Counter()
        for (verb, _), count in pairs.items():
            verbs[verb] += count
        top = [
            {"verb": verb, "count": count, "nouns": _first({n: c for (v, n), c in pairs.items() if v == verb})}
            for verb, count in _first(dict(verbs), TOP).items()
        ]
        return {"read": round(pairs.total() / max(1, self.exchanges), 3), "verbs": top}


def _first(counts: dict[str, int], most: int = NOUNS) -> dict[str, int]:
    """The commonest, of equals by the alphabet."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most])


def table(record: Record) -> list[str]:
    """The counts in lines for people."""
    lines = [f"{'domain':<12}{'dialogues':>10}"]
    lines += [f"{domain:<12}{kinds['dialogues']:>10}" for domain, kinds in record["by_domain"].items()]
    for part, found in record["roots"].items():
        said = ", ".join(
            f"{one['verb']} {next(iter(one['nouns']))} ({one['count']})" for one in found["verbs"][:5]
        )  # fmt: skip
        lines.append(f"{part}: {found['read']:.0%} read by rules; {said or 'none'}")
    return lines
