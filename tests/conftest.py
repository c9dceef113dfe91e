"""What all tests share: fixed seeds, few threads, no network, and the embedded model assembled once."""

import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Set before anything imports a hub client: no test may reach for a network.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def pytest_configure(config: pytest.Config) -> None:
    """Processes that share the tests share the cores, too: threads that wait for a core of another process spin."""
    processes = config.getoption("numprocesses", None) or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, min(2, (os.cpu_count() or 1) // processes))))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Tests about whole files are named by their length: an archive holds the time it was made, and all processes that
    share the tests must name them alike."""
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) and len(val) > 20 else None


# The files that take longest, the longest first (`pytest --durations=40` tells): what begins early is not left
# running alone when everything else has ended.
LONG = (
    "tests/test_train.py",
    "tests/test_demo.py",
    "tests/test_bench.py",
    "tests/test_recipes.py",
    "tests/test_pairing_nano.py",
    "tests/test_model_nano.py",
    "tests/test_preferring.py",
    "tests/test_eval.py",
    "tests/test_eval_run.py",
    "tests/test_forgetting.py",
    "tests/test_sights.py",
    "tests/test_reader.py",
    "tests/test_watching.py",
)


def ring(nodeid: str) -> str:
    """What goes to one process as a whole: the browser ring, whose tests share an app and a Chromium, or a file."""
    file = nodeid.split("::")[0]
    return "tests/browser" if file.startswith("tests/browser/") else file


def turn(nodeid: str) -> int:
    """When a test's ring begins, least first: the browser's, then the long files, then all others as they come."""
    order = ("tests/browser", *LONG)
    return order.index(ring(nodeid)) if ring(nodeid) in order else len(order)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn(item.nodeid))


class Rings(LoadScopeScheduling):
    """One process has the whole browser ring; the rest goes file by file to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return ring(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return Rings(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked `gpu` run where a CUDA device is, and say so where none is."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device, and torch finds none here")


@pytest.fixture(autouse=True)
def _seeds() -> None:
    """The same random numbers in every test, whatever ran before."""
    random.seed(0)
    np.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _own_temporary_files() -> Iterator[None]:
    """Where temporary files go is the process's own business: a test that runs the app leaves it as it was."""
    kept = {name: os.environ.get(name) for name in ("TMPDIR", "GRADIO_TEMP_DIR")}, tempfile.tempdir
    yield
    for name, value in kept[0].items():
        os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
    tempfile.tempdir = kept[1]


@pytest.fixture(scope="session")
def nano_folder() -> Path:
    """The embedded model, assembled; at once where `make install` has done it."""
    from medvlm.assemble import assemble

    return assemble()


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny model and an adapter for it, written once for all tests that only read them."""
    from tests import tiny_models

    base = tiny_models.write_model(tmp_path_factory.mktemp("base"))
    return base, tiny_models.write_adapter(tmp_path_factory.mktemp("adapter"), base)
