"""Another tower or decoder in a LLaVA-type model: put together once, with a fresh projector that stage align trains."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import LlamaConfig, LlamaForCausalLM, SiglipImageProcessorPil, SiglipVisionConfig, SiglipVisionModel

from medvlm.engine.loading import load_base
from medvlm.errors import CheckpointError, ConfigError
from tests import dry_runs, tiny_models
from train import recipe, running
from train.exchange import exchanged
from train.recipe import Model

CPU = torch.device("cpu")


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """A LLaVA of 16 patches, a SigLIP tower of 9, and a decoder of another width with its tokenizer."""
    monkeypatch.setenv("MEDVLM_HOME", str(tmp_path / "home"))
    base = tiny_models.write_model(tmp_path / "llava", spread=0.1)
    tower, decoder = tmp_path / "siglip", tmp_path / "decoder"
    SiglipVisionModel(
        SiglipVisionConfig(**{**tiny_models.vision(vision_use_head=False), "image_size": 24})
    ).save_pretrained(tower)
    SiglipImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(tower)
    words = tiny_models.tokenizer("<|im_end|>", "<|im_start|>", unused="<|im_start|>")
    config = LlamaConfig(**{**tiny_models.language(tiny_models.Tiny(4096, 96, 2), words), "vocab_size": len(words)})
    LlamaForCausalLM(config).save_pretrained(decoder)
    words.save_pretrained(decoder)
    return base, tower, decoder


def test_parts_are_exchanged_once_and_keep_their_weights(parts: tuple[Path, Path, Path]) -> None:
    base, tower, decoder = parts
    folder = exchanged(Model(str(base), vision_tower=str(tower), language_model=str(decoder)))
    assert folder.name == "llava-with-siglip-decoder"
    model, processor, family = load_base(folder, CPU, torch.float32, "none")
    own = SiglipVisionModel.from_pretrained(tower).state_dict()
    assert all(torch.equal(t, own[name]) for name, t in model.model.vision_tower.state_dict().items())
    assert model.model.multi_modal_projector.linear_1.in_features == 32
    assert model.model.multi_modal_projector.linear_2.out_features == 96
    seen = family.see(processor, Image.new("RGB", (50, 40)))
    assert seen.text.count("<image>") == 9 == len(family.project(model, family.encode(model, seen.inputs), seen.inputs))
    when = (folder / "model.safetensors").stat().st_mtime_ns
    assert exchanged(Model(str(base), vision_tower=str(tower), language_model=str(decoder))) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == when


def test_it_trains_from_stage_align(parts: tuple[Path, Path, Path], tmp_path: Path) -> None:
    base, tower, _ = parts
    address = dry_runs.data(tmp_path / "data")
    one = dry_runs.tiny(recipe.read("seed003-biomedclip-align"), base, address)
    one = replace(one, model=replace(one.model, vision_tower=str(tower)))
    adapter = running.run_one(one, tmp_path / "runs", quiet=True)
    assert "llava-with-siglip" in (adapter / "medvlm.json").read_text()


def test_what_cannot_be_exchanged_says_so(parts: tuple[Path, Path, Path], tmp_path: Path) -> None:
    base, tower, _ = parts
    with pytest.raises(CheckpointError, match=r"model\.language_model is .*'siglip_vision_model'.*llama, mistral"):
        exchanged(Model(str(base), language_model=str(tower)))
    other = tiny_models.write_model(tmp_path / "idefics", "idefics3")
    with pytest.raises(ConfigError, match=r"LLaVA 1\.5's type only"):
        exchanged(Model(str(other), vision_tower=str(tower)))
