"""Our figures against well-kept libraries that know the same ones: statsmodels and scipy, from requirements-dev.txt."""

import numpy as np
import pytest

from medvlm import agreement, resampling, statistics
from medvlm.outcomes import bradley_terry
from medvlm.outcomes.wording import signs

stats = pytest.importorskip("scipy.stats", reason="needs scipy: pip install -r requirements-dev.txt")
rater = pytest.importorskip("statsmodels.stats.inter_rater", reason="needs statsmodels: requirements-dev.txt")


@pytest.mark.parametrize("seed", range(5))
def test_kappas_are_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 20, (4, 4)).astype(np.float64)
    for ours, theirs in (("none", None), ("linear", "linear"), ("quadratic", "quadratic")):
        found = agreement.cohen_of(table, ours)  # type: ignore[arg-type]
        assert float(found) == pytest.approx(rater.cohens_kappa(table, wt=theirs, return_results=False))
    counts = rng.multinomial(5, [0.4, 0.3, 0.2, 0.1], size=30)
    assert agreement.fleiss(counts.astype(np.float64)).value == pytest.approx(rater.fleiss_kappa(counts))


def test_the_sign_test_and_wilson_are_scipys() -> None:
    for wins, losses in ((0, 1), (3, 9), (8, 1), (40, 60), (12, 12)):
        test = stats.binomtest(wins, wins + losses)
        assert statistics.mcnemar(wins, losses) == pytest.approx(test.pvalue)
        interval, ours = test.proportion_ci(method="wilson"), statistics.wilson(wins, wins + losses)
        assert ours is not None and (ours.low, ours.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_students_t_is_scipys() -> None:
    for freedom in (5, 9, 10, 19, 50, 1000):
        assert resampling.t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-3)


def test_a_bootstrap_of_unclustered_values_is_scipys() -> None:
    values = np.random.default_rng(0).exponential(1.0, 60)
    ours = resampling.quotients(np.stack([values, np.ones(60)], axis=1))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=2000, method="percentile", rng=1)
    assert ours.std() == pytest.approx(theirs.standard_error, rel=0.07)


def test_logistic_fits_are_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(2)
    differences = rng.normal((0.5, 0.0, -0.2), size=(200, 3))
    # Mirrored pairs: the same likelihood, with an outcome of either kind.
    flips = rng.random(200) < 0.5
    mirrored, won = np.where(flips[:, None], -differences, differences), (~flips).astype(float)
    theirs = api.Logit(won, mirrored).fit(disp=False).params
    assert signs(differences, ridge=0.0) == pytest.approx(theirs, abs=1e-5)
    wins = rng.integers(1, 15, (4, 4)) * (1 - np.eye(4))
    games = [(i, j) for i in range(4) for j in range(4) for _ in range(int(wins[i, j]))]
    design = np.array([[float(k == i) - float(k == j) for k in range(1, 4)] for i, j in games])
    sides = rng.random(len(games)) < 0.5
    logit = api.Logit((~sides).astype(float), np.where(sides[:, None], -design, design)).fit(disp=False).params
    ours = bradley_terry.strengths(wins, ridge=0.0)
    assert ours[1:] - ours[0] == pytest.approx(logit, abs=1e-5)
