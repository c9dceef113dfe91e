"""The ground that everything stands on: two commands, exact pins, and documents that are true of the checkout."""

import itertools
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from medvlm.paths import ROOT

TARGETS = ("run", "test", "check", "bench", "demo", "install")
DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
ORDER = ("not for diagnosis", "screenshot.png", "make run ", "## The tree", "## Results", "## Limits", "## Licence")
PYTHON_COMMAND = re.compile(r"(?:\.venv/bin/)?python (?:-m )?(?:app\.py|medvlm|train|eval|tests\.bench)\b[^`#\n]*")
MAKE_COMMAND = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
MODULE = re.compile(r"`((?:\w+/)*\w+(?:\.py|/))`")
MADE = {"build", "runs", "__pycache__"}  # what .gitignore keeps out


def pins(file: str) -> dict[str, str]:
    """Package -> exact version of a requirements file; every other kind of line fails."""
    found = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        wish = line.split("#")[0].strip()
        if not wish or wish.startswith("--requirement"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][^\s;,*]*)", wish)
        assert match, f"{file}: {line!r} is not an exact pin"
        found[match[1].lower().replace("_", "-")] = match[2]
    return found


def make(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=folder, env=clean | environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_exactly_with_its_reason(file: str) -> None:
    assert pins(file)
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if "==" in line:
            assert re.search(r"  # \w.{5,}", line), f"{file}: {line!r} gives no reason"


def test_the_constraints_hold_every_requirement_at_the_same_version() -> None:
    constraints = pins("constraints.txt")
    for file in ("requirements.txt", "requirements-dev.txt"):
        wanted = pins(file)
        assert wanted.items() <= constraints.items(), f"{file} and constraints.txt differ"


def test_torch_is_exact_and_nothing_pulls_torchvision_or_gpu_packages() -> None:
    constraints = pins("constraints.txt")
    assert constraints["torch"] == "2.13.0"
    unwanted = [name for name in constraints if re.match(r"torchvision|torchaudio|timm|triton|nvidia-|cuda", name)]
    assert unwanted == []


def test_what_is_installed_is_what_the_constraints_say() -> None:
    from importlib.metadata import distributions

    installed = {d.metadata["Name"].lower().replace("_", "-"): d.version.split("+")[0] for d in distributions()}
    constraints = pins("constraints.txt")
    differing = {name: (installed[name], constraints[name]) for name in installed.keys() & constraints.keys()
                 if installed[name] != constraints[name]}  # fmt: skip
    assert differing == {}, "run `make install`; or, for a new pin, write constraints.txt anew as its head says"
    # torch's build for GPUs brings its own libraries along; nothing else may come unpinned.
    brought = ("nvidia-", "cuda-", "triton")
    extra = {name for name in installed.keys() - constraints.keys() - {"pip", "wheel"} if not name.startswith(brought)}
    assert extra == set(), "installed by hand, so a fresh machine lacks it: pin it or uninstall it"


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_there_and_leads_to_an_installation_on_a_bare_checkout(target: str, tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    process = make("--dry-run", target, folder=tmp_path)
    assert process.returncode == 0, process.stderr
    assert ".ci/install .venv" in process.stdout


def test_nothing_is_installed_twice(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    stamp = re.findall(r"\.venv/ready-\S+", make("--dry-run", "check", folder=tmp_path).stdout)
    assert len(stamp) == 2
    (tmp_path / ".venv").mkdir()
    for name in stamp:
        (tmp_path / name).touch()
    assert ".ci/install" not in make("--dry-run", "check", folder=tmp_path).stdout
    with (tmp_path / "requirements.txt").open("a") as file:
        file.write("another==1.0  # a changed pin\n")
    assert make("--dry-run", "check", folder=tmp_path).stdout.count(".ci/install") == 2


def test_make_alone_says_what_it_can_do() -> None:
    said = make().stdout
    for target in TARGETS:
        assert f"make {target}" in said


def test_the_pytest_settings_are_strict() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert "--strict-markers" in settings["addopts"] and "--strict-config" in settings["addopts"]
    assert settings["xfail_strict"] is True
    assert settings["filterwarnings"][0] == "error"


def test_the_warnings_that_are_let_through_each_have_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("filterwarnings = [") :]
    lines = [line.strip() for line in block[: block.index("\n]\n")].splitlines()[1:]]
    for before, line in itertools.pairwise(lines):
        if line.startswith(('"ignore', "'ignore")):
            assert before.startswith("#") or before.startswith(('"ignore', "'ignore")), f"{line} gives no reason"
            assert line.count(":") >= 2, f"{line} lets a whole message class through"


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def python_commands() -> dict[str, set[str]]:
    """Every command of ours that a document shows ("-m train nano") -> the options it is shown with."""
    found: dict[str, set[str]] = {}
    for shown in (match for path in DOCS for match in PYTHON_COMMAND.findall(text_of(path))):
        words = shlex.split(shown.split("python ", 1)[1])
        names = [word for word in words[:3] if re.fullmatch(r"-m|[a-z.]+", word)]
        names += [word for word in words[3:4] if len(names) == 3 and word.isalpha() and word.islower()]
        found.setdefault(" ".join(names), set()).update(w.split("=")[0] for w in words if w.startswith("--"))
    # A command with a subcommand says as much about its module as the module alone.
    return {name: options for name, options in found.items() if not any(o.startswith(name + " ") for o in found)}


def test_the_readme_comes_in_its_order() -> None:
    text = text_of(ROOT / "README.md")
    places = [text.find(part) for part in ORDER]
    assert -1 not in places, f"missing: {[part for part, at in zip(ORDER, places, strict=True) if at < 0]}"
    assert places == sorted(places)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = [link for link in LINK.findall(text_of(path)) if "://" not in link]
    missing = [link for link in targets if not (path.parent / link).exists()]
    assert missing == []


def test_the_tree_of_the_readme_names_what_is_there() -> None:
    block = text_of(ROOT / "README.md").split("## The tree")[1].split("```")[1]
    named = {line.split()[0].rstrip("/") for line in block.strip().splitlines()}
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - MADE
    assert named == there - {"README.md"}


def test_the_architecture_names_every_module_and_no_other() -> None:
    named = set(MODULE.findall(text_of(ROOT / "docs" / "architecture.md")))
    library = ROOT / "medvlm"
    there = {path.name for path in library.glob("*.py") if not path.name.startswith("__")} | {"app.py"}
    there |= {f"{path.parent.name}/" for path in library.glob("*/__init__.py")}
    assert there - named == set(), "say in docs/architecture.md what these are for"
    gone = [
        name
        for name in named
        if not any((top / name).exists() for top in (ROOT, library, ROOT / "train", ROOT / "eval"))
    ]
    assert gone == []


def test_every_make_command_of_a_document_is_a_target() -> None:
    shown = {target for path in DOCS for target in MAKE_COMMAND.findall(text_of(path))}
    assert set(TARGETS) - {"install"} <= shown <= set(TARGETS)


@pytest.mark.parametrize(("command", "options"), python_commands().items(), ids=python_commands())
def test_every_command_of_a_document_is_understood(
    command: str, options: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own `--help` is asked, so that nothing starts; each option shown must be named there."""
    how, name, *more = command.split() if command.startswith("-m ") else ("", *command.split())
    monkeypatch.setattr(sys, "argv", [name, *more, "--help"])
    package = not how or (ROOT / name.replace(".", "/")).is_dir()
    monkeypatch.delitem(sys.modules, f"{name}.__main__" if package else name, raising=False)  # as if never imported
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(name, run_name="__main__", alter_sys=True) if how else runpy.run_path(
            name, run_name="__main__"
        )
    said = capsys.readouterr()
    assert not ended.value.code, said.err
    assert {option for option in options if option not in said.out} == set()
