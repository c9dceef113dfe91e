"""Where data sets come from, under which licence, and where they are on this machine."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from medvlm.errors import DatasetError
from medvlm.paths import ROOT


@dataclass(frozen=True, slots=True)
class Source:
    """One published data set. `files`: what must be there, relative to its folder; `pictures`: where they lie in it.

    `trainable`: whether its licence lets weights that were trained on it be published.
    """

    title: str
    licence: str
    address: str
    files: tuple[str, ...]
    pictures: str
    trainable: bool = True


# Folder below the data home -> what belongs there.
SOURCES: dict[str, Source] = {
    "vqa_rad": Source("VQA-RAD", "CC0 1.0", "https://osf.io/89kps", ("trainset.json", "testset.json"), "images"),
    "slake": Source("SLAKE 1.0", "CC BY-SA 4.0", "https://www.med-vqa.com/slake", ("train.json", "test.json"), "imgs"),
    "path_vqa": Source(
        "PathVQA",
        "not stated by its authors; pictures from textbooks and the PEIR library",
        "https://github.com/UCSD-AI4H/PathVQA",
        ("qas",),
        "images",
        trainable=False,
    ),
    "roco": Source(
        "ROCO",
        "each picture its own (licences.txt), most of them Creative Commons",
        "https://github.com/razorx89/roco-dataset",
        ("data",),
        "data",
        trainable=False,
    ),
    "rocov2": Source(
        "ROCOv2",
        "each picture its own, CC BY, CC BY-NC and others",
        "https://zenodo.org/records/10821435",
        ("train_captions.csv", "test_captions.csv"),
        "",
        trainable=False,
    ),
    "llava_med_chat": Source(
        "LLaVA-Med's chat test",
        "CC BY-NC 4.0, research only",
        "https://github.com/microsoft/LLaVA-Med",
        ("llava_med_eval_qa50_qa.jsonl",),
        "images",
        trainable=False,
    ),
    "llava_med_instruct": Source(
        "LLaVA-Med's instruction data",
        "CC BY-NC 4.0, research only",
        "https://github.com/microsoft/LLaVA-Med",
        (),
        "images",
        trainable=False,
    ),
    "medhalt_fake": Source(
        "Med-HALT, fake questions",
        "not stated: evaluate only",
        "https://github.com/medhalt/medhalt",
        ("reasoning_fake.csv",),
        "",
        trainable=False,
    ),
    "bccd": Source(
        "BCCD", "MIT", "https://github.com/Shenggan/BCCD_Dataset", ("Annotations", "ImageSets"), "JPEGImages"
    ),
    "dsb2018_histology": Source(
        "2018 Data Science Bowl, stage 1",
        "CC0",
        "https://bbbc.broadinstitute.org/BBBC038",
        ("nuclei_counts.csv",),
        "images",
    ),
}


def data_home() -> Path:
    """The folder that holds the data sets: `MEDVLM_DATA`, or `../shared/data` beside the checkout."""
    return Path(os.environ.get("MEDVLM_DATA") or ROOT.parent / "shared" / "data")


def folder(name: str) -> Path:
    """The data set's folder. Raises DatasetError that says what to get and where to put it."""
    path = data_home() / name
    if not path.is_dir():
        raise missing(name, path)
    return path


def file(name: str, *choices: str) -> Path:
    """The first of these files of a data set that is there. Raises DatasetError where none is."""
    home = folder(name)
    there = [home / choice for choice in choices if (home / choice).exists()]
    if not there:
        raise missing(name, home / choices[0])
    return there[0]


def missing(name: str, path: Path) -> DatasetError:
    """Says what is not there, where to get it, under which licence, and where to put it."""
    source = SOURCES[name]
    return DatasetError(
        f"{source.title} is not at {path}. Get it from {source.address} (licence: {source.licence}), put it into "
        f"{data_home() / name}, or set MEDVLM_DATA to the folder that holds {name}/. docs/add-a-dataset.md shows how "
        "it must lie there."
    )


def picture(dataset: str, image: str) -> Path:
    """The file of one picture, which need not be there. Raises DatasetError where the data set is not."""
    return inside(folder(dataset) / SOURCES[dataset].pictures, image)


def inside(home: Path, name: str) -> Path:
    """A file below a folder. Raises DatasetError for a name that leads out of it."""
    path = home / name
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise DatasetError(f"{name!r} leads out of {home}. Name pictures relative to their data set's folder.")
    return path


def without_pictures(name: str, images: Iterable[str]) -> list[str]:
    """Those of the pictures that are not there, by name."""
    return [image for image in dict.fromkeys(images) if image and not picture(name, image).is_file()]
