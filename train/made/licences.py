"""Under which terms weights may be handed on: the base's licence and those of all data they were trained on."""

from collections.abc import Iterable
from dataclasses import dataclass

from medvlm.catalog import CATALOG
from medvlm.datasets import DATASETS, SOURCES

# Drawn by this project's own code.
DRAWN = ("phantoms", "shapes")
# Licences as the hub's cards spell them.
SPELT = {
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
    "Llama 2 Community Licence": "llama2",
    "Llama 3 Community Licence": "llama3",
}
# Licences of data that ask for no more than to be named.
PERMISSIVE = ("CC0", "CC0 1.0", "MIT", "Apache-2.0", "CC BY 4.0")


@dataclass(frozen=True, slots=True)
class Terms:
    """What one part of a checkpoint is under. `free`: whether weights made of it may be published, None: unknown."""

    title: str
    licence: str
    free: bool | None
    address: str = ""


def of_base(identity: str) -> Terms:
    """The terms of a base model, as a checkpoint records it."""
    for name, entry in CATALOG.items():
        if identity in (name, entry.hub):
            address = f"https://huggingface.co/{entry.hub}" if entry.hub else ""
            return Terms(identity, entry.licence, True, address)
    return Terms(identity, "unknown to this project", None)


def of_data(label: str) -> Terms:
    """The terms of one entry of a checkpoint's `datasets`, such as "vqa_rad-train" or "own:rows.csv-train"."""
    name = _known(label)
    if name in DRAWN:
        return Terms("Drawings of this project", "Apache-2.0", True)
    source = SOURCES.get((DATASETS[name].source or "") if name in DATASETS else name)
    if source is None:
        return Terms(shown(label), "unknown to this project", None)
    return Terms(source.title, source.licence, source.trainable, source.address)


def _known(label: str) -> str:
    """The longest name of a data set that the label begins with, or nothing."""
    names = {*DATASETS, *SOURCES, *DRAWN}
    found = [name for name in names if label == name or label.startswith((f"{name}-", f"{name}:"))]
    return max(found, key=len, default="")


def shown(label: str) -> str:
    """The label without folders of this machine: "own:/data/a/rows.csv-train" is "own:rows.csv-train" to others."""
    name, colon, place = label.partition(":")
    return f"{name}{colon}{place.rpartition('/')[2]}" if colon and "/" in place else label


def field(base: Terms, data: Iterable[Terms], chosen: str | None = None) -> dict[str, str]:
    """What a card's head says: one licence of the hub's list where the base's covers all, else "other" with a name."""
    if chosen is not None:
        return {"license": chosen}
    if base.licence in SPELT and all(one.licence in PERMISSIVE for one in data):
        return {"license": SPELT[base.licence]}
    return {"license": "other", "license_name": "see-licences-below", **_link(base)}


def _link(base: Terms) -> dict[str, str]:
    return {"license_link": base.address} if base.address else {}


def objections(base: Terms, data: Iterable[Terms]) -> list[str]:
    """Why these weights may not be published as they are, each in a sentence."""
    said = []
    if base.free is None:
        said.append(f"The base {base.title!r} is in no catalog, so its licence is not known here.")
    for one in dict.fromkeys(data):
        if one.free is False:
            said.append(f"{one.title} ({one.licence}) does not allow to publish weights trained on it.")
        if one.free is None:
            said.append(f"The licence of {one.title} is not known here.")
    return said
