"""The stages of nano's training, in the order in which they run; light, so that the command line answers at once."""

from typing import Literal, get_args

Stage = Literal["tower", "reader", "shapes", "base", "align", "instruct", "vqa-disjoint", "vqa-official"]
STAGES: tuple[Stage, ...] = get_args(Stage)
# Whose adapter a stage goes on with; the others start one of their own.
PREVIOUS: dict[Stage, Stage] = {"instruct": "align", "vqa-disjoint": "instruct", "vqa-official": "vqa-disjoint"}
