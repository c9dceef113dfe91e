"""How far a study is: who has read how much, and which cases have how many readers."""

from collections import Counter
from dataclasses import dataclass

from medvlm.ratings.studies import StudyStore
from medvlm.studies.design import Study, rating_id


@dataclass(frozen=True, slots=True)
class Count:
    """So many of so many."""

    done: int
    total: int

    @property
    def whole(self) -> bool:
        return self.done >= self.total


@dataclass(frozen=True, slots=True)
class Progress:
    """One study as its leader sees it. `readers`: showings read, by pseudonym, training and repeats included.

    `cases`: cases (without training) that have as many readers as they shall; `answers`: cases with two answers or
    more; `ratings`: rows in all.
    """

    study: Study
    readers: dict[str, Count]
    cases: Count
    answers: Count
    training: int
    ratings: int

    @property
    def whole(self) -> Count:
        """Showings read, of all readers."""
        counts = self.readers.values()
        return Count(sum(one.done for one in counts), sum(one.total for one in counts))


def progress(store: StudyStore, name: str) -> Progress:
    """How far the study is now. Raises `UserError` for an unknown one."""
    study, orders, cases = store.get(name), store.orders(name), store.cases(name)
    there, answered = store.rated(name), store.answered(name)
    read: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    readers = {reader: Count(0, 0) for reader in store.readers(name)}
    for reader, showings in orders.items():
        done = [one for one in showings if rating_id(name, reader, one.position) in there]
        readers[reader] = Count(len(done), len(showings))
        read.update(one.case for one in done if not one.repeat and not one.training)
        wanted.update(one.case for one in showings if not one.repeat and not one.training)
    counted = [case.id for case in cases if not case.training]
    target = study.design.readers_per_case
    finished = sum(0 < min(wanted[case], target or wanted[case]) <= read[case] for case in counted)
    return Progress(
        study,
        readers,
        Count(finished, len(counted)),
        Count(sum(len(answered.get(case.id, ())) > 1 for case in cases), len(cases)),
        len(cases) - len(counted),
        len(there),
    )
