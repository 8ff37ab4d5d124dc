"""Operations: their self-times summarised as pandas does it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.incident.operations import OFFSET_MS, rank_operations

KEYS = ["blamed", "service", "operation"]
NAMES = st.sampled_from(["a", "b", "c"])
TIMES = st.one_of(st.none(), st.floats(0, 1e4))
SPANS = st.lists(st.tuples(NAMES, NAMES, TIMES), max_size=60)


def table(rows):
    spans = pd.DataFrame(rows, columns=["blamed", "service", "self_ms"])
    return spans.astype({"self_ms": float, "blamed": "str", "service": "str"}).assign(
        operation="call"
    )


def by_pandas(spans):
    level = np.log(spans["self_ms"] + OFFSET_MS)
    return (
        spans.assign(level=level)
        .groupby(KEYS)
        .agg(
            spans=("level", "size"),
            level=("level", "mean"),
            median=("self_ms", "median"),
            mean=("self_ms", "mean"),
        )
    )


@given(SPANS, SPANS)
def test_medians_means_and_ratios_are_those_of_pandas(before, after):
    before, after = table(before), table(after)
    both = by_pandas(after).add_suffix("_after").join(by_pandas(before), how="inner")
    both = both[(both["spans_after"] >= 3) & (both["spans"] >= 5)].reset_index()
    is_call = both["blamed"] != both["service"]
    both["name"] = both["operation"].where(~is_call, both["service"] + " → call")
    expected = both.set_index(["blamed", "name"]).sort_index()
    found = rank_operations(before, after).set_index(["service", "name"]).sort_index()
    assert found.index.tolist() == expected.index.tolist()
    assert found["spans"].tolist() == expected["spans_after"].tolist()
    for column, other in (("before", "median"), ("after", "median_after")):
        assert found[column].to_numpy() == pytest.approx(expected[other].to_numpy(), nan_ok=True)
    ratio = np.exp(expected["level_after"] - expected["level"]).to_numpy()
    assert found["ratio"].to_numpy() == pytest.approx(ratio, nan_ok=True)
    extra = (expected["mean_after"] - expected["mean"]) * expected["spans_after"]
    assert found["extra_ms"].to_numpy() == pytest.approx(extra.to_numpy(), nan_ok=True, abs=1e-6)
    assert found["strength"].ge(0).all()
