"""The ratings, kept for good: rows are only ever added, and what `add` has acknowledged is on the disk."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Select, exists, func, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement

from medvlm.errors import StoreError, UserError
from medvlm.ratings import tables, wire
from medvlm.ratings.database import PATIENCE, Database, default_url
from medvlm.ratings.records import EVERYTHING, Candidate, Filter, Rating, Review, Tagged, checked
from medvlm.ratings.votes import Votes

PAGE = 200  # rows that are read, or written, in one transaction


def _statements(insert: Any) -> tuple[Any, Any]:
    """What adds a candidate and a rating, unless they are there. Made once: making one costs more than running it."""
    rating = insert(tables.ratings).on_conflict_do_nothing().returning(tables.ratings.c.sequence)
    return insert(tables.candidates).on_conflict_do_nothing(), rating


_INSERTS = {"sqlite": _statements(sqlite.insert), "postgresql": _statements(postgresql.insert)}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What stands in the database now. `new` is False where a row of this id was there before: then it is that one."""

    rating: Rating
    new: bool


class RatingStore:
    """All ratings of one database. Threads may share it; several processes may use one database at once."""

    def __init__(self, url: str | Path | None = None, patience: float = PATIENCE) -> None:
        """`url`: a file, a PostgreSQL URL, or None for `MEDVLM_RATINGS` or the data home. Raises `StoreError`."""
        self.database = Database(default_url() if url is None else url, patience)
        self._met: frozenset[str] = frozenset()  # ids of candidates that are surely there

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def add(self, rating: Rating) -> Receipt:
        """Keep one rating; when this returns, it is on the disk, whole.

        The same id again changes nothing: the first one stays, and is what the receipt holds. Raises `UserError` for
        a rating that cannot be kept, `StoreError` where the database fails: then submit the same rating again.
        """
        kept = wire.storable(checked(rating))
        with self.database.writing() as connection:
            self._meet(connection, [kept])
            receipt = self._add(connection, kept)
        self._met |= {answer.candidate.id for answer in kept.answers}
        return receipt

    def add_all(self, ratings: Iterable[Rating]) -> int:
        """Keep many, in few transactions, for imports; how many were new. A correction comes after its original."""
        new, rest = 0, iter(ratings)
        while page := [wire.storable(checked(rating)) for rating in islice(rest, PAGE)]:
            with self.database.writing("take the ratings") as connection:
                self._meet(connection, page)
                new += sum(self._add(connection, rating).new for rating in page)
            self._met |= {answer.candidate.id for rating in page for answer in rating.answers}
        return new

    def get(self, rating_id: str) -> Rating | None:
        """One rating, or None."""
        with self.database.reading() as connection:
            return self._get(connection, rating_id)

    def history(self, rating_id: str) -> tuple[Rating, ...]:
        """A rating, what it corrects and what corrected it, the oldest first; none for an unknown id."""
        with self.database.reading() as connection:
            found = self._get(connection, rating_id)
            chain = [] if found is None else [found]
            while chain and chain[0].corrects is not None:
                chain = [*_there(self._get(connection, chain[0].corrects)), *chain]
            while chain and (later := self._one(connection, tables.ratings.c.corrects == chain[-1].id)):
                chain.append(later)
        return tuple(chain)

    def ratings(self, chosen: Filter = EVERYTHING) -> Iterator[Rating]:
        """Whole ratings in the order in which they came, as of the first one's moment; no connection is held on to."""
        last, upto = 0, self.newest()
        while page := self._page(chosen, last, upto):
            last = page[-1][0]
            yield from (rating for _, rating in page)

    def votes(self, chosen: Filter = EVERYTHING) -> Votes:
        """Ratings of pairs without their texts, in the order in which they came."""
        query = select(*tables.VOTE_COLUMNS).where(_fits(chosen), tables.ratings.c.form == "pair")
        with self.database.reading() as connection:
            # The driver's own rows: dressing up a hundred thousand of them costs as much as reading them.
            return Votes.of(connection.execute(query.order_by(tables.ratings.c.sequence)).cursor.fetchall())

    def texts(self, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The left and the right answer of ratings of pairs, by id."""
        r = tables.ratings.c
        query = select(r.id, r.left_answer, r.right_answer).where(r.id.in_(ids), r.form == "pair")
        with self.database.reading() as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute(query)}

    def reviews(self, chosen: Filter = EVERYTHING) -> list[Review]:
        """Ratings of one answer without its text, in the order in which they came."""
        query = select(*tables.REVIEW_COLUMNS).where(_fits(chosen), tables.ratings.c.form == "single")
        with self.database.reading() as connection:
            return [Review(*row) for row in connection.execute(query.order_by(tables.ratings.c.sequence))]

    def error_tags(self, study: str) -> list[Tagged]:
        """Every error that a reader marked in a study's ratings, corrected ones among them."""
        r, e = tables.ratings.c, tables.errors.c
        # Looked up rating by rating: a join would read every rating to find the few that have a mark.
        within = exists(select(r.id).where(r.id == e.rating, r.study == study))
        query = select(e.rating, e.side, e.kind, e.harm).where(within).order_by(e.rating, e.position)
        with self.database.reading() as connection:
            return [Tagged(*row) for row in connection.execute(query).cursor.fetchall()]

    def candidates(self) -> dict[str, Candidate]:
        """Everyone who was ever rated, by id."""
        with self.database.reading() as connection:
            return _candidates(connection)

    def studies(self) -> dict[str, int]:
        """Study -> how many rows it has; "" stands for votes outside of any."""
        query = select(tables.ratings.c.study, func.count()).group_by(tables.ratings.c.study)
        with self.database.reading() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query)}

    def count(self, chosen: Filter = EVERYTHING) -> int:
        with self.database.reading() as connection:
            return connection.execute(
                select(func.count()).select_from(tables.ratings).where(_fits(chosen))
            ).scalar_one()

    def _meet(self, connection: Connection, ratings: Iterable[Rating]) -> None:
        """Write down the candidates that this store has not seen yet."""
        add_candidate, _ = _INSERTS[connection.dialect.name]
        strangers = {a.candidate.id: a.candidate for r in ratings for a in r.answers if a.candidate.id not in self._met}
        # In one order for everybody: two writers that wait for each other's candidate would wait for ever.
        for _, candidate in sorted(strangers.items()):
            connection.execute(add_candidate, tables.candidate_row(candidate))

    def _add(self, connection: Connection, rating: Rating) -> Receipt:
        if rating.corrects is not None:
            self._check_correction(connection, rating)
        _, add_rating = _INSERTS[connection.dialect.name]
        if connection.execute(add_rating, tables.rating_row(rating)).first() is None:
            return self._already(connection, rating)
        if rows := tables.error_rows(rating):
            connection.execute(tables.errors.insert(), rows)
        return Receipt(rating, new=True)

    def _check_correction(self, connection: Connection, rating: Rating) -> None:
        old = self._get(connection, rating.corrects or "")
        if old is None:
            raise UserError(
                f"The rating {rating.corrects!r} is not here, so it cannot be corrected. Rate the case anew."
            )
        same = (old.reader, old.case.id, old.study, old.form) == (
            rating.reader, rating.case.id, rating.study, rating.form,
        )  # fmt: skip
        if not same:
            raise UserError(
                f"The rating {old.id!r} is of reader {old.reader!r}, case {old.case.id!r}, study {old.study!r}: "
                "only a rating of the same reader, case, study and form can correct it."
            )

    def _already(self, connection: Connection, rating: Rating) -> Receipt:
        """The row that stands in the way: of the same id, or another correction of the same row."""
        there = self._get(connection, rating.id)
        if there is None:
            raise UserError(
                f"The rating {rating.corrects!r} has been corrected already. Load the case again and correct that one."
            )
        if (there.reader, there.case.id, there.study) != (rating.reader, rating.case.id, rating.study):
            raise UserError(
                f"The id {rating.id!r} belongs to another reader's or another case's rating. Load the case again."
            )
        return Receipt(there, new=False)

    def _get(self, connection: Connection, rating_id: str) -> Rating | None:
        return self._one(connection, tables.ratings.c.id == rating_id)

    def _one(self, connection: Connection, condition: ColumnElement[bool]) -> Rating | None:
        found = _read(connection, select(tables.ratings).where(condition))
        return found[0][1] if found else None

    def newest(self) -> int:
        """The number of the row that came last; it grows with every rating."""
        with self.database.reading() as connection:
            return int(connection.execute(select(func.coalesce(func.max(tables.ratings.c.sequence), 0))).scalar_one())

    def _page(self, chosen: Filter, after: int, upto: int) -> list[tuple[int, Rating]]:
        number = tables.ratings.c.sequence
        query = select(tables.ratings).where(_fits(chosen), number > after, number <= upto)
        with self.database.reading() as connection:
            return _read(connection, query.order_by(number).limit(PAGE))


def _read(connection: Connection, query: Select[Any]) -> list[tuple[int, Rating]]:
    """Rows as ratings with their sequence numbers, in three questions to the database however many there are."""
    rows = connection.execute(query).mappings().all()
    ids = [row["id"] for row in rows]
    tags: dict[str, list[tables.Row]] = {}
    marked = select(tables.errors).where(tables.errors.c.rating.in_(ids)).order_by(tables.errors.c.position)
    for tag in connection.execute(marked).mappings():
        tags.setdefault(tag["rating"], []).append(dict(tag))
    known = _candidates(connection)
    return [(row["sequence"], tables.rating_of(dict(row), tags.get(row["id"], []), known)) for row in rows]


def _candidates(connection: Connection) -> dict[str, Candidate]:
    return {
        row["id"]: tables.candidate_of(dict(row)) for row in connection.execute(select(tables.candidates)).mappings()
    }


def _fits(chosen: Filter) -> ColumnElement[bool]:
    """The condition on `ratings` that a filter stands for."""
    r = tables.ratings.c
    wanted = {
        r.study: chosen.study,
        r.reader: chosen.reader,
        r.case_id: chosen.case,
        r.form: chosen.form,
        r.blinded: chosen.blinded,
        r.training: chosen.training,
    }
    condition: ColumnElement[bool] = true()
    for column, value in wanted.items():
        if value is not None:
            condition = condition & (column == value)
    if chosen.current:
        later = tables.ratings.alias("later")
        condition = condition & ~exists(select(later.c.id).where(later.c.corrects == r.id))
    return condition


def _there(rating: Rating | None) -> tuple[Rating, ...]:
    if rating is None:
        raise StoreError("A corrected rating is gone. Put the last backup in its place, and run the check.")
    return (rating,)
