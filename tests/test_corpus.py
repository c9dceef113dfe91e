"""Papers become figures: what is read, what is left out and counted, and that a killed run ends with the same bytes."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medvlm import datasets
from medvlm.errors import ConfigError, DatasetError
from medvlm.imaging import render
from medvlm.imaging.likeness import NEAR, Seen, looks
from medvlm.paths import ROOT
from medvlm.phantoms import draw
from medvlm.phantoms.scan import as_scan
from medvlm.types import DOMAINS
from tests import paper_cases as papers
from tests.paper_cases import Fig
from train.__main__ import main
from train.corpus import building, engines, jats, pdf, pictures, records, sources
from train.corpus.articles import Article
from train.corpus.engines import here
from train.corpus.filters import Settings, key, panels_named, split_of
from train.corpus.licences import is_allowed, licence_of
from train.corpus.sentences import numbers_in, sentences

SETTINGS = Settings(batch=4, each=2)


def article(text: bytes, have: tuple[str, ...] = ("f1",)) -> Article:
    (one,) = jats.read(text, "a.nxml", "a", lambda name: (lambda: b"picture") if name in have else None)
    return one


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


def test_an_article_says_what_it_is_and_what_stands_in_its_figures() -> None:
    caption = (
        "<bold>Axial</bold> CT with 10<sup>5</sup> cells<sup><xref ref-type='bibr' rid='b1'>12</xref></sup>, "
        "CO<sub>2</sub> and &#945;&alpha; rays [<xref ref-type='bibr' rid='b2'>3</xref>, "
        "<xref ref-type='bibr' rid='b3'>4</xref>]."
    )
    body = (
        '<p>As Fig. 9 of Doe et al. shows, nothing. The lesions (<xref ref-type="fig" rid="f1 f2">Figs. 1 and 2</xref>;'
        " arrow) are bright, e.g. in the liver. Others are dark.</p><list><list-item><p>"
        'See <xref ref-type="fig" rid="f1">Fig. 1</xref>-<xref ref-type="fig" rid="f3">3</xref>!</p></list-item></list>'
    )
    found = article(papers.jats("7", [Fig(caption=caption), Fig("f2", "gone"), Fig("f3", "f1")], body=body))
    assert (found.id, found.language) == ("PMC7", "en")
    assert found.credit == "Doe. Lesions of the liver in computed tomography. Drawn Cases. 2024. https://doi.org/10.1/7"
    first, second, third = found.figures
    assert (first.label, first.licence) == ("Figure 1", "CC-BY-4.0")
    assert first.caption == "Axial CT with 10^5 cells, CO2 and αα rays."  # noqa: RUF001
    lesions = "The lesions (Figs. 1 and 2; arrow) are bright, e.g. in the liver."
    assert first.mentions == ("Its rim is seen in the figure.", lesions, "See Fig. 1-3!")
    assert second.mentions == ("Its rim is seen in the figure.", lesions, "See Fig. 1-3!") and second.fetch is None
    assert third.mentions == ("Its rim is seen in the figure.", "See Fig. 1-3!")


def test_the_published_varieties_of_figures_are_read() -> None:
    own = "<permissions><copyright-statement>Elsevier</copyright-statement></permissions>"
    free = '<permissions><license xlink:href="https://creativecommons.org/publicdomain/zero/1.0/"/></permissions>'
    both = '<alternatives><graphic xlink:href="no.tif"/><graphic xlink:href="f1"/></alternatives>'
    group = (
        '<fig-group><label>Figure 4.</label><caption><title>Two scans</title></caption><fig id="g1"><caption><p>Of the '
        'lung.</p></caption><graphic xlink:href="f1"/></fig></fig-group>'
    )
    figures = [Fig(inside=own), Fig("f2", "f1", inside=free), Fig("f3", "f1", inside=both)]
    text = papers.jats("1", figures, body=group).decode()
    text = text.replace(
        "</article>",
        "<floats-group><fig id='f9'><label>Fig. 9</label><caption><p>Afloat.</p></caption>"
        "</fig></floats-group><sub-article><front-stub/><body><fig id='f1'/></body></sub-article></article>",
    )
    found = {one.name: one for one in article(text.encode()).figures}
    assert list(found) == ["g1", "f1", "f2", "f3-1", "f3-2", "f9"]
    assert [found[name].licence for name in ("f1", "f2", "f3-1")] == ["other", "CC0-1.0", "CC-BY-4.0"]
    assert (found["g1"].label, found["g1"].caption) == ("Figure 4", "Two scans. Of the lung.")
    assert found["f9"].caption == "Afloat." and found["f9"].fetch is None and found["f3-1"].fetch is not None


def test_an_article_without_references_is_mentioned_by_number() -> None:
    text = (
        papers.jats("1", body="<p>Figure 1A shows it. Figures 2-3 do not.</p>").decode().replace('ref-type="fig"', "")
    )
    assert article(text.encode()).figures[0].mentions == ("Figure 1A shows it.",)


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        (["http://creativecommons.org/licenses/by/4.0/"], "CC-BY-4.0"),
        (["https://creativecommons.org/licenses/by-nc-nd/3.0/igo/"], "CC-BY-NC-ND-3.0"),
        (["http://creativecommons.org/licenses/by/2.0", "creativecommons.org/publicdomain/zero/1.0/"], "CC-BY-2.0"),
        (["Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International"], "CC-BY-NC-SA-4.0"),
        (["the Creative Commons Attribution License, which permits non-commercial and all other use"], "CC-BY"),
        (["under CC BY-NC 4.0"], "CC-BY-NC-4.0"),
        (["All rights reserved."], "other"),
        ([""], "none"),
    ],
)  # fmt: skip
def test_licences_are_known_by_address_and_by_words(said: list[str], licence: str) -> None:
    assert licence_of(said) == licence
    assert is_allowed(licence, ("CC-BY",)) == licence.startswith(("CC-BY-2", "CC-BY-4")) or licence == "CC-BY"


def test_sentences_end_where_readers_end_them() -> None:
    text = "As Smith et al. say in Fig. 2A, it grew by 2.5 mm. (Not so in J. Doe.) Why? See Figs. S1, 3 and 5-7."
    assert sentences(text) == [
        "As Smith et al. say in Fig. 2A, it grew by 2.5 mm.", "(Not so in J. Doe.)", "Why?", "See Figs. S1, 3 and 5-7.",
    ]  # fmt: skip
    assert numbers_in(text) == {"2", "S1", "3", "5", "6", "7"} and numbers_in("Figure it out in 3 ways") == set()


def test_xml_that_attacks_is_refused_and_nothing_is_fetched() -> None:
    secret = Path(__file__).as_uri()
    bombs = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10 if n else "boom"}">' for n in range(9))
    for declared in (bombs, f'<!ENTITY b8 SYSTEM "{secret}">', '<!ENTITY % p SYSTEM "http://example.invalid/x"> %p;'):
        text = papers.jats("1", [Fig(caption="&b8; Axial CT")]).decode().replace('articl1.dtd"', "")
        text = text.replace("<!DOCTYPE article PUBLIC", f"<!DOCTYPE article [{declared}]><!--").replace('.dtd">', "-->")
        with pytest.raises(DatasetError, match=r"a\.nxml (declares entities|is no sound XML)"):
            article(text.encode())
    included = papers.jats("1", body=f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret}"/>')
    assert "attacks" not in article(included).figures[0].caption
    for torn, says in (
        (papers.jats("1")[:300], "no sound XML"),
        (b"<html/>", "holds no article"),
        (b"", "no sound XML"),
    ):
        with pytest.raises(DatasetError, match=says):
            article(torn)


def test_pictures_are_found_beside_their_article_and_nowhere_else(tmp_path: Path) -> None:
    home = papers.folder(tmp_path, "a", papers.jats("1"), {"f1.JPG": b"1", "x.y.png": b"2"})
    (tmp_path / "secret.jpg").write_bytes(b"3")
    for name, data in (("f1", b"1"), ("f1.gif", b"1"), ("f1.tif", b"1"), ("x.y", b"2"), ("x.y.png", b"2")):
        fetch = sources.beside(home, name)
        assert fetch is not None and fetch() == data, name
    for name in ("../secret.jpg", "../secret", "/etc/passwd", "..", "", "f2"):
        assert sources.beside(home, name) is None, name


def test_a_pdf_beside_its_own_xml_is_not_read_twice(tmp_path: Path) -> None:
    papers.folder(tmp_path, "PMC1", papers.jats("1"), {"main.pdf": b"", "f1.jpg": b""})
    (tmp_path / "b.pdf").write_bytes(b"")
    assert [one.name for one in sources.listing(tmp_path)] == ["PMC1/PMC1.nxml", "b.pdf"]
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match="holds no papers"):
        sources.listing(tmp_path / "none")


def test_a_pdf_gives_pictures_captions_mentions_and_its_licence() -> None:
    found = pdf.read(papers.paper_pdf(), "x.pdf", "x")
    assert "All lesions were examined twice." in found.subject and found.id == "x"
    first, second, third = found.figures
    assert (first.label, second.label, third.label) == ("Figure 1", "Fig. 2", "Figure 3")
    assert first.caption.startswith("Axial CT") and first.caption.endswith(
        "in the right lobe of the liver, with a bright rim (arrow)."
    )
    assert first.mentions == ("The rim is bright (Fig. 1), as others saw.",)
    assert second.mentions == third.mentions == ("Figures 2 and 3 show lesions that enhance.",)
    assert {one.licence for one in found.figures} == {"CC-BY-4.0"}
    assert first.fetch and third.fetch
    shown = pictures.opened(first.fetch(), "one").pixels
    original = np.asarray(papers.scan(1))
    assert shown.shape == original.shape and np.abs(shown.astype(int) - original).mean() < 6
    assert pictures.panels(pictures.opened(third.fetch(), "two").pixels) == 2
    with pytest.raises(DatasetError, match=r"torn\.pdf is no PDF"):
        pdf.read(papers.paper_pdf()[:150], "torn.pdf", "torn")


def test_scans_and_charts_are_told_apart() -> None:
    drawn = {kind: pictures.kind(papers.chart(kind, 1)) for kind in papers.CHARTS}
    assert set(drawn.values()) == {"drawing"}, drawn
    shown = {domain: Image.fromarray(render(as_scan(draw(domain, 3, "train")))) for domain in DOMAINS}
    assert {domain: pictures.kind(image) for domain, image in shown.items()} == dict.fromkeys(DOMAINS, "picture")
    assert {domain: pictures.panels(np.asarray(image)) for domain, image in shown.items()} == dict.fromkeys(DOMAINS, 1)


@pytest.mark.parametrize(("colour", "count"), [("white", 2), ("black", 2), ("grey", 1)])
def test_bands_part_panels(colour: str, count: int) -> None:
    both = Image.new("RGB", (490, 200), colour)
    both.paste(papers.scan(1), (0, 0))
    both.paste(papers.scan(2), (250, 0))
    assert pictures.panels(np.asarray(both)) == pictures.panels(np.asarray(both).swapaxes(0, 1)) == count


def test_captions_tell_how_many_panels_there_are() -> None:
    for caption, count in (
        ("(a) Axial and (b) coronal CT.", 2), ("A, Axial. B, Coronal. C, MRI.", 3), ("CT (left panel) and MRI.", 2),
        ("Axial CT of a man. A cyst is seen.", 1), ("Vitamin B, and (d).", 1), ("Hepatitis A and B.", 1),
    ):  # fmt: skip
        assert panels_named(caption) == count, caption


def test_copies_are_known_after_saving_scaling_and_lighting() -> None:
    seen = Seen()
    rng = np.random.default_rng(0)
    for number in range(1100):  # more than the table begins with
        seen.add(str(number), rng.bytes(32).hex() if number != 7 else looks(np.asarray(papers.scan(7, 60, 50))))
    small = papers.scan(7, 60, 50).resize((45, 38)).point(lambda value: int(value * 0.8))
    again = looks(np.asarray(Image.open(io.BytesIO(papers.jpeg(small, 50))).convert("RGB")))
    assert seen.like(again) == "7" and seen.like(looks(np.asarray(papers.scan(5000, 60, 50)))) is None
    assert NEAR < 30


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


def test_a_paper_that_kills_its_reader_is_named_and_takes_no_other_along(tmp_path: Path) -> None:
    chosen = Settings(batch=9, languages=(), classifier="tests.paper_cases:deadly")
    papers.folder(tmp_path / "papers", "PMC7", papers.jats("7"), {"f1.jpg": papers.jpeg(papers.scan(1, 300, 200))})
    for number in (8, 9):
        text, picture = papers.jats(str(number)), papers.jpeg(papers.scan(number))
        papers.folder(tmp_path / "papers", f"PMC{number}", text, {"f1.jpg": picture})
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
            os.kill(process.pid, signal.SIGKILL)
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


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install ray==2.60.0")
def test_ray_makes_the_same_bytes(collection: Path, built: Path, tmp_path: Path) -> None:
    building.build(collection, tmp_path / "corpus", SETTINGS, engines.ray())
    assert made(tmp_path / "corpus") == made(built)
