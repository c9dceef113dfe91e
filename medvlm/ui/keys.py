"""What "?" shows: every key, in one small table."""

from medvlm.ui import vote

KEYS: tuple[tuple[str, str], ...] = (
    ("o", "Open files (or drop or paste them)"),
    ("O", "Open a folder"),
    ("/", "Go to the question"),
    ("Enter", "Send the question; Shift+Enter starts a new line"),
    ("Esc", "Stop the answer; close what is open"),
    ("↑", "In an empty box: edit the last question"),
    ("s", "Settings"),
    ("n", "New conversation"),
    ("?", "This table"),
    *vote.KEYS,
)


def dialog() -> str:
    rows = "".join(f"<tr><th scope='row'><kbd>{key}</kbd></th><td>{does}</td></tr>" for key, does in KEYS)
    return (
        '<dialog id="keys" aria-labelledby="keys-title"><div class="drawer-head"><h2 id="keys-title">Keyboard</h2>'
        '<button type="button" class="plain" data-act="close-keys">Close</button></div>'
        f"<table>{rows}</table></dialog>"
    )
