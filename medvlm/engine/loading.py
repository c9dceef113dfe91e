"""How weights come into memory: device, number format, NF4 with or without unpacking, and the adapter on top."""

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from typing import Any, Literal

import bitsandbytes as bnb
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medvlm import checkpoints
from medvlm.errors import CheckpointError, ConfigError
from medvlm.families import Family, family_of
from medvlm.families.family import Attention
from medvlm.page.memory import free_memory

Device = Literal["auto", "cpu", "cuda"]
Quantization = Literal["nf4", "int8", "none"]
ComputeType = Literal["auto", "float32", "bfloat16", "float16"]
Unpack = Literal["auto", "yes", "no"]
ADAPTER = "tuned"
# Called with a sentence for the page and how much is done, 0 to 1.
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory. `model` is the transformers model, `adapted` the PEFT model around it (None: base only)."""

    model: nn.Module
    adapted: nn.Module | None
    processor: Any
    family: Family
    device: torch.device
    dtype: torch.dtype
    quantization: Quantization
    unpacked: bool


def choose_device(wanted: Device) -> torch.device:
    """Resolve "auto"; raises ConfigError for "cuda" where there is none."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is 'cuda', but this machine has no CUDA device that torch can use. Choose 'cpu'.")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def choose_dtype(wanted: ComputeType, device: torch.device) -> torch.dtype:
    """The number format to compute in.

    On a CPU with AVX2 only, bfloat16 made the prefill of a 135M model 4.5 times slower than float32; with AMX or
    AVX512-BF16 it is the faster one. Old GPUs (before Ampere) have no bfloat16.
    """
    if wanted != "auto":
        chosen: torch.dtype = getattr(torch, wanted)
        return chosen
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if cpu_computes_bfloat16() else torch.float32


def cpu_computes_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware (AMX or AVX512-BF16)."""
    features = torch.cpu.get_capabilities()
    return bool(features.get("amx_bf16") or features.get("amx_tile") or features.get("avx512_bf16"))


def quantization_config(quantization: Quantization, family: Family, dtype: torch.dtype) -> Any:
    """transformers' configuration for bitsandbytes; None for "none". Training must use this very one."""
    from transformers import BitsAndBytesConfig

    if quantization == "nf4":
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=family.never_quantised,
        )
    if quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=family.never_quantised)
    return None


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a model folder; raises CheckpointError when there is none."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{folder} is not a model folder: config.json cannot be read ({error}). Give a folder that "
            "save_pretrained wrote, a hub name or a name from the catalog."
        ) from error
    return config


def family_in(folder: Path) -> Family:
    """The family of a model folder. Raises CheckpointError."""
    return family_of(str(read_config(folder).get("model_type")), str(folder))


def load_weights(
    folder: Path,
    adapter: Path | None,
    device: torch.device,
    dtype: torch.dtype,
    quantization: Quantization,
    unpack_wanted: Unpack,
) -> Loaded:
    """A model in memory with its adapter, unpacked where that is wanted and memory allows. Raises CheckpointError."""
    model, processor, family = load_base(folder, device, dtype, quantization)
    adapted = None if adapter is None else attach(model, adapter, dtype, family)
    unpacked = should_unpack(unpack_wanted, model, device, dtype)
    if unpacked:
        unpack(model, dtype)
    return Loaded(model, adapted, processor, family, device, dtype, quantization, unpacked)


def load_base(
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
    quantization: Quantization,
    attention: Attention | None = None,
) -> tuple[nn.Module, Any, Family]:
    """Read model and processor of a folder, quantised on the way in. Raises CheckpointError.

    `attention`: the back end that computes attention; transformers' choice where nothing is said.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText
    from transformers.utils import logging

    import medvlm.tower  # noqa: F401  (registers nano's vision tower)

    family = family_in(folder)
    checkpoints.refuse_code(folder)
    checkpoints.weight_files(folder)
    logging.disable_progress_bar()
    # On the CPU torch shares keys and values among query heads by itself, also under a mask; transformers copies them
    # for each head unless told so. On a GPU a mask would lead to torch's slowest kernel.
    os.environ["TRANSFORMERS_SDPA_FORCE_GQA"] = str(int(device.type == "cpu"))
    # int8 layers say for every product that they compute in float16, which is how they work.
    getLogger("bitsandbytes.autograd._functions").setLevel("ERROR")
    try:
        model, found = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=dtype,
            device_map={"": str(device)},
            quantization_config=quantization_config(quantization, family, dtype),
            use_safetensors=True,
            output_loading_info=True,
            trust_remote_code=False,
            **({"attn_implementation": attention} if attention else {}),
        )
        processor = family.processor(folder)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{folder} cannot be loaded: {error}. Download or assemble the model again.") from error
    if missing := sorted(found["missing_keys"]):
        raise CheckpointError(
            f"{folder} lacks {len(missing)} weights, such as {missing[0]}. Download or assemble the model again."
        )
    model.requires_grad_(False)
    return model.eval(), processor, family


def attach(model: nn.Module, adapter: Path, dtype: torch.dtype, family: Family) -> nn.Module:
    """Put a PEFT adapter of safetensors on the model. Raises CheckpointError when shapes or names do not fit."""
    from peft import PeftModel

    files = checkpoints.weight_files(adapter)
    checkpoints.refuse_code(adapter)
    try:
        with warnings.catch_warnings():
            # peft 0.21 asks transformers 5.23 for a name that is being retired; missing keys are looked for below.
            warnings.simplefilter("ignore")
            adapted = PeftModel.from_pretrained(model, adapter, adapter_name=ADAPTER, is_trainable=False)
    except (RuntimeError, ValueError, TypeError, OSError, KeyError) as error:
        reason = " ".join(str(error).split())[:400]
        raise CheckpointError(f"{adapter} does not fit the base: {reason}. Choose its own base with --base.") from error
    _check_names(adapted, files, adapter, family)
    for name, parameter in adapted.named_parameters():
        if f".{ADAPTER}." in name:
            parameter.data = parameter.data.to(dtype)
    adapted.requires_grad_(False)
    evaluating: nn.Module = adapted.eval()
    return evaluating


def _check_names(adapted: Any, files: list[Path], adapter: Path, family: Family) -> None:
    """All tensors went into the model and none is missing; LoRA is where it may be, and something changed."""
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    # Not "auto": that would ask a model hub about the base.
    expected = get_peft_model_state_dict(adapted, adapter_name=ADAPTER, save_embedding_layers=False)
    given = set()
    for file in files:
        with safe_open(file, "pt") as tensors:
            given |= set(tensors.keys())
    if odd := sorted(given ^ set(expected)):
        raise CheckpointError(
            f"{adapter} does not fit the base: {len(odd)} tensors are missing or unknown, such as {odd[0]}. "
            "Choose its own base with --base."
        )
    targets = {name.split(".lora_B")[0].removeprefix("base_model.model.") for name in expected if "lora_B" in name}
    if strays := sorted(name for name in targets if not family.is_lora_target(name)):
        raise CheckpointError(
            f"{adapter} changes {strays[0]}, which is no linear layer of the language model or projector. Refused."
        )
    if not checkpoints.lora_norm(expected.items()) > 0 and not _moved(adapted):
        raise CheckpointError(f"{adapter} has LoRA weights of norm 0: it was never trained. Train it again.")


def _moved(adapted: nn.Module) -> bool:
    """Whether a part that the adapter holds whole, such as a first stage's projector, differs from the base's own."""
    from peft.utils import ModulesToSaveWrapper

    for module in adapted.modules():
        if isinstance(module, ModulesToSaveWrapper) and ADAPTER in module.modules_to_save:
            own, base = module.modules_to_save[ADAPTER].state_dict(), module.original_module.state_dict()
            if any(not torch.equal(own[name].to(base[name]), base[name]) for name in base):
                return True
    return False


class UnpackedLinear4bit(bnb.nn.Linear4bit):  # type: ignore[misc]
    """An NF4 layer that keeps its dequantised weights beside the packed ones: the same numbers, unpacked only once."""

    dense: Tensor

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(self.dense.dtype)
        return F.linear(x.to(self.dense.dtype), self.dense, bias).to(x.dtype)


def nf4_layers(model: nn.Module) -> list[bnb.nn.Linear4bit]:
    return [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]


def dense_weight(layer: bnb.nn.Linear4bit, dtype: torch.dtype) -> Tensor:
    """(out, in) of `dtype`: the numbers that bitsandbytes' own product computes with."""
    weight = layer.weight
    state = weight.quant_state
    absmax = state.absmax
    if state.nested:
        absmax = bnb.functional.dequantize_blockwise(absmax, state.state2) + state.offset
    dense: Tensor = torch.ops.bitsandbytes.dequantize_4bit(
        weight.data, absmax.float(), state.blocksize, state.quant_type, state.shape, dtype
    )
    return dense


def unpack(model: nn.Module, dtype: torch.dtype) -> None:
    """Keep the dequantised weights of all NF4 layers; they stay NF4 layers with their packed bytes."""
    for layer in nf4_layers(model):
        layer.__class__ = UnpackedLinear4bit
        layer.dense = dense_weight(layer, dtype)


def repack(model: nn.Module) -> None:
    """Undo `unpack`."""
    for layer in nf4_layers(model):
        if isinstance(layer, UnpackedLinear4bit):
            layer.__class__ = bnb.nn.Linear4bit
            del layer.dense


def should_unpack(
    wanted: Unpack, model: nn.Module, device: torch.device, dtype: torch.dtype, free: int | None = None
) -> bool:
    """Whether to unpack NF4 layers: on the CPU, when half of the `free` bytes hold the dequantised weights."""
    layers = nf4_layers(model)
    if not layers or wanted == "no":
        return False
    if wanted == "yes":
        return True
    needed = sum(layer.in_features * layer.out_features for layer in layers) * dtype.itemsize
    return device.type == "cpu" and needed < (free_memory() if free is None else free) / 2


def stored_bytes(model: nn.Module) -> int:
    """Bytes of all parameters and buffers, packed NF4 weights and their scales included, unpacked ones not."""
    tensors = {t.data_ptr(): t.nbytes for t in (*model.parameters(), *model.buffers())}
    scales = sum(layer.weight.quant_state.absmax.nbytes for layer in nf4_layers(model))
    return int(sum(tensors.values()) + scales)


def affordable(model: nn.Module) -> bool:
    """Whether a second copy in full precision fits beside the model for a moment, without anybody noticing."""
    count = sum(layer.in_features * layer.out_features for layer in nf4_layers(model))
    count += sum(parameter.numel() for parameter in model.parameters())
    return bool(count < 1_000_000_000 and count * 8 < free_memory())
