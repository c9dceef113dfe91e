"""Pairs of questions, and both answers read to their ends."""

from medvlm.pairing import stream
from medvlm.queueing import PairAnswer
from medvlm.types import Arm, ChatModel, Contender, Conversation, Decoding, View
from tests.tiny_models import picture

ARMS: tuple[Arm, Arm] = ("base", "tuned")
SHORT = Decoding(max_tokens=12)
LONG = Decoding(max_tokens=1500)


def asked(question: str = "What is it?", seed: int = 0) -> Conversation:
    return Conversation().with_scan(picture(seed)).asked(question, (View(0),))


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
