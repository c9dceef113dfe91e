"""Single questions with their answers, for everything that a `Truth` supports."""

import random
from collections.abc import Callable, Iterator

from medvlm.phantoms import asking, balance
from medvlm.phantoms.asker import Asker
from medvlm.phantoms.picture_questions import (
    about_magnification,
    about_modality,
    about_organ,
    about_plane,
    about_region,
    about_technique,
)
from medvlm.phantoms.truth import Finding, Question, Truth
from medvlm.phantoms.wording import (
    be,
    definite,
    described,
    indefinite,
    is_mass,
    is_plural,
    listed,
    measured,
    number,
    picture_name,
    place_phrase,
    plural,
    short_place,
    singular,
    size,
    start,
    verb,
    where,
)

# Sides of the patient are never asked by choice where a finding lies on both.
SIDES = ("left", "right")
# A single one of these is not asked for its number.
UNCOUNTED = ("line", "tube", "diaphragm", "effusion", "pneumothorax", "disc", "fluid")


def about_presence(asker: Asker) -> Iterator[Question]:
    present = {finding.name: finding for finding in asker.truth.findings}
    for name in sorted(present.keys() | set(asker.truth.possible)):
        frequency = asker.frequency(f"presence of {name}", "yes") or 0.6 / max(2, len(asker.truth.possible))
        if not balance.ask_yes_no(asker.rng, name in present, frequency):
            continue
        text = presence_text(asker, name)
        yield asker.yes_no("presence", text, name in present, presence_sentence(asker, name), name)


def presence_text(asker: Asker, name: str) -> str:
    also = asking.ALSO_ASKED.get((asker.truth.domain, name), ())
    if also and not asker.held_out and asker.rng.random() < 0.35:
        return asker.rng.choice(also)
    wordings = asking.PRESENCE_PLURAL if is_plural(name) else asking.PRESENCE
    return asker.say(wordings, a=indefinite(name), bare=name)


def presence_sentence(asker: Asker, name: str) -> str:
    found = [finding for finding in asker.truth.findings if finding.name == name]
    if not found:
        return asker.one_of(f"No, there {be(name)} no {name}.", f"No, I see no {name}.", f"No {name} {be(name)} seen.")
    listing = listed([described(finding) for finding in found])
    return f"Yes, there {verb(found[0])} {listing}."


def about_which(asker: Asker) -> Iterator[Question]:
    findings = asker.truth.findings
    short = listed(list(dict.fromkeys(finding.name for finding in findings))) or "no abnormality"
    yield Question("which", asker.say(asking.WHICH_OPEN), short, findings_sentence(asker), False)
    present = {finding.name for finding in findings}
    for name in sorted(present):
        yield from which_of_two(asker, name, [other for other in asker.truth.possible if other not in present])


def which_of_two(asker: Asker, name: str, absent: list[str]) -> Iterator[Question]:
    """The drawn absent finding is asked in proportion to its odds, so that both names are right equally often."""
    for other in absent:
        frequency = asker.frequency(f"presence of {other}", "yes")
        if not 0.0 < frequency < 0.5 or asker.rng.random() >= frequency / (1.0 - frequency):
            continue
        a, b = asker.rng.sample((name, other), 2)
        text = asker.say(asking.WHICH_PAIR, a=indefinite(a), b=indefinite(b))
        yield Question("which", text, name, findings_sentence(asker), True, (a, b), name)


def findings_sentence(asker: Asker) -> str:
    findings = asker.truth.findings
    if not findings:
        return asker.one_of("No abnormality is seen.", "I see nothing abnormal.", "The picture looks normal.")
    return f"There {verb(findings[0])} {listed([described(finding) for finding in findings])}."


def about_side(asker: Asker) -> Iterator[Question]:
    for finding in balance.lone(asker.truth):
        if finding.side is None:
            continue
        words = {"bare": finding_word(finding), "be": verb(finding)}
        short = "both sides" if finding.side == "both" else finding.side
        said = f"{definite(finding)} {verb(finding)} on {short if short == 'both sides' else f'the {short}'}"
        yield Question("side", asker.say(asking.SIDE_OPEN, **words), short, start(f"{said}."), False, (), finding.name)
        if finding.side in SIDES and verb(finding) == "is":
            yield from side_closed(asker, finding, words, said)


def side_closed(asker: Asker, finding: Finding, words: dict[str, str], said: str) -> Iterator[Question]:
    values = asker.frequencies.get(f"side of {finding.name}", {})
    sides = {side: values[side] for side in SIDES if side in values}
    if not balance.ask_evenly(asker.rng, finding.side or "", sides):
        return
    asked = asker.rng.choice(SIDES)
    yes = asked == finding.side
    text = asker.say(asking.SIDE_YES_NO, value=asked, **words)
    yield asker.yes_no("side", text, yes, f"{'Yes' if yes else 'No'}, {said}.", finding.name)
    text = asker.say(asking.SIDE_PAIR, **words)
    yield Question("side", text, finding.side or "", start(f"{said}."), True, SIDES, finding.name)


def finding_word(finding: Finding) -> str:
    return definite(finding).removeprefix("the ")


def about_place(asker: Asker) -> Iterator[Question]:
    for finding in balance.lone(asker.truth):
        at, short = where(finding), short_place(finding)
        if at is None or short is None or finding.place is None:
            continue
        words = {"bare": finding_word(finding), "be": verb(finding)}
        said = f"{definite(finding)} {verb(finding)} {at}"
        yield Question(
            "place", asker.say(asking.PLACE_OPEN, **words), short, start(f"{said}."), False, (), finding.name
        )
        if verb(finding) == "is":
            yield from place_closed(asker, finding, words["bare"], said)


def place_closed(asker: Asker, finding: Finding, bare: str, said: str) -> Iterator[Question]:
    values = asker.frequencies.get(f"place of {finding.name}", {})
    place = finding.place or ""
    for asked in sorted(values):
        if balance.ask_yes_no(asker.rng, asked == place, values[asked]):
            yes = asked == place
            text = asker.say(asking.PLACE_YES_NO, bare=bare, at=place_words(asked))
            yield asker.yes_no("place", text, yes, f"{'Yes' if yes else 'No'}, {said}.", finding.name)
    other = balance.other_value(asker.rng, place, values)
    if other is not None:
        a, b = asker.rng.sample((place, other), 2)
        text = asker.say(asking.PLACE_PAIR, bare=bare, at=place_words(a), other=place_words(b))
        yield Question("place", text, place, start(f"{said}."), True, (a, b), finding.name)


def place_words(place: str) -> str:
    return (where(Finding("", place=place)) or place_phrase(place)).removesuffix(" of the picture")


def about_half(asker: Asker) -> Iterator[Question]:
    for finding in balance.lone(asker.truth):
        vertical, _ = balance.halves(finding)
        values = asker.frequencies.get(f"half of {finding.name}", {})
        if vertical is None or verb(finding) == "are" or not balance.ask_evenly(asker.rng, vertical, values):
            continue
        text = asker.say(asking.HALF, bare=finding_word(finding))
        sentence = f"{start(definite(finding))} {verb(finding)} in the {vertical} half of the picture."
        yield Question("place", text, vertical, sentence, True, ("upper", "lower"), finding.name)


def about_size(asker: Asker) -> Iterator[Question]:
    for finding in balance.lone(asker.truth):
        size_mm = measured(finding)
        if size_mm is None:
            continue
        bare, length = finding_word(finding), size(size_mm)
        said = f"{definite(finding)} measures about {length}"
        yield Question(
            "size", asker.say(asking.SIZE_OPEN, bare=bare), length, start(f"{said}."), False, (), finding.name
        )
        threshold = asker.frequency("thresholds in mm", finding.name)
        large = balance.threshold_side(finding, threshold) if threshold else None
        if large and balance.ask_evenly(asker.rng, large, asker.frequencies.get(f"large {finding.name}", {})):
            text = asker.say(asking.SIZE_YES_NO, bare=bare, limit=size(threshold))
            yield asker.yes_no("size", text, large == "yes", f"{start(large)}, {said}.", finding.name)


def about_count(asker: Asker) -> Iterator[Question]:
    for finding in balance.lone(asker.truth):
        if is_mass(finding.name) or (finding.count == 1 and any(word in finding.name for word in UNCOUNTED)):
            continue
        words = {"many": plural(finding.name), "one": singular(finding.name)}
        said = f"there {verb(finding)} {number(finding.count)} {words['many'] if finding.count > 1 else words['one']}"
        text = asker.say(asking.COUNT_OPEN, **words)
        yield Question("count", text, str(finding.count), start(f"{said}."), False, (), finding.name)
        several = "yes" if finding.count > 1 else "no"
        if balance.ask_evenly(asker.rng, several, asker.frequencies.get(f"several {finding.name}", {})):
            text = asker.say(asking.COUNT_YES_NO, **words)
            yield asker.yes_no("count", text, finding.count > 1, f"{start(several)}, {said}.", finding.name)


def about_normal(asker: Asker) -> Iterator[Question]:
    thing = picture_name(asker.truth).thing
    value = asker.facts["normal"]
    values = asker.frequencies.get("normal", {"yes": 0.4, "no": 0.6})
    said = findings_sentence(asker)
    normal = value == "yes"
    if balance.ask_evenly(asker.rng, value, values):
        sentence = "Yes, it looks normal." if normal else f"No. {said}"
        yield asker.yes_no("normal", asker.say(asking.NORMAL, thing=thing), normal, sentence)
    if balance.ask_evenly(asker.rng, value, values):
        sentence = "No, nothing abnormal is seen." if normal else f"Yes. {said}"
        yield asker.yes_no("normal", asker.say(asking.ABNORMAL, thing=thing), not normal, sentence)
    clear = asker.facts.get("lungs clear")
    if clear and balance.ask_evenly(asker.rng, clear, asker.frequencies.get("lungs clear", {})):
        sentence = "Yes, the lungs are clear." if clear == "yes" else f"No. {said}"
        yield asker.yes_no("normal", asker.say(asking.LUNGS), clear == "yes", sentence)


def about_comparison(asker: Asker) -> Iterator[Question]:
    said = findings_sentence(asker)
    side = asker.facts.get("affected side")
    if side and balance.ask_evenly(asker.rng, side, asker.frequencies.get("affected side", {})):
        sentence = f"The {side} side is more affected. {said}"
        yield Question("comparison", asker.say(asking.AFFECTED_SIDE), side, sentence, True, SIDES)
    for key, value in asker.truth.extras:
        if key.endswith(" side") and value in SIDES:
            yield from compared_side(asker, key, value)
    yield from compared_halves(asker)
    yield from compared_sizes(asker)


def compared_side(asker: Asker, key: str, side: str) -> Iterator[Question]:
    if balance.ask_evenly(asker.rng, side, asker.frequencies.get(key, {})):
        quality = key.removesuffix(" side")
        text = asker.say(asking.COMPARED_SIDE, quality=quality)
        yield Question("comparison", text, side, f"The {side} side is {quality}.", True, SIDES)


def compared_halves(asker: Asker) -> Iterator[Question]:
    pairs = [("affected half", ("upper", "lower"))]
    if asker.truth.domain in ("histology", "gross"):  # elsewhere "left half" would be mixed up with the patient's left
        pairs.append(("affected flank", SIDES))
    for fact, choices in pairs:
        half = asker.facts.get(fact)
        if half and balance.ask_evenly(asker.rng, half, asker.frequencies.get(fact, {})):
            a, b = asker.rng.sample(choices, 2)
            text = asker.say(asking.AFFECTED_HALF, a=a, b=b)
            yield Question("comparison", text, half, f"The {half} half of the picture is more affected.", True, (a, b))


def compared_sizes(asker: Asker) -> Iterator[Question]:
    pair = balance.larger(asker.truth)
    if pair is None:
        return
    large, small = pair
    values = asker.frequencies.get(f"larger of {' and '.join(sorted((large.name, small.name)))}", {})
    if balance.ask_evenly(asker.rng, large.name, values):
        a, b = asker.rng.sample((large, small), 2)
        text = asker.say(asking.LARGER, a=finding_word(a), b=finding_word(b))
        sentence = f"The {finding_word(large)} is larger than the {finding_word(small)}."
        yield Question("comparison", text, large.name, sentence, True, (a.name, b.name))


ABOUT: tuple[Callable[[Asker], Iterator[Question]], ...] = (
    about_modality,
    about_plane,
    about_region,
    about_organ,
    about_technique,
    about_magnification,
    about_presence,
    about_which,
    about_side,
    about_place,
    about_half,
    about_size,
    about_count,
    about_normal,
    about_comparison,
)


def ask_all(truth: Truth, rng: random.Random, held_out: bool) -> list[Question]:
    """Every question that this picture supports, but for the unanswerable ones."""
    asker = Asker(truth, rng, held_out)
    return [question for about in ABOUT for question in about(asker)]
