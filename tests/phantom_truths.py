"""What the first 700 training phantoms of each domain show: drawing them in a test would take minutes."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from medvlm.phantoms.truth import Finding, Truth

TRUTHS = Path(__file__).with_name("phantom_truths.json.gz")


def from_fields(fields: dict[str, Any]) -> Truth:
    findings = tuple(
        Finding(**{**finding, "centre": tuple(finding["centre"]) if finding["centre"] else None})
        for finding in fields["findings"]
    )
    extras = tuple((key, value) for key, value in fields["extras"])
    possible = tuple(fields["possible"])
    return Truth(**{**fields, "findings": findings, "possible": possible, "extras": extras, "layperson": ""})


@cache
def kept_truths() -> tuple[Truth, ...]:
    return tuple(from_fields(fields) for fields in json.loads(gzip.decompress(TRUTHS.read_bytes())))
