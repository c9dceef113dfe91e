"""Assembling the embedded model: how long it takes, how long a start pays for looking, and what a kill costs."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from medvlm import folders
from medvlm.assemble import PARTS, WEIGHTS, assemble, recipe
from medvlm.paths import ROOT
from tests.bench.measuring import Row, row

CHILD = "import sys; from pathlib import Path; from medvlm.assemble import assemble; assemble(target=Path(sys.argv[1]))"


def write_little(parts: Path, folder: Path) -> None:
    """Stands for the model in smoke runs."""
    for name in WEIGHTS:
        (folder / name).write_bytes((parts / name).read_bytes())


def seconds(target: Path, smoke: bool) -> float:
    start = time.perf_counter()
    assemble(target=target, write=write_little if smoke else None)
    return time.perf_counter() - start


def survives_kills(target: Path, moments: int, seconds_of_work: float) -> int:
    """How many kills (-9), spread over the work, left a whole folder or none."""
    survived = 0
    for moment in range(1, moments + 1):
        process = subprocess.Popen([sys.executable, "-c", CHILD, str(target)], cwd=ROOT)
        time.sleep(seconds_of_work * moment / moments)
        process.kill()
        process.wait()
        survived += not target.exists() or folders.is_whole(target, recipe(PARTS))
    return survived


def run(smoke: bool) -> list[Row]:
    """Raises AssertionError where a kill left a folder that is not whole."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "nano"
        first = seconds(target, smoke)
        again = seconds(target, smoke)
        kills = 1 if smoke else 5
        survived = survives_kills(Path(folder) / "killed" / "nano", kills, 0.2 if smoke else first)
    assert survived == kills, f"{kills - survived} of {kills} kills left a folder that is neither whole nor absent"
    return [
        row("assemble", first, "s"),
        row("look and find it whole", again, "s", "assemble", first),
        row("kills survived", survived, "", "kills", kills),
    ]
