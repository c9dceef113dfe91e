"""`.ci/install` and `.ci/chromium`: whole or not at all, and plain words. Scripts stand for Python and apt-get."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from medvlm.paths import ROOT

# Speaks as much Python as the installer asks of it, and writes down what it was asked. A file named `fail` beside it
# makes pip fail once, `hang` makes it hang, `hurt` says that packages lack files.
FAKE_PYTHON = """#!/bin/sh
here=$(dirname "$0"); log=LOG; wish="$*"
case "$wish" in
  "-c "*) exit 0 ;;
  "-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && rm -f "$4"/ready-* ; echo venv >>"$log" ;;
  "-m pip --version") exit 0 ;;
  "-m pip install "*)
    echo "pip $wish" >>"$log"
    while [ -e CONTROL/hang ]; do sleep 0.05; done
    if [ -e CONTROL/fail ]; then echo "no network" >&2; exit 1; fi ;;
  "-") cat >/dev/null; [ ! -e CONTROL/hurt ] ;;
esac
"""


class Ground:
    """An empty checkout with the real installer and the scripted Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.control = folder / "control"
        self.control.mkdir()
        self.python = folder / "fake-python"
        self.python.write_text(FAKE_PYTHON.replace("LOG", str(self.log)).replace("CONTROL", str(self.control)))
        self.python.chmod(0o755)
        self.command = ["sh", str(ROOT / ".ci" / "install"), ".venv", ".venv/ready-run-1-1", "requirements.txt"]
        self.environment = os.environ | {"MEDVLM_PYTHON": str(self.python)}

    def install(self, stamp: str = ".venv/ready-run-1-1") -> subprocess.CompletedProcess[str]:
        command = [*self.command[:3], stamp, self.command[4]]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=20, check=False
        )

    def start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command, cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def asked(self) -> list[str]:
        """What Python was asked for, in order: venv, pip."""
        return [line.split()[0] for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def wait_for_pip(self) -> None:
        deadline = time.monotonic() + 20
        while "pip" not in self.asked():
            assert time.monotonic() < deadline, "the installer never came to pip"
            time.sleep(0.01)

    def stamps(self) -> list[str]:
        return sorted(path.name for path in (self.folder / ".venv").glob("ready-*"))


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def test_a_bare_checkout_gets_an_environment_once(ground: Ground) -> None:
    assert ground.install().returncode == 0
    assert ground.asked() == ["venv", "pip"]
    assert "--constraint constraints.txt --requirement requirements.txt" in ground.log.read_text()
    assert ground.install().returncode == 0
    assert ground.asked() == ["venv", "pip"], "a stamped environment is left alone"
    assert not (ground.folder / ".venv.lock").exists()


def test_changed_pins_install_again_and_the_old_stamp_goes(ground: Ground) -> None:
    ground.install()
    ground.install(".venv/ready-run-2-2")
    assert ground.asked() == ["venv", "pip", "pip"]
    assert ground.stamps() == ["ready-run-2-2"], "an old stamp would lie after the pins went back"
    ground.install()
    assert ground.stamps() == ["ready-run-1-1"]


def test_the_stamp_of_the_other_requirements_stays(ground: Ground) -> None:
    ground.install()
    ground.install(".venv/ready-dev-2-2")
    assert ground.stamps() == ["ready-dev-2-2", "ready-run-1-1"]


def test_a_failed_install_says_what_to_do_and_leaves_no_stamp(ground: Ground) -> None:
    (ground.control / "fail").touch()
    done = ground.install()
    assert done.returncode == 1
    assert "no network" in done.stderr and "run this again" in done.stderr
    assert ground.stamps() == [] and not (ground.folder / ".venv.lock").exists()
    (ground.control / "fail").unlink()
    assert ground.install().returncode == 0
    assert ground.asked() == ["venv", "pip", "pip"], "whole as it was, the environment was kept"


def test_a_failed_install_that_hurt_the_environment_starts_afresh(ground: Ground) -> None:
    for name in ("fail", "hurt"):
        (ground.control / name).touch()
    ground.install()
    assert not (ground.folder / ".venv").exists()


@pytest.mark.parametrize("hurt", [False, True])
def test_after_a_kill_the_next_call_repairs(ground: Ground, hurt: bool) -> None:
    (ground.control / "hang").touch()
    process = ground.start()
    ground.wait_for_pip()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (ground.control / "hang").unlink()
    if hurt:
        (ground.control / "hurt").touch()
    done = ground.install()
    assert done.returncode == 0 and "interrupted" in done.stdout
    assert ground.asked() == (["venv", "pip", "venv", "pip"] if hurt else ["venv", "pip", "pip"])
    assert ground.stamps() == ["ready-run-1-1"]


def test_a_second_call_waits_for_the_first_and_then_installs_nothing(ground: Ground) -> None:
    (ground.control / "hang").touch()
    with ground.start() as first:
        ground.wait_for_pip()
        with ground.start() as second:
            assert second.stdout is not None and "is installing; waiting" in second.stdout.readline()
            (ground.control / "hang").unlink()
    assert (first.returncode, second.returncode) == (0, 0)
    assert ground.asked() == ["venv", "pip"]


def test_without_a_fitting_python_it_says_which_and_how_to_name_one(ground: Ground, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "mkdir", "cat", "rm", "dirname", "sleep"):
        (tools / tool).symlink_to(Path("/bin") / tool)
    ground.environment = {"PATH": str(tools), "MEDVLM_PYTHON": str(tmp_path / "nowhere")}
    done = ground.install()
    assert done.returncode == 1
    assert "python3.11-venv" in done.stderr and "MEDVLM_PYTHON=" in done.stderr
    assert not (ground.folder / ".venv.lock").exists()


def chromium(folder: Path, **scripts: str) -> subprocess.CompletedProcess[str]:
    """`.ci/chromium` on a machine that has the shell, these scripts, and nothing else."""
    for name, text in scripts.items():
        (folder / name.replace("_", "-")).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name.replace("_", "-")).chmod(0o755)
    for tool in ("sh", "env"):
        (folder / tool).symlink_to(f"/usr/bin/{tool}")
    command = ["/bin/sh", str(ROOT / ".ci" / "chromium")]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, timeout=20, check=False)


def test_where_chromium_is_nothing_is_installed(tmp_path: Path) -> None:
    done = chromium(tmp_path, chromium="exit 0", id="echo 0", apt_get="echo apt-get $*")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("user", "sudo"), [("0", "exit 1"), ("1000", 'shift; [ "$1" = true ] || "$@"')])
def test_chromium_is_installed_where_this_account_may(tmp_path: Path, user: str, sudo: str) -> None:
    done = chromium(tmp_path, id=f"echo {user}", sudo=sudo, true="exit 0", apt_get="echo apt-get $*")
    assert done.returncode == 0 and done.stderr == ""
    _, update, install = done.stdout.splitlines()
    assert " update" in update and install.split()[-2:] == ["chromium", "fonts-dejavu-core"]


@pytest.mark.parametrize(("user", "apt"), [("1000", "echo apt-get $*"), ("0", "exit 100")])
def test_where_chromium_cannot_be_had_it_says_that_the_browser_tests_will_fail(
    tmp_path: Path, user: str, apt: str
) -> None:
    done = chromium(tmp_path, id=f"echo {user}", sudo="exit 1", apt_get=apt)
    assert done.returncode == 0, "the other tests are worth running"
    assert "browser tests will fail" in done.stderr and "apt-get install chromium" in done.stderr
