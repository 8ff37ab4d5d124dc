"""How much of a shift goes through each layer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.overview.decomposition import decompose
from aiopslab.overview.decomposition_paths import contributions
from aiopslab.overview.decomposition_rows import call_rows, observation_rows
from aiopslab.overview.decomposition_spans import decompose_time
from aiopslab.overview.shift import find_shifts
from tests.overview.assistant import ONSET, assistant


def decomposed(measure, **moved):
    frames = assistant(rows=1_500, **moved)
    shift = next(each for each in find_shifts(frames) if each.measure == measure)
    rows = call_rows(frames), observation_rows(frames)
    return decompose(shift, *rows, ONSET, pd.Timedelta("5s"))


def shares(found):
    return found.table().set_index("layer")["share"]


@given(
    seed=st.integers(0, 1_000),
    features=st.integers(1, 6),
    rows=st.integers(40, 120),
)
@settings(max_examples=25, deadline=None)
def test_the_parts_add_up_to_the_whole(seed, features, rows):
    draw = np.random.default_rng(seed)
    late = np.arange(rows) >= rows // 2
    table = draw.normal(size=(rows, features)).cumsum(axis=1) + late[:, None] * draw.normal()
    values = table @ draw.normal(size=features) + draw.normal(size=rows)
    told, drawn = contributions(table, values, late)
    assert told.sum() == pytest.approx(values[late].mean() - values[~late].mean(), abs=1e-6)
    assert drawn.shape[1] == features + 1


def test_what_acts_through_another_counts_for_where_it_began():
    draw = np.random.default_rng(0)
    late = np.arange(2_000) >= 1_000
    first = draw.normal(size=2_000) + late
    second = 2 * first + draw.normal(size=2_000)
    values = 3 * second + draw.normal(size=2_000)
    told, drawn = contributions(np.column_stack([first, second]), values, late)
    assert told[0] == pytest.approx(6, abs=0.6)
    assert abs(told[1]) < 0.5
    low, high = np.quantile(drawn[:, 0], [0.025, 0.975])
    assert low < 6 < high


@pytest.mark.parametrize(
    ("measure", "moved", "layer"),
    [
        ("helpful answers", {"mix": [0.85, 0.05, 0.05, 0.05]}, "questions"),
        ("helpful answers", {"wrong": 0.6}, "classifier"),
        ("helpful answers", {"other": True}, "index"),
        ("helpful answers", {"harm": 0.3}, "unexplained"),
        ("helpful answers", {"version": "v2", "harm": 0.3}, "prompt"),
        ("helpful answers", {"model": "m2", "harm": 0.3}, "language model"),
        ("cost a query", {"version": "v2", "longer": 3.0}, "prompt"),
        ("right predictions", {"wrong": 0.5}, "classifier"),
    ],
)
def test_most_goes_through_the_layer_that_moved(measure, moved, layer):
    found = decomposed(measure, **moved)
    told = shares(found)
    assert told.idxmax() == layer
    assert told[layer] == pytest.approx(1, abs=0.35)
    row = found.table().set_index("layer").loc[layer]
    assert 0 < row["low"] <= row["share"] <= row["high"]
    assert told.sum() == pytest.approx(1)


def test_two_that_were_replaced_at_once_are_not_separable():
    found = decomposed("helpful answers", version="v2", model="m2", harm=0.3)
    assert shares(found).idxmax() == "prompt and language model (not separable)"
    assert any("not separable" in each for each in found.notes)
    assert found.share("prompt") is None


def test_a_decomposition_has_a_picture_that_says_what_it_shows():
    figure = decomposed("helpful answers", wrong=0.6).figure()
    assert "classifier" in figure.layout.meta["description"]
    assert len(figure.data[0].error_x.array) == len(figure.data[0].x)


def test_too_few_rows_are_said():
    frames = assistant(rows=60, longer=3.0)
    shift = next(each for each in find_shifts(frames) if each.measure == "cost a query")
    near = ONSET + pd.Timedelta("38min")
    found = decompose(shift, call_rows(frames), observation_rows(frames), near, pd.Timedelta("1s"))
    assert found.total is None
    assert "Not enough data" in found.notes[0]
    assert found.table().empty
    assert "Not enough data" in found.figure().layout.meta["description"]


def test_calls_are_joined_by_trace_where_both_know_it():
    frames = assistant(rows=50)
    ids = [f"t{number}" for number in range(50)]
    calls = frames["calls"].assign(trace_id=ids)
    turned = frames["observations"].assign(trace_id=ids).iloc[::-1]
    rows = call_rows({"calls": calls, "observations": turned})
    assert rows["target"].tolist() == frames["observations"]["target"].tolist()


def test_calls_long_after_any_prediction_have_none():
    frames = assistant(rows=50)
    late = frames["calls"].assign(timestamp=frames["calls"]["timestamp"] + pd.Timedelta("1D"))
    assert call_rows({**frames, "calls": late})["right"].isna().all()


def traces(rows, waits):
    """Return traces of a gateway that waits for two services, ms by service on each side."""
    draw = np.random.default_rng(0)
    spans = []
    for number in range(rows):
        late = number >= rows // 2
        start = ONSET + pd.Timedelta(seconds=10.0 * (number - rows // 2))
        times = {name: sides[late] + draw.random() for name, sides in waits.items()}
        whole = 5.0 + sum(times.values())
        told = [("root", None, "gateway", whole)]
        told += [(name, "root", name, length) for name, length in times.items()]
        spans += [
            (f"t{number}", own, parent, service, "GET /", start, length, "OK")
            for own, parent, service, length in told
        ]
    columns = ["trace_id", "span_id", "parent_span_id", "service", "operation", "start"]
    return pd.DataFrame(spans, columns=[*columns, "duration_ms", "status"])


def test_the_time_of_requests_is_split_over_the_services_they_wait_in():
    spans = traces(200, {"database": (10, 60), "llm": (100, 110)})
    found = decompose_time(spans, {"llm"}, ONSET, pd.Timedelta("1s"))
    told = found.table().set_index("layer")
    assert found.total.value == pytest.approx(60, abs=1)
    assert told.loc["infrastructure", "contribution"] == pytest.approx(50, abs=1)
    assert told.loc["infrastructure", "how"] == "time spent in database"
    assert told["share"].sum() == pytest.approx(1)
    # What the model takes longer may be of its server, too.
    assert found.share("infrastructure") is None


def test_the_time_of_requests_is_of_the_infrastructure_where_the_model_kept_to_its_own():
    spans = traces(200, {"database": (10, 60), "llm": (100, 100)})
    found = decompose_time(spans, {"llm"}, ONSET, pd.Timedelta("1s"))
    assert found.share("infrastructure").value == pytest.approx(1, abs=0.05)


def test_a_few_traces_are_not_enough():
    found = decompose_time(traces(10, {"llm": (1, 9)}), {"llm"}, ONSET, pd.Timedelta("1s"))
    assert found.total is None
    assert "Not enough data" in found.notes[0]
