"""Settings: who wins over whom, and every mistake at once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import pytest

from medvlm import config
from medvlm.config import AppSettings, Layer, environment_layer, file_layer, override_layer, read
from medvlm.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Inner:
    rate: float = 0.1
    steps: int = 10


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    mode: Literal["fast", "slow"] = "fast"
    flag: bool = False
    folder: Path | None = None
    sizes: tuple[int, ...] = (1, 2)
    inner: Inner = field(default_factory=Inner)


def test_defaults_file_environment_and_command_line_win_in_that_order(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('port = 1111\nbase = "from-file"\nqueue_size = 3\n')
    environment = environment_layer(AppSettings, {"MEDVLM_PORT": "2222", "MEDVLM_BASE": "from-env", "PATH": "x"})
    settings = read(AppSettings, file_layer(file), environment, Layer("options", {"port": "3333"}))
    assert (settings.port, settings.base, settings.queue_size) == (3333, "from-env", 3)
    assert settings.adapter == AppSettings().adapter


def test_every_field_of_the_app_has_a_variable_and_an_empty_one_counts_as_unset() -> None:
    found = environment_layer(AppSettings, {"MEDVLM_AUTH_FILE": "users", "MEDVLM_DEVICE": "", "MEDVLM_HOME": "/h"})
    assert found.values == {"auth_file": "users"}
    assert read(AppSettings, found).auth_file == Path("users")


def test_all_mistakes_are_told_at_once_with_where_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('prot = 1\nunpack = "perhaps"\n')
    environment = environment_layer(AppSettings, {"MEDVLM_PORT": "many"})
    with pytest.raises(ConfigError) as caught:
        read(AppSettings, file_layer(file), environment, Layer("options", {"quantization": "nf5"}, "--{flag}"))
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "prot" in lines[0] and "did you mean port" in lines[0] and str(file) in lines[0]
    assert "'perhaps'; choose auto, yes or no" in lines[1]
    assert "MEDVLM_PORT" in lines[2] and "'many'; give a whole number" in lines[2]
    assert "--quantization" in lines[3] and "nf4, int8 or none" in lines[3]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"port": 0}, "port is 0; choose 1 to 65535"),
        ({"port": 70000}, "port is 70000"),
        ({"queue_size": 0}, "queue_size is 0"),
        ({"upload_mb": 0}, "upload_mb is 0"),
        ({"max_tokens": 1}, "max_tokens is 1; choose 8 to 512"),
        ({"idle_minutes": 0}, "idle_minutes is 0; choose 1 to 1440"),
        ({"privacy": "none"}, "choose strict, ask or off"),
        ({"no_disk": "perhaps"}, "say yes or no"),
        ({"base": ""}, "base is empty"),
        ({"host": "0.0.0.0"}, "there is no auth_file"),
        ({"host": "192.168.0.7"}, "python -m medvlm.auth add"),
    ],
)
def test_values_that_cannot_be_are_refused(values: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("(", "\\(")):
        read(AppSettings, Layer("options", values))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_loopback_needs_no_login(host: str) -> None:
    assert read(AppSettings, Layer("options", {"host": host})).host == host


def test_other_addresses_are_allowed_with_a_login_file() -> None:
    settings = read(AppSettings, Layer("options", {"host": "0.0.0.0", "auth_file": "users"}))
    assert settings.auth_file == Path("users")


def test_scans_are_asked_about_and_kept_in_memory_unless_somebody_says_otherwise() -> None:
    settings = read(AppSettings)
    assert (settings.privacy, settings.no_disk) == ("ask", True)
    loose = read(AppSettings, Layer("options", {"privacy": "off", "no_disk": "no"}))
    assert (loose.privacy, loose.no_disk) == ("off", False)


def test_nested_tables_and_dotted_overrides_reach_nested_dataclasses(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('name = "a"\nflag = true\nsizes = [4, 5]\n[inner]\nrate = 2\n')
    made = read(Outer, file_layer(file), override_layer(["inner.steps=7", "mode=slow", "folder=~/x"]))
    assert made.inner == Inner(2.0, 7)
    assert (made.flag, made.sizes, made.mode, made.folder) == (True, (4, 5), "slow", Path("~/x").expanduser())
    assert isinstance(made.inner.rate, float)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("flag", "perhaps", "say yes or no"),
        ("inner.rate", "x", "give a number"),
        ("inner.rate", "nan", "give a number"),
        ("inner.steps", 1.5, "give a whole number"),
        ("inner.steps", True, "give a number"),
        ("name", 3, "give text"),
        ("sizes", 3, "give a list"),
        ("inner.stepz", 3, "did you mean inner.steps"),
    ],
)
def test_a_wrong_type_says_what_is_wanted(key: str, value: object, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(Outer, Layer("here", {"name": "a", key: value}))


def test_a_field_without_default_must_be_given() -> None:
    with pytest.raises(ConfigError, match="name is missing"):
        read(Outer)


@pytest.mark.parametrize("pair", ["port", "=3", ""])
def test_an_override_needs_key_and_value(pair: str) -> None:
    with pytest.raises(ConfigError, match="write key=value"):
        override_layer([pair])


def test_files_that_are_missing_or_not_toml_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        file_layer(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("port 3")
    with pytest.raises(ConfigError, match="is not TOML"):
        file_layer(bad)
    with pytest.raises(ConfigError, match="cannot be read"):
        file_layer(tmp_path)


def test_the_closed_sets_are_those_of_the_engine() -> None:
    from medvlm.engine import loading

    for mine, theirs in (
        (config.Device, loading.Device),
        (config.Quantization, loading.Quantization),
        (config.ComputeType, loading.ComputeType),
        (config.Unpack, loading.Unpack),
    ):
        assert set(get_args(mine)) == set(get_args(theirs))


def test_a_server_needs_an_address_and_its_tuned_model_a_server() -> None:
    with pytest.raises(ConfigError, match=r"tuned is 'med' and there is no endpoint"):
        read(AppSettings, Layer("test", {"tuned": "med"}))
    with pytest.raises(ConfigError, match=r"endpoint is 'gpu box'; give an address"):
        read(AppSettings, Layer("test", {"endpoint": "gpu box"}))
    chosen = read(AppSettings, Layer("test", {"endpoint": "http://127.0.0.1:8000/v1", "base": "b", "tuned": "t"}))
    assert (chosen.base, chosen.tuned) == ("b", "t")
