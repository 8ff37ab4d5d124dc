import numpy as np
import pytest
from scipy import signal, stats

from aiopslab.drift.onset import date_rows, evidence
from aiopslab.drift.scan import freedom_of, inflation, scan


def test_a_scan_of_no_drift_rarely_finds_one():
    rng = np.random.default_rng(1)
    rows = np.full(40, 200.0)
    low = 0
    for _ in range(400):
        offset = rng.normal(size=3) / np.sqrt(5_000)
        means = rng.normal(size=(40, 3)) / np.sqrt(rows)[:, None] - offset
        low += scan(means, rows, 5_000, np.ones(3)).p <= 0.05
    assert 4 <= low <= 36  # 20 expected; outside of this one run in ten thousand


def test_a_variance_that_was_estimated_makes_no_drift():
    """Of windows with ten times the noise of rows, some seem quieter than they are."""
    rng = np.random.default_rng(4)
    rows, low = np.full(60, 200.0), {True: 0, False: 0}
    for _ in range(400):
        means = np.sqrt(10 / rows)[:, None] * rng.normal(size=(60, 2))
        factor = inflation(means, rows, 1)
        for known in low:
            freedom = np.inf if known else freedom_of(factor, 60)
            low[known] += scan(means, rows, 1e9, factor, freedom).p <= 0.05
    assert low[False] <= 36
    assert low[False] < low[True]


def test_the_noise_of_a_small_reference_is_no_drift():
    rows = np.full(30, 1_000.0)
    rng = np.random.default_rng(2)
    found = sum(
        scan(np.repeat(rng.normal(size=(1, 1)) / 10, 30, axis=0), rows, 100, np.ones(1)).p <= 0.05
        for _ in range(200)
    )
    assert found <= 20


def test_the_size_of_a_shift_is_freed_of_noise():
    rng = np.random.default_rng(3)
    sizes = []
    for _ in range(50):
        means = rng.normal(size=(40, 4)) / 20
        means[25:, 0] += 0.3
        sizes.append(scan(means, np.full(40, 400.0), 1e9, np.ones(4)).size)
    assert np.mean(sizes) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("dependence", [0.0, 0.5, 0.8])
def test_inflation_is_that_of_an_autoregression(dependence):
    rng = np.random.default_rng(4)
    noise = rng.normal(size=200 * 400) * np.sqrt(1 - dependence**2)
    values = signal.lfilter([1.0], [1.0, -dependence], noise)
    means = values.reshape(200, 400).mean(axis=1)[:, None]
    truth = (1 + dependence) / (1 - dependence)
    found = inflation(means, np.full(200, 400.0), 2)
    assert found == pytest.approx([max(truth, 1)], rel=0.35)


def test_a_step_does_not_inflate():
    rng = np.random.default_rng(5)
    means = rng.normal(size=(60, 3)) / 10
    means[30:] += 5
    assert inflation(means, np.full(60, 100.0), 1).max() < 1.8


def test_evidence_turns_the_sign_half_way():
    scores = np.random.default_rng(6).normal(size=(100_000, 2))
    before, after = np.array([0.0, 0.0]), np.array([0.4, -0.2])
    assert evidence(scores, before, after).mean() == pytest.approx(-0.1, abs=0.01)
    assert evidence(scores + after, before, after).mean() == pytest.approx(0.1, abs=0.01)


def test_evidence_is_the_likelihood_ratio_of_normals():
    scores = np.linspace(-3, 3, 7)[:, None]
    truth = stats.norm.logpdf(scores, 0.8) - stats.norm.logpdf(scores, 0.1)
    assert evidence(scores, np.array([0.1]), np.array([0.8])) == pytest.approx(truth[:, 0])


def test_the_interval_holds_the_row():
    held, wide = 0, []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(1_500, 1))
        row = int(rng.integers(300, 1_200))
        rows[row:] += 0.6
        found, low, high = date_rows(evidence(rows, np.zeros(1), np.array([0.6])))
        held += low <= row <= high
        wide.append(high - low)
        assert low <= found <= high
    assert held >= 132  # .88; at .95, fewer in one run of a thousand
    assert np.median(wide) < 100


def test_dependent_rows_widen_the_interval():
    rng = np.random.default_rng(7)
    ratio = np.concatenate([rng.normal(-0.2, 0.6, 500), rng.normal(0.2, 0.6, 500)])
    _, low, high = date_rows(ratio)
    _, lower, higher = date_rows(np.repeat(ratio, 8), 8.0)
    assert higher - lower >= 4 * (high - low)


def test_what_had_drifted_from_the_start_says_so():
    assert date_rows(np.full(200, 1.0)) == (0, 0, 0)
