"""How weights come into memory: really four bits, the same numbers unpacked, and nothing that does not fit."""

import json
import shutil
from pathlib import Path
from typing import Any

import bitsandbytes as bnb
import pytest
import torch
from safetensors.torch import load_file, save_file

from medvlm.engine import loading
from medvlm.engine.loading import load_weights
from medvlm.errors import CheckpointError, ConfigError
from tests import tiny_models

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_adapter(tmp_path_factory.mktemp("adapter"), base)


@pytest.fixture
def damaged(adapter: Path, tmp_path: Path) -> Path:
    """A copy of the adapter, to be damaged."""
    return Path(shutil.copytree(adapter, tmp_path / "adapter"))


def nf4(base: Path, adapter: Path | None = None, unpack: loading.Unpack = "no") -> loading.Loaded:
    return load_weights(base, adapter, CPU, torch.float32, "nf4", unpack)


def hidden(loaded: loading.Loaded) -> torch.Tensor:
    language: Any = loaded.family.part(loaded.model, loaded.family.language_model)
    with torch.inference_mode():
        states: torch.Tensor = language(inputs_embeds=torch.randn(1, 9, 64)).last_hidden_state
    return states


@pytest.mark.parametrize("unpack", ["no", "yes"])
def test_language_layers_are_nf4_and_their_bytes_are_counted(base: Path, unpack: loading.Unpack) -> None:
    loaded = nf4(base, unpack=unpack)
    layers = loading.nf4_layers(loaded.model)
    assert len(layers) == 14
    for layer in layers:
        assert isinstance(layer, bnb.nn.Linear4bit) and layer.weight.quant_type == "nf4"
        assert layer.weight.quant_state.quant_type == "nf4" and layer.weight.dtype == torch.uint8
        # Half a byte a weight and four bytes of scale for each block of 64.
        assert layer.weight.nbytes == layer.in_features * layer.out_features // 2
        assert layer.weight.quant_state.absmax.nbytes == layer.in_features * layer.out_features // 64 * 4
    whole = tiny_models.weights(base)
    weights = sum(layer.in_features * layer.out_features for layer in layers)
    assert loading.stored_bytes(whole.model) - loading.stored_bytes(loaded.model) == weights * 4 - weights * 9 // 16


def test_head_tower_and_projector_are_not_quantised(base: Path) -> None:
    loaded = nf4(base)
    for name, module in loaded.model.named_modules():
        if isinstance(module, torch.nn.Linear):
            in_language = loaded.family.place(name) == "language model"
            assert isinstance(module, bnb.nn.Linear4bit) == in_language, name


@pytest.mark.parametrize("with_adapter", [False, True])
def test_unpacked_weights_give_the_same_numbers(base: Path, adapter: Path, with_adapter: bool) -> None:
    loaded = nf4(base, adapter if with_adapter else None)
    torch.manual_seed(3)
    packed = hidden(loaded)
    loading.unpack(loaded.model, torch.float32)
    torch.manual_seed(3)
    assert torch.equal(hidden(loaded), packed)
    loading.repack(loaded.model)
    assert not any(hasattr(layer, "dense") for layer in loading.nf4_layers(loaded.model))
    torch.manual_seed(3)
    assert torch.equal(hidden(loaded), packed)


def test_peft_puts_its_four_bit_layers_on_unpacked_ones(base: Path, adapter: Path) -> None:
    from peft.tuners.lora.bnb import Linear4bit

    loaded = nf4(base, adapter, "yes")
    assert loaded.unpacked and loaded.adapted is not None
    wrapped = [m for m in loaded.adapted.modules() if isinstance(m, Linear4bit)]
    assert len(wrapped) == 14
    assert all(isinstance(layer.base_layer, loading.UnpackedLinear4bit) for layer in wrapped)


def test_unpacking_is_switched_and_follows_the_memory(base: Path) -> None:
    model = nf4(base).model
    assert loading.should_unpack("auto", model, CPU, torch.float32)
    assert not loading.should_unpack("no", model, CPU, torch.float32)
    assert not loading.should_unpack("auto", model, torch.device("cuda"), torch.float32)
    whole = tiny_models.weights(base).model
    assert not loading.should_unpack("yes", whole, CPU, torch.float32), "there is nothing to unpack"
    assert not loading.should_unpack("auto", model, CPU, torch.float32, free=1000)


def test_the_number_format_follows_the_machine() -> None:
    assert loading.choose_dtype("bfloat16", CPU) == torch.bfloat16
    expected = torch.bfloat16 if loading.cpu_computes_bfloat16() else torch.float32
    assert loading.choose_dtype("auto", CPU) == expected
    assert loading.choose_device("cpu") == CPU
    if not torch.cuda.is_available():
        assert loading.choose_device("auto") == CPU
        with pytest.raises(ConfigError, match="no CUDA device"):
            loading.choose_device("cuda")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a model folder"):
        nf4(tmp_path)


def test_remote_code_is_refused(base: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(base, tmp_path / "base"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(CheckpointError, match="auto_map"):
        nf4(folder)


def test_damaged_weights_are_refused(base: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(base, tmp_path / "base"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        nf4(folder)


def test_pickled_adapter_weights_are_refused(base: Path, damaged: Path) -> None:
    weights = damaged / "adapter_model.safetensors"
    torch.save(load_file(weights), damaged / "adapter_model.bin")
    weights.unlink()
    with pytest.raises(CheckpointError, match="Only safetensors"):
        nf4(base, damaged)


def test_an_adapter_of_another_shape_is_refused(adapter: Path, tmp_path: Path) -> None:
    wide = tiny_models.write_model(tmp_path / "wide", hidden=128)
    with pytest.raises(CheckpointError, match="does not fit the base"):
        nf4(wide, adapter)


def changed(folder: Path, change: Any) -> Path:
    weights = folder / "adapter_model.safetensors"
    save_file(change(load_file(weights)), weights, metadata={"format": "pt"})
    return folder


def test_an_adapter_with_tensors_missing_or_unknown_is_refused(base: Path, damaged: Path) -> None:
    changed(damaged, lambda tensors: dict(list(tensors.items())[1:]))
    with pytest.raises(CheckpointError, match="1 tensors are missing or unknown"):
        nf4(base, damaged)


def untrained(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: v * 0 if "lora_B" in k else v for k, v in tensors.items()}


def test_an_untrained_adapter_is_refused(base: Path, damaged: Path) -> None:
    projector = {k: v for k, v in load_file(base / "model.safetensors").items() if "multi_modal_projector" in k}

    def as_the_base(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        own = {k: next((v for name, v in projector.items() if k.endswith(name.split("projector.")[1])), None)
               for k in tensors if "multi_modal_projector" in k}  # fmt: skip
        assert None not in own.values() and len(own) == 4
        return untrained(tensors) | {k: v for k, v in own.items() if v is not None}

    changed(damaged, as_the_base)
    with pytest.raises(CheckpointError, match="norm 0"):
        nf4(base, damaged)


def test_an_adapter_that_trained_the_projector_alone_is_one(base: Path, damaged: Path) -> None:
    changed(damaged, untrained)
    assert nf4(base, damaged).adapted is not None


def test_an_adapter_on_the_tower_is_refused(base: Path, tmp_path: Path) -> None:
    stray = tiny_models.write_adapter(tmp_path, base, targets=r".*\.(q_proj|v_proj)")
    with pytest.raises(CheckpointError, match=r"vision_tower.*no linear layer of the language model or projector"):
        nf4(base, stray)


def test_weights_that_lack_a_tensor_are_refused(base: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(base, tmp_path / "base"))
    tensors = load_file(folder / "model.safetensors")
    gone = next(name for name in tensors if "q_proj" in name)
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="lacks 1 weights"):
        nf4(folder)
