"""What nothing else beats, against the definition taken pair by pair."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aiopslab.statistics.pareto import undominated

COSTS = arrays(
    np.float64, st.tuples(st.integers(0, 12), st.integers(1, 3)), elements=st.integers(0, 4)
)


@given(COSTS)
def test_it_is_what_no_other_is_as_good_as_in_everything_and_better_than_in_something(costs):
    expected = [not any(all(other <= one) and any(other < one) for other in costs) for one in costs]
    assert undominated(costs) == expected


def test_what_differs_by_little_is_alike_and_what_is_unknown_is_beaten_by_nothing():
    assert undominated([[1.0, 1.0], [1.0, 1.1]]) == [True, False]
    assert undominated([[1.0, 1.0], [1.0, 1.1]], [0, 0.2]) == [True, True]
    assert undominated([[1.0, np.nan], [2.0, np.nan]]) == [True, True]
