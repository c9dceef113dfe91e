"""Recipes: each is whole and says what it follows; what cannot work is said at once; each family trains in small."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from medvlm import checkpoints
from medvlm.chat import whole
from medvlm.engine.loading import load_base
from medvlm.errors import CheckpointError, ConfigError, DatasetError
from medvlm.model import LocalModel
from medvlm.types import Conversation, Decoding, View
from tests import dry_runs, tiny_models
from tests.tiny_models import FamilyName
from train import checking, recipe, running, sizes
from train.__main__ import main
from train.learning import TrainingError
from train.recipe import Recipe
from train.sizes import SIZES

# One recipe a family here; all of them in tests/bench/bench_train.py.
OF_FAMILY: dict[FamilyName, str] = {
    "llava": "seed003-downstream-vqa-rad",
    "llava_next": "seed001-1.6-13b-instruct",
    "idefics2": "seed002-vqa",
    "idefics3": "smolvlm-laptop",
    "qwen2_5_vl": "qwen-qlora",
    "gemma3": "medgemma-qlora",
}


@pytest.mark.parametrize("name", recipe.all_names())
def test_every_recipe_is_one_and_names_its_source(name: str) -> None:
    one = recipe.read(name)
    assert one.name == name and one.source
    assert (recipe.CONFIGS / f"{name}.toml").read_text().startswith("# "), "a recipe says in a comment what it is"
    wrong, known = checking.check(name)
    assert [line for line in wrong if not line.startswith("data.")] == [], "only data may be missing here"
    assert any(line.startswith("Follows") for line in known)
    assert len({made.name for made in recipe.variants(one, name)}) == max(len(one.series.values), 1) * one.series.runs


def test_seed_000_trains_the_weights_that_its_report_counts() -> None:
    one, size = recipe.read("seed000-llava-next-reasoning"), SIZES["llava-next-8b"]
    assert sizes.trained(one, size) == 4_194_304
    assert size.total + sizes.trained(one, size) == 8_358_955_008
    assert size.lora(16, ("q_proj",)) == 4_194_304
    # PEFT's defaults as bare suffixes: the language model, and the tower's 24 layers of 1024 x 1024.
    assert size.lora(8, ("q_proj", "v_proj")) + 24 * 2 * 8 * (1024 + 1024) == 4_194_304


def test_a_size_counts_what_the_real_class_has() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=False,
    )  # fmt: skip
    size = sizes.size_of(config, 0, 0, 0)
    assert size.language_model == sum(p.numel() for p in LlamaForCausalLM(config).parameters())


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(
        'name = "Wrong"\nsource = "none"\nstage = "align"\ncontinues = "seed002-vqa"\nlerning = 3\n'
        '[model]\nbase = "llava-1.5-7b"\n[data]\ntrain = ["nothing"]\n[machine]\nprecision = "fp8"\n'
    )
    wrong, _ = checking.check(str(path))
    assert any("lerning" in line and "learning" not in line.split(";")[0] for line in wrong)
    assert any("fp8" in line for line in wrong) and len(wrong) == 2
    path.write_text(path.read_text().replace("lerning = 3\n", "").replace('"fp8"', '"nf4"\nattention = "eager"'))
    path.write_text(path.read_text() + '[parts]\nlanguage_model = "full"\n[lora]\nrank = 0\ntargets = ["qkv"]\n')
    wrong, _ = checking.check(str(path))
    for word in ("name is", "4-bit weights", "lora.rank", "qkv", "stage 'align' is the first"):
        assert any(word in line for line in wrong), word


def test_check_speaks_of_data_order_and_memory() -> None:
    wrong, _ = checking.check("seed002-vqa", ["continues=seed002-single", "lora.rank=16", "machine.gpu=rtx4060"])
    assert any("lora.rank is 16" in line for line in wrong)
    assert any("rtx4060 with 8 GB" in line and "a smaller learning.batch, or" in line for line in wrong)
    assert not any("machine.precision = 'nf4'" in line for line in wrong), "that is set"
    wrong, _ = checking.check("seed002-vqa", ["stage=instruct", "continues=seed002-single"])
    assert any("comes after" in line for line in wrong)
    wrong, _ = checking.check("seed002-roco", ["data.train=nothing"])
    assert any("no data set 'nothing'" in line for line in wrong)
    wrong, _ = checking.check("medgemma-qlora", ["data.train=vqa_rad,vqa_rad", "data.weights=1"])
    assert any("1 numbers for 2 sets" in line for line in wrong)


def test_what_no_run_could_begin_with_is_said_before(tmp_path: Path) -> None:
    odd = {"learning.steps": 0, "learning.warmup_share": 1.5, "learning.decay": -1, "data.limit": 0,
           "keeping.evaluate_every": 0, "learning.beta2": 1.0}  # fmt: skip
    wrong, _ = checking.check("seed002-roco", [f"{key}={value}" for key, value in odd.items()])
    assert [key for key in odd if not any(line.startswith(f"{key} is") for line in wrong)] == []
    wrong, _ = checking.check("medgemma-qlora", ["machine.attention=flash_attention_2"])
    assert any("gemma3 computes rightly only with sdpa" in line for line in wrong)
    wrong, _ = checking.check("dpo-ratings", ["lora.rank=8", "model.base=llava-1.5-7b"])
    assert any("lora.rank is 8" in line and "has 32" in line for line in wrong)
    assert any("is for nano" in line for line in wrong)
    wrong, _ = checking.check("dpo-ratings", [f"continues={tmp_path}"])
    assert any("no adapter that says what it is" in line for line in wrong)


def test_another_tower_makes_the_first_stage_mandatory() -> None:
    wrong, _ = checking.check("seed003-instruct-10k", ["continues=none", "model.vision_tower=some/tower"])
    assert any("stage 'align' must come" in line for line in wrong)


def test_a_recipes_looks_cost_what_check_says() -> None:
    one, size = recipe.read("seed002-vqa", ["machine.gpu=a100-80"]), SIZES["idefics2-8b"]
    (said,) = checking.looked(one, size, samples=3064, each=264) if here("vqa_rad") else ("20 looks",)
    assert said.startswith("20 looks"), "383 steps, every 20th, and the last"
    forward, whole = sizes.looking_hours(one, size, 1e6), sizes.hours(one, size, 1e6, 264)
    assert forward is not None and whole is not None and forward == pytest.approx(whole / 3), (
        "2 of 2 + 2 + 2 operations"
    )


def here(name: str) -> bool:
    from medvlm import datasets

    return (datasets.data_home() / name).is_dir()


def test_runs_that_differ_in_their_seed_alone_are_summed_up_together(tmp_path: Path) -> None:
    made = []
    for name, loss in (("a-3-run1", 1.0), ("a-3-run2", 2.0), ("a-6-run1", 5.0), ("b", 9.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "done.json").write_text(json.dumps({"loss": loss, "validation_loss": None}))
        made.append(tmp_path / name / "model")
    found = running.summed_up(made)
    assert set(found["runs"]) == {"a-3-run1", "a-3-run2", "a-6-run1", "b"}
    assert found["alike"] == {"a-3": {"loss": {"n": 2, "mean": 1.5, "deviation": pytest.approx(0.5**0.5)}}}


def test_the_ablation_of_stage_1_starts_from_each_of_its_ways_three_times() -> None:
    ways = list(recipe.variants(recipe.read("seed003-instruct-ways"), "seed003-instruct-ways"))
    assert len({one.name for one in ways}) == 9 and len({recipe.without_run(one.name) for one in ways}) == 3
    assert {one.learning.seed for one in ways} == {0, 1, 2} and {one.learning.epochs for one in ways} == {3.0}
    befores = [recipe.previous(one) for one in ways]
    assert {one.stage for one in befores if one} == {"align"} and None not in befores
    without = recipe.read("seed003-instruct-without-align")
    for field in ("model", "parts", "data", "learning", "machine"):
        assert getattr(ways[0], field) == getattr(without, field), "nothing but the first stage differs"


def test_memory_grows_with_precision_and_shrinks_with_sharding() -> None:
    one, size = recipe.read("seed002-vqa"), SIZES["idefics2-8b"]
    four, half = one, replace(one, machine=replace(one.machine, precision="bf16"))
    spread = replace(half, machine=replace(half.machine, sharding="zero3", gpus=8))
    assert sizes.memory_gb(four, size) < sizes.memory_gb(half, size) - 9
    # Seven eighths of the decoder's layers are elsewhere; tower, projector, embeddings and two layers are whole.
    assert sizes.memory_gb(spread, size) < sizes.memory_gb(half, size) - 12
    # 4-bit weights of a 7B decoder are known to take about 4 GB; these are its linear layers alone.
    assert 3.5e9 < size.linears * sizes.NF4_BYTES < 4.5e9


def test_the_command_line_checks_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    assert "seed002-roco" in capsys.readouterr().out
    assert main(["check", "medgemma-qlora", "lora.rnk=3"]) == 1
    assert "did you mean lora.rank" in capsys.readouterr().out
    assert main(["check", "nano"]) == 1
    assert "python -m train nano" in capsys.readouterr().out
    assert main(["run", "seed001-1.5-13b-align"]) == 1
    assert "for 4 GPUs (zero3) and runs in one process" in capsys.readouterr().err


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return dry_runs.data(tmp_path_factory.mktemp("data"))


def answers(base: Path, adapter: Path | None) -> LocalModel:
    return LocalModel.load(str(base), str(adapter) if adapter else None, device="cpu", self_check=False)


TALK = Conversation().with_scan(tiny_models.picture()).asked("What is number 1?", (View(0),))


@pytest.mark.parametrize("family", list(OF_FAMILY))
def test_every_family_trains_in_all_stages_and_its_adapter_loads_in_the_app(
    family: FamilyName, address: str, tmp_path: Path
) -> None:
    base = tiny_models.write_model(tmp_path / "base", family, spread=0.1)
    target = Path()
    for one in dry_runs.stages(OF_FAMILY[family], base, address):
        target = running.run_one(one, tmp_path / "runs", quiet=True)
        folder = target.parent
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines if "loss" in line] == [1, 2]
        assert (folder / "loss.png").is_file() and not (folder / "checkpoints").exists()
        assert "vision tower" in (folder / "parts.txt").read_text()
    if target.name == "model":
        assert whole(answers(target, None), TALK, "base", Decoding(max_tokens=4)).text is not None
        return
    model = answers(base, target)
    probabilities = {arm: model.next_token_probabilities(TALK, arm, ("It", "x")) for arm in model.arms}
    assert probabilities["base"] != probabilities["tuned"]
    merged(base, target)


def merged(base: Path, adapter: Path) -> None:
    """The adapter's weights, added to the base's, compute what the adapter computes."""
    from medvlm.engine.loading import attach

    cpu = torch.device("cpu")
    model, _, family = load_base(base, cpu, torch.float32, "none")
    adapted: Any = attach(model, adapter, torch.float32, family)
    inputs = torch.randn(1, 5, 64, generator=torch.Generator().manual_seed(0))
    language: Any = family.part(adapted.get_base_model(), family.language_model)
    with torch.no_grad():
        before = language(inputs_embeds=inputs).last_hidden_state
        plain = adapted.merge_and_unload()
        after = family.part(plain, family.language_model)(inputs_embeds=inputs).last_hidden_state
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def short(address: str, base: Path, **learning: Any) -> Recipe:
    """A recipe of 2 x 4 steps with dropout, whose validation loss is looked at."""
    one = replace(recipe.read("seed002-single"), name="short")
    made = dry_runs.tiny(one, base, address, epochs=2.0, steps=None, **learning)
    return replace(
        made, machine=replace(made.machine, precision="fp32"), data=replace(made.data, validation=None),
        keeping=replace(made.keeping, evaluate_every=None, every=2),
    )  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_model(tmp_path_factory.mktemp("base"), "llava", spread=0.1)


def test_the_same_recipe_gives_the_same_weights_and_is_done_once(address: str, base: Path, tmp_path: Path) -> None:
    one = short(address, base)
    first = running.run_one(one, tmp_path / "a", quiet=True)
    second = running.run_one(one, tmp_path / "b", quiet=True)
    tensors, again = (load_file(made / "adapter_model.safetensors") for made in (first, second))
    assert all(torch.equal(tensors[name], again[name]) for name in tensors)
    when = (first / "adapter_model.safetensors").stat().st_mtime_ns
    assert running.run_one(one, tmp_path / "a", quiet=True) == first
    assert (first / "adapter_model.safetensors").stat().st_mtime_ns == when
    with pytest.raises(ConfigError, match=r"other settings: lora\.alpha was \d+ and is 99\. Give the former"):
        running.run_one(replace(one, lora=replace(one.lora, alpha=99)), tmp_path / "a", quiet=True)
    # A version before knew one setting less: it had its default then.
    kept = first.parent / "recipe.json"
    older = json.loads(kept.read_text())
    del older["learning"]["beta2"]
    kept.write_text(json.dumps(older))
    assert running.run_one(one, tmp_path / "a", quiet=True) == first


def test_a_later_stage_says_what_the_stages_before_were_trained_on(address: str, base: Path, tmp_path: Path) -> None:
    once = short(address, base)
    once = replace(once, learning=replace(once.learning, steps=1))
    first = running.run_one(once, tmp_path, quiet=True)
    other = dry_runs.data(tmp_path / "other", rows=5)
    later = replace(once, name="later", continues=str(first), data=replace(once.data, train=(other,)))
    second = running.run_one(later, tmp_path, quiet=True)
    before, after = (checkpoints.read(folder).datasets for folder in (first, second))
    assert len(before) == 1 and after[:1] == before and len(after) == 2
    done = json.loads((tmp_path / "later" / "done.json").read_text())
    assert list(done["data"]) == list(after) and len(set(done["data"].values())) == 2, "each with its rows' hash"
    card = (second / "README.md").read_text()
    assert all(value in card for value in done["data"].values())
    (first / checkpoints.FILE).unlink()
    with pytest.raises(CheckpointError, match="nobody knows"):
        running.run_one(replace(later, name="again"), tmp_path, quiet=True)


def test_a_loss_that_is_no_number_stops_with_the_last_checkpoint_named(base: Path, tmp_path: Path) -> None:
    one = short(dry_runs.data(tmp_path / "data"), base, rate=1e30, clip=1e9)
    with pytest.raises(
        TrainingError, match=r"loss is (nan|inf) at step [2-8], with row-.*checkpoint-2.*run the same command"
    ):
        running.run_one(one, tmp_path, quiet=True)
    rows = tmp_path / "data" / "rows.csv"
    rows.write_text(rows.read_text().replace("It is xx", "It was xx"))
    with pytest.raises(ConfigError, match=r"begun with other rows of own:.*name=ANOTHER"):
        running.run_one(one, tmp_path, quiet=True)


def test_a_bad_picture_is_an_error_or_listed(base: Path, tmp_path: Path) -> None:
    address = dry_runs.data(tmp_path / "data")
    (tmp_path / "data" / "3.png").write_bytes(b"no picture")
    one = short(address, base)
    with pytest.raises(DatasetError, match=r"row-3.*on_bad_sample"):
        running.run_one(one, tmp_path / "runs", quiet=True)
    skipping = replace(one, name="skipping", data=replace(one.data, on_bad_sample="skip"))
    folder = running.run_one(skipping, tmp_path / "runs", quiet=True).parent
    (line,) = (folder / "skipped.jsonl").read_text().splitlines()
    assert "row-3" in json.loads(line)["id"]
