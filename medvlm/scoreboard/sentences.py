"""Figures as sentences to paste anywhere: what, of whom, on which data, with n, interval and the caution."""

from typing import Literal

from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.plots.scores import p_said, said
from medvlm.scoreboard.board import Board, Scale, scale, title
from medvlm.scoreboard.kindred import label
from medvlm.scoreboard.sides import Compared, Group, Selection, Side
from medvlm.types import DOMAIN_NAMES

Which = Literal["first", "second", "difference"]
DATASETS = {
    "vqa_rad": "VQA-RAD", "phantoms": "drawn phantoms", "phantoms_chat": "drawn phantoms, asked as in a chat",
    "slake": "SLAKE", "path_vqa": "PathVQA",
}  # fmt: skip
DRAWN = "These are drawings, not pictures of patients."


def dataset(one: Board) -> str:
    """The data set and split in words: "VQA-RAD, test split"."""
    name = DATASETS.get(one.info.dataset, one.info.dataset)
    split = one.info.split.replace("_", " ")
    return f"{name}, {split} split" if split else name


def side_name(one: Board, side: Side) -> str:
    """Such as "nano-med (tuned)"."""
    return f"{label(one, side.arm)} ({side.arm})"


def scale_of(found: Compared) -> Scale:
    return scale(found.selection.metric, [found.first, *([found.second] if found.second is not None else [])])


def where(chosen: Selection) -> str:
    """The filters in words, with a comma before each."""
    parts = [DOMAIN_NAMES[chosen.domain]] if chosen.domain else []
    parts += [f"questions of kind {chosen.kind}"] if chosen.kind else []
    return "".join(f", {part}" for part in parts)


def sentence(found: Compared, group: Group, which: Which) -> str:
    """One figure of one group as a sentence that stands alone."""
    chosen, one = found.selection, found.one
    form = scale_of(found)
    data = f"on {dataset(one)}{where(chosen)}{'' if group.name == 'all' else f', {group.label}'}"
    metric = title(chosen.metric)
    if which == "difference":
        return _difference(found, group, form, data, metric)
    side = chosen.first if which == "first" else chosen.second
    board = one if which == "first" else found.other
    figure = group.first if which == "first" else group.second
    if side is None or board is None or figure is None:
        return ""
    left = group.unscored[0 if which == "first" else 1]
    unscored = f", {left} more could not be scored" if left else ""
    value = f"{said(figure, form)} from {figure.clusters} pictures{unscored}"
    return f"{side_name(board, side)} {data}: {metric} {value} (95 % interval; run {side.run}). {cautions(board)}"


def _difference(found: Compared, group: Group, form: Scale, data: str, metric: str) -> str:
    chosen = found.selection
    if group.difference is None or chosen.second is None or found.other is None:
        return ""
    names = f"{side_name(found.one, chosen.first)} minus {side_name(found.other, chosen.second)}"
    p = f"; p = {p_said(group.p)}" if group.p is not None else ""
    runs = chosen.first.run if chosen.first.run == chosen.second.run else f"{chosen.first.run} and {chosen.second.run}"
    value = said(group.difference, form, signed=True)
    told = f"{names} {data}: {metric} {value} (paired, 95 % interval over pictures{p}; run {runs})."
    return f"{told} {cautions(found.one, found.other)}"


def cautions(*boards: Board) -> str:
    """What must be said beside every score of these runs, each sentence once."""
    drawn = (DRAWN,) if any(one.info.real is False for one in boards) else ()
    notes = dict.fromkeys(note for one in boards for note in one.info.notes)
    return " ".join((*notes, *drawn, NOT_FOR_DIAGNOSIS))
