"""ROCO and ROCOv2: radiology figures of the open literature with their captions."""

from collections.abc import Iterator
from pathlib import Path

from medvlm.datasets.modality import of_caption
from medvlm.datasets.places import file, folder
from medvlm.datasets.reading import csv_rows, first_of
from medvlm.errors import DatasetError
from medvlm.types import DataSplit, Sample

QUESTION = "Describe this picture in one or two sentences."
ROCO_FOLDERS: dict[DataSplit, str] = {"train": "train", "validation": "validation", "test": "test"}
ROCOV2_NAMES: dict[DataSplit, str] = {"train": "train", "validation": "valid", "test": "test"}


def roco(split: DataSplit) -> Iterator[Sample]:
    """`data/SPLIT/radiology/captions.txt` (name, tab, caption), pictures in `images/` beside it."""
    name = ROCO_FOLDERS[split]
    path = file("roco", f"data/{name}/radiology/captions.txt")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        image, tab, caption = line.partition("\t")
        if not tab:
            raise DatasetError(f"{path}, line {number} has no tab between name and caption. Get the file again.")
        yield _sample("roco", split, image.strip(), f"{name}/radiology/images/{image.strip()}.jpg", caption.strip())


def rocov2(split: DataSplit) -> Iterator[Sample]:
    """`SPLIT_captions.csv` (ID, Caption), pictures in a folder of the split (`test/` or `test_images/`)."""
    name = ROCOV2_NAMES[split]
    pictures = rocov2_pictures(name).relative_to(folder("rocov2"))
    for row in csv_rows(file("rocov2", f"{name}_captions.csv")):
        image = row.text("ID")
        yield _sample("rocov2", split, image, f"{pictures.as_posix()}/{image}.jpg", row.text("Caption"))


def rocov2_pictures(name: str) -> Path:
    """The archive's folder of pictures, as unpacked by itself or into a folder of its own name."""
    home = folder("rocov2")
    packed, plain = home / f"{name}_images", home / name
    return first_of((packed / name, plain, packed)) or plain


def _sample(dataset: str, split: DataSplit, name: str, image: str, caption: str) -> Sample:
    return Sample(
        id=f"{dataset}-{split}-{name}",
        image=image,
        question=QUESTION,
        reference=caption,
        domain=of_caption(caption),
        kind="caption",
        dataset=dataset,
        split=split,
        closed=False,
    )
