"""Everything of nano that is ours, from nothing: tower, base projector, then nano-med in the seeds' stages.

Each stage has its own folder with `log.jsonl`, `loss.html`, `loss.png` and its weights, and resumes after a kill:
tower -> reader -> shapes -> base -> align -> instruct -> vqa-disjoint -> vqa-official.
Not covered: choosing the tower (train/nano/distil.py).
"""

import json
import time
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import torch
from safetensors.torch import load_file, save_file

from medvlm import assemble, datasets, paths
from medvlm.tower import EfficientNetTower
from train import curves
from train.nano import distil, encoder, mixtures, reader, shards, telling
from train.nano.stages import Stage
from train.nano.teaching import adapted, learn, prepared
from train.parts import ADAPTER

CONFIG = Path(__file__).parent.parent / "configs" / "nano.toml"
READER_FIRST = 8_000_000  # the first seed of the reader's phantoms, away from those of the later stages


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the parts and the runs go, and how much each stage learns from."""

    settings: dict[str, dict[str, Any]]
    runs: Path
    parts: Path
    smoke: bool
    lines: TextIO | None = None  # where progress goes as JSON
    # The language model's NF4 numbers: every stage's base has the same.
    rounded: dict[str, torch.Tensor] = field(default_factory=dict)

    def of(self, stage: Stage) -> dict[str, Any]:
        own = self.settings[stage]
        return {**own, **{k: v for k, v in self.settings["smoke"].items() if k in own}} if self.smoke else own

    def folder(self, stage: Stage) -> Path:
        return self.runs / stage

    @property
    def words(self) -> int:
        """How many pictures a fresh projector learns words from, before the language model is asked."""
        return 8 if self.smoke else 1500

    @property
    def nano_folder(self) -> Path | None:
        """Where the base is assembled: beside the runs in a smoke run, else where the app looks for it."""
        return self.runs / "nano" if self.smoke else None


def plan(smoke: bool, runs: Path | None = None, lines: TextIO | None = None) -> Plan:
    """The plan of nano.toml; a smoke run keeps to a folder of its own and never touches the published parts."""
    settings = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    runs = runs or paths.home() / ("smoke" if smoke else "train")
    return Plan(settings, runs, runs / "parts" if smoke else assemble.PARTS, smoke, lines)


def run(chosen: Plan, stages: Iterable[Stage]) -> None:
    """Run the stages in order; a stage that is finished (has its `done.json`) is left alone."""
    for stage in stages:
        done = chosen.folder(stage) / "done.json"
        if done.is_file():
            print(f"{stage}: done before ({done})", flush=True)
            continue
        chosen.folder(stage).mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        facts = RUNNERS[stage](chosen, stage)
        facts |= {"seconds": round(time.monotonic() - start), "threads": torch.get_num_threads()}
        part = done.with_suffix(".part")
        part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        part.replace(done)
        print(f"{stage}: {facts}", flush=True)


def run_tower(chosen: Plan, stage: Stage) -> dict[str, Any]:
    """The packaged encoder as nano's tower, its statistics from the training pictures; a fresh projector beside it."""
    pictures = distil.training_pictures(every=60 if chosen.smoke else 1)
    model = encoder.tower()
    encoder.standardise(model, torch.stack([distil.pixels(p) for p in pictures]))
    chosen.parts.mkdir(parents=True, exist_ok=True)
    width, hidden = model.config.hidden_size, 576
    generator = torch.Generator().manual_seed(0)
    fresh = {
        "linear_1.weight": torch.randn(hidden, width, generator=generator) * width**-0.5,
        "linear_1.bias": torch.zeros(hidden),
        "linear_2.weight": torch.randn(hidden, hidden, generator=generator) * 0.1 * hidden**-0.5,
        "linear_2.bias": torch.zeros(hidden),
    }
    keep_parts(chosen.parts, tower=model.state_dict(), projector=fresh)
    return {"pictures": len(pictures)}


def run_reader(chosen: Plan, stage: Stage) -> dict[str, Any]:
    """The tower's reader, taught on phantoms and on the real pictures that no variant keeps back."""
    own, folder = chosen.of(stage), chosen.folder(stage)
    model = encoder.tower()
    model.load_state_dict(load_file(chosen.parts / "tower.safetensors"), strict=True)
    found = reader.real(
        model,
        mixtures.vqa_rad_samples(datasets.held_out_pictures()),
        own["variants"],
        folder / "real.safetensors",
        every=60 if chosen.smoke else 1,
    )
    drawn = reader.phantoms(list(shards.shards(folder / "features", own["pictures"], READER_FIRST)))
    heads = reader.teach(model, drawn, found, own["steps"], folder / "log.jsonl")
    test = reader.phantoms(list(shards.shards(folder / "features", own["tested"], READER_FIRST, "test")))
    right = reader.by_kind(reader.right(model, heads, test), reader.commonest(drawn))
    told = teach_telling(model, drawn, found, test, own["telling_steps"], folder)
    curves.draw(folder / "log.jsonl", folder)
    keep_parts(chosen.parts, tower=model.state_dict())
    pictures = len(drawn) + len(found)
    return {"pictures": pictures, "tested": len(test), "right": right, "told": told, "tokens": 0}


def teach_telling(
    model: EfficientNetTower, drawn: reader.Seen, found: reader.Seen, test: reader.Seen, steps: int, folder: Path
) -> dict[str, tuple[int, int, int]]:
    """Train the teller; what it tells of every picture is left in `told.safetensors`. Returns what it told rightly."""
    told = [telling.of_phantoms(drawn), telling.of_pictures(found), telling.of_phantoms(test)]
    phrases = telling.phrases_of([*told[0], *told[1]])
    lessons = [
        telling.lesson(model, seen.features, one, phrases) for seen, one in zip((drawn, found, test), told, strict=True)
    ]
    head = telling.teach(model, lessons[0], lessons[1], steps, folder / "telling.jsonl")
    telling.keep(model, lessons[:2], folder / "told.safetensors")
    return telling.right(model, head, lessons[2])


def run_projector(chosen: Plan, stage: Stage) -> dict[str, Any]:
    """The base projector, in a layperson's words: shapes, then the five kinds. The language model is untouched."""
    learned, count = prepared(chosen, stage), chosen.of(stage)["pictures"]
    examples = list(mixtures.shape_examples(count) if stage == "shapes" else mixtures.layperson_examples(count))
    warmth = [*mixtures.shape_examples(chosen.words), *mixtures.layperson_examples(chosen.words, 1_500_000)]
    facts = learn(chosen, stage, learned, examples, warmth if stage == "shapes" else ())
    projector: Any = learned.family.part(learned.inner, learned.family.projector)
    keep_parts(chosen.parts, projector=projector.modules_to_save[ADAPTER].state_dict())
    return facts


def run_align(chosen: Plan, stage: Stage) -> dict[str, Any]:
    """nano-med's stage 1: its own copy of the projector, on captions; LoRA is there and still does nothing."""
    examples = [
        *mixtures.caption_examples(chosen.of(stage)["pictures"]),
        *mixtures.real_examples()[:: 100 if chosen.smoke else 4],
    ]
    warmth = list(mixtures.caption_examples(chosen.words, 2_500_000))
    told = telling.kept(chosen.folder("reader") / "told.safetensors")
    return adapted(chosen, stage, examples, warmth, told)


def run_instruct(chosen: Plan, stage: Stage) -> dict[str, Any]:
    """nano-med's stage 2 on phantoms, real smears and tiles, and talk without pictures; no VQA-RAD picture yet."""
    own = chosen.of(stage)
    phantoms = mixtures.instruct_examples(own["pictures"], own["questions"])
    real = mixtures.real_examples()[:: 100 if chosen.smoke else 2]
    general = list(mixtures.general_examples())[: 2 if chosen.smoke else None]
    return adapted(chosen, stage, [*phantoms, *real, *general])


def run_vqa(chosen: Plan, stage: Stage) -> dict[str, Any]:
    """VQA-RAD, official or without the pictures kept back, with some phantoms and talk so that nothing is forgotten."""
    own = chosen.of(stage)
    samples = mixtures.vqa_rad_samples(datasets.held_out_pictures() if stage == "vqa-disjoint" else frozenset())
    said = list(mixtures.vqa_rad_examples(samples, own["variants"], seed=1))[: 3 if chosen.smoke else None]
    replay = mixtures.instruct_examples(own["replay"] if not chosen.smoke else 2, own["questions"], first=4_000_000)
    general = list(mixtures.general_examples())[:: 40 if chosen.smoke else 2]
    return adapted(chosen, stage, [*said, *replay, *general])


RUNNERS: dict[Stage, Callable[[Plan, Stage], dict[str, Any]]] = {
    "tower": run_tower,
    "reader": run_reader,
    "shapes": run_projector,
    "base": run_projector,
    "align": run_align,
    "instruct": run_instruct,
    "vqa-disjoint": run_vqa,
    "vqa-official": run_vqa,
}


def keep_parts(parts: Path, **states: dict[str, torch.Tensor]) -> None:
    """Write nano's own weights and seal them. Unsealed meanwhile: after a kill the next run may still go on."""
    (parts / assemble.SEAL).unlink(missing_ok=True)
    for name, state in states.items():
        keep(state, parts / f"{name}.safetensors")
    assemble.seal(parts)


def keep(state: dict[str, torch.Tensor], path: Path) -> None:
    """bf16 safetensors, whole or not at all."""
    part = path.with_suffix(".part")
    save_file({k: v.detach().bfloat16().contiguous() for k, v in state.items()}, part)
    part.replace(path)
