import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.load import Load, arrivals, rate


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.5, 20))
def test_as_many_arrive_as_are_expected(seed, mean):
    expected = rate(600, mean, seed)
    counted = len(arrivals(expected, seed))
    assert abs(counted - expected.sum()) < 6 * np.sqrt(expected.sum())


def test_the_mean_over_a_long_time_is_what_was_asked_for():
    days = [rate(6000, 4.0, seed).mean() for seed in range(8)]
    assert abs(np.mean(days) - 4.0) < 0.15


def test_arrivals_of_a_steady_rate_are_poisson():
    times = arrivals(np.full(4000, 5.0), seed=3)
    counts = np.bincount(times.astype(int), minlength=4000)
    assert abs(counts.var() / counts.mean() - 1) < 0.1  # the dispersion of a Poisson process
    gaps = np.diff(times)
    assert abs(gaps.std() / gaps.mean() - 1) < 0.1  # and its exponential gaps


@given(st.integers(0, 1000))
def test_arrivals_are_ordered_and_within_the_time(seed):
    times = arrivals(rate(60, 4.0, seed), seed)
    assert (np.diff(times) >= 0).all()
    assert not len(times) or (times[0] >= 0 and times[-1] < 60)


def test_the_same_seed_draws_the_same_load():
    assert np.array_equal(arrivals(rate(90, 4.0, 7), 7), arrivals(rate(90, 4.0, 7), 7))
    assert not np.array_equal(rate(90, 4.0, 7), rate(90, 4.0, 8))


def planned(harder_at_s):
    return list(Load(None, "", 120, seed=3, harder_at_s=harder_at_s)._plan())


def test_the_mix_moves_to_hard_questions_when_it_is_to_and_nothing_else_does():
    usual, moved = planned(np.inf), planned(60.0)
    assert [due for due, *_ in usual] == [due for due, *_ in moved]
    hard = {each.text for each in corpus.hard_questions()}
    before = [each for each in moved if each[0] < 60]
    assert before == [each for each in usual if each[0] < 60]
    after = [question.text in hard for due, question, _ in moved if due >= 60]
    assert 0.55 < np.mean(after) < 0.85
    assert not any(question.text in hard for _, question, _ in usual)


def test_the_day_and_its_bursts_show():
    expected = rate(600, 4.0, seed=1)
    assert expected.max() > 1.4 * expected.min()
