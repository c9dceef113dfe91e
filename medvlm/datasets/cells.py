"""Real pictures that come with counts instead of questions: blood smears (BCCD) and histology tiles (DSB 2018)."""

import csv
import xml.etree.ElementTree as ElementTree
from collections import Counter

from medvlm.datasets.places import folder


def bccd_counts() -> dict[str, Counter[str]]:
    """Blood-smear picture of the train split -> cells of each kind ("RBC", "WBC", "Platelets") that were boxed."""
    home = folder("bccd")
    counts: dict[str, Counter[str]] = {}
    for name in (home / "ImageSets" / "Main" / "train.txt").read_text().split():
        tree = ElementTree.parse(home / "Annotations" / f"{name}.xml")
        counts[f"{name}.jpg"] = Counter(node.findtext("name", "") for node in tree.iter("object"))
    return counts


def nuclei_counts() -> dict[str, int]:
    """Histology tile -> number of nuclei that its annotators outlined."""
    with (folder("dsb2018_histology") / "nuclei_counts.csv").open(newline="", encoding="utf-8") as file:
        return {row["image"]: int(row["n_nuclei_masks"]) for row in csv.DictReader(file)}
