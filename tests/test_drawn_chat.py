"""Phantoms asked as in a chat: two types, references from the truth, scored by the truth, none of it trained on."""

import pytest

from eval.truth import scored
from medvlm import datasets
from medvlm.datasets.drawn_chat import ACCOUNTS, CONVERSATION, DETAILED
from medvlm.errors import DatasetError
from medvlm.scores import Prediction
from medvlm.types import DOMAINS, Sample
from train import examples
from train.nano import mixtures


@pytest.fixture(scope="module")
def asked() -> tuple[Sample, ...]:
    return datasets.load("phantoms_chat:seeds=0-3", "test").samples


def test_every_phantom_is_described_and_talked_about(asked: tuple[Sample, ...]) -> None:
    pictures = {sample.image for sample in asked}
    assert pictures == {f"{domain}:{seed}" for domain in DOMAINS for seed in range(3)}
    assert [s.image for s in asked if s.kind == DETAILED] == list(dict.fromkeys(s.image for s in asked))
    for name in pictures:
        assert 1 <= sum(s.image == name and s.kind == CONVERSATION for s in asked) <= 2
    assert len({sample.id for sample in asked}) == len(asked)
    assert all(sample.question in ACCOUNTS for sample in asked if sample.kind == DETAILED)


def test_no_account_is_asked_for_in_words_of_training() -> None:
    assert not set(ACCOUNTS) & {*examples.BRIEF, *examples.DETAILED, *mixtures.BRIEF, *mixtures.DETAILED}


def test_the_references_hold_against_the_truth(asked: tuple[Sample, ...]) -> None:
    said = [
        Prediction(s.id, "tuned", s.reference, 1, s.question, s.reference, s.domain, s.kind, s.closed,
                   datasets.name_of(s), s.image, about=s.about)
        for s in asked
    ]  # fmt: skip
    values = {s.sample_id: s.value for s in scored(said) if s.metric == "truth" and s.value is not None}
    assert len(values) > len(asked) // 2 and set(values.values()) == {1.0}


def test_the_set_is_as_large_as_asked_and_refuses_what_it_does_not_know() -> None:
    assert {s.domain for s in datasets.load("phantoms_chat:domain=ct,seeds=1", "test").samples} == {"ct"}
    with pytest.raises(DatasetError, match="take domain, seeds"):
        datasets.load("phantoms_chat:kind=side", "test")
    with pytest.raises(DatasetError, match="for testing"):
        datasets.load("phantoms_chat", "test", purpose="train")
