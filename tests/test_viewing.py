"""What the viewer is told of a scan, and what of its answers is believed."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.imaging.window import PRESETS
from medvlm.page.viewing import Look, Measure, look_of, manifest, presets
from medvlm.types import Geometry, Scan, Spacing, Window

GEOMETRY = Geometry((1, 0, 0), (0, 1, 0), ((0, 0, 0), (0, 0, 3.00004), (0, 0, 6)), (0, 0, 3))


def a_scan(**changes: Any) -> Scan:
    pixels = tuple(np.arange(20, dtype=np.int16).reshape(4, 5) + n for n in range(3))
    made = Scan(
        pixels, "ct", "file", "f" * 64, "Doe^Jane_1970.dcm", "DICOM CT", Spacing(0.7, 0.8, 3.0), Window(400, 40)
    )
    return replace(made, **changes)


def said(**changes: Any) -> dict[str, Any]:
    window = {"width": 80, "level": 40.5, "function": "LINEAR"}
    made = {"token": "t", "scan": 0, "plane": "axial", "axis": 2, "slice": 1, "window": window, "inverted": False}
    return {**made, "turn": [0, -1, 1, 0], "measures": [], **changes}


def measured(**changes: Any) -> dict[str, Any]:
    made = {"id": 1, "token": "t", "kind": "distance", "axis": 2, "slice": 0, "points": [[0, 1], [2.5, 3]]}
    return {**made, "value": 12.5, "unit": "mm", **changes}


def test_the_script_is_told_sizes_places_and_windows() -> None:
    told = manifest(a_scan(geometry=GEOMETRY, unit="HU", frame_seconds=0.05), "token")
    assert (told["columns"], told["rows"], told["slices"], told["start"]) == (5, 4, 3, 1)
    assert told["spacing"] == {"row": 0.7, "column": 0.8, "between": 3.0}
    assert told["placement"]["positions"] == [[0, 0, 0], [0, 0, 3.0], [0, 0, 6]]
    assert told["volume"] and told["whole"] and not told["colour"]
    assert told["window"] == {"width": 400, "level": 40, "function": "LINEAR"}
    assert (told["unit"], told["frame_seconds"], told["kind"]) == ("HU", 0.05, "DICOM CT")


def test_nothing_that_names_a_patient_a_file_or_a_day_is_told() -> None:
    told = json.dumps(manifest(a_scan(notes=("Made on 19700101",), description="CT chest"), "token"))
    for word in ("Doe", "Jane", "1970", "ffff", "dcm"):
        assert word not in told
    assert "CT chest" in told


@pytest.mark.parametrize(
    "scan",
    [
        a_scan(),
        a_scan(geometry=replace(GEOMETRY, step=None)),
        a_scan(geometry=GEOMETRY, spacing=None),
        a_scan(geometry=GEOMETRY, slices=(np.zeros((4, 5), np.int16), np.zeros((4, 6), np.int16))),
        a_scan(geometry=GEOMETRY, slices=(np.zeros((4, 5), np.int16),)),
    ],
    ids=["no place", "uneven", "no scale", "two sizes", "one slice"],
)
def test_other_planes_are_cut_only_where_it_is_known_how(scan: Scan) -> None:
    assert manifest(scan, "token")["volume"] is False


def test_ct_has_its_presets_in_the_order_of_the_keys() -> None:
    made = presets(a_scan(unit="HU"))
    assert [(one.key, one.window) for one in made[1:]] == [
        (str(n), window) for n, window in enumerate(PRESETS["ct"].values(), 1)
    ]
    assert (made[0].key, made[0].window) == ("0", Window(400, 40))
    assert [one.name for one in made][:3] == ["As opened", "Soft tissue", "Lung"]


def test_what_else_the_file_offers_stands_behind_the_presets_once() -> None:
    more = (("Bone", Window(2000, 300)), ("", Window(90, 45)), ("Lung", Window(1500, -600)), ("", Window(70, 30)),
            ("Bone", Window(2500, 400)))  # fmt: skip
    made = presets(a_scan(unit="HU", more_windows=more))[7:]
    assert [(one.name, one.key) for one in made] == [
        ("Bone (file)", "7"), ("Window 3 (file)", "8"), ("Window 5 (file)", "9"), ("Bone (file)", ""),
    ]  # fmt: skip
    assert [one.window for one in made] == [Window(2000, 300), Window(90, 45), Window(70, 30), Window(2500, 400)]


def test_windows_in_hounsfield_units_are_offered_only_where_the_numbers_are_in_them() -> None:
    in_a_photograph = a_scan(slices=(np.arange(256, dtype=np.uint8).reshape(16, 16),), window=None)
    assert [one.name for one in presets(in_a_photograph)][1:] == ["1 to 99 %", "5 to 95 %", "Whole range"]
    without_a_unit = a_scan(slices=(np.linspace(-1000, 1500, 256, dtype=np.float32).reshape(16, 16),))
    assert presets(without_a_unit)[2].name == "Lung"
    assert [one.name for one in presets(replace(without_a_unit, unit="mg/ml"))][1] == "1 to 99 %"


def test_pictures_without_a_unit_have_windows_of_their_own_numbers() -> None:
    ramp = (np.linspace(0, 1000, 20000, dtype=np.float32).reshape(100, 200),)
    wide = {one.name: one.window for one in presets(a_scan(slices=ramp, domain="mri", window=None))}
    assert wide["As opened"] == wide["Whole range"] == Window(1000, 500, "LINEAR_EXACT")
    assert wide["1 to 99 %"].width == pytest.approx(980, abs=1) and wide["5 to 95 %"].width == pytest.approx(900, abs=1)


def test_a_picture_of_one_value_and_one_in_colour_have_one_window() -> None:
    flat = (np.full((4, 4), 7, np.uint8),)
    assert len(presets(a_scan(slices=flat, domain="mri"))) == 1
    colour = (np.zeros((4, 4, 3), np.uint8),)
    (only,) = presets(a_scan(slices=colour, domain="histology", window=None))
    assert only.window == Window(255, 127.5, "LINEAR_EXACT")


def test_a_view_is_read_back() -> None:
    ellipse = measured(kind="ellipse", unit="mm²", mean=1.5, deviation=0.5, least=-1, most=4, pixels=12)
    look = look_of(said(measures=[measured(), ellipse, measured(token="other")]), a_scan())
    assert look == Look(
        *("axial", 2, 1, Window(80, 40.5), False, (0, -1, 1, 0)),
        (
            Measure(1, "distance", 2, 0, ((0, 1), (2.5, 3)), 12.5, "mm"),
            Measure(1, "ellipse", 2, 0, ((0, 1), (2.5, 3)), 12.5, "mm²", 1.5, 0.5, -1, 4, 12),
        ),
    )


def test_a_view_of_a_colour_picture_has_no_window() -> None:
    colour = a_scan(slices=(np.zeros((4, 5, 3), np.uint8),) * 3, domain="gross")
    assert look_of(said(), colour).window is None


@pytest.mark.parametrize(
    "data",
    [
        {},
        said(axis=3),
        said(axis="2"),
        said(slice=3),
        said(slice=-1),
        said(slice=0.5),
        said(slice=True),
        said(axis=0, slice=5),
        said(plane="<script>"),
        said(turn=[1, 0, 0]),
        said(turn=[1, 1, 0, 1]),
        said(turn=[2, 0, 0, 1]),
        said(turn=None),
        said(window={"width": 0, "level": 0, "function": "LINEAR"}),
        said(window={"width": float("nan"), "level": 0, "function": "LINEAR"}),
        said(window={"width": 10, "level": 0, "function": "CUBIC"}),
        said(measures=[measured()] * 201),
        said(measures=[measured(points=[[0, 1]])]),
        said(measures=[measured(points=[[0, 1], [0, float("inf")]])]),
        said(measures=[measured(kind="poem")]),
        said(measures=[measured(unit="<b>")]),
        said(measures=[measured(value="12")]),
        said(measures=[measured(slice=1e400)]),
        said(measures={}),
    ],
)
def test_nonsense_is_refused_in_a_sentence(data: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="reload the page"):
        look_of(data, a_scan())


def test_the_rows_and_columns_of_other_planes_are_counted_on_their_own_axes() -> None:
    scan = a_scan(geometry=GEOMETRY)
    assert look_of(said(axis=0, plane="sagittal", slice=4), scan).slice == 4
    assert look_of(said(axis=1, plane="coronal", slice=3), scan).slice == 3
