"""The top of the page: the product's name, how the model stands, and the chip that never goes away."""

from html import escape

from medvlm.page.host import Status
from medvlm.ui.markup import button, icon

EMPTY = '<div class="badge" role="status"></div>'
CHIP = "Research demo · not for diagnosis"


def header(status: Status | None) -> str:
    """The whole header for one state of the model; None until the page has asked how it stands."""
    return (
        f'<div class="brand">{icon("logo")}<h1>MedVLM</h1></div>{badge(status) if status else EMPTY}'
        f'<span class="chip-label">{CHIP}</span>'
        f'<div class="tools" role="toolbar" aria-label="Conversation and page">{_tools()}</div>'
    )


def badge(status: Status) -> str:
    """A spinner while loading, a green dot when the adapter was verified, amber when not, red when loading failed."""
    kind = {"loading": "spinner", "failed": "dot bad"}.get(status.state, "dot good" if status.verified else "dot open")
    said = status.sentence
    if status.state == "loading":
        doing = status.sentence[:1].lower() + status.sentence[1:]
        said = "Loading the model" if doing == "loading the model" else f"Loading the model: {doing}"
        said += f", {status.seconds:.0f} s"
    adapter = _adapter(status)
    seen = f'<small class="unverified">{adapter}</small>' if adapter and not status.verified else ""
    return (
        f'<div class="badge {status.state}" role="status" title="{escape(adapter or said)}">'
        f'<span class="{kind}"></span><span>{escape(said)}</span>{seen}</div>'
    )


def _adapter(status: Status) -> str:
    if status.state != "ready":
        return ""
    if not status.adapted:
        return "no adapter"
    return "Adapter verified against its base" if status.verified else "adapter not verified"


def _tools() -> str:
    exports = button("export", "Markdown", form="markdown") + button("export", "JSON", form="json")
    return (
        button("fresh", "New conversation", "new", text=False)
        + f'<details class="menu"><summary aria-label="Export" title="Export">{icon("export")}</summary>'
        + f'<div class="sheet">{exports}</div></details>'
        + button("held", "What is held here", "held", text=False)
        + button("drawer", "Settings", "settings", text=False)
        + button("theme", "Light or dark", "theme", text=False)
        + button("keys", "Keyboard", "keys", text=False)
    )
