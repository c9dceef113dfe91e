"""What is said of a phantom: captions, questions and dialogues, all of which follow from its `Truth`."""

import random

from medvlm.phantoms import captions
from medvlm.phantoms.absurd import unanswerable
from medvlm.phantoms.dialogues import dialogues
from medvlm.phantoms.questions import ask_all
from medvlm.phantoms.truth import Texts, Truth


def write(truth: Truth, seed: int, held_out_wordings: bool = False) -> Texts:
    """All texts of one phantom; the same truth and seed give the same texts.

    `held_out_wordings` puts every question in words that `held_out_wordings=False` never uses. Closed questions are
    drawn so that, over many phantoms, the wording alone says nothing about the answer; a caller that trains on several
    questions of one picture in a row should not let an earlier answer give a later one away (see `Question.about`).
    """
    rng = random.Random(2 * seed + held_out_wordings)
    questions = (*ask_all(truth, rng, held_out_wordings), *unanswerable(truth, rng, held_out_wordings))
    return Texts(
        brief=captions.brief(truth, rng),
        detailed=captions.detailed(truth, rng),
        questions=questions,
        dialogues=dialogues(truth, rng, held_out_wordings),
    )
