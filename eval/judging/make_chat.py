"""A chat test of one's own: `python -m eval make-chat FOLDER --pairs FILE --endpoint URL --model TEACHER`.

As LLaVA-Med made its test: unseen captioned pictures; questions by the teacher from caption and mentions, and one from
a fixed list that asks for a detailed description; the teacher's answers as references.
"""

import argparse
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from eval import serving
from eval.judging import chat_pairs, chat_prompts
from eval.judging.chat_pairs import CaptionedPicture
from medvlm import exchanges, scores
from medvlm.datasets.drawn_chat import ACCOUNTS, CONVERSATION, DETAILED
from medvlm.errors import ConfigError
from medvlm.scores import Record
from medvlm.teacher import Teacher
from medvlm.types import ChatModel, Decoding

QUESTIONS_FILE, REPLIES = "chat.jsonl", Path("teacher") / "replies.jsonl"
NO_TEACHER = (
    "There is no teacher: nano cannot write a test. Give a server's address with --endpoint and the teacher's name "
    "there with --model."
)
TRIES = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="where the test is written; a data set of one's own")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--pairs", type=Path, help=f"CSV or JSONL with {chat_pairs.COLUMNS}")
    source.add_argument("--phantoms", type=int, metavar="N", help="N drawn pictures a domain, with their captions")
    parser.add_argument(
        "--seen", type=Path, nargs="*", default=(), help="files of training data: their pairs are left out"
    )
    serving.add_arguments(parser, "the teacher", at_once=4)
    parser.add_argument("--model", help="what the server calls the teacher")
    parser.add_argument("--count", type=int, default=50, help="pictures (default: %(default)s)")
    parser.add_argument(
        "--questions", type=int, default=3, help="of the conversation, a picture (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)


def run(chosen: argparse.Namespace) -> int:
    if chosen.endpoint is None or chosen.model is None:
        raise ConfigError(NO_TEACHER)
    count = chosen.count
    if chosen.phantoms is not None:
        pairs = list(chat_pairs.drawn(chosen.phantoms, FIRST_PHANTOM))
        count = min(count, len(pairs))
    else:
        pairs = list(chat_pairs.from_file(chosen.pairs))
    picked = chat_pairs.unseen(pairs, chat_pairs.Seen(chosen.seen), count, chosen.seed)
    teacher = serving.model(chosen, chosen.model)
    made = make(chosen.folder, picked, teacher, chosen.questions, chosen.seed, chosen.at_once)
    print("\n".join(made))
    return 0


FIRST_PHANTOM = 5000  # seeds that no other test uses


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the test, still without its reference."""

    id: str
    kind: str
    text: str


def make(
    folder: Path, pairs: Sequence[CaptionedPicture], model: ChatModel, wanted: int, seed: int, at_once: int = 1
) -> list[str]:
    """Write the test, `at_once` pictures asked about side by side; what was made in lines.

    Killed anywhere, the next call goes on. Raises UserError.
    """
    from eval.asking import Progress  # only here: it brings torch, for which a wrong argument should not wait

    made: list[Record] = []
    progress, without, unanswered = Progress("make-chat", len(pairs), 0), 0, 0
    with (
        Teacher(model, folder / REPLIES, chat_prompts.PROMPT_VERSION) as teacher,
        ThreadPoolExecutor(at_once) as pool,
    ):
        for rows, asked in pool.map(lambda pair: of_picture(folder, teacher, pair, wanted, seed), pairs):
            made += rows
            without += asked == 1
            unanswered += asked - len(rows)
            progress.tell(1)
    path = scores.write_rows(folder / QUESTIONS_FILE, made)
    return [*told(made, without, unanswered), str(path)]


def of_picture(
    folder: Path, teacher: Teacher, pair: CaptionedPicture, wanted: int, seed: int
) -> tuple[list[Record], int]:
    """The rows about one picture, and how many questions there were: one has no conversation."""
    keep_picture(folder, pair)
    asked = [*conversation(teacher, pair, wanted), detailed(pair, seed)]
    answers = [(question, answer(teacher, pair, question)) for question in asked]
    return [row(pair, question, text) for question, text in answers if text is not None], len(asked)


def told(made: Sequence[Record], without: int, unanswered: int) -> list[str]:
    kinds = {kind: sum(one["kind"] == kind for one in made) for kind in (CONVERSATION, DETAILED)}
    lines = [f"{len(made)} questions: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items())]
    if without:
        lines.append(f"{without} pictures have no conversation: the teacher's questions could not be read, twice.")
    if unanswered:
        lines.append(
            f"{unanswered} questions were left out: their references were empty or spoke of the caption, twice."
        )
    return lines


def keep_picture(folder: Path, pair: CaptionedPicture) -> None:
    if pair.picture is not None:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        (folder / "pictures" / pair.name).write_bytes(pair.picture)


def conversation(teacher: Teacher, pair: CaptionedPicture, wanted: int) -> list[Question]:
    """The teacher's questions; asked once more where none can be read."""
    for attempt in range(TRIES):
        decoding = with_seed(chat_prompts.QUESTIONS, attempt)
        asked = chat_prompts.for_questions(pair.caption, pair.mentions, wanted)
        found = chat_prompts.questions_in(teacher.ask(asked, decoding))[:wanted]
        if found:
            return [Question(f"{pair.id}-{n}", CONVERSATION, text) for n, (text, _) in enumerate(found, 1)]
    return []


def with_seed(decoding: Decoding, seed: int) -> Decoding:
    return Decoding(decoding.temperature, decoding.top_p, decoding.max_tokens, seed, decoding.seconds)


def detailed(pair: CaptionedPicture, seed: int) -> Question:
    text = random.Random(f"{seed} {pair.id}").choice(ACCOUNTS)
    return Question(f"{pair.id}-detailed", DETAILED, text)


def answer(teacher: Teacher, pair: CaptionedPicture, question: Question) -> str | None:
    """The teacher's reference; None where it is empty or gives away that it was made from text, twice."""
    for attempt in range(TRIES):
        asked = chat_prompts.for_reference(pair.caption, pair.mentions, question.text)
        reply = teacher.ask(asked, with_seed(chat_prompts.REFERENCE, attempt))
        if reply.strip() and not exchanges.GIVEAWAYS.search(reply):
            return reply.strip()
    return None


def row(pair: CaptionedPicture, question: Question, reference: str) -> Record:
    """A line that `python -m eval run own:FOLDER` reads as a question, `judge --context` as a caption."""
    return {
        "id": question.id,
        "image": f"pictures/{pair.name}" if pair.picture is not None else "",
        "question": question.text,
        "answer": reference,
        "domain": pair.domain,
        "kind": question.kind,
        "closed": "no",
        "split": "test",
        "caption": pair.caption,
        "mentions": list(pair.mentions),
    }
