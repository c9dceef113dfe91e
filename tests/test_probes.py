"""Probes of evaluation: what they ask, what they make of answers, and that the document says what the code does."""

from dataclasses import replace

import numpy as np
import pytest

from medvlm.errors import ConfigError
from medvlm.imaging import render
from medvlm.paths import ROOT
from medvlm.probes import changes
from medvlm.probes.asked import Ask, Material, Probe
from medvlm.probes.figures import all_figures
from medvlm.probes.picture_probes import exchanged, side_bound
from medvlm.probes.registry import PROBES, asking, page, pages, reading
from medvlm.types import Scan, Window
from tests.probe_cases import figures, material, said, subject


def right(ask: Ask) -> str:
    """A model that looks at nothing and always knows."""
    return ask.subject.reference


def looking(ask: Ask) -> str:
    """A model that is right about its own picture only, and turns sides with a mirror."""
    if ask.picture == f"mirrored|{ask.subject.picture}":
        return {"left": "right", "yes": "yes"}[ask.subject.reference]
    return ask.subject.reference if ask.picture == ask.subject.picture else "no"


@pytest.mark.parametrize("probe", asking().values(), ids=lambda probe: str(probe.name))
def test_every_probe_asks_and_gives_each_of_its_measures(probe: Probe) -> None:
    asks, texts = said(probe, material(), right)
    assert asks and len({ask.id for ask in asks}) == len(asks)
    values = probe.values(asks, texts)
    found = all_figures(probe.measures, values)
    assert list(found) == [measure.name for measure in probe.measures]
    for measure, figure in found.items():
        assert figure.value is not None and figure.low is not None and figure.high is not None, (measure, figure.reason)
        assert figure.low <= figure.value <= figure.high
    named = {measure.name for measure in probe.measures} | {n for m in probe.measures for n in m.minus or ()}
    assert {value.measure for value in values} <= named, "no value is made that no measure tells"
    assert {value.sample for value in values} <= {ask.id for ask in asks}


@pytest.mark.parametrize("probe", asking().values(), ids=lambda probe: str(probe.name))
def test_a_probe_without_anything_to_ask_asks_nothing(probe: Probe) -> None:
    assert probe.plan(Material(())) == []


def test_names_are_unlike_each_other() -> None:
    measures = [measure.name for probe in PROBES.values() for measure in probe.measures]
    assert len(set(measures)) == len(measures)
    assert len(PROBES) == len(asking()) + len(reading())


def test_the_document_holds_every_definition_word_for_word() -> None:
    text = (ROOT / "docs" / "probes.md").read_text(encoding="utf-8")
    for probe in PROBES.values():
        assert page(probe) in text, f"docs/probes.md tells {probe.name} otherwise; see medvlm.probes.registry.pages()"
    assert text.count("\n### `") == pages().count("### `"), "the document tells of probes that there are not"


@pytest.mark.parametrize("name", ["swapped", "swapped-in-domain", "blank"])
def test_a_model_that_never_looks_loses_nothing(name: str) -> None:
    prefix = name.replace("-", "_")
    blind, seeing = figures(name, right), figures(name, looking)
    assert blind[f"{prefix}_drop"].value == 0 and blind[f"{prefix}_changed"].value == 0
    assert seeing[f"{prefix}_drop"].value == 1 and seeing[f"{prefix}_changed"].value == 1


def test_no_picture_is_exchanged_for_itself_and_each_is_used_once() -> None:
    on = material()
    for group in (lambda s: s.dataset, lambda s: s.domain):
        others = exchanged(on.subjects, group)
        assert set(others) == set(others.values()) == {s.picture for s in on.subjects}
        assert all(other != picture for picture, other in others.items())
    assert exchanged([subject(0)], lambda s: s.dataset) == {}, "one picture alone has none to be exchanged for"
    elsewhere = [subject(0), subject(1, domain="mri")]
    assert exchanged(elsewhere, lambda s: s.domain) == {}


def test_a_picture_of_unknown_domain_is_not_swapped_within_a_domain() -> None:
    on = replace(material(), subjects=tuple(replace(s, known=False) for s in material().subjects))
    assert asking()["swapped-in-domain"].plan(on) == []


def test_sides_follow_the_mirror_or_not() -> None:
    follows, stays = figures("mirrored", looking), figures("mirrored", right)
    assert (follows["mirrored_follows"].value, follows["mirrored_stays"].value) == (1.0, 1.0)
    assert stays["mirrored_follows"].value == 0.0
    silent = figures("mirrored", lambda ask: "somewhere")
    assert silent["mirrored_follows"].value is None and "names no one side" in silent["mirrored_follows"].note


def test_a_yes_to_a_side_has_to_become_a_no() -> None:
    assert side_bound(subject(0, "Is it on the left?", "yes", kind="side"))
    assert not side_bound(subject(0, "Is there a mass?", "yes"))
    assert not side_bound(subject(0, "On which side?", "both sides", kind="side"))


def test_windows_that_change_an_answer_are_counted() -> None:
    same = figures("windows", right)
    moved = figures("windows", lambda ask: "no" if "-600" in ask.picture else ask.subject.reference)
    assert (same["windows_same"].value, same["windows_range"].value) == (1.0, 0.0)
    assert (moved["windows_same"].value, moved["windows_range"].value) == (0.0, 1.0)


def test_a_model_that_gives_in_is_found_out() -> None:
    firm = figures("follow-up", right)
    weak = figures("follow-up", lambda ask: "no" if ask.condition == "pushed" else ask.subject.reference)
    assert (firm["follow_up_same"].value, firm["follow_up_kept"].value) == (1.0, 1.0)
    assert (weak["follow_up_same"].value, weak["follow_up_kept"].value) == (1.0, 0.0)


def test_follow_ups_hold_the_model_s_own_answer() -> None:
    asks, _ = said(asking()["follow-up"], material(), right)
    pushed = next(ask for ask in asks if ask.condition == "pushed")
    assert pushed.earlier == ((pushed.subject.question, "yes"),)
    assert pushed.question == f"I think the answer is no. {pushed.subject.question}"
    nothing, _ = said(asking()["follow-up"], material(), lambda ask: "")
    assert all(not ask.earlier for ask in nothing), "nothing was said that could be doubted"


def test_what_is_foreign_is_held_against_what_is_familiar() -> None:
    found = figures("foreign", lambda ask: ask.subject.reference if ask.condition == "familiar" else "perhaps")
    assert (found["foreign_drop"].value, found["foreign_score"].value, found["familiar_score"].value) == (1.0, 0.0, 1.0)


def scan() -> Scan:
    pixels = np.arange(12, dtype=np.int16).reshape(3, 4) * 100 - 600
    return Scan((pixels,), "ct", "file", "hash", "a scan", window=Window(400, 40))


def test_changes_change_the_picture_and_say_so() -> None:
    plain = render(scan())
    mirrored = changes.changed(scan(), "mirrored")
    assert np.array_equal(render(mirrored), plain[:, ::-1]) and mirrored.sha256 != scan().sha256
    blank = render(changes.changed(scan(), "blank"))
    assert len(np.unique(blank)) == 1 and abs(float(blank.mean()) - float(plain.mean())) <= 0.5
    for window in (Window(1500, -600), Window(80.5, 40.25, "LINEAR_EXACT")):
        seen = changes.changed(scan(), changes.window_change(window))
        assert np.array_equal(render(seen), render(scan(), 0, window))
    assert "changed: mirrored" in mirrored.notes


@pytest.mark.parametrize(
    "change", ["upside-down", "mirrored:3", "window", "window:0:0:LINEAR", "window:400:40:CUBIC", ""]
)
def test_a_change_that_is_none_says_which_there_are(change: str) -> None:
    with pytest.raises(ConfigError, match="mirrored, blank or window"):
        changes.changed(scan(), change)
