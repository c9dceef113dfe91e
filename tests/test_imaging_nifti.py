"""NIfTI volumes: in the affine's orientation as a radiologist looks at them, numbers exact, texts never read."""

import dataclasses
import gzip
import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from medvlm.errors import UserError
from medvlm.imaging import Limits, read, read_study, render
from medvlm.imaging.geometry import letters
from medvlm.types import Scan

# Each voxel says where it is: 100 i + 10 j + k.
COUNTED: NDArray[np.int16] = np.fromfunction(lambda i, j, k: 100 * i + 10 * j + k, (4, 3, 2)).astype(np.int16)


# Where fields of the NIfTI-1 header lie.
FIELDS = {
    "dim": (40, "<8h"),
    "datatype": (70, "<h"),
    "scl_slope": (112, "<f"),
    "scl_inter": (116, "<f"),
    "magic": (344, "3s"),
}


def nifti(
    volume: Any = COUNTED, affine: Any = None, packed: bool = False, two: bool = False, unit: str = "mm",
    sform_code: int = 1, **fields: Any,
) -> bytes:  # fmt: skip
    """A volume in one file; `fields` overwrite those of a NIfTI-1 header, sound or not."""
    kind: Any = nibabel.Nifti2Image if two else nibabel.Nifti1Image
    image = kind(volume, np.eye(4) if affine is None else affine)
    image.set_qform(None, code=0)
    image.set_sform(image.affine, code=sform_code)
    image.header.set_xyzt_units(unit)
    data = bytearray(image.to_bytes())
    for name, value in fields.items():
        place, form = FIELDS[name]
        struct.pack_into(form, data, place, *(value if isinstance(value, list) else [value]))
    return gzip.compress(data, mtime=0) if packed else bytes(data)


def refusal(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(UserError) as caught:
        read(data, "case.nii", limits or Limits())
    return str(caught.value)


def corners(scan: Scan) -> str:
    """What is at the right and at the bottom of the screen, and where the slices run."""
    assert scan.geometry is not None
    step = scan.geometry.step or (0, 0, 0)
    return " ".join((letters(scan.geometry.across), letters(scan.geometry.down), letters(step)))


def at(scan: Scan, value: int) -> tuple[float, ...]:
    """Where in the patient (LPS) the voxel with this number lies, by the geometry of the scan."""
    geometry, spacing = scan.geometry, scan.spacing
    assert geometry is not None and spacing is not None
    for index, pixels in enumerate(scan.slices):
        for row, column in np.argwhere(pixels == value):
            place = np.array(geometry.positions[index]) + np.array(geometry.across) * spacing.column * column
            return tuple(place + np.array(geometry.down) * spacing.row * row)
    raise AssertionError(f"{value} is nowhere")


AFFINES = {
    "as in the format": (np.diag([2.0, 3.0, 4.0, 1.0]), "L P H"),
    "left to right": (np.diag([-2.0, 3.0, 4.0, 1.0]), "L P H"),
    "upside down": (np.diag([2.0, -3.0, -4.0, 1.0]), "L P H"),
    "coronal": (np.array([[2.0, 0, 0, 5], [0, 0, 4, 6], [0, 3, 0, 7], [0, 0, 0, 1]]), "L F P"),
    "sagittal": (np.array([[0, 0, 4.0, 5], [2, 0, 0, 6], [0, 3, 0, 7], [0, 0, 0, 1]]), "P F R"),
    "sagittal, turned": (np.array([[0, 0, -4.0, 5], [0, 3, 0, 6], [-2, 0, 0, 7], [0, 0, 0, 1]]), "P F R"),
}


@pytest.mark.parametrize(("affine", "sides"), AFFINES.values(), ids=AFFINES)
@pytest.mark.parametrize("two", [False, True], ids=["NIfTI-1", "NIfTI-2"])
def test_every_orientation_is_turned_to_the_radiologists_and_every_voxel_stays_in_its_place(
    affine: NDArray[np.float64], sides: str, two: bool
) -> None:
    scan = read(nifti(affine=affine, two=two), "a.nii")
    assert corners(scan) == sides
    for i, j, k in ((0, 0, 0), (3, 0, 0), (0, 2, 0), (1, 1, 1), (3, 2, 1)):
        x, y, z, _ = affine @ (i, j, k, 1)
        assert at(scan, 100 * i + 10 * j + k) == pytest.approx((-x, -y, z)), "RAS of the format is LPS of the patient"
    assert len(scan.slices) == 2, "slices are those that were taken: the third axis as stored"
    assert scan.spacing == pytest.approx(dataclasses.replace(scan.spacing, between=4.0)) if scan.spacing else False


def test_an_oblique_volume_keeps_its_angle() -> None:
    turn = np.radians(20)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    scan = read(nifti(affine=affine), "a.nii")
    assert scan.geometry is not None and scan.description == "axial"
    assert abs(scan.geometry.across[1]) == pytest.approx(np.sin(turn), abs=1e-6)
    for i, j, k in ((0, 0, 0), (3, 2, 1)):
        x, y, z, _ = affine @ (i, j, k, 1)
        assert at(scan, 100 * i + 10 * j + k) == pytest.approx((-x, -y, z), abs=1e-5)


def test_without_a_stated_orientation_no_side_is_marked() -> None:
    scan = read(nifti(sform_code=0, affine=np.diag([2.0, 3, 4, 1])), "a.nii")
    assert scan.geometry is None and "no orientation in the file: no side is marked" in scan.notes
    assert scan.spacing is not None and (scan.spacing.row, scan.spacing.column, scan.spacing.between) == (3, 2, 4)
    assert scan.slices[0][-1, 0] == 0 and scan.slices[0][0, -1] == 320, "rows run upwards, as the format has them"


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1e-9, 1, 1, 1]), np.diag([1e7, 1, 1, 1])]
)
def test_an_affine_that_cannot_be_is_no_orientation(bad: NDArray[np.float64]) -> None:
    data = bytearray(nifti())
    struct.pack_into("<12f", data, 280, *bad[:3].astype(np.float32).ravel())
    assert read(bytes(data), "a.nii").geometry is None


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1.0), ("micron", 0.001), ("meter", 1000.0), ("unknown", 1.0)])
def test_the_unit_of_the_grid_counts(unit: str, factor: float) -> None:
    scan = read(nifti(unit=unit), "a.nii")
    assert scan.spacing is not None and scan.spacing.row == pytest.approx(factor)
    assert scan.geometry is not None and scan.geometry.step is not None
    assert np.linalg.norm(scan.geometry.step) == pytest.approx(factor)


@pytest.mark.parametrize("kind", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_of_every_kind_come_back(kind: str, order: str) -> None:
    volume = (COUNTED % 120).astype(np.dtype(kind).newbyteorder(order))
    image: Any = nibabel.Nifti1Image
    header: Any = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(kind)
    made = image(volume, np.eye(4), header=header, dtype=kind)
    made.set_sform(np.eye(4), code=1)
    scan = read(made.to_bytes(), "a.nii")
    assert np.stack(scan.slices).sum() == volume.astype(float).sum()
    expected = {"float64": "float32", "int64": "int16"}.get(kind, kind)
    assert scan.slices[0].dtype == np.dtype(expected) and scan.slices[0].dtype.isnative


@pytest.mark.parametrize(
    ("slope", "intercept", "kind", "first"),
    [
        (1.0, -1024.0, "int16", -1024),
        (2.5, 10.0, "float32", 10.0),
        (0.0, 5.0, "int16", 0),
        (float("nan"), 0.0, "int16", 0),
    ],
)
def test_rescaling_keeps_integers_where_it_can(slope: float, intercept: float, kind: str, first: float) -> None:
    scan = read(nifti(scl_slope=slope, scl_inter=intercept), "a.nii")
    assert scan.slices[0].dtype == np.dtype(kind) and np.stack(scan.slices).min() == first


def test_undefined_numbers_take_the_lowest_value() -> None:
    volume = COUNTED.astype(np.float32) + 5
    volume[0, 0, 0], volume[:, :, 1] = np.nan, np.inf
    scan = read(nifti(volume), "a.nii")
    assert scan.slices[0].min() == 15 and (scan.slices[0] == 15).sum() == 2, "the lowest number of the whole volume"
    assert (scan.slices[1] == 325).all() and "undefined pixels shown as the lowest value" in scan.notes


def test_colours_are_shown_as_colours() -> None:
    volume = np.zeros((4, 3, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    volume["G"] = 200
    scan = read(nifti(volume), "a.nii")
    assert scan.slices[0].shape == (3, 4, 3) and (render(scan)[..., 1] == 200).all() and scan.window is None


def test_of_several_volumes_the_first_is_shown_and_said() -> None:
    scan = read(nifti(np.stack([COUNTED, COUNTED + 500], axis=-1)), "a.nii")
    assert "first of 2 volumes shown" in scan.notes and np.stack(scan.slices).max() == 321


@pytest.mark.parametrize("shape", [(5,), (5, 4), (5, 4, 1)])
def test_less_than_a_volume_is_a_picture(shape: tuple[int, ...]) -> None:
    scan = read(nifti(np.zeros(shape, np.int16)), "a.nii")
    assert len(scan.slices) == 1 and scan.name == "NIfTI picture"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (nifti(COUNTED.astype(np.complex64)), "holds complex numbers that are not read here"),
        (nifti()[:376], "4 x 3 x 2 points need 48 bytes, 24 are there"),
        (nifti()[:-1], "4 x 3 x 2 points need 48 bytes, 47 are there"),
        (nifti(packed=True)[:-9], "damaged or cut short"),
        (nifti(magic=b"ni1"), "whose numbers are in another file"),
        (nifti(datatype=1), "numbers of a kind (code 1)"),
        (nifti(dim=[3, 30000, 30000, 2, 1, 1, 1, 1]), "900 megapixels"),
        (nifti(dim=[3, 4, 3, 30000, 1, 1, 1, 1]), "has 30,000 slices; at most 2,000"),
        (nifti(dim=[3, 4, -3, 2, 1, 1, 1, 1]), "without any points"),
        (nifti(dim=[9, 4, 3, 2, 1, 1, 1, 1]), "case.nii"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_advice(data: bytes, says: str) -> None:
    message = refusal(data)
    assert says in message and message.endswith(".")


def test_limits_hold_packed_and_unpacked() -> None:
    volume = np.zeros((64, 64, 8), np.int16)
    assert "of memory once unpacked" in refusal(nifti(volume), Limits(total_bytes=10_000))
    packed = nifti(np.zeros((256, 256, 40), np.int16), packed=True)
    assert "at most 1.0 MB are read" in refusal(packed, Limits(study_bytes=1_000_000))
    assert len(read(packed, "a", Limits(from_bytes=1000)).slices) == 40, "a segmentation packs to a thousandth: no bomb"


def test_memory_is_little_more_than_the_numbers_as_stored() -> None:
    volume = np.random.default_rng(0).integers(-1000, 1000, (128, 128, 60), dtype=np.int16)
    for data in (nifti(volume), nifti(volume, packed=True), nifti(volume, packed=True, scl_slope=1.0, scl_inter=-24.0)):
        tracemalloc.start()
        try:
            scan = read(data, "a.nii")
            for index in range(60):
                render(scan, index)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 1.5 * volume.nbytes, f"{peak / volume.nbytes:.2f} times the numbers"


def test_a_study_lists_a_volume_with_its_slices() -> None:
    study = read_study([("a.nii.gz", nifti(packed=True)), ("b.nii", nifti(two=True))])
    assert [(one.name, one.count, one.thumbnail) for one in study.series] == [("NIfTI volume", 2, 1)] * 2
    assert study.thumbnail(0).shape == (3, 4, 3) and len(study.open(1).slices) == 2


FREE_TEXT = {
    "descrip": b"SECRETDESCRIPTION", "aux_file": b"SECRETAUX", "db_name": b"SECRETDB", "intent_name": b"SECRETINTENT",
}  # fmt: skip


def secret_volume() -> bytes:
    image: Any = nibabel.Nifti1Image(COUNTED, np.eye(4))
    image.set_sform(np.eye(4), code=1)
    for name, text in FREE_TEXT.items():
        image.header[name] = text
    extension: Any = nibabel.nifti1.Nifti1Extension
    image.header.extensions.append(extension("comment", b"SECRETCOMMENT"))
    image.header.extensions.append(extension("dicom", b"SECRETDICOM"))
    data: bytes = image.to_bytes()
    return data


def test_no_free_text_of_a_volume_comes_into_a_scan() -> None:
    data = secret_volume()
    assert data.count(b"SECRET") == 6, "the file must hold what the scan must not"
    for packed in (data, gzip.compress(data)):
        scan = read(packed, "SECRETNAME.nii")
        fields = {field.name: getattr(scan, field.name) for field in dataclasses.fields(scan)}
        study = read_study([("SECRETNAME.nii", packed)])
        for text in (repr(fields), repr(pickle.dumps(scan)), repr(study.series), repr(study.notes)):
            assert "SECRET" not in text
    for end in (len(data) - 3, 352, 400):
        assert "SECRET" not in refusal(data[:end])


PACKAGES = [
    path for path in sorted(Path(nibabel.__file__).parent.rglob("*"))
    if path.is_file() and "data" in path.parts and path.suffix not in (".py", ".pyc")
]  # fmt: skip


def test_every_file_that_comes_with_nibabel_is_read_or_refused() -> None:
    shown = 0
    for path in PACKAGES:
        data = path.read_bytes()
        try:
            study = read_study([(path.name, data)])
            for series in study.series:
                scan = study.open(series.number)
                shown += 1
                for index in {0, len(scan.slices) - 1}:
                    render(scan, index)
                if scan.kind == "NIfTI" and scan.slices[0].ndim == 2:
                    assert_like_nibabel(path, scan)
        except UserError as error:
            assert str(error).endswith(".")
    assert len(PACKAGES) > 80 and shown >= 14


def assert_like_nibabel(path: Path, scan: Scan) -> None:
    """The same numbers, whatever their order."""
    image: Any = nibabel.load(path)
    theirs = np.asarray(image.dataobj, dtype=np.float64)
    theirs = theirs.reshape((*theirs.shape[:3], -1))[..., 0]
    theirs = np.nan_to_num(theirs, nan=float(np.nanmin(theirs)))
    ours = np.stack(scan.slices).astype(np.float64)
    assert ours.size == theirs.size and np.allclose(np.sort(ours.ravel()), np.sort(theirs.ravel()), rtol=1e-5)
