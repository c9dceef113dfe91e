"""One person's sitting at the page: the conversation, the pictures they look at, and what each answer was made with."""

from dataclasses import dataclass, field, replace

from medvlm.errors import UserError
from medvlm.page import giving, region
from medvlm.page.region import WAY, Way
from medvlm.page.screen import drawn, placed, shot
from medvlm.page.tray import GREEDY, Choices, Given, Item, Made, Question, Shown, item_of
from medvlm.page.viewing import Look, part_words, shown_words
from medvlm.types import Conversation, Domain, Pixels, Scan, View

__all__ = [
    "GREEDY", "MOST_SCANS", "Choices", "Given", "Item", "Made", "Question", "Session", "Shown",
]  # fmt: skip

# Pictures and series that are open at once; what only waits in the tray takes no part in this.
MOST_SCANS = 24


@dataclass(frozen=True, slots=True)
class Session:
    """A frozen state of the page for one person; every step returns a new one.

    `items`: the tray; `panes`: which of them are on the screen (one, or two beside one another), `shown` the one that
    questions are about. The conversation's scans are pictures as they were on the screen when they were asked about;
    `sent` says, for each, of what. `questions`, `made`: one for each question and each answer, in order.
    `gives`: what of a picture goes to the model, see `giving.ways`.
    """

    conversation: Conversation = field(default_factory=Conversation)
    items: tuple[Item, ...] = ()
    panes: tuple[int, ...] = ()
    shown: int | None = None
    sent: tuple[Shown, ...] = ()
    questions: tuple[Question, ...] = ()
    made: tuple[Made, ...] = ()
    gives: str = giving.SCREEN

    @property
    def item(self) -> Item | None:
        """The item that questions are about."""
        return None if self.shown is None else self.items[self.shown]

    @property
    def scan(self) -> Scan | None:
        return None if self.item is None else self.item.scan

    @property
    def now(self) -> Shown | None:
        """What is on the screen, of the item that questions are about."""
        if self.shown is None or self.item is None or self.item.look is None:
            return None
        return Shown(self.shown, self.item.look)

    @property
    def meant(self) -> Shown | None:
        """What a question asked now is about, as the model gets it."""
        now, scan = self.now, self.scan
        if now is None or scan is None:
            return None
        look = giving.given(scan, now.look, self.gives)
        return replace(now, look=look, beside=self.gives == giving.BESIDE and len(scan.slices) > 1)

    @property
    def open_scans(self) -> tuple[Scan, ...]:
        return tuple(item.scan for item in self.items if item.scan is not None)

    @property
    def on_screen(self) -> tuple[Scan, ...]:
        """The scans beside one another, from left to right."""
        return tuple(scan for scan in (self.items[pane].scan for pane in self.panes) if scan is not None)

    @property
    def views(self) -> tuple[View, ...]:
        """The pictures that came along, in order."""
        return tuple(view for turn in self.conversation.turns for view in turn.views)

    @property
    def asking(self) -> Shown | None:
        """What the last question is about."""
        return self.questions[-1].about if self.questions else None

    @property
    def question(self) -> str | None:
        """The last question as it was typed, answered or not."""
        return self.questions[-1].text if self.questions else None

    @property
    def given(self) -> tuple[View, ...]:
        """The pictures that the last question is about: those that came with it, or that came last before it."""
        return next((turn.views for turn in reversed(self.conversation.turns) if turn.views), ())

    def check_room(self) -> None:
        """Raises `UserError` where another picture would be one too many."""
        if len(self.open_scans) >= MOST_SCANS:
            raise UserError(f"This conversation already has {MOST_SCANS} pictures; start a new one for the next.")

    def with_items(self, items: tuple[Item, ...], shown: int) -> "Session":
        """Items added to the tray; `shown` of them (from 0), which is open, is shown."""
        made = replace(self, items=(*self.items, *items))
        return made.showing(len(self.items) + shown)

    def with_scan(self, scan: Scan) -> "Session":
        """The scan added and shown. Raises `UserError` as `check_room` does."""
        self.check_room()
        return self.with_items((item_of(scan),), 0)

    def opened(self, index: int, scan: Scan) -> "Session":
        """An item of the tray is open from now on; one that is open already stays as it is."""
        if self.items[index].scan is not None:
            return self
        self.check_room()
        return self._with_item(index, self.items[index].opened(scan))

    def showing(self, index: int, beside: bool = False) -> "Session":
        """Another item on the screen, alone or at the right of what is shown; `UserError` for one that is not there."""
        if not (0 <= index < len(self.items)) or self.items[index].scan is None:
            raise UserError("That picture is no longer in this conversation; choose one of the pictures shown.")
        if not beside or self.shown in (None, index):
            return replace(self, panes=(index,), shown=index)
        assert self.shown is not None
        return replace(self, panes=(self.shown, index))

    def looked(self, slices: object, look: Look) -> "Session":
        """The scan with these slices is seen so from now on; it is what questions are about if it is on the screen."""
        for index, item in enumerate(self.items):
            if item.scan is not None and item.scan.slices is slices:
                shown = index if index in self.panes else self.shown
                return replace(self._with_item(index, replace(item, look=look)), shown=shown)
        return self

    def with_thumb(self, source: object, thumb: Pixels) -> "Session":
        """A small picture for the item with that source, if it is still there."""
        items = tuple(replace(item, thumb=thumb) if item.source is source else item for item in self.items)
        return replace(self, items=items)

    def as_domain(self, index: int, domain: Domain, guess: bool = False) -> "Session":
        """What kind of picture it is; a guess never overrules the file or the person."""
        item = self.items[index] if 0 <= index < len(self.items) else None
        if item is None or item.scan is None or (guess and item.scan.domain_source != "unknown"):
            return self
        return self._with_item(index, replace(item, scan=item.scan.as_domain(domain, "guess" if guess else "user")))

    def asked(self, question: str, system: str | None, about: Shown | None = None, way: Way = WAY) -> "Session":
        """The question about what is shown, or `about` something; its pictures come along unless they came last.

        `way`: how a region is told of. Raises `UserError` for a region of a picture that cannot be drawn.
        """
        about = about or self.meant
        about = None if about is None else about.bare
        began = replace(self, questions=(*self.questions, Question(question, about)))
        conversation = replace(self.conversation, system=system)
        if about is None or self.items[about.item].scan is None:
            return replace(began, conversation=conversation.asked(question))
        return began._asked(conversation, question, about, way)

    def _asked(self, conversation: Conversation, question: str, about: Shown, way: Way) -> "Session":
        sent, scan = self.sent, self.items[about.item].scan
        assert scan is not None, "what is asked about is open"
        looks = giving.beside(scan, about.look) if about.beside and about.region is None else (about.look,)
        wholes = [Shown(about.item, look) for look in looks]
        for whole in wholes:
            if whole not in sent:
                conversation, sent = conversation.with_scan(shot(scan, whole.look)), (*sent, whole)
        views = tuple(View(sent.index(whole)) for whole in wholes)
        if about.region is None:
            after = conversation.asked(question, views)
        else:
            after = region.asked(conversation, views[0], about.region, question, way)
        # A part that was cut out is a picture of its own.
        sent = (*sent, *[about] * (len(after.scans) - len(sent)))
        last = after.turns[-1]
        if last.views == self.given:
            after = replace(after, turns=(*after.turns[:-1], replace(last, views=())))
        return replace(self, conversation=after, sent=sent)

    def about_region(self, measure: int) -> Shown:
        """The part of what is shown that the measurement of that number encloses.

        Raises `UserError` where there is no such box or ellipse on the slice that is shown, or too small a one.
        """
        now, scan = self.meant, self.scan
        here = () if now is None else now.look.measures
        found = next((one for one in here if one.id == measure and one.kind in ("box", "ellipse")), None)
        if now is None or scan is None or found is None or (found.axis, found.slice) != (now.look.axis, now.look.slice):
            raise UserError("That region is not on the slice that is shown; choose it again, or draw a new one.")
        rows, columns = drawn(scan, now.look).shape[:2]
        one, other = ((x * columns, y * rows) for x, y in placed(scan, now.look, found.points))
        shape: region.Shape = "ellipse" if found.kind == "ellipse" else "box"
        return replace(now, region=region.region_of(shape, one, other, (columns, rows)), beside=False)

    def giving(self, way: str) -> "Session":
        """From now on that of a picture goes to the model; nonsense is what is on the screen."""
        scan = self.scan
        return replace(self, gives=way if scan is not None and way in dict(giving.ways(scan)) else giving.SCREEN)

    def answered(self, text: str, made: Made) -> "Session":
        return replace(self, conversation=self.conversation.answered(text), made=(*self.made, made))

    def without_last(self) -> "Session":
        """Before the last question: it and its answer, if there is one, are gone."""
        turns = self.conversation.turns
        answered = bool(turns) and turns[-1].role == "assistant"
        keep = max(0, len(turns) - (2 if answered else 1))
        return replace(
            self,
            conversation=self.conversation.up_to(keep),
            questions=self.questions[: keep // 2],
            made=self.made[: keep // 2],
        )

    def about(self, shown: Shown | None) -> str:
        """Words for a picture: "slice 12 of 40, window 80/40", "picture 2 of 3", or what the only one is."""
        if shown is None:
            return ""
        scan = self.items[shown.item].scan
        if scan is None:
            return ""
        opened = [number for number, item in enumerate(self.items) if item.scan is not None]
        which = f"picture {opened.index(shown.item) + 1} of {len(opened)}" if len(opened) > 1 else ""
        part = part_words(shown.look, scan)
        named = ", ".join(filter(None, (which, part))) or scan.name
        meant = "" if shown.region is None else region.words(shown.region)
        more = "with the slices beside it" if shown.beside else ""
        return ", ".join(filter(None, (named, shown_words(shown.look, scan), more, meant)))

    def _with_item(self, index: int, item: Item) -> "Session":
        return replace(self, items=(*self.items[:index], item, *self.items[index + 1 :]))
