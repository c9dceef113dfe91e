"""Answers drawn before anybody reads, and the moment a study opens: readers never wait for a model."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from medvlm.chat import Answered, answer
from medvlm.errors import UserError
from medvlm.page.screen import shot
from medvlm.prompts import PROMPT_VERSION
from medvlm.ratings.records import Candidate
from medvlm.ratings.studies import StudyStore, with_code
from medvlm.studies.codes import new_code
from medvlm.studies.design import Given, Study, StudyCase
from medvlm.studies.order import Deck, plan
from medvlm.studies.pictures import Pictures, first_look
from medvlm.types import Arm, ChatModel, Conversation, Decoding, View

# Case, which of how many, and who answers.
Tell = Callable[[StudyCase, int, int, Candidate], None]


def draw_answers(
    store: StudyStore,
    pictures: Pictures,
    model: ChatModel,
    candidates: Mapping[Arm, Candidate],
    decoding: Decoding,
    tell: Tell = lambda *_: None,
) -> int:
    """Let each arm answer each case that it has not answered yet; how many answers were drawn.

    Each is kept as soon as it is there, so that a run that was stopped goes on where it was. Raises `UserError`.
    """
    name, count = pictures.study.name, 0
    cases, there = store.cases(name), store.answered(name)
    for number, case in enumerate(cases, 1):
        missing = {arm: who for arm, who in candidates.items() if who.id not in there.get(case.id, ())}
        conversation = asked(pictures, case) if missing else None
        for arm, who in missing.items():
            assert conversation is not None
            tell(case, number, len(cases), who)
            *_, last = answer(model, replace(conversation, id=f"{conversation.id}-{arm}"), arm, decoding)
            assert isinstance(last, Answered)
            count += store.add_answers(name, [Given(case.id, who, last.text, decoding)])
    return count


def asked(pictures: Pictures, case: StudyCase) -> Conversation:
    """The question about the picture as a reader first sees it: that is what the models are given."""
    scan = pictures.scan(case)
    return Conversation().with_scan(shot(scan, first_look(scan, case))).asked(case.question, (View(0),))


def local_candidates(base: str, adapter: str | None, quantisation: str) -> dict[Arm, Candidate]:
    """Who answers where a model of this machine does: its two arms, or the base alone, with hashes of the weights."""
    from medvlm import catalog, checkpoints
    from medvlm.packages import sha256_of

    folder = catalog.resolve(base)
    common = Candidate(
        catalog.short_name(base),
        "base",
        model=catalog.identity(base),
        model_sha256=checkpoints.base_revision(folder),
        quantisation=quantisation,
        prompt_version=PROMPT_VERSION,
    )
    if adapter is None:
        return {"base": common}
    weights = checkpoints.weight_files(catalog.resolve_adapter(adapter))
    named = replace(
        common, name=catalog.short_name(adapter), arm="tuned", adapter=adapter, adapter_sha256=sha256_of(weights[0])
    )
    return {"base": common, "tuned": named}


def served_candidates(endpoint: str, base: str, tuned: str) -> dict[Arm, Candidate]:
    """Who answers where a server does: what it calls its models; their weights' hashes nobody here can know."""
    named: dict[Arm, str] = {"base": base, "tuned": tuned} if tuned else {"base": base}
    return {arm: Candidate(name, arm, endpoint=endpoint, prompt_version=PROMPT_VERSION) for arm, name in named.items()}


def open_study(store: StudyStore, name: str) -> Study:
    """Hand out the cases and let the readers in. Raises `UserError` that says what is still missing."""
    study, cases, readers = store.get(name), store.cases(name), store.readers(name)
    answered = store.answered(name)
    short = [case.id for case in cases if len(answered.get(case.id, ())) < 2]
    wrong = "".join(_missing(study, len(cases), len(readers), short))
    if wrong:
        raise UserError(f"The study {name!r} cannot be opened: {wrong}")
    for reader in readers:
        hand_out(store, study, reader)
    return store.set_status(name, "open")


def hand_out(store: StudyStore, study: Study, reader: str) -> None:
    """Draw a reader's order and keep it."""
    orders = store.orders(study.name)
    if reader in orders:
        return
    load: dict[str, int] = {}
    for showings in orders.values():
        for case in {one.case for one in showings}:
            load[case] = load.get(case, 0) + 1
    deck = Deck(
        study.name,
        study.design,
        store.cases(study.name),
        store.answered(study.name),
        load,
        len(store.readers(study.name)),
    )
    store.set_order(study.name, reader, plan(deck, reader))


def add_reader(store: StudyStore, name: str, reader: str) -> str:
    """One more reader, also into a study that is open; the code to give them, which is kept nowhere."""
    code = with_code(new_code, lambda lock: store.add_reader(name, reader, lock))
    study = store.get(name)
    if study.status == "open":
        hand_out(store, study, reader)
    return code


def make_study(store: StudyStore, study: Study) -> str:
    """A new study; its leader's code, which is kept nowhere."""
    return with_code(new_code, lambda lock: store.make(study, lock))


def _missing(study: Study, cases: int, readers: int, short: list[str]) -> Iterator[str]:
    if study.status == "closed":
        yield "it is closed. "
    if cases == 0:
        yield "it has no cases ('study cases'). "
    if readers == 0:
        yield "it has no readers ('study readers'). "
    if short:
        yield f"{len(short)} of {cases} cases have fewer than two answers, such as {short[0]!r} ('study run'). "
