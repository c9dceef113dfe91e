"""General pictures for the base projector: shapes and textures, with what a layperson would say of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIZE = 256
COLOURS = {
    "white": (240, 240, 240), "light grey": (185, 185, 185), "dark grey": (75, 75, 75), "black": (12, 12, 12),
    "red": (200, 40, 40), "brown": (120, 75, 40), "yellow": (225, 200, 60), "green": (60, 150, 70),
    "blue": (50, 80, 190), "purple": (130, 60, 150), "pink": (235, 160, 185),
}  # fmt: skip
GREYS = ("white", "light grey", "dark grey", "black")
SHAPES = ("circle", "oval", "square", "triangle", "ring", "line")
ROWS, COLUMNS = ("upper", "middle", "lower"), ("left", "centre", "right")
SIZES = {"small": 22, "medium-sized": 38, "large": 58}


@dataclass(frozen=True, slots=True)
class Shape:
    kind: str
    colour: str
    size: str
    row: int
    column: int

    @property
    def place(self) -> str:
        """Where it is, from the viewer's left and right."""
        row, column = ROWS[self.row], COLUMNS[self.column]
        if (row, column) == ("middle", "centre"):
            return "in the middle"
        return f"on the {column}" if row == "middle" else f"at the {row} {column}"

    @property
    def words(self) -> str:
        article = "an" if f"{self.size} {self.colour}"[0] in "aeiou" else "a"
        return f"{article} {self.size} {self.colour} {self.kind}"


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and short questions about it with their answers."""

    image: Image.Image
    asked: tuple[tuple[str, str], ...]


def draw(seed: int) -> Scene:
    """One scene; the same seed gives the same scene."""
    rng = np.random.default_rng([7, seed])
    palette = GREYS if rng.random() < 0.5 else tuple(COLOURS)
    background, texture = (
        str(rng.choice(palette)),
        str(rng.choice(["plain", "plain", "striped", "speckled", "chequered"])),
    )
    image = Image.fromarray(_background(background, texture, rng))
    shapes = _shapes(rng, [c for c in palette if c != background])
    canvas = ImageDraw.Draw(image)
    for shape in shapes:
        _put(canvas, shape, rng)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2.5))))
    return Scene(image, _asked(background, texture, shapes, rng))


def _background(colour: str, texture: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    y, x = np.mgrid[:SIZE, :SIZE]
    period = rng.integers(12, 40)
    pattern = {
        "plain": np.zeros((SIZE, SIZE)),
        "striped": (x if rng.random() < 0.5 else y) // period % 2,
        "speckled": (rng.random((SIZE // 4, SIZE // 4)) < 0.25).repeat(4, 0).repeat(4, 1),
        "chequered": (x // period + y // period) % 2,
    }[texture]
    base = np.array(COLOURS[colour], dtype=np.float64)
    away = 45.0 if base.mean() < 128 else -45.0
    noise = rng.normal(0, rng.uniform(1, 8), (SIZE, SIZE, 1))
    pixels: NDArray[np.uint8] = np.clip(base + pattern[..., None] * away + noise, 0, 255).round().astype(np.uint8)
    return pixels


def _shapes(rng: np.random.Generator, colours: list[str]) -> list[Shape]:
    cells = rng.permutation(9)[: int(rng.integers(0, 4))]
    return [
        Shape(str(rng.choice(SHAPES)), str(rng.choice(colours)), str(rng.choice(list(SIZES))), int(c) // 3, int(c) % 3)
        for c in cells
    ]


def _put(canvas: ImageDraw.ImageDraw, shape: Shape, rng: np.random.Generator) -> None:
    r = SIZES[shape.size] * 0.75
    x = (shape.column + 0.5) * SIZE / 3 + rng.uniform(-12, 12)
    y = (shape.row + 0.5) * SIZE / 3 + rng.uniform(-12, 12)
    colour = COLOURS[shape.colour]
    match shape.kind:
        case "circle":
            canvas.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        case "oval":
            canvas.ellipse((x - r, y - r * 0.55, x + r, y + r * 0.55), fill=colour)
        case "square":
            canvas.rectangle((x - r, y - r, x + r, y + r), fill=colour)
        case "triangle":
            canvas.polygon(((x, y - r), (x - r, y + r), (x + r, y + r)), fill=colour)
        case "ring":
            canvas.ellipse((x - r, y - r, x + r, y + r), outline=colour, width=max(4, int(r / 4)))
        case _:
            canvas.line((x - r, y + r, x + r, y - r), fill=colour, width=max(4, int(r / 5)))


def _asked(background: str, texture: str, shapes: list[Shape], rng: np.random.Generator) -> tuple[tuple[str, str], ...]:
    ground = f"a {texture} {background} background" if texture != "plain" else f"a {background} background"
    what = " and ".join(f"{s.words} {s.place}" for s in shapes) or "nothing"
    describe = str(rng.choice(["Describe the picture.", "What do you see?", "What does this picture show?"]))
    asked = [
        (describe, f"{what[0].upper()}{what[1:]} on {ground}."),
        ("What is the background like?", f"It is {ground}."),
    ]
    asked.append(("How many shapes are there?", f"{('None', 'One', 'Two', 'Three')[len(shapes)]}."))
    for shape in shapes[:2]:
        same = [s for s in shapes if s.kind == shape.kind]
        if len(same) == 1:
            asked.append((f"Where is the {shape.kind}?", f"It is {shape.place}."))
            asked.append((f"What colour is the {shape.kind}?", f"It is {shape.colour}."))
    return tuple(asked)
