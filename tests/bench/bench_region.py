"""Asking about a region: the part as a second picture, or its place in words; which one finds what lies in it?

Of each phantom with one finding in a known place, two boxes of the same size are asked about: one around the finding,
one elsewhere. A way of asking tells them apart where "yes" is likelier for the first, yes / (yes + no): one that does
not see the box gets half of them right. python -m tests.bench --only region
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from medvlm import paths
from medvlm.imaging import render
from medvlm.page.region import WAYS, Region, Way, asked
from medvlm.phantoms import draw
from medvlm.phantoms.scan import as_scan
from medvlm.phantoms.truth import Finding, Phantom
from medvlm.phantoms.wording import indefinite, is_plural
from medvlm.statistics import mcnemar, wilson
from medvlm.types import DOMAINS, Conversation, Domain, View

if TYPE_CHECKING:
    from medvlm.model import LocalModel

Row = dict[str, Any]
Told = dict[Way, list[float]]
NANO_MED = paths.ASSETS / "adapters" / "nano-med"
EACH = 16  # phantoms a domain
# A box as wide as the finding with this much around it, and never so small that a crop shows nothing but noise.
AROUND, LEAST = 1.4, 0.12


def box(centre: tuple[float, float], half: float) -> Region | None:
    """The square around a place; None where it leaves the picture."""
    row, column = centre
    edges = (column - half, row - half, column + half, row + half)
    return Region("box", *edges) if min(edges) >= 0 and max(edges) <= 1 else None


def boxes(finding: Finding) -> tuple[Region, Region] | None:
    """One around the finding and one of the same size elsewhere: across the midline, or else below or above."""
    if finding.centre is None or finding.radius is None or finding.count != 1:
        return None
    half = max(finding.radius * AROUND, LEAST / 2)
    row, column = finding.centre
    around = box(finding.centre, half)
    for place in ((row, 1 - column), (1 - row, column), (1 - row, 1 - column)):
        apart = max(abs(place[0] - row), abs(place[1] - column)) >= 2 * half
        elsewhere = box(place, half)
        if around is not None and elsewhere is not None and apart:
            return around, elsewhere
    return None


def cases(domain: Domain, count: int) -> Iterator[tuple[Phantom, tuple[Region, Region]]]:
    """Phantoms of the test split with one finding that has a place, and their two boxes."""
    for seed in range(10_000):
        phantom = draw(domain, seed, "test")
        findings = phantom.truth.findings
        pair = boxes(findings[0]) if len(findings) == 1 else None
        if pair is not None:
            yield phantom, pair
            count -= 1
            if not count:
                return


def shown(phantom: Phantom) -> Conversation:
    """The phantom as the page would send it: in RGB, through its own window."""
    scan = as_scan(phantom)
    pixels = render(scan)
    flat = replace(scan, slices=(pixels,), window=None, inverted=False, sha256=scan.sha256[:32] + "rgb")
    return Conversation().with_scan(flat)


def likely_yes(model: "LocalModel", talk: Conversation) -> float:
    found = model.next_token_probabilities(talk, "tuned", ("yes", "no"))
    model.forget(talk.id)
    return found["yes"] / max(found["yes"] + found["no"], np.finfo(float).tiny)


def told_apart(model: "LocalModel", phantom: Phantom, pair: tuple[Region, Region], way: Way) -> float:
    """1 where "yes" is likelier for the box with the finding, 0.5 where both are alike, else 0."""
    name = phantom.truth.findings[0].name
    question = f"{'Are' if is_plural(name) else 'Is'} there {indefinite(name)}?"
    talk = shown(phantom)
    first, second = (likely_yes(model, replace(asked(talk, View(0), one, question, way), id=way)) for one in pair)
    return 0.5 if first == second else float(first > second)


def measured(model: "LocalModel", each: int) -> Told:
    """For each way, one number a phantom."""
    drawn = [case for domain in DOMAINS for case in cases(domain, each)]
    return {way: [told_apart(model, *case, way) for case in drawn] for way in WAYS}


def rows(told: Told) -> list[Row]:
    """A row a way, with its interval in the name, and one for how the two differ on the same phantoms."""
    made: list[Row] = []
    for way, hits in told.items():
        found = wilson(round(sum(hits)), len(hits))
        assert found is not None, "there are phantoms to ask about"
        name = f"region by {way}: told apart (n = {len(hits)}, 95 % {100 * found.low:.0f} to {100 * found.high:.0f})"
        share = 100 * sum(hits) / len(hits)
        made.append({"name": name, "value": share, "unit": "%", "against": "guessing", "ratio": share / 50})
    pairs = list(zip(told["crop"], told["words"], strict=True))
    p = mcnemar(sum(a > b for a, b in pairs), sum(b > a for a, b in pairs))
    return [*made, {"name": "crop against words, McNemar's exact p", "value": p, "unit": ""}]


def run(smoke: bool) -> list[Row]:
    """Rows as `rows` says, of nano with nano-med; a smoke run asks a tiny random model about one phantom a domain."""
    # Here and not above: what the tests take from this module needs no tensors.
    from medvlm.assemble import assemble
    from medvlm.model import LocalModel
    from tests import tiny_models

    with TemporaryDirectory() as scratch:
        base = tiny_models.write_model(Path(scratch) / "base") if smoke else assemble()
        adapter = tiny_models.write_adapter(Path(scratch) / "adapter", base) if smoke else NANO_MED
        model = LocalModel.load(str(base), str(adapter), self_check=False, keep_warm=False)
        return rows(measured(model, 1 if smoke else EACH))
