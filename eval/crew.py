"""Several processes on one run: `accelerate launch --num_processes 2 -m eval run ...`; alone, nothing changes."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Crew:
    """This process among those that answer together. `wait` returns when all have called it."""

    index: int
    count: int
    device: torch.device | None
    wait: Callable[[], None]

    @property
    def first(self) -> bool:
        return self.index == 0

    def takes(self, number: int) -> bool:
        """Whether window `number` is this process's to answer."""
        return number % self.count == self.index


ALONE = Crew(0, 1, None, lambda: None)


def crew(device: str = "auto") -> Crew:
    """The processes that `accelerate launch` or `torchrun` started; otherwise this one alone.

    Each takes a CUDA device of its own where there are any and `device` is not "cpu".
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return ALONE
    from accelerate import PartialState  # type: ignore[import-untyped]

    state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available())
    return Crew(state.process_index, state.num_processes, state.device, state.wait_for_everyone)
