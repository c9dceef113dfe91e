"""JATS XML, as PubMed Central's open access subset has it -> articles.

Covered: `fig` in text and in `floats-group`, `fig-group`, several pictures in one `fig`, `alternatives`, mentions by
`xref` (ranges too) or by words, licences of articles and of single figures. Not covered: sub-figures are not split,
and sub-articles (translations, responses) are left out.
"""

import html.entities
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from medvlm.errors import DatasetError
from train.corpus.articles import Article, Fetch, Found
from train.corpus.licences import NONE, OTHER, licence_of, says_foreign
from train.corpus.sentences import between, number_of, numbers_in, spans, tidy

Element = Any
Open = Callable[[str], Fetch | None]  # the name in a `graphic` -> its file's bytes
_SKIPPED = {"fig", "fig-group", "table-wrap", "table-wrap-group", "disp-formula", "tex-math", "supplementary-material"}
_SKIPPED |= {"caption", "list", "def-list", "boxed-text", "disp-quote", "fn", "object-id", "graphic", "media"}
_NO_TEXT_OF = {"fig", "table-wrap", "caption", "ref-list", "floats-group", "boxed-text-title", "front-stub"}
_OTHERS = {"sub-article", "response"}
_BLOCKS = {"title", "p", "list-item", "sec", "label"}


def parse(data: bytes, what: str) -> list[Element]:
    """The articles of one XML file, names without their namespaces. Raises DatasetError for what is no sound XML.

    Nothing is fetched, no DTD is read and no entity is expanded; a file that declares entities of its own is refused.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise DatasetError(f"{what} is no sound XML: {error}.") from error
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise DatasetError(f"{what} declares entities of its own, which are never expanded. Save it without them.")
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    found = [one for one in root.iter("article") if not any(up.tag in _OTHERS for up in one.iterancestors())]
    if not found:
        raise DatasetError(f"{what} holds no article: its root is <{root.tag}>.")
    return found


def read(data: bytes, what: str, stem: str, opened: Open) -> Iterator[Article]:
    """Every article of one file. `stem` names one that has no id of its own; `opened` finds pictures."""
    for number, root in enumerate(parse(data, what)):
        for other in [one for one in root.iter(*_OTHERS)]:
            other.getparent().remove(other)
        yield article(root, f"{stem}-{number + 1}" if number else stem, opened)


def article(root: Element, otherwise: str, opened: Open) -> Article:
    meta = root.find("front/article-meta")
    meta = meta if meta is not None else root
    own = _licence(meta.find("permissions"))
    said = Mentions(root)
    figures = [one for fig in root.iter("fig") for one in _figures(fig, own, said, opened)]
    parts = [meta.find("title-group/article-title"), *meta.iter("abstract"), *meta.iter("kwd")]
    return Article(
        id=_id(meta) or otherwise,
        subject=" ".join(words(part) for part in parts if part is not None),
        credit=_credit(root, meta),
        language=(_named(root, "lang") or "").split("-")[0].lower(),
        figures=tuple(figures),
    )


def words(element: Element) -> str:
    """The text of an element as it is read: blocks apart, references to the literature gone, powers written "^"."""
    return tidy("".join(piece for piece, _ in _pieces(element, frozenset({"tex-math", "object-id", "graphic"}))))


class Mentions:
    """Which sentences of an article speak of which figure."""

    def __init__(self, root: Element) -> None:
        self._order = [name for fig in root.iter("fig") if (name := fig.get("id"))]
        self._by_id: dict[str, list[str]] = {}
        self._by_number: dict[str, list[str]] = {}
        for paragraph in root.iter("p"):
            if not any(up.tag in _NO_TEXT_OF for up in paragraph.iterancestors()):
                self._take(paragraph)

    def of(self, name: str | None, label: str) -> tuple[str, ...]:
        """By reference; in an article without references to this figure, by the number in its label."""
        found = self._by_id.get(name or "") or self._by_number.get(number_of(label), [])
        return tuple(dict.fromkeys(found))

    def _take(self, paragraph: Element) -> None:
        text, marks = "", []
        for piece, names in _pieces(paragraph, frozenset(_SKIPPED)):
            marks.append((len(text), names))
            text += piece
        pointed = [(at, name) for at, name in self._pointed(text, marks)]
        for start, end in spans(text):
            sentence = tidy(text[start:end])
            for name in dict.fromkeys(name for at, name in pointed if start <= at < end):
                self._by_id.setdefault(name, []).append(sentence)
            for number in numbers_in(sentence):
                self._by_number.setdefault(number, []).append(sentence)

    def _pointed(self, text: str, marks: list[tuple[int, tuple[str, ...]]]) -> Iterator[tuple[int, str]]:
        """(place, figure); "Figs. 1-3" points at 2 too, though only 1 and 3 are references."""
        before: tuple[int, str] | None = None
        for (at, names), (after, _) in zip(marks, [*marks[1:], (len(text), ())], strict=True):
            for name in names:
                yield at, name
                if before and re.fullmatch(r"\s*(?:-|\u2013|\u2014|to)\s*", text[before[0] : at]):
                    yield from ((at, one) for one in self._within(before[1], name))
            if names:
                before = after, names[-1]

    def _within(self, first: str, last: str) -> list[str]:
        if first not in self._order or last not in self._order:
            return []
        start, end = self._order.index(first), self._order.index(last)
        return self._order[start + 1 : end] if between(str(start), str(end)) else []


def _pieces(element: Element, skipped: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(text, figures that it refers to), in reading order. The element's own tail is not part of it."""
    yield element.text or "", ()
    for child in element:
        yield from _piece(child, skipped)
        yield child.tail or "", ()


def _piece(child: Element, skipped: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if child.tag is etree.Entity:
        # Named characters of a DTD that is not read: the known ones are HTML's.
        yield html.entities.html5.get(f"{child.name};", ""), ()
    elif not isinstance(child.tag, str) or child.tag in skipped or _is_reference(child):
        return
    elif child.tag == "xref" and child.get("ref-type") == "fig":
        yield "".join(text for text, _ in _pieces(child, skipped)), tuple((child.get("rid") or "").split())
    else:
        inner = list(_pieces(child, skipped))
        if child.tag == "sup" and re.fullmatch(r"\s*[-\u2212+]?\d+\s*", "".join(text for text, _ in inner)):
            yield "^", ()
        yield from inner
        if child.tag in _BLOCKS:
            yield _stop("".join(text for text, _ in inner), child), ()


def _stop(text: str, child: Element) -> str:
    """What parts a block from the next: a full stop behind a title that has none, else a blank."""
    bare = child.tag == "title" and bool(re.search(r"[^.!?:;\s]\s*$", text))
    return ". " if bare else " "


def _is_reference(child: Element) -> bool:
    """A reference to the literature, or the raised brackets around some."""
    if child.tag == "xref":
        return bool(child.get("ref-type") == "bibr")
    inner = child.find("xref[@ref-type='bibr']") if child.tag == "sup" else None
    return inner is not None


def _figures(fig: Element, article_licence: str, said: Mentions, opened: Open) -> Iterator[Found]:
    """One for each picture of a `fig`, several formats of it counting once; where none is, one without a picture."""
    label, caption = _label_and_caption(fig)
    licence = _licence(fig.find(".//permissions"), OTHER) if fig.find(".//permissions") is not None else article_licence
    if says_foreign(caption) or says_foreign(" ".join(words(one) for one in fig.iter("attrib"))):
        licence = OTHER
    pictures = list(_pictures(fig, opened)) or [None]
    name = fig.get("id") or number_of(label) or "fig"
    for number, fetch in enumerate(pictures, 1):
        own = f"{name}-{number}" if len(pictures) > 1 else name
        yield Found(own, label, caption, said.of(fig.get("id"), label), licence, fetch)


def _label_and_caption(fig: Element) -> tuple[str, str]:
    group = fig.getparent()
    around = group if group is not None and group.tag == "fig-group" else None
    label, captions = fig.find("label"), [fig.find("caption")]
    if around is not None:
        label = label if label is not None else around.find("label")
        captions.insert(0, around.find("caption"))
    said = " ".join(words(one) for one in captions if one is not None)
    return (words(label).rstrip(".:") if label is not None else ""), said


def _pictures(fig: Element, opened: Open) -> Iterator[Fetch | None]:
    seen: set[Element] = set()
    for graphic in fig.iter("graphic"):
        if any(up.tag in ("caption", "disp-formula", "inline-formula") for up in graphic.iterancestors()):
            continue
        parent = graphic.getparent()
        if parent.tag != "alternatives":
            yield opened(_named(graphic, "href") or "")
        elif parent not in seen:
            seen.add(parent)
            choices = (opened(_named(one, "href") or "") for one in parent.iter("graphic"))
            yield next((one for one in choices if one is not None), None)


def _licence(permissions: Element, otherwise: str = NONE) -> str:
    if permissions is None:
        return NONE
    said: list[str] = []
    for one in permissions.iter("license", "license_ref", "ext-link", "uri"):
        if one.get("specific-use") != "textmining":  # a licence to mine says nothing about passing on
            said += [_named(one, "href") or "", one.get("license-type") or "", words(one)]
    found = licence_of(said)
    return otherwise if found == NONE else found


def _id(meta: Element) -> str:
    """The article's number in PubMed Central, else its DOI, its number in PubMed, or its publisher's own."""
    ids = {one.get("pub-id-type"): words(one) for one in meta.findall("article-id")}
    for kind in ("pmcid", "pmc"):
        if ids.get(kind):
            return "PMC" + ids[kind].upper().removeprefix("PMC")
    pubmed = f"PMID{ids['pmid']}" if ids.get("pmid") else ""
    return ids.get("doi", "").lower() or pubmed or ids.get("publisher-id", "")


def _credit(root: Element, meta: Element) -> str:
    names = [words(one) for one in meta.iterfind("contrib-group/contrib/name/surname")]
    people = ", ".join(names[:3]) + (" et al." if len(names) > 3 else "")
    doi = next((words(one) for one in meta.findall("article-id") if one.get("pub-id-type") == "doi"), "")
    parts = [people, _first(meta, "title-group/article-title"), _first(root, "front/journal-meta//journal-title")]
    parts += [_first(meta, "pub-date/year"), f"https://doi.org/{doi}" if doi else ""]
    return ". ".join(part.rstrip(".") for part in parts if part)


def _first(element: Element, path: str) -> str:
    found = element.find(path)
    return words(found) if found is not None else ""


def _named(element: Element, name: str) -> str | None:
    """An attribute by its name without namespace: `xlink:href`, `xml:lang`."""
    values: Iterable[str] = (str(v) for k, v in element.attrib.items() if etree.QName(k).localname == name)
    return next(iter(values), None)
