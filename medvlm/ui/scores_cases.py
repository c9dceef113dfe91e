"""The table of cases with its own filters, what one opened case shows, and which items change between metrics."""

import base64
from collections.abc import Sequence
from html import escape

from medvlm.metrics.flips import Comparison
from medvlm.scoreboard.board import Board, kind_words, title
from medvlm.scoreboard.case_list import COUNTED, PAGE, Line, Opened, Page, Verdict
from medvlm.scoreboard.case_picture import picture
from medvlm.scoreboard.case_verdicts import Reply, replies
from medvlm.scoreboard.query import Query
from medvlm.scoreboard.sentences import side_name
from medvlm.scoreboard.sides import Compared, Side
from medvlm.scores import Prediction
from medvlm.types import DOMAIN_NAMES
from medvlm.ui.markup import button
from medvlm.ui.scores_parts import cell, row_head, scroll_table

NAMES = {
    "all": "All cases",
    "differ": "The two differ",
    "first wrong": "First not right",
    "second wrong": "Second not right",
    "unscored": "Unscored",
}
MOST_FLIPS = 40
# Metrics by which 0 is wrong and 1 is right; a judge's 1 is the worst of ten, and no error is none to be marked.
GRADED = COUNTED | {"truth", "truth_precision", "truth_recall", "truth_side", "truth_place", "truth_count"}


def cases(found: Compared, shown: Page, asked: Query) -> str:
    """A page of cases; each row opens its case."""
    names = _names(found)
    heads = ["Question", "Domain", "Type", "Reference", *names]
    graded = found.selection.metric in GRADED
    rows = [_row(line, names, graded) for line in shown.lines]
    nothing = [f'<td colspan="{len(heads)}" class="quiet">No case passes these filters.</td>']
    bar = f'<div class="sc-bar"><h3>Cases</h3>{_chips(asked)}{_filters(asked)}</div>'
    table = scroll_table(heads, rows or nothing, "sc-table")
    return f'<section class="sc-cases" aria-label="Cases">{bar}{table}{_pages(shown)}</section>'


def _names(found: Compared) -> list[str]:
    chosen = found.selection
    names = []
    if found.other is not None and chosen.second is not None:
        names.append(side_name(found.other, chosen.second))
    return [*names, side_name(found.one, chosen.first)]


def _filters(asked: Query) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == asked.which else ""}>{text}</option>'
        for value, text in NAMES.items()
    )
    return (
        '<label class="sc-field"><span class="sr">Which cases</span>'
        f'<select name="which" id="sc-which">{options}</select></label>'
        '<label class="sc-field"><span class="sr">Words in question or answers</span><input type="search" '
        f'name="words" id="sc-words" placeholder="Words in question or answers" value="{escape(asked.words)}"></label>'
    )


def _chips(asked: Query) -> str:
    made = []
    for field, value in (("at_domain", asked.at_domain), ("at_kind", asked.at_kind)):
        if value:
            name = next((text for known, text in DOMAIN_NAMES.items() if known == value), kind_words(value))
            hint = "Show the cases of all groups again"
            made.append(button("mark", f"{name}: show all", kind="sc-chip", hint=hint, field=field, value=""))
    return "".join(made)


def _row(line: Line, names: Sequence[str], graded: bool) -> str:
    case = line.case
    cells = [f"<td>{escape(text)}</td>" for text in (DOMAIN_NAMES[case.domain], kind_words(case.kind))]
    told = [escape(case.reference)]
    order = (1, 0) if len(names) > 1 else (0,)
    told += [f"{_mark(line.scores[n], graded)}{escape(line.texts[n] or '')}" for n in order]
    cells += [f'<td data-is="{escape(name)}">{one}</td>' for name, one in zip(("Reference", *names), told, strict=True)]
    opener = button("case", case.question, kind="sc-open", place=line.place)
    return f'<th scope="row">{opener}</th>' + "".join(cells)


def _mark(value: float | None, graded: bool = True) -> str:
    """Right, wrong or between, in numbers as well as in colour; without colour where 1 is not the best there is."""
    if value is None:
        return '<span class="sc-mark none" title="not scored">n/s</span>'
    kind = "part" if not graded else "good" if value == 1 else "bad" if value == 0 else "part"
    return f'<span class="sc-mark {kind}">{_value(value)}</span>'


def _value(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _pages(shown: Page) -> str:
    if not shown.total:
        return ""
    last = shown.start + len(shown.lines)
    before = button("page", "Previous", start=max(0, shown.start - PAGE)) if shown.start else ""
    after = button("page", "Next", start=last) if last < shown.total else ""
    said = f'<span role="status">{shown.start + 1} to {last} of {shown.total}</span>'
    return f'<div class="sc-pages">{said}{before}{after}</div>'


def case(found: Compared, one: Opened) -> str:
    """Everything of one case: its picture, the question, the reference, and for each side answer and verdicts."""
    asked = one.case
    boards = (found.one, found.other)
    sides = "".join(_side(boards[n], *side) for n, side in reversed(list(enumerate(one.sides))))
    facts = " · ".join(
        (DOMAIN_NAMES[asked.domain], kind_words(asked.kind), "closed" if asked.closed else "open", asked.sample_id)
    )
    choices = f'<p class="sc-small">Choices: {escape(", ".join(asked.choices))}</p>' if asked.choices else ""
    return (
        f'<div class="sc-case"><div class="sc-picture">{_picture(asked.image)}</div><div class="sc-said">'
        f'<h3 id="sc-case-title">{escape(asked.question)}</h3><p class="sc-small">{escape(facts)}</p>{choices}'
        f"<p><b>Reference:</b> {escape(asked.reference)}</p>{sides}</div></div>"
    )


def _picture(name: str | None) -> str:
    if name is None:
        return '<p class="sc-small">Asked without a picture.</p>'
    data = picture(name)
    if data is None:
        return f'<p class="sc-small">The picture {escape(name)} is not on this machine.</p>'
    source = base64.b64encode(data).decode()
    drawn = "drawn, not recorded" if "phantom:" in name else name
    image = f'<img src="data:image/png;base64,{source}" alt="The picture of this case">'
    return f'{image}<p class="sc-small">{escape(drawn)}</p>'


def _side(board: Board | None, side: Side, answer: Prediction | None, verdicts: Sequence[Verdict]) -> str:
    name = side.run if board is None else side_name(board, side)
    rows = [
        row_head(title(v.metric)) + cell("n/s" if v.value is None else _value(v.value)) + cell(v.reason)
        for v in verdicts
    ]
    raw = "".join(_reply(one) for one in replies(board.folder, answer.sample_id, side.arm)) if board and answer else ""
    said = escape(answer.text) if answer and answer.text else '<span class="quiet">no answer</span>'
    table = f"<details><summary>Verdicts ({len(rows)})</summary>{scroll_table((), rows)}</details>" if rows else ""
    return (
        f'<section data-tone="{side.arm}"><h4>{escape(name)}</h4><p class="sc-answer">{said}</p>{table}{raw}</section>'
    )


def _reply(one: Reply) -> str:
    """A judge's own words, as they came."""
    texts = "".join(f"<pre>{escape(text)}</pre>" for text in one.replies)
    return f"<details><summary>Judge {escape(one.judge)}, {escape(one.how)}</summary>{texts}</details>"


def flips(found: Compared, comparisons: Sequence[Comparison]) -> str:
    """The selected metric against every other that is for the same questions: what changes, and by how much."""
    if not comparisons:
        return ""
    side = escape(side_name(found.one, found.selection.first))
    heads = ("counted instead as", "n", "score moves", "up", "down", "unscored")
    table = scroll_table(heads, [_flip_row(one) for one in comparisons])
    lists = "".join(_flip_items(one) for one in comparisons if one.flips)
    return (
        f'<details class="sc-flips" data-key="flips"><summary>Flips: answers of {side} that another way of counting '
        f'scores otherwise</summary><p class="sc-note">Against {escape(title(found.selection.metric))}.</p>'
        f"{table}{lists}</details>"
    )


def _flip_row(one: Comparison) -> str:
    counted = one.counted()
    effect = "" if one.effect is None else f"{100 * one.effect:+.1f} points"
    cells = (one.n, effect, counted["up"], counted["down"], f"{counted['unscored'] - counted['scored']:+d}")
    return row_head(title(one.second)) + "".join(cell(value) for value in cells)


def _flip_items(one: Comparison) -> str:
    rows = [
        cell(flip.answer) + cell(flip.reference) + f"<td>{_mark(flip.first)}</td><td>{_mark(flip.second)}</td>"
        for flip in one.flips[:MOST_FLIPS]
    ]
    more = f", {MOST_FLIPS} shown" if len(one.flips) > MOST_FLIPS else ""
    said = f"<summary>{escape(title(one.second))}: {len(one.flips)} flips{more}</summary>"
    table = scroll_table(("answer", "reference", "now", "then"), rows)
    return f'<details data-key="flips-{escape(one.second)}">{said}{table}</details>'
