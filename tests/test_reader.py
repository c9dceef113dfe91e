"""The tower's reader is taught what pictures are known to show."""

import json
import random
from itertools import islice
from pathlib import Path

import pytest
import torch

from medvlm import datasets
from medvlm.phantoms import draw
from medvlm.tower import EfficientNetTower, EfficientNetTowerConfig
from medvlm.types import Sample
from train.nano import reader, shards

needs_data = pytest.mark.skipif(
    not datasets.data_home().is_dir(), reason=f"{datasets.data_home()} is not there: real training pictures"
)


def seen(count: int, asked: bool = False) -> reader.Seen:
    """Pictures whose first feature says what they show, where it says so, and which answer is due."""
    generator = torch.Generator().manual_seed(count)
    features = 0.3 * torch.randn(count, 64, 768, generator=generator).half()
    facts, spots, pairs = [], [], []
    for i in range(count):
        present = i % 2 == 1
        features[i, 9, 0] += 8.0 * present
        facts.append({"ct: presence of mass": "yes" if present else "no"})
        spots.append([("ct mass", 0.19, 0.19, 0.05)] if present else [])
        pairs.append([("Is there a mass?", "yes" if present else "no")] if asked else [])
    return reader.Seen(features, facts, spots, pairs)


def test_the_reader_learns_facts_spots_and_answers_and_knows_them_in_other_pictures(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tower = EfficientNetTower(EfficientNetTowerConfig(reader_width=32, reader_layers=1, reader_heads=2))
    convolutions = {n: p.clone() for n, p in tower.stages.state_dict().items()}
    log = tmp_path / "log.jsonl"
    heads = reader.teach(tower, seen(96), seen(32, asked=True), 150, log, rate=3e-3, together=(12, 8)).eval()
    losses = [json.loads(line)["loss"] for line in log.read_text().splitlines()]
    assert losses[-1] < losses[0] / 3
    others = seen(30, asked=True)
    kinds = reader.by_kind(reader.right(tower, heads, others), {"ct: presence of mass": "no"})
    right, blind, asked = kinds["presence"]
    assert (blind, asked) == (15, 30) and right >= 27
    assert kinds["presence, no"][1:] == (15, 15) and kinds["presence, yes"][1:] == (0, 15)
    tokens = tower.reader(tower.placed(others.features.float(), 8, 8))
    assert heads.spots(tokens)[1, :, 0].argmax().item() == 9, "row 1, column 1 of eight by eight"
    answers = heads.asked_logits(tokens[:2], ["Is there a mass?"] * 2).argmax(-1).tolist()
    assert answers == [heads.answers["no"], heads.answers["yes"]]
    assert all(torch.equal(convolutions[n], p) for n, p in tower.stages.state_dict().items()), "they are frozen"


def test_a_spot_covers_the_tokens_within_its_radius_and_always_its_own() -> None:
    assert reader.inside(0.19, 0.19, 0.0).nonzero().flatten().tolist() == [9]
    assert reader.inside(0.5, 0.5, 0.1).nonzero().flatten().tolist() == [27, 28, 35, 36]


def test_the_commonest_value_is_what_one_says_without_looking() -> None:
    facts = [{"ct: plane": "axial"}, {"ct: plane": "axial"}, {"ct: plane": "coronal"}]
    assert reader.commonest(reader.Seen(torch.zeros(3, 64, 768), facts, [[]] * 3, [[]] * 3)) == {"ct: plane": "axial"}


def test_every_picture_comes_once_a_round() -> None:
    assert sorted(i for batch in islice(reader.batches(6, 3, random.Random(0)), 2) for i in batch) == list(range(6))
    assert next(reader.batches(2, 48, random.Random(0))), "fewer pictures than a batch holds"


def test_facts_say_what_is_there_and_what_is_not() -> None:
    truth = next(t for t in (draw("cxr", seed).truth for seed in range(40)) if len(t.findings) == 1)
    facts = shards.facts(truth)
    assert facts["domain"] == "cxr" and facts["cxr: normal"] == "no"
    said = {name: facts[f"cxr: presence of {name}"] for name in truth.possible}
    assert [name for name, value in said.items() if value == "yes"] == [truth.findings[0].name]
    assert shards.spots(truth)[0][0] == f"cxr {truth.findings[0].name}"


def sample(image: str, question: str, answer: str) -> Sample:
    return Sample(question, image, question, answer, "other", "other", "vqa_rad", "train", False)


def test_real_pictures_have_the_facts_that_their_questions_settle() -> None:
    told = [sample("a.jpg", "What modality is this?", "CT"), sample("a.jpg", "What plane is this?", "Axial")]
    facts = reader.real_facts([*told, sample("b.jpg", "Is the heart large?", "yes")])
    assert facts == {"a.jpg": {"domain": "ct", "real: plane": "axial"}, "b.jpg": {}}


@needs_data
def test_the_reader_never_sees_a_picture_that_is_kept_back() -> None:
    from train.nano import mixtures

    samples = mixtures.vqa_rad_samples(datasets.held_out_pictures())
    assert len(samples) > 2000
    assert not {s.image for s in samples} & datasets.held_out_pictures()
