"""The head in slices (axial at three heights, coronal, sagittal), for CT and MRI alike.

Page units: 100 mm. Axial and coronal slices show the patient's left on the picture's right (x > 0); axial slices have
the face at the top, sagittal ones on the left.
"""

from collections.abc import Sequence

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, Point, bow, ellipse, lobed, lookup, smoothstep, span, stroke
from medvlm.phantoms.fields import noise
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.symmetry import both, depth, mirrored, over

MILLIMETRES = 100.0
_AXIAL = ((0, -0.92), (0.36, -0.83), (0.6, -0.5), (0.69, -0.05), (0.69, 0.3), (0.52, 0.7), (0.25, 0.88), (0, 0.91))
_LOW = ((0, -0.95), (0.3, -0.88), (0.55, -0.55), (0.62, -0.1), (0.66, 0.25), (0.52, 0.66), (0.25, 0.85), (0, 0.88))
_CORONAL = ((0, -0.9), (0.4, -0.8), (0.65, -0.45), (0.71, 0.0), (0.66, 0.4), (0.6, 0.8), (0.56, 1.5), (0, 1.7))
_CORONAL_BRAIN = ((0, -0.76), (0.34, -0.69), (0.55, -0.38), (0.6, 0.02), (0.53, 0.36), (0.32, 0.47), (0.1, 0.36))
_SAGITTAL_BRAIN = (
    (-0.73, 0.0),
    (-0.75, -0.25),
    (-0.6, -0.56),
    (-0.25, -0.76),
    (0.15, -0.79),
    (0.55, -0.61),
    (0.79, -0.2),
    (0.77, 0.06),
    (0.5, 0.12),
    (0.1, 0.1),
    (-0.3, 0.12),
    (-0.55, 0.13),
)


class Brain:
    """How one brain differs from another: skull, folds, ventricles; `atrophy` 0..1 widens the spaces."""

    def __init__(self, rng: np.random.Generator, page: Frame, atrophy: float) -> None:
        self.rng, self.page, self.atrophy = rng, page, atrophy
        self.skin = float(rng.uniform(0.045, 0.08))
        self.bone = float(rng.uniform(0.05, 0.085))
        self.gap = 0.018 + 0.05 * atrophy
        self.ventricle = float(rng.uniform(0.75, 1.25)) * (1 + 0.9 * atrophy)
        self.folds = np.abs(noise(rng, page.shape, float(rng.uniform(0.06, 0.075)) * page.scale))

    def shell(self, layers: Layers, inside: Grey) -> Grey:
        """Scalp, skull with marrow, fluid; returns the depth inside the brain's surface."""
        page = self.page
        layers.lay("scalp", over(page, inside))
        layers.lay("muscle", over(page, inside - self.skin * 0.75) * 0.7)
        layers.lay("skull", over(page, inside - self.skin))
        middle = np.abs(inside - self.skin - self.bone / 2)
        layers.lay("marrow", over(page, self.bone * 0.22 - middle, 2.0))
        layers.lay("csf", over(page, inside - self.skin - self.bone))
        return inside - self.skin - self.bone - self.gap

    def tissue(self, layers: Layers, deep: Grey, seam: Grey | None = None, reach: float = 0.2) -> None:
        """White matter with a folded rim of grey matter and fluid in the folds; `seam`: distance to a midline cleft."""
        page = self.page
        mask = over(page, deep)
        layers.masks["brain"] = mask
        layers.lay("white", mask)
        near = np.minimum(deep, 0.01 + self.folds * 0.075 + np.maximum(deep - reach, 0) * 1.2)
        if seam is not None:
            near = np.minimum(near, seam)
        layers.lay("grey", mask * over(page, 0.055 - near, 1.6))
        layers.lay("csf", mask * over(page, 0.021 + 0.024 * self.atrophy - near, 2.2) * (0.8 + 0.2 * self.atrophy))

    def pair(
        self,
        layers: Layers,
        tissue: str,
        points: Sequence[Point],
        widths: Sequence[float],
        soft: float = 1.5,
        within: bool = True,
    ) -> None:
        """The same stroke on both sides, not quite alike."""
        for sign in (-1, 1):
            shift = float(self.rng.uniform(-0.008, 0.008))
            path = [(sign * x + shift, y + shift) for x, y in points]
            patch = stroke(self.page, path, widths, soft)
            layers.lay(tissue, patch * layers.masks["brain"] if "brain" in layers.masks and within else patch)

    def ovals(self, layers: Layers, tissue: str, x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> None:
        """An oval at x, y (page units) on both sides, not quite alike."""
        for sign in (-1, 1):
            lobes = lobed(self.rng, 0.06)
            layers.lay(tissue, ellipse(self.page, sign * x, y, rx, ry, sign * turn, 1.8, lobes=lobes))


def axial_middle(rng: np.random.Generator, page: Frame, atrophy: float) -> Layers:
    """At the height of the ventricles and basal ganglia."""
    layers, brain = Layers(page), Brain(rng, page, atrophy)
    deep = brain.shell(layers, depth(page, (0, 0), mirrored(_AXIAL)))
    closed = lookup((-0.5, -0.34, -0.2, 0.3, 0.42, 0.55), (0, 0.05, 0.3, 0.3, 0.05, 0), page.y)
    brain.tissue(layers, deep, np.abs(page.x) + closed)
    brain.pair(layers, "grey", [(0.62, -0.12), (0.42, -0.02), (0.4, 0.12)], [0.16, 0.13, 0.06])
    brain.pair(
        layers, "csf", [(0.64, -0.14), (0.44, -0.04), (0.41, 0.1)], [0.05 + 0.05 * atrophy, 0.03 + 0.03 * atrophy, 0.01]
    )
    v = brain.ventricle
    brain.ovals(layers, "deep", 0.15 + 0.03 * v, -0.2, 0.05, 0.12, 0.25)
    brain.ovals(layers, "deep", 0.29, -0.02, 0.075, 0.17, -0.25)
    brain.ovals(layers, "deep", 0.12, 0.12, 0.1, 0.15, 0.35)
    brain.pair(
        layers,
        "csf",
        bow((0.03, -0.08), (0.05, -0.25), (0.05 + 0.09 * v, -0.33), 4),
        [0.04 * v, 0.06 * v, 0.07 * v, 0.06 * v, 0.02],
    )
    brain.pair(
        layers, "csf", bow((0.12, 0.22), (0.28, 0.3), (0.25, 0.55), 4), [0.03 * v, 0.08 * v, 0.1 * v, 0.07 * v, 0.02]
    )
    layers.lay("csf", stroke(page, [(0, 0.0), (0, 0.2)], 0.03 * v, 1.5), ellipse(page, 0, 0.28, 0.05, 0.05, soft=2))
    layers.lay("falx", stroke(page, [(0, -0.8), (0, -0.38)], 0.012), stroke(page, [(0, 0.5), (0, 0.8)], 0.015))
    layers.spots = both(
        {
            "frontal lobe": (0.33, -0.5),
            "basal ganglia": (0.28, 0.0),
            "temporal lobe": (0.48, 0.2),
            "occipital lobe": (0.3, 0.58),
        }
    )
    return layers


def axial_high(rng: np.random.Generator, page: Frame, atrophy: float) -> Layers:
    """Above or at the roof of the ventricles."""
    layers, brain = Layers(page), Brain(rng, page, atrophy)
    points = [(x * 0.95, y * 0.95) for x, y in _AXIAL]
    deep = brain.shell(layers, depth(page, (0, 0), mirrored(points)))
    roof = rng.random() < 0.6
    closed = lookup((-0.4, -0.28, 0.28, 0.4), (0, 0.12, 0.12, 0), page.y) if roof else np.zeros(page.shape)
    brain.tissue(layers, deep, np.abs(page.x) + closed)
    if roof:
        v = brain.ventricle
        brain.pair(
            layers,
            "csf",
            bow((0.07, -0.3), (0.04 + 0.06 * v, 0.0), (0.12 + 0.04 * v, 0.34), 4),
            [0.03, 0.07 * v, 0.075 * v, 0.08 * v, 0.03],
        )
    layers.lay("falx", stroke(page, [(0, -0.8), (0, 0.8)] if not roof else [(0, -0.8), (0, -0.3)], 0.012))
    layers.spots = both({"frontal lobe": (0.3, -0.42), "parietal lobe": (0.36, 0.22)})
    return layers


def axial_low(rng: np.random.Generator, page: Frame, atrophy: float) -> Layers:
    """Through the eyes, the temporal lobes and the cerebellum."""
    layers, brain = Layers(page), Brain(rng, page, atrophy)
    deep = brain.shell(layers, depth(page, (0, 0), mirrored(_LOW)))
    back = smoothstep((page.y + 0.33 - 0.5 * np.abs(page.x) + 0.15) * 12)
    layers.lay("skull", over(page, deep) * (1 - back))
    deep = np.minimum(deep, (page.y + 0.27 - 0.25 * np.abs(page.x)) * 0.8)
    brain.tissue(layers, deep)
    layers.lay("fat", ellipse(page, -0.3, -0.62, 0.2, 0.2, soft=2), ellipse(page, 0.3, -0.62, 0.2, 0.2, soft=2))
    brain.pair(layers, "muscle", [(0.33, -0.5), (0.2, -0.35)], [0.04, 0.05])
    brain.ovals(layers, "eye", 0.3, -0.72, 0.115, 0.12)
    brain.ovals(layers, "sinus", 0.07, -0.62, 0.05, 0.2)
    layers.lay("sinus", ellipse(page, 0.0, -0.35, 0.12, 0.07, soft=2))
    layers.lay("muscle", stroke(page, [(0, -0.85), (0, -0.42)], 0.02))
    brain.pair(layers, "skull", [(0.6, 0.22), (0.4, 0.14), (0.17, 0.02)], [0.2, 0.16, 0.05], 2.5, False)
    brain.ovals(layers, "sinus", 0.5, 0.22, 0.07, 0.05)
    layers.lay("csf", ellipse(page, 0, 0.1, 0.22, 0.14, soft=2))
    layers.lay("white", ellipse(page, 0, 0.14, 0.14, 0.13, soft=2))
    _folia(rng, layers, ellipse(page, 0, 0.5, 0.5, 0.29, soft=2).full(page.shape), (0.0, 0.25))
    layers.lay("csf", ellipse(page, 0, 0.3, 0.06, 0.05 * brain.ventricle, soft=2))
    layers.spots = both({"cerebellum": (0.25, 0.5), "temporal lobe": (0.43, -0.03)})
    return layers


def _folia(rng: np.random.Generator, layers: Layers, mask: Grey, middle: Point) -> None:
    """The cerebellum: fine parallel folds round a pale core."""
    page = layers.page
    away = np.sqrt((page.x - middle[0]) ** 2 + 1.6 * (page.y - middle[1]) ** 2) + 0.02 * noise(rng, page.shape, 14)
    fold = np.abs((away / 0.06) % 1.0 - 0.5) * 2
    layers.masks["brain"] = np.maximum(layers.masks["brain"], mask)
    layers.lay("grey", mask)
    layers.lay("white", mask * 0.5 * smoothstep((0.3 - away) * 6))
    layers.lay("csf", mask * 0.4 * np.clip((fold - 0.6) * 2.5, 0, 1) * smoothstep((away - 0.1) * 8))


def coronal(rng: np.random.Generator, page: Frame, atrophy: float) -> Layers:
    """Through the ventricles, temporal lobes and brain stem, down to the jaw."""
    layers, brain = Layers(page), Brain(rng, page, atrophy)
    inside = depth(page, (0, 0), mirrored(_CORONAL))
    surface = depth(page, (0, -0.1), [*mirrored(_CORONAL_BRAIN), (0.0, 0.3)]) + 0.01
    layers.lay("scalp", over(page, inside))
    layers.lay("muscle", over(page, inside - 0.05) * smoothstep((page.y - 0.1) * 6))
    _below(rng, layers)
    layers.lay("skull", over(page, np.minimum(surface + brain.gap + brain.bone, inside - brain.skin * 0.5)))
    layers.lay("marrow", over(page, brain.bone * 0.25 - np.abs(surface + brain.gap + brain.bone / 2), 2.0))
    layers.lay("csf", over(page, surface + brain.gap))
    closed = lookup((-0.45, -0.28, 0.3), (0, 0.2, 0.3), page.y)
    brain.tissue(layers, surface, np.abs(page.x) + closed)
    brain.pair(layers, "grey", [(0.6, 0.02), (0.42, 0.04), (0.36, -0.08)], [0.17, 0.14, 0.05])
    brain.pair(layers, "csf", [(0.62, 0.02), (0.42, 0.05), (0.37, -0.05)], [0.05 + 0.05 * atrophy, 0.035, 0.01])
    brain.ovals(layers, "deep", 0.14, -0.02, 0.1, 0.09)
    brain.ovals(layers, "deep", 0.27, -0.02, 0.06, 0.12, 0.3)
    v = brain.ventricle
    brain.pair(
        layers,
        "csf",
        bow((0.02, -0.12), (0.06, -0.26), (0.06 + 0.11 * v, -0.24), 3),
        [0.05 * v, 0.08 * v, 0.08 * v, 0.02],
    )
    brain.pair(layers, "csf", [(0.38, 0.26), (0.44, 0.3)], [0.02, 0.04 * v])
    layers.lay("csf", stroke(page, [(0, -0.03), (0, 0.16)], 0.03 * v, 1.5), ellipse(page, 0, 0.4, 0.2, 0.2, soft=3))
    layers.lay("white", stroke(page, [(0, 0.22), (0, 0.38), (0, 0.75)], [0.16, 0.24, 0.12], 2))
    if rng.random() < 0.5:
        for sign in (-1, 1):
            _folia(
                rng,
                layers,
                ellipse(page, sign * 0.24, 0.5, 0.22, 0.14, sign * -0.25, 2).full(page.shape),
                (sign * 0.1, 0.5),
            )
    layers.lay("falx", stroke(page, [(0, -0.78), (0, -0.34)], 0.012))
    layers.spots = both({"frontal lobe": (0.32, -0.42), "basal ganglia": (0.26, -0.03), "temporal lobe": (0.42, 0.27)})
    return layers


def _below(rng: np.random.Generator, layers: Layers) -> None:
    """Soft parts under a coronal brain: chewing muscles, fat, throat, jaw."""
    page = layers.page
    for sign in (-1, 1):
        layers.lay("fat", ellipse(page, sign * 0.33, 0.85, 0.16, 0.3, soft=5, lobes=lobed(rng, 0.2)))
        layers.lay("muscle", ellipse(page, sign * 0.3, 0.82, 0.09, 0.22, sign * 0.2, 3))
        layers.lay("skull", ellipse(page, sign * 0.5, 0.85, 0.035, 0.25, soft=2))
    layers.lay("sinus", ellipse(page, 0, 0.68, 0.13, 0.07, soft=2), ellipse(page, 0, 0.98, 0.08, 0.13, soft=2))
    layers.lay("muscle", ellipse(page, 0, 1.25, 0.3, 0.14, soft=3))


def sagittal(rng: np.random.Generator, page: Frame, atrophy: float) -> Layers:
    """The midline: corpus callosum, brain stem, cerebellum, the face's profile, the upper neck."""
    layers, brain = Layers(page), Brain(rng, page, atrophy)
    surface = _profile(layers, brain)
    layers.lay("csf", stroke(page, [(0, 0.05), (0.02, 0.35), (0.12, 0.65), (0.18, 1.6)], [0.3, 0.34, 0.2, 0.16], 2))
    brain.tissue(layers, surface, reach=float(rng.uniform(0.25, 0.5)))
    v = brain.ventricle
    layers.lay("csf", stroke(page, bow((-0.22, -0.05), (-0.02, -0.38), (0.2, -0.08), 6), 0.1 * v, 2))
    body = [
        *bow((-0.24, 0.0), (-0.42, -0.22), (-0.12, -0.27), 4),
        *bow((-0.12, -0.27), (0.2, -0.33), (0.27, -0.08), 4)[1:],
    ]
    layers.lay("white", stroke(page, body, [0.04, 0.06, 0.075, 0.065, 0.055, 0.055, 0.06, 0.075, 0.08], 1.5))
    layers.lay("deep", ellipse(page, 0.02, -0.03, 0.14, 0.09, 0.1, 2))
    layers.lay("csf", ellipse(page, 0.28, 0.06, 0.1, 0.05, soft=2))
    _stem_and_cerebellum(rng, layers)
    layers.spots = {
        (None, "frontal lobe"): (-0.5, -0.3),
        (None, "parietal lobe"): (0.3, -0.5),
        (None, "occipital lobe"): (0.6, -0.1),
        (None, "cerebellum"): (0.42, 0.35),
        (None, "brainstem"): (0.0, 0.28),
    }
    return layers


def _profile(layers: Layers, brain: Brain) -> Grey:
    """Scalp, face and skull, with the fluid that fills the skull; returns the depth inside the brain."""
    page = layers.page
    ys = (-0.96, -0.9, -0.75, -0.5, -0.2, 0.0, 0.15, 0.34, 0.42, 0.54, 0.63, 0.85, 0.96, 1.05, 1.6)
    fronts = (-0.1, -0.42, -0.68, -0.84, -0.89, -0.86, -0.92, -1.07, -0.96, -0.98, -0.92, -0.9, -0.8, -0.42, -0.36)
    backs = (0.15, 0.45, 0.68, 0.85, 0.93, 0.94, 0.9, 0.8, 0.74, 0.68, 0.64, 0.6, 0.6, 0.6, 0.66)
    layers.lay("scalp", span(page, ys, fronts, backs, 1.5))
    surface = depth(page, (0.0, -0.2), _SAGITTAL_BRAIN)
    _face(layers)
    layers.lay("skull", over(page, surface + brain.gap + brain.bone))
    layers.lay("marrow", over(page, brain.bone * 0.28 - np.abs(surface + brain.gap + brain.bone / 2), 2.0))
    layers.lay("skull", ellipse(page, 0.4, 0.34, 0.39, 0.35, soft=2))
    layers.lay("csf", ellipse(page, 0.4, 0.34, 0.34, 0.3, soft=2), over(page, surface + brain.gap))
    layers.lay("marrow", stroke(page, [(-0.14, 0.18), (0.0, 0.5)], [0.16, 0.1], 2))
    return surface


def _stem_and_cerebellum(rng: np.random.Generator, layers: Layers) -> None:
    page = layers.page
    stem = [(0.04, 0.08), (0.03, 0.28), (0.09, 0.5), (0.13, 0.7), (0.19, 1.6)]
    layers.lay("white", stroke(page, stem, [0.14, 0.2, 0.13, 0.09, 0.085], 2))
    layers.lay("white", ellipse(page, -0.02, 0.27, 0.11, 0.13, soft=2))
    _folia(rng, layers, ellipse(page, 0.42, 0.34, 0.27, 0.21, -0.2, 2).full(page.shape), (0.2, 0.32))
    layers.masks["brain"] = np.maximum(layers.masks["brain"], ellipse(page, 0.03, 0.3, 0.13, 0.2).full(page.shape))
    layers.lay("csf", stroke(page, [(0.14, 0.2), (0.2, 0.33), (0.15, 0.46)], [0.02, 0.07, 0.01], 1.5))


def _face(layers: Layers) -> None:
    """Nose and sinuses, tongue, jaw, throat and the upper neck's vertebrae, seen from the side."""
    page = layers.page
    layers.lay(
        "muscle", ellipse(page, -0.45, 0.55, 0.4, 0.4, soft=6), stroke(page, [(0.45, 0.65), (0.5, 1.6)], 0.22, 5)
    )
    layers.lay(
        "sinus", ellipse(page, -0.78, -0.12, 0.04, 0.09, soft=1.5), ellipse(page, -0.28, 0.22, 0.12, 0.08, soft=2)
    )
    layers.lay("fat", stroke(page, [(-0.7, 0.3), (-0.35, 0.28)], 0.05, 2))
    layers.lay("sinus", stroke(page, [(-0.82, 0.37), (-0.35, 0.36)], [0.06, 0.1], 2))
    layers.lay("sinus", stroke(page, [(-0.3, 0.36), (-0.2, 0.6), (-0.17, 1.6)], [0.1, 0.07, 0.09], 2))
    layers.lay("skull", stroke(page, [(-0.8, 0.45), (-0.35, 0.44)], 0.04, 1.5))
    layers.lay("muscle", ellipse(page, -0.52, 0.66, 0.27, 0.17, soft=3))
    layers.lay("skull", ellipse(page, -0.8, 0.82, 0.06, 0.09, soft=2))
    layers.lay("marrow", ellipse(page, -0.8, 0.82, 0.035, 0.06, soft=2))
    for k in range(5):
        y, x = 0.62 + 0.2 * k, 0.02 + 0.035 * k
        layers.lay("skull", ellipse(page, x, y, 0.095, 0.085, 0.1, 1.5, 4))
        layers.lay("marrow", ellipse(page, x, y, 0.08, 0.07, 0.1, 1.5, 4))
        layers.lay("skull", stroke(page, [(x + 0.26, y + 0.03), (x + 0.4, y + 0.08)], 0.05, 2))
