"""Reader studies in the ratings' database: their cases, answers, readers and orders, and who has read what."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from medvlm.errors import StoreError, UserError
from medvlm.ratings import tables, wire
from medvlm.ratings.records import Candidate
from medvlm.ratings.store import RatingStore
from medvlm.studies.codes import Lock
from medvlm.studies.design import (
    LEADER,
    Design,
    Given,
    Role,
    Showing,
    Status,
    Study,
    StudyCase,
    checked_case,
    checked_reader,
    checked_study,
)

MOST_TRIES = 5


class StudyStore:
    """The studies of one database of ratings. Threads may share it, as they may share the `RatingStore` under it."""

    def __init__(self, ratings: RatingStore) -> None:
        self.ratings = ratings
        self._database = ratings.database

    def make(self, study: Study, lock: Lock) -> Study:
        """A new study whose leader signs in by `lock`. Raises `UserError` where there is one of this name."""
        kept = checked_study(study)
        row = {"name": kept.name, "status": kept.status, "record": _dumped(_study_record(kept))}
        with self._database.writing("take the study") as connection:
            if self._found(connection, kept.name) is not None:
                raise UserError(f"There is a study {kept.name!r} already. Choose another name.")
            connection.execute(tables.studies.insert(), row)
            self._add_person(connection, kept.name, LEADER, "leader", lock)
        return kept

    def all(self) -> list[Study]:
        """Every study, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(tables.studies.c.record, tables.studies.c.status)).all()
        return sorted((_study(*row) for row in rows), key=lambda one: one.created, reverse=True)

    def get(self, name: str) -> Study:
        """One study. Raises `UserError` for an unknown name."""
        with self._database.reading() as connection:
            return self._known(connection, name)

    def set_status(self, name: str, status: Status) -> Study:
        """Open or close a study; a closed one stays closed."""
        with self._database.writing("change the study") as connection:
            study = self._known(connection, name)
            if study.status == "closed" and status != "closed":
                raise UserError(f"The study {name!r} is closed, and its results may have been seen. Make a new one.")
            now = datetime.now(UTC) if status == "closed" and study.closed is None else study.closed
            study = replace(study, status=status, closed=now)
            values = {"status": status, "record": _dumped(_study_record(study))}
            connection.execute(update(tables.studies).where(tables.studies.c.name == name).values(values))
        return study

    def add_cases(self, name: str, cases: Iterable[StudyCase]) -> int:
        """Add cases, in order, to a study that is not open yet; how many were new."""
        with self._database.writing("take the cases") as connection:
            study = self._known(connection, name)
            if study.status != "draft":
                raise UserError(f"The study {name!r} is {study.status}; its cases stay as they are. Make a new one.")
            c = tables.study_cases.c
            there = set(connection.execute(select(c.id).where(c.study == name)).scalars())
            new = [checked_case(case) for case in cases if case.id not in there]
            if len({case.id for case in new}) < len(new):
                raise UserError("Two cases have the same id. Give each an id of its own.")
            rows = [
                {"study": name, "position": len(there) + place, "id": case.id, "record": _dumped(asdict(case))}
                for place, case in enumerate(new)
            ]
            if rows:
                connection.execute(tables.study_cases.insert(), rows)
        return len(new)

    def cases(self, name: str) -> list[StudyCase]:
        """All cases, in the order in which they were added."""
        c = tables.study_cases.c
        with self._database.reading() as connection:
            found = connection.execute(select(c.record).where(c.study == name).order_by(c.position)).scalars().all()
        return [StudyCase(**json.loads(record)) for record in found]

    def add_answers(self, name: str, answers: Sequence[Given]) -> int:
        """Keep answers for good; one that was there before stays as it is. How many were new."""
        c = tables.study_answers.c
        with self._database.writing("take the answers") as connection:
            self._known(connection, name)
            found = connection.execute(select(c.case_id, c.candidate).where(c.study == name)).all()
            there = {(row[0], row[1]) for row in found}
            new = {(one.case, one.candidate.id): one for one in answers if (one.case, one.candidate.id) not in there}
            self._meet(connection, [one.candidate for one in new.values()])
            rows = [
                {"study": name, "case_id": case, "candidate": who, "record": _dumped(_answer_record(one))}
                for (case, who), one in new.items()
            ]
            try:
                if rows:
                    connection.execute(tables.study_answers.insert(), rows)
            except IntegrityError as error:
                raise UserError(f"An answer is to no case of the study {name!r}. Add the cases first.") from error
        return len(new)

    def answers(self, name: str, case: str | None = None) -> list[Given]:
        """All answers of a study, or those to one case."""
        c = tables.study_answers.c
        query = select(c.case_id, c.candidate, c.record).where(c.study == name).order_by(c.case_id, c.candidate)
        with self._database.reading() as connection:
            rows = connection.execute(query if case is None else query.where(c.case_id == case)).all()
            known = self._candidates(connection)
        return [_given(row[0], known[row[1]], json.loads(row[2])) for row in rows]

    def answered(self, name: str) -> dict[str, list[str]]:
        """Case -> the candidates (ids) who have answered it, without the texts."""
        c = tables.study_answers.c
        found: dict[str, list[str]] = {}
        with self._database.reading() as connection:
            for case, who in connection.execute(select(c.case_id, c.candidate).where(c.study == name)):
                found.setdefault(case, []).append(who)
        return found

    def add_reader(self, name: str, reader: str, lock: Lock) -> None:
        """One more reader. Raises `UserError` where there is one of this pseudonym, or the study is closed."""
        with self._database.writing("take the reader") as connection:
            if self._known(connection, name).status == "closed":
                raise UserError(f"The study {name!r} is closed; nobody can join it.")
            self._add_person(connection, name, checked_reader(reader), "reader", lock)

    def set_lock(self, name: str, reader: str, lock: Lock) -> None:
        """Another code for somebody who has lost theirs; the old one opens nothing from then on."""
        c = tables.study_readers.c
        change = update(tables.study_readers).where(c.study == name, c.reader == reader)
        with self._database.writing("change the code") as connection:
            self._check_free(connection, lock)
            done = connection.execute(change.values(code_key=lock.key, code_secret=lock.secret))
        if done.rowcount == 0:
            raise UserError(f"The study {name!r} has no reader {reader!r}.")

    def readers(self, name: str) -> list[str]:
        """The pseudonyms of a study's readers."""
        c = tables.study_readers.c
        query = select(c.reader).where(c.study == name, c.role == "reader").order_by(c.reader)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def person(self, key: str) -> tuple[str, str, Role, Lock] | None:
        """Study, pseudonym, role and lock of whose code begins with `key`."""
        c = tables.study_readers.c
        query = select(c.study, c.reader, c.role, c.code_key, c.code_secret).where(c.code_key == key)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row[0], row[1], row[2], Lock(row[3], row[4]))

    def set_order(self, name: str, reader: str, showings: Sequence[Showing]) -> None:
        """What a reader gets, for good: an order that is there already stays."""
        c = tables.study_showings.c
        rows = [
            {"study": name, "reader": reader, "position": one.position, "record": _dumped(asdict(one))}
            for one in showings
        ]
        with self._database.writing("take the order") as connection:
            count = select(func.count()).select_from(tables.study_showings).where(c.study == name, c.reader == reader)
            if rows and not connection.execute(count).scalar_one():
                connection.execute(tables.study_showings.insert(), rows)

    def order(self, name: str, reader: str) -> list[Showing]:
        """What a reader gets, in order."""
        c = tables.study_showings.c
        query = select(c.record).where(c.study == name, c.reader == reader).order_by(c.position)
        with self._database.reading() as connection:
            return [Showing(**json.loads(record)) for record in connection.execute(query).scalars()]

    def orders(self, name: str) -> dict[str, list[Showing]]:
        """Reader -> what they get, for all readers of a study."""
        c = tables.study_showings.c
        query = select(c.reader, c.record).where(c.study == name).order_by(c.reader, c.position)
        found: dict[str, list[Showing]] = {}
        with self._database.reading() as connection:
            for reader, record in connection.execute(query):
                found.setdefault(reader, []).append(Showing(**json.loads(record)))
        return found

    def rated(self, name: str, reader: str | None = None) -> set[str]:
        """The ids of all ratings of a study, or of one of its readers."""
        r = tables.ratings.c
        query = select(r.id).where(r.study == name)
        with self._database.reading() as connection:
            return set(connection.execute(query if reader is None else query.where(r.reader == reader)).scalars())

    def hidden(self) -> set[str]:
        """The studies whose results nobody may see yet."""
        with self._database.reading() as connection:
            query = select(tables.studies.c.name).where(tables.studies.c.status != "closed")
            return set(connection.execute(query).scalars())

    def _add_person(self, connection: Connection, study: str, reader: str, role: Role, lock: Lock) -> None:
        c = tables.study_readers.c
        if connection.execute(select(c.role).where(c.study == study, c.reader == reader)).first() is not None:
            raise UserError(f"The study {study!r} has a reader {reader!r} already. Choose another pseudonym.")
        self._check_free(connection, lock)
        row = {"study": study, "reader": reader, "role": role, "code_key": lock.key, "code_secret": lock.secret}
        connection.execute(tables.study_readers.insert(), row)

    def _check_free(self, connection: Connection, lock: Lock) -> None:
        c = tables.study_readers.c
        if connection.execute(select(c.role).where(c.code_key == lock.key)).first() is not None:
            raise CodeTaken

    def _meet(self, connection: Connection, candidates: Iterable[Candidate]) -> None:
        there = self._candidates(connection).keys()
        rows = {one.id: tables.candidate_row(one) for one in candidates if one.id not in there}
        if rows:
            connection.execute(tables.candidates.insert(), list(rows.values()))

    def _candidates(self, connection: Connection) -> dict[str, Candidate]:
        rows = connection.execute(select(tables.candidates)).mappings()
        return {row["id"]: tables.candidate_of(dict(row)) for row in rows}

    def _known(self, connection: Connection, name: str) -> Study:
        found = self._found(connection, name)
        if found is None:
            c = tables.studies.c
            others = ", ".join(connection.execute(select(c.name).order_by(c.name)).scalars()) or "none yet"
            raise UserError(f"There is no study {name!r} in {self._database.place}; there are: {others}.")
        return found

    def _found(self, connection: Connection, name: str) -> Study | None:
        c = tables.studies.c
        row = connection.execute(select(c.record, c.status).where(c.name == name)).first()
        return None if row is None else _study(row[0], row[1])


class CodeTaken(StoreError):
    """Two codes began alike; another one is to be drawn."""

    def __init__(self) -> None:
        super().__init__("Two sign-in codes began alike. Draw another one.")


def with_code(draw: Callable[[], tuple[str, Lock]], keep: Callable[[Lock], object]) -> str:
    """Draw a code, keep its lock, and draw again where another person's begins alike; the code."""
    for _ in range(MOST_TRIES):
        code, lock = draw()
        try:
            keep(lock)
        except CodeTaken:
            continue
        return code
    raise StoreError("No free sign-in code was found. Try again.")


def _study_record(study: Study) -> dict[str, Any]:
    closed = None if study.closed is None else wire.stamp(study.closed)
    return {**asdict(study), "created": wire.stamp(study.created), "closed": closed}


def _study(record: str, status: Status) -> Study:
    said = json.loads(record)
    closed = None if said["closed"] is None else wire.when(said["closed"])
    given = {"design": Design(**said["design"]), "created": wire.when(said["created"]), "closed": closed}
    return Study(**{**said, **given, "status": status})


def _answer_record(given: Given) -> dict[str, Any]:
    return {"text": given.text, "decoding": given.decoding and asdict(given.decoding)}


def _given(case: str, candidate: Candidate, record: Mapping[str, Any]) -> Given:
    return Given(case, candidate, record["text"], wire.decoding_from(record["decoding"]))


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
