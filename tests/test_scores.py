"""Files of scores and predictions survive kills and say what is wrong with them."""

from pathlib import Path

import pytest

from medvlm import scores
from medvlm.errors import DatasetError
from medvlm.statistics import Interval


def test_rows_are_appended_and_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "predictions.jsonl"
    assert scores.rows(path) == []
    scores.append(path, [{"id": "a", "text": "Übersicht"}])
    with path.open("ab") as file:
        file.write(b'{"id": "b", "te')
    assert [row["id"] for row in scores.rows(path)] == ["a"]
    scores.append(path, [{"id": "b", "text": "yes"}])
    assert scores.rows(path) == [{"id": "a", "text": "Übersicht"}, {"id": "b", "text": "yes"}]


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_text('{"id": \n{"id": "b"}\n')
    with pytest.raises(DatasetError, match="damaged"):
        scores.rows(path)


def test_a_record_is_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "nano" / "x.json"
    assert scores.read(path) is None
    assert scores.write(path, {"n": 3, "name": "x"}) == path
    assert scores.read(path) == {"n": 3, "name": "x"}
    with pytest.raises(ValueError):
        scores.write(path, {"n": float("nan")})
    assert scores.read(path) == {"n": 3, "name": "x"}
    for text in ("{", "[1]"):
        path.write_text(text)
        with pytest.raises(DatasetError, match="again"):
            scores.read(path)


def test_a_share_keeps_counts_beside_its_interval() -> None:
    # No hit: the upper end is z^2 / (n + z^2) = 3.84146 / 23.84146.
    assert scores.share(0, 20) == {"hits": 0, "n": 20, "value": 0.0, "low": 0.0, "high": 0.16113}
    assert scores.share(0, 0) == {"hits": 0, "n": 0, "value": None, "low": None, "high": None}
    assert scores.interval(Interval(0.123456, -1.0, 1.0)) == {"value": 0.12346, "low": -1.0, "high": 1.0}
