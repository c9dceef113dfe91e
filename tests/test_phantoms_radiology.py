"""Radiology phantoms: the same bytes everywhere, true in side, size and place, fair, and held out where they say so."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from medvlm.phantoms import artefacts, ct, ct_findings, ct_views, cxr, draw, heads, mri, mri_findings, mri_views
from medvlm.phantoms.__main__ import contact_sheet, main, shown
from medvlm.phantoms.canvas import frame
from medvlm.phantoms.cases import Choices, HeldOut, Plan, is_held_out, plan, streams
from medvlm.phantoms.fields import blur
from medvlm.phantoms.truth import Finding, Phantom, Split
from medvlm.types import Domain

DRAWN = 12
RADIOLOGY: tuple[Domain, ...] = ("cxr", "ct", "mri")
SUPPRESSIBLE: dict[Domain, Callable[..., Phantom]] = {"cxr": cxr.draw, "ct": ct.draw, "mri": mri.draw}
HELD: dict[Domain, HeldOut] = {"cxr": cxr.HELD_OUT, "ct": ct_views.HELD_OUT, "mri": mri_views.HELD_OUT}
# The first 16 digits of the SHA-256 of the pixels, as first drawn; they are what training saw.
GOLDEN = {
    ("cxr", 0, "train"): "71bae5c7bf1c596e",
    ("cxr", 7, "train"): "d8dac4d92a34e890",
    ("cxr", 3, "test"): "3b6c95f4c129f86b",
    ("ct", 0, "train"): "ab5a01d654d971bf",
    ("ct", 7, "train"): "aa79825e5e93f91e",
    ("ct", 3, "test"): "8185dbd3f340576f",
    ("mri", 0, "train"): "465d0eefb68bfd9a",
    ("mri", 7, "train"): "091be70edd3db0dc",
    ("mri", 3, "test"): "a451cc28e769f888",
}
MEDICAL = (
    "lung", "heart", "bone", "rib", "spine", "skull", "brain", "chest", "abdom", "liver", "kidney", "diaphragm",
    "vessel", "x-ray", "scan", "mri", "ct", "tomogra", "tumour", "lesion", "nodule", "fluid", "effusion", "bleed",
    "infarct", "fracture", "catheter", "tube", "vertebra", "disc", "knee", "patient",
)  # fmt: skip


def _tables() -> list[tuple[Domain, dict[str, Choices]]]:
    views = {id(view): view.choices for view in (*ct_views.VIEWS.values(), *ct_views.HEIGHTS)}
    return [
        ("cxr", cxr.FRONTAL),
        ("cxr", cxr.LATERAL),
        *(("ct", choices) for choices in views.values()),
        *(("mri", view.choices) for view in mri_views.VIEWS),
    ]


@pytest.fixture(scope="module")
def some() -> dict[tuple[Domain, Split], list[Phantom]]:
    """A few phantoms of each kind, drawn once."""
    splits: tuple[Split, ...] = ("train", "test")
    return {
        (domain, split): [draw(domain, seed, split) for seed in range(DRAWN)]
        for domain in RADIOLOGY
        for split in splits
    }


def _all(some: dict[tuple[Domain, Split], list[Phantom]]) -> Iterator[Phantom]:
    return (phantom for phantoms in some.values() for phantom in phantoms)


@pytest.mark.parametrize(("key", "digest"), GOLDEN.items(), ids=str)
def test_a_seed_gives_the_same_bytes_as_ever(key: tuple[Domain, int, Split], digest: str) -> None:
    assert hashlib.sha256(draw(*key).pixels.tobytes()).hexdigest()[:16] == digest


@pytest.mark.parametrize("domain", RADIOLOGY)
def test_drawing_twice_gives_the_same_phantom(domain: Domain) -> None:
    first, second = draw(domain, 5), draw(domain, 5)
    assert np.array_equal(first.pixels, second.pixels)
    assert first.truth == second.truth


@pytest.mark.parametrize("domain", RADIOLOGY)
def test_train_and_test_share_no_picture(domain: Domain, some: dict[tuple[Domain, Split], list[Phantom]]) -> None:
    digests = {split: {one.pixels.tobytes() for one in some[domain, split]} for split in ("train", "test")}
    assert len(digests["train"]) == len(digests["test"]) == DRAWN
    assert not digests["train"] & digests["test"]


def test_an_unknown_domain_and_a_negative_seed_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="other"):
        draw("other", 0)
    with pytest.raises(ValueError, match="-1"):
        draw("ct", -1)


def test_numbers_are_of_the_kind_that_each_machine_gives(some: dict[tuple[Domain, Split], list[Phantom]]) -> None:
    for one in _all(some):
        assert one.pixels.dtype == (np.int16 if one.truth.domain == "ct" else np.uint16)
        assert one.window is not None
        assert one.window.width > 0
        assert one.spacing.row == one.spacing.column > 0.2
        assert 200 <= min(one.pixels.shape) <= max(one.pixels.shape) <= 320
        low, high = int(one.pixels.min()), int(one.pixels.max())
        assert (low, high) <= (-1024, 3071) or (low >= (-1024 if one.truth.domain == "ct" else 0) and high <= 4095)


def test_ct_air_fat_and_bone_have_their_hounsfield_units(some: dict[tuple[Domain, Split], list[Phantom]]) -> None:
    for one in (*some["ct", "train"], *some["ct", "test"]):
        if one.truth.plane != "axial":
            continue
        assert -1024 <= np.percentile(one.pixels, 10) <= -930
        assert np.percentile(one.pixels, 99.5) >= 250
        width = one.pixels.shape[1]
        extent = one.spacing.column * float(np.max(np.sum(one.pixels > -300, axis=1)))
        assert (120 if one.truth.region == "head" else 220) <= extent <= width * one.spacing.column


@pytest.mark.parametrize(("name", "low", "high"), [("bleed", 58, 84), ("infarct", 4, 24)])
def test_blood_is_dense_and_an_infarct_is_not(name: str, low: float, high: float) -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    page = frame(rng, (256, 256), 120.0)
    layers = heads.axial_middle(rng, page, 0.0)
    picture = layers.painted(ct._values(rng, False))
    found = ct_findings.FINDINGS[name](rng, picture, layers, Plan(name, "left", "basal ganglia", 0.9, 1.0), False)
    assert found.centre is not None
    row, column = round(found.centre[0] * 256), round(found.centre[1] * 256)
    assert low <= float(np.median(picture[row - 4 : row + 5, column - 4 : column + 5])) <= high


def test_fluid_in_the_ventricles_is_dark_on_t1_and_flair_and_bright_on_t2() -> None:
    page = frame(np.random.Generator(np.random.PCG64(2)), (256, 256), 120.0)
    layers = heads.axial_middle(np.random.Generator(np.random.PCG64(3)), page, 0.5)
    row, column = (round(at) for at in page.pixel(0.0, 0.28))
    view = mri_views.VIEWS[0]
    for sequence, brighter in (("T1", False), ("T2", True), ("FLAIR", False), ("DWI", False)):
        picture = layers.painted(mri._signals(np.random.Generator(np.random.PCG64(4)), view, sequence))
        assert (picture[row, column] > 1.3 * np.median(picture[layers.masks["brain"] > 0.9])) == brighter


@pytest.mark.parametrize(("domain", "choices"), _tables())
def test_findings_and_sides_are_balanced(domain: Domain, choices: dict[str, Choices]) -> None:
    rng = np.random.Generator(np.random.PCG64(6))
    drawn = [plan(rng, choices, HELD[domain], "train")[0] for _ in range(1500)]
    assert 0.36 <= sum(not plans for plans in drawn) / 1500 <= 0.44
    names = Counter(one.name for plans in drawn for one in plans)
    assert min(names.values()) > 0.75 * max(names.values())
    assert set(names) == set(choices)
    sides = Counter(one.side for plans in drawn for one in plans)
    if sides["left"]:
        assert 0.44 <= sides["left"] / (sides["left"] + sides["right"]) <= 0.56


@pytest.mark.parametrize(("domain", "choices"), _tables())
def test_training_never_sees_what_is_held_out_and_testing_does(domain: Domain, choices: dict[str, Choices]) -> None:
    rng, held = np.random.Generator(np.random.PCG64(7)), HELD[domain]
    for _ in range(800):
        for one in plan(rng, choices, held, "train")[0]:
            assert (one.name, one.side, one.place) not in held.combinations
            for value, table in ((one.size, held.sizes), (one.contrast, held.contrasts)):
                assert one.name not in table or not table[one.name][0] <= value <= table[one.name][1]
    tests = [plan(rng, choices, held, "test") for _ in range(800)]
    ill = [kept for plans, kept in tests if plans]
    assert 0.42 <= sum(ill) / len(ill) <= 0.58
    assert all(kept == any(is_held_out(one, held) for one in plans) for plans, kept in tests)


def test_the_truth_says_what_is_held_out(some: dict[tuple[Domain, Split], list[Phantom]]) -> None:
    for domain in RADIOLOGY:
        assert not any(one.truth.held_out for one in some[domain, "train"])
        assert sum(one.truth.held_out for one in some[domain, "test"]) >= 1
        for one in some[domain, "train"]:
            drawn = {(found.name, found.side, found.place) for found in one.truth.findings}
            assert not drawn & HELD[domain].combinations


def test_the_patients_left_is_on_the_pictures_right(some: dict[tuple[Domain, Split], list[Phantom]]) -> None:
    seen = 0
    for one in _all(some):
        for found in one.truth.findings:
            if found.side in ("left", "right") and found.centre:
                seen += 1
                assert (found.centre[1] > 0.5) == (found.side == "left"), (one.truth, one.seed)
                assert one.truth.plane not in ("lateral", "sagittal")
    assert seen > 8


def test_truth_is_complete(some: dict[tuple[Domain, Split], list[Phantom]]) -> None:
    for one in _all(some):
        truth = one.truth
        assert truth.region and truth.organ and truth.plane and truth.technique
        assert {found.name for found in truth.findings} <= set(truth.possible)
        assert truth.layperson[0].isupper() and truth.layperson.endswith(".")
        said = truth.layperson.lower().replace(",", " ").replace(";", " ").replace(".", " ").split()
        assert not [word for word in said if any(word.startswith(term) for term in MEDICAL)], truth.layperson
        for found in truth.findings:
            assert found.centre is not None and all(0 <= part <= 1 for part in found.centre), truth
            assert found.radius is not None and 0 < found.radius < 0.6


@pytest.mark.parametrize("domain", RADIOLOGY)
def test_every_finding_shows_where_the_truth_says_it_is(
    domain: Domain, some: dict[tuple[Domain, Split], list[Phantom]]
) -> None:
    checked = 0
    for one in some[domain, "train"]:
        if len(one.truth.findings) != 1:
            continue
        checked += 1
        without = SUPPRESSIBLE[domain](one.seed, "train", suppressed=True)
        assert without.truth == one.truth
        change = np.abs(one.pixels.astype(np.float64) - without.pixels)
        strong = change > 0.4 * change.max()
        plain = without.pixels.astype(np.float64)
        grain = float(np.median(np.abs(plain - blur(plain, 2.0)))) / 0.6745
        found = one.truth.findings[0]
        assert float(np.median(change[strong])) > grain, (found, one.seed)
        assert strong.sum() >= 12
        assert _near(strong, found), (found, one.seed)
    assert checked >= 4


def _near(mask: NDArray[np.bool_], found: Finding) -> bool:
    """Most of what changed lies at the finding; of a line or a pushed-up floor, which reach far, at least a part."""
    centre, radius = found.centre, found.radius
    assert centre is not None and radius is not None
    rows, columns = np.nonzero(mask)
    away = np.hypot(rows - centre[0] * mask.shape[0], columns - centre[1] * mask.shape[1])
    share = float(np.mean(away < max(1.8 * radius * max(mask.shape), 12)))
    return share > (0.5 if found.size_mm else 0.1)


@pytest.mark.parametrize("domain", RADIOLOGY)
def test_a_normal_picture_is_the_same_without_findings(
    domain: Domain, some: dict[tuple[Domain, Split], list[Phantom]]
) -> None:
    normal = next(one for one in some[domain, "train"] if one.truth.normal)
    assert np.array_equal(SUPPRESSIBLE[domain](normal.seed, "train", suppressed=True).pixels, normal.pixels)


def test_every_combination_of_every_slice_can_be_drawn() -> None:
    rng = np.random.Generator(np.random.PCG64(8))
    for view in (*ct_views.VIEWS.values(), *ct_views.HEIGHTS[1:]):
        page = frame(rng, (200, 200), 70.0)
        layers, values = view.anatomy(rng, page), ct._values(rng, True)
        for one in _every(view.choices):
            found = ct_findings.FINDINGS[one.name](rng, layers.painted(values), layers, one, True)
            assert found.name == one.name and found.side == one.side
    for scan in mri_views.VIEWS:
        page = frame(rng, (200, 200), 70.0)
        layers, signal = scan.anatomy(rng, page, 0.0), mri._signals(rng, scan, "T2")
        for one in _every(scan.choices):
            found = mri_findings.FINDINGS[one.name](rng, layers.painted(signal), layers, one, scan, signal)
            assert found.name == one.name and found.side == one.side


def _every(choices: dict[str, Choices]) -> Iterator[Plan]:
    for name, choice in choices.items():
        for side in choice.sides:
            yield from (Plan(name, side, place, 0.5, 0.5, choice.most) for place in choice.places)


def test_monochrome1_is_stored_inverted_and_shown_as_the_others_are(
    some: dict[tuple[Domain, Split], list[Phantom]],
) -> None:
    frontal = [one for one in (*some["cxr", "train"], *some["cxr", "test"]) if one.truth.plane != "lateral"]
    assert {one.inverted for one in frontal} == {True, False}
    for one in frontal:
        picture = shown(one).astype(np.float64)
        height, width = picture.shape
        row = slice(int(0.62 * height), int(0.7 * height))
        middle = picture[row, int(0.47 * width) : int(0.53 * width)].mean()
        assert middle > picture[int(0.3 * height) : int(0.6 * height)].mean()


def test_a_side_marker_is_on_its_own_side() -> None:
    letters = {letter: artefacts.text((60, 60), letter, 5, 5, 16, 2.2).alpha.sum() for letter in "LR"}
    seen = Counter[str]()
    for seed in range(60):
        rng = np.random.Generator(np.random.PCG64(seed))
        film = np.zeros((280, 300))
        cxr._markers(rng, film, "PA")
        column = film[:, 20:40].max(), film[:, 255:290].max()
        if film.sum() > 0 and film[60:].sum() == 0 and column[0] != column[1]:
            ink = float(film.sum())
            size = np.ptp(np.nonzero(film.max(axis=1) > 0.5)[0])
            letter = min(letters, key=lambda one: abs(letters[one] * size / 16 - ink))
            seen[letter] += 1
            assert (letter == "R") == (np.nonzero(film.max(axis=0) > 0.5)[0].mean() < 150)
    assert seen["L"] > 3 and seen["R"] > 3


def test_streams_of_one_seed_do_not_repeat_each_other() -> None:
    rngs = streams("ct", 4, "train")
    firsts = [float(rng.random()) for rng in (rngs.case, rngs.anatomy, rngs.finding, rngs.noise)]
    assert len(set(firsts)) == 4


def test_the_contact_sheet_has_a_labelled_tile_for_every_phantom(tmp_path: Path) -> None:
    sheet = contact_sheet(["cxr", "ct", "mri"], 2)
    assert sheet.width > 2 * 150 and sheet.height > 3 * 150
    for row in range(3):
        for column in range(2):
            tile = np.asarray(sheet)[row * 182 + 6 : row * 182 + 156, column * 156 + 6 : column * 156 + 156]
            assert tile.std() > 15
    target = tmp_path / "sheets" / "one.png"
    main(["--domain", "ct", "--columns", "1", "--out", str(target)])
    with Image.open(target) as written:
        assert written.size == (162, 5 * 182 + 6)
    assert [path.name for path in target.parent.iterdir()] == ["one.png"]
