"""One case of two who answer the same questions: who stands on which side, their conversations, what becomes of it."""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from medvlm.compare.ballot import Ballot, Remarks
from medvlm.compare.disguise import Disguised, disguised, plain
from medvlm.compare.leaks import names_of
from medvlm.errors import UserError
from medvlm.page.screen import shot
from medvlm.page.viewing import Look
from medvlm.ratings.records import Candidate, Case, RatedAnswer, Rating
from medvlm.types import ChatModel, Contender, Conversation, Decoding, Report, Scan, View

# Of how many blinded cases the reader is asked which answer he takes for the tuned one's.
ASKED = 0.2
GREEDY = Decoding()


def _nothing(_: str) -> None:
    """For a model that keeps nothing between questions."""


@dataclass(frozen=True, slots=True, eq=False)
class Entrant:
    """Somebody who can answer: how they are asked, and who they are for the record.

    `forget`: tells the model that a conversation (by its id) is over.
    """

    model: ChatModel
    candidate: Candidate
    forget: Callable[[str], None] = _nothing


Both = tuple[Entrant, Entrant]


def drawn(entrants: Sequence[Entrant], seed: int) -> Both:
    """Two of the entrants, left and right; the same seed draws the same. Raises `UserError` for fewer than two."""
    if len(entrants) < 2:
        raise UserError(
            "There is nothing to compare: only one model is loaded. Start with --adapter to get a tuned one."
        )
    chance = random.Random(f"sides {seed}")
    pairs = list(combinations(sorted(entrants, key=lambda one: one.candidate.id), 2))
    left, right = pairs[chance.randrange(len(pairs))]
    return (right, left) if chance.random() < 0.5 else (left, right)


def asks_guess(entrants: Both, seed: int) -> bool:
    """Whether the reader of this case is asked which answer is the tuned one's; only where just one of them is."""
    tuned = [one.candidate.arm == "tuned" for one in entrants]
    return tuned[0] != tuned[1] and random.Random(f"guess {seed}").random() < ASKED


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture as it was on the screen when a question was asked about it; `about` says so in words."""

    scan: Scan
    look: Look
    about: str = ""

    @property
    def bare(self) -> tuple[str, Look]:
        """What tells one picture from another: measurements are no part of it."""
        return self.scan.sha256, replace(self.look, measures=())


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A frozen state of one case; every step returns a new one.

    `entrants` and `conversations`: left and right. `seen`: the picture of each question, None without one. `seed`: what
    the sides were drawn from. `reports`: what the last answers cost. `rating`: the vote, once it is on the disk.
    """

    entrants: Both
    seed: int
    blinded: bool
    conversations: tuple[Conversation, Conversation]
    seen: tuple[Seen | None, ...] = ()
    decoding: Decoding = GREEDY
    reports: tuple[Report | None, Report | None] = (None, None)
    rating: Rating | None = None

    @classmethod
    def begun(cls, entrants: Sequence[Entrant], seed: int, blinded: bool) -> "Comparison":
        """No question yet, the sides drawn. Raises `UserError` for fewer than two entrants."""
        return cls(drawn(entrants, seed), seed, blinded, (Conversation(), Conversation()))

    @property
    def key(self) -> str:
        """Names this state of the case for the page; it says nothing of the sides."""
        return f"{self.conversations[0].id}-{len(self.questions)}"

    @property
    def key_before(self) -> str:
        """The key that the case had before its last question was asked; empty for the first."""
        earlier = len(self.questions) - 1
        return f"{self.conversations[0].id}-{earlier}" if earlier > 0 else ""

    @property
    def questions(self) -> tuple[str, ...]:
        return tuple(turn.text for turn in self.conversations[0].turns if turn.role == "user")

    @property
    def named(self) -> bool:
        """Whether the reader may know who answers."""
        return not self.blinded or self.rating is not None

    @property
    def names(self) -> tuple[str, ...]:
        return names_of(one.candidate for one in self.entrants)

    @property
    def asks_guess(self) -> bool:
        return self.blinded and asks_guess(self.entrants, self.seed)

    def asked(self, question: str, seen: Seen | None, system: str | None) -> "Comparison":
        """The same question for both; its picture comes along unless it came last."""
        again = seen is not None and bool(self.seen) and self.seen[-1] is not None and self.seen[-1].bare == seen.bare
        left, right = (_asked(one, question, None if again else seen, system) for one in self.conversations)
        return replace(self, conversations=(left, right), seen=(*self.seen, seen))

    def answered(
        self, texts: tuple[str, str], reports: tuple[Report | None, Report | None] = (None, None)
    ) -> "Comparison":
        left, right = (one.answered(text) for one, text in zip(self.conversations, texts, strict=True))
        return replace(self, conversations=(left, right), reports=reports)

    def contenders(self) -> tuple[Contender, Contender]:
        """Those who have to answer the last question."""
        left, right = (
            Contender(one.model, one.candidate.arm or "base", conversation)
            for one, conversation in zip(self.entrants, self.conversations, strict=True)
        )
        return left, right

    def shown(self, text: str, whole: bool = True) -> Disguised:
        """An answer as the reader may see it at this moment."""
        return plain(text) if self.named else disguised(text, self.names, whole)

    def as_voted(self, side: int, turn: int = -1) -> Disguised:
        """The answer of a side (0 or 1), as it was shown when the vote was cast."""
        text = self.conversations[side].turns[turn].text
        return disguised(text, self.names) if self.blinded else plain(text)

    def voted(self, ballot: Ballot, reader: str, look: str = "") -> Rating:
        """The rating to keep. A second one corrects the first, and is not blinded: its reader knows the names."""
        assert ballot.right is not None, "two answers were shown"
        before = self.rating
        return Rating(
            id=ballot.id,
            reader=reader,
            case=self.case(look),
            left=self._rated(0, ballot.left),
            right=self._rated(1, ballot.right),
            verdict=ballot.verdict,
            corrects=None if before is None else before.id,
            blinded=self.blinded and before is None,
            side_seed=self.seed,
            sureness=ballot.sureness,
            guess=ballot.guess if self.asks_guess and before is None else None,
            comment=ballot.comment,
            seconds=ballot.seconds,
        )

    def case(self, look: str = "") -> Case:
        """What both answered, named alike for every reader who asks the same of the same picture.

        `look`: the viewer's state at the vote, as JSON.
        """
        last = self.seen[-1]
        scans = list(dict.fromkeys(one.scan.sha256 for one in self.seen if one is not None))
        said = [(q, *_place(seen)) for q, seen in zip(self.questions, self.seen, strict=True)]
        return Case(
            id=hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32],
            question=self.questions[-1],
            domain="other" if last is None else last.scan.domain,
            scans=tuple(scans),
            view=None if last is None else View(scans.index(last.scan.sha256), last.look.slice),
            window=None if last is None else last.look.window,
            look=look,
        )

    def _rated(self, side: int, remarks: Remarks) -> RatedAnswer:
        turns, who = self.conversations[side].turns, self.entrants[side].candidate
        if self.conversations[side].system is not None:
            who = replace(who, prompt_version=None)  # a prompt of the reader's own: counted apart from ours
        answer = RatedAnswer(who, turns[-1].text, turns[:-2], self.decoding)
        return judged(answer, remarks, self.as_voted(side))


def judged(answer: RatedAnswer, remarks: Remarks, shown: Disguised) -> RatedAnswer:
    """The answer with what its reader said of it; marks in what was shown become marks in the answer itself."""
    return replace(
        answer,
        leaks=shown.leaks,
        scores=remarks.scores,
        correctness=remarks.correctness,
        errors=tuple(shown.own(tag) for tag in remarks.errors),
    )


def _asked(conversation: Conversation, question: str, seen: Seen | None, system: str | None) -> Conversation:
    conversation = replace(conversation, system=system)
    if seen is None:
        return conversation.asked(question)
    conversation = conversation.with_scan(shot(seen.scan, seen.look))
    return conversation.asked(question, (View(len(conversation.scans) - 1),))


def _place(seen: Seen | None) -> tuple[str, str, int]:
    return ("", "", 0) if seen is None else (seen.scan.sha256, seen.look.plane, seen.look.slice)
