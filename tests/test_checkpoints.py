"""What an adapter says about itself, and every way in which it may not fit its base."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from medvlm import checkpoints
from medvlm.checkpoints import CheckpointInfo
from medvlm.errors import CheckpointError

INFO = CheckpointInfo("nano", "abc", "llava", "instruct", 1, ("phantoms", "vqa-rad"), "0" * 40, "2026-01-01T00:00:00Z")
HERE = {"base_model": "nano", "revision": "abc", "family": "llava", "prompt_version": 1}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    checkpoints.write(INFO, tmp_path)
    assert checkpoints.read(tmp_path) == INFO
    assert [path.name for path in tmp_path.iterdir()] == ["medvlm.json"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "nobody knows which base"),
        ("{", "cannot be read"),
        ("[]", "schema 'list'"),
        ('{"schema": 99}', "schema 99"),
        (json.dumps({"schema": 1, "base_model": "x"}), "missing or unknown fields"),
    ],
)
def test_a_record_that_is_not_one_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / checkpoints.FILE).write_text(text)
    with pytest.raises(CheckpointError, match=says):
        checkpoints.read(tmp_path)


def test_an_adapter_that_fits_passes() -> None:
    checkpoints.verify(INFO, **HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"base_model": "other"}, "base model: trained on 'other', here 'nano'"),
        ({"base_revision": "old"}, "base revision: trained on 'old', here 'abc'"),
        ({"family": "llava_next"}, "family: trained on 'llava_next', here 'llava'"),
        ({"prompt_version": 7}, "prompt version: trained on 7, here 1"),
    ],
)
def test_every_difference_is_named(change: dict[str, object], says: str) -> None:
    with pytest.raises(CheckpointError, match=says):
        checkpoints.verify(replace(INFO, **change), **HERE)  # type: ignore[arg-type]


def test_all_differences_are_named_at_once() -> None:
    with pytest.raises(CheckpointError) as caught:
        checkpoints.verify(replace(INFO, family="x", base_revision="y"), **HERE)  # type: ignore[arg-type]
    assert "family" in str(caught.value) and "revision" in str(caught.value)


def test_the_revision_follows_the_weights(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"one")
    first = checkpoints.base_revision(tmp_path)
    assert checkpoints.base_revision(tmp_path) == first
    weights.write_bytes(b"two")
    assert checkpoints.base_revision(tmp_path) != first


def test_a_snapshot_is_its_commit(tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshots" / ("a1" * 20)
    snapshot.mkdir(parents=True)
    assert checkpoints.base_revision(snapshot) == "a1" * 20


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "model.pkl"])
def test_weights_that_can_run_code_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CheckpointError, match=rf"{name}, which can run code"):
        checkpoints.weight_files(tmp_path)


def test_code_beside_the_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoModel": "evil.Model"}}')
    with pytest.raises(CheckpointError, match="auto_map"):
        checkpoints.refuse_code(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llava"}')
    checkpoints.refuse_code(tmp_path)


def test_gibberish_is_heard() -> None:
    tokens = [3, 1, 2]
    sure = torch.nn.functional.one_hot(torch.tensor(tokens), 100).float() * 20
    checkpoints.check_fluent(sure, tokens, "model")
    with pytest.raises(CheckpointError, match=rf"gibberish: {math.log(100):.1f} nats"):
        checkpoints.check_fluent(torch.zeros(3, 100), tokens, "model")
    with pytest.raises(CheckpointError, match="not numbers"):
        checkpoints.check_fluent(sure / 0.0, tokens, "model")


def test_an_adapter_without_effect_is_noticed() -> None:
    logits = torch.randn(4, 10)
    checkpoints.check_differ(logits, logits + 0.1, "nano-med")
    with pytest.raises(CheckpointError, match="nano-med changes nothing"):
        checkpoints.check_differ(logits, logits + 1e-6, "nano-med")


def test_quantised_weights_that_stray_are_noticed() -> None:
    logits = torch.randn(40, 50) * 3
    close = checkpoints.check_agree(logits, logits + 0.1 * torch.randn(40, 50), "nano")
    assert close["nats"] < 0.1 and close["equal"] > 0.8
    with pytest.raises(CheckpointError, match="another model"):
        checkpoints.check_agree(logits, torch.randn(40, 50) * 3, "nano")


def test_the_norm_counts_what_begins_at_zero() -> None:
    a, b = torch.ones(2, 2), torch.zeros(2, 2)
    assert checkpoints.lora_norm([("x.lora_A.weight", a), ("x.lora_B.weight", b)]) == 0
    assert checkpoints.lora_norm([("x.lora_A.weight", a), ("x.lora_B.weight", a)]) == 2


def test_a_comparison_is_remembered_for_these_weights_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDVLM_HOME", str(tmp_path / "home"))
    (tmp_path / "model.safetensors").write_bytes(b"one")
    seal = checkpoints.seal(tmp_path, None, "nf4")
    assert not checkpoints.agreed(seal)
    checkpoints.remember(seal, {"base": {"nats": 0.5, "equal": 0.8}})
    assert checkpoints.agreed(seal) and checkpoints.agreed(checkpoints.seal(tmp_path, None, "nf4"))
    assert not checkpoints.agreed(checkpoints.seal(tmp_path, None, "int8"))
    assert not checkpoints.agreed(checkpoints.seal(tmp_path, tmp_path, "nf4"))
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert not checkpoints.agreed(checkpoints.seal(tmp_path, None, "nf4"))
