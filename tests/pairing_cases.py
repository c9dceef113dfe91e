"""Pairs of questions, and both answers read to their ends."""

from medvlm.engine.pairing import stream
from medvlm.engine.queueing import PairAnswer
from medvlm.types import Arm, ChatModel, Contender, Conversation, Decoding
from tests.tiny_models import ARMS, SHORT

LONG = Decoding(max_tokens=1500)


def begun(
    model: ChatModel,
    *talks: Conversation,
    arms: tuple[Arm, Arm] = ARMS,
    decodings: tuple[Decoding, Decoding] | None = None,
) -> PairAnswer:
    sides = [Contender(model, arm, talk) for arm, talk in zip(arms, (talks * 2)[:2], strict=True)]
    return stream(sides[0], sides[1], decodings or (SHORT, SHORT))


def texts(pair: PairAnswer) -> tuple[str, str]:
    """Both read to their ends."""
    parts = ["", ""]
    for side, piece in pair:
        parts[side] += piece
    return parts[0].strip(), parts[1].strip()
