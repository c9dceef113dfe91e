"""Preference training: votes become pairs, only the judged answer counts, the margin grows, a stop costs nothing."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from PIL import Image
from safetensors.torch import load_file

from medvlm import NOT_FOR_DIAGNOSIS, checkpoints, prompts
from medvlm.errors import DatasetError
from medvlm.imaging import read
from medvlm.model import LocalModel
from medvlm.outcomes.preferences import preferences
from medvlm.ratings import exports
from medvlm.ratings.bundles import pack
from medvlm.ratings.records import Rating
from medvlm.types import Conversation, Turn, View
from tests import dry_runs, tiny_models
from tests.rating_cases import simple
from train import checking, preferring, recipe, running
from train.parts import prepare
from train.recipe import Recipe
from train.sights import Sights
from train.tokens import IGNORED, Encoder
from train.votes import export, votes

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)


def png() -> bytes:
    out = BytesIO()
    Image.fromarray(PIXELS).save(out, "PNG")
    return out.getvalue()


SCAN = read(png(), "scan.png")


def rated(number: int, better: str, worse: str) -> Rating:
    """A blinded vote for the right one of two answers about the picture."""
    one = simple(number)
    assert one.right is not None
    return replace(
        one, case=replace(one.case, scans=(SCAN.sha256,)), left=replace(one.left, text=worse),
        right=replace(one.right, text=better),
    )  # fmt: skip


def written(path: Path, ratings: Iterable[Rating]) -> str:
    path.write_text("".join(exports.jsonl(ratings)), encoding="utf-8")
    return f"ratings:{path}"


VOTES = [rated(n, f"It is a{'b' * n}.", f"No {'x' * n}") for n in range(4)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_model(tmp_path_factory.mktemp("models") / "tiny", spread=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pictures")
    (made / "scan.png").write_bytes(png())
    return made


def small(base: Path, address: str, pictures: Path | None, adapter: Path | None = None) -> Recipe:
    """Eight steps of two pairs in fp32, a checkpoint after each third."""
    one = replace(recipe.read("dpo-ratings"), continues=str(adapter) if adapter else None)
    one = dry_runs.tiny(one, base, address, rate=5e-3, epochs=4.0, steps=None, warmup_share=0.0)
    return replace(
        one,
        machine=replace(one.machine, precision="fp32"),
        lora=replace(one.lora, rank=4, alpha=8),
        data=replace(one.data, pictures=str(pictures) if pictures else None, validation=address, validation_limit=1),
        keeping=replace(one.keeping, every=3, evaluate_every=4),
    )


def test_votes_become_pairs_and_what_says_nothing_is_counted(tmp_path: Path) -> None:
    named = replace(VOTES[3], id="named", blinded=False)
    against = replace(VOTES[0], id="other", reader="r2", verdict="left")
    given = [*VOTES, simple(8, "tie"), simple(9, "tie"), simple(10, "neither"), named, against]
    address = written(tmp_path / "all.jsonl", given)
    data = replace(recipe.read("dpo-ratings").data, train=(address,))
    found = votes(data, data.train)
    assert [one.turns[-1].text for one in found.dialogues] == ["It is ab.", "It is abb.", "It is abbb."]
    assert [one.turns[-1].text for one in found.rejected] == ["No x", "No xx", "No xxx"]
    assert found.left_out == {
        "ties": 2, "votes that both are unacceptable": 1, "votes with names shown": 1,
        "cases whose readers are of two minds": 1,
    }  # fmt: skip
    assert found.labels == (f"{address}-train",) and len(found.hashes[0]) == 64
    as_preferences = tmp_path / "dpo.jsonl"
    as_preferences.write_text("".join(json.dumps(one) + "\n" for one in preferences(given)))
    assert export(as_preferences).records == export(tmp_path / "all.jsonl").records


def test_votes_without_a_preference_are_an_error_that_says_why(tmp_path: Path) -> None:
    address = written(tmp_path / "none.jsonl", [simple(1, "tie"), replace(simple(2), blinded=False)])
    wrong, _ = checking.check("dpo-ratings", [f"data.train={address}"])
    (line,) = wrong
    assert "no preference to learn from (1 ties, 1 votes with names shown)" in line and "export them again" in line
    wrong, _ = checking.check("dpo-ratings", ["data.train=vqa_rad", "parts.language_model=full", "machine.gpus=2"])
    assert {line.split()[0].rstrip(":") for line in wrong} >= {"data.train", "parts.language_model", "machine.gpus"}
    (tmp_path / "broken.jsonl").write_text('{"chosen": [], "rejected": []}\n')
    with pytest.raises(DatasetError, match="line 1, is no preference"):
        export(tmp_path / "broken.jsonl")


def test_a_picture_is_found_by_hash_in_files_bundles_and_votes_or_named(tmp_path: Path, folder: Path) -> None:
    address = written(tmp_path / "votes.jsonl", VOTES)
    wrong, _ = checking.check("dpo-ratings", [f"data.train={address}"])
    assert len(wrong) == 1 and SCAN.sha256 in wrong[0] and "name it in data.pictures" in wrong[0]
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    (bundles / "case.zip").write_bytes(pack(VOTES[:1], png()))
    kept = written(tmp_path / "kept.jsonl", [replace(v, case=replace(v.case, picture=png())) for v in VOTES])
    for train, pictures in ((address, folder), (address, bundles), (kept, None)):
        data = replace(recipe.read("dpo-ratings").data, train=(train,), pictures=str(pictures) if pictures else None)
        found = votes(data, data.train)
        image = found.pictures.image(str(found.dialogues[0].picture))
        assert np.array_equal(np.asarray(image), PIXELS)


def test_only_the_judged_answer_counts_behind_the_prompt_of_the_app(base: Path, folder: Path, tmp_path: Path) -> None:
    history = (Turn("user", "What is it?", (View(0),)), Turn("assistant", "A CT."))
    one = VOTES[1]
    assert one.right is not None
    talked = replace(one, left=replace(one.left, history=history), right=replace(one.right, history=history))
    chosen_recipe = small(base, written(tmp_path / "votes.jsonl", [talked]), folder)
    learned = prepare(chosen_recipe, base, None)
    encoder = Encoder(learned.inner, learned.processor, learned.family, 1200)
    mixed = preferring.mixture(chosen_recipe)
    sights = Sights(encoder.see, mixed.pictures.image, None)
    (both,) = preferring.pairs(encoder, mixed, sights, chosen_recipe, tmp_path / "skipped.jsonl").values()
    tokenizer = learned.processor.tokenizer
    said = [tokenizer.decode([label for label in row.labels if label != IGNORED]) for row in both]
    assert said == ["It is ab.<|im_end|>", "No x<|im_end|>"]
    begin = [next(n for n, label in enumerate(row.labels) if label != IGNORED) for row in both]
    assert begin[0] == begin[1] and both[0].ids[: begin[0]] == both[1].ids[: begin[1]]
    asked = Conversation((SCAN,)).asked("What is it?", (View(0),)).answered("A CT.").asked("Question 1?")
    model = LocalModel.load(str(base), device="cpu", quantization="none", self_check=False)
    sent = model._engine.fitting(replace(asked, system=prompts.SYSTEM), 8).tokens
    assert both[0].ids[: begin[0]] == tuple(sent)


def stopped_at(log: Path, step: int) -> threading.Thread:
    """Asks this process to stop once the log has so many steps."""

    def watch() -> None:
        until = time.monotonic() + 300
        while (not log.is_file() or f'"step": {step},' not in log.read_text()) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    made = threading.Thread(target=watch, daemon=True)
    made.start()
    return made


def test_the_margin_grows_and_a_stopped_run_ends_with_the_same_weights(
    base: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = tiny_models.write_adapter(
        tmp_path / "before", base, scale=0.5, targets=r"model\.language_model\..*(q|k|v|o|gate|up|down)_proj"
    )
    one = small(base, written(tmp_path / "votes.jsonl", [*VOTES, simple(9, "tie")]), folder, adapter)
    made = running.run_one(one, tmp_path / "a", quiet=True)
    assert "1 ties left out" in capsys.readouterr().out
    log = [json.loads(line) for line in (made.parent / "log.jsonl").read_text().splitlines()]
    steps = [line for line in log if "loss" in line]
    # The copy that it is held against is the adapter itself: at first nothing is preferred.
    assert steps[0]["loss"] == pytest.approx(np.log(2), abs=1e-5) and steps[0]["margin"] == pytest.approx(0, abs=1e-5)
    assert steps[-1]["margin"] > 0.05 and steps[-1]["loss"] < steps[0]["loss"] - 0.02
    assert steps[-1]["preferred"] == 1
    assert log[-1]["validation_margin"] > 0.05
    assert {path.name for path in made.iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors", "medvlm.json", "README.md", "loss.png",
    }  # fmt: skip
    loaded = LocalModel.load(str(base), str(made), device="cpu", quantization="none", self_check=False)
    assert loaded.arms == ("base", "tuned")
    before, after = (load_file(where / "adapter_model.safetensors") for where in (adapter, made))
    assert before.keys() == after.keys() and not all(torch.equal(before[name], after[name]) for name in before)
    done = json.loads((made.parent / "done.json").read_text())
    assert done["check"] == "passed" and done["dialogues"] == len(VOTES)
    card = ModelCard((made / "README.md").read_text())
    assert card.data.library_name == "peft" and NOT_FOR_DIAGNOSIS in card.text and "![Loss over steps]" in card.text
    *earlier, (_, data) = done["data"].items()
    assert tuple(name for name, _ in earlier) == checkpoints.read(adapter).datasets, "what votes are about, too"
    assert data in card.text and "ratings:votes.jsonl-train" in card.text and str(tmp_path) not in card.text
    assert "language model" in card.text and "`preference.beta`" in card.text

    waiting = stopped_at(tmp_path / "b" / one.name / "log.jsonl", 4)
    with pytest.raises(SystemExit, match="the same command goes on"):
        running.run_one(one, tmp_path / "b", quiet=True)
    waiting.join()
    again = load_file(running.run_one(one, tmp_path / "b", quiet=True) / "adapter_model.safetensors")
    assert all(torch.equal(after[name], again[name]) for name in after)
