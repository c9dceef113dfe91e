"""Coded concepts (PS3.3 8.8) that may stay: those of public vocabularies, with the vocabulary's own wording."""

from functools import cache
from typing import Any

# The code's words; whatever else an item holds is treated as anywhere.
WORDS = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
_OTHER_WORDS = ("LongCodeValue", "URNCodeValue", "CodingSchemeVersion")


@cache
def _meanings() -> dict[tuple[str, str], str]:
    # pydicom's public way to these tables is by name of concept, not by code.
    from pydicom.sr._concepts_dict import concepts
    from pydicom.sr._snomed_dict import mapping

    known = {
        (scheme, value): meaning
        for scheme, said in concepts.items()
        for versions in said.values()
        for value, (meaning, _) in versions.items()
    }
    older = {("SRT", old): known[("SCT", new)] for old, new in mapping["SRT"].items() if ("SCT", new) in known}
    return known | older


def is_code(item: Any) -> bool:
    """Whether an item of a sequence is a coded concept."""
    return any(word in item for word in (*WORDS, *_OTHER_WORDS))


def settle(item: Any) -> bool:
    """Put the vocabulary's wording in place of the file's; False where no public vocabulary has this code.

    A code of a hospital's own, and the wording of any, may say what its author liked.
    """
    value, scheme = (str(item.get(word, "")).strip() for word in WORDS[:2])
    meaning = _meanings().get((scheme, value))
    if meaning is None:
        return False
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    for word in _OTHER_WORDS:
        if word in item:
            del item[word]
    return True
