"""The kinds of CT slices: what each may show, how large a picture holds it, and what training never sees of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from medvlm.phantoms import bodies, heads, torsos
from medvlm.phantoms.canvas import Frame
from medvlm.phantoms.cases import Choices, HeldOut
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.truth import Side

_Anatomy = Callable[[np.random.Generator, Frame], Layers]
_SIDES: tuple[Side | None, ...] = ("left", "right")
_BRAIN = ("frontal lobe", "temporal lobe", "basal ganglia", "occipital lobe")
_HEAD_AXIAL = {name: Choices(_SIDES, _BRAIN) for name in ("bleed", "infarct", "mass")} | {
    "fracture": Choices(_SIDES, ("skull",))
}
_HEAD_HIGH = {name: Choices(_SIDES, ("frontal lobe", "parietal lobe")) for name in ("bleed", "infarct", "mass")} | {
    "fracture": Choices(_SIDES, ("skull",))
}
_HEAD_LOW = {name: Choices(_SIDES, ("cerebellum", "temporal lobe")) for name in ("bleed", "infarct", "mass")}
_HEAD_CORONAL = {name: Choices(_SIDES, _BRAIN[:3]) for name in ("bleed", "infarct", "mass")} | {
    "fracture": Choices(_SIDES, ("skull",))
}
_HEAD_SAGITTAL = {
    name: Choices((None,), ("frontal lobe", "parietal lobe", "occipital lobe", "cerebellum"))
    for name in ("bleed", "infarct", "mass")
}
_CHEST_AXIAL = {
    "nodule": Choices(_SIDES, ("anterior", "posterior"), most=3),
    "mass": Choices(_SIDES, ("anterior", "posterior")),
    "emphysema": Choices(("both",)),
    "pleural effusion": Choices(_SIDES, ("posterior",)),
}
_CHEST_CORONAL = {
    "nodule": Choices(_SIDES, ("upper lobe", "lower lobe"), most=3),
    "mass": Choices(_SIDES, ("upper lobe", "lower lobe")),
    "emphysema": Choices(("both",)),
    "pleural effusion": Choices(_SIDES, ("base",)),
}
_CHEST_SAGITTAL = {
    "nodule": Choices((None,), ("anterior", "posterior"), most=2),
    "mass": Choices((None,), ("anterior", "posterior")),
    "emphysema": Choices(),
    "fracture": Choices((None,), ("thoracic spine",)),
}
_ABDOMEN = {
    "mass": Choices(_SIDES, ("organ", "kidney")),
    "kidney stone": Choices(_SIDES, ("kidney",), most=2),
    "gallstone": Choices((None,), ("gallbladder",), most=2),
    "free fluid": Choices(_SIDES, ("flank",)),
}
_ABDOMEN_SAGITTAL = {
    "mass": Choices((None,), ("liver",)),
    "free fluid": Choices((None,), ("pelvis",)),
    "fracture": Choices((None,), ("lumbar spine",)),
}
HELD_OUT = HeldOut(
    frozenset(
        {
            ("bleed", "left", "temporal lobe"),
            ("infarct", "right", "frontal lobe"),
            ("mass", "right", "occipital lobe"),
            ("mass", "left", "kidney"),
            ("nodule", "right", "posterior"),
            ("nodule", "left", "lower lobe"),
            ("mass", None, "anterior"),
        }
    ),
    {
        "bleed": (0.45, 0.6),
        "kidney stone": (0.4, 0.6),
        "free fluid": (0.4, 0.55),
        "gallstone": (0.4, 0.6),
        "pleural effusion": (0.4, 0.6),
    },
    {"infarct": (0.4, 0.6), "fracture": (0.3, 0.5), "emphysema": (0.4, 0.6)},
)


@dataclass(frozen=True, slots=True)
class View:
    """One kind of slice. `reach`: half the picture's height and width, in page units, when it just holds the anatomy;
    `middle`: the row of the page's origin, as a fraction of the height."""

    region: str
    organ: str
    plane: str
    choices: dict[str, Choices]
    anatomy: _Anatomy
    millimetres: float
    reach: tuple[float, float]
    middle: float = 0.5


def _aged(slice_of: Callable[[np.random.Generator, Frame, float], Layers], most: float) -> _Anatomy:
    """A head with an atrophy of 0 to `most`, the less the likelier."""
    return lambda rng, page: slice_of(rng, page, most * float(rng.random()) ** 2)


# fmt: off
_ALL = (
    View("head", "brain", "axial", _HEAD_AXIAL, _aged(heads.axial_middle, 0.6), heads.MILLIMETRES, (1.0, 0.8)),
    View("head", "brain", "coronal", _HEAD_CORONAL, _aged(heads.coronal, 0.6), heads.MILLIMETRES, (1.02, 0.85), 0.44),
    View("head", "brain", "sagittal", _HEAD_SAGITTAL, _aged(heads.sagittal, 0.5), heads.MILLIMETRES, (1.1, 1.05), 0.44),
    View("chest", "lungs", "axial", _CHEST_AXIAL, bodies.chest_axial, bodies.MILLIMETRES, (0.95, 1.2)),
    View("chest", "lungs", "coronal", _CHEST_CORONAL, partial(torsos.torso_coronal, chest=True),
         bodies.MILLIMETRES, (1.25, 1.15), 0.58),
    View("chest", "lungs", "sagittal", _CHEST_SAGITTAL, partial(torsos.torso_sagittal, chest=True),
         bodies.MILLIMETRES, (1.2, 0.95), 0.58),
    View("abdomen", "liver", "axial", _ABDOMEN, bodies.abdomen_axial, bodies.MILLIMETRES, (0.9, 1.2)),
    View("abdomen", "liver", "coronal", _ABDOMEN, partial(torsos.torso_coronal, chest=False),
         bodies.MILLIMETRES, (1.2, 1.12), 0.56),
    View("abdomen", "liver", "sagittal", _ABDOMEN_SAGITTAL, partial(torsos.torso_sagittal, chest=False),
         bodies.MILLIMETRES, (1.2, 0.95), 0.56),
)
VIEWS: dict[tuple[str, str], View] = {(view.region, view.plane): view for view in _ALL}
# Axial slices of the head at the height of the ventricles, above them, and at that of the eyes.
HEIGHTS = (
    VIEWS["head", "axial"],
    View("head", "brain", "axial", _HEAD_HIGH, _aged(heads.axial_high, 0.6), heads.MILLIMETRES, (1.0, 0.8)),
    View("head", "brain", "axial", _HEAD_LOW, _aged(heads.axial_low, 0.4), heads.MILLIMETRES, (1.02, 0.8)),
)
# fmt: on
# Width and level of the windows that a radiologist would choose, by region.
WINDOWS = {
    "head": ((80, 40), (80, 40), (130, 50), (2500, 480)),
    "chest": ((1500, -600), (1500, -600), (400, 40)),
    "abdomen": ((400, 40), (400, 40), (350, 50), (500, 50)),
}
