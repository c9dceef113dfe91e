"""What of the ratings may be looked at, by whom, and as what: figures, cases, and files to take along."""

import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Literal, cast, get_args

import numpy as np

from medvlm.errors import UserError
from medvlm.outcomes import preferences
from medvlm.outcomes.tally import Ballots, Duel, Tally, ballots, tally
from medvlm.outcomes.verdicts import OUTCOMES, Outcome, between, outcomes
from medvlm.page.viewing import Look
from medvlm.privacy import Gate
from medvlm.ratings import exports
from medvlm.ratings.bundles import pack
from medvlm.ratings.records import Case, Filter, Rating, Tagged
from medvlm.ratings.store import RatingStore
from medvlm.ratings.studies import StudyStore
from medvlm.ratings.votes import Votes
from medvlm.studies.pictures import Pictures, first_look
from medvlm.studies.reading import Pass, picture_of
from medvlm.types import Domain

Form = Literal["jsonl", "csv", "mrmc", "preferences", "hard"]
FORMS: tuple[Form, ...] = get_args(Form)
Order = Literal["hard", "disputed", "won", "lost"]
# More rows than this are not sent through a page; the command line writes them.
MOST_ROWS = 5_000
MOST_CASES = 100
INTERIM = "The study is still open. Whoever stops reading when the figures please finds intervals that are too narrow."
CLOSED_OFF = (
    "Nobody may see the results of this study before it is closed, but its leader. Sign in with the leader's code."
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One set of ratings that may be looked at. `study` "" is what was voted outside of any."""

    study: str
    words: str
    ratings: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of a duel: who won how often, how far readers were apart (0 to 1), and marks of severe harm."""

    case: str
    domain: Domain
    counts: Mapping[Outcome, int]
    severe: int

    @property
    def votes(self) -> int:
        return sum(self.counts.values())

    @property
    def apart(self) -> float:
        """The share of readers who did not say what most said."""
        return 1 - max(self.counts.values()) / self.votes


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file to take along."""

    name: str
    kind: str
    data: bytes


class Results:
    """The results of one store. What was counted once is kept until another rating comes."""

    def __init__(self, store: RatingStore) -> None:
        self.store = store
        self.studies = StudyStore(store)
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[int, Ballots, dict[int, Tally]]] = {}

    def shelves(self, who: Pass | None = None) -> list[Shelf]:
        """What this person may look at: closed studies, votes outside of studies, and a leader's own open study."""
        counts, known = self.store.studies(), {one.name: one for one in self.studies.all()}
        found = []
        for name in sorted(counts, key=lambda one: (-counts[one], one)):
            if self._may(name, who):
                study = known.get(name)
                words = "Votes of the Compare tab" if not name else study.words if study else name
                note = INTERIM if study is not None and study.status != "closed" else ""
                found.append(Shelf(name, words, counts[name], note))
        return found

    def ballots(self, study: str, who: Pass | None = None) -> Ballots:
        """What was said in a study. Raises `UserError` where this person may not see it."""
        self._check(study, who)
        return self._counted(study)[1]

    def tally(self, study: str, number: int = 0, who: Pass | None = None) -> Tally | None:
        """The figures of a study's duel (from 0, the most frequent first); None where nobody has voted."""
        self._check(study, who)
        _, said, done = self._counted(study)
        duels = said.duels
        if not duels:
            return None
        number = number if 0 <= number < len(duels) else 0
        if number not in done:
            done[number] = tally(said, duels[number])
        return done[number]

    def cases(self, study: str, duel: Duel, order: Order = "hard", who: Pass | None = None) -> list[CaseRow]:
        """The cases of a duel, those first that `order` asks for."""
        said = self.ballots(study, who)
        rows = list(case_rows(between(said.votes, duel.first.id, duel.second.id), said.tags, duel.first.id))
        keys: dict[Order, Callable[[CaseRow], tuple[float, ...]]] = {
            "hard": lambda row: (-row.counts["neither"] - row.severe, -row.apart),
            "disputed": lambda row: (-row.apart, -row.votes),
            "won": lambda row: (row.counts["loss"] - row.counts["win"],),
            "lost": lambda row: (row.counts["win"] - row.counts["loss"],),
        }
        return sorted(rows, key=keys[order])

    def case(self, study: str, case: str, who: Pass | None = None) -> list[Rating]:
        """All ratings of a case, whole, as they stand after corrections. Raises `UserError`."""
        self._check(study, who)
        return list(self.store.ratings(Filter(study=study, case=case)))

    def export(self, study: str, form: Form, who: Pass | None = None) -> Parcel:
        """A study's ratings as a file, without pictures. Raises `UserError` for more rows than a page can send."""
        self._check(study, who)
        rows = self.store.count(Filter(study=study))
        if rows > MOST_ROWS:
            of = f" --study {study}" if study else ""
            raise UserError(
                f"{rows:,} ratings are more than a page can send ({MOST_ROWS:,}). On the server, run "
                f"'python -m medvlm ratings export FILE --as {form}{of}'."
            )
        ratings = map(without_picture, self.store.ratings(Filter(study=study)))
        return _parcel(study or "votes", form, ratings)

    def bundle(self, study: str, case: str, who: Pass | None = None) -> Parcel:
        """One case with all that was said of it, as a zip. Raises `UserError`."""
        self._check(study, who)
        return self.packed(study, case)

    def packed(self, study: str, case: str) -> Parcel:
        """The same for whoever holds the database. Raises `UserError` for a case that was not rated."""
        ratings = list(self.store.ratings(Filter(study=study, case=case)))
        look, picture = self.given(study, case)
        kept = next((one.case.picture for one in ratings if one.case.picture is not None), None)
        look = look or next(filter(None, (asked_look(one.case) for one in ratings)), None)
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", case)[:60]
        return Parcel(f"case-{stem}.zip", "application/zip", pack(ratings, picture or kept, look))

    def given(self, study: str, case: str) -> tuple[Look | None, bytes | None]:
        """What the models were given of a study's case: the view, and its picture where that may leave the house.

        It may where it was drawn here, or the study's leader has chosen to keep pictures with the ratings.
        """
        if study not in {one.name for one in self.studies.all()}:
            return None, None
        found = next((one for one in self.studies.cases(study) if one.id == case), None)
        made = self.studies.get(study)
        if found is None:
            return None, None
        try:
            scan = Pictures(made, Gate("strict")).scan(found)
            look = first_look(scan, found)
        except UserError:
            return None, None  # the picture is not on this machine: its hash must do
        free = found.source.startswith("phantom:") or made.design.keep_pictures
        return look, picture_of(scan, look) if free else None

    def _counted(self, study: str) -> tuple[int, Ballots, dict[int, Tally]]:
        newest = self.store.newest()
        with self._lock:
            kept = self._kept.get(study)
        if kept is None or kept[0] != newest:
            kept = (newest, ballots(self.store, study), {})
            with self._lock:
                self._kept = {study: kept}  # one at a time: a hundred thousand votes take a good part of a gigabyte
        return kept

    def _check(self, study: str, who: Pass | None) -> None:
        if not self._may(study, who):
            raise UserError(CLOSED_OFF)

    def _may(self, study: str, who: Pass | None) -> bool:
        if study not in self.studies.hidden():
            return True
        return who is not None and who.role == "leader" and who.study == study


def asked_look(case: Case) -> Look | None:
    """What of the scan was asked about outside of studies: slice and window as asked, the rest as at the vote."""
    try:
        said = json.loads(case.look)
        slice_ = said["slice"] if case.view is None else case.view.slice
        return Look(said["plane"], said["axis"], slice_, case.window, said["inverted"], tuple(said["turn"]))
    except (ValueError, KeyError, TypeError):
        return None


def case_rows(votes: Votes, tags: Iterable[Tagged], first: str) -> Iterator[CaseRow]:
    """The votes by case, in the order in which cases came."""
    place = {rating: number for number, rating in enumerate(votes.ids)}
    marked = [place[tag.rating] for tag in tags if tag.harm == "severe" and tag.rating in place]
    cases = votes.cases.numbered()
    _, first_votes = np.unique(cases, return_index=True)
    size, kinds = len(first_votes), len(OUTCOMES)
    severe = np.bincount(cases[np.array(marked, np.intp)], minlength=size)
    counts = np.bincount(cases * kinds + outcomes(votes, first), minlength=size * kinds).reshape(size, kinds)
    about = votes.where(first_votes)
    facts = zip(about.cases.words(), about.domains.words(), counts.tolist(), severe.tolist(), strict=True)
    for case, domain, row, harms in facts:
        yield CaseRow(case or "", cast(Domain, domain), dict(zip(OUTCOMES, row, strict=True)), harms)


def without_picture(rating: Rating) -> Rating:
    """The rating, with the picture's hash alone."""
    return rating if rating.case.picture is None else replace(rating, case=replace(rating.case, picture=None))


def _parcel(stem: str, form: Form, ratings: Iterable[Rating]) -> Parcel:
    if form == "csv":
        files = {"ratings.csv": exports.table(ratings), "ratings.dictionary.csv": exports.dictionary()}
        return Parcel(f"{stem}-csv.zip", "application/zip", _zipped(files))
    if form == "jsonl":
        files = {"ratings.jsonl": exports.jsonl(ratings), "dictionary.csv": exports.dictionary()}
        return Parcel(f"{stem}-jsonl.zip", "application/zip", _zipped(files))
    if form == "mrmc":
        return Parcel(f"{stem}-mrmc.csv", "text/csv", "".join(exports.mrmc(ratings, "preference")).encode())
    records = preferences.preferences(ratings) if form == "preferences" else preferences.hard_cases(ratings)
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return Parcel(f"{stem}-{form}.jsonl", "application/x-ndjson", lines.encode())


def _zipped(files: Mapping[str, Iterable[str]]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in files.items():
            archive.writestr(name, "".join(lines))
    return out.getvalue()
