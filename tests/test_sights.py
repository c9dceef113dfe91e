"""Kept features are the tower's own, bit for bit; they appear whole, are shared, and cost no more than they may."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from medvlm.families import FAMILIES, Seen
from tests import dry_runs, tiny_models
from tests.tiny_models import FamilyName
from train import material, recipe, running, sights
from train.batches import Collator
from train.examples import mixture
from train.nano.learner import Learner
from train.parts import Learned, prepare
from train.recipe import Recipe
from train.sights import ENCODED, Features, Sights
from train.tokens import Encoder


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return dry_runs.data(tmp_path_factory.mktemp("data"), rows=5)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_model(tmp_path_factory.mktemp("base"), "llava", spread=0.1)


def align(base: Path, address: str, **learning: Any) -> Recipe:
    """Nothing but the projector learns, in fp32; two epochs."""
    one = dry_runs.tiny(replace(recipe.read("seed003-align"), name="align"), base, address, **learning)
    return replace(one, machine=replace(one.machine, precision="fp32", checkpointing=False))


def gradient(learned: Learned, one: Recipe, kept: Features | None) -> tuple[list[set[str]], list[torch.Tensor]]:
    """What each picture of a batch came with, and loss and gradients of that batch."""
    encoder = Encoder(learned.inner, learned.processor, learned.family, dry_runs.LONGEST)
    seen = Sights(encoder.see, material.picture, kept)
    rows = [encoder.row(d, seen.seen(d.picture))[0] for d in mixture(one.data, 0).dialogues[:2] if d.picture]
    config = learned.inner.config
    collator = Collator(0, seen.inputs, lambda *looks: learned.family.packed(config, *looks), False)
    learner = Learner(learned, False, seen).train()
    learner.zero_grad()
    batch = collator([(row,) for row in rows], 9)
    loss = learner(batch)
    loss.backward()
    return [set(inputs) for inputs in batch["pictures"]], [
        loss.detach(), *(p.grad.clone() for p in learner.parameters() if p.grad is not None)
    ]  # fmt: skip


@pytest.mark.parametrize("family", list(FAMILIES))
def test_what_is_kept_gives_the_loss_and_gradients_of_the_live_tower_bit_for_bit(
    family: FamilyName, address: str, tmp_path: Path
) -> None:
    base = tiny_models.write_model(tmp_path / "base", family, spread=0.1)
    one = align(base, address)
    learned = prepare(one, base, None)
    kept = sights.features_of(one, learned, tmp_path, print)
    assert kept is not None
    _, live = gradient(learned, one, None)
    first_came, first = gradient(learned, one, kept)
    came, again = gradient(learned, one, kept)
    assert all("pixel_values" in names for names in first_came)
    assert all(ENCODED in names and "pixel_values" not in names for names in came)
    assert len(live) > 1 and len(live) == len(first) == len(again)
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(live, first, again, strict=True))


def test_runs_that_keep_share_or_have_no_room_end_with_the_weights_of_one_without(
    base: Path, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = align(base, address, epochs=2.0, steps=None)
    room = {"plain": 0.0, "kept": 1.0, "again": 1.0, "tight": 0.0}
    made = {}
    for name, runs in (("plain", "a"), ("kept", "b"), ("again", "b"), ("tight", "c")):
        if name == "tight":
            kept = [file.stat().st_size for file in (tmp_path / "b" / "features").rglob("*.safetensors")]
            assert len(kept) == 3, "one for each training picture"
            room[name] = sum(kept) * 0.5e-9
        keeping = replace(one.keeping, features_gb=room[name])
        folder = running.run_one(replace(one, name=name, keeping=keeping), tmp_path / runs, quiet=True)
        made[name] = load_file(folder / "adapter_model.safetensors")
    assert all(torch.equal(made["plain"][n], made[other][n]) for other in made for n in made["plain"])
    assert not (tmp_path / "a" / "features").exists() and list(tmp_path.rglob("*.part")) == []
    assert capsys.readouterr().out.count("keeping.features_gb") == 1, "said once, by the one without room"
    assert 1 <= len(list((tmp_path / "c" / "features").rglob("*.safetensors"))) < 3


def test_other_weights_settings_or_pictures_are_other_features(base: Path, address: str, tmp_path: Path) -> None:
    learned = prepare(align(base, address), base, None)
    names = [sights.identity(learned, "fp32"), sights.identity(learned, "bf16")]
    with torch.no_grad():
        projector = learned.family.part(learned.inner, learned.family.projector)
        next(iter(projector.parameters())).add_(1)
    assert sights.identity(learned, "fp32") == names[0], "the projector may learn"
    learned.processor.image_processor.crop_size = {"height": 16, "width": 16}
    names.append(sights.identity(learned, "fp32"))
    with torch.no_grad():
        next(iter(sights.tower_of(learned).values())).add_(1e-3)
    names.append(sights.identity(learned, "fp32"))
    assert len(set(names)) == 4
    pictures = [material.picture(d.picture) for d in mixture(align(base, address).data, 0).dialogues if d.picture]
    assert len({sights.key_of(image) for image in pictures}) == len(pictures)


def test_a_qwen_projector_inside_its_tower_is_no_part_of_what_the_features_rest_on(
    address: str, tmp_path: Path
) -> None:
    base = tiny_models.write_model(tmp_path, "qwen2_5_vl", spread=0.1)
    learned = prepare(align(base, address), base, None)
    assert sights.tower_of(learned) and not any("merger" in name for name in sights.tower_of(learned))


def test_a_file_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    features, encoded = Features(tmp_path, "x", 1e6, print), torch.randn(4, 3).bfloat16()
    inputs = {"pixel_values": torch.ones(1), "pixel_attention_mask": torch.ones(1, 2, 2, dtype=torch.long)}
    seen = Seen(inputs, "<image>")
    features.write("ab12", encoded, seen)
    found = features.read("ab12")
    assert found is not None and torch.equal(found[0], encoded) and found[0].dtype == torch.bfloat16
    assert found[1].text == "<image>" and list(found[1].inputs) == ["pixel_attention_mask"]
    assert found[1].inputs["pixel_attention_mask"].dtype == torch.long
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:40])
    assert features.read("ab12") is None
    features.write("ab12", encoded, seen)
    assert features.read("ab12") is not None, "and written whole"


def test_two_processes_fill_one_folder_together(tmp_path: Path) -> None:
    said = Seen({}, json.dumps("text"))
    children = []
    for number in range(2):
        child = os.fork()
        if child == 0:
            features = Features(tmp_path, "x", 1e7, lambda _: None)
            for key in range(40):
                features.write(f"{key:064x}", torch.full((64, 8), float(key)), said)
            os._exit(0 if not features.full and number < 2 else 1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    features = Features(tmp_path, "x", 1e7, print)
    for key in range(40):
        found = features.read(f"{key:064x}")
        assert found is not None and bool((found[0] == key).all())
    assert list(tmp_path.rglob("*.part")) == []
