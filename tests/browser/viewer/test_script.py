"""The script's own functions in Chromium: greys, planes and measurements against numpy."""

import base64
import shutil
import subprocess
from dataclasses import asdict
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from medvlm.imaging.window import to_grey
from medvlm.page.handout import packed
from medvlm.paths import ASSETS
from medvlm.types import VoiFunction, Window


def windows(random: np.random.Generator) -> list[Window]:
    functions: tuple[VoiFunction, ...] = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
    made = [Window(1, 40), Window(1.5, -3.25), Window(1e-3, 0, "LINEAR_EXACT"), Window(65536, 0), Window(4096, 2047.5)]
    for function in functions:
        for _ in range(4):
            width = float(np.exp(random.uniform(np.log(2), np.log(20000))))
            made.append(Window(width, float(random.uniform(-3000, 6000)), function))
    return made


PAINT = """async (cases) => {
  const [{ Painter }, { decoded }] = await Promise.all([import('/viewer/grey.js'), import('/viewer/pixels.js')]);
  return cases.map(([text, window, inverted]) => {
    const picture = decoded(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    const part = { left: 0, top: 0, right: picture.columns, bottom: picture.rows };
    const out = new Uint32Array(picture.columns * picture.rows);
    new Painter().paint(picture, window, inverted, out, part);
    return btoa(String.fromCharCode(...out.map((colour) => colour & 255)));
  });
}"""


def test_grey_values_are_pythons_for_every_formula_and_kind_of_number(page: Page) -> None:
    random = np.random.default_rng(3)
    cases, wanted = [], []
    for kind in ("u1", "i2", "u2", "i4", "f4", "f8"):
        low, high = {"u1": (0, 256), "u2": (0, 65536)}.get(kind, (-32768, 32768))
        for number, window in enumerate(windows(random)):
            near = np.clip(random.normal(window.level, window.width, (12, 24)), low, high - 1)
            pixels = np.where(random.random((12, 24)) < 0.7, near, random.uniform(low, high - 1, (12, 24))).astype(kind)
            grey = to_grey(pixels, window)
            wanted.append(255 - grey if number % 2 else grey)
            cases.append([base64.b64encode(packed(pixels)).decode(), asdict(window), bool(number % 2)])
    painted = page.evaluate(PAINT, cases)
    for (_, window, inverted), text, grey in zip(cases, painted, wanted, strict=True):
        apart = np.abs(np.frombuffer(base64.b64decode(text), np.uint8).reshape(grey.shape).astype(int) - grey)
        assert apart.max() <= 1 and (apart > 0).mean() < 0.02, (window, inverted)


PLANES = """async (grids) => {
  const m = await import('/viewer/geometry.js');
  return grids.map((grid) => m.planesOf(grid).map((plane) => {
    const lays = [m.UPRIGHT, ...Object.values(m.TURNS)];
    return [plane.name, lays.map((turn) => m.edges(m.after(turn, plane.base), plane.letters))];
  }));
}"""


def test_every_way_a_volume_can_lie_is_shown_the_way_radiologists_look(page: Page) -> None:
    axes = [np.eye(3)[n] * sign for n in range(3) for sign in (1, -1)]
    pairs = [(a, b) for a, b in permutations(axes, 2) if a @ b == 0]
    grids = [
        {
            **{"columns": 8, "rows": 9, "slices": 4, "spacing": {"row": 1, "column": 1, "between": 2}, "volume": True},
            "placement": {
                **{"across": a.tolist(), "down": b.tolist(), "step": (2 * sign * np.cross(a, b)).tolist()},
                "positions": [[0, 0, 0]],
            },
        }
        for (a, b), sign in product(pairs, (1, -1))
    ]
    assert len(grids) == 48
    conventions = {"axial": ("A", "L", "P", "R"), "coronal": ("H", "L", "F", "R"), "sagittal": ("H", "P", "F", "A")}
    for shown in page.evaluate(PLANES, grids):
        assert {name for name, _ in shown} == set(conventions)
        for name, turns in shown:
            top, right, bottom, left = conventions[name]
            seen = [(one["top"], one["right"], one["bottom"], one["left"]) for one in turns]
            assert seen == [
                (top, right, bottom, left),
                (left, top, right, bottom),
                (right, bottom, left, top),
                (top, left, bottom, right),
                (bottom, right, top, left),
            ]


MEASURES = """async ([text, ellipses, plane]) => {
  const [m, { decoded }] = await Promise.all([import('/viewer/measure.js'), import('/viewer/pixels.js')]);
  const picture = decoded(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  return ellipses.map(([from, to]) => [
    m.found('ellipse', [from, to], plane, picture), m.distance(plane, from, to), m.angle(plane, from, to, [0, 0]),
  ]);
}"""


LINKED = """async (shift) => {
  const { atFirst, worldOf } = await import('/viewer/state.js');
  const scan = (height) => ({
    columns: 8, rows: 8, slices: 10, start: 5, presets: [], window: { width: 400, level: 40, function: 'LINEAR' },
    spacing: { row: 1, column: 1, between: 3 }, volume: true,
    placement: { across: [1, 0, 0], down: [0, 1, 0], positions: [[0, 0, height]], step: [0, 0, 3] },
  });
  return atFirst(worldOf([scan(0), scan(shift)]), 'window').linked;
}"""


def test_two_scans_scroll_together_from_the_start_only_where_they_lie_at_the_same_places(page: Page) -> None:
    assert [page.evaluate(LINKED, shift) for shift in (0, 12, -10, 19, -20, 500)] == [True] * 3 + [False] * 3


def test_ellipses_distances_and_angles_are_what_numpy_says(page: Page) -> None:
    random = np.random.default_rng(5)
    pixels = random.normal(1000, 300, (40, 60)).astype(np.float32)
    ellipses = random.uniform((0, 0), (60, 40), (20, 2, 2))
    plane = {"metric": [0.7, 0, 1.3], "calibrated": True}
    text = base64.b64encode(packed(pixels)).decode()
    y, x = np.mgrid[:40, :60] + 0.5
    results = page.evaluate(MEASURES, [text, ellipses.tolist(), plane])
    for ((x0, y0), (x1, y1)), (what, distance, angle) in zip(ellipses, results, strict=True):
        a, b = abs(x1 - x0) / 2, abs(y1 - y0) / 2
        inside = pixels[((x - (x0 + x1) / 2) / a) ** 2 + ((y - (y0 + y1) / 2) / b) ** 2 <= 1].astype(float)
        assert what["value"] == pytest.approx(np.pi * a * b * 0.7 * 1.3) and what["unit"] == "mm²"
        assert what.get("pixels", 0) == len(inside)
        if not len(inside):
            continue
        assert (what["mean"], what["deviation"]) == pytest.approx((inside.mean(), inside.std()))
        assert (what["least"], what["most"]) == pytest.approx((inside.min(), inside.max()))
        assert distance == pytest.approx(np.hypot(0.7 * (x1 - x0), 1.3 * (y1 - y0)))
        u, v = np.array([x0 - x1, y0 - y1]) * (0.7, 1.3), np.array([-x1, -y1]) * (0.7, 1.3)
        cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
        assert angle == pytest.approx(np.degrees(np.arccos(np.clip(cosine, -1, 1))), abs=1e-4)


def test_the_script_is_sound_as_far_as_types_can_say(tmp_path: Path) -> None:
    checker = shutil.which("tsc")
    if checker is None:
        pytest.skip("no tsc on the path: npm install --global typescript")
    options = "--strict --checkJs --allowJs --noEmit --target es2022 --module es2022 --moduleResolution bundler"
    libraries = ["--lib", "es2023,dom,dom.iterable"]
    command = [checker, *options.split(), *libraries, str(ASSETS / "viewer" / "mount.js")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
