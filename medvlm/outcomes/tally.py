"""All that the Ratings tab and a report say of one set of votes: who won, how sure, and how far readers agree."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medvlm import agreement
from medvlm.agreement import Agreement
from medvlm.outcomes import blinding, bradley_terry, reviews, verdicts, wording
from medvlm.outcomes.blinding import Blinding
from medvlm.outcomes.bradley_terry import Ranking
from medvlm.outcomes.verdicts import Compared, Outcome, Summary
from medvlm.outcomes.wording import Style, Texts
from medvlm.ratings.records import Candidate, Correctness, Criterion, Filter, Harm, Review, Tagged
from medvlm.ratings.store import RatingStore
from medvlm.ratings.votes import Votes
from medvlm.statistics import Figure

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Duel:
    """Two candidates who met, the tuned one first where one of them is; `votes`: how often, blinded and counted."""

    first: Candidate
    second: Candidate
    votes: int

    @property
    def names(self) -> tuple[str, str]:
        """What they are called, so that two builds of one name can be told apart."""
        one, other = self.first, self.second
        if one.name != other.name:
            return one.name, other.name
        return f"{one.name} ({one.id[:8]})", f"{other.name} ({other.id[:8]})"


@dataclass(frozen=True, slots=True)
class Tally:
    """What the votes between two candidates say. `left_out`: votes of other kinds, which count in nothing here.

    `times`: seconds a case, by reader, and of all under "". `ranking`: None where fewer than three candidates met.
    `reviewed`: candidate's name -> share of its answers, shown alone, that were right, partly right or wrong.
    """

    duel: Duel
    votes: int
    left_out: Mapping[str, int]
    summary: Summary
    by_domain: Mapping[str, Summary]
    by_type: Mapping[str, Summary]
    by_reader: Mapping[str, Summary]
    agreement: Agreement
    criteria: Mapping[Criterion, Compared]
    correctness: Mapping[Correctness, Compared]
    errors: Mapping[Harm, Compared]
    error_counts: Mapping[tuple[str, str, Harm], int]
    times: Mapping[str, Figure]
    blinding: Blinding
    longer_wins: Figure
    style: Style
    ranking: Ranking | None
    names: Mapping[str, str]
    reviewed: Mapping[str, Mapping[Correctness, Figure]]


@dataclass(frozen=True, slots=True)
class Ballots:
    """Everything that was said in one study, or outside of any (""). `texts`: reads answers, which are not in here."""

    votes: Votes
    tags: Sequence[Tagged]
    reviews: Sequence[Review]
    candidates: Mapping[str, Candidate]
    texts: Texts

    @property
    def duels(self) -> list[Duel]:
        """Who met whom, most often first."""
        met, ever = _often(self.votes.where(self.votes.counted)), _often(self.votes)
        order = sorted(ever, key=lambda pair: (-met[pair], -ever[pair], pair))
        return [self._duel(*pair, met[pair]) for pair in order if pair[0] != pair[1]]

    def _duel(self, one: int, other: int, votes: int) -> Duel:
        known = (self.candidates[self.votes.left.known[code]] for code in (one, other))
        first, second = sorted(known, key=lambda c: (c.arm != "tuned", not c.adapter, c.name))
        return Duel(first, second, votes)


def _often(votes: Votes) -> Counter[tuple[int, int]]:
    """How often each two candidates met, by their codes, the lower first."""
    left, right, size = votes.left.codes, votes.right.codes, len(votes.left.known)
    found, counts = np.unique(np.minimum(left, right) * size + np.maximum(left, right), return_counts=True)
    return Counter({divmod(pair, size): count for pair, count in zip(found.tolist(), counts.tolist(), strict=True)})


def ballots(store: RatingStore, study: str) -> Ballots:
    """Of one study; "" for votes outside of any."""
    wanted = Filter(study=study)
    return Ballots(store.votes(wanted), store.error_tags(study), store.reviews(wanted), store.candidates(), store.texts)


def tally(said: Ballots, duel: Duel) -> Tally:
    """The figures of one duel."""
    first, second = duel.first.id, duel.second.id
    votes = verdicts.between(said.votes, first, second)
    again = verdicts.repeats(said.votes, first, second)
    return Tally(
        duel=duel,
        votes=len(votes),
        left_out=_left_out(said.votes.where(said.votes.met(first, second)), len(again)),
        summary=verdicts.summary(votes, first),
        by_domain=verdicts.grouped(votes, first, votes.domains),
        by_type=verdicts.grouped(votes, first, votes.question_types),
        by_reader=verdicts.grouped(votes, first, votes.readers),
        agreement=agreement.agreement(votes, first, again),
        criteria=verdicts.criteria(votes, first),
        correctness=verdicts.correctness(votes, first),
        errors=verdicts.errors(votes, said.tags, first),
        error_counts=verdicts.error_counts(votes, said.tags),
        times=_times(votes),
        blinding=blinding.blinding(votes, first),
        longer_wins=wording.longer_wins(votes),
        style=wording.style(votes, first, said.texts),
        ranking=_ranking(said),
        names=_names(said.candidates.values()),
        reviewed=reviewed(said),
    )


def _left_out(met: Votes, repeats: int) -> dict[str, int]:
    counts = {
        "hidden repeats": repeats,
        "training cases": int(met.training.sum()),
        "named votes": int((~met.blinded & ~met.training).sum()),
    }
    return {kind: count for kind, count in counts.items() if count}


def _times(votes: Votes) -> dict[str, Figure]:
    parts = votes.readers.parts()
    of_readers = {reader: verdicts.seconds(votes.where(places)) for reader, places in parts if len(parts) > 1}
    return {"": verdicts.seconds(votes), **of_readers}


def _ranking(said: Ballots) -> Ranking | None:
    counted = said.votes.where(said.votes.counted)
    if len(np.union1d(counted.left.codes, counted.right.codes)) < 3:
        return None
    return bradley_terry.ranking(counted)


def _names(candidates: Iterable[Candidate]) -> dict[str, str]:
    known = list(candidates)
    often = Counter(one.name for one in known)
    return {one.id: one.name if often[one.name] == 1 else f"{one.name} ({one.id[:8]})" for one in known}


def reviewed(said: Ballots) -> dict[str, Mapping[Correctness, Figure]]:
    """For each candidate with answers that were judged alone, by name: the share that was right, partly or wrong."""
    names = _names(said.candidates.values())
    met = sorted({review.candidate for review in said.reviews}, key=lambda one: names[one])
    return {names[one]: reviews.shares(reviews.of_candidate(said.reviews, one)) for one in met}


def outcome_words(outcome: Outcome, names: tuple[str, str]) -> str:
    """ "nano-med better", "Tie" ..."""
    first, second = names
    return {"win": f"{first} better", "tie": "Tie", "neither": "Both unacceptable", "loss": f"{second} better"}[outcome]
