"""All probes by name, in the order in which they are told: those that ask, then those that read finished runs."""

from medvlm.probes.asked import Probe
from medvlm.probes.curves import RUNS_PROBES, RunsProbe
from medvlm.probes.picture_probes import PICTURE_PROBES
from medvlm.probes.question_probes import QUESTION_PROBES

_ALL: tuple[Probe | RunsProbe, ...] = (*PICTURE_PROBES, *QUESTION_PROBES, *RUNS_PROBES)
PROBES: dict[str, Probe | RunsProbe] = {probe.name: probe for probe in _ALL}


def asking() -> dict[str, Probe]:
    """The probes that put questions to a model."""
    return {name: probe for name, probe in PROBES.items() if isinstance(probe, Probe)}


def reading() -> dict[str, RunsProbe]:
    """The probes that read finished runs."""
    return {name: probe for name, probe in PROBES.items() if isinstance(probe, RunsProbe)}


def pages() -> str:
    """Every probe's definition with its measures, as Markdown; docs/probes.md holds these words."""
    return "\n\n".join(page(probe) for probe in PROBES.values()) + "\n"


def page(probe: Probe | RunsProbe) -> str:
    rows = "\n".join(
        f"| `{one.name}` | {one.title} | {one.definition} | {BETTER[one.better]} |" for one in probe.measures
    )
    head = "| measure | | what it is | better |\n|---|---|---|---|"
    return f"### `{probe.name}`: {probe.title}\n\n{probe.definition}\n\n{head}\n{rows}"


BETTER = {"high": "more", "low": "less", "none": "neither"}
