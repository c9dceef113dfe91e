"""Teach the tower to tell: a few tokens behind each picture's own, each of which holds one fact of the whole picture.

What is asked of every picture is fixed (`ASKED`): its kind, plane, region and the like, then for each of two findings
its name, number, size, side and place. Phantoms know all the answers; VQA-RAD's training questions give some of them.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from medvlm.phantoms.balance import CLEAR_OF_MIDDLE
from medvlm.tower import EfficientNetTower
from train.nano.reader import GRID, Pair, Seen, batches
from train.nano.shards import Spot
from train.nano.words import ToldTokens

OF_PICTURE = ("kind", "plane", "region", "organ", "technique", "normal")
OF_FINDING = ("name", "number", "size", "side", "place", "half", "flank")
ASKED = (*OF_PICTURE, *(f"{attribute} {rank}" for rank in (1, 2) for attribute in OF_FINDING))
NOTHING = "none"
SMALL, LARGE = 0.06, 0.12  # radius as a fraction of the picture
KINDS = {"cxr": "X-ray", "ct": "CT", "mri": "MRI", "gross": "photograph", "smear": "blood"}
INSTEAD = ("magnification", "background")  # what stands for the plane in kinds of picture that have none
# Words of VQA-RAD's questions that name a finding, in the singular.
FINDINGS = re.compile(
    r"\b(abscess|an?eurysm|atelectasis|appendicitis|atrophy|calcification|cardiomegaly|consolidation|cyst|"
    r"diverticulitis|edema|effusion|emphysema|fracture|gallstone|hematoma|hemorrhage|bleed|hernia|herniation|"
    r"hydrocephalus|infarct|infiltrate|ischemia|lesion|lymphadenopathy|mass|metastas[ei]s|nodule|obstruction|opacity|"
    r"pneumonia|pneumothorax|pneumoperitoneum|stone|stroke|stranding|tumor|plaque|scoliosis|tube|pacemaker|ascites|"
    r"midline shift|mass effect|free air|fibrosis|thickening)(?:s|es)?\b"
)
REGIONS = {
    "chest": re.compile(r"\b(chest|lungs?|heart|cardiac|rib|ribs|pulmonary|pleural|costophrenic|diaphragm|trachea)\b"),
    "head": re.compile(
        r"\b(brain|head|skull|ventricles?|cerebellum|cerebral|sulci|gyri|hemisphere|frontal|temporal)\b"
    ),
    "abdomen": re.compile(r"\b(abdomen|liver|kidneys?|spleen|bowel|colon|pancreas|stomach|gallbladder|appendix)\b"),
}
Told = dict[str, str]


def of_phantom(facts: Mapping[str, str], spots: Sequence[Spot]) -> Told:
    """The answers for a phantom; what it has nothing of is "none", so that every question has an answer."""
    domain = facts["domain"]
    own = {name.split(": ")[1]: value for name, value in facts.items() if ": " in name}
    told = dict.fromkeys(ASKED, NOTHING) | {"kind": KINDS.get(domain, domain)}
    told |= {name: own[name] for name in ("plane", "region", "organ", "technique") if name in own}
    told["plane"] = next((own[name] for name in INSTEAD if name in own), told["plane"])
    told["normal"] = "normal" if own["normal"] == "yes" else "abnormal"
    names = sorted(key.removeprefix("presence of ") for key, v in own.items() if "presence of " in key and v == "yes")
    for rank, name in enumerate(names[:2], start=1):
        told |= {f"{key} {rank}": value for key, value in of_finding(name, own, spots, domain).items()}
    return told


def of_finding(name: str, own: Mapping[str, str], spots: Sequence[Spot], domain: str) -> Told:
    found = {"name": name, "number": "several" if own.get(f"several {name}", "yes") == "yes" else "one"}
    found |= {key: own[f"{key} of {name}"] for key in ("side", "place") if f"{key} of {name}" in own}
    placed = [spot for spot in spots if spot[0] == f"{domain} {name}"]
    if len(placed) != 1:
        return found
    _, row, column, radius = placed[0]
    found["size"] = "small" if radius < SMALL else "large" if radius > LARGE else "medium"
    if abs(row - 0.5) >= CLEAR_OF_MIDDLE:
        found["half"] = "upper" if row < 0.5 else "lower"
    if abs(column - 0.5) >= CLEAR_OF_MIDDLE:
        found["flank"] = "left" if column < 0.5 else "right"
    return found


def named(facts: Mapping[str, str]) -> Told:
    """Modality and plane, as train/nano/reader.py found them."""
    told = {"kind": KINDS.get(facts["domain"], facts["domain"])} if "domain" in facts else {}
    plane = facts.get("real: plane")
    return told | ({"plane": plane.upper() if plane in ("pa", "ap") else plane} if plane else {})


def settled(asked: Sequence[Pair]) -> Told:
    """Region, up to two findings and their side, from what questions with (lower-case) answers affirm of a picture."""
    everything = " ".join(f"{question} {answer}" for question, answer in asked).lower()
    counted = {region: len(words.findall(everything)) for region, words in REGIONS.items()}
    told = {"region": max(counted, key=lambda r: counted[r])} if any(counted.values()) else {}
    said = [(question if answer == "yes" else answer).lower() for question, answer in asked]
    names = sorted({name for text in said if " no " not in text for name in FINDINGS.findall(text)})
    told |= {f"name {rank}": name for rank, name in enumerate(names[:2], start=1)}
    sides = {side for _, answer in asked for side in ("left", "right") if side in answer.split()}
    if names and len(sides) == 1:
        told["side 1"] = sides.pop()
    return told


def of_phantoms(seen: Seen) -> list[Told]:
    return [of_phantom(facts, spots) for facts, spots in zip(seen.facts, seen.spots, strict=True)]


def of_pictures(seen: Seen) -> list[Told]:
    """What is known of real pictures: by their facts, and by the questions that were asked of them."""
    return [settled(asked) | named(facts) for asked, facts in zip(seen.asked, seen.facts, strict=True)]


@dataclass(frozen=True, slots=True)
class Lesson:
    """(N, 64, width) float16 tokens of the reader, and (N, told) answers as places in `phrases`, -1 where unknown."""

    read: Tensor
    wanted: Tensor
    phrases: tuple[str, ...]


@torch.no_grad()
def lesson(tower: EfficientNetTower, features: Tensor, told: Sequence[Told], phrases: Sequence[str]) -> Lesson:
    read = [tower.reader(tower.placed(part.float(), GRID, GRID)).half() for part in features.split(64)]
    place = {phrase: i for i, phrase in enumerate(phrases)}
    wanted = torch.tensor([[place.get(one.get(name, ""), -1) for name in ASKED] for one in told])
    return Lesson(torch.cat(read), wanted, tuple(phrases))


def phrases_of(told: Sequence[Told]) -> list[str]:
    return sorted({value for one in told for value in one.values()})


def teach(
    tower: EfficientNetTower,
    drawn: Lesson,
    found: Lesson,
    steps: int,
    log: Path,
    rate: float = 1e-3,
    together: tuple[int, int] = (48, 16),
) -> nn.Linear:
    """Train the tower's teller in place, so many phantoms and real pictures a step; returns its head over phrases."""
    torch.manual_seed(0)
    head = nn.Linear(tower.config.reader_width, len(drawn.phrases))
    parameters = [*tower.teller.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, max(2, steps), pct_start=0.1)
    rng = random.Random(0)
    rows, others = batches(len(drawn.read), together[0], rng), batches(len(found.read), together[1], rng)
    log.write_text("")
    for step in range(steps):
        loss = step_loss(tower, head, drawn, found, next(rows), next(others))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0 or step == steps - 1:
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step + 1, "of": steps, "loss": loss.item()}) + "\n")
    return head


def step_loss(
    tower: EfficientNetTower, head: nn.Linear, drawn: Lesson, found: Lesson, rows: list[int], others: list[int]
) -> Tensor:
    """Mean cross entropy over all answers that are known."""
    read = F.dropout(torch.cat([drawn.read[rows], found.read[others]]).float(), 0.1)
    wanted = torch.cat([drawn.wanted[rows], found.wanted[others]])
    return F.cross_entropy(head(tower.teller(read)).flatten(0, 1), wanted.flatten(), ignore_index=-1)


@torch.no_grad()
def right(tower: EfficientNetTower, head: nn.Linear, seen: Lesson) -> dict[str, tuple[int, int, int]]:
    """What is asked -> (right, right by always giving the commonest answer of these pictures, asked)."""
    said = torch.cat([head(tower.teller(part.float())).argmax(-1) for part in seen.read.split(64)])
    counts = {}
    for i, name in enumerate(ASKED):
        known = seen.wanted[:, i] >= 0
        wanted = seen.wanted[known, i]
        if len(wanted):
            counts[name] = int((said[known, i] == wanted).sum()), int(wanted.bincount().max()), len(wanted)
    return counts


@torch.no_grad()
def keep(tower: EfficientNetTower, lessons: Sequence[Lesson], path: Path) -> None:
    """Write what the teller tells of these pictures, for the projector to learn as words (`kept`)."""
    told = [tower.teller(part.float()).half() for one in lessons for part in one.read.split(64)]
    tensors = {"tokens": torch.cat(told), "wanted": torch.cat([one.wanted for one in lessons])}
    part = path.with_suffix(".part")
    save_file(tensors, part, metadata={"phrases": json.dumps(lessons[0].phrases)})
    part.replace(path)


def kept(path: Path) -> ToldTokens:
    with safe_open(path, "pt") as opened:
        phrases = json.loads(opened.metadata()["phrases"])
        return ToldTokens(opened.get_tensor("tokens"), opened.get_tensor("wanted"), tuple(phrases))
