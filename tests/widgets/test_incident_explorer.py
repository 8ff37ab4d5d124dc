"""The incident explorer, used as a browser uses it: what follows a window, a pin, a label."""

import asyncio
import json

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest

from aiopslab import incident
from aiopslab.errors import AIOpsLabError
from aiopslab.incident.cause_labels import cause_labels
from aiopslab.reports.catalogue import find
from aiopslab.reports.parameters import validate
from aiopslab.sources.evidence import Evidence
from aiopslab.widgets import IncidentExplorer
from aiopslab.widgets.panel import Pick
from tests.incident.worlds import broken, calm

URL = "sample://database-pool"  # any that a report could open
EVIL = "<script>alert('s')</script>"
SECOND = pd.Timedelta("1s")


def frames():
    """Four minutes in which the database is slow from the third on."""
    metrics = broken("database", 180)
    times, rng = metrics.index, np.random.default_rng(1)
    slow = np.where(np.arange(240) >= 180, 90.0, 9.0) * rng.uniform(0.8, 1.2, 240)
    trace = {"trace_id": [f"t{n}" for n in range(240)], "start": times, "status": "OK"}
    calls = pd.DataFrame(trace | {"duration_ms": slow + 5, "service": "gateway"})
    called = pd.DataFrame(trace | {"duration_ms": slow, "service": "database"})
    spans = [
        calls.assign(span_id="a", parent_span_id=None, operation="GET /"),
        called.assign(span_id="b", parent_span_id="a", operation="query"),
    ]
    lines = [f"query {n} took {took:.0f} ms" for n, took in enumerate(slow)]
    logs = pd.DataFrame({"timestamp": times, "severity": "INFO", "body": lines})
    alert = {"name": "Slow", "service": "gateway", "severity": "page", "fingerprint": "a"}
    change = {"kind": "deploy", "service": "database", "ref": "v2", "description": "a smaller pool"}
    return {
        "metrics": metrics,
        "logs": logs.assign(service=["auth", "database"] * 120),
        "spans": pd.concat(spans),
        "alerts": pd.DataFrame(
            [
                alert | {"timestamp": times[n], "state": s}
                for n, s in [(90, "firing"), (99, "resolved"), (190, "firing")]
            ]
        ),
        "changes": pd.DataFrame([change | {"timestamp": times[170]}]),
        "topology": pd.DataFrame({"caller": ["gateway"], "callee": ["database"]}),
    }


@pytest.fixture(scope="module")
def evidence():
    return Evidence.of(frames(), URL)


@pytest.fixture(scope="module")
def made(evidence, tmp_path_factory):
    return IncidentExplorer(evidence, tmp_path_factory.mktemp("labels") / "causes.db")


@pytest.fixture
def explorer(made):
    """The same explorer for all, since it takes long to make, as it is after a brush."""
    made.pin.value = made.pin.options[0]
    made.tabs.widget.selected_index = 0
    window(made, 60, 70)
    window(made, 180, 239)
    return made


def leaves(widget):
    children = getattr(widget, "children", ())
    return [leaf for child in children for leaf in leaves(child)] if children else [widget]


def shown(explorer):
    """Return all the HTML that a browser is sent."""
    return "\n".join(each.value for each in leaves(explorer.box) if isinstance(each, widgets.HTML))


def window(explorer, low, high):
    """Brush so many seconds from the start of the evidence."""
    first = explorer.case.series.index[0]
    explorer.brush.window = (first + low * SECOND, first + high * SECOND)


def note(explorer, name):
    return explorer.tabs.notes[name].value


def test_it_begins_with_what_seems_to_have_begun(evidence):
    explorer = IncidentExplorer(evidence)
    began = explorer.case.series.index[180]
    assert abs(pd.Timestamp(explorer.selection["start"]) - began) < 10 * SECOND
    assert explorer.ranking["service"].iloc[0] == "database"
    assert "database strays furthest" in shown(explorer) and "No verdict yet" in shown(explorer)


def test_all_follows_the_window(explorer):
    seen = []
    explorer.observe(lambda change: seen.append(change["new"]), "selection")
    window(explorer, 40, 60)
    before = explorer.ranking, note(explorer, "logs"), explorer.map.figure
    window(explorer, 181, 230)
    assert explorer.ranking["score"].iloc[0] > 2 * before[0]["score"].iloc[0]
    assert note(explorer, "logs") != before[1] and explorer.map.figure is not before[2]
    assert len(seen) == 2 and seen[-1] == explorer.selection
    first = explorer.case.series.index[0]
    assert seen[-1]["start"] == (first + 181 * SECOND).isoformat()
    assert json.loads(json.dumps(seen)) == seen


def test_tabs_hold_what_lies_in_the_window(explorer, evidence):
    window(explorer, 181, 230)
    start, end = (pd.Timestamp(explorer.selection[each]) for each in ("start", "end"))
    counts = {
        "logs": evidence.logs["timestamp"].between(start, end).sum(),
        "changes": evidence.changes["timestamp"].between(start - 1800 * SECOND, end).sum(),
    }
    for place, name in enumerate(["logs", "spans", "alerts", "changes"]):
        explorer.tabs.widget.selected_index = place
        assert name not in counts or f" {counts[name]} rows." in note(explorer, name)
    assert counts["logs"] > 0 and counts["changes"] > 0


def test_a_tab_is_read_when_it_is_opened(explorer):
    explorer.tabs.widget.selected_index = 2
    assert " 1 rows." in note(explorer, "alerts")
    explorer.tabs.widget.selected_index = 0
    window(explorer, 110, 140)
    assert " 1 rows." in note(explorer, "alerts")  # as it was, unseen
    explorer.tabs.widget.selected_index = 2
    assert "There are none." in note(explorer, "alerts")


def test_a_service_is_pinned_from_the_map_the_ranking_or_the_list(explorer):
    trace = next(each for each in explorer.map.figure.data if each.customdata is not None)
    for name, hover in zip(trace.customdata, trace.hovertext, strict=True):
        assert hover.startswith(name)
    explorer.map.on_pick(lambda pick: None)  # more may listen
    for callback in explorer.map._picks:
        callback(Pick("", 0, 0, None, "auth"))
    assert explorer.selection["service"] == explorer.pin.value == "auth"
    assert "Of auth alone." in note(explorer, "logs")
    headings = [each.text for each in explorer._timeline().layout.annotations]
    assert headings[0].startswith("auth ")
    explorer.pin.value = "gateway"
    assert explorer.selection["service"] == "gateway"
    explorer.pin.value = explorer.pin.options[0]
    assert explorer.selection["service"] is None and "alone" not in note(explorer, "logs")
    for callback in explorer.map._picks:
        callback(Pick("", 0, 0, None, None))  # a call, not a service
    assert explorer.selection["service"] is None


def test_the_verdict_is_that_of_the_report(explorer, evidence):
    window(explorer, 181, 230)
    explorer.button.click()  # without a loop it is done at once
    start, end = (pd.Timestamp(explorer.selection[each]) for each in ("start", "end"))
    until = Evidence.of(frames(), end=end)
    report = incident.analyse(until.frames, start)
    assert explorer.analysis.named == report.named == ["database"]
    assert {"low", "high", "probability"} <= set(explorer.ranking)
    assert "most likely in database" in shown(explorer)
    window(explorer, 180, 230)
    assert explorer.analysis is None and "No verdict yet" in shown(explorer)


def test_in_a_kernel_it_is_analysed_beside_the_loop_and_late_answers_are_dropped(explorer):
    async def press():
        window(explorer, 181, 230)
        explorer.button.click()
        assert explorer.button.disabled and explorer.analysis is None
        while explorer.button.disabled:
            await asyncio.sleep(0.01)
        assert explorer.analysis is not None
        explorer.button.click()
        window(explorer, 180, 230)
        while explorer.button.disabled:
            await asyncio.sleep(0.01)
        assert explorer.analysis is None and "No verdict yet" in shown(explorer)

    asyncio.run(press())


def test_a_cause_is_stored_told_twice_and_taken_back(explorer, evidence):
    explorer.cause.rater.value, explorer.cause.note.value = "ann", "the <b>pool</b>"
    explorer.cause.mark.click()
    assert "no service is pinned" in shown(explorer)
    assert explorer.cause.note.value == "the <b>pool</b>"  # nothing typed is lost
    explorer.pin.value = "database"
    explorer.cause.mark.click()
    (row,) = cause_labels(explorer.cause.labels.path).to_dict("records")
    assert (row["service"], row["rater"], row["note"]) == ("database", "ann", "the <b>pool</b>")
    assert (row["evidence"], row["digest"]) == (URL, evidence.digest)
    assert row["start"].isoformat() == explorer.selection["start"]
    explorer.cause.mark.click()
    assert "before" in explorer.cause.told.value and 'role="alert"' in explorer.cause.told.value
    explorer.cause.undo.click()
    assert cause_labels(explorer.cause.labels.path).empty
    explorer.cause.undo.click()
    assert "no label of ann" in explorer.cause.told.value
    explorer.cause.rater.value = " "
    explorer.cause.mark.click()
    assert "who says so" in explorer.cause.told.value


def test_without_a_file_it_says_how_labels_are_kept(evidence):
    explorer = IncidentExplorer(evidence)
    assert explorer.cause.mark.disabled and "labels=" in explorer.cause.told.value
    explorer.cause.mark.click()
    explorer.cause.undo.click()


def test_the_window_becomes_parameters_of_the_report(explorer):
    window(explorer, 181, 230)
    parameters = explorer.to_parameters()
    assert parameters["onset"] == explorer.selection["start"]
    assert parameters["end"] == explorer.selection["end"]
    assert pd.Timestamp(parameters["start"]) == explorer.evidence.start
    known = {each.name: each for each in find("incident").parameters}
    validate([known[name] for name in parameters], parameters)
    assert "aiopslab run incident" in shown(explorer)


def test_joined_evidence_is_named_by_all_its_urls(evidence):
    other = Evidence.of({"topology": frames()["topology"]}, "sample://cache-crash")
    explorer = IncidentExplorer(evidence.joined(other))
    parameters = explorer.to_parameters()
    assert parameters["evidence"] == URL
    assert parameters["also"] == ["sample://cache-crash"]


def test_frames_have_no_parameters_and_say_so():
    explorer = IncidentExplorer({"metrics": broken("auth", 180)})
    with pytest.raises(AIOpsLabError, match="cannot be opened by a report"):
        explorer.to_parameters()
    assert "cannot be opened by a report" in explorer.command.value
    assert explorer.ranking["service"].iloc[0] == "auth"


@pytest.mark.parametrize("kind", ["metrics", "logs", "spans", "alerts"])
def test_what_is_missing_is_said_in_its_tab(evidence, kind):
    explorer = IncidentExplorer({kind: evidence.frames[kind]})
    for place, name in enumerate(["logs", "spans", "alerts", "changes"]):
        explorer.tabs.widget.selected_index = place
        assert ("This evidence has no" in note(explorer, name)) == (name != kind)
    assert len(explorer.ranking) and explorer.summary()
    assert ("Who calls whom is not known" in shown(explorer)) == (kind != "spans")


def test_a_window_that_says_nothing_is_told_and_the_next_is_read():
    explorer = IncidentExplorer({"metrics": broken("auth", 180)})
    window(explorer, 0, 60)
    assert 'role="alert"' in explorer.headline.value and explorer.ranking.empty
    assert "before it" in explorer.headline.value and "<table" not in explorer.summary()
    explorer.button.click()
    assert 'role="alert"' in explorer.headline.value
    window(explorer, 180, 230)
    assert explorer.ranking["service"].iloc[0] == "auth"


@pytest.mark.parametrize(
    "metrics", [calm().iloc[:1], calm() * np.nan, calm().iloc[:0]], ids=["one row", "NaN", "none"]
)
def test_evidence_without_two_times_is_refused(metrics):
    with pytest.raises(AIOpsLabError):
        IncidentExplorer({"metrics": metrics})


def test_markup_in_names_and_lines_is_shown_as_it_is(tmp_path):
    times = pd.date_range("2026-03-01T12:00", periods=240, freq="s")  # without a zone
    metrics = pd.DataFrame(
        np.random.default_rng(0).normal(10, 1, (240, 2)),
        times,
        pd.MultiIndex.from_tuples([(EVIL, "<i>cpu"), ("größe&", "latency_ms")]),
    )
    metrics.iloc[180:, 0] *= 9
    logs = pd.DataFrame({"timestamp": times, "service": EVIL, "severity": "INFO", "body": EVIL})
    changes = pd.DataFrame(
        {"timestamp": times[170:171], "kind": "deploy", "service": EVIL, "ref": EVIL}
    ).assign(description=EVIL)
    topology = pd.DataFrame({"caller": [EVIL], "callee": ["größe&"]})
    tables = {"metrics": metrics, "logs": logs, "changes": changes, "topology": topology}
    explorer = IncidentExplorer(tables, tmp_path / "causes.db")
    explorer.cause.rater.value = EVIL
    explorer.pin.value = EVIL
    explorer.cause.mark.click()
    explorer.button.click()
    for place in range(4):
        explorer.tabs.widget.selected_index = place
    assert explorer.ranking["service"].iloc[0] == EVIL
    for html in (shown(explorer), explorer.summary()):
        assert "<script" not in html and "<i>" not in html and "&lt;script&gt;" in html
    trace = next(each for each in explorer.map.figure.data if each.customdata is not None)
    assert set(trace.customdata) == {EVIL, "größe&"}


def test_without_a_kernel_the_ranking_and_pictures_are_seen(explorer):
    explorer.button.click()
    told = explorer._repr_mimebundle_()
    assert "most likely in database" in told["text/html"] and "<table" in told["text/html"]
    assert told["text/html"].count("<img alt=") == len(explorer.pictures()) == 2
    assert URL in told["text/plain"]


def test_controls_can_be_reached_and_say_what_they_do(explorer):
    buttons = [each for each in leaves(explorer.box) if isinstance(each, widgets.Button)]
    own = [explorer.button, explorer.cause.mark, explorer.cause.undo]
    assert all(each in buttons and each.description and each.tooltip for each in own)
    assert explorer.pin.description and explorer.pin.tooltip
    assert explorer.cause.rater.description and explorer.cause.note.description
