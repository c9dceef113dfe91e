"""Nano's folder: assembled from hash-checked parts, ordinary to whoever loads it, repaired when it is hurt."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from medvlm import folders
from medvlm.assemble import PARTS, WEIGHTS, assemble, recipe, revision, seal
from medvlm.errors import CheckpointError
from medvlm.paths import ROOT

# A process whose files may not grow beyond so many bytes: what a full disk does, without filling one.
SMALL_DISK = """
import resource, sys
from pathlib import Path
from medvlm.assemble import assemble
from medvlm.errors import CheckpointError

def write(parts, folder):
    (folder / "config.json").write_text("{}")
    if sys.argv[3] == "safetensors":
        import numpy
        from safetensors.numpy import save_file
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        save_file({"weight": numpy.zeros(100_000)}, folder / "model.safetensors")
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        (folder / "model.safetensors").write_bytes(bytes(100_000))

try:
    assemble(Path(sys.argv[1]), Path(sys.argv[2]), write)
except CheckpointError as error:
    print(error)
"""


def write_little(parts: Path, folder: Path) -> None:
    """Instead of the half minute that the model takes."""
    (folder / "config.json").write_text("{}")
    shutil.copy(parts / WEIGHTS[0], folder / "model.safetensors")


def refuse(parts: Path, folder: Path) -> None:
    raise AssertionError(f"{folder} was to be assembled again")


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Weights of our own, sealed; a few bytes stand for them."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for name in WEIGHTS:
        (folder / name).write_bytes(name.encode() * 10)
    seal(folder)
    return folder


def test_it_is_written_once_and_again_when_its_parts_change(parts: Path, tmp_path: Path) -> None:
    target = assemble(parts, tmp_path / "models" / "nano", write_little)
    first = revision(target)
    assert assemble(parts, target, refuse) == target
    (parts / WEIGHTS[0]).write_bytes(b"trained on")
    seal(parts)
    assemble(parts, target, write_little)
    assert (target / "model.safetensors").read_bytes() == b"trained on"
    assert revision(target) != first


def test_a_hurt_folder_is_repaired(parts: Path, tmp_path: Path) -> None:
    target = assemble(parts, tmp_path / "nano", write_little)
    (target / "model.safetensors").write_bytes(b"hurt")
    assemble(parts, target, write_little)
    assert folders.is_whole(target, recipe(parts))


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_missing_part_names_itself_and_both_ways_to_get_it_back(parts: Path, tmp_path: Path, name: str) -> None:
    (parts / name).unlink()
    with pytest.raises(CheckpointError, match=rf"{name} is missing.*git checkout.*python -m train nano"):
        assemble(parts, tmp_path / "nano", refuse)


def test_a_part_with_another_hash_than_its_seal_is_refused(parts: Path, tmp_path: Path) -> None:
    (parts / WEIGHTS[1]).write_bytes(b"not what was trained")
    with pytest.raises(CheckpointError, match=rf"{WEIGHTS[1]} is not the file that parts\.json.*git checkout"):
        assemble(parts, tmp_path / "nano", refuse)


def test_a_seal_that_cannot_be_read_is_refused(parts: Path, tmp_path: Path) -> None:
    (parts / "parts.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"parts\.json cannot be read.*git checkout"):
        assemble(parts, tmp_path / "nano", refuse)


@pytest.mark.parametrize("writer", ["safetensors", "plain"])
def test_a_full_disk_says_so_and_the_next_call_repairs(parts: Path, tmp_path: Path, writer: str) -> None:
    target = tmp_path / "models" / "nano"
    command = [sys.executable, "-c", SMALL_DISK, str(parts), str(target), writer]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"{target} could not be written" in said and "make install" in said and "free space" in said
    assert not target.exists()
    assert [path.name for path in target.parent.iterdir()] == [".nano.lock"]
    assert folders.is_whole(assemble(parts, target, write_little), recipe(parts))


def test_a_place_where_nothing_can_be_written_says_so(parts: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CheckpointError, match=r"could not be written.*MEDVLM_HOME"):
        assemble(parts, tmp_path / "file" / "models" / "nano", refuse)


def test_weights_of_another_shape_are_refused_by_name(parts: Path) -> None:
    from medvlm.assemble import _load_part

    (parts / "cut.safetensors").write_bytes((PARTS / "projector.safetensors").read_bytes()[:5000])
    for file, module in (
        (parts / "cut.safetensors", torch.nn.Linear(2, 2)),
        (PARTS / WEIGHTS[1], torch.nn.Linear(2, 2)),
    ):
        with pytest.raises(CheckpointError, match=rf"{file.name} is damaged or of another version"):
            _load_part(module, file)


def test_the_command_says_where_nano_is(nano_folder: Path) -> None:
    command = [sys.executable, "-m", "medvlm", "assemble"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"nano is at {nano_folder}"


def test_the_command_gives_advice_instead_of_a_traceback(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "medvlm", checkout / "medvlm", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "medvlm", "assemble"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "tower.safetensors is missing" in done.stderr and "Traceback" not in done.stderr


def test_the_committed_weights_are_small_safetensors_and_sealed() -> None:
    weights = [p for p in (ROOT / "assets").rglob("*") if p.suffix in {".safetensors", ".bin", ".pt", ".gguf", ".npz"}]
    assert {path.suffix for path in weights} == {".safetensors"}
    assert sum(path.stat().st_size for path in weights) < 60e6
    assert (PARTS / "parts.json").is_file(), "seal the final weights: medvlm.assemble.seal()"
    assert recipe(PARTS).keys() == {"recipe", "language_model", *WEIGHTS}


def test_the_folder_is_ordinary_and_holds_our_own_weights(nano_folder: Path) -> None:
    config = json.loads((nano_folder / "config.json").read_text())
    assert config["architectures"] == ["LlavaForConditionalGeneration"]
    assert "quantization_config" not in config and "quantization_config" not in config["text_config"]
    assert {path.suffix for path in nano_folder.iterdir()} <= {".json", ".safetensors", ".jinja"}
    with safe_open(nano_folder / "model.safetensors", framework="pt") as model:
        written = {name: model.get_tensor(name) for name in model.keys() if "language_model" not in name}  # noqa: SIM118
        assert model.get_tensor(next(iter(model.keys()))).dtype == torch.bfloat16
    for name in WEIGHTS:
        for key, tensor in load_file(PARTS / name).items():
            (found,) = [t for full, t in written.items() if full.endswith(key) and name.split(".")[0] in full]
            assert torch.equal(found, tensor.to(torch.bfloat16)), key
