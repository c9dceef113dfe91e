"""The kinds of MRI slices: what each may show, in which sequences, and what training never sees of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medvlm.phantoms import heads, knee, spine
from medvlm.phantoms.canvas import Frame
from medvlm.phantoms.cases import Choices, HeldOut
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.truth import Side

SEQUENCES = ("T1", "T2", "FLAIR", "DWI", "T1 with contrast")
_NO_DWI, _JOINT = ("T1", "T2", "FLAIR", "T1 with contrast"), ("T1", "T2")
_Anatomy = Callable[[np.random.Generator, Frame, float], Layers]
_SIDES: tuple[Side | None, ...] = ("left", "right")
_PLACES = ("frontal lobe", "temporal lobe", "basal ganglia", "occipital lobe")


@dataclass(frozen=True, slots=True)
class View:
    """One kind of slice. `reach`: half the picture's height and width, in page units, when it just holds the anatomy;
    `middle`: the row of the page's origin, as a fraction of the height; `weight`: how often it is drawn."""

    region: str
    organ: str
    plane: str
    anatomy: _Anatomy
    choices: dict[str, Choices]
    sequences: tuple[str, ...]
    millimetres: float
    reach: tuple[float, float]
    middle: float = 0.5
    weight: float = 1.0


def _in_brain(sides: tuple[Side | None, ...], places: tuple[str, ...], most: int = 3) -> dict[str, Choices]:
    return {"lesion": Choices(sides, places, most), "mass": Choices(sides, places), "atrophy": Choices(("both",))}


def _plain(draw: Callable[[np.random.Generator, Frame], Layers]) -> _Anatomy:
    """Anatomy that knows no atrophy."""
    return lambda rng, page, atrophy: draw(rng, page)


_MIDLINE = ("frontal lobe", "parietal lobe", "occipital lobe", "cerebellum", "brainstem")
_KNEE = {"effusion": Choices((None,), ("joint",)), "lesion": Choices((None,), ("femur", "tibia"))}
_KNEE_SAGITTAL = {**_KNEE, "mass": Choices((None,), ("behind the knee",))}
_SPINE_SAGITTAL = {
    "disc herniation": Choices((None,), ("upper lumbar spine", "lower lumbar spine")),
    "lesion": Choices((None,), ("upper vertebra", "lower vertebra")),
    "mass": Choices((None,), ("spinal canal",)),
}
_SPINE_AXIAL = {
    "disc herniation": Choices(_SIDES, ("spinal canal",)),
    "lesion": Choices(_SIDES, ("vertebra",)),
    "mass": Choices(_SIDES, ("back muscle",)),
}
_HIGH, _LOW = ("frontal lobe", "parietal lobe"), ("cerebellum", "temporal lobe")
# fmt: off
VIEWS = (
    View("brain", "brain", "axial", heads.axial_middle, _in_brain(_SIDES, _PLACES), SEQUENCES,
         heads.MILLIMETRES, (1.0, 0.8), weight=2.2),
    View("brain", "brain", "axial", heads.axial_high, _in_brain(_SIDES, _HIGH), SEQUENCES,
         heads.MILLIMETRES, (1.0, 0.8)),
    View("brain", "brain", "axial", heads.axial_low, _in_brain(_SIDES, _LOW, 2), SEQUENCES[:3],
         heads.MILLIMETRES, (1.02, 0.8)),
    View("brain", "brain", "coronal", heads.coronal, _in_brain(_SIDES, _PLACES[:3]), _NO_DWI,
         heads.MILLIMETRES, (1.02, 0.85), 0.43, 1.7),
    View("brain", "brain", "sagittal", heads.sagittal, _in_brain((None,), _MIDLINE, 1), _NO_DWI,
         heads.MILLIMETRES, (1.1, 1.05), 0.44, 1.7),
    View("knee", "knee joint", "sagittal", _plain(knee.knee_sagittal), _KNEE_SAGITTAL, _JOINT,
         knee.MILLIMETRES, (1.15, 1.0), weight=1.3),
    View("knee", "knee joint", "coronal", _plain(knee.knee_coronal), _KNEE, _JOINT,
         knee.MILLIMETRES, (1.1, 0.95), weight=1.2),
    View("spine", "spine", "sagittal", _plain(spine.spine_sagittal), _SPINE_SAGITTAL, _JOINT,
         spine.MILLIMETRES, (1.25, 1.0), weight=1.5),
    View("spine", "spine", "axial", _plain(spine.spine_axial), _SPINE_AXIAL, _JOINT,
         spine.MILLIMETRES, (1.0, 1.2), weight=1.2),
)
# fmt: on
HELD_OUT = HeldOut(
    frozenset(
        {
            ("lesion", "left", "frontal lobe"),
            ("lesion", "right", "temporal lobe"),
            ("mass", "right", "basal ganglia"),
            ("mass", "left", "occipital lobe"),
            ("lesion", None, "tibia"),
            ("mass", None, "parietal lobe"),
            ("disc herniation", None, "upper lumbar spine"),
        }
    ),
    {"mass": (0.45, 0.6), "effusion": (0.4, 0.6), "atrophy": (0.4, 0.6), "disc herniation": (0.4, 0.6)},
    {"lesion": (0.4, 0.55)},
)
