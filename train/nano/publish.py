"""A finished stage as an adapter that the app loads: bf16 weights, config and `medvlm.json`, put in place whole."""

import json
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file

from medvlm import assemble, checkpoints, paths
from medvlm.checkpoints import CheckpointInfo
from medvlm.errors import CheckpointError
from medvlm.prompts import PROMPT_VERSION

if TYPE_CHECKING:
    from train.nano.pipeline import Plan
    from train.nano.stages import Stage

# The tower's reader has seen VQA-RAD's training pictures, without those kept back, before any of these.
DISJOINT = ("phantoms", "bccd", "dsb2018_histology", "vqa_rad-train-without-held-out-pictures")
DATASETS: dict[str, tuple[str, ...]] = {
    "shapes": (),
    "base": ("phantoms",),
    "align": DISJOINT,
    "instruct": DISJOINT,
    "vqa-disjoint": DISJOINT,
    "vqa-official": ("phantoms", "bccd", "dsb2018_histology", "vqa_rad-train"),
}
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def publish(chosen: "Plan", stage: "Stage", target: Path | None = None) -> Path:
    """The stage's adapter at `assets/adapters/nano-med`. Raises CheckpointError when it is not finished."""
    source = chosen.folder(stage) / "adapter"
    if not (chosen.folder(stage) / "done.json").is_file():
        raise CheckpointError(f"Stage {stage} has no finished adapter at {source}. Run `python -m train nano` first.")
    target = target or paths.ASSETS / "adapters" / "nano-med"
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".adapter-", dir=target.parent))
    work.chmod(0o755)
    write(source, work, stage, assemble.assemble(chosen.parts, chosen.nano_folder))
    shutil.rmtree(target, ignore_errors=True)
    work.replace(target)
    return target


def write(source: Path, work: Path, stage: str, base: Path) -> None:
    """Weights in bf16, PEFT's configuration without paths of this machine, and what the adapter says of itself."""
    weights = load_file(source / WEIGHTS)
    save_file({k: v.bfloat16().contiguous() for k, v in weights.items()}, work / WEIGHTS, metadata={"format": "pt"})
    config = json.loads((source / CONFIG).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "nano"
    (work / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    checkpoints.write(info(stage, base), work)


def info(stage: str, base: Path) -> CheckpointInfo:
    """What a checkpoint of one of nano's stages says of itself."""
    return CheckpointInfo(
        base_model="nano",
        base_revision=checkpoints.base_revision(base),
        family="llava",
        stage=stage,
        prompt_version=PROMPT_VERSION,
        datasets=DATASETS[stage],
        git_commit=git_commit(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def git_commit(root: Path = paths.ROOT) -> str:
    """The commit that the code stands at, with "-modified" where it differs from it; "unknown" outside a checkout."""
    head = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "train", "medvlm")
    return f"{head}{'-modified' if changed else ''}" if head else "unknown"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
    return done.stdout.strip()
