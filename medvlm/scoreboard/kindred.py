"""Runs that belong together: other models on the same data, and what happens to the same model without the picture."""

from collections.abc import Mapping
from dataclasses import dataclass

from medvlm.scoreboard.board import Board
from medvlm.scoreboard.sides import Compared, Group, Selection, Side, compared, overall
from medvlm.types import Arm


@dataclass(frozen=True, slots=True)
class Standing:
    """One arm of one run by the selected metric; `difference` of `group` is the selected side minus this one."""

    run: str
    arm: Arm
    label: str
    group: Group


def label(one: Board, arm: Arm) -> str:
    """Which weights answered: "nano-med" or "nano", with the numbers' form where it is not the app's."""
    info = one.info
    name = info.adapter if arm == "tuned" and info.adapter else info.model
    return name if info.quantization in ("nf4", "") else f"{name} ({info.quantization})"


def is_probe_of(one: Board, of: Board) -> bool:
    """Whether `one` puts `of`'s questions to the same weights under a changed condition ("TASK:CONDITION")."""
    same = one.info.adapter_sha256 == of.info.adapter_sha256 and one.info.model_revision == of.info.model_revision
    return same and one.info.dataset == of.info.dataset and one.info.task.startswith(f"{of.info.task}:")


def condition(one: Board) -> str:
    """What was changed, in words: what stands behind the task's colon."""
    return one.info.task.partition(":")[2].replace("-", " ") or "as asked"


def probes(boards: Mapping[str, Board], found: Compared) -> list[Standing]:
    """The selected side against itself under every other condition that was run; each with the paired difference."""
    made = []
    for name, one in boards.items():
        if one is found.one or not is_probe_of(one, found.one):
            continue
        side = Side(name, found.selection.first.arm)
        if one.column(side.arm, found.selection.metric) is not None:
            made.append(_standing(boards, found, side, condition(one)))
    return made


def same_data(boards: Mapping[str, Board], found: Compared) -> list[Standing]:
    """Every arm of every run on the selected data set and split, by the selected metric; the selected side first."""
    info, mine = found.one.info, found.selection.first
    made = []
    for name, one in boards.items():
        alike = (one.info.dataset, one.info.split, one.info.task) == (info.dataset, info.split, info.task)
        for arm in one.arms if alike else ():
            if one.column(arm, found.selection.metric) is not None:
                made.append(_standing(boards, found, Side(name, arm), label(one, arm)))
    return sorted(made, key=lambda standing: (standing.run, standing.arm) != (mine.run, mine.arm))


def _standing(boards: Mapping[str, Board], found: Compared, side: Side, named: str) -> Standing:
    chosen = found.selection
    against = side if side != chosen.first else None
    group = overall(compared(boards, Selection(chosen.first, against, chosen.metric, chosen.domain, chosen.kind)))
    return Standing(side.run, side.arm, named, group)
