"""SLAKE: radiology questions in English and in Chinese, with the modality and the part of the body of each picture."""

from collections.abc import Iterator

from medvlm.datasets.places import file
from medvlm.datasets.reading import Row, json_rows
from medvlm.types import DataSplit, Domain, Language, Sample

FILES: dict[DataSplit, tuple[str, ...]] = {
    "train": ("train.json",),
    "validation": ("validate.json", "validation.json"),
    "test": ("test.json",),
}
_DOMAINS: dict[str, Domain] = {"mri": "mri", "ct": "ct"}


def slake(split: DataSplit, language: Language) -> Iterator[Sample]:
    """The published rows of one language. Pictures are `imgs/xmlabN/source.jpg`."""
    for row in json_rows(file("slake", *FILES[split])):
        if row.text("q_lang") == language:
            yield _sample(row, split, language)


def _sample(row: Row, split: DataSplit, language: Language) -> Sample:
    return Sample(
        id=f"slake-{split}-{row.text('qid')}",
        image=row.text("img_name"),
        question=row.text("question"),
        reference=row.text("answer"),
        domain=domain(row.text("modality"), row.text("location", "")),
        kind=row.text("content_type"),
        dataset="slake",
        split=split,
        closed=row.text("answer_type") == "CLOSED",
        language=language,
    )


def domain(modality: str, location: str) -> Domain:
    """By the data set's own labels: "CT", "MRI" and, of the chest, "X-Ray"; an X-ray of another part is "other"."""
    plain = modality.lower().replace("-", "")
    if plain == "xray":
        return "cxr" if location.lower().startswith(("lung", "chest")) else "other"
    return _DOMAINS.get(plain, "other")
