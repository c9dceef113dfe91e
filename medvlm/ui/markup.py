"""Small pieces of HTML, with everything that comes from outside escaped."""

from html import escape
from typing import Literal

Icon = Literal[
    "logo",
    "drop",
    "plus",
    "send",
    "copy",
    "retry",
    "edit",
    "undo",
    "export",
    "settings",
    "theme",
    "keys",
    "new",
    "folder",
    "beside",
    "held",
]

# Our own drawings on a grid of 16, one stroke wide.
ICONS: dict[Icon, str] = {
    "logo": '<circle cx="8" cy="8" r="6.2"/><path d="M3 8h2.4l1.5-3.4 2.2 6.8L10.6 8H13"/>',
    "drop": '<path d="M8 2.5v7M5 6.8 8 9.8l3-3M2.5 10.5v3h11v-3"/>',
    "plus": '<path d="M8 3.2v9.6M3.2 8h9.6"/>',
    "folder": '<path d="M2.4 12.8V3.6h4l1.4 1.8h5.8v7.4z"/>',
    "beside": '<rect x="2.2" y="3" width="11.6" height="10" rx="1"/><path d="M8 3v10"/>',
    "held": '<path d="M8 1.9 3.2 3.7v3.9c0 3 2 5.3 4.8 6.5 2.8-1.2 4.8-3.5 4.8-6.5V3.7z"/>'
    '<path d="m5.8 8 1.6 1.6 2.9-3.2"/>',
    "send": '<path d="M8 12.8V3.4M4 7.2l4-4 4 4"/>',
    "copy": '<path d="M5.5 5.5h7v7h-7z"/><path d="M10.2 3.4H3.4v6.8"/>',
    "retry": '<path d="M12.6 8a4.6 4.6 0 1 1-1.5-3.4"/><path d="M12.8 2.6v2.8H10"/>',
    "edit": '<path d="m3.2 12.8.7-2.9 6.7-6.7 2.2 2.2-6.7 6.7z"/>',
    "undo": '<path d="M3.4 6h6a3.3 3.3 0 0 1 0 6.6H6.5"/><path d="M6 3.4 3.4 6 6 8.6"/>',
    "export": '<path d="M8 9.8V2.6M5.2 5.2 8 2.4l2.8 2.8M3 9v4.4h10V9"/>',
    "settings": '<path d="M2.5 5h6M11.5 5h2M2.5 11h2M7.5 11h6"/><circle cx="10" cy="5" r="1.5"/>'
    '<circle cx="6" cy="11" r="1.5"/>',
    "theme": '<circle cx="8" cy="8" r="5.4"/><path d="M8 2.6v10.8a5.4 5.4 0 0 0 0-10.8z" fill="currentColor"/>',
    "keys": '<path d="M5.9 6.2a2.1 2.1 0 1 1 3 1.9c-.6.3-.9.7-.9 1.4"/><path d="M8 11.9v.2"/>',
    "new": '<path d="M8.8 3.2H3.2v9.6h9.6V7.2"/><path d="m7 9 .4-1.7 5-5 1.3 1.3-5 5z"/>',
}


def icon(name: Icon) -> str:
    """An SVG that readers of the screen skip: the button around it has a name."""
    return (
        '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" '
        f'stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{ICONS[name]}</svg>'
    )


def button(
    act: str,
    label: str,
    name: Icon | None = None,
    *,
    text: bool = True,
    kind: str = "plain",
    hint: str = "",
    **data: object,
) -> str:
    """A button that tells the page's script to do `act`; `data` travels along. `text=False` shows the icon alone."""
    extra = "".join(f' data-{key}="{escape(str(value))}"' for key, value in data.items())
    inside = (icon(name) if name else "") + (f"<span>{escape(label)}</span>" if text else "")
    naming = "" if text else f' aria-label="{escape(label)}"'
    title = hint or ("" if text else label)
    naming += f' title="{escape(title)}"' if title else ""
    return f'<button type="button" class="{kind}" data-act="{act}"{naming}{extra}>{inside}</button>'


def error(sentence: str) -> str:
    """A sentence where the mistake was made, said aloud to those who listen."""
    return f'<p class="error" role="alert">{escape(sentence)}</p>' if sentence else ""
