"""How often each fact holds among phantoms, and from that when to ask, so that no question gives its answer away.

`python -m medvlm.phantoms.balance` counts the facts anew and writes `balance.json`; run it when a phantom's drawing
changes. A yes/no question about a fact of frequency p is asked in a share min(1, (1 - p) / p) of the pictures that have
it and in a share min(1, p / (1 - p)) of those that have not: yes and no then come equally often.
"""

import argparse
import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from statistics import median

from medvlm.folders import write_whole
from medvlm.phantoms.truth import Finding, Truth
from medvlm.phantoms.wording import measured, technique
from medvlm.types import DOMAINS

TABLE = Path(__file__).with_name("balance.json")
# Chest findings that leave the lungs themselves as they are.
BESIDE_THE_LUNGS = ("cardiomegaly", "line", "tube", "diaphragm", "fracture", "catheter", "device")
# How far a centre must be from the middle (a fraction of the picture) before we say which half it is in.
CLEAR_OF_MIDDLE = 0.08
# A size is asked about only where it is clearly above or below the threshold.
CLEAR_OF_THRESHOLD = 1.15

Frequencies = Mapping[str, Mapping[str, float]]


def lone(truth: Truth) -> tuple[Finding, ...]:
    """Findings whose name stands once in the picture: only of these can "the nodule" be said."""
    names = Counter(finding.name for finding in truth.findings)
    return tuple(finding for finding in truth.findings if names[finding.name] == 1)


def halves(finding: Finding) -> tuple[str | None, str | None]:
    """("upper" or "lower", "left" or "right") of the picture; None where it lies near the middle or is not known."""
    if finding.centre is None:
        return None, None
    row, column = finding.centre
    vertical = None if abs(row - 0.5) < CLEAR_OF_MIDDLE else "upper" if row < 0.5 else "lower"
    horizontal = None if abs(column - 0.5) < CLEAR_OF_MIDDLE else "left" if column < 0.5 else "right"
    return vertical, horizontal


def lungs_clear(truth: Truth) -> bool:
    """Whether no finding is one of the lungs themselves."""
    return all(any(word in finding.name for word in BESIDE_THE_LUNGS) for finding in truth.findings)


def affected_side(truth: Truth) -> str | None:
    """The side that all findings lie on, or None."""
    sides = {finding.side for finding in truth.findings}
    return sides.pop() if len(sides) == 1 and sides <= {"left", "right"} else None


def larger(truth: Truth) -> tuple[Finding, Finding] | None:
    """Of exactly two single findings of known size, the clearly larger and the smaller one."""
    sized = sorted((f for f in lone(truth) if measured(f)), key=lambda f: -(f.size_mm or 0.0))
    if len(sized) != 2 or len(truth.findings) != 2 or (sized[0].size_mm or 0) < 1.4 * (sized[1].size_mm or 0):
        return None
    return sized[0], sized[1]


def facts(truth: Truth) -> dict[str, str]:
    """What closed questions may be asked about in this picture, but for presence: fact -> value."""
    found: dict[str, str | None] = {
        "normal": "yes" if truth.normal else "no",
        "plane": truth.plane,
        "region": truth.region if truth.domain in ("cxr", "ct", "mri") else None,
        "organ": truth.organ,
        "technique": technique(truth),
        "affected side": affected_side(truth),
    }
    found |= {key: value for key, value in truth.extras}
    if truth.domain == "cxr":
        found["lungs clear"] = "yes" if lungs_clear(truth) else "no"
    for finding in lone(truth):
        found |= finding_facts(finding, len(truth.findings) == 1)
    if (pair := larger(truth)) is not None:
        found[f"larger of {' and '.join(sorted(f.name for f in pair))}"] = pair[0].name
    return {key: value for key, value in found.items() if value is not None}


def finding_facts(finding: Finding, only: bool) -> dict[str, str | None]:
    """What may be asked about one finding; `only`: it is the only one in the picture."""
    vertical, horizontal = halves(finding)
    found = {
        f"side of {finding.name}": finding.side,
        f"place of {finding.name}": finding.place,
        f"several {finding.name}": "yes" if finding.count > 1 else "no",
        f"half of {finding.name}": vertical if finding.count == 1 else None,
    }
    return found | ({"affected half": vertical, "affected flank": horizontal} if only else {})


def threshold_side(finding: Finding, threshold_mm: float) -> str | None:
    """ "yes" if clearly larger than the threshold, "no" if clearly smaller, None in between."""
    size_mm = measured(finding)
    if size_mm is None:
        return None
    if size_mm > threshold_mm * CLEAR_OF_THRESHOLD:
        return "yes"
    return "no" if size_mm * CLEAR_OF_THRESHOLD < threshold_mm else None


def count_facts(truths: Iterable[Truth]) -> dict[str, dict[str, dict[str, float]]]:
    """domain -> fact -> value -> frequency where the fact is known; thresholds in mm beside them."""
    groups: dict[str, list[Truth]] = defaultdict(list)
    for truth in truths:
        groups[truth.domain].append(truth)
    return {name: frequencies(group) for name, group in sorted(groups.items())}


def frequencies(truths: list[Truth]) -> dict[str, dict[str, float]]:
    """Of one domain's truths: fact -> value -> frequency where the fact is known."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    thresholds = size_thresholds(truths)
    for truth in truths:
        for fact, value in facts(truth).items():
            counts[fact][value] += 1
        present = {finding.name for finding in truth.findings}
        for name in sorted(present.union(truth.possible)):
            counts[f"presence of {name}"]["yes" if name in present else "no"] += 1
        for finding in lone(truth):
            side = threshold_side(finding, thresholds.get(finding.name, 0.0)) if finding.name in thresholds else None
            if side:
                counts[f"large {finding.name}"][side] += 1
    table = {fact: shares(values) for fact, values in sorted(counts.items())}
    return table | {"thresholds in mm": dict(sorted(thresholds.items()))}


def shares(values: Counter[str]) -> dict[str, float]:
    """Counts as frequencies, to four digits."""
    return {value: round(n / values.total(), 4) for value, n in sorted(values.items())}


def size_thresholds(truths: list[Truth]) -> dict[str, float]:
    """The median size of each finding in mm, to a number that people say: half are larger."""
    sizes: dict[str, list[float]] = defaultdict(list)
    for truth in truths:
        for finding in lone(truth):
            if (size_mm := measured(finding)) is not None:
                sizes[finding.name].append(size_mm)
    return {name: rounded(median(values)) for name, values in sizes.items()}


def rounded(size_mm: float) -> float:
    """To a number that people say: 5 microns, whole millimetres, half centimetres."""
    step = 0.005 if size_mm < 1 else 1.0 if size_mm < 10 else 5.0
    return round(round(size_mm / step) * step, 4)


@cache
def table_on_disk() -> dict[str, dict[str, dict[str, float]]]:
    """What `write_table` wrote; empty where it has not been run."""
    table: dict[str, dict[str, dict[str, float]]] = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    return table


def frequencies_for(truth: Truth) -> Frequencies:
    """The frequencies among phantoms of this picture's domain."""
    return table_on_disk().get(truth.domain, {})


def ask_yes_no(rng: random.Random, holds: bool, frequency: float) -> bool:
    """Whether to ask a yes/no question about a fact of this frequency, given whether it holds here."""
    if not 0.0 < frequency < 1.0:
        return False
    odds = frequency / (1.0 - frequency)
    return rng.random() < min(1.0, 1.0 / odds if holds else odds)


def ask_evenly(rng: random.Random, value: str, values: Mapping[str, float]) -> bool:
    """Whether to ask a question with fixed choices, so that every choice is right equally often."""
    if len(values) < 2 or value not in values:
        return False
    return rng.random() < min(values.values()) / values[value]


def other_value(rng: random.Random, value: str, values: Mapping[str, float]) -> str | None:
    """A second choice for "A or B?", drawn by frequency; None (do not ask) when the draw is the value itself.

    A true A with a drawn B then comes as often as a true B with a drawn A.
    """
    if value not in values:
        return None
    names = sorted(values)
    drawn = rng.choices(names, [values[name] for name in names])[0]
    return None if drawn == value else drawn


def main() -> None:
    """Counts over the first training seeds of each domain, and writes the table whole.

    Held-out pictures have the same findings in other places, so one table serves both splits.
    """
    from medvlm.phantoms import draw

    parser = argparse.ArgumentParser(prog="python -m medvlm.phantoms.balance", description=main.__doc__)
    parser.add_argument("--per-domain", type=int, default=1000, help="how many seeds of each domain to count")
    parser.add_argument("--truths", type=Path, help="keep the truths as well, in this .json.gz (for the tests)")
    chosen = parser.parse_args()
    truths = [draw(domain, seed).truth for domain in DOMAINS for seed in range(chosen.per_domain)]
    write_table(count_facts(truths))
    if chosen.truths:
        keep_truths(truths, chosen.truths)


def keep_truths(truths: list[Truth], path: Path) -> None:
    """All fields but the layperson's sentence, as JSON; the same truths give the same bytes."""
    fields = [{name: value for name, value in asdict(truth).items() if name != "layperson"} for truth in truths]
    write_whole(path, gzip.compress(json.dumps(fields, separators=(",", ":")).encode(), mtime=0))


def write_table(table: Mapping[str, Frequencies]) -> None:
    write_whole(TABLE, (json.dumps(table, indent=1, sort_keys=True) + "\n").encode())


if __name__ == "__main__":
    main()
