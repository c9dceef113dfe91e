"""How the page looks, beyond its style sheet: Gradio's own parts in our colours, and the files of the page."""

from functools import cache

import gradio as gr

from medvlm.paths import ASSETS

FAVICON = ASSETS / "icons" / "favicon.svg"
# System fonts only: nothing is fetched from anywhere.
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Liberation Mono", "monospace")


@cache
def asset(name: str) -> str:
    """The text of a file in `assets/`."""
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def head() -> str:
    """What every page of ours begins with. As a style element: Gradio rewrites the selectors of what it gets as css."""
    styles, scripts = (asset("app.css"), asset("compare.css")), (asset("stream.js"), asset("copy.js"))
    return f"<style>{''.join(styles)}</style><script>{''.join(scripts)}</script>"


# The parts of the page that have a script of their own; the page is shown as ready when the last of them listens.
SCRIPTS = ("header", "viewer", "scan", "talk", "composer", "porter")
LISTENS = """
const listens = () => {
  element.dataset.listens = '';
  if (document.querySelectorAll('[data-listens]').length === %d) document.body.dataset.ready = '';
};
"""


@cache
def script(name: str) -> str:
    """What runs once in the part `name`; with `listens()` it says that it works, see `[data-ready]` in `app.css`."""
    return LISTENS % len(SCRIPTS) + asset(f"{name}.js")


# Name in `app.css` -> light and dark. Given again because Gradio's login page comes without our style sheet.
TONES = {
    "ground": ("#f3f6f7", "#0f1417"),
    "panel": ("#ffffff", "#171d21"),
    "ink": ("#17222a", "#e4eaed"),
    "quiet": ("#52616b", "#9dabb3"),
    "line": ("#dbe2e6", "#2a343a"),
    "edge": ("#84929b", "#66757e"),
    "accent": ("#0b7069", "#4cc2b6"),
    "on-accent": ("#ffffff", "#04211e"),
    "wash": ("#e3f1ef", "#16322f"),
}
# Gradio's variable -> our tone.
PAINTED = {
    "body_background_fill": "ground",
    "body_text_color": "ink",
    "body_text_color_subdued": "quiet",
    "background_fill_primary": "panel",
    "background_fill_secondary": "panel",
    "border_color_primary": "line",
    "block_background_fill": "panel",
    "block_label_text_color": "ink",
    "block_title_text_color": "ink",
    "block_info_text_color": "quiet",
    "input_background_fill": "ground",
    "input_border_color": "edge",
    "input_placeholder_color": "quiet",
    "slider_color": "accent",
    "checkbox_label_background_fill_hover": "wash",
    "checkbox_label_background_fill_selected": "wash",
    "checkbox_label_text_color": "ink",
    "checkbox_label_text_color_selected": "ink",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color_selected": "accent",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent",
    "button_primary_text_color": "on-accent",
    "button_secondary_background_fill_hover": "wash",
    "button_secondary_border_color": "edge",
    "button_secondary_text_color": "ink",
}
CLEAR = ("checkbox_label_background_fill", "button_secondary_background_fill")


def theme() -> gr.themes.Base:
    """Teal for actions, grey for the rest, system fonts: the look of `app.css` for Gradio's own parts."""
    made = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        font=SANS,
        font_mono=MONO,
        text_size=gr.themes.sizes.text_md,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
    )
    return made.set(**_painted(), block_border_width="0px", input_border_width="1px", color_accent="var(--accent)")


def _painted() -> dict[str, str]:
    """Each variable for the light and the dark page."""
    both: dict[str, str] = {}
    for variable, tone in PAINTED.items():
        light, dark = TONES[tone]
        both |= {variable: f"var(--{tone}, {light})", f"{variable}_dark": f"var(--{tone}, {dark})"}
    return both | {name: "transparent" for clear in CLEAR for name in (clear, f"{clear}_dark")}
