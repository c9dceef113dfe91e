"""Conversations into one model's tokens, and its tokens back into text that can be shown while it grows."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medvlm import prompts
from medvlm.errors import UserError
from medvlm.types import Conversation, Scan

if TYPE_CHECKING:
    from medvlm.engine.sights import Picture
    from medvlm.families import Family


class TextPieces:
    """Tokens in, whole characters out: a character whose bytes come in several tokens waits for the last of them."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._begin = 0  # Decoding starts here: a token's text depends on the ones just before it.
        self._shown = 0  # Tokens before this one have been given out.

    def add(self, token: int) -> str:
        """The text that this token completes; empty while a character is not whole."""
        self._tokens.append(token)
        return self._new(whole=True)

    def finish(self) -> str:
        """What was held back; bytes that never became a character are dropped."""
        return self._new(whole=False).rstrip("\ufffd")

    def _new(self, whole: bool) -> str:
        before = self._decode(self._tokens[self._begin : self._shown])
        now = self._decode(self._tokens[self._begin :])
        if len(now) <= len(before) or (whole and now.endswith("\ufffd")):
            return ""
        self._begin, self._shown = self._shown, len(self._tokens)
        return now[len(before) :]

    def _decode(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt in tokens. `marks` tell what each stands for, `places` where each picture begins, `spots` every place
    that one of its features takes: some families write marks between them."""

    tokens: tuple[int, ...]
    marks: tuple[Hashable, ...]
    pictures: "tuple[Picture, ...]"
    places: tuple[int, ...]
    notes: tuple[str, ...] = ()
    spots: tuple[tuple[int, ...], ...] = ()


class Template:
    """Makes prompts of conversations, by the chat template and the tokens of one model."""

    def __init__(self, processor: Any, family: "Family | None" = None) -> None:
        """Without a family, pictures stand for themselves by the processor's image token alone."""
        self._processor = processor
        self._family = family
        self._placeholder = int(family.placeholder(processor) if family else processor.image_token_id)
        self._tokenizer = processor.tokenizer
        # All of them: `all_special_tokens` names only those that have a role, not every one that the tokenizer obeys.
        added = processor.tokenizer.added_tokens_decoder.values()
        image = self._tokenizer.convert_ids_to_tokens(self._placeholder)
        words = {processor.image_token, image, *(token.content for token in added if token.special)}
        self.special = tuple(sorted((word for word in words if len(word) > 1), key=len, reverse=True))

    def text(self, conversation: Conversation) -> str:
        """The prompt as text, up to where an answer begins if one is due; one image mark a picture."""
        text: str = self._processor.apply_chat_template(
            prompts.messages(prompts.harmless(conversation, self.special)),
            tokenize=False,
            add_generation_prompt=conversation.turns[-1].role == "user",
        )
        return text

    def fitting(self, conversation: Conversation, picture: "Callable[[Scan, int], Picture]", room: int) -> Prompt:
        """The prompt within `room` tokens: the oldest questions go first, pictures and system prompt never.

        Raises UserError when the last question alone is too long.
        """
        questions = sum(turn.role == "user" for turn in conversation.turns)
        assert questions, "there is a question to answer"
        for dropped in range(questions):
            rest = prompts.without_oldest(conversation, dropped)
            prompt = self._prompt(rest, picture, _dropped_note(dropped))
            if len(prompt.tokens) <= room:
                return prompt
        raise UserError(
            f"The question with its pictures takes {len(prompt.tokens)} tokens and there is room for {max(room, 0)}. "
            "Shorten it, show fewer pictures, or allow a shorter answer."
        )

    def first_tokens(self, word: str) -> list[int]:
        """The tokens with which an answer that begins with the word can begin."""
        ways = {space + form for space in ("", " ") for form in (word, word.lower(), word.capitalize(), word.upper())}
        encoded = (self._tokenizer.encode(way, add_special_tokens=False) for way in ways)
        return sorted({tokens[0] for tokens in encoded if tokens})

    def _prompt(
        self, conversation: Conversation, picture: "Callable[[Scan, int], Picture]", notes: tuple[str, ...]
    ) -> Prompt:
        shown = [picture(conversation.scans[view.scan], view.slice) for view in prompts.views(conversation)]
        image_token = self._processor.image_token
        parts = self.text(conversation).split(image_token)
        assert len(parts) == len(shown) + 1, "the chat template shows every picture once"
        written = (picture.text or image_token * picture.tokens for picture in shown)
        text = parts[0] + "".join(one + part for one, part in zip(written, parts[1:], strict=True))
        tokens = self.tokens(text)
        return _marked(tokens, tuple(shown), self._placeholder, notes)

    def tokens(self, text: str, offsets: bool = False) -> Any:
        """Token numbers of a whole prompt whose pictures are in it; with where each begins and ends on request."""
        text = self._family.tidy(self._processor, text) if self._family else text
        # As ProcessorMixin does: a template that writes the beginning mark itself must not get a second one.
        bos = self._tokenizer.bos_token
        special = not (bos and text.startswith(bos))
        if not offsets:
            return self._tokenizer.encode(text, add_special_tokens=special)
        return self._tokenizer(text, add_special_tokens=special, return_offsets_mapping=True)


def _marked(tokens: Sequence[int], pictures: "tuple[Picture, ...]", image: int, notes: tuple[str, ...]) -> Prompt:
    """Tell which tokens stand for which picture; image tokens are those of the pictures, in order."""
    marks: list[Hashable] = list(tokens)
    spots = [i for i, token in enumerate(tokens) if token == image]
    names = [(picture.key, k) for picture in pictures for k in range(picture.tokens)]
    for spot, name in zip(spots, names, strict=True):
        marks[spot] = name
    taken, used = [], 0
    for picture in pictures:
        taken.append(tuple(spots[used : used + picture.tokens]))
        used += picture.tokens
    places = tuple(picture[0] for picture in taken)
    return Prompt(tuple(tokens), tuple(marks), pictures, places, notes, tuple(taken))


def _dropped_note(questions: int) -> tuple[str, ...]:
    if not questions:
        return ()
    which = "oldest question and its answer" if questions == 1 else f"{questions} oldest questions and their answers"
    return (f"The conversation is too long for the model: the {which} were left out. Pictures stay in view.",)


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer: those of the generation settings and the tokenizer's own."""
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in (*listed, tokenizer.eos_token_id) if token is not None)
