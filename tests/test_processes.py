"""Several processes train as one does: the same losses, one checkpoint, and they end together whatever happens."""

import json
import os
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from medvlm.errors import ConfigError
from medvlm.model import LocalModel
from tests import dry_runs, tiny_models
from train import processes, recipe, running
from train.batches import plan
from train.examples import mixture
from train.learning import TrainingError, learn, whole
from train.material import prepare_material
from train.parts import prepare
from train.recipe import Recipe

# Two processes and their sums in another order: what float32 leaves of a loss near 5.
FLOAT_ERROR = 2e-4


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_model(tmp_path_factory.mktemp("base"), "llava", spread=0.1)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return dry_runs.data(tmp_path_factory.mktemp("data"), rows=14)


def small(base: Path, address: str, gpus: int, sharding: str = "none") -> Recipe:
    """Three steps an epoch, four passes a step in all processes together, and a look at the validation loss."""
    one = replace(recipe.read("seed002-single"), name="small")
    made = dry_runs.tiny(one, base, address, epochs=2.0, steps=None, accumulation=4 // gpus, warmup_steps=0, rate=3e-3)
    return replace(
        made,
        lora=replace(made.lora, dropout=0.0),
        machine=replace(made.machine, precision="fp32", gpus=gpus, sharding=sharding),
        data=replace(made.data, validation=address, validation_limit=2),
        keeping=replace(made.keeping, evaluate_every=3, every=2, metric="loss", task=None, best=False, features_gb=0.0),
    )


class Pair:
    """Two processes that run the same; each begins with everything imported, and writes what it says to a file."""

    def __init__(self, work: Callable[[], object], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.files = [folder / f"process-{n}.txt" for n in (0, 1)]
        self.ids = [self._start(work, n, port) for n in (0, 1)]

    def _start(self, work: Callable[[], object], number: int, port: int) -> int:
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            sys.stdout = sys.stderr = self.files[number].open("w", buffering=1)
            warnings.resetwarnings()
            warnings.simplefilter("ignore")  # torch.distributed names retired things when it is imported
            torch.set_num_threads(1)  # a forked process has no threads but its own
            places = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "MASTER_PORT": port}
            os.environ.update({name: str(value) for name, value in places.items()}, MASTER_ADDR="127.0.0.1")
            os.environ["OMP_NUM_THREADS"] = "1"
            work()
            processes.leave()
            code = 0
        except Exception:
            traceback.print_exc()
        except SystemExit as error:
            print(f"stops: {error}")
        finally:
            os._exit(code)

    def ended(self) -> list[int]:
        """Their exit states, negative for a signal."""
        return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in self.ids]

    def said(self) -> list[str]:
        return [file.read_text() for file in self.files]


def curve(runs: Path) -> list[tuple[int, str, float]]:
    """Step, kind and value of every loss in a run's journal."""
    lines = [json.loads(line) for line in (runs / "small" / "log.jsonl").read_text().splitlines()]
    return [(line["step"], kind, line[kind]) for line in lines for kind in ("loss", "validation_loss") if kind in line]


@pytest.fixture(scope="module")
def alone(base: Path, address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of one process."""
    runs = tmp_path_factory.mktemp("alone")
    running.run_one(small(base, address, 1), runs, quiet=True)
    return runs


def test_the_plan_of_a_step_is_the_same_however_many_processes_share_it() -> None:
    lengths, answered = list(range(40, 60)), list(range(1, 21))
    passes = plan(lengths, answered, [list(range(20))], step=4, parts=4)
    shares = [passes[rank::2] for rank in (0, 1)]
    assert len(shares[0]) == len(shares[1]) == 10
    for step in range(5):
        together = [one for share in shares for one in share[2 * step : 2 * step + 2]]
        assert {one.answered for one in together} == {sum(answered[n] for one in together for n in one.sequences)}


@pytest.mark.parametrize("sharding", ["none", "fsdp"])
def test_two_processes_learn_what_one_does_and_go_on_after_being_stopped(
    sharding: str, base: Path, address: str, alone: Path, tmp_path: Path
) -> None:
    """DDP and FSDP; SIGTERM reaches only one of the two, and both save and stop."""
    one = small(base, address, 2, sharding)
    pair = Pair(lambda: running.run_one(one, tmp_path, quiet=True), tmp_path)
    until = time.monotonic() + 300
    while not whole(tmp_path / "small" / "checkpoints") and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(pair.ids[1], signal.SIGTERM)
    assert pair.ended() == [1, 1], pair.said()
    assert "stopped and saved" in pair.said()[0] and "Traceback" not in "".join(pair.said())
    assert not (tmp_path / "small" / "done.json").exists()
    again = Pair(lambda: running.run_one(one, tmp_path, quiet=True), tmp_path)
    assert again.ended() == [0, 0], again.said()
    assert [point[:2] for point in curve(tmp_path)] == [point[:2] for point in curve(alone)]
    assert [point[2] for point in curve(tmp_path)] == pytest.approx([p[2] for p in curve(alone)], abs=FLOAT_ERROR)
    adapter = tmp_path / "small" / "adapter"
    a, b = (load_file(folder / "adapter_model.safetensors") for folder in (adapter, alone / "small" / "adapter"))
    assert a.keys() == b.keys() and all(a[name].shape == b[name].shape for name in a)
    assert all(torch.allclose(a[name], b[name], atol=2e-3) for name in a)
    assert LocalModel.load(str(base), str(adapter), device="cpu", self_check=False).arms == ("base", "tuned")
    with pytest.raises(ConfigError, match=r"begun with 2 processes.*machine.gpus=2"):
        running.run_one(small(base, address, 1), tmp_path, quiet=True)


def flawed(base: Path, address: str, runs: Path, flaw: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """A run whose third batch in the second process is spoilt."""
    one = small(base, address, 2)
    processes.join(one)
    mixed = mixture(one.data, 0)
    learned = prepare(one, base, None)
    (runs / "small").mkdir(exist_ok=True)
    material = prepare_material(one, learned, mixed, runs / "small", 4)
    collated, made = material.collator, []

    def collator(*given: object) -> dict[str, object]:
        made.append(collated(*given))  # type: ignore[arg-type]
        return flaw(made[-1]) if processes.rank() == 1 and len(made) == 3 else made[-1]

    record = running.info(one, learned, mixed.labels)
    learn(one, learned, replace(material, collator=collator), 4, record, runs / "small", quiet=True)  # type: ignore[arg-type]


def no_number(batch: dict[str, object]) -> dict[str, object]:
    return batch | {"answered": torch.tensor(float("nan"))}


def no_memory(batch: dict[str, object]) -> dict[str, object]:
    raise torch.OutOfMemoryError("no room left")


def test_what_goes_wrong_in_one_process_ends_both(base: Path, address: str, tmp_path: Path) -> None:
    """A loss that is no number: one message. A lack of memory: the other does not wait for what never comes."""

    def work() -> None:
        try:
            flawed(base, address, tmp_path, no_number)
        except TrainingError as error:
            print(f"said: {error}")
        except SystemExit:
            print("nothing to say")
        print("again")
        flawed(base, address, tmp_path, no_memory)

    pair = Pair(work, tmp_path)
    assert pair.ended() == [1, 1]
    first, second = (said.split("again\n") for said in pair.said())
    assert "said: The loss is nan at step 2, with row-" in second[0]
    assert first[0].endswith("nothing to say\n") and "nan" not in first[0]
    assert "no room left" in second[1]
    assert "another one ended" in first[1] and "Traceback" not in first[1]


def test_after_a_lack_of_memory_several_processes_go_on_with_smaller_passes(
    base: Path, address: str, tmp_path: Path
) -> None:
    one = replace(small(base, address, 2), learning=replace(small(base, address, 2).learning, batch=2))
    assert running.passes_a_step(one, tmp_path) == 4
    parts = running.smaller(one, 4, MemoryError("x"))
    assert parts == 8 and parts % one.machine.gpus == 0
    assert "the same command goes on" in str(running.next_time(tmp_path, parts, MemoryError("x")))
    assert running.passes_a_step(one, tmp_path) == 8


def test_a_recipe_for_several_gpus_says_how_it_is_started(base: Path, address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"for 2 GPUs \(fsdp\) and runs in one process.*python -m train launch"):
        running.run_one(small(base, address, 2, "fsdp"), tmp_path, quiet=True)
