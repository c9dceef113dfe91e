"""PathVQA: questions about pictures of pathology, made from the captions of textbooks."""

from collections.abc import Iterator

from medvlm.datasets.modality import GROSS, HISTOLOGY
from medvlm.datasets.places import file
from medvlm.datasets.reading import Row, json_rows, pickle_rows
from medvlm.metrics.text import normalised
from medvlm.types import DataSplit, Domain, Sample

# Published as "val"; the pictures lie in a folder of that name.
FOLDERS: dict[DataSplit, str] = {"train": "train", "validation": "val", "test": "test"}


def path_vqa(split: DataSplit) -> Iterator[Sample]:
    """The published rows: `qas/SPLIT/SPLIT_qa.pkl` (or the same list as JSON), pictures `images/SPLIT/NAME.jpg`."""
    name = FOLDERS[split]
    path = file("path_vqa", f"qas/{name}/{name}_qa.pkl", f"qas/{name}_qa.pkl", f"qas/{name}/{name}_qa.json")
    found = list(json_rows(path) if path.suffix == ".json" else pickle_rows(path))
    labels = domains(found)
    for row in found:
        yield _sample(row, split, labels)


def _sample(row: Row, split: DataSplit, labels: dict[str, Domain]) -> Sample:
    image, answer = row.text("image"), row.text("answer")
    closed = normalised(answer) in ("yes", "no")
    return Sample(
        id=f"path_vqa-{FOLDERS[split]}-{row.number}",
        image=f"{FOLDERS[split]}/{image}.jpg",
        question=row.text("question"),
        reference=answer,
        domain=labels.get(image, "other"),
        kind=kind(row.text("question"), closed),
        dataset="path_vqa",
        split=split,
        closed=closed,
        choices=("yes", "no") if closed else (),
    )


def kind(question: str, closed: bool) -> str:
    """As the authors count them: yes/no, and open ones by their first word."""
    first = normalised(question).split(" ")[0]
    known = first in ("what", "where", "when", "whose", "how", "why", "who", "which")
    return "yes/no" if closed else (first if known else "other")


def domains(rows: list[Row]) -> dict[str, Domain]:
    """Picture -> "histology" or "gross", where its questions speak the language of exactly one of the two."""
    votes: dict[str, set[Domain]] = {}
    for row in rows:
        text = f"{row.text('question')} {row.text('answer')}".lower()
        found = votes.setdefault(row.text("image"), set())
        found |= {"histology"} if HISTOLOGY.search(text) else set()
        found |= {"gross"} if GROSS.search(text) else set()
    return {image: next(iter(found)) for image, found in votes.items() if len(found) == 1}
