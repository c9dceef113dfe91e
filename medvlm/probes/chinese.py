"""Questions in Chinese about drawn pictures, each beside the same question in English; all are answered yes or no."""

import random
from collections.abc import Iterator

from medvlm.phantoms.truth import Truth
from medvlm.probes.asked import SEED, Subject

# (English question, Chinese question, whether yes is right)
Asked = tuple[str, str, bool]
KINDS: dict[str, tuple[str, str]] = {
    "X-ray": ("an X-ray", "X光片"),
    "CT": ("a CT", "CT"),
    "MRI": ("an MRI", "磁共振图像"),
    "histology": ("a histology slide", "组织切片"),
    "gross photograph": ("a photograph of an organ", "大体标本照片"),
}
# Every finding that a phantom can have; a test holds that none is missing.
FINDINGS: dict[str, str] = {
    "pleural effusion": "胸腔积液",
    "consolidation": "肺实变",
    "pneumothorax": "气胸",
    "nodule": "结节",
    "cardiomegaly": "心脏增大",
    "central line": "中心静脉导管",
    "endotracheal tube": "气管插管",
    "elevated diaphragm": "膈肌抬高",
    "fracture": "骨折",
    "gallstone": "胆囊结石",
    "infarct": "梗死",
    "bleed": "出血",
    "mass": "肿块",
    "emphysema": "肺气肿",
    "free fluid": "游离积液",
    "kidney stone": "肾结石",
    "atrophy": "萎缩",
    "lesion": "病灶",
    "effusion": "积液",
    "disc herniation": "椎间盘突出",
    "necrosis": "坏死",
    "inflammation": "炎症",
    "mitoses": "核分裂象",
    "fibrosis": "纤维化",
    "high cellularity": "细胞密度增高",
    "cyst": "囊肿",
    "haemorrhage": "出血",
}
NORMAL: Asked = ("Is this picture normal?", "这张图像正常吗\uff1f", True)


def questions(truth: Truth) -> tuple[Asked, ...]:
    """Which kind it is, whether it is normal, and one finding that is there or not, in both languages."""
    return tuple(_questions(truth, random.Random(f"{SEED} {truth}")))


def _questions(truth: Truth, rng: random.Random) -> Iterator[Asked]:
    if truth.modality in KINDS:
        wrong = rng.choice([kind for kind in KINDS if kind != truth.modality])
        kind = rng.choice([truth.modality, wrong])
        english, chinese = KINDS[kind]
        yield f"Is this {english}?", f"这是{chinese}吗\uff1f", kind == truth.modality
    yield NORMAL[0], NORMAL[1], truth.normal
    present = [finding.name for finding in truth.findings if finding.name in FINDINGS]
    absent = [name for name in truth.possible if name in FINDINGS and name not in present]
    if name := rng.choice([*present[:1], *rng.sample(absent, min(1, len(absent)))] or [""]):
        yield f"Does this picture show {name}?", f"图中有{FINDINGS[name]}吗\uff1f", name in present


def subjects(picture: Subject, truth: Truth) -> list[tuple[Subject, str, str]]:
    """For each question: what it is scored against, its English and its Chinese wording."""
    made = []
    for number, (english, chinese, holds) in enumerate(questions(truth)):
        subject = Subject(
            f"{picture.picture}-zh-{number}", picture.picture, english, "yes" if holds else "no", picture.domain,
            "chinese", True, picture.dataset, ("yes", "no"), free_form=False, held_out=picture.held_out,
        )  # fmt: skip
        made.append((subject, english, chinese))
    return made
