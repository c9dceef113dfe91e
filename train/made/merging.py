"""An adapter put into its base for good, as one ordinary model folder: `python -m train merge ADAPTER`."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from medvlm import catalog, checkpoints, folders, paths, prompts
from medvlm.checkpoints import CheckpointInfo
from medvlm.engine.decoding import Engine
from medvlm.engine.loading import Loaded, attach, family_in, load_base, load_weights, read_config
from medvlm.errors import CheckpointError, ConfigError
from medvlm.families import Family
from train.made import cards

CPU = torch.device("cpu")
# Raise it when the same adapter and base would be written otherwise.
MERGE = "1"
# Mean divergence of the next token, in nats, that rounding once more explains: nano's in bf16 is 0.0011, and small
# models stray most; fp16 has three bits more.
ROUNDED: dict[torch.dtype, float] = {torch.float32: 1e-5, torch.bfloat16: 0.02, torch.float16: 0.01}
# What a model folder has beside weights and their configuration; whatever else lies there stays where it is.
BESIDE = ("*.json", "*.jinja", "*.model", "*.txt", "LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")
NOT_BESIDE = ("config.json", "generation_config.json", folders.RECORD, checkpoints.FILE)


@dataclass(frozen=True, slots=True)
class Fitting:
    """An adapter and the base that it was trained on, held against each other."""

    adapter: Path
    base: Path
    info: CheckpointInfo
    family: Family


def fitting(adapter: str, base: str | None = None) -> Fitting:
    """The adapter (folder or name) with its base, by default the one it was trained on. Raises CheckpointError."""
    folder = catalog.resolve_adapter(adapter)
    info = checkpoints.read(folder)
    name = base or _trained_on(folder, info)
    try:
        found = catalog.resolve(name)
    except CheckpointError as error:
        raise CheckpointError(f"{error} It is the base of {folder}; give its folder with --base.") from error
    family = family_in(found)
    checkpoints.verify(
        info,
        base_model=catalog.identity(name),
        revision=checkpoints.base_revision(found),
        family=family.name,
        prompt_version=prompts.PROMPT_VERSION,
    )
    return Fitting(folder, found, info, family)


def _trained_on(folder: Path, info: CheckpointInfo) -> str:
    """The base's folder where training still knows it and it is here, else its name."""
    config = json.loads((folder / cards.ADAPTER).read_text(encoding="utf-8"))
    known = str(config.get("base_model_name_or_path") or "")
    here = Path(known).is_dir() and catalog.identity(known) == info.base_model
    return known if here else info.base_model


def merge(adapter: str, out: Path | None = None, base: str | None = None) -> Path:
    """The folder of base and adapter in one, in the base's own number format; made anew only where either has changed.

    What was written is loaded again and must compute what base and adapter compute. Raises CheckpointError, and
    ConfigError where `out` holds something else.
    """
    found = fitting(adapter, base)
    target = (out or paths.home() / "merged" / named(found.adapter)).expanduser()
    made_of = {
        "merge": MERGE,
        "base": found.info.base_revision,
        "adapter": hashlib.sha256(b"".join(p.read_bytes() for p in _parts(found.adapter))).hexdigest(),
    }
    refuse_other(target)
    folders.build(target, made_of, lambda work: write(found, work))
    return target


def named(adapter: Path) -> str:
    """What a checkpoint is called: its folder, or its run's where every run's is called alike."""
    return adapter.parent.name if adapter.name in ("adapter", "model") else adapter.name


def _parts(adapter: Path) -> list[Path]:
    return [*checkpoints.weight_files(adapter), adapter / cards.ADAPTER]


def refuse_other(target: Path) -> None:
    """Raise ConfigError where a folder stands that was not merged here: it would be lost."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    try:
        ours = "merge" in folders.made_of(target)
    except (OSError, ValueError):
        ours = False
    if not ours:
        raise ConfigError(f"{target} is there and was not made by merging. Give --out another folder.")


def write(found: Fitting, work: Path) -> None:
    """Model, processor, card and licence notes into an empty folder; what is written is tried."""
    dtype = own_dtype(found.base)
    model, processor, family = load_base(found.base, CPU, dtype, "none")
    # LoRA in fp32, so that the sum is rounded once, to the base's format.
    adapted: Any = attach(model, found.adapter, torch.float32, family)
    for name, parameter in adapted.named_parameters():
        if "modules_to_save" in name:
            parameter.data = parameter.data.to(dtype)
    wanted = probed(Loaded(model, adapted, processor, family, CPU, dtype, "none", False))
    adapted.merge_and_unload().save_pretrained(work)
    del model, adapted
    _without_paths(work / "config.json")
    copy_beside(found.base, work)
    made = probed(load_weights(work, None, CPU, dtype, "none", "no"))
    check_same(wanted, made, dtype, found.adapter)
    checkpoints.write(found.info, work)
    cards.write(work, cards.story(found.adapter), cards.Given(named(found.adapter), merged=True))


def own_dtype(folder: Path) -> torch.dtype:
    """The number format that a model folder's configuration names; fp32 where it names none."""
    config = read_config(folder)
    said = config.get("dtype") or config.get("torch_dtype") or config.get("text_config", {}).get("dtype") or "float32"
    dtype = getattr(torch, str(said), None)
    if dtype not in ROUNDED:
        raise CheckpointError(f"{folder} is kept in {said}; merging knows float32, bfloat16 and float16. Convert it.")
    found: torch.dtype = dtype
    return found


def probed(loaded: Loaded) -> Tensor:
    """(n, vocabulary) log probabilities before each token of the probe's answer, adapter on where there is one."""
    with torch.inference_mode():
        logits, _ = Engine(loaded, None, 1 << 20).probe("base" if loaded.adapted is None else "tuned")
    return torch.log_softmax(logits, -1)


def check_same(wanted: Tensor, made: Tensor, dtype: torch.dtype, adapter: Path) -> None:
    """Raise CheckpointError where the merged weights compute something else than base and adapter."""
    nats = float((wanted.exp() * (wanted - made)).sum(-1).mean())
    if not nats <= ROUNDED[dtype]:
        raise CheckpointError(
            f"{adapter} merged is another model than base and adapter: {nats:.2g} nats apart, where rounding explains "
            f"{ROUNDED[dtype]:.2g}. Nothing was written. Serve base and adapter as they are."
        )


def copy_beside(base: Path, work: Path) -> None:
    """Processor, templates and licence files, byte for byte."""
    for pattern in BESIDE:
        for file in base.glob(pattern):
            if file.name not in NOT_BESIDE and not file.name.endswith(".index.json"):
                shutil.copyfile(file, work / file.name)


def _without_paths(config: Path) -> None:
    """Without folders of this machine, which tell nobody anything."""

    def cleaned(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: cleaned(inner) for key, inner in value.items() if key != "_name_or_path"}

    record = cleaned(json.loads(config.read_text(encoding="utf-8")))
    config.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
