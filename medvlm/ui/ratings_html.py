"""The Ratings tab's pieces as HTML: what may be chosen, the figures in words, tables, cases and one case whole."""

from collections.abc import Mapping, Sequence
from html import escape

from medvlm.outcomes.results import MOST_CASES, CaseRow, Form, Order, Shelf
from medvlm.outcomes.reviews import JUDGED
from medvlm.outcomes.tally import Duel, Tally
from medvlm.plots.layout import Cell, Plot
from medvlm.plots.ratings import words
from medvlm.ratings.records import Case, Correctness, RatedAnswer, Rating
from medvlm.statistics import Figure
from medvlm.types import DOMAIN_NAMES
from medvlm.ui.markup import button
from medvlm.ui.vote import ERROR_WORDS, HARM_WORDS

EMPTY = (
    '<section class="rt-card"><h3>No ratings yet</h3><p>Ask a question in the Compare tab and say which answer is '
    "better, or set up a reader study: <code>python -m medvlm study new NAME</code>.</p></section>"
)
NOT_KEPT = '<p class="rt-note">The picture is not kept with the ratings, its hash alone.</p>'
HIDDEN = '<p class="rt-note">Results of studies that are still open are not shown.</p>'
FORM_WORDS: dict[Form, tuple[str, str]] = {
    "csv": ("CSV", "A table with its data dictionary"),
    "jsonl": ("JSONL", "Everything, as the import takes it back"),
    "mrmc": ("MRMC", "Reader, case, treatment, score, for multi-reader multi-case programs"),
    "preferences": ("Preference pairs", "For preference training, in TRL's format, pictures by hash"),
    "hard": ("Hard cases", "Both unacceptable, or severe harm, as a data set"),
}
ORDER_WORDS: dict[Order, str] = {
    "hard": "Hardest first",
    "disputed": "Most disputed first",
    "won": "Won most clearly first",
    "lost": "Lost most clearly first",
}


def choices(shelves: Sequence[Shelf], study: str, duels: Sequence[Duel], number: int) -> str:
    """Whose ratings, and which two candidates."""
    whose = _select("study", "Ratings", [(one.study, f"{one.words} ({one.ratings:,})") for one in shelves], study)
    pairs = [(str(n), f"{' against '.join(duel.names)} ({duel.votes:,})") for n, duel in enumerate(duels)]
    pair = _select("duel", "Candidates", pairs, str(number)) if pairs else ""
    note = next((one.note for one in shelves if one.study == study), "")
    caution = f'<p class="rt-caution">{escape(note)}</p>' if note else ""
    return f'<h2 class="sr">Results</h2><div class="rt-choices">{whose}{pair}</div>{caution}'


def exports() -> str:
    """What can be taken along."""
    buttons = "".join(
        button("export", name, "export", kind="soft-button", hint=hint, form=form)
        for form, (name, hint) in FORM_WORDS.items()
    )
    return (
        '<section class="rt-card" aria-label="Take along"><h3>Take along</h3>'
        f'<div class="rt-acts">{buttons}</div></section>'
    )


def figures(found: Tally) -> str:
    """The main figures in words."""
    name, summary = found.duel.names[0], found.summary
    test = summary.sign_test
    made = [
        _card(f"Net win rate of {name}, points", summary.net, 100),
        _plain("Votes", f"{found.votes:,}", f"{_many(summary.cases, 'case')}, {_many(summary.readers, 'reader')}"),
        _plain("Sign test over cases", f"p = {test.value:.3g}" if test.value is not None else test.reason,
               f"{test.clusters:,} decided cases", test.value is None),
        _card("Readers agree, alpha (ordinal)", found.agreement.alpha_ordinal, 1),
        _card("Votes for the longer answer, %", found.longer_wins, 100),
        _card("Told apart by style alone, %", found.style.told_apart, 100),
    ]  # fmt: skip
    if summary.more:
        made.append(
            _plain("Until the interval excludes zero", f"about {summary.more:,}", "more ratings at this effect")
        )
    left = ", ".join(f"{count:,} {kind}" for kind, count in found.left_out.items())
    note = f'<p class="rt-note">Not counted: {escape(left)}.</p>' if left else ""
    return f'<div class="rt-figures" role="group" aria-label="Figures">{"".join(made)}</div>{note}'


def errors_table(found: Tally) -> str:
    """How many errors of each kind and harm were marked in whose answers."""
    if not found.error_counts:
        return ""
    names = {found.duel.first.id: found.duel.names[0], found.duel.second.id: found.duel.names[1]}
    rows = sorted(found.error_counts.items(), key=lambda item: (-item[1], item[0]))
    made: list[tuple[Cell, ...]] = [
        (ERROR_WORDS[kind], HARM_WORDS[harm], names.get(who, who), count)  # type: ignore[index]
        for (who, kind, harm), count in rows
    ]
    return (
        '<section class="rt-card" aria-label="Marked errors"><h3>Marked errors</h3>'
        f"{table(('Error', 'Harm', 'Answer of', 'Marks'), made)}</section>"
    )


def reviewed(found: Mapping[str, Mapping[Correctness, Figure]]) -> str:
    """Answers that were judged alone, by who gave them."""
    if not found:
        return ""
    rows: list[tuple[Cell, ...]] = [
        (name, *(words(shares[kind], 100) for kind in JUDGED)) for name, shares in found.items()
    ]
    return (
        '<section class="rt-card" aria-label="Answers judged alone"><h3>Answers judged alone, per cent</h3>'
        f"{table(('Candidate', 'Right', 'Partly', 'Wrong'), rows)}</section>"
    )


def numbers(plot: Plot | None) -> str:
    """A plot's numbers, for those who cannot see it."""
    if plot is None:
        return ""
    note = f'<p class="rt-note">{escape(plot.note)}</p>' if plot.note else ""
    return f"{note}<details><summary>Numbers: {escape(plot.title)}</summary>{table(plot.columns, plot.rows)}</details>"


def cases(rows: Sequence[CaseRow], duel: Duel, order: Order) -> str:
    """The cases of a duel, each a button that opens it."""
    shown = rows[:MOST_CASES]
    body = "".join(_case_row(row) for row in shown)
    more = f'<p class="rt-note">{len(rows) - len(shown):,} more are not shown.</p>' if len(rows) > len(shown) else ""
    heads = ("Case", "Domain", f"{duel.names[0]} better", "Tie", "Neither", f"{duel.names[1]} better", "Severe")
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    chosen = _select("order", "Order", list(ORDER_WORDS.items()), order)
    return (
        f'<section class="rt-card" aria-label="Cases"><div class="rt-choices"><h3>Cases ({len(rows):,})</h3>{chosen}'
        f'</div><div class="rt-scroll" tabindex="0" role="group" aria-label="Cases, a table"><table><thead><tr>{head}'
        f"</tr></thead><tbody>{body}</tbody></table></div>{more}</section>"
    )


def case(ratings: Sequence[Rating], names: Mapping[str, str], picture: str = "") -> str:
    """One case with everything that was said of it. `picture`: a data URL, where there is one."""
    if not ratings:
        return ""
    asked = ratings[0].case
    shown = f'<figure><img src="{picture}" alt="The picture of this case"></figure>' if picture else NOT_KEPT
    answers = "".join(_answer(one, names) for one in _answers(ratings))
    reference = f"<p><b>Reference</b> {escape(asked.reference)}</p>" if asked.reference else ""
    votes: list[tuple[Cell, ...]] = [_vote(rating, names) for rating in ratings]
    heads = ("Reader", "Verdict", "Sure", "Seconds", "Shown", "Errors", "Comment")
    acts = button("bundle", "Case bundle", "export", kind="soft-button", hint="Case, answers and ratings in one zip")
    acts += button("leave-case", "Back to the list", kind="soft-button")
    return (
        f'<section class="rt-card rt-case" aria-label="Case"><h3 class="rt-focus" tabindex="-1">{escape(asked.id)}</h3>'
        f'<p class="rt-note">{escape(_facts(asked))}</p>{shown}'
        f"<p><b>Question</b> {escape(asked.question)}</p>{reference}"
        f'<div class="rt-answers">{answers}</div>{table(heads, votes)}<div class="rt-acts">{acts}</div></section>'
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table that scrolls inside itself."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(f'<tr><th scope="row">{escape(str(row[0]))}</th>{"".join(map(_cell, row[1:]))}</tr>' for row in rows)
    return (
        '<div class="rt-scroll" tabindex="0" role="group" aria-label="Table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: Cell) -> str:
    if isinstance(value, int | float):
        return f'<td class="number">{value:g}</td>'
    return f"<td>{escape(value or '')}</td>"


def _select(name: str, label: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
    made = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in options
    )
    return f'<label><span>{escape(label)}</span><select data-act="{name}" name="{name}">{made}</select></label>'


def _card(name: str, figure: Figure, factor: float) -> str:
    if figure.value is None:
        return _plain(name, figure.reason, f"{figure.n:,} ratings", True)
    said, _, rest = words(figure, factor).partition(" ")
    return _plain(name, said, f"{rest}{f'; {figure.note}' if figure.note else ''}")


def _plain(name: str, value: str, small: str, few: bool = False) -> str:
    kind = " few" if few else ""
    return (
        f'<article class="rt-card{kind}"><small>{escape(name)}</small><b>{escape(value)}</b>'
        f"<small>{escape(small)}</small></article>"
    )


def _case_row(row: CaseRow) -> str:
    counts = "".join(f'<td class="number">{row.counts[one]}</td>' for one in ("win", "tie", "neither", "loss"))
    opened = button("case", row.case, case=row.case)
    return f'<tr><td>{opened}</td><td>{DOMAIN_NAMES[row.domain]}</td>{counts}<td class="number">{row.severe}</td></tr>'


def _facts(case: Case) -> str:
    window = case.window
    parts = [
        DOMAIN_NAMES[case.domain],
        case.question_type,
        f"SHA-256 {case.scans[0][:16]}" if case.scans else "",
        f"window {window.width:g}/{window.level:g}" if window is not None else "",
    ]
    return " · ".join(part for part in parts if part)


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _answers(ratings: Sequence[Rating]) -> list[RatedAnswer]:
    """Each answer once, however many readers judged it."""
    found = {(one.candidate.id, one.text): one for rating in ratings for one in rating.answers}
    return [found[key] for key in sorted(found)]


def _answer(answer: RatedAnswer, names: Mapping[str, str]) -> str:
    name = names.get(answer.candidate.id, answer.candidate.name)
    return f'<article data-arm="{answer.candidate.arm or ""}"><b>{escape(name)}</b>\n{escape(answer.text)}</article>'


def _vote(rating: Rating, names: Mapping[str, str]) -> tuple[Cell, ...]:
    kinds = [word for word, is_so in (("practice", rating.training), ("again", rating.repeat > 0),
                                      ("named", not rating.blinded)) if is_so]  # fmt: skip
    return (
        rating.reader,
        _verdict(rating, names),
        "" if rating.sureness is None else str(rating.sureness),
        "" if rating.seconds is None else f"{rating.seconds:.0f}",
        ", ".join(kinds) or "blinded",
        "; ".join(_marked(answer, names) for answer in rating.answers if answer.errors),
        rating.comment,
    )


def _verdict(rating: Rating, names: Mapping[str, str]) -> str:
    if rating.right is None:
        return str(rating.left.correctness).replace("_", " ")
    winner = {"left": rating.left, "right": rating.right}.get(rating.verdict or "")
    if winner is None:
        return "tie" if rating.verdict == "tie" else "both unacceptable"
    return f"{names.get(winner.candidate.id, winner.candidate.name)} better"


def _marked(answer: RatedAnswer, names: Mapping[str, str]) -> str:
    said = [
        f"{ERROR_WORDS[one.kind].lower()}, {HARM_WORDS[one.harm].lower()}"
        + (f' "{answer.text[one.start : one.stop]}"' if one.start is not None else "")
        for one in answer.errors
    ]
    return f"{names.get(answer.candidate.id, answer.candidate.name)}: {', '.join(said)}"
