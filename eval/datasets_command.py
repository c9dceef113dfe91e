"""`python -m eval datasets`: which data sets are here, how much is in them, under which licence."""

import argparse

from medvlm.types import DOMAIN_NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead of a list")


def run(chosen: argparse.Namespace) -> int:
    """Print every data set's state."""
    import json
    from dataclasses import asdict

    from medvlm.datasets.states import State, states

    def shown(one: State) -> str:
        return json.dumps(asdict(one), ensure_ascii=False) if chosen.json else "\n".join(told(one))

    def told(one: State) -> list[str]:
        rows = ", ".join(f"{split} {count}" for split, count in one.rows.items())
        made = [f"{one.name} ({one.title}): {one.presence}" + (f"; {rows}" if rows else "")]
        if one.rows:
            domains = ", ".join(f"{name} {one.domains[d]}" for d, name in DOMAIN_NAMES.items() if d in one.domains)
            made.append(f"    {one.pictures} pictures; rows by domain: {domains}; hash {one.sha256[:16]}")
        return [*made, f"    licence: {one.licence}", *([f"    {one.advice}"] if one.advice else [])]

    for one in states():
        print(shown(one))
    return 0
