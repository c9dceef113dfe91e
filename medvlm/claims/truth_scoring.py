"""Free text held against what a phantom is known to show: findings, sides, places and numbers, right, wrong or missed.

This judges figures in the repository where no judge model is at hand. It reads texts with `claims`, whose precision and
recall are in docs/metrics.md; wherever a score of it is shown, those belong beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medvlm.claims.finding_words import ALSO_RIGHT
from medvlm.claims.findings import NORMAL, Claim, claims
from medvlm.phantoms.truth import Finding, Truth
from medvlm.phantoms.wording import is_mass
from medvlm.types import Domain

Facet = Literal["finding", "denial", "side", "place", "count", "normal"]
Outcome = Literal["right", "wrong", "missed"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was claimed, or that should have been; `facet` says what was held against the truth."""

    facet: Facet
    outcome: Outcome
    finding: str
    said: str = ""
    truth: str = ""


@dataclass(frozen=True, slots=True)
class TruthScore:
    """All that was checked in one text. `unsure`: claims with "may" and the like, which are neither right nor wrong.

    Right denials ("no effusion") are kept but earn nothing in `value`: a text that denies everything says little.
    """

    checked: tuple[Checked, ...]
    unsure: int

    def count(self, outcome: Outcome, facet: Facet | None = None) -> int:
        return sum(one.outcome == outcome and facet in (None, one.facet) for one in self.checked)

    @property
    def value(self) -> float | None:
        """Right claims over right, wrong and missed ones, 0 to 1; None where the text and the truth say nothing."""
        right = self.count("right") - self.count("right", "denial")
        total = right + self.count("wrong") + self.count("missed")
        return right / total if total else None

    @property
    def precision(self) -> float | None:
        """Of the findings claimed as present, the share that is there; None where none is claimed."""
        return _share(self.count("right", "finding"), self.count("wrong", "finding"))

    @property
    def recall(self) -> float | None:
        """Of the findings that are there, the share that is claimed; None where there is none."""
        return _share(self.count("right", "finding"), self.count("missed", "finding"))


def score(text: str, truth: Truth, about: Sequence[str] | None = None) -> TruthScore:
    """What a text claims against the truth. `about`: only these findings were asked for, so only they can be missed.

    A claimed finding that is not there is wrong; one that is there and not claimed is missed, once, also when the text
    denies it. Side, place and number are checked where the text gives them and the truth has them; "both" and "many"
    as they are meant. A text that calls an abnormal picture normal is wrong once more.
    """
    made = claims(text, truth.domain)
    checked = [*_present(made, truth), *_denied(made, truth), *_normal(made, truth), *_missed(made, truth, about)]
    return TruthScore(tuple(checked), sum(claim.state == "unsure" for claim in made))


def _named(truth: Truth, name: str) -> list[Finding]:
    return [finding for finding in truth.findings if finding.name == name]


def _present(made: Sequence[Claim], truth: Truth) -> list[Checked]:
    """Claimed findings, each kind counted once however often it is said, and what is claimed of them."""
    checked: list[Checked] = []
    for name in dict.fromkeys(claim.finding for claim in made if claim.state == "present" and claim.finding != NORMAL):
        same = [claim for claim in made if claim.finding == name and claim.state == "present"]
        there = _named(truth, name)
        checked.append(Checked("finding", "right" if there else "wrong", name, same[0].said))
        if there:
            checked += [one for claim in same for one in _details(claim, there, truth.domain)]
    return checked


def _details(claim: Claim, there: Sequence[Finding], domain: Domain) -> list[Checked]:
    """Side, place and number of one claim against the finding that fits it best."""
    best = max((_against(claim, finding, domain) for finding in there), key=_rightness)
    return list(best)


def _rightness(checked: Sequence[Checked]) -> int:
    return sum(1 if one.outcome == "right" else -1 for one in checked)


def _against(claim: Claim, finding: Finding, domain: Domain) -> list[Checked]:
    made: list[tuple[Facet, bool, str, str]] = []
    if claim.side is not None and finding.side is not None:
        made.append(("side", claim.side == finding.side, claim.side, finding.side))
    if claim.place is not None and finding.place is not None:
        made.append(("place", _same_place(claim.place, finding.place, domain), claim.place, finding.place))
    if claim.count is not None and not is_mass(finding.name):
        right = finding.count > 1 if claim.count == "many" else finding.count == claim.count
        made.append(("count", right, str(claim.count), str(finding.count)))
    return [
        Checked(facet, "right" if right else "wrong", claim.finding, said, true) for facet, right, said, true in made
    ]


def _same_place(said: str, true: str, domain: Domain) -> bool:
    return said == true or said in ALSO_RIGHT.get((domain, true), ())


def _denied(made: Sequence[Claim], truth: Truth) -> list[Checked]:
    """Right denials; a wrong one is a finding that is missed and counts there."""
    names = dict.fromkeys(claim.finding for claim in made if claim.state == "absent")
    return [Checked("denial", "right", name) for name in names if not _named(truth, name)]


def _normal(made: Sequence[Claim], truth: Truth) -> list[Checked]:
    said = [claim for claim in made if claim.finding == NORMAL]
    return [Checked("normal", "right" if truth.normal else "wrong", NORMAL, claim.said) for claim in said]


def _missed(made: Sequence[Claim], truth: Truth, about: Sequence[str] | None) -> list[Checked]:
    claimed = {claim.finding for claim in made if claim.state != "absent"}
    names = dict.fromkeys(finding.name for finding in truth.findings if about is None or finding.name in about)
    return [Checked("finding", "missed", name) for name in names if name not in claimed]


def _share(hits: int, others: int) -> float | None:
    return hits / (hits + others) if hits + others else None
