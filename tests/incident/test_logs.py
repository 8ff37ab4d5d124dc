import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aiopslab.errors import FrameError
from aiopslab.incident.surges import compare_templates
from aiopslab.incident.templates import EMPTY, mine
from aiopslab.incident.views import templates_table

TIMES = pd.date_range("2026-03-01T12:00Z", periods=600, freq="s")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 12 ms", "took 3.5 s"),
        ("peer 10.0.0.1:80 is gone", "peer 192.168.1.77:8080 is gone"),
        ("peer fe80::1:2:3:4 is gone", "peer 2001:db8:0:1::9:1 is gone"),
        ("wrote /var/lib/a.db", "wrote /tmp/x/y/z"),
        ("user 1b4e28ba-2fa1-11d2-883f-0016d3cca427 left",
         "user 6fa459ea-ee8a-3ca4-894e-db77e160355e left"),
        ("at 0xdeadbeef", "at 0x7f"),
        ("commit 9fceb02d0ae5 is bad", "commit a94a8fe5ccb1 is bad"),
    ],
)  # fmt: skip
def test_what_varies_is_masked(one, other):
    assert mine([one, other]).ids.tolist() == [1, 1]


def test_the_place_in_the_code_that_logs_is_kept():
    assert mine(["Service#12 gave up after 3 tries"]).templates[1] == (
        "Service#12 gave up after <NUM> tries"
    )


def test_empty_long_broken_and_several_lines():
    mined = mine([None, "", "  ", "x" * 1_000_000, "bad \udcff byte", "first 1\nsecond", "first 2"])
    assert mined.templates[mined.ids[0]] == EMPTY
    assert len(set(mined.ids[:3])) == 1
    assert mined.ids[5] == mined.ids[6]
    assert mined.examples.str.len().max() <= 500
    "".join(mined.templates).encode()


@settings(max_examples=40, deadline=None)
@given(bodies=st.lists(st.text(max_size=60) | st.none(), max_size=40))
def test_mining_is_deterministic_and_equal_lines_are_alike(bodies):
    mined, again = mine(bodies), mine(bodies)
    assert mined.ids.tolist() == again.ids.tolist()
    assert len(mined.ids) == len(bodies)
    assert set(mined.ids) == set(mined.templates.index)
    by_line = {}
    for body, number in zip(bodies, mined.ids, strict=True):
        assert by_line.setdefault(body, number) == number


@settings(max_examples=30, deadline=None)
@given(numbers=st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_a_number_never_changes_the_template(numbers):
    assert set(mine([f"served {number} requests in {number} ms" for number in numbers]).ids) == {1}


def test_a_million_lines_take_bounded_memory_and_one_pass():
    lines = (f"request {n} took {n % 97} ms" for n in range(100_000))
    mined = mine(lines)
    assert len(mined.ids) == 100_000
    assert len(mined.templates) == 1


def logs(templates, severities="INFO"):
    return pd.DataFrame(
        {
            "timestamp": TIMES[: len(templates)],
            "service": "auth",
            "severity": severities,
            "body": templates,
            "template": templates,
            "trace_id": [f"t{n}" for n in range(len(templates))],
        }
    )


def test_new_vanished_surged_and_steady_are_told_apart():
    before = ["hello"] * 200 + ["bye"] * 100
    after = ["hello"] * 100 + ["no route"] * 50 + ["hello"] * 150
    table = logs(before + after, ["INFO"] * 400 + ["ERROR"] * 50 + ["INFO"] * 150)
    found = compare_templates(table, TIMES[300]).set_index("template")
    assert found["change"].to_dict() == {"no route": "new", "bye": "vanished", "hello": "steady"}
    assert found.index[0] == "no route"
    assert found.loc["no route", "severity"] == "ERROR"
    assert found.loc["no route", "first"] == TIMES[400]
    assert found.loc["no route", "trace_id"] == "t400"
    assert found.loc["bye", "high"] < 1


def test_the_interval_is_that_of_the_exact_binomial():
    steady = (["a"] * 3 + ["b"] * 7) * 60
    found = compare_templates(logs(steady), TIMES[300]).set_index("template").loc["a"]
    before, after = int(found["before"]), int(found["after"])
    exact = stats.binomtest(after, before + after).proportion_ci(0.95, "exact")
    exposure = 300 / 299
    assert found["low"] == pytest.approx(exact.low / (1 - exact.low) * exposure, rel=1e-6)
    assert found["high"] == pytest.approx(exact.high / (1 - exact.high) * exposure, rel=1e-6)


def test_a_template_that_comes_in_bursts_needs_a_larger_surge():
    rng = np.random.default_rng(0)
    bursts = np.repeat(rng.random(60) < 0.1, 10)  # ten lines at a time, now and then
    rare = np.where(bursts, "burst", "hello")
    found = compare_templates(logs(rare.tolist()), TIMES[300]).set_index("template")
    assert found.loc["burst", "change"] == "steady"


def test_on_quiet_days_almost_nothing_is_called_changed():
    rng = np.random.default_rng(0)
    changed = []
    for _ in range(20):
        lines = rng.choice([f"template {letter}" for letter in "abcdefghij"], size=600)
        found = compare_templates(logs(lines.tolist()), TIMES[300])
        changed.append((found["change"] != "steady").any())
    assert np.mean(changed) <= 0.1


def test_bursts_alone_are_no_change():
    changed = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        starts = rng.integers(0, 590, size=120)
        bursts = pd.DataFrame({"at": starts, "template": rng.integers(30, size=120)})
        bursts = bursts.loc[bursts.index.repeat(rng.geometric(0.2, size=120))].sort_values("at")
        names = ("template " + bursts["template"].astype("str")).tolist()
        lines = logs(names[: len(TIMES)]).assign(timestamp=TIMES[bursts["at"][: len(TIMES)]])
        changed.append((compare_templates(lines, TIMES[400])["change"] != "steady").any())
    assert np.mean(changed) <= 0.25


def test_an_onset_outside_of_the_logs_is_refused_and_no_logs_are_fine():
    with pytest.raises(FrameError, match="logs run from"):
        compare_templates(logs(["a"] * 10), TIMES[500])
    assert compare_templates(logs([]), TIMES[0]).empty


def test_markup_in_a_line_stays_text():
    lines = ["hello"] * 300 + ["<img src=x onerror=alert(1)>"] * 300
    table = templates_table(compare_templates(logs(lines), TIMES[300]), 10)
    assert "<img" not in table.to_html()
