"""Tables of a report, as pandas writes them and as they come out."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.reports.tables import readable


def classes(html):
    """Return the class of each header and of each cell, by row; "" where there is none."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r'<t[hd](?: class="([^"]*)")?>', row) for row in rows]


def cells(html):
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


LONG = "what is longer than a line of a column may be"
MIXED = pd.DataFrame(
    {
        "number": [1.5, 20.25],
        "share": ["3 %", "40.5 %"],
        "word": ["auth", "7 of 9"],
        "sentence": [LONG, "7"],
        "time": pd.to_datetime(["2026-03-01T12:00:00Z", None]),
        "trace": ["e92ccf4c29af1e92ccf4c29af1", ""],
        "empty": ["", ""],
    }
)


@pytest.mark.parametrize("index", [True, False])
def test_a_header_is_aligned_as_its_column_is(index):
    found = classes(readable(MIXED.to_html(index=index)))
    assert found[0] == ["", "", "short", "text", "short", "text id", "short"]
    assert found[1:] == [found[0]] * 2


def test_what_pandas_shows_by_itself_is_read_too_and_its_style_left_out():
    shown = readable(MIXED._repr_html_())
    assert "<style" not in shown and "text-align" not in shown
    assert classes(shown)[0][:4] == ["", "", "short", "text"]


@pytest.mark.parametrize(
    "rows",
    [
        MIXED,
        MIXED.head(1),
        pd.DataFrame({"a": range(11)}),
        pd.DataFrame({"a": range(2_000)}).astype(str),
    ],
)
def test_an_index_that_only_counts_is_left_out(rows):
    found = cells(readable(rows.to_html(max_rows=10)))
    assert {len(row) for row in found} == {len(rows.columns)}
    assert found[0] == list(rows.columns)


@pytest.mark.parametrize(
    "rows",
    [
        MIXED.set_axis([1, 2]),
        MIXED.set_axis(["auth", "web"]),
        MIXED.set_axis([1, 0]),
        MIXED.set_axis([0, 2]),
        MIXED.set_axis(pd.date_range("2026-03-01", periods=2)),
        MIXED.rename_axis(index="rank"),
        MIXED.rename_axis(columns="measure"),
    ],
    ids=["ranks", "names", "order", "gap", "times", "named", "named columns"],
)
def test_an_index_that_tells_something_stays(rows):
    found = cells(readable(rows.to_html()))
    assert len(found[-1]) == len(rows.columns) + 1
    assert found[-1][0] == str(rows.index[-1]).removesuffix(" 00:00:00")


def test_headers_of_many_levels_are_left_alone_and_text_still_told_from_numbers():
    columns = pd.MultiIndex.from_product([["auth"], ["name", "ms"]])
    html = pd.DataFrame([["slow", 1.5]], columns=columns).to_html()
    head, _, body = readable(html).partition("<tbody>")
    assert html.partition("<tbody>")[0] in head
    assert '<td class="text">slow</td>' in body and "<td>1.5</td>" in body


def test_attributes_of_a_table_and_what_stands_around_it_stay():
    shown = readable(f"<p>before</p>{MIXED.to_html(border=0)}<p>after</p>{MIXED.to_html()}")
    assert shown.startswith('<p>before</p><div class="wide"')
    assert '</div><p>after</p><div class="wide"' in shown
    assert shown.count("<table") == 2 and '<table border="1" class="dataframe">' in shown


def test_a_table_without_rows_is_a_sentence():
    assert readable(MIXED.head(0).to_html()) == '<p class="nothing">No rows.</p>'
    assert readable(MIXED.head(0).to_html(index=False)) == '<p class="nothing">No rows.</p>'


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_escaped_text_stays_as_it_was_escaped(texts):
    html = pd.DataFrame({"<b>": texts, "text": "<i>x"}).to_html()
    shown = readable(html)
    assert "<b>" not in shown and "<i>" not in shown
    with pd.option_context("display.max_colwidth", None):
        kept = cells(pd.DataFrame({"<b>": texts}).to_html(index=False))
        found = cells(readable(pd.DataFrame({"<b>": texts}).to_html()))
    assert found == kept


def test_a_style_of_somebody_else_stays():
    assert readable("<style>.mine { color: red }</style>") == "<style>.mine { color: red }</style>"
