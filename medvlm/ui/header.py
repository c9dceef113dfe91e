"""The top of the page: the product's name, how the model stands, and the chip that never goes away."""

from html import escape

from medvlm.host import Status
from medvlm.ui.markup import button, icon

CHIP = "Research demo · not for diagnosis"


def header(status: Status) -> str:
    """The whole header for one state of the model."""
    return (
        f'<div class="brand">{icon("logo")}<h1>MedVLM</h1></div>{badge(status)}'
        f'<span class="chip-label">{CHIP}</span>'
        f'<div class="tools" role="toolbar" aria-label="Conversation and page">{_tools()}</div>'
    )


def badge(status: Status) -> str:
    """A spinner while loading, a green dot when the adapter was verified, amber when not, red when loading failed."""
    kind = {"loading": "spinner", "failed": "dot bad"}.get(status.state, "dot good" if status.verified else "dot open")
    said = {
        "loading": f"Loading the model: {status.sentence.lower()}, {status.seconds:.0f} s",
        "failed": status.sentence,
        "ready": status.sentence + ("" if status.verified else " · not verified"),
    }[status.state]
    seen = "Adapter verified against its base" if status.verified else said
    return (
        f'<div class="badge {status.state}" role="status" title="{escape(seen)}"><span class="{kind}"></span>'
        f"<span>{escape(said)}</span></div>"
    )


def _tools() -> str:
    exports = button("export", "Markdown", form="markdown") + button("export", "JSON", form="json")
    return (
        button("fresh", "New conversation", "new", text=False)
        + f'<details class="menu"><summary aria-label="Export" title="Export">{icon("export")}</summary>'
        + f'<div class="sheet">{exports}</div></details>'
        + button("drawer", "Settings", "settings", text=False)
        + button("theme", "Light or dark", "theme", text=False)
        + button("keys", "Keyboard", "keys", text=False)
    )
