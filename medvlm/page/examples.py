"""The examples of the empty page: phantoms that training never drew, written as the files people upload.

python -m medvlm.page.examples
"""

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from medvlm import paths
from medvlm.imaging.geometry import affine
from medvlm.imaging.writing import Header, Modality, dicom_bytes, nifti_bytes, series_bytes
from medvlm.phantoms import draw
from medvlm.phantoms.truth import Phantom, Truth
from medvlm.phantoms.volume import WINDOW, Volume, draw_volume
from medvlm.types import Domain, Spacing

PARTS = {"brain": "HEAD", "head": "HEAD", "chest": "CHEST", "abdomen": "ABDOMEN", "knee": "KNEE", "spine": "SPINE"}


def shows(truth: Truth, *names: str) -> bool:
    return len(truth.findings) == 1 and truth.findings[0].name in names


def in_cerebrum(truth: Truth) -> bool:
    """At the level of the ventricles, where the head is recognised at thumbnail size."""
    return any(f.place in ("basal ganglia", "frontal lobe", "parietal lobe") for f in truth.findings)


def first(domain: Domain, wanted: Callable[[Phantom], bool]) -> Phantom:
    """The first phantom of the test split that fits."""
    return next(p for p in (draw(domain, seed, "test") for seed in range(10_000)) if wanted(p))


def dicom(phantom: Phantom, modality: Modality) -> bytes:
    truth = phantom.truth
    assert phantom.window is not None
    part = PARTS[truth.region]
    return dicom_bytes(
        phantom.pixels,
        Header(modality, part, phantom.spacing, phantom.window, phantom.inverted, f"{truth.domain}-{phantom.seed}"),
    )


def png(phantom: Phantom) -> bytes:
    """8-bit RGB or 16-bit grey, as the phantom's numbers are."""
    buffer = BytesIO()
    Image.fromarray(np.asarray(phantom.pixels)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def volume() -> bytes:
    """A CT volume as packed NIfTI."""
    drawn = draw_volume()
    return nifti_bytes(drawn.voxels, affine(drawn.geometry, drawn.spacing))


def series() -> bytes:
    """The same chest in thicker slices by a tilted gantry, as a DICOM series in a zip."""
    return zipped(draw_volume((24, 112, 128), Spacing(row=1.5, column=1.6, between=5.0), tilt=10.0))


def zipped(drawn: Volume) -> bytes:
    header = Header("CT", "CHEST", drawn.spacing, WINDOW, False, "example-series")
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, data in enumerate(series_bytes(drawn.voxels, drawn.geometry, header, "Chest axial"), 1):
            # A fixed date: the same bytes at every call.
            archive.writestr(zipfile.ZipInfo(f"CHEST/IM{number:04d}"), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def files() -> dict[str, tuple[bytes, str, Domain]]:
    """File name -> bytes, two-word label, domain."""
    cxr = first("cxr", lambda p: p.inverted and p.truth.plane == "PA" and shows(p.truth, "pleural effusion"))
    ct = first("ct", lambda p: p.truth.plane == "axial" and in_cerebrum(p.truth) and shows(p.truth, "bleed"))
    mri = first("mri", lambda p: p.truth.plane == "axial" and in_cerebrum(p.truth) and shows(p.truth, "mass"))
    histology = first("histology", lambda p: shows(p.truth, "inflammation"))
    gross = first("gross", lambda p: shows(p.truth, "mass"))
    deep = first("cxr", lambda p: not p.inverted and p.truth.plane == "PA" and shows(p.truth, "nodule"))
    return {
        "chest-xray.dcm": (dicom(cxr, "CR"), "Chest X-ray", "cxr"),
        "head-ct.dcm": (dicom(ct, "CT"), "Head CT", "ct"),
        "brain-mri.dcm": (dicom(mri, "MR"), "Brain MRI", "mri"),
        "tissue.png": (png(histology), "Tissue section", "histology"),
        "specimen.png": (png(gross), "Gross specimen", "gross"),
        "chest-16bit.png": (png(deep), "16-bit PNG", "cxr"),
        "chest-volume.nii.gz": (volume(), "CT volume", "ct"),
        "chest-series.zip": (series(), "CT series", "ct"),
    }


def main(folder: Path = paths.EXAMPLES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = files()
    for name, (data, _, _) in made.items():
        (folder / name).write_bytes(data)
    manifest = [{"file": name, "label": label, "domain": domain} for name, (_, label, domain) in made.items()]
    (folder / "examples.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
