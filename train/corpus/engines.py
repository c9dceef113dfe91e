"""Who does the work: processes on this machine, or Ray on many. Both say which batches were not finished."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import ceil
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
    """`count` processes that take one batch after the other; when a file crashes its reader, its batch alone is lost.

    `seconds`: how long one paper may take before its process is ended.
    """

    def run(batches: Sequence[Batch]) -> Iterator[Batch]:
        waiting = list(reversed(batches))
        workers = [Worker(seconds) for _ in range(min(count, len(waiting)))]
        try:
            for worker in workers:
                worker.give(waiting.pop())
            while any(worker.batch for worker in workers):
                wait([one for worker in workers if worker.batch for one in worker.signs], timeout=1.0)
                for worker in workers:
                    if (done := worker.finished()) is not None:
                        if waiting:
                            worker.give(waiting.pop())
                        yield done
        finally:
            for worker in workers:
                worker.end()

    return run


class Worker:
    """One process and the batch that it is at; another process takes its place when it dies."""

    # Forked from a server that has imported everything and runs no threads: cheap, and safe to fork.
    _context = get_context("forkserver")

    def __init__(self, seconds: float) -> None:
        self._context.set_forkserver_preload(["train.corpus.parts", "train.corpus.pdf"])
        self._seconds = seconds
        self._process: Any = None
        self.batch: Batch | None = None

    @property
    def signs(self) -> tuple[Any, Any]:
        """What becomes ready when it has finished, or has died."""
        return self._ours, self._process.sentinel

    def give(self, batch: Batch) -> None:
        if self._process is None:
            self._ours, theirs = self._context.Pipe()
            self._process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        self._until = time.monotonic() + self._seconds * len(batch.papers)
        self.batch = batch
        self._ours.send(batch)

    def finished(self) -> Batch | None:
        """The batch, once it is done or lost. Raises DatasetError where the process could not work at all."""
        if self.batch is None:
            return None
        if not self._ours.poll():
            if self._process.is_alive() and time.monotonic() < self._until:
                return None
            self.end()
        else:
            self._heard()
        done, self.batch = self.batch, None
        return done

    def _heard(self) -> None:
        """Its word that it is done; or the end of a pipe whose process is gone."""
        try:
            said = self._ours.recv()
        except EOFError:
            self.end()
            return
        if said:
            raise _unable(said)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._ours.close()
            self._process = None


def _serve(pipe: Any) -> None:
    """What a process does until its parent is gone: batches, one by one, and a word on each ("" when all is well)."""
    while True:
        try:
            batch = pipe.recv()
        except EOFError:
            return
        word = ""
        try:
            make(batch)
        except Exception as error:  # whatever it is, the parent says so and stops
            word = f"{type(error).__name__}: {error}"
        with suppress(OSError):  # nobody is there to hear it
            pipe.send(word)


def ray(address: str = "", seconds: float = 300.0) -> Engine:
    """Ray's tasks, on the cluster at `address` or on this machine alone.

    All machines must see this checkout, the papers and the output folder under the same paths. `seconds`: how long one
    paper may take before its task's process is ended. Raises ConfigError where Ray is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers that it runs
    try:
        import ray as cluster  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise ConfigError(
            "The engine 'ray' needs Ray, which is not installed: `.venv/bin/pip install ray==2.60.0`. "
            "On one machine, leave --engine out: processes do the same."
        ) from error
    lost = tuple(getattr(cluster.exceptions, name) for name in ("WorkerCrashedError", "OutOfMemoryError"))

    def run(batches: Sequence[Batch]) -> Iterator[Batch]:
        there = cluster.is_initialized()
        if not there:
            cluster.init(address=address or "local", include_dashboard=False, log_to_driver=False)
        try:
            task = cluster.remote(max_retries=0)(make_in_time)
            left = {task.remote(batch, seconds): batch for batch in batches}
            while left:
                (ready,), _ = cluster.wait(list(left), num_returns=1)
                try:
                    with suppress(*lost):  # the caller sees that it is not done
                        cluster.get(ready)
                except cluster.exceptions.RayTaskError as error:
                    raise _unable(error.cause) from error
                yield left.pop(ready)
        finally:
            if not there:
                cluster.shutdown()

    return run


def make_in_time(batch: Batch, seconds: float) -> None:
    """`make`, in a process that the system ends when it takes longer than so many seconds a paper."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(ceil(seconds * len(batch.papers)))
    try:
        make(batch)
    finally:
        signal.alarm(0)


def _unable(why: object) -> DatasetError:
    return DatasetError(f"A process could not do its work: {why}. Begin again with the same command.")
