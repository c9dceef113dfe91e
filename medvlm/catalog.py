"""Models by name: what they are, under which licence, and where their weights are."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medvlm import paths
from medvlm.errors import CheckpointError

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One named model. `size_gb`: of the download; `loadable`: whether this version of the project can load it."""

    hub: str | None
    family: str
    licence: str
    size_gb: float
    gated: bool
    loadable: bool
    note: str


CATALOG: dict[str, Entry] = {
    "nano": Entry(
        None, "llava", "Apache-2.0", 0.3, False, True, "Embedded; assembled by `make install`. Trained by this project."
    ),
    "llava-next-7b": Entry(
        "llava-hf/llava-v1.6-mistral-7b-hf", "llava_next", "Apache-2.0", 15.1, False, True, "LLaVA-NeXT on Mistral 7B."
    ),
    "llava-next-8b": Entry(
        "llava-hf/llama3-llava-next-8b-hf", "llava_next", "Llama 3 Community Licence", 16.7, False, True,
        "LLaVA-NeXT on Llama 3 8B.",
    ),
    "llava-1.5-7b": Entry(
        "llava-hf/llava-1.5-7b-hf", "llava", "Llama 2 Community Licence", 14.1, False, True, "LLaVA 1.5 on Vicuna 7B."
    ),
    "llava-1.5-13b": Entry(
        "llava-hf/llava-1.5-13b-hf", "llava", "Llama 2 Community Licence", 26.7, False, True, "LLaVA 1.5 on Vicuna 13B."
    ),
    "llava-med-1.5": Entry(
        "microsoft/llava-med-v1.5-mistral-7b", "llava", "Apache-2.0 (research use asked for)", 15.1, False, False,
        "Published in LLaVA's own format; needs a conversion to transformers' that is not here yet.",
    ),
    "llava-1.6-vicuna-13b": Entry(
        "llava-hf/llava-v1.6-vicuna-13b-hf", "llava_next", "Llama 2 Community Licence", 26.7, False, True,
        "LLaVA-NeXT on Vicuna 13B.",
    ),
    "idefics2-8b": Entry(
        "HuggingFaceM4/idefics2-8b", "idefics2", "Apache-2.0", 16.8, False, True, "Perceiver on Mistral 7B."
    ),
    "smolvlm": Entry(
        "HuggingFaceTB/SmolVLM-Instruct", "idefics3", "Apache-2.0", 4.5, False, True, "Small: 2.2 billion weights."
    ),
    "qwen2.5-vl": Entry(
        "Qwen/Qwen2.5-VL-7B-Instruct", "qwen2_5_vl", "Apache-2.0", 16.6, False, True,
        "Pictures of any size; without torchvision no videos.",
    ),
    "medgemma-4b": Entry(
        "google/medgemma-4b-it", "gemma3", "Health AI Developer Foundations terms", 8.6, True, True,
        "The licence must be accepted on the hub first.",
    ),
}  # fmt: skip


def resolve(name: str, progress: Progress | None = None) -> Path:
    """The folder of a base model: a catalog name, a folder, or a hub name ("owner/model"), downloaded when absent.

    Raises CheckpointError that says what to do.
    """
    if name in CATALOG:
        return _from_catalog(name, progress)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return download(name, progress)
    known = ", ".join(CATALOG)
    raise CheckpointError(f"There is no model {name!r}. Give one of {known}, a folder, or a hub name (owner/model).")


def _from_catalog(name: str, progress: Progress | None) -> Path:
    entry = CATALOG[name]
    if not entry.loadable:
        raise CheckpointError(f"{name} ({entry.hub}) cannot be loaded yet: {entry.note}")
    if entry.hub is not None:
        return download(entry.hub, progress)
    from medvlm.assemble import assemble

    return assemble()


def resolve_adapter(name: str) -> Path:
    """The folder of an adapter: one in assets/adapters by name, or a folder. Raises CheckpointError."""
    embedded = paths.ASSETS / "adapters" / name
    folder = embedded if "/" not in name and embedded.is_dir() else Path(name).expanduser()
    if not (folder / "adapter_config.json").is_file():
        ours = ", ".join(sorted(p.parent.name for p in (paths.ASSETS / "adapters").glob("*/adapter_config.json")))
        raise CheckpointError(
            f"{name!r} is not an adapter: {folder} has no adapter_config.json. Give a folder that training wrote"
            f"{f', or one of {ours}' if ours else ''}."
        )
    return folder.resolve()


def default_adapter(base: str) -> str | None:
    """The adapter that goes with a base when none is named: nano-med for nano, where it has been trained."""
    there = (paths.ASSETS / "adapters" / "nano-med" / "adapter_config.json").is_file()
    return "nano-med" if base == "nano" and there else None


def identity(name: str) -> str:
    """What an adapter records as its base: "nano", a hub name, or the name of a folder."""
    if name in CATALOG:
        return CATALOG[name].hub or name
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return name
    snapshot = re.fullmatch(r"models--(.+?)--(.+)", folder.resolve().parent.parent.name)
    return "/".join(snapshot.groups()) if snapshot else folder.resolve().name


def short_name(name: str) -> str:
    """What the page calls a model: its catalog name, or the last part of its folder or hub name."""
    return name if name in CATALOG else (Path(name).expanduser().name or name)


def download(hub_name: str, progress: Progress | None = None) -> Path:
    """The hub's snapshot on this machine; what is already here is not fetched again, and a broken download resumes.

    Raises CheckpointError with advice when the hub cannot be reached, or when it refuses.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    # Only what is loaded: no pickled weights, no code.
    wanted = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
    try:
        return Path(snapshot_download(hub_name, allow_patterns=wanted, tqdm_class=_bar(hub_name, progress)))
    except GatedRepoError as error:
        raise CheckpointError(
            f"{hub_name} is gated: accept its licence on https://huggingface.co/{hub_name}, then log in "
            "with `hf auth login`."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise CheckpointError(f"The hub has no model {hub_name!r}. Check the name.") from error
    except (LocalEntryNotFoundError, ConnectionError) as error:
        raise CheckpointError(
            f"{hub_name} is not on this machine and the hub cannot be reached. Connect to the network and start again "
            "(a broken download resumes), or give --base a folder; nano needs no hub."
        ) from error
    except OSError as error:
        raise CheckpointError(f"{hub_name} could not be downloaded: {error}. Start again; it resumes.") from error


def _bar(hub_name: str, progress: Progress | None) -> type | None:
    """A progress bar for huggingface_hub that tells our callback instead of the terminal."""
    if progress is None:
        return None
    from huggingface_hub.utils.tqdm import tqdm

    class Telling(tqdm):
        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = super().update(n)
            if self.total and progress is not None:
                progress(f"Downloading {hub_name}", min(self.n / self.total, 1.0))
            return shown

    return Telling
