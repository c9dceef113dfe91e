"""Papers to figures: articles a second, how often the rules about pictures err, and what looking for copies costs."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from medvlm import datasets
from medvlm.imaging import render
from medvlm.imaging.likeness import Seen
from medvlm.phantoms import draw
from medvlm.phantoms.scan import as_scan
from medvlm.types import DOMAINS
from tests import paper_cases as papers
from tests.bench.measuring import Row, row
from tests.paper_cases import Fig
from train.corpus import building, pictures
from train.corpus.engines import here, processes
from train.corpus.filters import Settings

SIZE = (800, 640)  # pixels, about what PubMed Central serves


def library(home: Path, count: int) -> Path:
    """So many articles of three figures each."""
    for number in range(count):
        figures = [Fig(f"f{one}", f"f{one}") for one in (1, 2, 3)]
        shown = {f"f{one}.jpg": papers.jpeg(papers.scan(3 * number + one, *SIZE)) for one in (1, 2, 3)}
        papers.folder(home, f"PMC{number}", papers.jats(str(number), figures), shown)
    return home


def speed(count: int) -> list[Row]:
    settings = Settings(batch=max(count // 8, 2))
    with TemporaryDirectory() as name:
        home, out = library(Path(name) / "papers", count), Path(name)

        def seconds(workers: int) -> float:
            start = time.perf_counter()
            report = building.build(home, out / str(workers), settings, processes(workers))
            assert report["kept"] == 3 * count, report
            return time.perf_counter() - start

        start = time.process_time()
        building.build(home, out / "here", settings, here)
        used = time.process_time() - start
        one, two = seconds(1), seconds(2)
        same = (out / "1" / "train-00000.tar").read_bytes() == (out / "2" / "train-00000.tar").read_bytes()
    assert same, "one and two processes made different shards"
    return [
        row("articles a processor second", count / used, "1/s"),
        row("articles a second, one process", count / one, "1/s"),
        row("articles a second, two processes", count / two, "1/s", "one process", count / one),
    ]


def phantoms(each: int) -> list[Image.Image]:
    return [Image.fromarray(render(as_scan(draw(d, seed, "train")))) for d in DOMAINS for seed in range(each)]


def scans(most: int) -> list[Image.Image]:
    """VQA-RAD's pictures, where they are here."""
    home = datasets.data_home() / "vqa_rad" / "images"
    files = sorted(home.glob("*.jpg"))
    return [Image.open(file).convert("RGB") for file in files[:: max(1, len(files) // most)]] if files else []


def rules(each: int) -> list[Row]:
    """How often figures are taken for what they are."""
    charts = [papers.chart(kind, seed) for kind in papers.CHARTS for seed in range(each)]
    drawn, real = phantoms(each), scans(8 * each)
    pairs = [_beside(a, b) for a, b in zip(drawn[::2], drawn[1::2], strict=False)]
    rows = [
        row("charts known as drawings", _share(charts, lambda one: pictures.kind(one) == "drawing"), "of all"),
        row("phantoms taken for drawings", _share(drawn, lambda one: pictures.kind(one) == "drawing"), "of all"),
        row("phantoms taken for several panels", _share(drawn, _several), "of all"),
        row("pairs known as several panels", _share(pairs, _several), "of all"),
    ]
    if real:
        rows += [
            row("VQA-RAD taken for drawings", _share(real, lambda one: pictures.kind(one) == "drawing"), "of all"),
            row("VQA-RAD taken for several panels", _share(real, _several), "of all"),
        ]
    return rows


def _several(image: Image.Image) -> bool:
    return pictures.panels(np.asarray(image)) > 1


def _share(images: list[Image.Image], holds: object) -> float:
    assert callable(holds)
    return sum(bool(holds(image)) for image in images) / len(images)


def _beside(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two pictures of one height with a white band between."""
    right = right.resize((left.height * right.width // right.height, left.height))
    both = Image.new("RGB", (left.width + right.width + 10, left.height), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + 10, 0))
    return both


def copies(count: int) -> list[Row]:
    """What one look costs among so many pictures."""
    seen, rng = Seen(), np.random.default_rng(0)
    for number in range(count):
        seen.add(str(number), rng.bytes(32).hex())
    start = time.process_time()
    for _ in range(20):
        seen.like(rng.bytes(32).hex())
    return [row(f"a look for copies among {count:,}", (time.process_time() - start) / 20 * 1000, "ms")]


def run(smoke: bool) -> list[Row]:
    """Raises AssertionError where shards differ between one and two processes."""
    return [*speed(4 if smoke else 48), *rules(1 if smoke else 16), *copies(1_000 if smoke else 150_000)]
