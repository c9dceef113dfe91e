"""How a run's answers are worded, and how much the way of counting matters: `python -m eval text runs/NAME`.

Over the whole data set and for each arm: BLEU of the corpus, ratio of lengths, hedging and what it is worth; and for
pairs of ways to count, which items flip and what that does to the score.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from medvlm import scores
from medvlm.errors import ConfigError
from medvlm.metrics import flips, hedging, similarity
from medvlm.metrics.profiles import METRICS, Item, summarise
from medvlm.probes.asked import Value
from medvlm.probes.figures import difference, mean_figure
from medvlm.scoreboard import packed
from medvlm.scores import Prediction, Record
from medvlm.statistics import Figure

FILE = "text.json"
# Theirs against ours, where both count the same kind of thing.
COUNTED = (
    ("compat_closed", "strict_closed"),
    ("compat_closed", "medevalkit_closed"),
    ("medevalkit_closed", "strict_closed"),
    ("compat_open", "strict_open"),
    ("compat_f1", "strict_f1"),
    ("compat_exact", "strict_exact"),
    ("medevalkit_em", "strict_exact"),
    ("idefics_em", "idefics_em_reverse"),
    ("idefics_em", "idefics_em_cut"),
    ("idefics_f1", "idefics_f1_cut"),
)
EXAMPLES = 10  # flips that are kept, word for word


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the folder of a run with references")
    parser.add_argument(
        "--flips", nargs=2, action="append", metavar="METRIC", help="further ways of counting to compare"
    )


def run(chosen: argparse.Namespace) -> int:
    """Write the account beside the run, and print it."""
    record = account(packed.read(chosen.run).predictions, chosen.flips or ())
    scores.write(chosen.run / FILE, record)
    print("\n".join(line for arm, one in record.items() for line in lines(arm, one)))
    return 0


def account(predictions: Sequence[Prediction], more: Sequence[Sequence[str]] = ()) -> Record:
    """Arm -> everything. Raises ConfigError for an unknown metric, or a run without references."""
    if odd := [name for pair in more for name in pair if name not in METRICS]:
        raise ConfigError(f"--flips {', '.join(odd)} is no metric; use {', '.join(METRICS)}.")
    kept = [one for one in predictions if one.reference]
    if not kept:
        raise ConfigError("No question of this run has a reference, so there is nothing to hold answers against.")
    pairs = [*COUNTED, *((first, second) for first, second in more)]
    return {
        arm: {"wording": wording(part), "hedging": hedged(part), "flips": compared(part, pairs)}
        for arm in dict.fromkeys(one.arm for one in kept)
        if (part := [one for one in kept if one.arm == arm])
    }


def wording(part: Sequence[Prediction]) -> Record:
    """Open answers as one corpus: BLEU-1 to 4 with sacrebleu's signature, ROUGE and the ratio of lengths with n."""
    spoken = [one for one in part if not one.closed]
    texts, references = [one.text for one in spoken], [one.reference for one in spoken]
    bleu = {f"bleu{order}": similarity.corpus_bleu(texts, references, order) for order in (1, 2, 3, 4)}
    named = {name: [METRICS[name].score(item(one)) for one in spoken] for name in (*similarity.ROUGES, "length_ratio")}
    return {
        "n": len(spoken),
        **bleu,
        "signature": similarity.signature() if spoken else "",
        **{name: asdict(summarise(values)) for name, values in named.items()},
    }


def item(one: Prediction) -> Item:
    return Item(one.text, one.reference, one.closed, one.choices)


def hedged(part: Sequence[Prediction]) -> Record:
    """Counts, per 100 words, and how good answers are when they hedge and when they do not, pictures resampled."""
    found = hedging.hedging([one.text for one in part])
    named = [
        Value("hedged" if hedging.hedges(one.text) else "plain", one.sample_id, one.cluster, quality(one), "unscored")
        for one in part
    ]
    sides = {name: [value for value in named if value.measure == name] for name in ("hedged", "plain")}
    return {
        "texts": found.texts,
        "hedged": found.hedged,
        "words": found.words,
        "counts": found.counts,
        "per_100_words": found.per_100_words,
        "quality": {name: asdict(mean_figure(values)) for name, values in sides.items()},
        "difference": asdict(difference(sides["hedged"], sides["plain"])),
    }


def quality(one: Prediction) -> float | None:
    """Right or not for a closed question, F1 of words for an open one."""
    return METRICS["strict_closed" if one.closed else "strict_f1"].score(item(one))


def compared(part: Sequence[Prediction], pairs: Sequence[tuple[str, str]]) -> Record:
    """ "FIRST -> SECOND" -> both means, the effect of the flips, how many go which way, and some of them."""
    items = {one.sample_id: item(one) for one in part}
    made: Record = {}
    for first, second in pairs:
        found = flips.compare(items, METRICS[first], METRICS[second])
        record = asdict(found) | {"counted": found.counted(), "flips": len(found.flips)}
        record["examples"] = [asdict(flip) | {"direction": flip.direction} for flip in found.flips[:EXAMPLES]]
        made[f"{first} -> {second}"] = record
    return made


def lines(arm: str, record: Record) -> list[str]:
    """One arm's account to read."""
    said, doubt = record["wording"], record["hedging"]
    made = []
    if said["n"]:
        told = ", ".join(f"BLEU-{order} {said[f'bleu{order}']:.3f}" for order in (1, 2, 3, 4))
        made.append(f"{arm}: {told} (corpus, n = {said['n']}; {said['signature']})")
    made.append(
        f"{arm}: {doubt['hedged']} of {doubt['texts']} answers hedge, {shown(doubt['per_100_words'])} per 100 words"
    )
    for name in ("hedged", "plain"):
        made.append(f"{arm}: quality of {name} answers {spoken(doubt['quality'][name])}")
    for name, one in record["flips"].items():
        if one["n"]:
            means = f"{shown(one['mean_first'])} -> {shown(one['mean_second'])}"
            made.append(f"{arm}: {name}: {means}, effect {shown(one['effect'])}, {one['flips']} of {one['n']} flip")
    return made


def shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def spoken(figure: Record) -> str:
    """ "0.412 [0.371, 0.450], n = 120", or why there is none."""
    one = Figure(**figure)
    if one.value is None:
        return f"none ({one.reason})"
    return f"{one.value:.3f} [{shown(one.low)}, {shown(one.high)}], n = {one.n}"
