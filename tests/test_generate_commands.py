"""From captions to data that training reads: `train generate` by rules, by a server, and of a corpus."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medvlm import datasets, scores
from medvlm.datasets import corpus
from medvlm.errors import DatasetError
from tests.generate_cases import GOOD
from tests.serving import Body, serving
from train import __main__ as train
from train import examples
from train.corpus import records
from train.generate import prompts, sources
from train.generate.making import TRIES
from train.generate.output import REPLIES
from train.generate.reason import ANSWER
from train.recipe import Data


def write_pairs(folder: Path, *rows: dict[str, Any]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.png").write_bytes(b"a picture's bytes")
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


LONG = "Figure 4. " + "Axial CT scan of the chest with a nodule in the right upper lobe. " * 3
ROW = {"id": "p/1", "image": "a.png", "licence": "CC-BY-4.0", "credit": "A. Author", "article": "PMC1", "domain": "ct"}


def test_align_asks_briefly_or_in_detail_at_thirty_words_and_training_reads_it(tmp_path: Path) -> None:
    address = write_pairs(tmp_path / "in", {**ROW, "caption": LONG}, {**ROW, "id": "p2", "caption": "Fig. 1A: A CT."})
    out = tmp_path / "out"
    command = ["generate", "align", address, "--out", str(out), "--teacher", "rules"]
    assert train.main(command) == 0
    by = {row["source"]: row for row in scores.rows(out / "data.jsonl")}
    assert by["p-1"]["question"] in examples.DETAILED and by["p2"]["question"] in examples.BRIEF
    assert by["p2"]["answer"] == "A CT." and by["p-1"]["answer"].startswith("Axial CT")
    for row in by.values():
        assert (row["teacher"], row["prompt_version"], row["licence"]) == ("rules", prompts.PROMPT_VERSION, "CC-BY-4.0")
        assert (row["article"], row["credit"], row["kind"]) == ("PMC1", "A. Author", "caption")
    loaded = datasets.load(f"own:{out}", "train", "train").samples
    assert len(loaded) == 2 and all(Path(one.image).read_bytes() == b"a picture's bytes" for one in loaded)
    first = (out / "data.jsonl").read_bytes()
    assert train.main(command) == 0 and (out / "data.jsonl").read_bytes() == first
    assert train.main([*command, "--seed", "5"]) == 1, "another job needs another folder"


def test_the_whole_chain_runs_by_rules_and_a_dialogue_is_learnt_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, why, good = tmp_path / "said", tmp_path / "why", tmp_path / "good"
    rule = ["--teacher", "rules"]
    assert train.main(["generate", "instruct", "phantoms:10", "--out", str(said), "--count", "8", *rule]) == 0
    assert train.main(["generate", "reason", str(said), "--out", str(why), *rule]) == 0
    assert train.main(["generate", "filter", str(said), "--out", str(good), *rule]) == 0
    assert "dialogues" in capsys.readouterr().out
    rows = scores.rows(said / "data.jsonl")
    mixed = examples.mixture(Data((f"own:{good}",)), 0)
    assert len(mixed.dialogues) == len({row["source"] for row in scores.rows(good / "data.jsonl")})
    assert any(len(one.turns) > 2 for one in mixed.dialogues) and len(rows) > 8
    by_question = {(row["source"], row["question"]): row["answer"] for row in rows}
    steps = scores.rows(why / "data.jsonl")
    assert steps and all(row["answer"].rpartition(ANSWER)[2] in by_question.values() for row in steps)
    filtered = scores.rows(good / "data.jsonl")
    assert {row["made_by"] for row in filtered} == {"rules, prompts 1"} and {row["teacher"] for row in filtered} == {
        "rules"
    }
    report = scores.read(said / "report.json")
    assert (
        report is not None
        and report["kept"] + sum(report["dropped"].values()) >= 8
        and report["asked_in_this_call"] == 0
    )


def test_a_server_teaches_and_one_that_says_nothing_useful_leaves_no_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(name: str, url: str, *more: str) -> list[str]:
        out = ["--out", str(tmp_path / name), "--teacher", "big", "--endpoint", url]
        return ["generate", "instruct", "phantoms:2", *out, *more]

    def good(body: Body) -> str:
        return GOOD if "questions" in body["messages"][-1]["content"] else LONG[10:]

    with serving(good, faults=["503"]) as server:
        assert train.main(command("good", server.url, "--requests", "2")) == 1, "the failed request counts, too"
        assert "budget of 2 requests" in capsys.readouterr().err
        assert train.main(command("good", server.url)) == 0
        assert len(server.bodies) == 3
    report = scores.read(tmp_path / "good" / "report.json")
    assert report is not None and (report["kept"], report["asked_in_this_call"], report["teacher"]) == (2, 1, "big")
    with serving(lambda body: "I cannot do that.") as server:
        assert train.main(command("bad", server.url)) == 1
    said = capsys.readouterr()
    assert "Everything was dropped" in said.err and "2 refusal" in said.out
    assert not (tmp_path / "bad" / "data.jsonl").exists() and len(scores.rows(tmp_path / "bad" / REPLIES)) == 2 * TRIES


def test_a_corpus_gives_its_training_figures_and_nothing_else_is_guessed(tmp_path: Path) -> None:
    figure = corpus.Figure(
        "PMC1-f1", "PMC1", "Figure 1", "CT of the liver.", ("See Figure 1.",), "CC-BY-4.0", "A. Author", "train", "ct",
        8, 8, "0" * 64, "png", b"bytes",
    )  # fmt: skip
    records.write(tmp_path, [figure, replace(figure, id="PMC2-f1", split="test")])
    (one,) = sources.read(str(tmp_path))
    assert (one.id, one.mentions, one.name) == ("PMC1-f1", ("See Figure 1.",), "PMC1-f1.png")
    assert one.picture is not None and one.picture() == b"bytes"
    for address in ("nowhere", "phantoms:many"):
        with pytest.raises(DatasetError):
            list(sources.read(address))
    wrong = write_pairs(tmp_path / "in", {"caption": "A CT.", "image": "b.png"})
    with pytest.raises(DatasetError, match=r"row 1: it names the picture 'b\.png'"):
        list(sources.read(wrong))
