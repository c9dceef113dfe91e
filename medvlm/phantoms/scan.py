"""A phantom as a scan, so that it takes the same way to the screen and to the model as an uploaded file."""

import hashlib

from medvlm.phantoms.truth import Phantom
from medvlm.types import DOMAIN_NAMES, Scan


def as_scan(phantom: Phantom) -> Scan:
    """One slice, with the phantom's window, spacing and domain; numbers are Hounsfield units for CT."""
    domain = phantom.truth.domain
    return Scan(
        slices=(phantom.pixels,),
        domain=domain,
        domain_source="file",
        sha256=hashlib.sha256(phantom.pixels.tobytes()).hexdigest(),
        name=f"{DOMAIN_NAMES[domain]} phantom",
        kind="phantom",
        spacing=phantom.spacing,
        window=phantom.window,
        inverted=phantom.inverted,
        unit="HU" if domain == "ct" else "",
        notes=("drawn, not recorded: a phantom",),
    )
