"""Which language a text is in: py3langid's model, which lies in its package and asks no network."""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

# Shorter texts are too short to tell: "T2-weighted MRI" is of any language.
ENOUGH = 80  # characters
_SAME = {"wuu": "zh", "yue": "zh"}


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def language(caption: str, around: str) -> str:
    """ISO 639-1 code of a caption; of one too short to tell, with the text around it."""
    text = caption if len(caption) >= ENOUGH else f"{caption} {around}"
    found = str(_identifier().classify(text[:2000])[0])
    return _SAME.get(found, found)
