"""From answers to scores: VQA-RAD by LLaVA-Med's counting and by ours, both arms with their paired difference."""

from collections.abc import Callable, Mapping, Sequence

from eval.items import Answer
from eval.nano.calibration import Belief, summary
from eval.nano.tasks import Case
from medvlm import datasets, statistics
from medvlm.metrics import compat, strict
from medvlm.metrics.text import normalised
from medvlm.scores import Record, interval, share

# Case -> how good its answer is, 0 to 1; None: not scored.
Score = Callable[[Case, str], float | None]
Texts = Mapping[str, str]


def compat_closed(case: Case, text: str) -> float | None:
    return float(compat.closed_correct(text, case.reference)) if case.closed else None


def compat_open(case: Case, text: str) -> float | None:
    return None if case.closed else compat.open_score(text, case.reference).recall


def strict_closed(case: Case, text: str) -> float | None:
    """An answer that cannot be read as one of the possible ones is not right; how many these are stands beside."""
    return float(strict.closed(text, case.reference, case.choices) == "right") if case.closed else None


def strict_open(case: Case, text: str) -> float | None:
    found = None if case.closed else strict.overlap(text, case.reference)
    return None if found is None else found.recall


def strict_f1(case: Case, text: str) -> float | None:
    found = None if case.closed else strict.overlap(text, case.reference)
    return None if found is None else found.f1


def strict_exact(case: Case, text: str) -> float | None:
    return None if case.closed else float(strict.exact(text, case.reference))


# Names as they stand in score files. Those of shares get Wilson intervals; the others a bootstrap over pictures.
SHARES: dict[str, Score] = {
    "compat_closed": compat_closed,
    "strict_closed": strict_closed,
    "strict_exact": strict_exact,
}
MEANS: dict[str, Score] = {"compat_open": compat_open, "strict_open": strict_open, "strict_f1": strict_f1}
METRICS: dict[str, Score] = SHARES | MEANS


def scored(cases: Sequence[Case], texts: Texts, score: Score) -> dict[str, float]:
    """Case id -> score, for the cases that the metric scores."""
    found = {case.item.id: score(case, texts[case.item.id]) for case in cases}
    return {name: value for name, value in found.items() if value is not None}


def one(cases: Sequence[Case], texts: Texts, name: str) -> Record:
    """One metric over cases: hits, n and Wilson interval, or mean, n and clustered interval."""
    values = scored(cases, texts, METRICS[name])
    if name in SHARES:
        return share(int(sum(values.values())), len(values))
    clusters = {case.item.id: case.cluster for case in cases}
    mean = statistics.clustered(list(values.values()), [clusters[i] for i in values])
    return {"n": len(values), **interval(mean)}


def all_metrics(cases: Sequence[Case], texts: Texts) -> Record:
    """Every metric, and how many closed answers could not be read as any possible one."""
    unparsed = sum(
        strict.closed(texts[c.item.id], c.reference, c.choices) == "unparsed" for c in cases if c.closed
    )  # fmt: skip
    return {name: one(cases, texts, name) for name in METRICS} | {"unparsed": unparsed}


def grouped(cases: Sequence[Case], key: Callable[[Case], str]) -> dict[str, list[Case]]:
    """The cases by key, keys in alphabetical order."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return dict(sorted(groups.items()))


def by(cases: Sequence[Case], texts: Texts, key: Callable[[Case], str], metrics: Sequence[str]) -> Record:
    """Some metrics for each group of cases."""
    return {group: {m: one(part, texts, m) for m in metrics} for group, part in grouped(cases, key).items()}


def difference(cases: Sequence[Case], tuned: Texts, base: Texts, name: str) -> Record:
    """Tuned minus base, item by item: bootstrap over pictures; for shares also McNemar's exact p."""
    first, second = (scored(cases, texts, METRICS[name]) for texts in (tuned, base))
    clusters = {case.item.id: case.cluster for case in cases}
    found = statistics.paired(list(first.values()), list(second.values()), [clusters[i] for i in first])
    record: Record = {"n": len(first), **interval(found)}
    if name in SHARES:
        only_first = sum(first[i] > second[i] for i in first)
        only_second = sum(first[i] < second[i] for i in first)
        record |= {"only_first": only_first, "only_second": only_second}
        record["mcnemar_p"] = round(statistics.mcnemar(only_first, only_second), 6)
    return record


def differences(cases: Sequence[Case], tuned: Texts, base: Texts, names: Sequence[str] = tuple(METRICS)) -> Record:
    return {name: difference(cases, tuned, base, name) for name in names}


def counts(cases: Sequence[Case]) -> Record:
    """How much was asked."""
    return {
        "n": len(cases),
        "closed": sum(case.closed for case in cases),
        "open": sum(not case.closed for case in cases),
        "pictures": len({case.cluster for case in cases}),
    }


def vqa(cases: Sequence[Case], arms: Mapping[str, Texts]) -> Record:
    """The whole record of one VQA test: every arm's scores, groups for what was trained and for the base."""
    both = ("compat_closed", "compat_open", "strict_closed")
    record = counts(cases) | {"arms": {arm: all_metrics(cases, texts) for arm, texts in arms.items()}}
    trained = {arm: arms[arm] for arm in ("tuned", "base") if arm in arms}
    record["by_domain"] = {a: by(cases, t, lambda c: c.domain, both) for a, t in trained.items()}
    record["by_kind"] = {a: by(cases, t, lambda c: c.kind, both) for a, t in trained.items()}
    if len(trained) == 2:
        record["difference"] = differences(cases, trained["tuned"], trained["base"])
    return record


def beliefs(cases: Sequence[Case], answers: Mapping[str, Answer]) -> Record:
    """What the probability of "yes" is worth on the cases that ask for yes or no."""
    made = []
    for case in cases:
        wanted, got = normalised(case.reference), answers[case.item.id]
        if case.closed and wanted in ("yes", "no"):
            mass = got.yes + got.no
            made.append(Belief(got.yes / mass if mass else 0.5, wanted == "yes"))
    return summary(made)


def modality(cases: Sequence[Case], texts: Texts) -> Record:
    """Balanced accuracy of the modality named, for each wording; and what was said of each."""
    wordings = {}
    for wording, part in grouped(cases, lambda case: case.kind).items():
        said = [named_modality(texts[case.item.id]) for case in part]
        right = [got == case.reference for got, case in zip(said, part, strict=True)]
        table: dict[str, dict[str, int]] = {}
        for case, got in zip(part, said, strict=True):
            row = table.setdefault(case.reference, {})
            row[got or "unparsed"] = row.get(got or "unparsed", 0) + 1
        balanced = statistics.balanced_accuracy([case.reference for case in part], right)
        question = part[0].item.question
        wordings[wording] = {"question": question, "n": len(part), **interval(balanced), "said": table}
    return counts(cases) | {"wordings": wordings}


def named_modality(text: str) -> str | None:
    """X-ray, CT or MRI where an answer names exactly one of them."""
    found = datasets.modalities_in(text)
    if len(found) != 1:
        return None
    domain = next(iter(found))
    return "X-ray" if domain == "cxr" else domain.upper()
