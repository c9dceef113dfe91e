"""The evaluation of nano: which settings are measured for a stage's adapter, and what is kept of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from eval import environment, scoring
from eval.asking import Asker
from eval.items import Answer, EvalArm
from eval.nano import baselines, tasks, truths
from eval.nano.tasks import Case, Shown
from medvlm import datasets, scores
from medvlm.errors import ConfigError
from medvlm.paths import ASSETS
from medvlm.scores import Record

Setting = Literal[
    "vqa-rad", "kept-back", "phantoms", "modality", "precision", "blank", "swapped", "no-picture", "general"
]
# In the order in which they matter.
SETTINGS: tuple[Setting, ...] = get_args(Setting)
SCORES = ASSETS / "scores" / "nano"
# Stages before the first VQA-RAD picture, and the stage that saw none of the kept-back ones.
BEFORE_VQA_RAD = ("align", "instruct")
DISJOINT = "vqa-disjoint"
CHAT_ANSWER = 80  # tokens
SHOWN: dict[Setting, Shown] = {"blank": "blank", "swapped": "swapped", "no-picture": "none"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is evaluated. `limit`: at most so many cases a task, for a trial; `phantoms`: pictures a domain."""

    name: str
    asker: Asker
    limit: int | None = None
    phantoms: int = tasks.PHANTOMS_A_DOMAIN

    def some(self, cases: Sequence[Case]) -> list[Case]:
        return list(cases[: self.limit])

    def texts(self, task: str, cases: Sequence[Case], arm: EvalArm) -> dict[str, str]:
        return said(self.asker.ask(task, cases, arm))


def said(answers: Mapping[str, Answer]) -> dict[str, str]:
    return {name: answer.text for name, answer in answers.items()}


def with_baselines(
    cases: Sequence[Case], answers: Mapping[EvalArm, Mapping[str, Answer]], seen: Sequence[baselines.Seen]
) -> dict[str, Mapping[str, str]]:
    """Every arm's texts, and those of answering without looking."""
    blind = {"majority": baselines.majority(cases, seen), "question": baselines.question_only(cases, seen)}
    return {**{arm: said(given) for arm, given in answers.items()}, **blind}


def fitting(name: str) -> tuple[Setting, ...]:
    """The settings that say something about this stage: kept-back pictures only where they were kept back."""
    if name in BEFORE_VQA_RAD:
        return ("modality",)
    return SETTINGS if name == DISJOINT else tuple(s for s in SETTINGS if s not in ("kept-back", "modality"))


def parse(text: str | None, name: str) -> tuple[Setting, ...]:
    """Settings from a comma-separated list. Raises ConfigError for one that is unknown or says nothing here."""
    if text is None:
        return fitting(name)
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if odd := [part for part in wanted if part not in fitting(name)]:
        raise ConfigError(f"--settings {', '.join(odd)} cannot be measured for {name}. Use {', '.join(fitting(name))}.")
    return tuple(setting for setting in SETTINGS if setting in wanted)


def run(plan: Plan, settings: Sequence[Setting], weights: Record, out: Path) -> Path:
    """Measure the settings, writing the score file after each; what it holds of other weights is dropped."""
    path = out / f"{plan.name}.json"
    kept = scores.read(path) or {}
    same = all(kept.get(name) == value for name, value in weights.items())
    record: Record = {"name": plan.name, **weights, "settings": kept.get("settings", {}) if same else {}}
    if plan.limit is not None:
        record["limit"] = plan.limit
    for setting in settings:
        before = plan.asker.seconds
        measured = MEASURES[setting](plan)
        measured |= {"seconds": round(plan.asker.seconds - before, 1), **environment.conditions()}
        record["settings"][setting] = measured
        scores.write(path, record)
    return path


def vqa_rad(plan: Plan) -> Record:
    """The official test split in NF4, with what one gets without looking."""
    cases = plan.some(tasks.vqa_rad_test())
    arms: tuple[EvalArm, ...] = ("tuned", "base", "projector")
    answers = {arm: plan.asker.ask("vqa_rad", cases, arm) for arm in arms}
    record = scoring.vqa(cases, with_baselines(cases, answers, baselines.vqa_rad()))
    record["belief"] = {arm: scoring.beliefs(cases, answers[arm]) for arm in ("tuned", "base")}
    return record


def kept_back(plan: Plan) -> Record:
    """The pictures that no stage has seen: their test questions, all their questions; and the whole official test."""
    test, pictures = plan.some(tasks.vqa_rad_test()), datasets.held_out_pictures()
    inside = {case.item.id for case in tasks.kept_back("test")}
    train = plan.some(tasks.kept_back("train"))
    seen = baselines.vqa_rad(without=pictures)
    record: Record = {"picture_names": sorted(pictures), "seed": datasets.HELD_OUT_SEED}
    arms: tuple[EvalArm, ...] = ("tuned", "base")
    answers = {arm: plan.asker.ask("vqa_rad", test, arm) | plan.asker.ask("kept_back", train, arm) for arm in arms}
    first = [case for case in test if case.item.id in inside]
    for part, cases in (("test", first), ("all", first + train), ("official", test)):
        record[part] = scoring.vqa(cases, with_baselines(cases, answers, seen))
    return record


def phantoms(plan: Plan) -> Record:
    """The phantoms' test split, both arms, with what one gets without looking."""
    cases = plan.some(tasks.phantoms(plan.phantoms))
    arms: tuple[EvalArm, ...] = ("tuned", "base")
    answers = {arm: plan.asker.ask("phantoms", cases, arm) for arm in arms}
    return truths.summary(
        cases, with_baselines(cases, answers, baselines.phantoms(max(1, plan.phantoms // 2))), answers
    )


def modality(plan: Plan) -> Record:
    """The modality of real pictures that no stage has seen, the tower's reader included."""
    cases = plan.some(tasks.modality(datasets.held_out_pictures()))
    arms: tuple[EvalArm, ...] = ("tuned", "base")
    return {arm: scoring.modality(cases, plan.texts("modality", cases, arm)) for arm in arms}


def precision(plan: Plan) -> Record:
    """The tuned arm before quantisation against itself in NF4 (difference: full minus NF4)."""
    cases = plan.some(tasks.vqa_rad_test())
    packed = plan.texts("vqa_rad", cases, "tuned")
    full = said(plan.asker.ask("vqa_rad", cases, "tuned", "full"))
    return compared(cases, full, packed)


def another_picture(setting: Setting) -> Callable[[Plan], Record]:
    """The tuned arm with something else in the picture's place (difference: own picture minus that)."""

    def measure(plan: Plan) -> Record:
        own = plan.some(tasks.vqa_rad_test())
        texts = plan.texts("vqa_rad", own, "tuned")
        changed = plan.texts(f"vqa_rad_{setting}", tasks.shown(own, SHOWN[setting]), "tuned")
        return scoring.counts(own) | {
            "arm": scoring.all_metrics(own, changed),
            "difference": scoring.differences(own, texts, changed),
        }

    return measure


def compared(cases: Sequence[Case], first: dict[str, str], second: dict[str, str]) -> Record:
    """One arm's scores, and first minus second."""
    same = sum(first[name] == second[name] for name in first)
    return scoring.counts(cases) | {
        "arm": scoring.all_metrics(cases, first),
        "difference": scoring.differences(cases, first, second),
        "same_text": scores.share(same, len(first)),
    }


def general(plan: Plan) -> Record:
    """Chat without a picture, quoted as it came."""
    cases = tasks.general()
    tuned, base = (said(plan.asker.ask("general", cases, arm, tokens=CHAT_ANSWER)) for arm in ("tuned", "base"))
    quotes = [{"question": c.item.question, "tuned": tuned[c.item.id], "base": base[c.item.id]} for c in cases]
    return {"n": len(cases), "most_tokens": CHAT_ANSWER, "quotes": quotes}


MEASURES: dict[Setting, Callable[[Plan], Record]] = {
    "vqa-rad": vqa_rad,
    "kept-back": kept_back,
    "phantoms": phantoms,
    "modality": modality,
    "precision": precision,
    "blank": another_picture("blank"),
    "swapped": another_picture("swapped"),
    "no-picture": another_picture("no-picture"),
    "general": general,
}
