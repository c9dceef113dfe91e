"""The engine on the real nano: really 4 bits, fluent, checked, and the same with and without what was kept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from medvlm import checkpoints, paths, prompts
from medvlm.chat import whole
from medvlm.engine.loading import nf4_layers
from medvlm.model import LocalModel
from medvlm.types import Decoding
from tests import tiny_models
from tests.tiny_models import asked


@pytest.fixture(scope="module")
def nano(nano_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalModel]:
    """The real nano in NF4 with an adapter that moves it a little."""
    adapter = tiny_models.write_adapter(tmp_path_factory.mktemp("nano-random"), nano_folder, scale=0.02)
    yield LocalModel.load("nano", str(adapter), keep_warm=False)


def test_nano_is_verified_and_answers_in_english(nano: LocalModel) -> None:
    assert nano.verified and nano.badge.startswith("nano + ") and "NF4" in nano.badge
    assert len(nf4_layers(nano.loaded.model)) == 7 * 30
    text = whole(nano, asked("What is a pleural effusion?"), "base", Decoding(max_tokens=16)).text
    assert len(text.split()) >= 4 and text.isascii()


def test_nano_says_the_same_over_eight_turns_with_and_without_what_was_kept(nano: LocalModel) -> None:
    """By the tuned arm, whose layers are the base's and more; both arms do so in test_model.py, on a tiny model."""
    talk = asked("What is shown?")
    for turn in range(8):
        decoding = Decoding(max_tokens=3, temperature=0.7, seed=turn)
        kept = whole(nano, talk, "tuned", decoding)
        if turn % 3 == 2:
            talk = talk.up_to(len(talk.turns) - 1).asked("And what else is in it?")
            kept = whole(nano, talk, "tuned", decoding)
        if turn in (5, 7):  # a fresh run costs seconds; these turns rest on all before them, edited ones too
            nano.forget("alone")
            fresh = whole(nano, replace(talk, id="alone"), "tuned", decoding)
            assert fresh.report.reused_tokens == 0 and fresh.text == kept.text
        assert kept.report.reused_tokens > 0 or turn == 0
        talk = kept.conversation.asked("Is it on the left or on the right side?")


def test_the_published_adapter_fits_the_published_base(nano_folder: Path) -> None:
    adapter = paths.ASSETS / "adapters" / "nano-med"
    info = checkpoints.read(adapter)
    assert info.base_revision == checkpoints.base_revision(nano_folder)
    assert (info.base_model, info.family, info.prompt_version) == ("nano", "llava", prompts.PROMPT_VERSION)
