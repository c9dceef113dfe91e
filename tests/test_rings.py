"""The order in which several processes share the tests."""

from medvlm.paths import ROOT
from tests.conftest import LONG, ring, turn


def test_the_browser_begins_first_then_what_takes_long_then_the_rest() -> None:
    ran = ["tests/test_words.py::test_a", f"{LONG[1]}::test_b[x::y]", "tests/browser/viewer/test_hands.py::test_c",
           f"{LONG[0]}::test_d", "tests/browser/test_gate.py::test_e", "tests/test_ask.py::test_f"]  # fmt: skip
    assert [one.rpartition("test_")[2] for one in sorted(ran, key=turn)] == ["c", "e", "d", "b[x::y]", "a", "f"]


def test_the_browser_s_tests_stay_together_and_others_by_file() -> None:
    rings = {ring(f"tests/{name}::test_it") for name in ("browser/test_gate.py", "browser/viewer/test_hands.py")}
    assert rings == {"tests/browser"} and ring("tests/test_ask.py::test_it[::]") == "tests/test_ask.py"


def test_every_long_file_is_there() -> None:
    assert [name for name in LONG if not (ROOT / name).is_file()] == [] and len({*LONG}) == len(LONG)
