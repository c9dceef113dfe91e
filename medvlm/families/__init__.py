"""What differs from one family of vision-language models to the next: a family is one entry here and its functions."""

from medvlm.errors import CheckpointError
from medvlm.families.family import Family, Layout, PictureInputs, Seen, Spots, span_groups
from medvlm.families.gemma import GEMMA3
from medvlm.families.idefics import IDEFICS2, IDEFICS3
from medvlm.families.llava import LLAVA, LLAVA_NEXT
from medvlm.families.qwen import QWEN2_5_VL

__all__ = ["FAMILIES", "Family", "Layout", "PictureInputs", "Seen", "Spots", "family_of", "span_groups"]

# Keyed by `model_type` in config.json; nothing else asks for a family's name.
FAMILIES: dict[str, Family] = {
    family.name: family for family in (LLAVA, LLAVA_NEXT, IDEFICS2, IDEFICS3, QWEN2_5_VL, GEMMA3)
}


def family_of(model_type: str, where: str) -> Family:
    """The family of a config's `model_type`; raises CheckpointError for one that is not known."""
    if model_type not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise CheckpointError(
            f"{where} is a model of type {model_type!r}, which cannot be loaded here. Choose one of: {known}."
        )
    return FAMILIES[model_type]
