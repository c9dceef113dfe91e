"""How a file comes in: the page's script sends it piece by piece, and no piece touches a disk."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from medvlm.errors import UserError
from medvlm.inbox import Inbox

GARBLED = "The upload was garbled on its way. Choose the file again."


def receiver(inbox: Inbox) -> Callable[[Any], dict[str, Any]]:
    """What the script calls as `server.receive`: `{name, size}` opens a ticket, `{ticket, piece}` adds base64 to it."""

    def receive(data: Any) -> dict[str, Any]:
        try:
            if "piece" in data:
                piece = base64.b64decode(str(data["piece"]), validate=True)
                return {"size": inbox.add(str(data["ticket"]), piece)}
            return {"ticket": inbox.open(str(data["name"])[:200], int(data["size"]))}
        except (binascii.Error, KeyError, TypeError, ValueError):
            return {"error": GARBLED}
        except UserError as error:
            return {"error": str(error)}

    return receive
