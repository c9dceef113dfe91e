"""Who does the work: processes on this machine, or Ray on many. Both say which batches were not finished."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import Any

from medvlm.errors import ConfigError, DatasetError
from train.corpus.parts import Batch, make

# Does batches in any order; gives back each, finished or not (its process was killed, or gave no answer in time).
Engine = Callable[[Sequence[Batch]], Iterator[Batch]]


def here(batches: Sequence[Batch]) -> Iterator[Batch]:
    """One after the other, in this very process."""
    for batch in batches:
        make(batch)
        yield batch


def processes(count: int, seconds: float = 300.0) -> Engine:
    """A process of its own for each batch, `count` at a time, so that a file that crashes its reader takes none along.

    `seconds`: how long one paper may take before its process is ended.
    """

    def run(batches: Sequence[Batch]) -> Iterator[Batch]:
        # Forked from a server that has imported everything and runs no threads: cheap, and safe to fork.
        context = get_context("forkserver")
        context.set_forkserver_preload(["train.corpus.parts", "train.corpus.pdf"])
        waiting, running = list(reversed(batches)), dict[int, tuple[Any, Batch, float]]()
        try:
            while waiting or running:
                while waiting and len(running) < count:
                    batch = waiting.pop()
                    process = context.Process(target=make, args=(batch,))
                    process.start()
                    running[process.sentinel] = process, batch, time.monotonic() + seconds * len(batch.papers)
                wait(list(running), timeout=1.0)
                for sentinel, (process, batch, until) in list(running.items()):
                    if process.is_alive() and time.monotonic() > until:
                        process.kill()
                        process.join()
                    if not process.is_alive():
                        process.join()
                        del running[sentinel]
                        _sound(process.exitcode)
                        yield batch
        finally:
            for process, _, _ in running.values():
                process.kill()
                process.join()

    return run


def _sound(code: int | None) -> None:
    """A process that a signal ended died of what it read; one that gave up by itself could not work at all."""
    if code is not None and code > 0:
        raise DatasetError("A process could not do its work: what it said is above. Begin again with the same command.")


def ray(address: str = "") -> Engine:
    """Ray's tasks, on the cluster at `address` or on this machine. All machines must see papers and output folder.

    Raises ConfigError where Ray is not installed.
    """
    try:
        import ray as cluster  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise ConfigError(
            "The engine 'ray' needs Ray, which is not installed: `.venv/bin/pip install ray==2.60.0`. "
            "On one machine, leave --engine out: processes do the same."
        ) from error

    def run(batches: Sequence[Batch]) -> Iterator[Batch]:
        cluster.init(address=address or None, ignore_reinit_error=True, include_dashboard=False)
        task = cluster.remote(max_retries=0, max_calls=1)(make)
        left = {task.remote(batch): batch for batch in batches}
        while left:
            (ready,), _ = cluster.wait(list(left), num_returns=1)
            with suppress(cluster.exceptions.WorkerCrashedError):  # the caller sees that it is not done
                cluster.get(ready)
            yield left.pop(ready)

    return run
