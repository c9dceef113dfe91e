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


def theme() -> gr.themes.Base:
    """Teal for actions, grey for the rest; the numbers are those of `app.css`."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        font=SANS,
        font_mono=MONO,
        text_size=gr.themes.sizes.text_md,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
    ).set(
        body_background_fill="var(--ground)",
        body_background_fill_dark="var(--ground)",
        body_text_color="var(--ink)",
        body_text_color_dark="var(--ink)",
        body_text_color_subdued="var(--quiet)",
        body_text_color_subdued_dark="var(--quiet)",
        background_fill_primary="var(--panel)",
        background_fill_primary_dark="var(--panel)",
        background_fill_secondary="var(--panel)",
        background_fill_secondary_dark="var(--panel)",
        border_color_primary="var(--line)",
        border_color_primary_dark="var(--line)",
        block_background_fill="var(--panel)",
        block_background_fill_dark="var(--panel)",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_label_text_color="var(--ink)",
        block_label_text_color_dark="var(--ink)",
        block_title_text_color="var(--ink)",
        block_title_text_color_dark="var(--ink)",
        block_info_text_color="var(--quiet)",
        block_info_text_color_dark="var(--quiet)",
        input_background_fill="var(--ground)",
        input_background_fill_dark="var(--ground)",
        input_border_color="var(--edge)",
        input_border_color_dark="var(--edge)",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_background_fill_hover="var(--wash)",
        checkbox_label_background_fill_hover_dark="var(--wash)",
        checkbox_label_background_fill_selected="var(--wash)",
        checkbox_label_background_fill_selected_dark="var(--wash)",
        checkbox_label_text_color="var(--ink)",
        checkbox_label_text_color_dark="var(--ink)",
        checkbox_label_text_color_selected="var(--ink)",
        checkbox_label_text_color_selected_dark="var(--ink)",
        checkbox_background_color_selected="var(--accent)",
        checkbox_background_color_selected_dark="var(--accent)",
        checkbox_border_color_selected="var(--accent)",
        checkbox_border_color_selected_dark="var(--accent)",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="var(--wash)",
        button_secondary_background_fill_hover_dark="var(--wash)",
        button_secondary_border_color="var(--edge)",
        button_secondary_border_color_dark="var(--edge)",
        button_secondary_text_color="var(--ink)",
        button_secondary_text_color_dark="var(--ink)",
        input_placeholder_color="var(--quiet)",
        input_placeholder_color_dark="var(--quiet)",
        color_accent="var(--accent)",
        slider_color="var(--accent)",
        slider_color_dark="var(--accent)",
    )
