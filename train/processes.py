"""Processes that train one recipe together: who they are, what all of them must agree on, and weights that they share.

torchrun and `accelerate launch` say by environment variables how many there are. torch.distributed is imported only
where there is more than one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from medvlm.engine.loading import choose_device
from medvlm.errors import ConfigError
from train.recipe import Recipe

# How long the others wait for one that prepares alone, such as the first putting a base together.
PATIENCE = timedelta(hours=1)
# What gloo and NCCL say of a connection whose other end is gone.
LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "remote process has terminated")


def count() -> int:
    """How many processes train together; 1 without a launcher."""
    return int(os.environ["WORLD_SIZE"]) if "LOCAL_RANK" in os.environ else 1


def rank() -> int:
    """This process's number, from 0."""
    return int(os.environ["RANK"]) if "LOCAL_RANK" in os.environ else 0


def first() -> bool:
    """Whether this is the one that writes and speaks for all."""
    return rank() == 0


def say(text: str) -> None:
    """Print once, however many processes there are."""
    if first():
        print(text, flush=True)


def join(recipe: Recipe) -> None:
    """Meet the other processes. Raises ConfigError where the recipe is for another number of them."""
    if count() != recipe.machine.gpus:
        raise ConfigError(wrong_number(recipe))
    if count() == 1:
        return
    from train import launching

    launching.agree_or_raise(recipe)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    else:
        # One core each: processes that all take every core wait for each other.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if not torch.distributed.is_initialized():
        backend = "cuda:nccl,cpu:gloo" if torch.cuda.is_available() else "gloo"
        torch.distributed.init_process_group(backend, timeout=PATIENCE)
    _talk()


def wrong_number(recipe: Recipe) -> str:
    """What to do where a recipe runs in another number of processes than it is for."""
    gpus = recipe.machine.gpus
    if gpus == 1:
        return (
            f"{recipe.name} is for one GPU and runs in {count()} processes. Give machine.gpus={count()}, and "
            "machine.sharding where the weights do not fit on one."
        )
    return (
        f"{recipe.name} is for {gpus} GPUs ({recipe.machine.sharding}) and runs in "
        f"{'one process' if count() == 1 else f'{count()} processes'}. `python -m train launch` with the same words "
        "says the line that starts it. On one GPU: machine.gpus=1 machine.sharding=none, with machine.precision=nf4 "
        "if memory is short; learning.accumulation times the number left out makes the same steps."
    )


def leave() -> None:
    """Part from the others when all is done."""
    if count() > 1 and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
        _talk.cache_clear()


def device(recipe: Recipe) -> torch.device:
    """Where weights are loaded: what is going to be sharded waits in main memory, and comes onto the GPU in pieces."""
    if count() == 1:
        return choose_device("auto")
    if recipe.machine.sharding in ("fsdp", "zero3") or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))


@cache
def _talk() -> Any:
    """A group on the CPU for words between processes: it neither waits for a GPU's work nor disturbs it."""
    return torch.distributed.new_group(backend="gloo", timeout=PATIENCE)


def flags(mine: bool) -> list[bool]:
    """Everyone's answer to one question, by rank."""
    if count() == 1:
        return [mine]
    said = torch.zeros(count(), dtype=torch.uint8)
    said[rank()] = mine
    torch.distributed.all_reduce(said, group=_talk())
    return [bool(one) for one in said]


@contextmanager
def together() -> Iterator[None]:
    """What every process does, each for itself. When it fails in one, all stop, and the first of those raises.

    The others leave with SystemExit, so that the message is printed once. Blocks must not stand inside each other, and
    nothing inside may wait for other processes.
    """
    failed: Exception | None = None
    try:
        yield
    except Exception as error:
        failed = error
    everyone = flags(failed is not None)
    if failed is not None and everyone.index(True) == rank():
        raise failed
    if any(everyone):
        raise SystemExit(1)


@contextmanager
def others_may_end() -> Iterator[None]:
    """Leave where another process is gone in the middle of a step, whose own message says why."""
    try:
        yield
    except RuntimeError as error:
        if count() > 1 and any(word in str(error) for word in LOST):
            raise SystemExit(
                f"Process {rank()} stops because another one ended; that one's message says why."
            ) from None
        raise


def whole(tensor: Tensor) -> Tensor:
    """A tensor of which every process holds a part, put together in all of them; any other as it is."""
    full: Any = getattr(tensor, "full_tensor", lambda: tensor)
    found: Tensor = full()
    return found


def sharded(model: nn.Module) -> bool:
    """Whether the processes each hold parts of its weights (FSDP)."""
    return any(hasattr(parameter, "full_tensor") for parameter in model.parameters())


def weights(model: nn.Module, frozen: bool) -> dict[str, Tensor]:
    """The weights of a sharded model by name, in main memory of the first process (the others get none of them).

    All processes must call it. `frozen`: also those that take no steps; LoRA is there in any case.
    """
    for module in model.modules():
        cut_up: Any = getattr(module, "reshard", None)
        if cut_up is not None:  # after a look at the validation loss, some lie about whole
            cut_up()
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    found = {}
    for name, tensor in model.state_dict().items():
        if frozen or name in trained or ".lora_" in name or ".modules_to_save." in name:
            one = whole(tensor)
            if first():
                found[name] = one.cpu()
    return found


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """An optimiser's state as one process would have it; all must call it."""
    state = optimizer.state_dict()
    put = {n: {key: whole(v).cpu() for key, v in one.items()} for n, one in state["state"].items()}
    return {**state, "state": put}


def give_moments(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """What `moments` gave, each process its parts; all must call it with the same state."""
    from torch.distributed.tensor import distribute_tensor

    parameters: list[Any] = [one for group in optimizer.param_groups for one in group["params"]]
    for number, one in state["state"].items():
        like = parameters[number]
        if hasattr(like, "full_tensor"):
            for key, value in one.items():
                if value.dim():
                    one[key] = distribute_tensor(
                        value.to(like.device), like.device_mesh, like.placements, src_data_rank=None
                    )
    optimizer.load_state_dict(state)


def configure(state: Any, layer: str, recipe: Recipe) -> None:
    """Tell accelerate's state what is shared in FSDP: layers of that class one by one, everything else as one.

    On the CPU accelerate shares nothing by itself; its FSDP2 works there all the same, through gloo.
    """
    from accelerate.utils import (  # type: ignore[import-untyped]
        DistributedType,
        FullyShardedDataParallelPlugin,
    )
    from torch.distributed.fsdp import MixedPrecisionPolicy

    plugin = getattr(state, "fsdp_plugin", None) or FullyShardedDataParallelPlugin()
    plugin.transformer_cls_names_to_wrap = [layer]
    if recipe.machine.precision != "fp32":
        # Weights travel and compute in 16 bits, gradients are summed up in 32; the loss stays as it is.
        plugin.mixed_precision_policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    state.fsdp_plugin, state.distributed_type = plugin, DistributedType.FSDP
