"""How many papers and figures there were, how many fell at each step, and what is left."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from medvlm.datasets.corpus import Figure
from train.corpus.filters import STEPS, Fallen
from train.corpus.parts import Outcome


@dataclass
class Tally:
    """Counts, as the corpus is put together."""

    papers: set[str] = field(default_factory=set)
    articles: int = 0
    found: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    fallen: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    with_figures: set[str] = field(default_factory=set)
    mentions: int = 0

    def read(self, outcome: Outcome) -> None:
        self.papers.add(outcome.paper)
        if outcome.problem:
            self.problems.append((outcome.paper, outcome.problem))
        else:
            self.articles += 1
        self.found += outcome.kept + len(outcome.fallen)

    def drop(self, fallen: Iterable[Fallen]) -> None:
        self.fallen.update(one.step for one in fallen)

    def keep(self, figure: Figure) -> None:
        self.splits[figure.split] += 1
        self.domains[figure.domain] += 1
        self.licences[figure.licence] += 1
        self.with_figures.add(figure.article)
        self.mentions += bool(figure.mentions)

    def record(self) -> dict[str, Any]:
        """The same counts as JSON holds them, without times, so that the same papers give the same bytes."""
        return {
            "papers": len(self.papers),
            "papers_not_read": [{"paper": paper, "why": why} for paper, why in self.problems],
            "articles": self.articles,
            "figures": self.found,
            "fell": {step: self.fallen[step] for step in STEPS},
            "kept": sum(self.splits.values()),
            "kept_articles": len(self.with_figures),
            "kept_with_mentions": self.mentions,
            "splits": {split: self.splits[split] for split in ("train", "test")},
            "domains": dict(sorted(self.domains.items())),
            "licences": dict(sorted(self.licences.items())),
        }


def table(record: dict[str, Any]) -> str:
    """What fell where, step by step, as aligned text."""
    left = record["figures"]
    rows = [("papers", record["papers"], ""), ("  not read", len(record["papers_not_read"]), "")]
    rows += [("articles", record["articles"], ""), ("figures", left, "left")]
    for step, words in STEPS.items():
        if count := record["fell"][step]:
            left -= count
            rows.append((f"  {words}", count, str(left)))
    rows += [("kept", record["kept"], ""), ("  of articles", record["kept_articles"], "")]
    rows += [(f"  to {split}", count, "") for split, count in record["splits"].items()]
    rows += [("  with sentences that name them", record["kept_with_mentions"], "")]
    rows += [(f"  {domain}", count, "") for domain, count in record["domains"].items()]
    wide = max(len(row[0]) for row in rows)
    return "\n".join(f"{words:<{wide}}  {count:>9,}  {after:>9}".rstrip() for words, count, after in rows)
