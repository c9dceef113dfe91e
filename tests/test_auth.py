"""Logins: hashes only, in a file for its owner's eyes, checked without hints."""

import io
import stat
from pathlib import Path

import pytest

from medvlm import auth
from medvlm.auth import Gate, add, read_users
from medvlm.errors import ConfigError

PASSWORD = "a long enough one"


@pytest.fixture
def users(tmp_path: Path) -> Path:
    file = tmp_path / "users"
    add(file, "ada", PASSWORD)
    return file


def test_the_right_password_and_only_it_is_admitted(users: Path) -> None:
    gate = Gate.open(users)
    assert gate.admits("ada", PASSWORD)
    assert not gate.admits("ada", PASSWORD + " ")
    assert not gate.admits("bob", PASSWORD)
    assert not gate.admits("", "")


def test_the_file_holds_no_password_and_is_its_owners_only(users: Path) -> None:
    text = users.read_text()
    assert PASSWORD not in text and text.startswith("ada:scrypt$16384$8$1$")
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    assert list(users.parent.iterdir()) == [users], "no half-written file is left"


def test_a_user_is_changed_in_place_and_others_stay(users: Path) -> None:
    add(users, "bob", "another long one")
    add(users, "ada", "a changed password")
    gate = Gate.open(users)
    assert gate.admits("ada", "a changed password") and gate.admits("bob", "another long one")
    assert not gate.admits("ada", PASSWORD)
    assert len(users.read_text().splitlines()) == 2


def test_equal_passwords_have_different_hashes(users: Path) -> None:
    add(users, "bob", PASSWORD)
    ada, bob = read_users(users).values()
    assert ada.salt != bob.salt and ada.digest != bob.digest


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ada:secret", "line 1 is no user with a hashed password, and plain passwords are refused"),
        ("ada:scrypt$16384$8$1$####$aGFzaA==", "plain passwords are refused"),
        ("no colon here", "plain passwords are refused"),
        ("", "names nobody"),
        ("# only a remark", "names nobody"),
    ],
)
def test_what_is_not_a_hashed_user_is_refused_without_being_repeated(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "users"
    file.write_text(line + "\n")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match=says) as caught:
        Gate.open(file)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
def test_a_file_open_to_everyone_is_refused(users: Path, mode: int) -> None:
    users.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        Gate.open(users)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"python -m medvlm.auth add .* USER"):
        Gate.open(tmp_path / "none")


@pytest.mark.parametrize(("user", "password"), [("a b", PASSWORD), ("", PASSWORD), ("a:b", PASSWORD), ("ada", "short")])
def test_bad_names_and_short_passwords_are_refused(tmp_path: Path, user: str, password: str) -> None:
    with pytest.raises(ConfigError):
        add(tmp_path / "users", user, password)
    assert not (tmp_path / "users").exists()


def test_the_command_reads_the_password_from_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "users"
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert auth.main(["add", str(file), "ada"]) == 0
    assert Gate.open(file).admits("ada", PASSWORD)
    assert f"--auth-file {file}" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert auth.main(["add", str(file), "ada"]) == 1
    assert "at least 8" in capsys.readouterr().err
