"""Where things are: assets beside the code, everything that is made under one data home."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
EXAMPLES = ASSETS / "examples"


def home() -> Path:
    """The folder for everything made at run time: `MEDVLM_HOME`, or `build/` in the checkout."""
    return Path(os.environ.get("MEDVLM_HOME") or ROOT / "build")


def models() -> Path:
    """Where assembled and downloaded model folders live."""
    return home() / "models"
