"""The example pictures are phantoms, and are what the command writes."""

import gzip
import io
import json
import zipfile

from medvlm import paths
from medvlm.imaging import read
from medvlm.page import examples
from medvlm.types import DOMAINS


def unpacked(name: str, data: bytes) -> object:
    """What is inside: packing differs from one zlib to another, what is packed does not."""
    if name.endswith(".gz"):
        return gzip.decompress(data)
    if name.endswith(".zip"):
        archive = zipfile.ZipFile(io.BytesIO(data))
        return [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    return data


def test_the_committed_examples_are_what_the_command_writes() -> None:
    for name, (data, _, _) in examples.files().items():
        committed = (paths.EXAMPLES / name).read_bytes()
        assert unpacked(name, committed) == unpacked(name, data), f"{name} differs; run python -m medvlm.page.examples"
        assert len(committed) < 200_000, f"{name} is large for an example"


def test_every_domain_has_an_example_with_a_label_of_two_words() -> None:
    manifest = json.loads((paths.EXAMPLES / "examples.json").read_text(encoding="utf-8"))
    assert {entry["domain"] for entry in manifest} == set(DOMAINS)
    assert all(len(entry["label"].split()) == 2 for entry in manifest)


def test_examples_read_as_what_they_are() -> None:
    manifest = json.loads((paths.EXAMPLES / "examples.json").read_text(encoding="utf-8"))
    kinds = {entry["file"]: read((paths.EXAMPLES / entry["file"]).read_bytes(), entry["file"]) for entry in manifest}
    assert kinds["head-ct.dcm"].unit == "HU" and kinds["head-ct.dcm"].domain == "ct"
    assert kinds["chest-xray.dcm"].inverted and kinds["chest-xray.dcm"].domain == "cxr"
    assert kinds["brain-mri.dcm"].domain == "mri"
    assert kinds["chest-16bit.png"].slices[0].dtype == "uint16" and kinds["chest-16bit.png"].domain == "other"
    assert len(kinds["chest-volume.nii.gz"].slices) == 44 and kinds["chest-volume.nii.gz"].description == "axial"
    series = kinds["chest-series.zip"]
    assert len(series.slices) == 24 and series.unit == "HU" and "gantry tilted by 10 degrees" in series.notes
