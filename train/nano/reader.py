"""Teach the tower's reader to see: what each picture is known to show, told from its tokens by small heads.

Phantoms bring their facts (modality, plane, findings, sides, places, ...) and the spots of their findings; VQA-RAD's
training pictures bring their questions with answers. The heads are thrown away: what stays is a reader whose channels
hold these facts in plain sight, so that the language model, whose training costs so much more, need not find them.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from medvlm import datasets
from medvlm.tower import EfficientNetTower
from medvlm.types import Sample
from train.nano import mixtures
from train.nano.distil import pixels
from train.nano.shards import Shard, Spot

PLANES = re.compile(r"\b(axial|coronal|sagittal|pa|ap|lateral)\b")
GRID = 8
LEAST_RADIUS = 0.07  # a finding smaller than a token still lies in one
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """(N, 64, 768) raw features of N pictures, with what is known of each."""

    features: Tensor
    facts: list[dict[str, str]]
    spots: list[list[Spot]]
    asked: list[list[Pair]]

    def __len__(self) -> int:
        return len(self.facts)


def phantoms(shards: Sequence[Shard]) -> Seen:
    known = [one for shard in shards for one in shard.facts]
    spots = [one for shard in shards for one in shard.spots]
    return Seen(torch.cat([s.features for s in shards]), known, spots, [[] for _ in known])


def real_facts(samples: Sequence[Sample]) -> dict[str, dict[str, str]]:
    """VQA-RAD picture -> its modality and plane, as far as its training questions settle them."""
    found: dict[str, dict[str, str]] = {}
    for sample in samples:
        facts = found.setdefault(sample.image, {})
        modality = datasets.modality_named(sample.question, sample.reference)
        if modality is not None:
            facts["domain"] = modality
        planes = set(PLANES.findall(sample.reference.lower()))
        if "plane" in sample.question.lower() and len(planes) == 1:
            facts["real: plane"] = planes.pop()
    return found


def real(tower: EfficientNetTower, samples: Sequence[Sample], variants: int, cache: Path, every: int = 1) -> Seen:
    """Every (n-th) real training picture in several crops and lights, with its questions (answers in lower case)."""
    asked: dict[str, list[Pair]] = {}
    for sample in samples:
        asked.setdefault(sample.image, []).append((sample.question, sample.reference.lower()))
    facts = real_facts(samples)
    named: list[tuple[str, dict[str, str], list[Pair]]] = []
    named += [(f"vqa_rad:{name}", facts[name], pairs) for name, pairs in sorted(asked.items())]
    named += [(f"bccd:{name}", {"domain": "smear"}, []) for name in sorted(datasets.bccd_counts())[::2]]
    named += [(f"dsb2018_histology:{name}", {"domain": "histology"}, []) for name in sorted(datasets.nuclei_counts())]
    rows = [(f"{name}:{v}", known, pairs) for name, known, pairs in named[::every] for v in range(variants)]
    if not cache.is_file():
        part = cache.with_suffix(".part")
        save_file({"features": raw_features(tower, [name for name, *_ in rows])}, part)
        part.replace(cache)
    features = load_file(cache)["features"]
    return Seen(features, [r[1] for r in rows], [[] for _ in rows], [r[2] for r in rows])


@torch.no_grad()
def raw_features(tower: EfficientNetTower, names: list[str]) -> Tensor:
    """(N, 64, 768) float16."""

    def loaded(name: str) -> Image.Image:
        image = mixtures.load(name)
        image.thumbnail((512, 512))
        return image

    parts = []
    for start in range(0, len(names), 16):
        parts.append(tower.features(torch.stack([pixels(loaded(n)) for n in names[start : start + 16]])).half())
    return torch.cat(parts)


class Heads(nn.Module):
    """What is asked of the reader's tokens while it learns: facts of the picture, spots, and questions in words."""

    def __init__(self, width: int, seen: Sequence[Seen]) -> None:
        super().__init__()
        pairs = sorted({item for part in seen for facts in part.facts for item in facts.items()})
        self.values: dict[str, list[str]] = {}
        for fact, value in pairs:
            self.values.setdefault(fact, []).append(value)
        self.first = dict(zip(self.values, starts([len(v) for v in self.values.values()]), strict=True))
        self.spot_names = sorted({spot[0] for part in seen for spots in part.spots for spot in spots})
        said = [pair for part in seen for asked in part.asked for pair in asked]
        self.words = {w: i for i, w in enumerate(sorted({w for q, _ in said for w in words(q)}), start=1)}
        self.answers = {a: i for i, a in enumerate(sorted({a for _, a in said}))}
        self.facts = nn.Linear(2 * width, len(pairs))
        self.spots = nn.Linear(width, len(self.spot_names))
        self.bag = nn.EmbeddingBag(len(self.words) + 1, width, mode="mean")
        self.look = nn.Linear(width, width)
        self.answer = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Dropout(0.3))
        self.say = nn.Linear(width, max(1, len(self.answers)))

    def fact_logits(self, tokens: Tensor) -> Tensor:
        return self.facts(torch.cat([tokens.mean(1), tokens.amax(1)], -1))  # type: ignore[no-any-return]

    def fact_loss(self, tokens: Tensor, known: list[dict[str, str]]) -> Tensor:
        """Mean cross entropy over every fact that is known of a picture."""
        logits, losses = self.fact_logits(tokens), []
        by_fact: dict[str, list[tuple[int, int]]] = {}
        for row, facts in enumerate(known):
            for fact, value in facts.items():
                by_fact.setdefault(fact, []).append((row, self.values[fact].index(value)))
        for fact, pairs in by_fact.items():
            rows, targets = zip(*pairs, strict=True)
            part = logits[list(rows), self.first[fact] : self.first[fact] + len(self.values[fact])]
            losses.append(F.cross_entropy(part, torch.tensor(targets), reduction="none"))
        return torch.cat(losses).mean()

    def spot_loss(self, tokens: Tensor, spots: list[list[Spot]]) -> Tensor:
        """Which findings lie in which token; only findings of the pictures' own kind count."""
        target = torch.zeros(*tokens.shape[:2], len(self.spot_names))
        for row, placed in enumerate(spots):
            for name, r, c, radius in placed:
                target[row, inside(r, c, radius), self.spot_names.index(name)] = 1
        loss = F.binary_cross_entropy_with_logits(self.spots(tokens), target, reduction="none")
        return (loss * torch.where(target > 0, 5.0, 1.0)).sum(-1).mean()

    def asked_loss(self, tokens: Tensor, asked: list[list[Pair]]) -> Tensor:
        """Cross entropy of the answers to questions in words."""
        rows = [row for row, pairs in enumerate(asked) for _ in pairs]
        pairs = [pair for one in asked for pair in one]
        answers = torch.tensor([self.answers[a] for _, a in pairs])
        return F.cross_entropy(self.asked_logits(tokens[rows], [q for q, _ in pairs]), answers)

    def asked_logits(self, tokens: Tensor, questions: list[str]) -> Tensor:
        bags = [[self.words.get(w, 0) for w in words(q)] or [0] for q in questions]
        offsets = torch.tensor(starts([len(b) for b in bags]))
        query = self.bag(torch.tensor([i for b in bags for i in b]), offsets)
        weights = (tokens @ self.look(query)[..., None] * tokens.shape[-1] ** -0.5).softmax(1)
        looked = (weights * tokens).sum(1)
        return self.say(self.answer(torch.cat([looked, query], -1)))  # type: ignore[no-any-return]


def starts(lengths: list[int]) -> list[int]:
    """Where each of so many stretches begins."""
    return [sum(lengths[:i]) for i in range(len(lengths))]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def inside(row: float, column: float, radius: float) -> Tensor:
    """(64,) bool: tokens whose centre lies in the spot, and the token that holds its centre."""
    at = (torch.arange(GRID) + 0.5) / GRID
    near = (at[:, None] - row) ** 2 + (at[None] - column) ** 2 <= max(radius, LEAST_RADIUS) ** 2
    near[min(int(row * GRID), GRID - 1), min(int(column * GRID), GRID - 1)] = True
    return near.flatten()


def batches(count: int, size: int, rng: random.Random) -> Iterator[list[int]]:
    """Endless batches, every picture once a round (but for those left over at its end)."""
    size = min(size, count)
    while True:
        order = rng.sample(range(count), count)
        yield from (order[i : i + size] for i in range(0, count - size + 1, size))


def teach(
    tower: EfficientNetTower,
    drawn: Seen,
    found: Seen,
    steps: int,
    log: Path,
    rate: float = 1e-3,
    together: tuple[int, int] = (48, 16),
) -> Heads:
    """Train the tower's reader in place on so many phantoms and real pictures a step; `log` is written anew.

    Returns the heads, for whoever wants to measure with them.
    """
    torch.manual_seed(0)
    heads = Heads(tower.config.reader_width, (drawn, found))
    parameters = [*tower.reader.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.1)
    rng = random.Random(0)
    log.write_text("")
    of_drawn, of_found = batches(len(drawn), together[0], rng), batches(len(found), together[1], rng)
    for step in range(steps):
        loss = step_loss(tower, heads, drawn, found, next(of_drawn), next(of_found))
        optimizer.zero_grad()
        torch.stack(loss).sum().backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0 or step == steps - 1:
            line = {"step": step + 1, "of": steps, "loss": sum(part.item() for part in loss)}
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
    return heads


def step_loss(
    tower: EfficientNetTower, heads: Heads, drawn: Seen, found: Seen, rows: list[int], others: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    features = torch.cat([drawn.features[rows], found.features[others]]).float()
    tokens = tower.reader(F.dropout(tower.placed(features, GRID, GRID), 0.1))
    known = [drawn.facts[r] for r in rows] + [found.facts[r] for r in others]
    return (
        heads.fact_loss(tokens, known),
        heads.spot_loss(tokens[: len(rows)], [drawn.spots[r] for r in rows]),
        0.3 * heads.asked_loss(tokens[len(rows) :], [found.asked[r] for r in others]),
    )


@torch.no_grad()
def right(tower: EfficientNetTower, heads: Heads, seen: Seen) -> Counter[tuple[str, str, bool]]:
    """(fact, value, whether it was told) -> how often, on other pictures; a value new to the heads is never told."""
    counts: Counter[tuple[str, str, bool]] = Counter()
    for start in range(0, len(seen), 64):
        features = seen.features[start : start + 64].float()
        logits = heads.fact_logits(tower.reader(tower.placed(features, GRID, GRID)))
        for row, facts in zip(logits, seen.facts[start : start + 64], strict=True):
            for fact, value in facts.items():
                values = heads.values.get(fact, [])
                said = values[int(row[heads.first[fact] :][: len(values)].argmax())] if values else None
                counts[fact, value, said == value] += 1
    return counts


def by_kind(counts: Counter[tuple[str, str, bool]], commonest: dict[str, str]) -> dict[str, tuple[int, int, int]]:
    """Kind of fact -> (right, right by always saying training's commonest value, asked), over all domains.

    Presence is counted once more by truth: most findings are absent from most pictures.
    """
    kinds: dict[str, tuple[int, int, int]] = {}
    for (fact, value, told), times in counts.items():
        kind = fact.split(": ")[-1].split(" of ")[0].split(" ")[0]
        for name in (kind, f"presence, {value}") if kind == "presence" else (kind,):
            hits, blind, asked = kinds.get(name, (0, 0, 0))
            kinds[name] = hits + told * times, blind + (commonest.get(fact) == value) * times, asked + times
    return dict(sorted(kinds.items()))


def commonest(seen: Seen) -> dict[str, str]:
    """Fact -> the value that most pictures have."""
    values: dict[str, Counter[str]] = {}
    for facts in seen.facts:
        for fact, value in facts.items():
            values.setdefault(fact, Counter())[value] += 1
    return {fact: found.most_common(1)[0][0] for fact, found in values.items()}
