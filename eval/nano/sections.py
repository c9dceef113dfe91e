"""The tables of the model card, each from the record of one setting."""

from collections.abc import Mapping

from eval.tables import MISSING, find, gain, number, share, table
from medvlm import scores
from medvlm.scores import Record
from medvlm.types import DOMAIN_NAMES, DOMAINS

ARMS = {
    "tuned": "nano-med (tuned)",
    "base": "nano (base)",
    "projector": "base with nano-med's projector alone",
    "majority": "majority answer, without looking",
    "question": "answer to the like-worded training question",
}
METRICS = {
    "compat_closed": "closed, LLaVA-Med's counting",
    "compat_open": "open recall, LLaVA-Med's counting",
    "strict_closed": "closed, strict",
    "strict_open": "open recall, strict",
    "strict_f1": "open F1, strict",
    "strict_exact": "open, exactly equal",
}


def named_domain(name: str) -> str:
    return DOMAIN_NAMES[next(domain for domain in (*DOMAINS, "other") if domain == name)]


def vqa(record: Record | None, arms: tuple[str, ...] = tuple(ARMS)) -> str:
    """Every arm by every metric, and the lead of the tuned arm."""
    head = ["per cent", *METRICS.values(), "closed answers unread"]
    rows = []
    for arm in arms:
        found = find(record, "arms", arm)
        cells = [share(find(found, metric)) for metric in METRICS]
        rows.append([ARMS[arm], *cells, str(found["unparsed"]) if found else MISSING])
    lead = [gain(find(record, "difference", metric)) for metric in METRICS]
    return table(head, [*rows, ["tuned minus base, points", *lead, ""]])


def vqa_groups(record: Record | None, key: str) -> str:
    """Tuned and base by domain or kind of question."""
    groups = find(record, key, "tuned") or {}
    if not groups:
        return f"By group: {MISSING}."
    head = ["", *(f"{metric}, {arm}" for metric in ("closed", "open", "closed strict") for arm in ("tuned", "base"))]
    metrics = ("compat_closed", "compat_open", "strict_closed")
    rows = []
    for group in groups:
        name = named_domain(group) if key == "by_domain" else group
        cells = [share(find(record, key, arm, group, m)) for m in metrics for arm in ("tuned", "base")]
        rows.append([name, *cells])
    return table(head, rows)


def phantoms(record: Record | None) -> str:
    """Closed questions on phantoms by domain, kind and what training never drew; four arms."""
    arms = ("tuned", "base", "majority", "question")
    rows = [["**all closed questions**", *(share(find(record, "arms", arm, "closed")) for arm in arms)]]
    for domain in DOMAINS:
        rows.append([DOMAIN_NAMES[domain], *(share(find(record, "arms", arm, "domains", domain)) for arm in arms)])
    for kind in find(record, "arms", "tuned", "kinds") or {}:
        rows.append([f"kind: {kind}", *(share(find(record, "arms", arm, "kinds", kind)) for arm in arms)])
    for key, name in PHANTOM_ROWS.items():
        rows.append([name, *(share(find(record, "arms", arm, key)) for arm in arms)])
    lead = gain(find(record, "difference"))
    return table(["per cent", *(ARMS[arm] for arm in arms)], [*rows, ["tuned minus base, points", lead, "", "", ""]])


PHANTOM_ROWS = {
    "drawn_before": "closed, combinations and ranges that training drew",
    "never_drawn": "closed, combinations and ranges that training never drew",
    "open_side": "open: side, exactly equal",
    "open_place": "open: place, exactly equal",
    "open_place_recall": "open: place, recall of words",
    "cannot_tell": "unanswerable: says that it cannot tell",
}


def domain_kinds(record: Record | None) -> str:
    """The tuned arm, closed questions, each kind within each domain."""
    cells = find(record, "arms", "tuned", "domain_kinds")
    if cells is None:
        return f"By kind within domain: {MISSING}."
    kinds = sorted({kind for domain in cells.values() for kind in domain})
    rows = [[kind, *(share(cells[d][kind]) if kind in cells[d] else "" for d in DOMAINS)] for kind in kinds]
    return table(["tuned, per cent", *(DOMAIN_NAMES[domain] for domain in DOMAINS)], rows)


def findings(record: Record | None) -> str:
    """Sensitivity and specificity per finding, with the share of questions in which it was there."""
    tuned = find(record, "arms", "tuned", "findings")
    if not tuned:
        return f"Per finding: {MISSING}."
    names = ("prevalence", "sensitivity", "specificity")
    rows = [[name_of(finding), *(share(one[name]) for name in names)] for finding, one in tuned.items()]
    return table(["tuned, per cent", *names], rows)


def name_of(finding: str) -> str:
    """ "ct: mass" -> "CT: mass"."""
    domain, _, name = finding.partition(": ")
    return f"{named_domain(domain)}: {name}"


def sides(record: Record | None) -> str:
    """What was said of each side, and how often left and right were swapped."""
    rows = []
    for arm in ("tuned", "base"):
        found = find(record, "arms", arm, "sides")
        told = (found or {}).get("said", {})
        cells = [listed(told.get(side, {})) for side in ("left", "right", "both")]
        rows.append([ARMS[arm], *(cells if found else [MISSING] * 3), share(find(found, "swapped"))])
    return table(["", "truly left: said", "truly right: said", "truly both: said", "left and right swapped"], rows)


def listed(counts: Mapping[str, int]) -> str:
    """Such as "left 12, right 3"."""
    return ", ".join(f"{said} {n}" for said, n in counts.items()) or "-"


def beliefs(records: Mapping[str, Record | None]) -> str:
    """Area under the curve and calibration of the probability of "yes", for each set of questions and arm."""
    rows = []
    for name, record in records.items():
        cells = [MISSING] * 4
        if record is not None:
            cells = [str(record["n"]), str(record["true"]), number(record["auc"], 3), number(record["ece"], 3)]
        rows.append([name, *cells])
    return table(["", "questions", "truly yes", "area under the curve", "expected calibration error"], rows)


def reliability(record: Record | None, name: str) -> str:
    """The reliability bins behind one calibration error."""
    if record is None or not record["bins"]:
        return f"Reliability, {name}: {MISSING}."
    rows = [
        [
            f"{one['from']:.1f} to {one['from'] + 0.1:.1f}",
            str(one["n"]),
            number(one["mean"]),
            number(one["true"] / one["n"]),
        ]
        for one in record["bins"]
    ]
    return table([f"probability of yes, {name}", "n", "mean", "truly yes"], rows)


def modality(records: Mapping[str, Record | None]) -> str:
    """Balanced accuracy for each wording of the question for the modality."""
    rows = []
    for name, record in records.items():
        for arm in ("tuned", "base"):
            wordings = find(record, arm, "wordings")
            if not wordings:
                rows.append([name, ARMS[arm], MISSING, MISSING])
            for one in (wordings or {}).values():
                rows.append([name, ARMS[arm], one["question"], share(one)])
    return table(["pictures", "arm", "question", "balanced accuracy, per cent"], rows)


def confusion(record: Record | None) -> str:
    """What the tuned arm said of each modality, over all wordings."""
    wordings = find(record, "tuned", "wordings")
    if not wordings:
        return f"What was said: {MISSING}."
    said: dict[str, dict[str, int]] = {}
    for one in wordings.values():
        for true, row in one["said"].items():
            for word, n in row.items():
                said.setdefault(true, {})[word] = said.get(true, {}).get(word, 0) + n
    columns = ("X-ray", "CT", "MRI", "unparsed")
    return table(
        ["truly", *columns], [[true, *(str(row.get(c, 0)) for c in columns)] for true, row in sorted(said.items())]
    )


def reliance(settings: Record | None) -> str:
    """What is left with full precision, a blank, another case's picture, or no picture."""
    names = {
        "precision": "full precision instead of NF4",
        "blank": "blank picture",
        "swapped": "picture of another case",
        "no-picture": "question alone",
    }
    shown = ("compat_closed", "compat_open", "strict_closed")
    own = find(settings, "vqa-rad", "arms", "tuned")
    rows = [["own picture, NF4", *(share(find(own, m)) for m in shown), "", ""]]
    for key, name in names.items():
        record = find(settings, key)
        sign = -1 if key == "precision" else 1
        drops = [change(find(record, "difference", metric), sign) for metric in shown[:2]]
        rows.append([name, *(share(find(record, "arm", metric)) for metric in shown), *drops])
    head = ["tuned, per cent", *(METRICS[m] for m in shown), "NF4 with its own picture ahead by, closed", "open"]
    return table(head, rows)


def change(record: Record | None, sign: int) -> str:
    if record is None or record.get("value") is None or sign == 1:
        return gain(record)
    return gain({**record, "value": -record["value"], "low": -record["high"], "high": -record["low"]})


def tower(record: Record | None) -> str:
    """Which of two towers a linear probe reads better, on what neither has seen."""
    if record is None:
        return f"Comparison of towers: {MISSING}."
    rows = []
    for one in record["tasks"]:
        towers = [scores.share(sum(one[key]), len(one[key])) for key in ("encoder", "vit")]
        rows.append([one["task"], str(one["train"]), *(share(found) for found in towers)])
    head = [
        "right by a linear probe, per cent",
        "fitted on",
        "packaged encoder, frozen",
        "ViT of a stock class, distilled",
    ]
    return table(head, rows)


def reader(record: Record | None) -> str:
    """What the reader's heads knew of pictures that it was not taught on, by kind of fact."""
    return facts("reader's facts", find(record, "right"), "always saying training's commonest value")


def teller(record: Record | None) -> str:
    """What the teller told of the same pictures, by question."""
    return facts("teller's answers", find(record, "told"), "always giving these pictures' commonest answer")


def facts(name: str, counts: Record | None, blind: str) -> str:
    """Of each fact, how often it was right, and how often without looking."""
    if counts is None:
        return f"The {name}: {MISSING}."
    rows = [
        [fact, share(scores.share(right, asked)), share(scores.share(always, asked))]
        for fact, (right, always, asked) in counts.items()
    ]
    return table(["fact", "right, per cent", blind], rows)


def quotes(record: Record | None) -> str:
    """Answers as they came."""
    if record is None:
        return f"Chat without a picture: {MISSING}."
    made = []
    for one in record["quotes"]:
        said = "\n".join(f"> {ARMS[arm]}: {' '.join(one[arm].split())}\n>" for arm in ("tuned", "base"))
        made.append(f"**{one['question']}**\n\n{said.removesuffix(chr(10) + '>')}")
    return "\n\n".join(made)
