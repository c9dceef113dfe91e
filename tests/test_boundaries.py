"""Who may import whom, and what a file may look like: docs/architecture.md, held by reading the code."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from medvlm.paths import ROOT

OURS = ("app", "medvlm", "train", "eval", "tests")
LINES = 320
TEST_LINES = 360  # a test file follows its module's behaviours
DRAWERS = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "misc"}

# A part of the code -> the parts of ours that it may import. The first prefix that fits a module counts.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "app": ("medvlm",),
    "medvlm.types": (),
    "medvlm.errors": (),
    "medvlm.paths": ("medvlm.types", "medvlm.errors"),
    "medvlm": ("medvlm",),
    "train": ("medvlm", "train"),
    "eval": ("medvlm", "eval"),
}

# One door for each outward library: the only parts of the code that import it.
TENSORS = (
    "medvlm.assemble",
    "medvlm.checkpoints",
    "medvlm.engine",
    "medvlm.families",
    "medvlm.model",
    "medvlm.tower",
    "train",
    "eval",
)
DOORS: dict[str, tuple[str, ...]] = {
    "gradio": ("medvlm.ui", "app"),
    "pydicom": ("medvlm.imaging", "medvlm.deidentify"),
    "dicomanonymizer": ("medvlm.deidentify",),
    "rapidocr": ("medvlm.privacy",),
    "nibabel": ("medvlm.imaging",),
    "imagecodecs": ("medvlm.imaging",),
    "sqlalchemy": ("medvlm.ratings",),
    "plotly": ("medvlm.plots",),
    "torch": TENSORS,
    "transformers": TENSORS,
    "peft": TENSORS,
    "bitsandbytes": TENSORS,
    "accelerate": TENSORS,
    "safetensors": TENSORS,
}

# Nothing below `ui` may reach up to it, and the nouns' files reach nowhere.
LAYERS_ABOVE: dict[str, tuple[str, ...]] = {"medvlm.ui": ("medvlm.ui", "app")}

# Libraries that cost seconds or hundreds of megabytes: the page is up before them.
HEAVY = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "scipy", "sklearn")


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement: in which module, of what, and where it stands."""

    module: str
    target: str
    place: str


def within(module: str, part: str) -> bool:
    """Whether a dotted name is a part of the code or lies in it."""
    return module == part or module.startswith(part + ".")


def in_any(module: str, parts: Iterable[str]) -> bool:
    return any(within(module, part) for part in parts)


def sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Every module of ours below a checkout: dotted name and file."""
    for top in OURS:
        files = [root / f"{top}.py"] if (root / f"{top}.py").exists() else sorted((root / top).rglob("*.py"))
        for file in files:
            parts = file.relative_to(root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def targets(node: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """What one import statement names: `from a import b` gives `a.b`, relative ones made absolute."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = module.split(".")[: -node.level or None] if node.level else []
        if node.level and is_package:
            base = module.split(".")[: 1 - node.level or None]
        source = ".".join([*base, *([node.module] if node.module else [])])
        yield from (f"{source}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and loads(node.func):
        # A name that is put together at run time goes unseen; a literal one does not.
        literals = [a.value for a in node.args if isinstance(a, ast.Constant)]
        yield from (name for name in literals if isinstance(name, str))


def loads(function: ast.expr) -> bool:
    """Whether a call is of `__import__` or of somebody's `import_module`."""
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("__import__", "import_module")


@cache
def named(text: str, module: str, is_package: bool) -> tuple[tuple[int, str], ...]:
    """Lines and targets of all imports of a module, also those inside functions."""
    nodes = ast.walk(ast.parse(text))
    return tuple((getattr(n, "lineno", 0), target) for n in nodes for target in targets(n, module, is_package))


def imports(root: Path) -> list[Import]:
    """Every import of every module."""
    found = []
    for module, file in sources(root):
        for line, target in named(file.read_text(encoding="utf-8"), module, file.name == "__init__.py"):
            found.append(Import(module, target, f"{file.relative_to(root)}:{line}"))
    return found


def crossed(root: Path) -> list[str]:
    """Imports that go where they may not, each in a sentence."""
    wrong = []
    for one in imports(root):
        top = one.target.split(".")[0]
        rule = next((part for part in MAY_IMPORT if within(one.module, part)), None)
        if top in OURS and rule is not None and not in_any(one.target, MAY_IMPORT[rule]):
            wrong.append(f"{one.place}: {one.module} may not import {one.target}")
        for above, users in LAYERS_ABOVE.items():
            if within(one.target, above) and not in_any(one.module, (*users, "tests")):
                wrong.append(f"{one.place}: {one.module} reaches up to {one.target}")
        if top in DOORS and not in_any(one.module, (*DOORS[top], "tests")):
            wrong.append(f"{one.place}: only {', '.join(DOORS[top])} may import {top}, not {one.module}")
    return wrong


def lines_to_read(text: str, tree: ast.Module) -> int:
    """Lines of a file without the tables at its top level: a list of wordings is as long as it must be."""
    tables = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    return len(text.splitlines()) - sum((node.end_lineno or node.lineno) - node.lineno for node in tables)


def misshapen(root: Path) -> list[str]:
    """Files that are too long, drawers, and modules that do not say what they are for."""
    wrong = []
    for module, file in sources(root):
        tree = ast.parse(text := file.read_text(encoding="utf-8"))
        most = TEST_LINES if within(module, "tests") else LINES
        if (lines := lines_to_read(text, tree)) > most:
            wrong.append(f"{file.relative_to(root)} has {lines} lines, more than {most}: it holds more than one noun")
        if DRAWERS & set(module.split(".")):
            wrong.append(f"{file.relative_to(root)} is named as a drawer; name it after what is in it")
        if text.strip() and ast.get_docstring(tree) is None:
            wrong.append(f"{file.relative_to(root)} has no docstring that says what it is for")
    return wrong


def test_imports_go_only_where_they_may() -> None:
    assert crossed(ROOT) == []


def test_every_file_is_small_named_and_introduced() -> None:
    assert misshapen(ROOT) == []


def test_the_code_was_seen() -> None:
    modules = {module for module, _ in sources(ROOT)}
    assert {"app", "medvlm.types", "medvlm.imaging", "tests.test_boundaries"} <= modules
    seen = {(one.module, one.target) for one in imports(ROOT)}
    assert ("tests.test_boundaries", "medvlm.paths.ROOT") in seen
    assert ("tests.conftest", "medvlm.assemble.assemble") in seen, "imports inside functions count as well"


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("app.py", "import train.loop", "app may not import train.loop"),
        ("medvlm/chat.py", "def f():\n    from eval import run", "medvlm.chat may not import eval.run"),
        ("medvlm/chat.py", "import importlib\nimportlib.import_module('train.loop')", "may not import train.loop"),
        ("medvlm/types.py", "from medvlm.chat import f", "medvlm.types may not import medvlm.chat.f"),
        ("medvlm/types.py", "from . import chat", "medvlm.types may not import medvlm.chat"),
        ("train/loop.py", "from eval.nano.tasks import TASKS", "train.loop may not import eval.nano.tasks.TASKS"),
        ("eval/nano/tasks.py", "import train", "eval.nano.tasks may not import train"),
        ("medvlm/chat.py", "from medvlm.ui import layout", "reaches up to medvlm.ui.layout"),
        ("medvlm/chat.py", "import gradio as gr", "only medvlm.ui, app may import gradio"),
        ("medvlm/chat.py", "from pydicom.dataset import Dataset", "may import pydicom"),
        ("medvlm/ui/scores.py", "import plotly.express", "may import plotly"),
        ("medvlm/imaging/window.py", "import torch.nn", "may import torch"),
        ("medvlm/modelling.py", "import torch", "may import torch"),
        ("train/loop.py", "import tests.fakes", "train.loop may not import tests.fakes"),
    ],
)
def test_a_crossing_is_found(tmp_path: Path, file: str, text: str, says: str) -> None:
    for name in ("app.py", "medvlm/chat.py", file):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('"""Fine."""\nimport numpy\n')
    assert crossed(tmp_path) == []
    (tmp_path / file).write_text(text)
    (wrong,) = crossed(tmp_path)
    assert says in wrong and file in wrong


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("medvlm/chat.py", '"""Chat."""\n' + "\n" * LINES, "more than 320"),
        ("medvlm/chat.py", '"""Chat."""\nT = [\n    1,\n]\n' + "\n" * LINES, "more than 320"),
        ("tests/test_chat.py", '"""Chat."""\n' + "\n" * TEST_LINES, "more than 360"),
        ("medvlm/ui/helpers.py", '"""Help."""\n', "drawer"),
        ("eval/utils/text.py", '"""Text."""\n', "drawer"),
        ("medvlm/chat.py", "x = 1\n", "no docstring"),
    ],
)
def test_a_misshapen_file_is_found(tmp_path: Path, file: str, text: str, says: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text)
    (wrong,) = misshapen(tmp_path)
    assert says in wrong


def test_a_long_table_is_no_long_file(tmp_path: Path) -> None:
    (tmp_path / "medvlm").mkdir()
    (tmp_path / "medvlm" / "words.py").write_text('"""Words."""\nWORDS = (\n' + "    'word',\n" * 400 + ")\n")
    assert misshapen(tmp_path) == []


def loaded_by(*groups: Iterable[str], heavy: tuple[str, ...] = HEAVY) -> list[set[str]]:
    """Which heavy libraries a fresh process holds after each of these groups of modules, imported one after another."""
    code = (
        f"import sys\nfor modules in {[list(group) for group in groups]!r}:\n    for m in modules: __import__(m)\n"
        f"    print(*(set({heavy!r}) & sys.modules.keys()))"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return [set(line.split()) for line in process.stdout.splitlines()]


def test_neither_modules_outside_the_tensor_layer_nor_command_lines_nor_the_page_load_anything_heavy() -> None:
    light = [m for m, _ in sources(ROOT) if within(m, "medvlm") and not in_any(m, (*TENSORS, "medvlm.ui"))]
    pages = ["app", *(module for module, _ in sources(ROOT) if within(module, "medvlm.ui"))]
    # In one process: whatever loads something heavy shows from its group on.
    assert loaded_by(light, ["train.__main__", "eval.__main__"], pages) == [set(), set(), set()]


def test_a_heavy_import_would_be_seen() -> None:
    assert loaded_by(["medvlm.errors"], ["medvlm.types"], heavy=("numpy", "torch")) == [set(), {"numpy"}]
