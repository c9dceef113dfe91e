"""The table of contents of a disc (DICOMDIR): used only to tell which of the files that were given are pictures."""

import io
from collections.abc import Sequence

from medvlm.imaging.header import items, value

DICOMDIR = "1.2.840.10008.1.3.10"


def is_dicomdir(head: bytes) -> bool:
    """Whether the start of a file says that it is one (PS3.10 media storage SOP class)."""
    return head[128:132] == b"DICM" and DICOMDIR.encode() in head[:1024]


def references_of(data: bytes) -> list[tuple[str, ...]]:
    """The files that it lists, each as the steps of a path in capitals; empty where it cannot be read."""
    from pydicom import dcmread

    records = items(dcmread(io.BytesIO(data), force=True), "DirectoryRecordSequence")
    found = [value(record, "ReferencedFileID") for record in records]
    steps = [[one] if isinstance(one, str) else list(one) for one in found if one is not None]
    return [tuple(str(step).upper() for step in path) for path in steps if path]


def listed(names: Sequence[str], references: Sequence[tuple[str, ...]]) -> list[int]:
    """Indices of the names whose path ends as a reference does; by the last step alone where that is unambiguous.

    A browser may give bare file names. Names are compared, never opened.
    """
    paths = [tuple(step for step in name.upper().replace("\\", "/").split("/") if step) for name in names]
    longest = max((len(reference) for reference in references), default=0)
    whole = set(references)
    lasts = [reference[-1] for reference in references]
    once = {last for last in lasts if lasts.count(last) == 1} if len(lasts) <= 2000 else set()
    return [
        index
        for index, path in enumerate(paths)
        if any(path[-size:] in whole for size in range(1, min(longest, len(path)) + 1))
        or (len(path) == 1 and path[0] in once)
    ]
