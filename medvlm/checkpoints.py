"""What a trained adapter says about itself (`medvlm.json`), and whether it fits the base it is put on."""

import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from medvlm import paths
from medvlm.errors import CheckpointError

FILE = "medvlm.json"
SCHEMA = 1

# A model that knows nothing has the logarithm of its vocabulary's size in nats a token; fluent ones have a third of it.
GIBBERISH = 0.8
# Largest difference of a logit that rounding alone explains between two runs of the same numbers.
SAME = 1e-3
# How far 4 bits may move the next token's distribution: mean divergence in nats, share of equal first choices. Small
# models move most: nano by 0.43 nats with 69 % equal. Damaged scales or packing leave no agreement at all.
FAR, UNLIKE = 1.5, 0.4


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """Where an adapter comes from. `base_revision` as `base_revision()` gives it; `created` is an ISO 8601 time (UTC).

    `stage`: which training stage wrote it ("align", "instruct", ...). `git_commit`: of the code that trained it.
    """

    base_model: str
    base_revision: str
    family: str
    stage: str
    prompt_version: int
    datasets: tuple[str, ...]
    git_commit: str
    created: str
    schema: int = SCHEMA


def write(info: CheckpointInfo, folder: Path) -> Path:
    """Write `medvlm.json` into the adapter's folder, whole or not at all."""
    target = folder / FILE
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{FILE}")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(info), file, indent=1)
        file.write("\n")
    Path(temporary).replace(target)
    return target


def read(folder: Path) -> CheckpointInfo:
    """Read `medvlm.json`; raises CheckpointError when it is missing, damaged or of another schema."""
    path = folder / FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} has no {FILE}, so nobody knows which base it belongs to. Train it again, or write the file "
            "(docs/add-a-model.md)."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. Restore the adapter folder.") from error
    return _info(record, path)


def _info(record: Any, path: Path) -> CheckpointInfo:
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        found = record.get("schema") if isinstance(record, dict) else type(record).__name__
        raise CheckpointError(
            f"{path} has schema {found!r}; this version reads schema {SCHEMA}. Train the adapter again."
        )
    names = {field.name for field in fields(CheckpointInfo)}
    if record.keys() != names:
        odd = ", ".join(sorted(record.keys() ^ names))
        raise CheckpointError(f"{path} has missing or unknown fields: {odd}. Restore the adapter folder.")
    return CheckpointInfo(**{**record, "datasets": tuple(record["datasets"])})


def base_revision(folder: Path) -> str:
    """What tells this base's weights from all others.

    A folder assembled here: the hash of what it was made of. A hub snapshot: its commit. Any other folder: a hash over
    its weight files (a gigabyte takes about a second).
    """
    if (folder / "assembled.json").is_file():
        from medvlm.assemble import revision

        return revision(folder)
    if folder.parent.name == "snapshots" and re.fullmatch(r"[0-9a-f]{40}", folder.name):
        return folder.name
    sha = hashlib.sha256()
    for file in weight_files(folder):
        sha.update(file.name.encode())
        with file.open("rb") as data:
            sha.update(hashlib.file_digest(data, "sha256").digest())
    return sha.hexdigest()[:16]


def weight_files(folder: Path) -> list[Path]:
    """The folder's safetensors; raises CheckpointError when it has none, or weights of a kind that can run code."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        others = [
            p.name for p in folder.glob("*") if p.suffix in {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".gguf", ".h5"}
        ]
        found = f"only {', '.join(others)}, which can run code when read" if others else "no weights"
        raise CheckpointError(f"{folder} has {found}. Only safetensors are loaded: convert it with save_pretrained.")
    return files


def refuse_code(folder: Path) -> None:
    """Raise CheckpointError when a configuration asks for Python code of its own to be run (`auto_map`)."""
    for path in sorted(folder.glob("*.json")):
        if path.stat().st_size > 20_000_000 or path.name == "tokenizer.json":
            continue
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CheckpointError(f"{path} cannot be read: {error}. Download or assemble the model again.") from error
        if isinstance(record, dict) and "auto_map" in record:
            raise CheckpointError(
                f"{path} asks to run code that came with the weights (auto_map). Such models are not loaded; "
                "choose a version in a transformers class."
            )


def verify(info: CheckpointInfo, *, base_model: str, revision: str, family: str, prompt_version: int) -> None:
    """Raise CheckpointError that names every difference between what the adapter was trained on and what is here."""
    wanted = {"base model": base_model, "base revision": revision, "family": family, "prompt version": prompt_version}
    given = (info.base_model, info.base_revision, info.family, info.prompt_version)
    differ = [
        f"{name}: trained on {was!r}, here {here!r}"
        for (name, here), was in zip(wanted.items(), given, strict=True)
        if was != here
    ]
    if differ:
        raise CheckpointError(
            f"The adapter does not fit the base ({'; '.join(differ)}). "
            "Choose its own base with --base, or train it again."
        )


def check_fluent(logits: Tensor, tokens: list[int], what: str) -> None:
    """Raise CheckpointError when logits (n, vocabulary) find the English answer `tokens` (n) no likelier than noise."""
    if not bool(torch.isfinite(logits).all()):
        raise CheckpointError(f"{what} computes numbers that are not numbers. Load it with --quantization none.")
    nats = float(torch.nn.functional.cross_entropy(logits.float(), torch.tensor(tokens, device=logits.device)))
    limit = GIBBERISH * math.log(logits.shape[-1])
    if nats > limit:
        raise CheckpointError(
            f"{what} speaks gibberish: {nats:.1f} nats a token on a plain English sentence, where {limit:.1f} is the "
            "limit. The weights are damaged or of another model; train or download them again."
        )


def check_differ(base: Tensor, tuned: Tensor, adapter: str) -> None:
    """Raise CheckpointError when the adapter changes nothing."""
    largest = float((base - tuned).abs().max())
    if not largest > SAME:
        raise CheckpointError(
            f"{adapter} changes nothing: base and tuned give the same next tokens (largest difference {largest:.1e}). "
            "It was not trained, or its names do not meet this base. Train it again."
        )


def check_agree(full: Tensor, quantised: Tensor, what: str) -> dict[str, float]:
    """Raise CheckpointError when quantised logits (n, vocabulary) stray from full precision; the two numbers."""
    first, second = (torch.log_softmax(logits.float(), -1) for logits in (full, quantised))
    nats = float((first.exp() * (first - second)).sum(-1).mean())
    equal = float((first.argmax(-1) == second.argmax(-1)).float().mean())
    if nats > FAR or equal < UNLIKE:
        raise CheckpointError(
            f"{what} in 4 or 8 bits is another model: {nats:.2f} nats from full precision (limit {FAR}), "
            f"{equal:.0%} of first choices equal (limit {UNLIKE:.0%}). Load it with --quantization none."
        )
    return {"nats": nats, "equal": equal}


def agreed(seal: str) -> bool:
    """Whether weights with this seal were once compared with full precision on this machine and agreed."""
    return (paths.home() / "checks" / f"{seal}.json").is_file()


def remember(seal: str, numbers: dict[str, dict[str, float]]) -> None:
    """Note that they agreed, and how well, so that the next start need not load a second copy."""
    folder = paths.home() / "checks"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{seal}.{os.getpid()}"
    part.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / f"{seal}.json")


def seal(base: Path, adapter: Path | None, *settings: object) -> str:
    """What tells these weights, in this number format, read by these libraries, from all others."""
    sha = hashlib.sha256(repr((base_revision(base), *settings)).encode())
    for library in ("torch", "transformers", "peft", "bitsandbytes"):
        sha.update(f"{library} {version(library)}".encode())
    for file in weight_files(adapter) if adapter is not None else []:
        sha.update(file.read_bytes())
    return sha.hexdigest()[:32]


def lora_norm(named: Iterable[tuple[str, Tensor]]) -> float:
    """Sum of the Frobenius norms of all LoRA B matrices: they begin at zero, so zero means untrained."""
    return sum(float(tensor.float().norm()) for name, tensor in named if "lora_B" in name)
