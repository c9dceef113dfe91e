"""What stands around the tabs and belongs to all: the sitting, header, settings, keys, and the way out for files."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from medvlm.page.handout import Handout
from medvlm.page.seat import Seat
from medvlm.page.session import Choices
from medvlm.ui import drawer, keys, receipt
from medvlm.ui.drawer import Drawer
from medvlm.ui.header import header
from medvlm.ui.theme import script

html = partial(gr.HTML, apply_default_css=False, container=False, padding=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """The components outside of the tabs; Gradio's classes carry no types that mypy could follow."""

    seat: Any
    top: Any
    porter: Any
    held: Any
    drawer: Drawer
    clock: Any


def build(handout: Handout, choices: Choices) -> Frame:
    """The frame, inside the Blocks that is open, above its tabs."""
    seat = gr.State(Seat(handout.holder()))
    top = html(header(None), elem_id="top", js_on_load=script("header"))
    porter = html({}, elem_id="porter", html_template="", js_on_load=script("porter"))
    html(keys.dialog(), elem_id="help", js_on_load=None)
    return Frame(seat, top, porter, receipt.part(), drawer.build(choices), gr.Timer(1.0))
