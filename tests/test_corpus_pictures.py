"""What a figure shows: a scan or a chart, one panel or several, a copy or not."""

import io

import numpy as np
import pytest
from PIL import Image

from medvlm.imaging import render
from medvlm.imaging.likeness import NEAR, Seen, looks
from medvlm.phantoms import draw
from medvlm.phantoms.scan import as_scan
from medvlm.types import DOMAINS
from tests import paper_cases as papers
from train.corpus import pictures
from train.corpus.filters import panels_named


def test_scans_and_charts_are_told_apart() -> None:
    drawn = {kind: pictures.kind(papers.chart(kind, 1)) for kind in papers.CHARTS}
    assert set(drawn.values()) == {"drawing"}, drawn
    shown = {domain: Image.fromarray(render(as_scan(draw(domain, 3, "train")))) for domain in DOMAINS}
    assert {domain: pictures.kind(image) for domain, image in shown.items()} == dict.fromkeys(DOMAINS, "picture")
    assert {domain: pictures.panels(np.asarray(image)) for domain, image in shown.items()} == dict.fromkeys(DOMAINS, 1)


@pytest.mark.parametrize(("colour", "count"), [("white", 2), ("black", 2), ("grey", 1)])
def test_bands_part_panels(colour: str, count: int) -> None:
    both = Image.new("RGB", (490, 200), colour)
    both.paste(papers.scan(1), (0, 0))
    both.paste(papers.scan(2), (250, 0))
    assert pictures.panels(np.asarray(both)) == pictures.panels(np.asarray(both).swapaxes(0, 1)) == count


def test_captions_tell_how_many_panels_there_are() -> None:
    for caption, count in (
        ("(a) Axial and (b) coronal CT.", 2), ("A, Axial. B, Coronal. C, MRI.", 3), ("CT (left panel) and MRI.", 2),
        ("Axial CT of a man. A cyst is seen.", 1), ("Vitamin B, and (d).", 1), ("Hepatitis A and B.", 1),
    ):  # fmt: skip
        assert panels_named(caption) == count, caption


def test_copies_are_known_after_saving_scaling_and_lighting() -> None:
    seen = Seen()
    rng = np.random.default_rng(0)
    for number in range(1100):  # more than the table begins with
        seen.add(str(number), rng.bytes(32).hex() if number != 7 else looks(np.asarray(papers.scan(7, 60, 50))))
    small = papers.scan(7, 60, 50).resize((45, 38)).point(lambda value: int(value * 0.8))
    again = looks(np.asarray(Image.open(io.BytesIO(papers.jpeg(small, 50))).convert("RGB")))
    assert seen.like(again) == "7" and seen.like(looks(np.asarray(papers.scan(5000, 60, 50)))) is None
    assert NEAR < 30
