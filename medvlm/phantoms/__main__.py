"""A contact sheet of phantoms: `python -m medvlm.phantoms [--out FILE.png] [--columns 8]`."""

import argparse
from io import BytesIO
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image, ImageDraw

from medvlm.folders import write_whole
from medvlm.paths import ROOT
from medvlm.phantoms import draw
from medvlm.phantoms.truth import Phantom, Split
from medvlm.types import DOMAIN_NAMES, DOMAINS, Domain

TILE, GAP, LABEL = 150, 6, 26


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m medvlm.phantoms", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "phantoms.png", help="the PNG to write")
    parser.add_argument("--columns", type=int, default=8, help="phantoms a row")
    parser.add_argument("--domain", choices=DOMAINS, help="one domain alone, on five rows")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--split", choices=get_args(Split), default="train", help="whose pictures")
    chosen = parser.parse_args(arguments)
    rows = [chosen.domain] * 5 if chosen.domain else list(DOMAINS)
    save(contact_sheet(rows, chosen.columns, chosen.first, chosen.split), chosen.out)
    print(chosen.out)


def contact_sheet(rows: list[Domain], columns: int, first: int = 0, split: Split = "train") -> Image.Image:
    """One row of `columns` phantoms for each entry of `rows`, each with a label that names what it shows."""
    sheet = Image.new("RGB", (columns * (TILE + GAP) + GAP, len(rows) * (TILE + LABEL + GAP) + GAP), (24, 28, 36))
    write = ImageDraw.Draw(sheet)
    for row, domain in enumerate(rows):
        for column in range(columns):
            seed = first + column + columns * (row if rows.count(domain) > 1 else 0)
            phantom = draw(domain, seed, split)
            left, top = GAP + column * (TILE + GAP), GAP + row * (TILE + LABEL + GAP)
            tile = Image.fromarray(shown(phantom)).convert("RGB")
            tile.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (left + (TILE - tile.width) // 2, top + (TILE - tile.height) // 2))
            for i, line in enumerate(_label(phantom)):
                write.text((left, top + TILE + 1 + 12 * i), line, fill=(205, 212, 222))
    return sheet


def shown(phantom: Phantom) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The picture as a viewer shows it: windowed and, for MONOCHROME1, inverted; uint8 (h, w) or (h, w, 3)."""
    if phantom.window is None:
        return np.asarray(phantom.pixels, dtype=np.uint8)
    window = phantom.window
    grey = (phantom.pixels.astype(np.float64) - window.level) / window.width + 0.5
    grey = 1 - grey if phantom.inverted else grey
    return np.asarray(np.rint(np.clip(grey, 0, 1) * 255), dtype=np.uint8)


def _label(phantom: Phantom) -> tuple[str, str]:
    truth = phantom.truth
    seen = ", ".join(f"{one.side or ''} {one.name}".strip() for one in truth.findings) or "normal"
    parts = (DOMAIN_NAMES[truth.domain] if truth.region == "" else truth.region, truth.plane, truth.technique)
    return " ".join(part for part in parts if part)[:25], seen[:25]


def save(sheet: Image.Image, path: Path) -> None:
    """Write the PNG whole or not at all."""
    drawn = BytesIO()
    sheet.save(drawn, format="PNG", optimize=True)
    write_whole(path, drawn.getvalue())


if __name__ == "__main__":
    main()
