"""The tower's teller is taught to answer the same short questions about every picture, and its answers become words."""

import json
from pathlib import Path

import torch
from torch import nn

from medvlm.phantoms import draw
from medvlm.tower import EfficientNetTower, EfficientNetTowerConfig
from train.nano import reader, shards, telling
from train.nano.telling import ASKED


def tower() -> EfficientNetTower:
    torch.manual_seed(0)
    sizes = EfficientNetTowerConfig(reader_width=32, reader_layers=1, reader_heads=2, told=len(ASKED), teller_layers=1)
    return EfficientNetTower(sizes)


def lesson(count: int) -> telling.Lesson:
    """What the reader saw of pictures that show a mass or nothing; the side of every third is not known."""
    generator = torch.Generator().manual_seed(count)
    read, phrases = 0.3 * torch.randn(count, 64, 32, generator=generator), ("left", "mass", "none", "right")
    wanted = torch.full((count, len(ASKED)), 2)
    for i in range(count):
        if i % 2:
            read[i, 9:17, 0] += 4.0
            read[i, 9:17, 1] += 4.0 if i % 4 == 1 else -4.0
            wanted[i, ASKED.index("name 1")] = 1
            wanted[i, ASKED.index("side 1")] = -1 if i % 3 == 0 else 0 if i % 4 == 1 else 3
    return telling.Lesson(read.half(), wanted, phrases)


def test_each_told_token_learns_its_own_question_and_says_so_of_other_pictures(tmp_path: Path) -> None:
    model = tower()
    frozen = {name: value.clone() for name, value in model.reader.state_dict().items()}
    head = telling.teach(model, lesson(96), lesson(32), 200, tmp_path / "log.jsonl", 3e-3, (12, 4))
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0] / 3
    told = telling.right(model, head, lesson(48))
    assert told["name 1"][0] >= 46 and told["name 1"][1:] == (24, 48)
    right, blind, asked = told["side 1"]
    assert (blind, asked) == (24, 40), "sides that are not known are not counted"
    assert right >= 36
    assert all(torch.equal(frozen[name], value) for name, value in model.reader.state_dict().items()), "it is frozen"


def test_what_is_told_is_kept_whole_with_its_phrases(tmp_path: Path) -> None:
    model, lessons = tower(), (lesson(70), lesson(20))
    telling.keep(model, lessons, tmp_path / "told.safetensors")
    kept = telling.kept(tmp_path / "told.safetensors")
    assert kept.phrases == lessons[0].phrases
    assert kept.tokens.shape == (90, len(ASKED), 32)
    assert torch.equal(kept.wanted, torch.cat([one.wanted for one in lessons]))
    torch.testing.assert_close(kept.tokens[70:], model.teller(lessons[1].read.float()).half())


def test_a_phantom_answers_every_question_and_says_none_where_there_is_nothing() -> None:
    facts = {
        "domain": "ct", "ct: plane": "axial", "ct: region": "head", "ct: organ": "brain", "ct: normal": "no",
        "ct: technique": "with contrast", "ct: presence of mass": "yes", "ct: presence of bleed": "no",
        "ct: side of mass": "left", "ct: place of mass": "frontal lobe", "ct: several mass": "no",
    }  # fmt: skip
    told = telling.of_phantom(facts, [("ct mass", 0.3, 0.7, 0.05)])
    assert set(told) == set(ASKED)
    assert [told[name] for name in telling.OF_PICTURE] == ["CT", "axial", "head", "brain", "with contrast", "abnormal"]
    first = [told[f"{name} 1"] for name in telling.OF_FINDING]
    assert first == ["mass", "one", "small", "left", "frontal lobe", "upper", "right"]
    assert {told[f"{name} 2"] for name in telling.OF_FINDING} == {"none"}


def test_what_lies_near_the_middle_or_in_several_spots_has_no_half() -> None:
    facts = {"domain": "ct", "ct: normal": "no", "ct: presence of nodule": "yes"}
    middle = telling.of_phantom(facts, [("ct nodule", 0.52, 0.5, 0.2)])
    assert (middle["half 1"], middle["flank 1"], middle["size 1"]) == ("none", "none", "large")
    several = telling.of_phantom(facts, [("ct nodule", 0.2, 0.2, 0.02), ("ct nodule", 0.8, 0.8, 0.02)])
    assert (several["half 1"], several["size 1"], several["number 1"]) == ("none", "none", "several")


def test_every_domain_of_phantoms_tells_its_kind_and_its_findings() -> None:
    for domain in ("cxr", "ct", "mri", "histology", "gross"):
        truth = next(t for t in (draw(domain, seed).truth for seed in range(40)) if t.findings)
        told = telling.of_phantom(shards.facts(truth), shards.spots(truth))
        assert told["kind"] == telling.KINDS.get(domain, domain)
        names = sorted({finding.name for finding in truth.findings})[:2]
        assert [told["name 1"], told["name 2"]][: len(names)] == names


def test_real_pictures_tell_what_their_questions_affirm_and_nothing_else() -> None:
    asked = [
        ("Is there a pleural effusion?", "yes"),
        ("Is there a pneumothorax?", "no"),
        ("Where is the effusion?", "left lung base"),
        ("What abnormality is seen in the chest?", "masses"),
    ]
    facts = {"domain": "cxr", "real: plane": "pa"}
    seen = reader.Seen(torch.zeros(2, 64, 768), [facts, {"domain": "smear"}], [[], []], [asked, []])
    full, bare = telling.of_pictures(seen)
    assert full == {
        "region": "chest", "name 1": "effusion", "name 2": "mass", "side 1": "left", "kind": "X-ray", "plane": "PA",
    }  # fmt: skip
    assert bare == {"kind": "blood"}


def test_a_phrase_new_to_the_lesson_is_not_known_rather_than_wrong() -> None:
    model = tower()
    one = telling.lesson(model, torch.zeros(1, 64, 768), [{"kind": "CT", "plane": "oblique"}], ["CT", "axial"])
    assert one.read.shape == (1, 64, 32)
    assert one.wanted[0, :3].tolist() == [0, -1, -1]


def test_told_tokens_stand_behind_the_pictures_own_with_nothing_in_the_convolutions_place() -> None:
    model = tower().eval()
    nn.init.normal_(model.feature_mean)
    with torch.inference_mode():
        tokens = model(torch.rand(1, 3, 256, 256)).last_hidden_state
    assert tokens.shape == (1, 64 + len(ASKED), 832)
    assert not tokens[:, 64:, :800].any() and tokens[:, 64:, 800:].any()
    torch.testing.assert_close(tokens[:, 64:, 800:], model.teller(tokens[:, :64, 800:]))
