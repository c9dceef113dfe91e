"""Histology and gross phantoms: the same bytes everywhere, findings where the truth says, training kept from tests."""

import hashlib

import numpy as np
import pytest

from medvlm.phantoms import draw, gross, histology, tissue
from medvlm.phantoms.cases import Plan
from medvlm.phantoms.truth import Phantom
from medvlm.types import Domain

PATHOLOGY: tuple[Domain, ...] = ("histology", "gross")
MEDICAL = (
    "necro", "haemorr", "cyst", "mass", "tumour", "inflam", "fibro", "mito", "cellular", "stain", "liver", "colon",
    "kidney", "spleen", "lymph", "uterus", "lesion", "nodule", "histolog", "eosin",
)  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> dict[Domain, list[Phantom]]:
    return {domain: [draw(domain, seed) for seed in range(32)] for domain in PATHOLOGY}


@pytest.mark.parametrize(
    ("domain", "seed", "sha256"),
    [
        ("histology", 0, "f7308231a1c26025"),
        ("histology", 5, "c8f4bd0daf0eec11"),
        ("histology", 11, "0a80586c47d8b74b"),
        ("gross", 2, "ac50a945c957db39"),
        ("gross", 17, "cf249b2ba4944b8d"),
        ("gross", 29, "4d1d2d6f38831b0f"),
    ],
)
def test_the_same_seed_gives_the_same_bytes(domain: Domain, seed: int, sha256: str) -> None:
    pixels = draw(domain, seed).pixels
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:16] == sha256


@pytest.mark.parametrize("domain", PATHOLOGY)
def test_pictures_are_colour_bytes_with_a_spacing(domain: Domain, drawn: dict[Domain, list[Phantom]]) -> None:
    for phantom in drawn[domain]:
        assert phantom.pixels.dtype == np.uint8
        assert phantom.pixels.shape in {(256, 256, 3), (256, 288, 3)}
        assert phantom.spacing.row > 0
        assert phantom.truth.domain == domain
        assert phantom.pixels.std() > 8


@pytest.mark.parametrize("domain", PATHOLOGY)
def test_about_four_in_ten_are_normal(domain: Domain, drawn: dict[Domain, list[Phantom]]) -> None:
    normal = sum(phantom.truth.normal for phantom in drawn[domain])
    assert 6 <= normal <= 21


@pytest.mark.parametrize("domain", PATHOLOGY)
def test_the_layperson_uses_no_medical_word(domain: Domain, drawn: dict[Domain, list[Phantom]]) -> None:
    for phantom in drawn[domain]:
        said = phantom.truth.layperson.lower()
        assert not [word for word in MEDICAL if word in said], said


@pytest.mark.parametrize("domain", PATHOLOGY)
def test_findings_lie_in_the_place_that_is_named(domain: Domain, drawn: dict[Domain, list[Phantom]]) -> None:
    named = [finding for phantom in drawn[domain] for finding in phantom.truth.findings if finding.place]
    assert len(named) > 5
    for finding in named:
        assert finding.centre is not None
        row, column = finding.centre
        if "upper" in (finding.place or ""):
            assert row < 0.5
        if "lower" in (finding.place or ""):
            assert row > 0.4  # the ruler takes the lowest rows, so an organ's middle lies a little above the picture's
        if "left" in (finding.place or ""):
            assert column < 0.5
        if "right" in (finding.place or ""):
            assert column > 0.5


@pytest.mark.parametrize("domain", PATHOLOGY)
def test_training_never_draws_a_held_out_combination(domain: Domain, drawn: dict[Domain, list[Phantom]]) -> None:
    held = (histology if domain == "histology" else gross).HELD_OUT.combinations
    for phantom in drawn[domain]:
        assert not phantom.truth.held_out
        assert not {(f.name, f.side, f.place) for f in phantom.truth.findings} & held


@pytest.mark.parametrize("domain", PATHOLOGY)
def test_the_test_split_draws_what_training_held_back(domain: Domain) -> None:
    truths = [draw(domain, seed, "test").truth for seed in range(16)]
    held = sum(truth.held_out for truth in truths)
    abnormal = sum(not truth.normal for truth in truths)
    assert 0 < held < abnormal


@pytest.mark.parametrize("domain", PATHOLOGY)
def test_the_splits_share_no_picture(domain: Domain) -> None:
    assert not np.array_equal(draw(domain, 3, "train").pixels, draw(domain, 3, "test").pixels)


@pytest.mark.parametrize("domain", PATHOLOGY)
def test_a_negative_seed_is_refused(domain: Domain) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        draw(domain, -1)


def changed(name: str, place: str, size: float = 0.5, contrast: float = 0.5) -> tuple[float, float]:
    """Mean change of haematoxylin and of eosin that a patch makes at its centre, on liver at medium power."""
    field = tissue.Field.blank(256, 1.0)
    tissue.LAY["liver"](field, np.random.Generator(np.random.PCG64(1)), 1.0)
    row, column = (round(256 * part) for part in histology.PLACES[place])
    area = (slice(row - 22, row + 22), slice(column - 22, column + 22))
    before = field.nuclei[area].mean(), field.eosin[area].mean()
    plan = Plan(name, None, place, size, contrast)
    histology.lay_finding(field, plan, np.random.Generator(np.random.PCG64(2)))
    return float(field.nuclei[area].mean() - before[0]), float(field.eosin[area].mean() - before[1])


def test_necrosis_has_no_nuclei_and_more_pink() -> None:
    nuclei, pink = changed("necrosis", "upper left")
    assert nuclei < -0.05
    assert pink > 0.2


def test_inflammation_is_a_crowd_of_nuclei() -> None:
    nuclei, _ = changed("inflammation", "centre")
    assert nuclei > 0.2


def test_fibrosis_takes_the_place_of_cells() -> None:
    nuclei, _ = changed("fibrosis", "lower right")
    assert nuclei < -0.04


def test_high_cellularity_is_more_nuclei() -> None:
    dyes = []
    for crowd in (1.0, 1.9):
        field = tissue.Field.blank(256, 1.0)
        tissue.LAY["brain"](field, np.random.Generator(np.random.PCG64(1)), crowd)
        dyes.append(float(field.nuclei.mean()))
    assert dyes[1] > 1.8 * dyes[0]


def test_mitoses_are_counted_and_only_asked_at_high_power(drawn: dict[Domain, list[Phantom]]) -> None:
    for phantom in drawn["histology"]:
        high = dict(phantom.truth.extras)["magnification"] == "high"
        assert ("mitoses" in phantom.truth.possible) == high
        assert all(1 <= finding.count <= 5 for finding in phantom.truth.findings if finding.name == "mitoses")


def test_a_higher_power_has_a_finer_spacing(drawn: dict[Domain, list[Phantom]]) -> None:
    for phantom in drawn["histology"]:
        power = dict(phantom.truth.extras)["magnification"]
        assert phantom.spacing.row * 1000 == pytest.approx(histology.MICRONS[power], rel=0.09)


def test_a_size_agrees_with_radius_and_spacing(drawn: dict[Domain, list[Phantom]]) -> None:
    sized = [(p, f) for domain in PATHOLOGY for p in drawn[domain] for f in p.truth.findings if f.size_mm]
    assert len(sized) > 10
    for phantom, finding in sized:
        assert finding.radius is not None
        drawn_mm = 2 * finding.radius * phantom.pixels.shape[1] * phantom.spacing.row
        assert finding.size_mm == pytest.approx(drawn_mm, rel=0.02, abs=0.06)


def test_all_organs_come_up(drawn: dict[Domain, list[Phantom]]) -> None:
    assert {phantom.truth.organ for phantom in drawn["gross"]} == {organ.name for organ in gross.ORGANS}


def test_a_grey_slide_does_not_claim_a_stain(drawn: dict[Domain, list[Phantom]]) -> None:
    stains = set()
    for phantom in drawn["histology"]:
        grey = bool((np.ptp(phantom.pixels.astype(int), axis=2) <= 2).all())
        assert grey == (phantom.truth.technique is None)
        stains.add(phantom.truth.technique)
    assert stains == {None, "haematoxylin and eosin", "immunostain"}
