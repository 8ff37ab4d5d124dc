"""What changed between two runs, and what their intervals do and do not say."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from aiopslab.comparison.contrast import contrast
from aiopslab.comparison.difference import compare
from aiopslab.comparison.difference_page import page, pairs
from aiopslab.errors import ReportError
from aiopslab.findings import Effect, Interval
from aiopslab.reports import record as records
from aiopslab.reports.kept import Picture, find
from aiopslab.reports.render import page as report_page
from tests.reports.made_records import finding, ran, verdict

NASTY = "</script><script>alert(1)</script>"


def looked_at(digest, day=1, source="sample://x"):
    return {
        "source": source,
        "digest": digest * 64,
        "start": f"2026-03-{day:02}T00:00:00+00:00",
        "end": f"2026-03-{day:02}T23:00:00+00:00",
        "frames": {"metrics": 9},
        "notes": [],
    }


def effect(value, low, high, unit="ms", confidence=0.95):
    return Effect("latency", value, unit, Interval(low, high, confidence))


def names(difference, *parts):
    return [each.name for each in difference.changed(*parts)]


def test_a_run_and_itself_are_the_same():
    run = ran("act", evidence=(looked_at("a"),), versions={"numpy": "2"})
    difference = compare(run, run)
    assert difference.is_same and len(difference.table()) == 0
    assert (
        difference.headline()
        == "Still act: template, parameters, data and versions did not change."
    )


def test_what_a_run_was_given_is_told_from_what_it_found():
    before = ran("ok", evidence=(looked_at("a"),), versions={"numpy": "2.0"})
    after = ran("act", 24, evidence=(looked_at("b", 2),), versions={"numpy": "2.1", "scipy": "1"})
    after = replace(after, parameters={"rows": 4, "alpha": [1]})
    difference = compare(before, after)
    assert difference.headline() == (
        "Verdict went from ok to act: parameters, data and versions changed, template did not."
    )
    assert names(difference, "parameters") == ["rows", "alpha"]
    assert names(difference, "data") == ["sample://x"]
    assert names(difference, "versions") == ["numpy", "scipy"]
    assert not difference.is_same


def test_the_same_input_with_another_result_is_a_surprise():
    run = ran("ok", evidence=(looked_at("a"),))
    told = compare(run, replace(run, verdict=verdict("act"))).headline()
    assert (
        told
        == "Verdict went from ok to act, although template, parameters and data did not change."
    )
    other = replace(run, verdict=verdict("ok", metrics={"rows": 4.0}))
    assert compare(run, other).headline().startswith("Still ok, with other findings or figures,")


def test_a_failure_is_compared_as_well():
    difference = compare(ran("ok"), ran("failed"))
    assert difference.headline().startswith("Verdict went from ok to failed")
    assert "ZeroDivisionError" in difference.changed("verdict")[-1].after


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (0.3, 0.1 + 0.2, False),
        (math.nan, math.nan, False),
        (1.0, 1.001, True),
        (1.0, math.nan, True),
    ],
)
def test_figures_are_the_same_up_to_the_order_of_a_sum(one, other, differs):
    before, after = (ran("ok", verdict=verdict("ok", "", {"p": each})) for each in (one, other))
    assert bool(compare(before, after).changed("metrics")) == differs


def test_figures_and_findings_that_came_and_went_are_named():
    before = ran("ok", verdict=verdict("ok", "", {"a": 1.0}, (finding("cart", 5, 4, 6),)))
    after = ran("ok", verdict=verdict("ok", "", {"b": 1.0}, (finding("auth", 5, 4, 6),)))
    difference = compare(before, after)
    assert names(difference, "metrics") == ["a", "b"]
    assert {(each.name, each.note) for each in difference.changed("findings")} == {
        ("auth: latency", "new"),
        ("cart: latency", "gone"),
    }


def found(days, digests, values):
    for day, digest, (value, low, high) in zip(days, digests, values, strict=True):
        claims = (finding("cart", value, low, high),)
        yield ran(
            "act", day, evidence=(looked_at(digest, day),), verdict=verdict("act", "", {}, claims)
        )


@pytest.mark.parametrize(
    ("days", "digests", "said"),
    [
        ((1, 2), "ab", "+50 ms (95 % interval 27.64 to 72.36)"),
        ((1, 1), "ab", "no interval of the change: the windows of their data overlap"),
        ((1, 1), "aa", "no interval of the change: both runs looked at the same data"),
    ],
)
def test_a_change_has_an_interval_where_the_data_are_independent(days, digests, said):
    difference = compare(*found(days, digests, [(100, 90, 110), (150, 130, 170)]))
    (change,) = difference.changed("findings")
    assert said in change.note and "the intervals do not overlap" in change.note


def test_of_data_without_times_nothing_is_taken_for_granted():
    run = ran("ok", evidence=({**looked_at("a"), "start": None},))
    other = ran("ok", evidence=({**looked_at("b"), "start": "2026-04-01T00:00:00"},))
    assert "not known" in compare(run, other).independence
    assert "not known" in compare(ran("ok"), ran("ok")).independence


@given(
    st.integers(20, 400).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))),
    st.integers(20, 400).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))),
)
def test_the_interval_of_a_change_is_newcombes_for_two_proportions(before, after):
    """Newcombe's interval is the same recovery, of two intervals of Wilson's."""
    estimates = [
        effect(count / n, *proportion_confint(count, n, method="wilson"), unit="")
        for count, n in (before, after)
    ]
    told = contrast(*estimates, "")
    low, high = confint_proportions_2indep(*after, *before, method="newcomb", compare="diff")
    assert (told.interval.low, told.interval.high) == pytest.approx((low, high), abs=1e-9)


@given(*(st.floats(0.1, 50) for _ in range(2)), *(st.floats(0.01, 1) for _ in range(2)))
def test_ratios_change_by_a_factor_with_errors_that_add_in_logarithms(one, other, se1, se2):
    before, after = (
        effect(value, value * math.exp(-1.96 * se), value * math.exp(1.96 * se), "×")
        for value, se in ((one, se1), (other, se2))
    )
    told = contrast(before, after, "")
    spread = 1.96 * math.hypot(se1, se2)
    expected = [other / one * math.exp(each) for each in (-spread, spread)]
    assert [told.interval.low, told.interval.high] == pytest.approx(expected)


@given(*(st.tuples(st.floats(-9, 9), st.floats(0.1, 5), st.floats(0.1, 5)) for _ in range(2)))
def test_intervals_that_do_not_overlap_leave_no_doubt_of_a_change(one, other):
    before, after = (effect(value, value - down, value + up) for value, down, up in (one, other))
    told = contrast(before, after, "")
    assume(not told.overlap)
    assert told.is_clear and "do not overlap" in str(told)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (Effect("latency", 1.0, "ms"), effect(2, 1, 3), "an estimate has no interval"),
        (effect(2, 1, 3, confidence=0.9), effect(2, 1, 3), "different confidence"),
        (effect(9, 1, 3), effect(2, 1, 3), "outside its interval"),
        (effect(2, 1, math.inf), effect(2, 1, 3), "has no end"),
        (effect(2, -1, 3, "×"), effect(2, 1, 3, "×"), "reaches 0"),
    ],
)
def test_where_no_interval_can_be_given_it_is_said_why(before, after, reason):
    told = contrast(before, after, "")
    assert told.interval is None and reason in str(told) and not told.is_clear


def picture(section, title):
    return Picture(section, title, {"data": [{"type": "bar", "y": [1]}], "layout": {"width": 900}})


def test_figures_are_matched_by_section_and_title_and_then_by_order():
    before = [picture("A", "x"), picture("A", "at 10:00"), picture("B", "x"), picture("C", "gone")]
    after = [picture("A", "at 11:00"), picture("A", "x"), picture("B", "x"), picture("B", "new")]
    told = [[each and each.title for each in pair] for pair in pairs(before, after)]
    assert told == [["at 10:00", "at 11:00"], ["x", "x"], ["x", "x"], [None, "new"], ["gone", None]]


def test_the_page_stands_alone_and_keeps_what_others_wrote_as_text():
    before = ran("ok", verdict=verdict("ok", NASTY, {NASTY: 1.0}, (finding(NASTY, 1, 0, 2),)))
    after = ran("act", parameters={"rows": NASTY})
    html = page(compare(before, after), [picture(NASTY, NASTY)], [picture(NASTY, NASTY)])
    assert "<script>alert(1)" not in html and "&lt;script&gt;alert(1)" in html
    assert 'id="before-1"' in html and 'id="after-1"' in html and '"packed"' in html
    assert "src=" not in html.partition("<script>")[0] and '"width"' not in html
    assert 'PLOTLY = {"src": ""}' in page(compare(before, after))


@pytest.fixture
def gallery(tmp_path):
    """Three runs of one series: pages, notebooks and records."""
    folder = tmp_path / "reports"
    for hour, state in enumerate(["ok", "watch", "act"]):
        run = ran(state, hour, versions={"python": "3"})
        figure = {"data": [{"type": "bar", "y": [hour]}], "layout": {"title": {"text": "Rows"}}}
        output = {"output_type": "display_data", "data": {"application/vnd.plotly.v1+json": figure}}
        prose = {"cell_type": "markdown", "metadata": {}, "source": "## What `x` shows"}
        code = {"cell_type": "code", "metadata": {}, "source": "", "outputs": [output]}
        notebook = {"cells": [prose, code]}
        records.write(run, folder)
        (folder / run.id / "notebook.ipynb").write_text(json.dumps(notebook))
        (folder / run.id / "report.html").write_text(report_page(notebook, run))
    return folder


def test_a_run_is_found_by_id_series_folder_record_and_page(gallery):
    last = ran("act", 2)
    home = gallery / last.id
    for reference in (last.id, "checkout@latest", home, home / "run.json", home / "report.html"):
        kept = find(str(reference), gallery)
        assert kept.record.id == last.id
        (seen,) = kept.pictures()
        assert (seen.title, seen.figure["data"][0]["y"]) == ("Rows", [2])
    assert find("checkout@previous", gallery).record.verdict.level == "watch"


def test_a_run_that_is_not_there_is_told_with_the_nearest(gallery):
    last = ran("act", 2).id
    with pytest.raises(ReportError, match=f"Did you mean '{last}'"):
        find(last[:-1], gallery)
    with pytest.raises(ReportError, match="0 reports"):
        find("nobody@latest", gallery)


def test_the_command_prints_writes_and_gives_json(gallery, aiopslab, tmp_path):
    runs = ("diff", "checkout@previous", "checkout@latest", "-g", gallery)
    code, told, _ = aiopslab(*runs, "-o", tmp_path / "out.html")
    assert code == 0 and told.startswith("Verdict went from watch to act")
    html = (tmp_path / "out.html").read_text()
    assert html.count("<figure data-figure") == 2 and "What x shows · Rows" in html
    code, told, _ = aiopslab(*runs, "--json")
    plain = json.loads(told)
    assert (code, plain["same"]) == (0, False)
    assert {each["part"] for each in plain["changes"]} >= {"verdict", "parameters", "versions"}
