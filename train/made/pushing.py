"""A checkpoint to the Hugging Face hub, once card and licences allow it: `python -m train push FOLDER OWNER/NAME`."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from medvlm import NOT_FOR_DIAGNOSIS, checkpoints
from medvlm.checkpoints import CheckpointInfo
from medvlm.errors import CheckpointError, UserError
from medvlm.scoreboard.run_shelf import RunShelf
from train.made import cards, licences

# What goes to a hub; everything else in the folder stays here.
SENT = (
    "*.safetensors",
    "*.json",
    "*.jinja",
    "*.model",
    "*.txt",
    "*.png",
    cards.FILE,
    "LICENSE*",
    "LICENCE*",
    "NOTICE*",
)
# Formats that can run code when they are read.
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".py")
KEPT_BACK = ("assembled.json",)


class Hub(Protocol):
    """What of huggingface_hub's HfApi is needed."""

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> Any: ...

    def model_info(self, repo_id: str) -> Any: ...

    def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Push:
    """What is asked for. `licence`: as the hub spells it; `permission`: why data of doubtful terms may be used."""

    folder: Path
    repo: str
    public: bool = False
    licence: str | None = None
    permission: str = ""


@dataclass(frozen=True, slots=True)
class File:
    name: str
    size: int


def checked(wanted: Push) -> list[str]:
    """Everything that stands against pushing, each in a sentence."""
    return [*_names(wanted), *_weights(wanted.folder), *_card(wanted)]


def _names(wanted: Push) -> Iterator[str]:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(wanted.repo)
    except HFValidationError as error:
        yield f"{wanted.repo!r} is no name on the hub ({error}). Write OWNER/NAME."
        return
    if wanted.repo.count("/") != 1:
        yield f"{wanted.repo!r} names no owner. Write OWNER/NAME."


def _weights(folder: Path) -> Iterator[str]:
    """Safetensors alone, no code, and a configuration that says what they are."""
    if not any((folder / name).is_file() for name in (cards.ADAPTER, cards.WHOLE)):
        yield f"{folder} is no checkpoint: it has neither {cards.ADAPTER} nor {cards.WHOLE}."
        return
    try:
        checkpoints.weight_files(folder)
        checkpoints.refuse_code(folder)
    except CheckpointError as error:
        yield str(error)
    for path in sorted(folder.rglob("*")):
        if path.suffix in PICKLED:
            yield f"{path.relative_to(folder)} can run code when it is read. Only safetensors are pushed: remove it."


def _card(wanted: Push) -> Iterator[str]:
    """A card that says what it must, and terms that allow it."""
    try:
        info = checkpoints.read(wanted.folder)
    except CheckpointError as error:
        yield str(error)
        return
    base, data = licences.of_base(info.base_model), [licences.of_data(label) for label in info.datasets]
    if wanted.licence is not None:
        base = replace(base, free=True)
    if not wanted.permission:
        yield from (f"{line} {_way_out(line)}" for line in licences.objections(base, data))
    text = _text(wanted.folder / cards.FILE)
    if text and NOT_FOR_DIAGNOSIS not in text:
        yield f"{cards.FILE} does not say {NOT_FOR_DIAGNOSIS!r}. Put it back, or remove the file: a card is written."
    if text and not text.startswith("---\n"):
        yield f"{cards.FILE} has no head for the hub. Remove the file: a card is written."


def _way_out(objection: str) -> str:
    if objection.startswith("The base"):
        return "Give --licence, as the hub spells it."
    return "Leave that data out and train again; or give --permission with what allows it, which the card will carry."


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def staged(wanted: Push, work: Path, shelf: RunShelf) -> list[File]:
    """Put what is sent into an empty folder: no path of this machine, and a card with the scores there are."""
    for pattern in SENT:
        for file in wanted.folder.glob(pattern):
            if file.suffix == ".safetensors":
                (work / file.name).symlink_to(file.resolve())  # gigabytes that nobody changes
            elif file.name not in KEPT_BACK:
                shutil.copyfile(file, work / file.name)
    info = checkpoints.read(wanted.folder)
    checkpoints.write(replace(info, datasets=tuple(map(licences.shown, info.datasets))), work)
    _without_path(work, info)
    if not (work / cards.FILE).is_file() or wanted.licence or wanted.permission:
        told = cards.story(wanted.folder)
        name = wanted.repo.partition("/")[2]
        cards.write(work, told, cards.Given(name, _merged(wanted.folder), wanted.licence, wanted.permission))
    if measured := cards.scores(wanted.folder, shelf):
        card = work / cards.FILE
        card.write_text(cards.with_section(_text(card), "Scores", measured), encoding="utf-8")
    return [File(path.name, path.stat().st_size) for path in sorted(work.iterdir())]


def _merged(folder: Path) -> bool:
    return (folder / cards.WHOLE).is_file() and (folder / "assembled.json").is_file()


def _without_path(work: Path, info: CheckpointInfo) -> None:
    path = work / cards.ADAPTER
    if path.is_file():
        config = json.loads(path.read_text(encoding="utf-8")) | {"base_model_name_or_path": info.base_model}
        path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def push(wanted: Push, dry_run: bool = False, hub: Hub | None = None, shelf: RunShelf | None = None) -> list[File]:
    """Send the checkpoint, private unless told otherwise; the files that went, or with `dry_run` would go.

    Raises CheckpointError that lists every objection, or says what the hub answered.
    """
    if wrong := checked(wanted):
        raise CheckpointError("\n".join(wrong))
    with TemporaryDirectory() as folder:
        files = staged(wanted, Path(folder), shelf or RunShelf())
        if not dry_run:
            send(wanted, Path(folder), hub or api())
    return files


def api() -> Hub:
    from huggingface_hub import HfApi

    return HfApi()


def send(wanted: Push, work: Path, hub: Hub) -> None:
    """Create the repository where there is none, and put the files in as one commit. Raises CheckpointError."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    try:
        hub.create_repo(wanted.repo, private=not wanted.public, exist_ok=True)
        if not wanted.public and not hub.model_info(wanted.repo).private:
            raise CheckpointError(
                f"{wanted.repo} is there and everybody can see it. Give --public if that is wanted, or another name."
            )
        hub.upload_folder(repo_id=wanted.repo, folder_path=str(work), commit_message=f"MedVLM: {wanted.folder.name}")
    except LocalTokenNotFoundError as error:
        raise CheckpointError("The hub does not know who you are. Log in with `hf auth login`.") from error
    except HfHubHTTPError as error:
        raise CheckpointError(f"The hub refused {wanted.repo}: {_first_line(error)} {_advice(error)}") from error
    except (OfflineModeIsEnabled, httpx2.HTTPError, ConnectionError, OSError) as error:
        if isinstance(error, UserError):
            raise
        raise CheckpointError(
            f"The hub cannot be reached ({_first_line(error)}). Nothing is lost: connect to the network, unset "
            "HF_HUB_OFFLINE, and give the same command. --dry-run needs no network."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _advice(error: Any) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return "Log in with `hf auth login` and a token that may write there."
    return "Try again later." if status and status >= 500 else "Check the name."
