"""Start the page: `python app.py [--port 7860] [--base nano] [--adapter nano-med] ...`; `--help` says it all."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.config import (
    PREFIX,
    AppSettings,
    Layer,
    choices_of,
    environment_layer,
    file_layer,
    help_of,
    is_loopback,
    read,
)
from medvlm.errors import UserError
from medvlm.page.host import Host, Status

if TYPE_CHECKING:
    from medvlm.page.keeping import Holding

EPILOG = (
    f"Every option can also stand in a TOML file (--config, keys with underscores) or in the environment "
    f"({PREFIX}PORT=8000); options come before the environment, the environment before the file. {NOT_FOR_DIAGNOSIS}"
)


def parser() -> argparse.ArgumentParser:
    """One option for each field of `AppSettings`."""
    made = argparse.ArgumentParser(prog="app.py", description="Talk about a scan, in the browser.", epilog=EPILOG)
    made.add_argument("--config", type=Path, metavar="FILE.toml", help="settings file")
    default = AppSettings()
    for key, text in help_of(AppSettings).items():
        allowed = choices_of(AppSettings, key)
        shown = f"{text} ({', '.join(allowed)})" if allowed else text
        made.add_argument(
            f"--{key.replace('_', '-')}",
            metavar=key.upper(),
            help=f"{shown} [{getattr(default, key)}; {PREFIX}{key.upper()}]",
        )
    return made


def settings(arguments: Sequence[str]) -> AppSettings:
    """Defaults <- file <- environment <- options. Raises `ConfigError` with every mistake."""
    given = vars(parser().parse_args(arguments))
    file = given.pop("config")
    options = {key: value for key, value in given.items() if value is not None}
    layers = [file_layer(file)] if file else []
    layers += [environment_layer(AppSettings), Layer("the command line", options, "--{flag}")]
    return read(AppSettings, *layers)


def run(chosen: AppSettings) -> None:
    """Serve until interrupted; whatever libraries write meanwhile, and whatever is held of anybody, is gone then."""
    from medvlm.page.keeping import Holding, Keeper
    from medvlm.page.retention import settled

    with settled(chosen.no_disk) as place, Keeper(60.0 * chosen.idle_minutes) as keeper:
        serve(chosen, Holding(keeper, place))


def serve(chosen: AppSettings, holding: "Holding") -> None:
    """Build the parts and serve them."""
    from medvlm.auth import Gate as Login
    from medvlm.imaging import Limits
    from medvlm.page.desk import Desk
    from medvlm.page.handout import Handout
    from medvlm.page.inbox import Inbox
    from medvlm.page.retention import elsewhere
    from medvlm.page.session import Choices
    from medvlm.page.waking import loader
    from medvlm.privacy import Gate
    from medvlm.types import Decoding
    from medvlm.ui import server
    from medvlm.ui.chat_tab import Room
    from medvlm.ui.layout import web_app
    from medvlm.ui.tabs import beside

    gate = Login.open(chosen.auth_file) if chosen.auth_file else None
    listener = server.listen(chosen.host, chosen.port)
    limits = Limits(file_bytes=chosen.upload_mb * 1_000_000)
    host = Host(loader(chosen), say)
    choices = Choices(decoding=Decoding(max_tokens=chosen.max_tokens))
    desk, inbox = Desk(host, limits, Gate(chosen.privacy)), Inbox(limits.file_bytes)
    if chosen.endpoint:
        holding.also_holds.append(lambda _: (elsewhere(chosen.endpoint),))
    room = Room(desk, inbox, chosen.upload_mb, choices, Handout(), holding)
    app = web_app(room, gate, is_loopback(chosen.host), beside(host, room.handout, holding, chosen))
    address = f"http://{chosen.host}:{chosen.port}"

    def ready() -> None:
        # Only now: importing the model's libraries would slow the page's first seconds.
        print(f"MedVLM is at {address} (Ctrl+C ends it). {NOT_FOR_DIAGNOSIS}", flush=True)
        host.start()

    server.serve(app, listener, ready)


def say(status: Status) -> None:
    """How loading ended, for whoever looks at the terminal."""
    if status.state == "ready":
        print(f"{status.sentence} is ready after {status.seconds:.1f} s.", flush=True)
    else:
        print(f"No model: {status.sentence}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        run(settings(sys.argv[1:] if arguments is None else arguments))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
