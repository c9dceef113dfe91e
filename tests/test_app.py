"""The command that starts the page: its settings, its refusals, its help."""

import dataclasses
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import app
from medvlm.config import AppSettings
from medvlm.errors import ConfigError
from medvlm.page.host import Status
from medvlm.paths import ROOT
from medvlm.ui.server import listen


def test_help_names_every_setting_with_its_variable_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app.main(["--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(AppSettings):
        assert f"--{field.name.replace('_', '-')}" in text
        assert f"MEDVLM_{field.name.upper()}]" in text
    assert "Not for diagnosis" in text and "--config" in text and "nf4, int8, none" in text


def test_options_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("port = 1111\nqueue_size = 2\nmax_tokens = 32\n")
    monkeypatch.setenv("MEDVLM_PORT", "2222")
    monkeypatch.setenv("MEDVLM_QUEUE_SIZE", "3")
    chosen = app.settings(["--config", str(file), "--port", "3333"])
    assert (chosen.port, chosen.queue_size, chosen.max_tokens) == (3333, 3, 32)


def test_mistakes_end_the_program_with_all_of_them_and_no_traceback() -> None:
    command = [sys.executable, "app.py", "--port", "x", "--device", "tpu"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert process.returncode == 2 and process.stdout == ""
    lines = process.stderr.splitlines()
    assert len(lines) == 2 and "--port" in process.stderr and "auto, cpu or cuda" in process.stderr


def test_an_open_address_without_login_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["--host", "0.0.0.0"]) == 2
    assert "python -m medvlm.auth add" in capsys.readouterr().err


def test_a_login_file_with_a_plain_password_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "users"
    file.write_text("ada:secret\n")
    file.chmod(0o600)
    assert app.main(["--auth-file", str(file)]) == 2
    said = capsys.readouterr().err
    assert "plain passwords are refused" in said and "secret" not in said


def test_a_port_in_use_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"{port} cannot be used .* --port"):
            listen("127.0.0.1", port)


def test_the_terminal_learns_how_loading_ended(capsys: pytest.CaptureFixture[str]) -> None:
    app.say(Status("ready", "nano · NF4 · CPU", 12.34))
    app.say(Status("failed", "The weights are damaged.", 1.0))
    said = capsys.readouterr()
    assert said.out == "nano · NF4 · CPU is ready after 12.3 s.\n"
    assert said.err == "No model: The weights are damaged.\n"
