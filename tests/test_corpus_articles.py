"""What is read of a paper: its figures, captions, mentions and licences, and XML that attacks."""

from pathlib import Path

import numpy as np
import pytest

from medvlm.errors import DatasetError
from tests import paper_cases as papers
from tests.paper_cases import Fig
from train.corpus import jats, pdf, pictures, sources
from train.corpus.articles import Article
from train.corpus.licences import is_allowed, licence_of
from train.corpus.sentences import numbers_in, sentences


def article(text: bytes, have: tuple[str, ...] = ("f1",)) -> Article:
    (one,) = jats.read(text, "a.nxml", "a", lambda name: (lambda: b"picture") if name in have else None)
    return one


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
