"""`python -m eval datasets` says of every data set whether it is here, how much is in it and under which licence."""

import json
from pathlib import Path

import pytest

from eval import __main__ as command
from medvlm import datasets
from medvlm.datasets import vqarad


def test_every_data_set_is_listed_with_state_and_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDVLM_DATA", str(tmp_path))
    for one in (vqarad.rows, vqarad.held_out_pictures, vqarad.modality_labels, vqarad.domains):
        one.cache_clear()
    turns = [{"from": "human", "value": "?"}, {"from": "gpt", "value": "."}]
    row = {"id": "a", "image": "a.jpg", "conversations": turns}
    (tmp_path / "llava_med_instruct").mkdir()
    (tmp_path / "llava_med_instruct" / "llava_med_instruct_10k.json").write_text(json.dumps([row]))
    assert command.main(["datasets", "--json"]) == 0
    found = {one["name"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(found) == list(datasets.DATASETS)
    there = found["llava_med_10k"]
    assert (there["presence"], there["rows"], there["absent"]) == ("text only", {"train": 1}, 1)
    assert {found[name]["presence"] for name in ("phantoms", "own", "slake")} == {"drawn", "yours", "missing"}
    assert command.main(["datasets"]) == 0
    said = capsys.readouterr().out
    for part in (
        "llava_med_10k (LLaVA-Med instructions, 10K): text only; train 1",
        "licence: CC BY-NC 4.0",
        "med-vqa.com",
    ):
        assert part in said
