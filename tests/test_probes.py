"""Probes of evaluation: what they ask, what they make of answers, and that the document says what the code does."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from medvlm.errors import ConfigError, DatasetError
from medvlm.finding_words import FINDINGS
from medvlm.imaging import render
from medvlm.paths import ROOT
from medvlm.phantoms.absurd import ANY_PICTURE, ONE_DOMAIN
from medvlm.probes import changes, chinese, wordings
from medvlm.probes.asked import Ask, Material, Measure, Probe, Subject, Texts, Value, agree, own, quality
from medvlm.probes.curves import Point, data_curve, hours_curve, spread
from medvlm.probes.declining import declines
from medvlm.probes.figures import all_figures, difference, difference_of_arms, mean_figure
from medvlm.probes.picture_probes import exchanged, side_bound
from medvlm.probes.registry import PROBES, asking, page, pages, reading
from medvlm.statistics import Figure
from medvlm.types import Scan, Window
from tests.golden_rows import rows
from tests.phantom_truths import kept_truths

PICTURES = 24


def subject(number: int, question: str = "Is there a mass?", reference: str = "yes", **more: object) -> Subject:
    base = Subject(
        f"q{number}",
        f"phantom:ct:{number}",
        question,
        reference,
        "ct",
        "presence",
        reference in ("yes", "no"),
        "phantoms",
    )
    return replace(base, **more)  # type: ignore[arg-type]


def material() -> Material:
    """Two questions for each of 24 pictures: one closed, one that a side answers."""
    truths = kept_truths()[:PICTURES]
    subjects = [subject(n, held_out=n % 2 == 0) for n in range(PICTURES)]
    subjects += [
        replace(subject(n, "Which side?", "left", kind="side"), id=f"s{n}", closed=False) for n in range(PICTURES)
    ]
    names = [one.picture for one in subjects[:PICTURES]]
    return Material(
        tuple(subjects),
        {name: (Window(400, 40), Window(1500, -600)) for name in names},
        dict(zip(names, truths, strict=True)),
        ("Why do unicorns cough?",) * 12,
        tuple(s for s in subjects if s.held_out),
        tuple(s for s in subjects if not s.held_out),
    )


def said(probe: Probe, on: Material, script: Callable[[Ask], str]) -> tuple[list[Ask], Texts]:
    """All asks of a probe, follow-ups included, with scripted answers."""
    asks = probe.plan(on)
    texts = {own(s).id: script(own(s)) for s in on.subjects} | {ask.id: script(ask) for ask in asks}
    if probe.follow is not None:
        later = probe.follow(asks, texts)
        texts |= {ask.id: script(ask) for ask in later}
        asks += later
    return asks, texts


def figures(name: str, script: Callable[[Ask], str], on: Material | None = None) -> dict[str, Figure]:
    probe = asking()[name]
    asks, texts = said(probe, on or material(), script)
    return dict(all_figures(probe.measures, probe.values(asks, texts)))


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


@pytest.mark.parametrize("name", ["ill-fitting", "absurd", "nonsense"])
def test_declining_is_right_where_there_is_no_answer(name: str) -> None:
    prefix = name.replace("-", "_")
    declining = figures(name, lambda ask: "I cannot tell that from this picture.")
    taken_in, silent = figures(name, lambda ask: "Yes, two of them."), figures(name, lambda ask: "")
    assert (declining[f"{prefix}_declined"].value, declining[f"{prefix}_affirmed"].value) == (1.0, 0.0)
    assert (taken_in[f"{prefix}_declined"].value, taken_in[f"{prefix}_affirmed"].value) == (0.0, 1.0)
    assert silent[f"{prefix}_declined"].value is None and "an empty answer" in silent[f"{prefix}_declined"].note


@pytest.mark.parametrize("row", rows("declining"), ids=lambda row: str(row["text"])[:40])
def test_declining_is_read_by_the_table(row: dict[str, object]) -> None:
    assert declines(str(row["text"])) is row["declines"]


def test_questions_without_an_answer_are_not_those_that_training_has_seen() -> None:
    known = {text for text, _ in (*ANY_PICTURE, *(pair for pairs in ONE_DOMAIN.values() for pair in pairs))}
    ours = [*wordings.ABSURD, *(text for texts in wordings.ILL_FITTING.values() for text in texts)]
    assert not known & set(ours)
    assert all(len(set(texts)) == 6 for texts in wordings.ILL_FITTING.values())


def test_the_expert_s_sentence_is_quoted_and_stands_before_the_question() -> None:
    asks = asking()["expert"].plan(material())
    assert all(ask.question == f"{wordings.EXPERT} {ask.subject.question}" for ask in asks)
    gained = figures("expert", lambda ask: ask.subject.reference if ask.probe == "expert" else "perhaps")
    assert gained["expert_gain"].value == 1.0 and gained["expert_changed"].value == 1.0


@pytest.mark.skipif(
    not (ROOT.parent / "shared" / "seeds").is_dir(), reason="needs Med-Idefics' text in ../shared/seeds"
)
def test_the_expert_s_sentence_is_med_idefics() -> None:
    (path,) = (ROOT.parent / "shared" / "seeds").glob("002_*")
    text = " ".join(path.read_text(encoding="utf-8").split())
    assert wordings.EXPERT.rstrip(".") in text


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("Am I looking at a CT?", "Is this a CT?"),
        ("Does the picture suggest a central line?", "Is there a central line?"),
        ("Would you call the view lateral or PA?", "Is this lateral or PA?"),
        ("Are there any gallstones?", "Are there gallstones?"),
    ],
)
def test_other_wordings_are_the_phantoms_own_with_the_same_words_in_their_places(question: str, other: str) -> None:
    made = wordings.other_wordings(question, 3)
    assert other in made and question not in made and len(set(made)) == 3


def test_a_question_that_is_nobody_s_gets_words_around_it() -> None:
    made = wordings.other_wordings("Is there biliary duct dilation of the third kind, doctor?", 2)
    assert len(made) == 2 and all("Is there biliary duct dilation of the third kind, doctor?" in text for text in made)


def test_agreement_over_wordings_and_draws_is_by_pairs() -> None:
    # As asked yes, one other wording yes, one no: one of three pairs agrees.
    odd = figures("wordings", lambda ask: "no" if ask.condition == "wording-2" else "yes")
    assert odd["wordings_same"].value == pytest.approx(1 / 3)
    # Three draws, one of them apart: one of three pairs.
    drawn = figures("draws", lambda ask: "no" if ask.condition == "draw-3" else "yes")
    assert drawn["draws_same"].value == pytest.approx(1 / 3)
    asks = asking()["draws"].plan(material())
    assert {ask.decoding.seed for ask in asks if ask.subject == asks[0].subject} == {18, 19, 20}
    assert all(ask.decoding.temperature == 0.7 for ask in asks)


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


def test_chinese_questions_ask_the_same_as_the_english_ones() -> None:
    drop = figures("chinese", lambda ask: "什么" if ask.condition == "chinese" else ask.subject.reference)
    assert (drop["chinese_drop"].value, drop["chinese_score"].value, drop["english_score"].value) == (1.0, 0.0, 1.0)
    assert drop["chinese_in_chinese"].value == 1.0
    both = figures("chinese", lambda ask: {"yes": "是", "no": "不是"}.get(ask.subject.reference, ""))
    assert both["chinese_drop"].value == 0.0 and both["chinese_score"].value == 1.0


def test_every_finding_has_a_chinese_name() -> None:
    assert {name for names in FINDINGS.values() for name in names} == set(chinese.FINDINGS)


def test_chinese_questions_hold_for_the_truth_they_are_asked_of() -> None:
    answers = []
    for truth in kept_truths()[:200]:
        for english, _, holds in chinese.questions(truth):
            answers.append(holds)
            if english == chinese.NORMAL[0]:
                assert holds == truth.normal
            elif english.startswith("Does this picture show"):
                name = english.removeprefix("Does this picture show ").removesuffix("?")
                assert holds == any(finding.name == name for finding in truth.findings)
    assert 0.25 < sum(answers) / len(answers) < 0.75


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


def test_quality_is_right_or_not_for_closed_and_f1_for_open_questions() -> None:
    assert [quality(subject(0), text) for text in ("Yes.", "no", "perhaps")] == [1.0, 0.0, 0.0]
    side = replace(subject(0, "Where?", "left lung"), closed=False)
    assert quality(side, "the left lung") == 1.0 and quality(side, "left") == pytest.approx(2 / 3)
    assert quality(replace(side, reference="?"), "left") is None
    assert agree("Yes, there is.", "yes") and not agree("yes", "no") and agree("The left lung", "left lung.")


def values(numbers: Sequence[float | None], per_cluster: int = 1) -> list[Value]:
    return [Value("m", f"v{n}", f"c{n // per_cluster}", number, "silent") for n, number in enumerate(numbers)]


def test_a_figure_has_its_n_its_clusters_and_what_is_unscored() -> None:
    found = mean_figure(values([1.0, 0.0] * 15 + [None], 2))
    assert (found.n, found.clusters, found.value) == (30, 15, 0.5)
    assert found.note == "1 of 31 unscored: silent (1)"
    few = mean_figure(values([1.0] * 9))
    assert few.value is None and few.reason == "too few: 9 pictures, 10 needed"


def test_all_right_is_not_certain() -> None:
    found = mean_figure(values([1.0] * 20))
    # Wilson for 20 of 20: 1 / (1 + z^2 / 20) = 20 / 23.841.
    assert found.value == 1.0 and found.high == 1.0 and found.low == pytest.approx(20 / (20 + 1.959964**2))


def test_a_difference_of_two_sets_covers_the_truth() -> None:
    rng, held = np.random.default_rng(3), 0
    for _ in range(40):
        first = values(list(map(float, rng.random(60) < 0.7)), 3)
        second = values(list(map(float, rng.random(60) < 0.5)), 3)
        found = difference(first, second)
        assert found.low is not None and found.high is not None
        held += found.low <= 0.2 <= found.high
    assert held >= 32, "95 % intervals: fewer of 40 has a chance below one in a thousand"


def test_arms_differ_answer_by_answer() -> None:
    measure = Measure("m", "m", "m", "high")
    tuned, base = values([1.0] * 12 + [None]), values([0.0] * 6 + [1.0] * 6 + [1.0])
    found = difference_of_arms([measure], tuned, base)["m"]
    assert (found.n, found.value) == (12, 0.5)


def point(name: str, amount: float | None, chance: float, seed: int = 0, samples: int = 300) -> Point:
    rng = np.random.default_rng(seed)
    right_ = {f"s{n}": float(rng.random() < chance) for n in range(samples)}
    return Point(name, amount, right_, {f"s{n}": f"p{n // 3}" for n in range(samples)})


def test_a_scaling_curve_finds_its_slope() -> None:
    # Exactly linear in log10: 0.2, 0.4, 0.6 of the same samples.
    exact = [
        Point(
            f"r{n}",
            10.0**n,
            {f"s{k}": float(k % 10 < 2 * n) for k in range(100)},
            {f"s{k}": f"p{k}" for k in range(100)},
        )
        for n in (1, 2, 3)
    ]
    found = data_curve(exact)["data_gain"]
    assert found.value == pytest.approx(0.2) and found.low is not None and found.low > 0 and found.clusters == 100
    assert hours_curve(exact)["hours_gain"].value == pytest.approx(0.2)
    assert data_curve(list(reversed(exact)))["data_gain"] == found, "the order of the runs says nothing"


def test_a_curve_of_one_amount_has_no_slope() -> None:
    same = [point("a", 5, 0.5), point("b", 5, 0.5, 1)]
    assert data_curve(same)["data_gain"].value is None
    assert data_curve([point("a", 0, 0.5), point("b", 5, 0.5)])["data_gain"].reason.startswith("it takes runs of")


def test_runs_of_other_samples_make_no_curve() -> None:
    with pytest.raises(DatasetError, match="no sample in common"):
        data_curve([point("a", 1, 0.5), Point("b", 2, {"x": 1.0}, {"x": "x"})])


def test_a_slope_of_nothing_covers_zero_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(40):
        found = data_curve([point("a", 10, 0.5, seed, 90), point("b", 100, 0.5, seed + 1000, 90)])["data_gain"]
        assert found.low is not None and found.high is not None
        held += found.low <= 0 <= found.high
    assert held >= 32, "fewer of 40 has a chance below one in a thousand"


def test_spread_over_trainings_is_by_student_and_chi_square() -> None:
    runs = [Point(f"r{n}", None, {"s": value}, {"s": "p"}) for n, value in enumerate((0.5, 0.6, 0.7))]
    found = spread(runs)
    middle, deviation = found["repeats_mean"], found["repeats_deviation"]
    # Mean 0.6, deviation 0.1; t(2) = 4.303: 0.6 +- 4.303 * 0.1 / sqrt(3). Chi-square(2) ends: 0.0506 and 7.378.
    assert middle.value == pytest.approx(0.6) and middle.high == pytest.approx(0.6 + 0.4303 / math.sqrt(3))
    assert deviation.value == pytest.approx(0.1)
    assert deviation.low == pytest.approx(0.1 * math.sqrt(2 / 7.378), rel=0.02)
    assert deviation.high == pytest.approx(0.1 * math.sqrt(2 / 0.0506), rel=0.02)
    assert spread(runs[:1])["repeats_mean"].value is None
