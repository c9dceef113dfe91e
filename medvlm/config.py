"""Settings: a dataclass <- a TOML file <- the environment <- `key=value`; every mistake is reported at once."""

import dataclasses
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from medvlm.errors import ConfigError

T = TypeVar("T")

Device = Literal["auto", "cpu", "cuda"]
Quantization = Literal["nf4", "int8", "none"]
ComputeType = Literal["auto", "float32", "bfloat16", "float16"]
Unpack = Literal["auto", "yes", "no"]
Privacy = Literal["strict", "ask", "off"]
LOOPBACK = ("localhost", "::1")
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
PREFIX = "MEDVLM_"


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What `python app.py` can be told: fields are flags, TOML keys and, in capitals after MEDVLM_, variables."""

    base: Annotated[str, "base model: a catalog name, a folder or a hub name"] = "nano"
    adapter: Annotated[str, "adapter of the tuned arm: a catalog name, a folder, a hub name, or 'none'"] = "nano-med"
    endpoint: Annotated[
        str, "an OpenAI-compatible server that answers instead; then --base is its name for the base"
    ] = ""
    tuned: Annotated[str, "with --endpoint: the server's name for the tuned model"] = ""
    device: Annotated[Device, "where the model runs"] = "auto"
    quantization: Annotated[Quantization, "how the weights are kept"] = "nf4"
    compute_dtype: Annotated[ComputeType, "the numbers it computes in; auto asks the processor"] = "auto"
    unpack: Annotated[Unpack, "keep 4-bit weights unpacked on a CPU where memory allows: same answers, faster"] = "auto"
    max_tokens: Annotated[int, "longest answer in tokens, until somebody changes it in the drawer"] = 160
    host: Annotated[str, "address to listen on; any but the loopback one needs --auth-file"] = "127.0.0.1"
    port: Annotated[int, "port to listen on"] = 7860
    queue_size: Annotated[int, "how many people may wait for an answer at once"] = 16
    upload_mb: Annotated[int, "largest drop that is read, in MB: a file, or all files of a study"] = 2000
    privacy: Annotated[Privacy, "what happens to scans that could name a person before they are shown"] = "ask"
    no_disk: Annotated[bool, "keep temporary files in memory too, as uploads always are"] = True
    idle_minutes: Annotated[int, "minutes without use until a conversation and its scans are forgotten"] = 60
    auth_file: Annotated[Path | None, "users and hashed passwords; see python -m medvlm.auth --help"] = None

    def mistakes(self) -> Iterator[str]:
        """What no single value shows: ranges, and settings that need each other."""
        if not 1 <= self.port <= 65535:
            yield f"port is {self.port}; choose 1 to 65535."
        if not 1 <= self.queue_size <= 1000:
            yield f"queue_size is {self.queue_size}; choose 1 to 1000."
        if not 1 <= self.upload_mb <= 2000:
            yield f"upload_mb is {self.upload_mb}; choose 1 to 2000."
        if not 8 <= self.max_tokens <= 512:
            yield f"max_tokens is {self.max_tokens}; choose 8 to 512."
        if not 1 <= self.idle_minutes <= 1440:
            yield f"idle_minutes is {self.idle_minutes}; choose 1 to 1440."
        if self.tuned and not self.endpoint:
            yield f"tuned is {self.tuned!r} and there is no endpoint; give --endpoint URL, or name an adapter instead."
        if self.endpoint and not re.match(r"https?://\S+$", self.endpoint):
            yield f"endpoint is {self.endpoint!r}; give an address such as http://127.0.0.1:8000/v1."
        if not self.base:
            yield "base is empty; name a model, such as nano."
        if not is_loopback(self.host) and self.auth_file is None:
            yield (
                f"host is {self.host}, which other machines can reach, and there is no auth_file; make one with "
                "'python -m medvlm.auth add FILE USER' and pass --auth-file FILE, or keep to 127.0.0.1."
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return host in LOOPBACK or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one place; `spelling` says how a key is written there, with `{key}`, `{KEY}` or `{flag}`."""

    source: str
    values: Mapping[str, object]
    spelling: str = "{key}"

    def name(self, key: str) -> str:
        spelled = self.spelling.format(key=key, KEY=key.upper(), flag=key.replace("_", "-"))
        return f"{spelled} ({self.source})"


def read(settings: type[T], *layers: Layer) -> T:
    """An instance from layers, the strongest last. Raises `ConfigError` that lists every mistake, one a line.

    Fields may be str, int, float, bool, Path, Literals of strings, `X | None`, `tuple[X, ...]` and nested
    dataclasses, whose keys are dotted. A `mistakes()` method may yield sentences about values that do not go together.
    """
    kinds = dict(_fields(settings))
    values: dict[str, object] = {}
    wrong: list[str] = []
    for layer in layers:
        for key, raw in layer.values.items():
            if key not in kinds:
                wrong.append(_unknown(layer.name(key), key, kinds))
                continue
            try:
                values[key] = parse(kinds[key], raw)
            except ValueError as error:
                wrong.append(f"{layer.name(key)} is {raw!r}; {error}")
    result = _build(settings, values) if not wrong else None
    wrong += list(getattr(result, "mistakes", tuple)())
    if wrong or result is None:
        raise ConfigError("\n".join(wrong))
    return result


def parse(kind: Any, raw: object) -> Any:
    """One value, from text or from TOML, as the type a field declares; raises ValueError saying what is allowed."""
    origin = get_origin(kind)
    if origin is Literal:
        return _one_of(get_args(kind), raw)
    if origin in (Union, types.UnionType):
        (inner,) = (k for k in get_args(kind) if k is not type(None))
        return None if raw is None or raw in ("", "none") else parse(inner, raw)
    if origin is tuple:
        items = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(items, Iterable):
            raise ValueError("give a list.")
        return tuple(parse(get_args(kind)[0], item) for item in items)
    return _plain(kind, raw)


def help_of(settings: type[Any]) -> dict[str, str]:
    """Field -> the sentence that its `Annotated` type carries."""
    hints = typing.get_type_hints(settings, include_extras=True)
    return {key: kind.__metadata__[0] for key, kind in hints.items() if get_origin(kind) is Annotated}


def choices_of(settings: type[Any], key: str) -> tuple[str, ...]:
    """What a closed field allows; nothing for an open one."""
    kind = dict(_fields(settings))[key]
    return get_args(kind) if get_origin(kind) is Literal else ()


def file_layer(path: Path) -> Layer:
    """The values of a TOML file, tables as dotted keys; raises `ConfigError` if it cannot be read."""
    try:
        return Layer(str(path), dict(_flat(tomllib.loads(path.read_text(encoding="utf-8")))))
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there; check the path of the settings file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}. Write lines such as port = 7860.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from None


def environment_layer(settings: type[Any], environ: Mapping[str, str] = os.environ) -> Layer:
    """`MEDVLM_PORT` and so on, for the fields that are set; other variables are none of our business."""
    keys = {key: PREFIX + key.replace(".", "_").upper() for key, _ in _fields(settings)}
    return Layer("the environment", {k: environ[v] for k, v in keys.items() if environ.get(v)}, PREFIX + "{KEY}")


def override_layer(pairs: Iterable[str]) -> Layer:
    """`key=value` from a command line; raises `ConfigError` for one without a key or an equals sign."""
    split = [pair.partition("=") for pair in pairs]
    bad = ["".join(parts) for parts in split if not parts[0].strip() or not parts[1]]
    if bad:
        raise ConfigError(f"{', '.join(map(repr, bad))} is no setting; write key=value.")
    return Layer("the command line", {key.strip(): value.strip() for key, _, value in split}, "{key}")


def _fields(settings: type[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    hints = typing.get_type_hints(settings)
    for one in dataclasses.fields(settings):
        kind = hints[one.name]
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            yield from _fields(kind, f"{prefix}{one.name}.")
        else:
            yield prefix + one.name, kind


def _build(settings: type[T], values: Mapping[str, object], prefix: str = "") -> T:
    hints = typing.get_type_hints(settings)
    given: dict[str, Any] = {}
    for one in dataclasses.fields(settings):  # type: ignore[arg-type]
        kind, key = hints[one.name], prefix + one.name
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            given[one.name] = _build(kind, values, key + ".")
        elif key in values:
            given[one.name] = values[key]
        elif one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{key} is missing; set it in the settings file or as {key}=VALUE.")
    return settings(**given)


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _unknown(name: str, key: str, known: Iterable[str]) -> str:
    near = get_close_matches(key, list(known), n=1)
    return f"{name} is no setting; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}.")


def _one_of(allowed: tuple[Any, ...], raw: object) -> object:
    if raw not in allowed:
        raise ValueError(f"choose {', '.join(map(str, allowed[:-1]))} or {allowed[-1]}.")
    return raw


def _plain(kind: Any, raw: object) -> object:
    if kind is bool:
        return _truth(raw)
    if kind in (str, Path):
        if not isinstance(raw, str):
            raise ValueError("give text in quotes.")
        return kind(raw) if kind is str else Path(raw).expanduser()
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise ValueError("give a number.")
    try:
        number: int | float = kind(raw) if isinstance(raw, str) else raw
    except ValueError:
        number = float("nan")
    if number != number or (kind is int and not isinstance(number, int)):
        raise ValueError("give a whole number." if kind is int else "give a number.")
    return float(number) if kind is float else number


def _truth(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word not in (*YES, *NO):
        raise ValueError("say yes or no.")
    return word in YES
