"""What must be said beside a run's scores: which of its questions the checkpoint may have been trained on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from eval.leakage import audit
from eval.picture_hashes import Looks
from medvlm import datasets
from medvlm.datasets import Rows
from medvlm.errors import DatasetError
from medvlm.scores import RunInfo


def with_leaks(info: RunInfo, test: Rows, trained_on: Sequence[str], hashes: Path) -> RunInfo:
    """The run with the leakage audit's sentences; `trained_on` as the checkpoint lists its data, `hashes` a file."""
    looks = Looks(hashes)
    found = [sentence for label in trained_on for sentence in leaks(label, test, looks)]
    return replace(info, notes=(*info.notes, *(note for note in found if note not in info.notes)))


def leaks(label: str, test: Rows, looks: Looks) -> Iterator[str]:
    """What one data set of the checkpoint's list says about this test."""
    known = datasets.from_label(label)
    if known is None or known[0].startswith("phantoms"):  # drawn apart from every test by their seeds
        return
    if "(override:" in label:
        yield f"The checkpoint was trained on rows for testing: {label}."
    try:
        train = datasets.load(*known)
    except DatasetError as error:
        yield f"Not audited against {label}, which the checkpoint was trained on: {error}"
        return
    yield from audit(train, test, looks).sentences()
