"""What kind of series it is, in words of a closed list."""

from medvlm.imaging.series_words import description_of, words_of


def test_only_known_words_are_taken_from_free_text() -> None:
    assert words_of(("MEIER^HANS Kopf nativ", "t1_mprage_SAG 1950")) == (
        "head",
        "without contrast",
        "T1",
        "MPRAGE",
        "sagittal",
    )
    assert description_of(("sagittal", "T1"), "axial") == "axial, T1"
