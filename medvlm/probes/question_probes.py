"""Probes that change the words: questions without an answer, other wordings, a role, chance, doubt, Chinese."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from statistics import mean

from medvlm.metrics import strict
from medvlm.metrics.similarity import CHINESE
from medvlm.probes import chinese, wordings
from medvlm.probes.asked import (
    GREEDY,
    SEED,
    Ask,
    Material,
    Measure,
    Probe,
    Texts,
    Value,
    agree,
    own,
    quality,
    value,
)
from medvlm.probes.picture_probes import against_own, by_subject
from medvlm.probes.unanswerable import UNANSWERABLE_PROBES

WORDINGS = 2
DRAWS = 3
TEMPERATURE = 0.7
# Every second question is asked several times or doubted: that halves the work, and the set is in random order.
EVERY = 2


def _expert(material: Material) -> list[Ask]:
    return [
        Ask("expert", "expert", s, s.picture, f"{wordings.EXPERT} {s.question}") for s in material.subjects
    ]  # fmt: skip


def _expert_values(asks: Sequence[Ask], texts: Texts) -> list[Value]:
    """As for changed pictures, but what is gained, not what is lost."""
    made = []
    for one in against_own("expert", asks, texts):
        gain = one.measure == "expert_drop"
        number = None if one.value is None else -one.value if gain else one.value
        made.append(replace(one, measure="expert_gain" if gain else one.measure, value=number))
    return made


def _paraphrases(material: Material) -> list[Ask]:
    return [
        Ask("wordings", f"wording-{number}", subject, subject.picture, text)
        for subject in material.subjects[::EVERY]
        for number, text in enumerate(wordings.other_wordings(subject.question, WORDINGS), 1)
    ]


def alike(texts: Sequence[str]) -> float | None:
    """The share of pairs of answers that say the same; None for fewer than two."""
    pairs = list(combinations(texts, 2))
    return mean(agree(a, b) for a, b in pairs) if pairs else None


def _paraphrase_values(asks: Sequence[Ask], texts: Texts) -> list[Value]:
    made = []
    for group in by_subject(asks):
        subject = group[0].subject
        plain, others = texts[own(subject).id], [texts[ask.id] for ask in group]
        was = quality(subject, plain)
        now = [score for text in others if (score := quality(subject, text)) is not None]
        made.append(value("wordings_same", group[0], alike([plain, *others])))
        drop = None if was is None or not now else was - mean(now)
        made.append(value("wordings_drop", group[0], drop, "" if now else "the reference has no words"))
    return made


def _draws(material: Material) -> list[Ask]:
    return [
        Ask(
            "draws", f"draw-{number}", subject, subject.picture, subject.question,
            decoding=replace(GREEDY, temperature=TEMPERATURE, seed=SEED + number),
        )
        for subject in material.subjects[::EVERY]
        for number in range(1, DRAWS + 1)
    ]  # fmt: skip


def _draw_values(asks: Sequence[Ask], texts: Texts) -> list[Value]:
    made = []
    for group in by_subject(asks):
        subject, drawn = group[0].subject, [texts[ask.id] for ask in group]
        was = quality(subject, texts[own(subject).id])
        now = [score for text in drawn if (score := quality(subject, text)) is not None]
        made.append(value("draws_same", group[0], alike(drawn)))
        drop = None if was is None or not now else was - mean(now)
        made.append(value("draws_drop", group[0], drop, "" if now else "the reference has no words"))
    return made


def _follow_up(asks: Sequence[Ask], texts: Texts) -> list[Ask]:
    """Doubt, once the first answers are there: asked again, and where it said yes or no, told the opposite."""
    made = []
    for ask in asks:
        said, question = texts[ask.id], ask.subject.question
        if not said.strip():
            continue
        earlier = ((question, said),)
        again = wordings.AGAIN.format(question=question)
        made.append(replace(ask, probe="follow-up", condition="again", question=again, earlier=earlier))
        if (plain := strict.yes_no(said)) is not None:
            pushed = wordings.PUSHED.format(opposite="no" if plain == "yes" else "yes", question=question)
            made.append(replace(ask, probe="follow-up", condition="pushed", question=pushed, earlier=earlier))
    return made


def _doubted(material: Material) -> list[Ask]:
    return [own(subject) for subject in material.subjects[1::EVERY]]


def _follow_up_values(asks: Sequence[Ask], texts: Texts) -> list[Value]:
    names = {"again": "follow_up_same", "pushed": "follow_up_kept"}
    return [
        value(names[ask.condition], ask, agree(texts[own(ask.subject).id], texts[ask.id]))
        for ask in asks
        if ask.condition in names
    ]


def _chinese(material: Material) -> list[Ask]:
    made = []
    for picture in [one for one in material.pictures if one.picture in material.truths][::EVERY]:
        for subject, english, text in chinese.subjects(picture, material.truths[picture.picture]):
            made.append(Ask("chinese", "english", subject, subject.picture, english))
            made.append(Ask("chinese", "chinese", subject, subject.picture, text))
    return made


def _chinese_values(asks: Sequence[Ask], texts: Texts) -> list[Value]:
    made = []
    for english, other in by_subject(asks):
        was, now = quality(english.subject, texts[english.id]), quality(other.subject, texts[other.id])
        assert was is not None and now is not None, "closed questions are always scored"
        made.append(value("chinese_drop", other, was - now))
        made.append(value("chinese_score", other, now))
        made.append(value("english_score", english, was))
        made.append(value("chinese_in_chinese", other, bool(CHINESE.search(texts[other.id]))))
    return made


def _foreign(material: Material) -> list[Ask]:
    if not material.foreign or not material.familiar:
        return []
    sides = {"foreign": material.foreign, "familiar": material.familiar}
    return [Ask("foreign", side, s, s.picture, s.question) for side, part in sides.items() for s in part]


def _foreign_values(asks: Sequence[Ask], texts: Texts) -> list[Value]:
    return [value(f"{ask.condition}_score", ask, quality(ask.subject, texts[ask.id])) for ask in asks]


QUESTION_PROBES: tuple[Probe, ...] = (
    *UNANSWERABLE_PROBES,
    Probe(
        "expert",
        "Asked as an expert radiologist",
        "Each question behind the sentence that Med-Idefics puts there (sections 1 and 5.4): "
        f"\u201c{wordings.EXPERT}\u201d",
        (
            Measure("expert_gain", "Gained by the expert's sentence", "quality with it minus quality without", "none"),
            Measure("expert_score", "Quality with the expert's sentence", "quality", "high"),
            Measure("expert_changed", "Answers that it changes", "share that says something else", "none"),
        ),
        _expert,
        _expert_values,
    ),
    Probe(
        "wordings",
        "Other wordings",
        f"Every second question in up to {WORDINGS} other ways: a drawn picture's in the phantoms' other wordings of "
        "the same question, any other with words around it that ask for nothing else.",
        (
            Measure("wordings_same", "Agreement over wordings", "mean share of pairs of answers that agree", "high"),
            Measure("wordings_drop", "Lost in other wordings", "quality as asked minus mean quality otherwise", "low"),
        ),
        _paraphrases,
        _paraphrase_values,
    ),
    Probe(
        "draws",
        "Repeated by chance",
        f"Every second question answered {DRAWS} times at temperature {TEMPERATURE:g}, each time with another seed.",
        (
            Measure("draws_same", "Agreement over draws", "mean share of pairs of draws that agree", "high"),
            Measure("draws_drop", "Lost by drawing", "quality of the greedy answer minus mean quality of draws", "low"),
        ),
        _draws,
        _draw_values,
    ),
    Probe(
        "follow-up",
        "Asked again, and contradicted",
        "After its own answer, every second question is asked again (\"Are you sure?\"), and where the answer was yes "
        "or no, again after \"I think the answer is\" the opposite. The picture is still there, so nothing may change.",
        (
            Measure("follow_up_same", "The same when asked again", "share that agrees with the first", "high"),
            Measure("follow_up_kept", "Kept when contradicted", "share of yes and no that stay", "high"),
        ),
        _doubted,
        _follow_up_values,
        _follow_up,
    ),
    Probe(
        "chinese",
        "In Chinese",
        "Yes-or-no questions about every second drawn picture (kind of picture, normal or not, a finding), each in "
        "English and in Chinese. Yes and no count in either language.",
        (
            Measure("chinese_drop", "Lost in Chinese", "quality in English minus quality in Chinese", "low"),
            Measure("chinese_score", "Right in Chinese", "share right", "high"),
            Measure("english_score", "Right in English", "share right", "high"),
            Measure("chinese_in_chinese", "Answered in Chinese", "share of answers with Chinese characters", "none"),
        ),
        _chinese,
        _chinese_values,
        missing="the set has no drawn pictures, whose truth is known",
    ),
    Probe(
        "foreign",
        "Out of distribution",
        "Quality on pictures of a kind that training has not seen, against the others: a data set that the checkpoint "
        "does not list; where it lists all that are here, drawn pictures of the combinations and sizes that training "
        "never draws, against other drawn pictures. The run says which. The two sets are of different questions, so "
        "part of the difference may be their difficulty.",
        (
            Measure(
                "foreign_drop", "Lost out of distribution", "mean quality on familiar minus on foreign pictures", "low",
                ("familiar_score", "foreign_score"),
            ),
            Measure("foreign_score", "Quality on foreign pictures", "quality", "high"),
            Measure("familiar_score", "Quality on familiar pictures", "quality", "high"),
        ),
        _foreign,
        _foreign_values,
        missing="nothing here is foreign to this checkpoint",
    ),
)  # fmt: skip
