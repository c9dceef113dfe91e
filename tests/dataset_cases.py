"""The published data sets' layouts in small, as their authors laid them out."""

import csv
import io
import json
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from medvlm import datasets
from medvlm.types import DataSplit, Sample


@cache
def encoded() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def picture(path: Path) -> Path:
    """A small picture; what it is, is told by its bytes, whatever its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded())
    return path


def written(path: Path, content: Any) -> Path:
    """JSON, or text as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


SLAKE_ROW = {
    "img_id": 1, "img_name": "xmlab1/source.jpg", "question": "Which organ?", "answer": "Lung", "q_lang": "en",
    "location": "Lung", "modality": "X-Ray", "answer_type": "OPEN", "base_type": "vqa", "content_type": "Organ",
    "triple": ["vhead", "_", "_"], "qid": 7,
}  # fmt: skip


def slake(home: Path) -> None:
    chinese = {**SLAKE_ROW, "q_lang": "zh", "question": "这是什么模态?", "answer": "是", "qid": 8, "modality": "MRI",
               "answer_type": "CLOSED"}  # fmt: skip
    knee = {**SLAKE_ROW, "location": "Knee", "qid": 9}
    for name in ("train.json", "validate.json", "test.json"):
        written(home / "slake" / name, [SLAKE_ROW, chinese, knee])
    picture(home / "slake" / "imgs" / "xmlab1" / "source.jpg")


def path_vqa(home: Path) -> None:
    for name in ("train", "val", "test"):
        folder = home / "path_vqa" / "qas" / name
        folder.mkdir(parents=True)
        rows = [
            {"image": f"{name}_0001", "question": "Where are the cells, by the H&E stain?", "answer": "in the wall"},
            {"image": f"{name}_0002", "question": "Is the gross specimen cut?", "answer": "yes"},
        ]
        (folder / f"{name}_qa.pkl").write_bytes(pickle.dumps(rows))
        for number in (1, 2):
            picture(home / "path_vqa" / "images" / name / f"{name}_000{number}.jpg")


def roco(home: Path) -> None:
    for name in ("train", "validation", "test"):
        folder = home / "roco" / "data" / name / "radiology"
        written(
            folder / "captions.txt", "ROCO_1\t Chest X-ray shows a mass.\nROCO_2\tAxial CT of the liver, see [12].\n"
        )
        for number in (1, 2):
            picture(folder / "images" / f"ROCO_{number}.jpg")


def rocov2(home: Path) -> None:
    for name, folder in (("train", "train_images/train"), ("valid", "valid"), ("test", "test_images")):
        written(home / "rocov2" / f"{name}_captions.csv", f'ID,Caption\nROCOv2_{name}_1,"MRI, T2, of the knee"\n')
        picture(home / "rocov2" / folder / f"ROCOv2_{name}_1.jpg")


FLAGS = {"chest_xray": False, "mri": False, "ct_scan": True, "histology": True, "gross": False}


def llava_med_chat(home: Path) -> None:
    row = {"question_id": 0, "image": "a_F1.jpg", "text": "What is it?\n<image>", "gpt4_answer": "A cyst.",
           "domain": FLAGS, "type": "conversation"}  # fmt: skip
    gone = {**row, "question_id": 1, "image": "b_F1.jpg"}
    written(home / "llava_med_chat" / "llava_med_eval_qa50_qa.jsonl", f"{json.dumps(row)}\n{json.dumps(gone)}\n")
    picture(home / "llava_med_chat" / "images" / "a_F1.jpg")


def llava_med_instruct(home: Path) -> None:
    turns = [
        {"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A cyst."},
        {"from": "human", "value": "How large?"}, {"from": "gpt", "value": "Small."},
    ]  # fmt: skip
    for number, name in enumerate(("10k", "60k", "60k_inline_mention")):
        key = "conversatons" if number == 0 else "conversations"
        row = {"id": "a_F1", "image": "a_F1.jpg", "domain": FLAGS, key: turns}
        written(home / "llava_med_instruct" / f"llava_med_instruct_{name}.json", [row])
    picture(home / "llava_med_instruct" / "images" / "a_F1.jpg")


def medhalt_fake(home: Path) -> None:
    path = home / "medhalt_fake" / "reasoning_fake.csv"
    path.parent.mkdir(parents=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "dataset", "question", "options"])
        rows.writerow(["q1", "medqa_en", 'What of "Zorgon"?', str({"0": "It's blue", "1": "I do not know"})])


def vqa_rad(home: Path) -> None:
    row = {"image_name": "a.jpg", "image_organ": "CHEST", "answer": "Yes", "answer_type": "CLOSED ",
           "question_type": "PRES, ABN", "question": "Is there a mass?", "phrase_type": "frame"}  # fmt: skip
    others = [{**row, "image_name": f"{n}.jpg", "answer_type": "OPEN", "phrase_type": "freeform"} for n in range(70)]
    written(home / "vqa_rad" / "trainset.json", [row, *others])
    written(home / "vqa_rad" / "testset.json", others)
    for name in ("a", *range(70)):
        picture(home / "vqa_rad" / "images" / f"{name}.jpg")


LAYOUTS = {
    "vqa_rad": vqa_rad, "slake": slake, "path_vqa": path_vqa, "roco": roco, "rocov2": rocov2,
    "llava_med_chat": llava_med_chat, "llava_med_instruct": llava_med_instruct, "medhalt_fake": medhalt_fake,
}  # fmt: skip
# How many rows the layouts above have in each split.
ROWS: dict[str, dict[DataSplit, int]] = {
    "vqa_rad": {"train": 71, "test": 70, "held_out": 120},
    "vqa_rad_disjoint": {"train": 11, "test": 120},
    "vqa_rad_free_form": {"train": 70, "test": 70},
    "slake": {"train": 2, "validation": 2, "test": 2},
    "slake_zh": {"train": 1, "validation": 1, "test": 1},
    "path_vqa": {"train": 2, "validation": 2, "test": 2},
    "roco": {"train": 2, "validation": 2, "test": 2},
    "rocov2": {"train": 1, "validation": 1, "test": 1},
    "llava_med_chat": {"test": 2},
    "llava_med_10k": {"train": 2},
    "llava_med_60k": {"train": 2},
    "llava_med_60k_im": {"train": 2},
    "medhalt_fake": {"test": 1},
}


def of(name: str, split: DataSplit = "test") -> list[Sample]:
    return list(datasets.load(name, split).samples)
