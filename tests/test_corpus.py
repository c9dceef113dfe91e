"""Papers become figures: what is left out and counted, and that a killed run ends with the same bytes."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from medvlm import datasets
from medvlm.errors import ConfigError, DatasetError
from medvlm.paths import ROOT
from tests import paper_cases as papers
from train.__main__ import main
from train.corpus import building, engines, records, sources
from train.corpus.engines import here
from train.corpus.filters import Settings, key, split_of

SETTINGS = Settings(batch=4, each=2)


def made(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("papers")
    papers.collection(home)
    return home


@pytest.fixture(scope="module")
def built(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "corpus"
    building.build(collection, out, SETTINGS, here)
    return out


def test_every_figure_is_kept_or_counted_where_it_fell(collection: Path, built: Path, tmp_path: Path) -> None:
    report = json.loads((built / building.REPORT).read_text())
    expected = papers.collection(tmp_path / "twin")
    assert report["fell"] == expected
    assert report["figures"] == report["kept"] + sum(expected.values())
    assert {one["paper"] for one in report["papers_not_read"]} == {
        "damaged.tar.gz", "empty.tar.gz", "torn.pdf", "torn-xml/torn-xml.nxml",
    }  # fmt: skip
    assert all(one["paper"].split("/")[-1] in one["why"] for one in report["papers_not_read"])
    assert report["articles"] + len(report["papers_not_read"]) == report["papers"] == len(sources.listing(collection))
    kept = {figure.id: figure for figure in records.read(built)}
    assert set(kept) == {"PMC1-f1", "PMC2-f1", "PMC2-f2", "PMC3-f1", "paper-fig1", "paper-fig2"}
    assert kept["PMC3-f1"].mentions == ("Its rim is seen in the figure.",) and kept["PMC3-f1"].domain == "ct"
    assert kept["paper-fig2"].suffix == "png" and kept["PMC1-f1"].picture == papers.jpeg(papers.scan(10))
    fallen = [json.loads(line) for line in (built / building.FALLEN).read_text().splitlines()]
    assert len(fallen) == sum(expected.values()) and {"id": "PMC103-f1", "step": "copy", "why": "of PMC1-f1"} in fallen
    words = (built / "report.txt").read_text().split()
    assert f"kept {report['kept']}" in " ".join(words) and "several panels 2" in " ".join(words)


def test_a_corpus_is_a_data_set_whose_test_articles_are_not_trained_on(
    built: Path, collection: Path, tmp_path: Path
) -> None:
    wide = tmp_path / "half"
    building.build(collection, wide, Settings(held_out=0.5), here)
    address = f"corpus:{wide}"
    train, test = (datasets.load(address, split).samples for split in ("train", "test"))
    assert train and test and len(train) + len(test) == len(list(records.read(wide)))
    articles = {split: {one.article for one in records.read(wide, split)} for split in records.SPLITS}
    assert not articles["train"] & articles["test"]
    with pytest.raises(DatasetError, match="for testing"):
        datasets.load(address, "test", purpose="train")
    by_id = {figure.id: figure for figure in records.read(wide)}
    for sample in (*train, *test):
        figure = by_id[sample.id.removeprefix("corpus-")]
        name = str(datasets.name_of(sample))
        assert sample.reference == figure.caption and datasets.content(name) == figure.picture
        assert datasets.scan(name).slices[0].shape[:2] == (figure.height, figure.width)
    with pytest.raises(DatasetError, match="no figure"):
        datasets.content(f"corpus:{wide}#nobody")
    with pytest.raises(DatasetError, match="no finished corpus"):
        datasets.load(f"corpus:{tmp_path}", "train")
    (damaged := next(wide.glob("train-*.tar"))).write_bytes(damaged.read_bytes()[:700])
    with pytest.raises(DatasetError, match="is damaged"):
        list(records.read(wide))


def test_the_hold_out_is_a_twentieth_and_does_not_move() -> None:
    splits = {f"PMC{number}": split_of(f"PMC{number}", 0.05) for number in range(4000)}
    assert 160 < list(splits.values()).count("test") < 240
    wider = {name for name in splits if split_of(name, 0.1) == "test"}
    assert {name for name, split in splits.items() if split == "test"} < wider


def test_keys_name_files_and_stay_apart() -> None:
    keys = [key("10.1/a.b", "f1"), key("10.1/a_b", "f1"), key("x" * 200, "f1"), key("PMC1", "f1")]
    assert len(set(keys)) == 4 and keys[3] == "PMC1-f1"
    assert all(len(one) <= 90 and not set(one) & set("./ ") for one in keys)


def test_settings_choose_what_stays(collection: Path, tmp_path: Path) -> None:
    wide = Settings(licences=("CC-BY", "CC-BY-NC"), languages=(), classifier="none", single=False, smallest=10, words=1)
    report = building.build(collection, tmp_path / "wide", wide, here)
    assert {step for step, count in report["fell"].items() if count} == {
        "licence",
        "missing",
        "damaged",
        "again",
        "copy",
    }
    narrow = building.build(collection, tmp_path / "narrow", Settings(topic="knee|patella"), here)
    assert narrow["kept"] == 1 and narrow["fell"]["topic"] > 10
    for wrong in (Settings(topic="("), Settings(classifier="nowhere:no"), Settings(held_out=1.0), Settings(smallest=0)):
        with pytest.raises(ConfigError):
            building.build(collection, tmp_path / "never", wrong, here)
    assert not (tmp_path / "never").exists()


def test_a_finished_corpus_is_left_alone_and_a_changed_one_is_made_anew(tmp_path: Path) -> None:
    home, out = tmp_path / "papers", tmp_path / "out"
    papers.folder(home, "PMC1", papers.jats("1"), {"f1.jpg": papers.jpeg(papers.scan(1))})
    building.build(home, out, SETTINGS, here)

    def forbidden(batches: object) -> None:
        raise AssertionError("nothing was to be done")

    assert building.build(home, out, SETTINGS, forbidden)["kept"] == 1  # type: ignore[arg-type]
    papers.folder(home, "PMC2", papers.jats("2"), {"f1.jpg": papers.jpeg(papers.scan(2))})
    assert building.build(home, out, SETTINGS, here)["kept"] == 2
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["out", "papers"]


def one_bad_paper(home: Path) -> None:
    """Three papers, the first with a picture of the size that `paper_cases`' classifiers fall over."""
    papers.folder(home, "PMC7", papers.jats("7"), {"f1.jpg": papers.jpeg(papers.scan(1, 300, 200))})
    for number in (8, 9):
        text, picture = papers.jats(str(number)), papers.jpeg(papers.scan(number))
        papers.folder(home, f"PMC{number}", text, {"f1.jpg": picture})


def test_a_paper_that_kills_its_reader_is_named_and_takes_no_other_along(tmp_path: Path) -> None:
    chosen = Settings(batch=9, languages=(), classifier="tests.paper_cases:deadly")
    one_bad_paper(tmp_path / "papers")
    report = building.build(tmp_path / "papers", tmp_path / "out", chosen, engines.processes(2))
    assert report["kept"] == 2
    (dead,) = report["papers_not_read"]
    assert dead["paper"] == "PMC7/PMC7.nxml" and "died" in dead["why"]


def test_a_run_killed_at_any_point_ends_with_the_same_bytes(collection: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "corpus", tmp_path / "whole"
    building.build(collection, whole, replace(SETTINGS, languages=()), here)
    command = [sys.executable, "-m", "train", "corpus", str(collection), "--out", str(out), "--any-language"]
    command += ["--batch", "4", "--each", "2", "--processes", "2"]
    moments = ("corpus.parts/*.json", ".corpus-*/train-00000.tar", "")
    for moment in moments:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        while moment and process.poll() is None and not list(tmp_path.glob(moment)):
            time.sleep(0.001)
        if moment:
            process.kill()  # nothing happens to one that was quicker
        said = process.communicate()[0].decode()
    assert process.returncode == 0 and said == (whole / "report.txt").read_text()
    assert made(out) == made(whole)


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 1
    assert "nowhere is not there" in capsys.readouterr().err
    papers.folder(tmp_path, "PMC1", papers.jats("1"), {})
    assert main(["corpus", str(tmp_path), "--out", str(tmp_path / "out"), "--topic", "("]) == 1
    assert "topic" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_its_engine_says_how_to_get_it() -> None:
    with pytest.raises(ConfigError, match=r"pip install ray=="):
        engines.ray()


needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install ray==2.60.0")


@needs_ray
def test_ray_makes_the_same_bytes(collection: Path, built: Path, tmp_path: Path) -> None:
    building.build(collection, tmp_path / "corpus", SETTINGS, engines.ray())
    assert made(tmp_path / "corpus") == made(built)


@needs_ray
@pytest.mark.parametrize("classifier", ["deadly", "endless"])
def test_ray_names_a_paper_that_kills_or_holds_up_its_reader(classifier: str, tmp_path: Path) -> None:
    chosen = Settings(batch=9, languages=(), classifier=f"tests.paper_cases:{classifier}")
    one_bad_paper(tmp_path / "papers")
    report = building.build(tmp_path / "papers", tmp_path / "out", chosen, engines.ray(seconds=5))
    assert report["kept"] == 2 and [one["paper"] for one in report["papers_not_read"]] == ["PMC7/PMC7.nxml"]


@needs_ray
def test_ray_says_why_a_process_cannot_work(collection: Path, tmp_path: Path) -> None:
    nowhere = engines.Batch(collection, (), SETTINGS, tmp_path / "nowhere" / "part.tar")
    with pytest.raises(DatasetError, match=r"could not do its work.*nowhere.*same command"):
        list(engines.ray()([nowhere]))
