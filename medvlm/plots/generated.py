"""What a teacher's data are like, as plots: root verbs with their nouns, and dialogues by domain and kind."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from medvlm import NOT_FOR_DIAGNOSIS, plots
from medvlm.plots.layout import (
    BASE,
    OTHER,
    QUIET,
    REFERENCE,
    TUNED,
    Cell,
    Plot,
    Record,
    axis,
    height_of,
    layout,
    row,
    rows_axis,
)
from medvlm.types import DOMAIN_NAMES

RING = (TUNED, BASE, OTHER, REFERENCE, QUIET)
STYLE = (
    "body{font:16px sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "td,th{text-align:left;padding:.1rem .8rem .1rem 0}"
)


def of(record: Record) -> Iterator[Plot]:
    """LLaVA-Med's figure 2 of `statistics.json`: (a, b) verbs of instructions and of responses, (c) domains."""
    for part, found in record["roots"].items():
        if found["verbs"]:
            yield roots(part, found)
    yield domains(record["by_domain"])


def roots(part: str, found: Record) -> Plot:
    """The commonest root verbs as the inner ring, the nouns that stand with each as the outer."""
    places: list[tuple[str, str, str, int]] = []
    rows: list[tuple[Cell, ...]] = []
    for one in found["verbs"]:
        places.append((one["verb"], one["verb"], "", one["count"]))
        places += [(f"{one['verb']} {noun}", noun, one["verb"], count) for noun, count in one["nouns"].items()]
        rows.append(row(one["verb"], one["count"], ", ".join(f"{noun} {n}" for noun, n in one["nouns"].items())))
    ids, labels, parents, values = zip(*places, strict=True)
    ring = {
        "type": "sunburst", "ids": list(ids), "labels": list(labels), "parents": list(parents), "values": list(values),
        "branchvalues": "total", "hovertemplate": "%{label}: %{value}<extra></extra>", "insidetextorientation": "auto",
    }  # fmt: skip
    title = f"Root verbs and nouns of {part}"
    note = f"Read by rules in {found['read']:.0%} of them; the {len(rows)} commonest verbs, up to four nouns each."
    drawn = layout(title, 520, showlegend=False, colorway=list(RING))
    return Plot(f"generated-{part}", title, (ring,), drawn, ("verb", "count", "nouns"), tuple(rows), note)


def domains(by_domain: Record) -> Plot:
    """How many dialogues there are of each kind in each domain."""
    names = [DOMAIN_NAMES[domain] for domain in DOMAIN_NAMES if domain in by_domain]
    counts = [by_domain[domain] for domain in DOMAIN_NAMES if domain in by_domain]
    kinds = sorted({kind for one in counts for kind in one} - {"dialogues"})
    bars = [
        {"type": "bar", "orientation": "h", "name": kind, "y": names, "x": [one.get(kind, 0) for one in counts],
         "marker": {"color": RING[number % len(RING)]}}
        for number, kind in enumerate(kinds)
    ]  # fmt: skip
    rows = tuple(
        row(name, one["dialogues"], *(one.get(kind, 0) for kind in kinds))
        for name, one in zip(names, counts, strict=True)
    )
    title, height = "Dialogues by domain", height_of(len(names))
    drawn = layout(title, height, barmode="stack", xaxis=axis("dialogues"), yaxis=rows_axis(names))
    return Plot("generated-domains", title, tuple(bars), drawn, ("domain", "dialogues", *kinds), rows)


def write(record: Record, target: Path) -> None:
    """All of it as one page that needs nothing else, each plot with its numbers as a table; whole or not at all."""
    made = list(of(record))
    parts = "".join(f"{plots.part_of_page(one.figure(), one.name)}{table(one)}" for one in made)
    head = "<!doctype html><html lang=en><meta charset=utf-8><title>What was made</title>"
    head += f"<style>{STYLE}</style><script>{plots.script()}</script>"
    part = target.with_name(f".{target.name}.part")
    part.write_text(f"{head}<body><p>{NOT_FOR_DIAGNOSIS}</p>{parts}</body></html>\n", encoding="utf-8")
    part.replace(target)


def table(plot: Plot) -> str:
    heads = "".join(f"<th scope=col>{escape(name)}</th>" for name in plot.columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>" for cells in plot.rows)
    return f"<p>{escape(plot.note)}</p><table><tr>{heads}</tr>{rows}</table>"
