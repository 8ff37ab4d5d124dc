"""Money by model, prompt version, route and tenant: nothing is lost, nothing made up."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.errors import FrameError, ParameterError
from aiopslab.frames import conform
from aiopslab.overview import spend
from aiopslab.overview.spending.grouping import grouped
from aiopslab.overview.spending.ledger import read
from aiopslab.overview.spending.prices import priced, read_prices
from aiopslab.overview.spending.result import Spending
from aiopslab.overview.spending.stretches import cut, means
from aiopslab.statistics.intervals import student
from tests.overview.spending.worlds import START, calls

EVERYTHING = ("model", "prompt_version", "route", "tenant")


def by(frame, *columns):
    """Return money by columns, without the forecast and the savings that `spend` adds."""
    return grouped(read(frame), columns, 0.95, 0)


names = st.sampled_from(["a", "b", "日本", "<b>", ""])
costs = st.one_of(st.none(), st.floats(0, 10), st.just(float("inf")))
rows = st.lists(
    st.tuples(names.filter(bool), names.filter(bool), st.none() | names, names, costs), max_size=30
)


def made(told):
    frame = calls(len(told))
    for place, column in enumerate(EVERYTHING):
        frame[column] = pd.Series([each[place] for each in told], dtype=object)
    return frame.assign(cost_usd=pd.Series([each[4] for each in told], dtype=float))


@settings(max_examples=20, deadline=None)
@given(rows, st.lists(st.sampled_from(EVERYTHING), unique=True, max_size=4))
def test_totals_are_kept_under_any_grouping_and_shares_sum_to_one(told, columns):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ledger = read(made(told))
    columns = [each for each in columns if each in ledger.dimensions]
    table = grouped(ledger, tuple(columns), 0.95, 0)
    finite = [each[4] for each in told if each[4] is not None and np.isfinite(each[4])]
    assert table["calls"].sum() == len(told)
    assert table["unknown"].sum() == len(told) - len(finite)
    assert table["cost_usd"].sum() == pytest.approx(sum(finite))
    assert table["input_tokens"].sum() == 100 * len(told)
    if sum(finite):
        assert table["share"].sum() == pytest.approx(1)
    assert len(table) == len(table.drop_duplicates(columns)) if columns else len(table) <= 1
    assert not (table["high"] < table["query_usd"] * (1 - 1e-12)).any()
    assert not (table["low"] > table["query_usd"] * (1 + 1e-12)).any()


@settings(max_examples=3, deadline=None)
@given(st.permutations(range(24)), st.booleans())
def test_the_order_of_rows_changes_nothing(order, at_once):
    rng = np.random.default_rng(1)
    frame = calls(
        24,
        "1h",
        cost=rng.gamma(2, 1, 24),
        model=np.array(["a", "b"])[np.arange(24) % 2],
        input=[f"q{each % 5}" for each in range(24)],
    )
    if at_once:
        frame["timestamp"] = START + pd.to_timedelta(np.arange(24) // 8, unit="h")
    mixed = frame.iloc[order].reset_index(drop=True)
    first, other = (spend(each, time_to_live="6h") for each in (frame, mixed))
    pd.testing.assert_frame_equal(first.by("model"), other.by("model"))
    pd.testing.assert_frame_equal(first.savings(), other.savings())
    assert first.burn.sentence == other.burn.sentence


def test_an_unknown_cost_is_told_and_is_no_nought():
    found = spend(calls(40, cost=[0.1, None] * 20))
    row = found.by("model").iloc[0]
    assert (row["calls"], row["unknown"]) == (40, 20)
    assert row["cost_usd"] == pytest.approx(2.0)
    assert row["query_usd"] == pytest.approx(0.1)
    verdict = found.verdict()
    assert verdict.level == "watch"
    assert any("20 of 40 calls is not known" in each.claim for each in verdict.findings)
    unknown = spend(calls(40, cost=[0.1] * 20 + [None] * 20, model=["a"] * 20 + ["b"] * 20))
    assert np.isnan(unknown.by("model").set_index("model").loc["b", "cost_usd"])


def test_prices_complete_only_what_was_not_recorded():
    frame = calls(3, cost=[0.5, None, None], model=["small", "small", "other"])
    found = spend(frame, prices={"small": (1_000.0, 5_000.0)})
    table = found.by("model").set_index("model")
    assert table.loc["small", "cost_usd"] == pytest.approx(0.5 + 100 * 0.001 + 20 * 0.005)
    assert table.loc["other", "unknown"] == 1
    assert any("1 calls is worked out from the prices" in each for each in found.notes)


@pytest.mark.parametrize("price", [(1,), 3, ("a", 1), (-1, 2), (float("nan"), 1), None])
def test_a_price_that_is_none_is_refused_with_its_model(price):
    with pytest.raises(ParameterError, match="small"):
        priced(calls(1), {"small": price})


@pytest.mark.parametrize(
    "text",
    ["", "model,input_usd\na,1\n", "model,input_usd,output_usd\na,x,1\n", "\x00\xff", None],
)
def test_a_table_of_prices_that_cannot_be_used_says_so(tmp_path, text):
    path = tmp_path / "prices.csv"
    if text is not None:
        path.write_text(text, encoding="latin-1")
    with pytest.raises(ParameterError):
        read_prices(path)


def test_prices_that_name_a_model_twice_are_refused(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("model,input_usd,output_usd\na,1,2\na,1,3\n")
    with pytest.raises(ParameterError, match="twice"):
        read_prices(path)


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_or_one_call_is_no_error(rows):
    found = spend(calls(rows), budget_usd=1)
    assert found.verdict().level == "watch"
    assert len(found.by("model") if rows else found.by()) == rows
    for figure in (found.figure(), found.burn_figure(), found.savings_figure()):
        assert figure.layout.title.text
    assert "<section" in found._repr_html_()


def test_no_known_cost_is_not_enough_data():
    verdict = spend(calls(50, cost=float("nan")), budget_usd=1).verdict()
    assert verdict.level == "watch"
    assert "no cost of 50 calls known" in verdict.headline
    assert np.isnan(verdict.metrics["cost_usd"])


def test_a_negative_cost_is_refused_with_its_row():
    with pytest.raises(FrameError, match=r"row 2: cost_usd is -0\.5"):
        spend(calls(3, cost=[0.1, 0.1, -0.5]))


def test_an_infinite_cost_is_taken_for_not_known():
    found = spend(calls(30, cost=[float("inf"), *[0.1] * 29]))
    assert found.by().iloc[0]["unknown"] == 1
    assert found.by().iloc[0]["cost_usd"] == pytest.approx(2.9)


def test_times_without_a_zone_are_utc_and_that_is_told():
    frame = calls(50).assign(timestamp=lambda each: each["timestamp"].dt.tz_localize(None))
    found = spend(frame)
    assert found.by().iloc[0]["calls"] == 50
    assert any("UTC" in each for each in found.notes)


def test_rows_that_were_exported_twice_count_once():
    frame = calls(40)
    found = spend(pd.concat([frame, frame.iloc[:10]]))
    assert found.by().iloc[0]["calls"] == 40
    assert any("10 rows are alike" in each for each in found.notes)
    # Two calls at one moment that differ in anything are two.
    near = frame.iloc[:1].assign(tenant="b")
    assert spend(pd.concat([frame.assign(tenant="a"), near])).by().iloc[0]["calls"] == 41


def test_names_in_any_script_and_with_html_stay_text():
    evil = "<script>alert(1)</script>"
    frame = calls(60, model=[evil, "模型", "m\u202eodel"] * 20, route=[evil] * 60, tenant="ü")
    found = spend(frame, budget_usd=5)
    page = found._repr_html_() + found.verdict()._repr_html_() + found.burn._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    drawn = found.figure().to_json() + found.savings_figure().to_json()
    assert "<script" not in drawn.replace("\\u003c", "<")
    assert {*found.by("model")["model"]} == {evil, "模型", "m\u202eodel"}


def test_a_column_that_no_call_tells_is_refused_by_name():
    found = spend(calls(5, route=["/a"] * 5))
    with pytest.raises(ParameterError, match="'tenant'; the calls tell model, prompt_version, rou"):
        found.by("tenant")
    with pytest.raises(ParameterError, match="twice"):
        found.by("model", "model")


def test_a_call_that_does_not_tell_its_route_is_a_row_of_its_own():
    table = by(calls(4, route=["/a", None, "/a", None]), "route")
    assert dict(zip(table["route"], table["calls"], strict=True)) == {"/a": 2, "(not told)": 2}


def test_the_contract_takes_route_and_tenant_as_text():
    frame = conform("calls", calls(2, route=["/a", None], tenant=[7, 8]))
    assert frame["tenant"].tolist() == ["7", "8"]
    assert frame["route"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    "arguments",
    [
        {"budget_usd": 0},
        {"budget_usd": float("nan")},
        {"period": "soon"},
        {"horizon": "-1D"},
        {"time_to_live": "60"},
        {"margin": 0},
        {"confidence": 1.0},
        {"quality": "nothing"},
        {"quality": "input"},
    ],
)
def test_an_argument_out_of_range_is_refused(arguments):
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        spend(calls(30), **arguments)


def test_of_independent_calls_the_interval_is_at_least_that_of_student():
    rng = np.random.default_rng(3)
    cost = rng.gamma(4, 1, 40)
    noons = pd.date_range(START + pd.Timedelta("12h"), periods=40, freq="1D")
    row = by(calls(40, cost=cost, timestamp=noons), "model").iloc[0]
    low, high = student(cost, 0.95)
    assert row["low"] == pytest.approx(low, rel=0.03)
    assert row["high"] == pytest.approx(high, rel=0.05)
    assert row["low"] <= low + 1e-9
    assert row["high"] >= high - 1e-9


def test_intervals_hold_the_truth_where_calls_of_a_day_are_alike():
    """Days differ by a shared factor: intervals that took calls for independent would not do."""
    held, naive = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        day = np.repeat(rng.gamma(9, 1 / 9, 30), 20)
        cost = day * rng.gamma(20, 1 / 20, 600)
        number, ones = np.repeat(np.arange(30), 20), np.ones(600)
        sums, sizes = (np.bincount(number, each)[:, None] for each in (cost, ones))
        _, low, high = means(sums, sizes, 0.95, seed)
        held.append(low[0] <= 1 <= high[0])
        one, other = student(cost, 0.95)
        naive.append(one <= 1 <= other)
    assert np.mean(held) > 0.90  # 95 % less three standard errors of 120
    assert np.mean(naive) < 0.60


def test_all_calls_at_one_time_have_no_interval():
    frame = calls(50).assign(timestamp=START)
    assert cut(frame["timestamp"]).count == 1
    row = spend(frame).by("model").iloc[0]
    assert row["query_usd"] == pytest.approx(0.01)
    assert np.isnan(row["low"])


def test_only_the_first_rows_have_an_interval_and_all_have_their_money():
    rng = np.random.default_rng(0)
    tenants = [f"t{each}" for each in rng.integers(0, 700, 9_000)]
    table = by(calls(9_000, "1min", cost=rng.gamma(2, 1, 9_000), tenant=tenants), "tenant")
    assert table["cost_usd"].is_monotonic_decreasing
    assert table["low"].iloc[:20].notna().all()
    assert table["low"].iloc[300:].isna().all()
    assert table["query_usd"].notna().all()


def test_what_a_recording_shows_is_found():
    found = spend(sources.open("sample://llm-costly-prompt").frames["calls"], period="1D")
    assert isinstance(found, Spending)
    versions = found.by("prompt_version").set_index("prompt_version")
    assert versions.index[0] == "answer-v4"
    assert 7 < versions.loc["answer-v4", "query_usd"] / versions.loc["answer-v3", "query_usd"] < 9
    best = found.savings().iloc[0]
    assert best["what"] == "Prompt answer-v3 instead of answer-v4"
    assert best["low"] > 0
    assert best["quality"] == "not enough data"
    assert "calls would be enough" in best["how"]
    inputs = found.inputs.rows.set_index("prompt_version")
    assert inputs.loc["answer-v4", "fixed_at_most"] > 1_500 > inputs.loc["answer-v3", "high"]
