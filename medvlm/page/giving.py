"""What of a picture goes to the model: as it is on the screen, through another window, three windows as colours, or
with the slices beside it."""

from dataclasses import replace

from medvlm.page.viewing import Look, presets, sizes
from medvlm.types import Scan, Window

# Red, green and blue as MedGemma 1.5 has them for CT: -1024 to 1024, -135 to 215 and 0 to 80 HU.
COLOURS = (Window(2048, 0), Window(350, 40), Window(80, 40))
SCREEN, AS_COLOURS, BESIDE = "screen", "colours", "beside"
_WINDOW = "window "


def ways(scan: Scan) -> tuple[tuple[str, str], ...]:
    """The ways that make sense for a scan, the default first: (key, words)."""
    found = [(SCREEN, "as on the screen")]
    if scan.slices[len(scan.slices) // 2].ndim == 2:
        found += [(_WINDOW + one.name, f"through {_named(one.name)}") for one in presets(scan)[1:]]
    if scan.unit == "HU":
        found.append((AS_COLOURS, "three windows as colours"))
    if len(scan.slices) > 1:
        found.append((BESIDE, "with the slices beside it"))
    return tuple(found)


def given(scan: Scan, look: Look, way: str) -> Look:
    """The view that goes to the model, for a view on the screen; a way that the scan does not have changes nothing."""
    if way not in dict(ways(scan)):
        return look
    if way == AS_COLOURS:
        return replace(look, channels=COLOURS)
    chosen = next((one for one in presets(scan) if _WINDOW + one.name == way), None)
    return look if chosen is None else replace(look, window=chosen.window)


def beside(scan: Scan, look: Look) -> tuple[Look, ...]:
    """The slice before, this one and the one after, as far as they are there."""
    depth = sizes(scan)[look.axis]
    there = range(max(0, look.slice - 1), min(depth, look.slice + 2))
    return tuple(replace(look, slice=index) for index in there)


def _named(name: str) -> str:
    """A preset's name in the middle of a sentence: "the lung window", "1 to 99 %"."""
    return name if name[:1].isdigit() else f"the {name[:1].lower()}{name[1:]} window"
