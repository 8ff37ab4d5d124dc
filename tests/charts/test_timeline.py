from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.charts import Mark
from aiopslab.charts.labels import label, shortened, wrapped
from aiopslab.charts.timeline import timeline

TIMES = pd.date_range("2026-03-01T12:00", periods=60, freq="s", tz="UTC")
METRICS = pd.DataFrame({("auth", "latency_ms"): np.arange(60.0)}, TIMES)
ONSET = Mark(TIMES[30], "onset", TIMES[28], TIMES[33])
HOSTILE = "<b>bold</b> <a href='javascript:alert(1)'>x</a> & $\\href{x}{y}$ \u202eevil"


def alerts(*rows):
    columns = ["timestamp", "name", "service", "state", "fingerprint"]
    return pd.DataFrame(rows, columns=columns).assign(severity="page")


def changes(*rows):
    return pd.DataFrame(rows, columns=["timestamp", "kind", "service", "ref", "description"])


def surges(*rows):
    columns = ["service", "template", "change", "severity", "first", "after"]
    return pd.DataFrame(rows, columns=columns)


def headings(figure):
    return [note.text for note in figure.layout.annotations if note.xref == "paper"]


def texts(figure):
    return [text for trace in figure.data for text in trace.text or ()]


def bars(figure):
    (trace,) = (trace for trace in figure.data if trace.mode == "lines" and trace.line.width == 5)
    return [pd.Timestamp(each) for each in trace.x if each is not None]


def everything(text="x", times=TIMES):
    return timeline(
        METRICS.set_axis([(text, text)], axis=1),
        [Mark(ONSET.time, text)],
        surges((text, text, "new", text, times[31], 3)),
        alerts((times[35], text, text, "firing", "a")),
        changes((times[20], "deploy", text, text, text)),
        title=text,
    )


def test_everything_shares_one_time_axis_in_rows_from_top_to_bottom():
    figure = everything("auth")
    assert [heading.split(":")[0] for heading in headings(figure)] == [
        "auth · auth",
        "Log lines",
        "Alerts",
        "Changes",
    ]
    assert {trace.xaxis for trace in figure.data} <= {None, "x"}
    axes = [figure.layout[f"yaxis{number}" if number > 1 else "yaxis"] for number in range(1, 5)]
    tops = [axis.domain[1] for axis in axes]
    assert tops == sorted(tops, reverse=True)
    assert all(above.domain[0] >= below.domain[1] for above, below in pairwise(axes))


@pytest.mark.parametrize("lane", ["surges", "alerts", "changes"])
def test_what_is_missing_or_empty_has_no_lane(lane):
    empty = {"surges": surges(), "alerts": alerts(), "changes": changes()}[lane]
    for nothing in (None, empty):
        assert len(headings(timeline(METRICS, **{lane: nothing}))) == 1


@pytest.mark.parametrize(
    "metrics",
    [None, pd.DataFrame(), METRICS.iloc[:0], METRICS * np.nan, pd.DataFrame(index=TIMES)],
)
def test_no_evidence_at_all_says_so(metrics):
    figure = timeline(metrics)
    assert "no evidence" in figure.layout.annotations[0].text or not metrics.empty
    assert figure.layout.height > 0


@pytest.mark.parametrize("rows", [1, 2])
def test_a_single_moment_has_an_axis_around_it(rows):
    low, high = timeline(METRICS.iloc[:rows]).layout.xaxis.range
    assert pd.Timestamp(low) < TIMES[0].tz_localize(None) < pd.Timestamp(high)


def test_an_alert_lasts_from_firing_to_resolved_and_repeats_do_not_begin_it_again():
    rows = [(TIMES[10], "firing"), (TIMES[12], "firing"), (TIMES[20], "resolved")]
    rows += [(TIMES[40], "firing"), (TIMES[45], "resolved"), (TIMES[46], "resolved")]
    told = alerts(*[(time, "Slow", "auth", state, "a") for time, state in reversed(rows)])
    figure = timeline(METRICS, alerts=told)
    assert bars(figure) == [TIMES[i].tz_localize(None) for i in (10, 20, 40, 45)]
    assert sum("Slow" in text for text in texts(figure)) == 1  # one row


def test_an_alert_that_began_before_or_is_not_over_reaches_the_end_of_the_axis():
    told = alerts(
        (TIMES[10], "Old", "auth", "resolved", "a"), (TIMES[50], "New", "auth", "firing", "b")
    )
    figure = timeline(METRICS, alerts=told)
    low, high = map(pd.Timestamp, figure.layout.xaxis.range)
    assert bars(figure) == [low, TIMES[10].tz_localize(None), TIMES[50].tz_localize(None), high]
    symbols = {symbol for trace in figure.data for symbol in trace.marker.symbol or ()}
    assert symbols == {"line-ns-open", "triangle-right"}  # told by shape, not by colour


def test_a_storm_is_thinned_to_what_is_nearest_to_the_onset_and_says_so():
    rng = np.random.default_rng(0)
    at = TIMES[rng.integers(0, 60, 1_000)]
    storm = alerts(*[(time, f"A{i}", "auth", "firing", str(i)) for i, time in enumerate(at)])
    figure = timeline(METRICS, [ONSET], alerts=storm)
    assert "and 990 more" in headings(figure)[-1]
    starts = pd.DatetimeIndex(bars(figure)[::2]).tz_localize("UTC")
    nearest = np.sort(np.abs((at - ONSET.time).total_seconds()))[:10]
    assert np.sort(np.abs((starts - ONSET.time).total_seconds())).tolist() == nearest.tolist()
    assert len(figure.to_json()) < 40_000


def test_what_is_outside_the_time_of_the_metrics_is_counted_not_drawn():
    figure = timeline(
        METRICS, changes=changes((TIMES[0] - pd.Timedelta("1D"), "deploy", "a", "", ""))
    )
    assert headings(figure)[-1] == "Changes · and 1 more"
    assert pd.Timestamp(figure.layout.xaxis.range[0]) > TIMES[0].tz_localize(None) - pd.Timedelta(
        "1h"
    )


def test_a_day_is_named_once_and_ticks_of_several_days_keep_their_dates():
    one = timeline(METRICS).layout.xaxis
    assert "2026-03-01" in one.title.text
    assert not any("%d" in stop.value or "%x" in stop.value for stop in one.tickformatstops)
    assert len(one.tickformatstops) > 0
    days = METRICS.set_axis(pd.date_range("2026-03-01", periods=len(METRICS), freq="h", tz="UTC"))
    assert not timeline(days).layout.xaxis.tickformatstops


def test_without_metrics_the_axis_spans_what_there_is():
    figure = timeline(None, changes=changes((TIMES[3], "flag", None, None, None)))
    assert "flag" in texts(figure)[0]


def test_a_time_without_a_zone_is_utc_and_other_zones_are_converted():
    naive = timeline(
        METRICS.tz_localize(None),
        changes=changes((TIMES[3].tz_localize(None), "flag", "a", "", "")),
    )
    tokyo = timeline(
        METRICS.tz_convert("Asia/Tokyo"),
        changes=changes((TIMES[3].tz_convert("Asia/Tokyo"), "flag", "a", "", "")),
    )
    assert naive.to_json() == tokyo.to_json()


def test_unsorted_and_doubled_rows_are_drawn_in_order():
    shuffled = pd.concat([METRICS.iloc[::-1], METRICS.iloc[:5]])
    x = pd.DatetimeIndex(timeline(shuffled).data[0].x)
    assert x.is_monotonic_increasing


def test_a_surge_without_a_time_is_counted_not_drawn():
    rows = [("a", "t", "new", "WARN", TIMES[5], 1), ("a", "u", "surged", "WARN", pd.NaT, 9)]
    assert headings(timeline(METRICS, surges=surges(*rows)))[-1].endswith("and 1 more")


def test_text_is_shown_as_it_is_and_never_as_markup():
    plain = everything(HOSTILE).to_json()
    for markup in ("<b>", "<a ", "</", "$", "\\u202e", "\u202e"):
        assert markup not in plain


def test_long_text_is_cut_in_the_picture_and_whole_in_the_hover_box():
    template = "connection pool exhausted " * 12
    figure = everything(template.strip())
    assert all(len(text) < 60 for text in texts(figure))
    hovers = [hover for trace in figure.data for hover in trace.hovertext or ()]
    assert any(hover.replace("<br>", " ").count("exhausted") >= 12 for hover in hovers)


@settings(max_examples=25, deadline=None)
@given(place=st.integers(0, 59), length=st.integers(1, 200))
def test_no_label_leaves_a_narrow_picture(place, length):
    figure = timeline(METRICS, changes=changes((TIMES[place], "deploy", "m" * length, "", "")))
    (text,) = (text.strip("\u00a0") for text in texts(figure))
    room = 300 * max(place, 59 - place) / 59
    assert len(text) * 6 <= room + 12


@given(text=st.text(), width=st.integers(3, 40))
def test_labels_hold_no_markup_and_keep_to_their_width(text, width):
    import html

    for made in (label(text, width), shortened(text, width)):
        assert not set(made) & set("<>$'\"\n\r")
        assert len(html.unescape(made)) <= width
        assert html.unescape(made).isprintable()
    assert "<" not in wrapped(text).replace("<br>", "")


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NaT, pd.NA, ""])
def test_what_is_missing_is_an_empty_label(nothing):
    assert label(nothing) == "" == shortened(nothing, 5) == wrapped(nothing)
