"""What a reader of a report is shown: units, plain words, and a sentence where there is nothing."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.incident.metrics import SILENT
from aiopslab.incident.views import listing, measured, paths_listing, said, suspects_table


@pytest.mark.parametrize(
    ("kind", "name", "value", "shown"),
    [
        ("metric", "process.memory.usage_mb", 291.5, "292 MB"),
        ("metric", "http.server.request.duration_p50_ms", 9.872, "9.87 ms"),
        ("metric", "process.cpu.utilization", 0.0251, "0.0251"),
        ("metric", "rows", 1_234_567.0, "1,234,567"),
        ("metric", SILENT, 1.0, ""),
        ("metric", "rows", np.nan, ""),
        ("operation", "chroma query", 4.82, "4.82 ms"),
        ("operation", "GET /cost_usd", 4.82, "4.82 ms"),
        ("alert", "MemoryGrowth_mb", 0.4749, "47 % of the time"),
        ("span", "cache GET", 0.661, "66 % of requests"),
        ("error", "POST /verify", 0.0, "0 % of requests"),
        ("log", "token rejected", 1.0, "100 % of requests"),
    ],
)
def test_a_measure_of_a_suspect_says_its_unit(kind, name, value, shown):
    assert said(kind, name, value) == shown


@pytest.mark.parametrize("value", [-250.4, -0.5, 0.0, 99.96, 1e12])
def test_no_measure_is_written_in_powers_of_ten(value):
    text = measured("queue", value)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(value, rel=5e-3)


def suspect(kind, name, before, after, strength=1.0):
    keys = ("service", "kind", "name", "signal", "strength", "before", "after")
    return dict(zip(keys, ("auth", kind, name, name, strength, before, after), strict=True))


def test_suspects_of_every_kind_stand_in_one_table_without_mixing_units():
    suspects = pd.DataFrame(
        [
            suspect("metric", "memory_mb", 10, 20, 3.14159),
            suspect("operation", "login", 1, 2),
            suspect("log", "no route to <IP>", 0, 0.5),
            suspect("alert", "Slow", 0, 0.25),
            suspect("metric", "steady_ms", 1, 1, 0.0),
            suspect("metric", "hardly_ms", 1, 1.1, 0.1),
        ]
    )
    table = suspects_table(suspects, ["auth"], 10)
    assert table["kind"].tolist() == ["metric", "own time of an operation", "log line", "alert"]
    assert table["after"].tolist() == ["20 MB", "2 ms", "50 % of requests", "25 % of the time"]
    assert table["strength"].iloc[0] == 3.14
    assert suspects_table(suspects, ["web"], 10).empty
    assert list(suspects_table(suspects, ["web"], 10)) == list(table)


def test_a_listing_is_a_table_or_a_sentence_and_never_markup_from_outside():
    row = pd.DataFrame({"<b>": ["<i>" + "x" * 200]}, index=[7])
    page = listing(row, "Nothing.")._repr_html_()
    assert "<b>" not in page and "<i>" not in page
    assert "x" * 200 in page and "7" not in page and "Nothing." not in page
    titled = listing(row.head(0), "None of <these>.", "<u>")._repr_html_()
    assert titled == "<h4>&lt;u&gt;</h4><p>None of &lt;these&gt;.</p>"


def test_paths_say_that_they_are_milliseconds():
    names = ["request", "service", "operation", "before_ms", "after_ms", "extra_ms"]
    page = paths_listing(pd.DataFrame([["GET /", "a", "b", 1.0, 2.0, 1.0]], columns=names))
    assert "_ms" not in page._repr_html_() and "difference (ms)" in page._repr_html_()
    assert "no traces" in paths_listing(pd.DataFrame(columns=names))._repr_html_()
