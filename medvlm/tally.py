"""All that the Ratings tab and a report say of one set of votes: who won, how sure, and how far readers agree."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medvlm import agreement, blinding, bradley_terry, reviews, verdicts, wording
from medvlm.agreement import Agreement
from medvlm.blinding import Blinding
from medvlm.bradley_terry import Ranking
from medvlm.ratings.records import Candidate, Correctness, Criterion, Filter, Harm, Review, Tagged, Vote
from medvlm.ratings.store import RatingStore
from medvlm.statistics import Figure
from medvlm.verdicts import Compared, Outcome, Summary

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
    ranking: Ranking | None
    names: Mapping[str, str]
    reviewed: Mapping[str, Mapping[Correctness, Figure]]


@dataclass(frozen=True, slots=True)
class Ballots:
    """Everything that was said in one study, or outside of any (""), without texts."""

    votes: Sequence[Vote]
    tags: Sequence[Tagged]
    reviews: Sequence[Review]
    candidates: Mapping[str, Candidate]

    @property
    def duels(self) -> list[Duel]:
        """Who met whom, most often first."""
        met = Counter(
            tuple(sorted((v.left, v.right))) for v in self.votes if v.blinded and not v.training and v.repeat == 0
        )
        met.pop((), 0)
        named = Counter(tuple(sorted((v.left, v.right))) for v in self.votes)
        pairs = sorted(named, key=lambda pair: (-met[pair], -named[pair], pair))
        return [self._duel(pair[0], pair[1], met[pair]) for pair in pairs if pair[0] != pair[1]]

    def _duel(self, one: str, other: str, votes: int) -> Duel:
        first, second = sorted(
            (self.candidates[one], self.candidates[other]), key=lambda c: (c.arm != "tuned", not c.adapter, c.name)
        )
        return Duel(first, second, votes)


def ballots(store: RatingStore, study: str | None) -> Ballots:
    """Of one study; "" for votes outside of any, None for all."""
    wanted = Filter(study=study)
    return Ballots(store.votes(wanted), store.error_tags(wanted), store.reviews(wanted), store.candidates())


def tally(said: Ballots, duel: Duel) -> Tally:
    """The figures of one duel."""
    first, second = duel.first.id, duel.second.id
    votes = verdicts.between(said.votes, first, second)
    again = verdicts.repeats(said.votes, first, second)
    counted = {vote.id for vote in votes}
    return Tally(
        duel=duel,
        votes=len(votes),
        left_out=_left_out(said.votes, duel, len(again)),
        summary=verdicts.summary(votes, first),
        by_domain=verdicts.grouped(votes, first, "domain"),
        by_type=verdicts.grouped(votes, first, "question_type"),
        by_reader=verdicts.grouped(votes, first, "reader"),
        agreement=agreement.agreement(votes, first, again),
        criteria=verdicts.criteria(votes, first),
        correctness=verdicts.correctness(votes, first),
        errors=verdicts.errors(votes, said.tags, first, second),
        error_counts=verdicts.error_counts(votes, [tag for tag in said.tags if tag.rating in counted]),
        times=_times(votes),
        blinding=blinding.blinding(votes, first),
        longer_wins=wording.longer_wins(votes),
        ranking=_ranking(said),
        names=_names(said.candidates.values()),
        reviewed=reviewed(said),
    )


def _left_out(votes: Iterable[Vote], duel: Duel, repeats: int) -> dict[str, int]:
    pair = {duel.first.id, duel.second.id}
    met = [vote for vote in votes if {vote.left, vote.right} == pair]
    counts = {
        "hidden repeats": repeats,
        "training cases": sum(vote.training for vote in met),
        "named votes": sum(not vote.blinded and not vote.training for vote in met),
    }
    return {kind: count for kind, count in counts.items() if count}


def _times(votes: Sequence[Vote]) -> dict[str, Figure]:
    parts: dict[str, list[Vote]] = {"": list(votes)}
    for vote in votes:
        parts.setdefault(vote.reader, []).append(vote)
    if len(parts) == 2:
        parts = {"": parts[""]}
    return {reader: verdicts.seconds(part) for reader, part in sorted(parts.items())}


def _ranking(said: Ballots) -> Ranking | None:
    counted = [vote for vote in said.votes if vote.blinded and not vote.training and vote.repeat == 0]
    if len({name for vote in counted for name in (vote.left, vote.right)}) < 3:
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
