import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import AIOpsLabError
from aiopslab.findings import (
    LEVELS,
    VERDICT_MIME,
    Effect,
    Finding,
    Interval,
    Verdict,
    conclude,
)

LEVEL = st.sampled_from(LEVELS)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
FIGURE = st.one_of(FINITE, st.just(math.nan))
INTERVALS = st.builds(
    lambda bounds, confidence: Interval(min(bounds), max(bounds), confidence),
    st.tuples(FINITE, FINITE),
    st.floats(0.5, 0.99),
)
EFFECTS = st.builds(Effect, st.text(), FIGURE, st.text(max_size=3), st.none() | INTERVALS)
FINDINGS = st.builds(Finding, st.text(), st.text(), LEVEL, st.text(), st.none() | EFFECTS)
VERDICTS = st.builds(
    Verdict,
    LEVEL,
    st.text(),
    st.dictionaries(st.text(max_size=8), FIGURE, max_size=4),
    st.lists(FINDINGS, max_size=3).map(tuple),
    st.lists(st.text(), max_size=3).map(tuple),
)


@settings(deadline=None)
@given(VERDICTS)
def test_a_verdict_survives_json(verdict):
    text = json.dumps(verdict.to_json(), allow_nan=False)
    read = Verdict.from_json(json.loads(text))
    # NaN is not equal to itself; its text is.
    assert repr(read) == repr(verdict)
    assert read.to_json() == verdict.to_json()


@settings(deadline=None)
@given(VERDICTS)
def test_nothing_a_verdict_says_becomes_markup(verdict):
    html = verdict._repr_html_()
    plain = Verdict(
        verdict.level,
        "",
        findings=tuple(
            Finding("", "", each.severity, "", each.effect and Effect("", 0.0))
            for each in verdict.findings
        ),
        actions=("",) * len(verdict.actions),
    )
    assert html.count("<") == plain._repr_html_().count("<")


def test_html_is_escaped_everywhere():
    bad = "<script>alert('1')</script>"
    finding = Finding(bad, bad, "act", bad, Effect(bad, 1.0, bad))
    html = Verdict("act", bad, {bad: 1.0}, (finding,), (bad,))._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 7


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan"), None])
def test_figures_that_are_not_finite_are_null_then_nan(value):
    verdict = Verdict("ok", "fine", {"figure": value})
    assert verdict.to_json()["metrics"] == [["figure", None]]
    assert math.isnan(Verdict.from_json(verdict.to_json()).metrics["figure"])


@pytest.mark.parametrize("value", [np.float32(1.5), np.int64(2), True, 3])
def test_figures_may_be_of_any_kind_of_number(value):
    plain = Verdict("ok", "fine", {"figure": value}).to_json()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["metrics"] == [["figure", float(value)]]


@pytest.mark.parametrize("level", ["OK", "", "warn", None])
def test_levels_outside_the_scale_are_refused(level):
    with pytest.raises(AIOpsLabError, match="expected one of ok, watch, act"):
        Verdict(level, "x")
    with pytest.raises(AIOpsLabError, match="severity is"):
        Finding("x", "y", level, "z")


@pytest.mark.parametrize(
    ("low", "high", "confidence"), [(2, 1, 0.95), (1, 2, 95), (1, 2, 0), (1, 2, 1)]
)
def test_intervals_that_make_no_sense_are_refused(low, high, confidence):
    with pytest.raises(AIOpsLabError):
        Interval(low, high, confidence)


@pytest.mark.parametrize(
    ("effect", "text"),
    [
        (Effect("latency", 12.5, "×", Interval(9.1, 16)), "(95 % interval 9.1 to 16)"),
        (Effect("latency", 1234.5, "ms"), "latency 1234 ms"),
        (Effect("count", 3), "count 3"),
    ],
)
def test_effects_read_as_people_write(effect, text):
    assert text in str(effect)


@pytest.mark.parametrize(
    "plain", [{}, [], None, "x", {"level": "ok"}, {"level": "odd", "headline": "x"}]
)
def test_what_is_no_verdict_is_refused(plain):
    with pytest.raises(AIOpsLabError):
        Verdict.from_json(plain)


def test_the_notebook_gets_data_html_and_text():
    verdict = Verdict("watch", "Latency rose.", {"services": 8})
    bundle = verdict._repr_mimebundle_()
    assert bundle[VERDICT_MIME] == verdict.to_json()
    assert bundle["text/plain"] == "watch: Latency rose."
    assert "◐" in bundle["text/html"], "never colour alone"


def test_concluding_displays_the_bundle():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    with capture_output() as captured:
        conclude(Verdict("ok", "Nothing abnormal here."))
    (output,) = captured.outputs
    assert output.data[VERDICT_MIME]["headline"] == "Nothing abnormal here."
    InteractiveShell.clear_instance()


def test_concluding_with_something_else_says_what_to_pass():
    with pytest.raises(AIOpsLabError, match="given a str; expected a Verdict"):
        conclude("all fine")


@given(st.text())
def test_nothing_in_a_verdict_steers_a_terminal_or_is_unseen(text):
    finding = Finding(text, text, "ok", text)
    verdict = Verdict("ok", text, {}, (finding,), (text,))
    told = [verdict.headline, *verdict.actions, finding.claim, finding.evidence]
    assert all(each.isprintable() for each in told)
    assert finding.subject == text
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
