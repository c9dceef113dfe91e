"""Models by name: every entry is whole, and every mistake gets advice."""

from pathlib import Path

import pytest

from medvlm import catalog
from medvlm.catalog import CATALOG, Entry
from medvlm.errors import CheckpointError
from medvlm.families import FAMILIES


@pytest.mark.parametrize("name", list(CATALOG))
def test_every_entry_says_what_it_is(name: str) -> None:
    entry: Entry = CATALOG[name]
    assert entry.licence and entry.note and entry.size_gb > 0
    assert entry.hub is None or entry.hub.count("/") == 1
    assert not entry.loadable or entry.family in FAMILIES, "only what can be loaded is offered as loadable"


@pytest.mark.parametrize("name", [name for name, entry in CATALOG.items() if not entry.loadable])
def test_what_cannot_be_loaded_yet_says_so(name: str) -> None:
    with pytest.raises(CheckpointError, match="cannot be loaded yet"):
        catalog.resolve(name)


def test_nano_is_assembled_here(nano_folder: Path) -> None:
    assert catalog.resolve("nano") == nano_folder
    assert catalog.short_name("nano") == catalog.identity("nano") == "nano"


def test_a_folder_is_itself(tmp_path: Path) -> None:
    assert catalog.resolve(str(tmp_path)) == tmp_path
    assert catalog.identity(str(tmp_path)) == catalog.short_name(str(tmp_path)) == tmp_path.name


def test_a_hub_snapshot_is_known_by_its_hub_name(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--some--model-7b" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    assert catalog.identity(str(snapshot)) == "some/model-7b"
    assert catalog.identity("llava-1.5-7b") == "llava-hf/llava-1.5-7b-hf"


def test_a_name_that_is_nothing_gets_the_list() -> None:
    with pytest.raises(CheckpointError, match=r"no model 'nanoo'.*nano"):
        catalog.resolve("nanoo")


def test_without_a_network_the_hub_says_what_to_do() -> None:
    with pytest.raises(CheckpointError, match=r"cannot be reached.*resumes.*nano needs no hub"):
        catalog.resolve("some-owner/some-model-that-is-not-here", lambda *_: None)


def test_an_adapter_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no adapter_config\.json"):
        catalog.resolve_adapter(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text("{}")
    assert catalog.resolve_adapter(str(tmp_path)) == tmp_path


def test_other_bases_have_no_adapter_of_their_own() -> None:
    assert catalog.default_adapter("llava-1.5-7b") is None
    assert catalog.default_adapter("nano") in {None, "nano-med"}
