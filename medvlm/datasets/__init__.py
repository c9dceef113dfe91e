"""Data sets as samples: what there is and where, which rows are for testing, and in which domain a picture belongs."""

from medvlm.datasets.cells import bccd_counts, nuclei_counts
from medvlm.datasets.modality import modalities_in, modality_named
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
    "HELD_OUT_PICTURES",
    "HELD_OUT_SEED",
    "SOURCES",
    "asked_in_test",
    "bccd_counts",
    "data_home",
    "folder",
    "held_out_pictures",
    "modalities_in",
    "modality_labels",
    "modality_named",
    "normalised",
    "nuclei_counts",
    "picture",
    "vqa_rad",
    "without",
]
