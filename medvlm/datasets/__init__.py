"""Data sets as samples: what there is and where, which rows are for testing, and in which domain a picture belongs."""

from medvlm.datasets.cells import bccd_counts, nuclei_counts
from medvlm.datasets.entries import DATASETS, Dataset, Rows, from_label, load, resolve, rows_sha256
from medvlm.datasets.modality import modalities_in, modality_named
from medvlm.datasets.pictures import content, name_of, scan
from medvlm.datasets.places import SOURCES, data_home, folder, picture
from medvlm.datasets.vqarad import (
    HELD_OUT_PICTURES,
    HELD_OUT_SEED,
    asked_in_test,
    held_out_pictures,
    modality_labels,
    normalised,
    vqa_rad,
    without,
)

__all__ = [
    "DATASETS",
    "HELD_OUT_PICTURES",
    "HELD_OUT_SEED",
    "SOURCES",
    "Dataset",
    "Rows",
    "asked_in_test",
    "bccd_counts",
    "content",
    "data_home",
    "folder",
    "from_label",
    "held_out_pictures",
    "load",
    "modalities_in",
    "modality_labels",
    "modality_named",
    "name_of",
    "normalised",
    "nuclei_counts",
    "picture",
    "resolve",
    "rows_sha256",
    "scan",
    "vqa_rad",
    "without",
]
