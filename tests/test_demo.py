"""The way in small: drawn papers are what they say, a step is done once for the same inputs, the whole chain holds."""

import json
import os
import re
import shlex
import sys
import traceback
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

import eval.__main__ as evaluation
from medvlm.datasets import corpus
from medvlm.errors import ConfigError
from medvlm.paths import ROOT
from medvlm.phantoms import draw
from medvlm.phantoms.writer import write
from medvlm.scoreboard.run_shelf import RunShelf
from train import demo, papers, recipe, sizes
from train.__main__ import main, parser, recipes_and_overrides
from train.checking import WORDS
from train.demo import Step


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return papers.write_papers(tmp_path_factory.mktemp("papers") / "a", 1)


def test_drawn_papers_are_the_same_bytes_for_the_same_seed(written: list[Path], tmp_path: Path) -> None:
    again = papers.write_papers(tmp_path / "a", 1)
    other = papers.write_papers(tmp_path / "b", 1, seed=1)
    contents = [
        {file.relative_to(folder.parent): file.read_bytes() for folder in folders for file in folder.iterdir()}
        for folders in (written, again, other)
    ]
    assert contents[0] == contents[1] and contents[0].keys() == contents[2].keys() and contents[0] != contents[2]


def test_a_drawn_paper_says_what_its_figures_show(written: list[Path]) -> None:
    root = ElementTree.parse(written[0] / "phantom-00001.nxml").getroot()
    assert root.find(".//license") is not None and len(root.findall(".//fig")) == papers.A_PAPER
    for number, (figure, domain) in enumerate(zip(root.findall(".//fig"), ("cxr", "ct", "mri"), strict=True), 1):
        seed = papers.FIRST_SEED + number - 1
        truth = write(draw(domain, seed, "train").truth, seed)  # type: ignore[arg-type]
        assert "".join(figure.find("caption").itertext()) in (truth.brief, truth.detailed)  # type: ignore[union-attr]
        paragraph = next(p for p in root.iter("p") if p.find(f"xref[@rid='f{number}']") is not None)
        said = re.sub(r" \(Figure \d\)", "", "".join(paragraph.itertext()))
        assert said and all(part.strip(". ") in {q.sentence.rstrip(".") for q in truth.questions}
                            for part in re.split(r"(?<=\.) (?=[A-Z])", said))  # fmt: skip
        assert (written[0] / f"f{number}.jpg").is_file()


def test_no_papers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 papers"):
        papers.write_papers(tmp_path / "none", 0)


def unpacking(folder: Path) -> Step:
    """A step that takes no time: an archive unpacked by the standard library."""
    source, target = folder / "in.zip", folder / "out"
    return Step("unpack", "takes apart", ("zipfile", "-e", str(source), str(target)), target, (source,))


def archive(folder: Path, text: str) -> None:
    with zipfile.ZipFile(folder / "in.zip", "w") as file:
        file.writestr(zipfile.ZipInfo("said"), text)


def test_a_step_is_done_once_for_the_same_inputs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    archive(tmp_path, "first")
    demo.take(unpacking(tmp_path), tmp_path)
    assert "$ python -m zipfile" in capfd.readouterr().out
    (tmp_path / "out" / "more").touch()
    demo.take(unpacking(tmp_path), tmp_path)
    assert "done before" in capfd.readouterr().out and (tmp_path / "out" / "more").exists()
    archive(tmp_path, "second")
    demo.take(unpacking(tmp_path), tmp_path)
    assert "done before" not in capfd.readouterr().out
    assert [file.read_text() for file in (tmp_path / "out").iterdir()] == ["second"], "nothing of before is left"


def test_a_failed_step_is_named_and_keeps_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "in.zip").write_text("no archive")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "half").touch()
    step = unpacking(tmp_path)
    demo.remember(tmp_path, {"unpack": {"key": demo.fingerprint(step), "seconds": None}})
    with pytest.raises(ConfigError, match="stopped at unpack"):
        demo.take(step, tmp_path)
    assert (tmp_path / "out" / "half").is_file(), "the same inputs: the command itself goes on"


def test_what_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    archive(tmp_path, "first")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").touch()
    with pytest.raises(ConfigError, match="no demo made it"):
        demo.take(unpacking(tmp_path), tmp_path)
    assert (tmp_path / "out" / "precious").is_file()
    with pytest.raises(ConfigError, match="comma"):
        demo.plan(tmp_path / "a,b", None)


@pytest.mark.parametrize("name", ["reproduce", "train", "corpus", "generate", "checkpoints", "many-gpus"])
def test_every_command_of_the_documents_is_understood_and_names_what_there_is(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    made = {one.name for name in recipe.all_names() for one in recipe.variants(recipe.read(name), name)}
    assert set(re.findall(r"build/recipes/([\w.-]+)/", text)) - {"NAME", "a", "b", "features"} <= made | set(
        recipe.all_names()
    )
    lines = re.findall(r"^(?:\.venv/bin/)?(python -m (?:train|eval) [^#\n]*)", text, re.MULTILINE)
    lines += re.findall(r"`(python -m (?:train|eval) (?:check|run|launch) [^`]+)`", text)
    assert lines
    for line in lines:
        understood(line)


def understood(line: str) -> None:
    """The command's words are its own, and the recipes that it names are there and take its changes."""
    _, _, module, *words = shlex.split(line)
    if module != "train":
        evaluation.parser(words[0]).parse_args(words)
        return
    if any(word.isupper() and "=" not in word for word in words) and words[0] in ("run", "check", "launch"):
        return  # a recipe of the reader's own
    chosen = parser().parse_args(words)
    if chosen.command in ("run", "check", "launch"):
        names, changes = recipes_and_overrides(chosen.config)
        assert all(recipe.read(name, changes).name for name in names), line


def test_memory_and_hours_in_the_document_are_those_of_the_formula() -> None:
    text = (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(seed[\w.-]+)`.*? \| ([\d,]+) \| (\d+) \| (\d+) GB \| ([\d.]+) \|", text, re.MULTILINE)
    assert len(rows) == text.count("\n| `seed0") >= 20
    for name, samples, epochs, memory, hours in rows:
        one = recipe.read(name)
        size = sizes.SIZES[one.model.base]
        each = min(size.picture_tokens + WORDS, one.learning.max_tokens)
        assert f"{sizes.memory_gb(one, size):.0f}" == memory, name
        said = sizes.hours(one, size, int(samples.replace(",", "")) * int(epochs) * each)
        assert said is not None and f"{said:.1f}" == hours, name


COMMANDS = {"train": main, "train.papers": papers.main, "eval": evaluation.main}


def forked(command: Sequence[str]) -> int:
    """The command in a process of its own that begins with everything imported; its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        import torch

        torch.set_num_threads(1)  # a forked process has no threads but its own
        code = COMMANDS[command[0]](list(command[1:])) or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def test_the_whole_way_from_papers_to_the_scores_tab(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from tests import tiny_models

    base = tiny_models.write_model(tmp_path / "base", "llava", spread=0.1)
    home, runs = tmp_path / "demo", tmp_path / "runs"
    made = demo.plan(home, runs, str(base), smoke=True)
    demo.run(made, forked)
    said = capfd.readouterr().out
    fallen = Counter(json.loads(line)["step"] for line in (home / "corpus" / "fallen.jsonl").read_text().splitlines())
    # One paper is no XML; each of the others falls at a filter of its own.
    assert len(fallen) == len(papers.FLAWS) - 1 and set(fallen.values()) == {1}, fallen
    kept = list(corpus.read(home / "corpus"))
    assert len(kept) == papers.A_PAPER * demo.SMOKE.papers and all(figure.mentions for figure in kept)
    for stage in demo.STAGES:
        assert json.loads((home / "recipes" / f"demo-{stage}" / "done.json").read_text())["trained"] > 0
    board = RunShelf([runs]).look().boards[demo.RUN]
    assert board.arms == ("base", "tuned") and board.metrics
    assert f"n = {len(board.cases)}" in said and f"app.py --base {base}" in said
    # Typed by hand, the same command finds all of it done.
    given = ["demo", "--smoke", "--base", str(base), "--home", str(home), "--runs", str(runs)]
    assert main(given) == 0
    assert capfd.readouterr().out.count("done before") == len(list(demo.steps(made)))
