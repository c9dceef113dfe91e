"""What is made of a checkpoint: merged into its base, held against another, described on a card, sent to a hub."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from huggingface_hub import HfApi, ModelCard
from safetensors.torch import load_file, save_file

from medvlm import NOT_FOR_DIAGNOSIS, checkpoints
from medvlm.engine.decoding import Engine
from medvlm.errors import CheckpointError, ConfigError
from medvlm.families import FAMILIES
from medvlm.scoreboard.run_shelf import RunShelf
from tests import tiny_models
from tests.tiny_models import FamilyName
from train.__main__ import main
from train.made import cards, comparing, distances, licences, merging, pushing, trying
from train.made.pushing import Push

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_model(tmp_path_factory.mktemp("models") / "tiny", spread=0.1)


@pytest.fixture(scope="module")
def adapter(base: Path) -> Path:
    return tiny_models.write_adapter(base.parent / "adapter", base, scale=3.0)


def probe(folder: Path, adapter: Path | None) -> torch.Tensor:
    loaded = tiny_models.weights(folder, adapter)
    with torch.inference_mode():
        return Engine(loaded, None, 1 << 20).probe("tuned" if adapter else "base")[0]


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_merged_folder_computes_what_base_and_adapter_compute(family: FamilyName, tmp_path: Path) -> None:
    base = tiny_models.write_model(tmp_path / "base", family, spread=0.1)
    adapter = tiny_models.write_adapter(tmp_path / "adapter", base, scale=3.0)
    merged = merging.merge(str(adapter), tmp_path / "merged")
    wanted, untouched, made = probe(base, adapter), probe(base, None), probe(merged, None)
    assert float((wanted - untouched).abs().max()) > 1e-2
    torch.testing.assert_close(made, wanted, rtol=1e-5, atol=1e-5)
    names = {path.name for path in merged.iterdir()}
    assert {"config.json", "README.md", checkpoints.FILE} <= names and cards.ADAPTER not in names
    beside = [p.name for p in base.iterdir() if p.name not in merging.NOT_BESIDE and p.suffix != ".safetensors"]
    assert all((merged / name).read_bytes() == (base / name).read_bytes() for name in beside)


def test_merging_keeps_the_bases_number_format_and_is_done_once(base: Path, adapter: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    shutil.copytree(base, half)
    save_file(
        {k: t.bfloat16() for k, t in load_file(base / "model.safetensors").items()},
        half / "model.safetensors",
        metadata={"format": "pt"},
    )
    config = json.loads((half / "config.json").read_text()) | {"dtype": "bfloat16"}
    (half / "config.json").write_text(json.dumps(config))
    tuned = shutil.copytree(adapter, tmp_path / "tuned")
    checkpoints.write(tiny_models.info(half), tuned)
    merged = merging.merge(str(tuned), tmp_path / "out", str(half))
    tensors = load_file(merged / "model.safetensors")
    assert {t.dtype for t in tensors.values()} == {torch.bfloat16}
    when = (merged / "model.safetensors").stat().st_mtime_ns
    assert merging.merge(str(tuned), tmp_path / "out", str(half)) == merged
    assert (merged / "model.safetensors").stat().st_mtime_ns == when


def test_what_does_not_belong_together_is_not_merged(base: Path, adapter: Path, tmp_path: Path) -> None:
    other = tiny_models.write_model(tmp_path / "tiny", spread=0.1, seed=5)
    with pytest.raises(CheckpointError, match="base revision"):
        merging.merge(str(adapter), tmp_path / "out", str(other))
    nameless = shutil.copytree(adapter, tmp_path / "nameless")
    config = json.loads((nameless / cards.ADAPTER).read_text()) | {"base_model_name_or_path": ""}
    (nameless / cards.ADAPTER).write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="give its folder with --base"):
        merging.merge(str(nameless), tmp_path / "out")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("mine")
    with pytest.raises(ConfigError, match="was not made by merging"):
        merging.merge(str(adapter), taken, str(base))
    assert (taken / "letter.txt").read_text() == "mine" and not (tmp_path / "out").exists()


def test_merged_weights_that_compute_something_else_are_refused() -> None:
    wanted = torch.log_softmax(torch.randn(4, 9, generator=torch.Generator().manual_seed(0)), -1)
    merging.check_same(wanted, wanted.clone(), torch.float32, Path("a"))
    with pytest.raises(CheckpointError, match="another model"):
        merging.check_same(wanted, wanted.roll(1, -1), torch.bfloat16, Path("a"))


def changed(adapter: Path, folder: Path, name: str = "", by: float = 0.0, **config: Any) -> Path:
    """A copy of the adapter with one tensor moved, or with other settings."""
    shutil.copytree(adapter, folder)
    tensors = load_file(folder / WEIGHTS)
    chosen = next((key for key in tensors if name and name in key), None)
    if chosen:
        tensors[chosen] = tensors[chosen] + by
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    path = folder / cards.ADAPTER
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return folder


def test_equal_checkpoints_are_called_the_same_and_no_others(adapter: Path, tmp_path: Path) -> None:
    same = comparing.compare(str(adapter), str(changed(adapter, tmp_path / "same")), ask=False)
    assert same.verdict == "The same weights." and all(p.difference == 0 and p.a == p.b > 0 for p in same.parts)
    scaled = comparing.compare(str(adapter), str(changed(adapter, tmp_path / "scaled", lora_alpha=16)), ask=False)
    assert scaled.verdict == "The same tensors, but lora_alpha differ: they do not act alike."
    moved = comparing.compare(str(adapter), str(changed(adapter, tmp_path / "moved", "lora_B", 0.5)), ask=False)
    assert moved.verdict.startswith(f"Other weights: 1 of {moved.tensors} shared")
    (lora,) = (part for part in moved.parts if part.kind == "lora")
    assert lora.differ == 1 and lora.difference > 0
    elsewhere = changed(adapter, tmp_path / "elsewhere")
    checkpoints.write(replace(checkpoints.read(adapter), base_revision="f" * 16), elsewhere)
    assert "different bases" in comparing.compare(str(adapter), str(elsewhere), ask=False).verdict


def test_loras_difference_is_that_of_its_products() -> None:
    torch.manual_seed(0)
    a, b = ((torch.randn(7, 3).double(), torch.randn(3, 5).double()) for _ in range(2))
    wanted = [float(t.square().sum()) for t in (a[0] @ a[1], b[0] @ b[1], a[0] @ a[1] - b[0] @ b[1])]
    assert distances.product_squares(a, b) == pytest.approx(wanted)
    turned = torch.linalg.qr(torch.randn(3, 3).double()).Q
    assert distances.product_squares(a, (a[0] @ turned, turned.T @ a[1]))[2] == pytest.approx(0, abs=1e-9)
    assert distances.product_squares(a, None)[2] == pytest.approx(wanted[0])


def test_two_checkpoints_are_shown_side_by_side(
    adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = changed(adapter, tmp_path / "run" / "adapter", "lora_B", 2.0)
    lines = [json.dumps({"step": step, "loss": 3 / step}) for step in range(1, 30)]
    (tmp_path / "run" / "log.jsonl").write_text("\n".join(lines))
    assert main(["compare", str(adapter), str(other)]) == 0
    shown = capsys.readouterr().out
    assert "Other weights: 1 of" in shown and "language model" in shown and "prompt version    1\n" in shown
    assert "      29                  0.1034" in shown
    assert shown.count("\n  A: ") == shown.count("\n  B: ") == len(comparing.PROBES)
    assert main(["compare", str(adapter), str(other), "--no-answers", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["same_tensors"] is False and len(record["curves"][1]) == 29
    assert main(["compare", str(adapter), "nowhere"]) == 1
    assert "is not an adapter" in capsys.readouterr().err


def test_whole_models_are_compared_and_answers_that_cannot_be_had_are_named(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    other = tiny_models.write_model(tmp_path / "other", spread=0.1, seed=3)
    made = comparing.compare(str(base), str(other), ask=False)
    assert {part.part for part in made.parts} >= {"language model", "vision tower", "projector", "head"}
    with pytest.raises(CheckpointError, match=r"Merge the adapter first"):
        comparing.compare(str(base), str(adapter))
    lost = changed(adapter, tmp_path / "lost", base_model_name_or_path="gone")
    (note,) = comparing.compare(str(lost), str(lost)).notes
    assert note.startswith("No answers: ") and "--base" in note


def test_what_training_wrote_is_tried_as_at_the_apps_load(base: Path, adapter: Path, tmp_path: Path) -> None:
    assert trying.tried(adapter, base, str(base), "none", whole=False) == trying.FINE
    assert trying.tried(adapter, base, "nano", "none", whole=False).startswith("The adapter does not fit the base")
    silent = shutil.copytree(adapter, tmp_path / "silent")
    tensors = {name: tensor * 0 for name, tensor in load_file(silent / WEIGHTS).items() if "lora" in name}
    own = {name: tensor for name, tensor in load_file(base / "model.safetensors").items() if "projector" in name}
    for name in load_file(silent / WEIGHTS).keys() - tensors.keys():
        tensors[name] = next(t for key, t in own.items() if name.endswith(key.removeprefix("model.")))
    save_file(tensors, silent / WEIGHTS, metadata={"format": "pt"})
    assert "it was never trained" in trying.tried(silent, base, str(base), "none", whole=False)
    assert "speaks gibberish" in trying.tried(base, base, str(base), "none", whole=True)


class FakeHub:
    """Remembers what it was sent; `public`: the repository is there already, for everybody to see."""

    def __init__(self, public: bool = False) -> None:
        self.public, self.files, self.private = public, {}, None  # type: ignore[var-annotated]

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> None:
        self.private = private

    def model_info(self, repo_id: str) -> Any:
        return SimpleNamespace(private=not self.public and self.private)

    def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> None:
        self.files = {path.name: path.read_bytes() for path in Path(folder_path).iterdir()}


def to_push(adapter: Path, folder: Path, *data: str) -> Path:
    """A copy of the adapter that was trained on such data on nano."""
    shutil.copytree(adapter, folder, ignore=shutil.ignore_patterns("README.md"))
    checkpoints.write(replace(checkpoints.read(folder), base_model="nano", datasets=data), folder)
    return folder


NO_RUNS = RunShelf(())


def test_a_checkpoint_goes_to_the_hub_whole_private_and_without_paths(adapter: Path, tmp_path: Path) -> None:
    folder = to_push(adapter, tmp_path / "mine", "phantoms", "own:/home/me/rows.csv-train")
    (folder / "optimizer.txt~").write_text("stays here")
    hub = FakeHub()
    wanted = Push(folder, "me/mine", permission="The pictures are my own.")
    files = pushing.push(wanted, hub=hub, shelf=NO_RUNS)
    assert hub.private is True and {file.name for file in files} == set(hub.files)
    assert set(hub.files) == {WEIGHTS, cards.ADAPTER, checkpoints.FILE, "README.md"}
    assert not any(b"/home/me" in data or str(tmp_path).encode() in data for data in hub.files.values())
    card = ModelCard(hub.files["README.md"].decode())
    assert card.data.license == "other" and "The pictures are my own." in card.text
    assert NOT_FOR_DIAGNOSIS in card.text and "own:rows.csv-train" in card.text
    with pytest.raises(CheckpointError, match="everybody can see it"):
        pushing.push(wanted, hub=FakeHub(public=True), shelf=NO_RUNS)
    empty = FakeHub()
    assert pushing.push(wanted, dry_run=True, hub=empty, shelf=NO_RUNS) == files and not empty.files


def test_everything_that_stands_against_pushing_is_said_at_once(adapter: Path, tmp_path: Path) -> None:
    folder = to_push(adapter, tmp_path / "mine", "path_vqa-train", "own:x-train")
    (folder / "rng_state.pth").write_bytes(b"")
    (folder / "README.md").write_text("---\nlicense: mit\n---\nA fine model.\n")
    wrong = pushing.checked(Push(folder, "no owner!"))
    for words in (
        "no name on the hub",
        "can run code",
        "does not allow to publish",
        "own:x-train is not known",
        "does not say",
    ):
        assert any(words in line for line in wrong), words
    assert pushing.checked(Push(tmp_path, "me/mine"))[0].endswith("neither adapter_config.json nor config.json.")
    checkpoints.write(replace(checkpoints.read(folder), base_model="someones/model", datasets=("phantoms",)), folder)
    (folder / "rng_state.pth").unlink()
    (folder / "README.md").unlink()
    (line,) = pushing.checked(Push(folder, "me/mine"))
    assert "someones/model" in line and "--licence" in line
    assert pushing.checked(Push(folder, "me/mine", licence="mit")) == []


def test_without_a_network_the_error_says_so_and_a_dry_run_works(
    adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = to_push(adapter, tmp_path / "mine", "phantoms")
    nowhere = HfApi(endpoint="http://127.0.0.1:9", token="none")
    with pytest.raises(CheckpointError, match=r"cannot be reached.*--dry-run needs no network"):
        pushing.push(Push(folder, "me/mine"), hub=nowhere, shelf=NO_RUNS)
    assert main(["push", str(folder), "me/mine", "--dry-run"]) == 0
    assert "Would go to https://huggingface.co/me/mine (private)" in capsys.readouterr().out


def test_licences_are_known_for_what_this_project_names() -> None:
    assert licences.of_base("nano").licence == "Apache-2.0" and licences.of_base("x/y").free is None
    assert licences.of_data("vqa_rad-train-without-held-out-pictures").title == "VQA-RAD"
    assert licences.of_data("vqa_rad_disjoint-train").licence == "CC0 1.0"
    assert licences.of_data("path_vqa-train").free is False and licences.of_data("elsewhere").free is None
    free = [licences.of_data("vqa_rad-train"), licences.of_data("phantoms")]
    assert licences.field(licences.of_base("nano"), free) == {"license": "apache-2.0"}
    assert licences.field(licences.of_base("nano"), [licences.of_data("slake-train")])["license"] == "other"


def test_measured_scores_come_into_the_card_in_place_of_none(adapter: Path, tmp_path: Path) -> None:
    folder = to_push(adapter, tmp_path / "mine", "phantoms")
    card = cards.write(folder, cards.Story()).read_text()
    assert cards.NO_SCORES in card
    again = cards.with_section(card, "Scores", "| run |")
    assert cards.NO_SCORES not in again and again.index("| run |") < again.index("## Weights")
    assert "## Scores\n\nx\n" in cards.with_section("# A\n", "Scores", "x")
