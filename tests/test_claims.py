"""What free texts claim is read by rules; how well, is measured on sentences that were labelled before the rules."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import pytest

from medvlm.claims.finding_words import FINDINGS, PLACES
from medvlm.claims.findings import NORMAL, Claim, claims
from medvlm.paths import ROOT
from medvlm.phantoms.truth import Finding
from medvlm.phantoms.wording import described, indefinite, where
from medvlm.types import DOMAINS, Domain
from tests.golden_rows import rows
from tests.phantom_truths import kept_truths

CHAT = ROOT.parent / "shared" / "data" / "llava_med_chat"
Facet = Literal["finding", "side", "place", "count"]
FACETS: tuple[Facet, ...] = ("finding", "side", "place", "count")
SENTENCES = rows("truth_sentences")


def keys(found: Iterable[Any], facet: Facet) -> Counter[tuple[Any, ...]]:
    """Claims as what is compared: finding and state, and one facet where the text gives it."""
    made = [
        one if isinstance(one, dict) else {name: getattr(one, name) for name in (*FACETS, "state")} for one in found
    ]
    if facet == "finding":
        return Counter((one["finding"], one["state"]) for one in made)
    return Counter((one["finding"], one["state"], one[facet]) for one in made if one[facet] is not None)


def measured(labelled: Sequence[tuple[str, Domain, list[Any]]], facet: Facet) -> tuple[int, int, int]:
    """(right, claimed, labelled): precision is right / claimed, recall right / labelled."""
    right = claimed = wanted = 0
    for text, domain, labels in labelled:
        found, true = keys(claims(text, domain), facet), keys(labels, facet)
        right, claimed, wanted = right + (found & true).total(), claimed + found.total(), wanted + true.total()
    return right, claimed, wanted


def test_the_written_set_is_large_and_a_third_of_it_is_held_out() -> None:
    assert len(SENTENCES) >= 150
    assert sum(row["held_out"] for row in SENTENCES) * 3 == len(SENTENCES)
    assert {row["domain"] for row in SENTENCES} == set(DOMAINS)
    for row in SENTENCES:
        names = {*FINDINGS[row["domain"]], NORMAL}
        assert {claim["finding"] for claim in row["claims"]} <= names, row["id"]


@pytest.mark.parametrize(
    ("held_out", "facet", "counts"),
    [
        (False, "finding", (125, 125, 125)),
        (False, "side", (46, 46, 46)),
        (False, "place", (51, 52, 51)),  # "The skull is intact" is labelled without a place
        (False, "count", (19, 19, 19)),
        (True, "finding", (58, 58, 58)),
        (True, "side", (15, 15, 15)),
        (True, "place", (21, 21, 21)),
        (True, "count", (3, 3, 3)),
    ],
)
def test_precision_and_recall_are_as_documented(held_out: bool, facet: Facet, counts: tuple[int, int, int]) -> None:
    part = [(row["text"], row["domain"], row["claims"]) for row in SENTENCES if row["held_out"] is held_out]
    assert measured(part, facet) == counts


@pytest.mark.skipif(not CHAT.is_dir(), reason=f"needs the published answers in {CHAT}")
@pytest.mark.parametrize(("held_out", "counts"), [(False, (29, 39, 33)), (True, (10, 19, 15))])
def test_explaining_prose_is_read_less_well_and_by_how_much(held_out: bool, counts: tuple[int, int, int]) -> None:
    """Answers that others published: explanations, definitions and charts, which phantoms' texts do not have."""
    path = CHAT / "llava_med_eval_qa50_qa_ans.jsonl"
    answers = {row["question_id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    labelled = [row for row in rows("truth_published_labels") if row["held_out"] is held_out]
    part = []
    for row in labelled:
        sentences = re.split(r"(?<=[.!?])\s+", answers[row["question"]][row["answer"]])
        part.append((sentences[row["sentence"]], row["domain"], row["claims"]))
    assert measured(part, "finding") == counts


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_finding_and_place_that_is_drawn_is_understood(domain: Domain) -> None:
    drawn = {finding for truth in kept_truths() if truth.domain == domain for finding in truth.findings}
    assert {finding.name for finding in drawn} <= set(FINDINGS[domain])
    for name, place in {(finding.name, finding.place) for finding in drawn}:
        finding = Finding(name, None, place)
        (claim,) = claims(f"There is {indefinite(name)} {where(finding) or ''}.".replace(" .", "."), domain)
        assert (claim.finding, claim.state) == (name, "present")
        assert claim.place == place, f"{described(finding)} is read as {claim}"
    assert {finding.place for finding in drawn if finding.place} <= set(PLACES[domain])


@pytest.mark.parametrize(
    ("text", "domain", "found"),
    [
        ("", "ct", []),
        ("Is there a mass?", "ct", []),
        ("A mass can be caused by infection.", "ct", []),
        ("There is a mass.", "other", []),
        ("CT without contrast showing a mass.", "ct", [("mass", "present")]),
        ("The picture does not look normal.", "cxr", []),
        ("The exposure is normal.", "cxr", []),
        ("There is no mass. The brain is normal.", "ct", [("mass", "absent"), (NORMAL, "present")]),
        ("A mass is seen. The rest is normal.", "ct", [("mass", "present")]),
        ("There isn\u2019t an effusion.", "cxr", [("pleural effusion", "absent")]),
    ],
)
def test_what_is_said_and_what_is_not(text: str, domain: Domain, found: list[tuple[str, str]]) -> None:
    assert [(claim.finding, claim.state) for claim in claims(text, domain)] == found


def test_a_claim_has_all_that_is_said_of_it() -> None:
    assert claims("Two nodules are seen in the right upper zone.", "cxr") == (
        Claim("nodule", "present", "right", "upper zone", 2, "nodules"),
    )


def test_a_length_is_no_number_of_findings() -> None:
    (claim,) = claims("There is a 20 mm nodule.", "cxr")
    assert claim.count is None


def test_the_side_of_a_slide_is_no_side_of_the_patient() -> None:
    (claim,) = claims("There is necrosis in the upper left.", "histology")
    assert (claim.side, claim.place) == (None, "upper left")
