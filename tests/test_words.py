"""Words first: a projector learns to put the words of a picture's answers where the language model has them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from train.nano import words
from train.tokens import IGNORED, Row

KINDS = 3
EVERYWHERE, RARE = 9, 8


def row(kind: int, number: int) -> Row:
    labels = (IGNORED, EVERYWHERE, kind, *((RARE,) if number == 0 else ()))
    name = f"{kind}:{number}"
    return Row(name, name, labels, labels, torch.arange(len(labels))[None], (), ())


def rows() -> list[Row]:
    return [row(kind, number) for kind in range(KINDS) for number in range(8)]


def features() -> Callable[[Sequence[str]], Tensor]:
    """Four noisy tokens a picture that say its kind."""
    generator, kept = torch.Generator().manual_seed(0), {}
    for one in rows():
        kind = int((one.picture or "").split(":")[0])
        noise = 0.1 * torch.randn(4, 6, generator=generator)
        kept[one.picture] = nn.functional.one_hot(torch.tensor([kind] * 4), 6) + noise
    return lambda names: torch.stack([kept[name] for name in names])


def test_only_words_that_tell_pictures_apart_are_learnt() -> None:
    assert words.vocabulary(rows()) == [0, 1, 2, RARE], "what every answer says is left out"
    assert RARE not in words.vocabulary(rows()[:8]), "and what a single answer says"
    table = words.targets(rows(), [0, 1, 2])
    assert table[0].tolist() == [1, 0, 0] and table[-1].tolist() == [0, 0, 1]


def test_the_words_of_a_picture_come_out_nearest_and_as_long_as_words_are() -> None:
    torch.manual_seed(0)
    embedding = torch.randn(10, 16)
    projector = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 16))
    losses = words.warm(projector, embedding, rows(), features(), steps=1000)
    assert losses[-1] < losses[0] / 2
    tokens = projector(features()(["1:3"]))
    near = words.likeness(tokens, embedding[[0, 1, 2]], embedding.mean(0))
    assert near.argmax().item() == 1
    length = (embedding - embedding.mean(0)).norm(dim=-1).mean()
    assert 0.7 < (tokens - embedding.mean(0)).norm(dim=-1).mean() / length < 1.3


def test_told_tokens_come_nearest_to_their_own_phrases() -> None:
    torch.manual_seed(0)
    embedding, phrases = torch.randn(10, 16), torch.randn(3, 16)
    tokens, wanted = torch.randn(64, 2, 4), torch.randint(0, 3, (64, 2))
    tokens += nn.functional.one_hot(wanted, 4) * 4
    told = words.ToldTokens(tokens.half(), wanted, ("mass", "left", "none"))
    projector = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 16))
    words.warm(projector, embedding, rows(), features(), 600, (told, phrases))
    sample, due = told.batch(32, 6, torch.Generator().manual_seed(1))
    assert not sample[..., :2].any(), "as the tower gives them, zeros where the convolutions speak"
    centre = embedding.mean(0)
    directions = nn.functional.normalize(projector(sample) - centre, dim=-1)
    nearest = (directions @ nn.functional.normalize(phrases - centre, dim=-1).T).argmax(-1)
    assert (nearest == due).float().mean() > 0.9


def test_a_phrase_is_the_mean_of_its_words() -> None:
    embedding = torch.eye(4)

    def tokenizer(text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": [("left", "mass", "frontal", "lobe").index(word) for word in text.split()]}

    assert words.embedded(["left", "frontal lobe"], tokenizer, embedding).tolist() == [[1, 0, 0, 0], [0, 0, 0.5, 0.5]]
