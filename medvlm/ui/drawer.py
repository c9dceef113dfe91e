"""The settings drawer: how answers are drawn, by which arm, with which system prompt, and the prompt as sent."""

from dataclasses import dataclass

import gradio as gr

from medvlm.page.session import Choices
from medvlm.types import Arm, Decoding

ARMS: list[tuple[str, Arm]] = [("Tuned", "tuned"), ("Base", "base")]
SEEDS = 2**31
HEAD = (
    '<div class="drawer-head"><h2>Settings</h2>'
    '<button type="button" class="plain" data-act="close-drawer">Close</button></div>'
)


@dataclass(frozen=True, slots=True)
class Drawer:
    """The components whose values make `Choices`, in that order, and the box that shows the prompt."""

    inputs: tuple[gr.components.Component, ...]
    prompt: gr.Textbox
    show: gr.Button


def build(default: Choices) -> Drawer:
    """The drawer, closed, holding `default`; the header's script opens it."""
    with gr.Column(elem_id="drawer", min_width=0):
        gr.HTML(HEAD, apply_default_css=False, js_on_load=None)
        arm = gr.Radio(ARMS, value=default.arm, label="Model", info="Tuned on medical pictures, or the base under it")
        temperature = gr.Slider(
            0, 1.5, default.decoding.temperature, step=0.05, label="Temperature", info="0 always takes the likeliest"
        )
        top_p = gr.Slider(
            0.05, 1, default.decoding.top_p, step=0.05, label="Top-p", info="Of the likely words, so many"
        )
        tokens = gr.Slider(8, 512, default.decoding.max_tokens, step=8, label="Longest answer, in tokens")
        seed = gr.Number(default.decoding.seed, label="Seed", precision=0)
        system = gr.Textbox("", label="System prompt", lines=2, max_lines=5, placeholder="The built-in one")
        prompt = gr.Textbox("", label="Prompt as the model gets it", lines=5, max_lines=9, interactive=False)
        show = gr.Button("Show the prompt", size="sm")
    return Drawer((arm, temperature, top_p, tokens, seed, system), prompt, show)


def choices(
    arm: Arm, temperature: float, top_p: float, tokens: float, seed: float | None, system: str | None
) -> Choices:
    """What the components hold, as the library takes it; a cleared number is its default, any seed is one."""
    decoding = Decoding(
        temperature=float(temperature or 0.0),
        top_p=float(top_p or 1.0),
        max_tokens=int(tokens or Decoding().max_tokens),
        seed=abs(int(seed or 0)) % SEEDS,
    )
    return Choices(arm, decoding, (system or "").strip() or None)
