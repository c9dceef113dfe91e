"""What nano-med was meant to reach, and by how much each target is hit or missed."""

from collections.abc import Mapping
from dataclasses import dataclass

from eval.tables import MISSING, find
from medvlm.scores import Record
from medvlm.types import DOMAIN_NAMES, DOMAINS


@dataclass(frozen=True, slots=True)
class Target:
    """`found`: in points, or None while it is not measured; `most`: the target is an upper bound."""

    name: str
    goal: float
    found: float | None
    most: bool = False

    @property
    def verdict(self) -> str:
        """Such as "hit by 1.2" or "missed by 0.4"."""
        if self.found is None:
            return MISSING
        ahead = self.goal - self.found if self.most else self.found - self.goal
        hit = ahead > 0 or (ahead == 0 and self.goal != 0)  # an interval that ends at zero does not exclude it
        return f"{'hit' if hit else 'missed'} by {abs(ahead):.1f}"


def all_targets(stages: Mapping[str, Record | None], loaded: str) -> list[Target]:
    """Every target with what was measured; phantoms and VQA-RAD for the stage that the app loads."""
    official = find(stages.get(loaded), "settings")
    arm = find(official, "phantoms", "arms", "tuned")
    made = [Target("Phantoms' test, closed questions", 85, points(find(arm, "closed")))]
    made += [Target(f"Phantoms' test, closed, {DOMAIN_NAMES[d]}", 75, points(find(arm, "domains", d))) for d in DOMAINS]
    made += [
        Target("Phantoms' test, closed, sides", 75, points(find(arm, "kinds", "side"))),
        Target("Phantoms' test, closed, places", 75, points(find(arm, "kinds", "place"))),
    ]
    vqa = find(official, "vqa-rad")
    for name, goal in (("closed", 67), ("open", 37)):
        metric = f"compat_{name}"
        made.append(Target(f"VQA-RAD official, {name}, NF4", goal, points(find(vqa, "arms", "tuned", metric))))
        low = find(vqa, "difference", metric)
        lead = points(low, "low")
        made.append(Target(f"VQA-RAD official, {name}: lower end of the lead over the base", 0, lead))
    for name in ("closed", "open"):
        loss = points(find(official, "precision", "difference", f"compat_{name}"))
        made.append(Target(f"NF4 below full precision, VQA-RAD {name}", 2, loss, most=True))
    unseen = "Modality of real pictures never seen"
    made.append(Target(f"{unseen}, before VQA-RAD's answers", 85, mean_modality(stages.get("instruct"))))
    made.append(Target(f"{unseen}, image-disjoint", 85, mean_modality(stages.get("vqa-disjoint"))))
    return made


def points(record: Record | None, key: str = "value") -> float | None:
    value = None if record is None else record.get(key)
    return None if value is None else 100 * value


def mean_modality(stage: Record | None) -> float | None:
    """The mean over the wordings, not the best of them: nobody knows how a user will ask."""
    wordings = find(stage, "settings", "modality", "tuned", "wordings")
    values = [points(one) for one in (wordings or {}).values()]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
