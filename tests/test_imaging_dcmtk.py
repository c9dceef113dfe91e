"""Decoders and windows beside another program's: DCMTK draws pydicom's files as MedVLM does."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from numpy.typing import NDArray
from PIL import Image

from medvlm.errors import UserError
from medvlm.imaging import read, render
from medvlm.types import Scan

FILES = Path(pydicom.data.__file__).parent / "test_files"
# Without JPEG 2000 and JPEG-LS, which this program leaves to others. Fewer would mean that nothing was compared.
LEAST = 25


def scan_of(path: Path) -> Scan | None:
    """A file that both can draw alike: in colour, or grey through a window of the same formula; None for others."""
    try:
        scan = read(path.read_bytes(), path.name)
    except UserError:
        return None
    in_colour = scan.slices[0].ndim == 3
    return scan if in_colour or (scan.window is not None and scan.window.function == "LINEAR") else None


def drawn(program: str, path: Path, scan: Scan, folder: Path) -> NDArray[np.uint8] | None:
    """The first frame as DCMTK draws it, (H, W, 3), without overlays; None where it has no decoder for the file."""
    made = folder / "frame.ppm"
    window = [] if scan.window is None else ["+Ww", str(scan.window.level), str(scan.window.width)]
    subprocess.run([program, "-q", "-O", "+F", "1", *window, str(path), str(made)], capture_output=True, check=False)
    frames = sorted(folder.glob("frame.ppm*"))
    if not frames:
        return None
    shown = np.asarray(Image.open(frames[0]).convert("RGB"))
    for frame in frames:
        frame.unlink()
    return shown


def test_pictures_are_within_one_grey_level_of_what_dcmtk_draws(tmp_path: Path) -> None:
    program = shutil.which("dcmj2pnm")
    if program is None:
        pytest.skip("no dcmj2pnm on the path: apt-get install dcmtk")
    compared, apart = 0, {}
    for path in sorted(FILES.glob("*.dcm")):
        scan = scan_of(path)
        other = None if scan is None else drawn(program, path, scan, tmp_path)
        if scan is None or other is None:
            continue
        compared += 1
        ours = render(scan).astype(int)
        difference = int(np.abs(ours - other).max()) if ours.shape == other.shape else 255
        if difference > 1:
            apart[path.name] = difference
    assert not apart
    assert compared >= LEAST
