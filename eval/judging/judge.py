"""A judge's scores of a run's answers: `python -m eval judge RUN --endpoint URL --model JUDGE --rubric llava-med`."""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from eval import serving
from eval.judging import cases as judge_cases
from eval.judging import summary as judge_summary
from eval.judging.cases import Asked
from eval.serving import positive
from medvlm import __version__, scores
from medvlm.chat import whole
from medvlm.errors import ConfigError, UserError
from medvlm.judging import records
from medvlm.judging.judgement import Ask, judged
from medvlm.judging.records import Judged, JudgeFiles, JudgeInfo, Order
from medvlm.judging.rubrics import DETERMINISTIC, LOW_TEMPERATURE, PROMPT_VERSION, RUBRICS, SYSTEM, JudgeCase, Rubric
from medvlm.judging.scoring import pooled_scores, scored
from medvlm.scores import Run
from medvlm.types import ChatModel, Conversation, Decoding

PRESETS: dict[str, Decoding] = {"deterministic": DETERMINISTIC, "low-temperature": LOW_TEMPERATURE}
NO_JUDGE = (
    "There is no judge: nano is far too small to judge answers, so it does not. Give a server's address with "
    "--endpoint and the judge's name there with --model. Free text about drawn pictures is scored without a judge by "
    "`python -m eval truth RUN`."
)
FAILURES = 3  # cases in a row that cannot be asked: then the server is gone, and the next call goes on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the folder of a finished run")
    parser.add_argument("--model", help="what the server calls the judge")
    parser.add_argument("--rubric", choices=tuple(RUBRICS), default="llava-med")
    parser.add_argument("--judge", default="first", help="a label for this judge's files, such as: second")
    parser.add_argument("--decoding", choices=tuple(PRESETS), help="instead of the rubric's own")
    parser.add_argument("--against", type=Path, help="pairwise: the run whose answers stand first")
    parser.add_argument("--context", type=Path, help="captions and mentions: JSON Lines, as make-chat writes them")
    parser.add_argument("--limit", type=positive, help="a trial: only the first so many cases")
    serving.add_arguments(parser, "the judge", at_once=4)
    parser.add_argument(
        "--audit", type=int, default=0, metavar="N", help="the first N cases also in the other order, and once more"
    )


def run(chosen: argparse.Namespace) -> int:
    """Judge, and print what came of it."""
    if chosen.endpoint is None or chosen.model is None:
        raise ConfigError(NO_JUDGE)
    model = serving.model(chosen, chosen.model)
    rubric = RUBRICS[chosen.rubric]
    if chosen.decoding is not None:
        rubric = replace(rubric, decoding=PRESETS[chosen.decoding])
    where = records.files(chosen.run, chosen.rubric, chosen.judge)
    job = Job(scores.read_finished(chosen.run), rubric, where, chosen.limit, chosen.audit, chosen.at_once)
    against = scores.read_finished(chosen.against) if chosen.against else None
    print("\n".join(judge(job, model, chosen.endpoint, chosen.context, against)))
    return 0


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What is judged, by which rubric, and where it is kept.

    `audit`: so many cases are asked in more ways; `at_once`: so many are in flight.
    """

    run: Run
    rubric: Rubric
    where: JudgeFiles
    limit: int | None = None
    audit: int = 0
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """One judgement that is due."""

    asked: Asked
    case: JudgeCase
    order: Order
    repeat: int

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.asked.sample_id, self.asked.arm, self.order, self.repeat


def judge(
    job: Job, model: ChatModel, endpoint: str, context: Path | None = None, against: Run | None = None
) -> list[str]:
    """Judge what is not judged yet, write scores and summary; lines to read. Raises UserError."""
    records.begin(job.where, described(job, model, endpoint))
    told = judge_cases.contexts(job.run, context)
    cases = judge_cases.cases(job.run, job.rubric, told, against)[: job.limit]
    missed = put(job, list(turns(job, cases)), asking(model))
    return written(job, {one.sample_id: one.cluster for one in cases}, missed)


def asking(model: ChatModel) -> Ask:
    """A ChatModel as judgements ask it; judges have one arm."""

    def ask(conversation: Conversation, decoding: Decoding) -> str:
        return whole(model, conversation, "base", decoding).text

    return ask


def described(job: Job, model: ChatModel, endpoint: str) -> JudgeInfo:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return JudgeInfo(
        job.where.judge, model.name, endpoint, job.rubric.name, job.rubric.decoding, PROMPT_VERSION, SYSTEM, now,
        f"MedVLM {__version__}",
    )  # fmt: skip


def turns(job: Job, cases: Sequence[Asked]) -> Iterator[Turn]:
    """All that is asked: each case once, pairs in both orders, the audit's cases swapped and repeated."""
    for number, one in enumerate(cases):
        yield Turn(one, one.case, "forward", 0)
        audited = number < job.audit
        if job.rubric.both_orders or (audited and job.rubric.shape == "two scores"):
            yield Turn(one, swapped(one.case, job.rubric), "swapped", 0)
        if audited:
            yield Turn(one, one.case, "forward", 1)


def swapped(case: JudgeCase, rubric: Rubric) -> JudgeCase:
    """The two answers in each other's place; of two scores, the reference and the answer."""
    if rubric.shape == "two scores":
        return replace(case, reference=case.answer, answer=case.reference)
    return replace(case, answer=case.other, other=case.answer)


def put(job: Job, due: Sequence[Turn], ask: Ask) -> int:
    """Ask what is not there yet; how many could not be asked. Raises UserError once several in a row fail."""
    known = {one.key for one in records.read(job.where)}
    missing = [turn for turn in due if turn.key not in known]
    from eval.asking import Progress  # only here: it brings torch, for which a wrong argument should not wait

    progress = Progress(f"judge, {job.where.stem}", len(due), len(due) - len(missing))
    failed = in_a_row = 0
    with ThreadPoolExecutor(job.at_once) as pool:
        for some in batched(missing, 4 * job.at_once):
            for said in pool.map(lambda turn: one(job.rubric, turn, ask), some):
                if isinstance(said, UserError):
                    failed, in_a_row = failed + 1, in_a_row + 1
                    if in_a_row == FAILURES:
                        raise said
                    continue
                in_a_row = 0
                scores.append(job.where.rows, [records.row(said)])
                progress.tell(1)
    return failed


def batched(due: Sequence[Turn], size: int) -> Iterator[Sequence[Turn]]:
    return (due[start : start + size] for start in range(0, len(due), size))


def one(rubric: Rubric, turn: Turn, ask: Ask) -> Judged | UserError:
    """One judgement, or why the server gave none."""
    try:
        judgement = judged(repeated(rubric, turn.repeat), turn.case, ask)
    except UserError as error:
        return error
    return Judged(turn.asked.sample_id, turn.asked.arm, turn.order, turn.repeat, judgement)


def repeated(rubric: Rubric, repeat: int) -> Rubric:
    """The same with another seed, so that a judge that draws can say something else."""
    return replace(rubric, decoding=replace(rubric.decoding, seed=rubric.decoding.seed + 100 * repeat))


def written(job: Job, clusters: dict[str, str], missed: int) -> list[str]:
    """Scores, pooled scores and the summary; its lines."""
    kept = records.read(job.where)
    given = scored(kept, job.where.prefix, job.rubric.shape)
    scores.write_rows(job.where.scores, map(scores.row_of, given))
    pool(job)
    summary = judge_summary.summary(job.run, job.rubric, kept, given, job.where.prefix, clusters)
    scores.write(job.where.summary, summary)
    lines = judge_summary.lines(summary)
    if missed:
        lines.append(f"{missed} cases could not be asked; the same command asks them again.")
    return [*lines, str(job.where.scores)]


def pool(job: Job) -> None:
    """Where several judges gave points by this rubric: their mean and deviation, answer by answer."""
    others = [one for one in records.found(job.where.run) if one.rubric == job.where.rubric]
    if job.rubric.shape == "one score" and len(others) > 1:
        made = pooled_scores([records.read(one) for one in others], f"judge_{job.rubric.name}_pooled".replace("-", "_"))
        scores.write_rows(job.where.run / f"scores.judge.{job.rubric.name}.pooled.jsonl", map(scores.row_of, made))
