"""The launcher, pressed as a browser presses it: what it shows, runs, stops and hands on."""

import json
import shlex
import time
from dataclasses import replace

import ipywidgets as widgets
import psutil
import pytest
from bs4 import BeautifulSoup

from aiopslab.errors import ParameterError, ReportError
from aiopslab.findings import Verdict
from aiopslab.reports.invocation import command_line, plan_entry
from aiopslab.reports.record import FILE, begin, read
from aiopslab.widgets import Launcher
from aiopslab.widgets.links import served
from tests.notebooks import CONCLUDES, template

PARAMETERS = "rows: int = 3  # How <many>\nnote: str | None = None"


@pytest.fixture(autouse=True)
def without_mlflow(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path}/none")


def made(folder, *sources, name="made"):
    return str(template(folder / f"{name}.ipynb", *sources, parameters=PARAMETERS))


def leaves(widget):
    children = getattr(widget, "children", ())
    return [leaf for child in children for leaf in leaves(child)] if children else [widget]


def shown(launcher):
    """Return all the HTML that a browser is sent."""
    return "\n".join(each.value for each in leaves(launcher.box) if isinstance(each, widgets.HTML))


def alerts(launcher):
    found = BeautifulSoup(shown(launcher), "html.parser").find_all(role="alert")
    return " ".join(each.get_text() for each in found)


def until(condition, patience_s=120):
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, condition
        time.sleep(0.02)


def ended(launcher):
    """Wait for the run to end and to be shown."""
    until(lambda: launcher.runs.stop.disabled and not launcher.runs.start.disabled)


@pytest.fixture
def said(monkeypatch):
    """What screen readers are told."""
    texts = []
    monkeypatch.setattr("aiopslab.widgets.page.Page.say", lambda _, text: texts.append(text))
    return texts


def test_what_is_typed_is_the_selection_the_command_and_the_entry_of_a_plan():
    launcher, seen = Launcher("drift", ignored=["id"]), []
    assert launcher.selection == {"template": "drift", "parameters": {"ignored": ["id"]}}
    launcher.observe(lambda change: seen.append(change["new"]), "selection")
    launcher.form.fields["confidence"].control.value = "0.9"
    values = {"ignored": ["id"], "confidence": 0.9}
    assert seen == [{"template": "drift", "parameters": values}] == [launcher.selection]
    assert json.loads(json.dumps(launcher.selection)) == launcher.selection
    assert launcher.command == command_line("drift", values)
    assert launcher.entry == plan_entry("drift", values)
    read = BeautifulSoup(shown(launcher), "html.parser")
    assert [each.get_text() for each in read.find_all("pre")] == [launcher.command, launcher.entry]
    assert {name: launcher.to_parameters()[name] for name in values} == values
    assert launcher.to_parameters()["reference"] == "sample://no-fault"


def test_a_misfit_is_left_out_and_keeps_a_run_from_starting(tmp_path):
    launcher = Launcher(made(tmp_path, CONCLUDES), tmp_path / "out", rows="many", note="x")
    assert launcher.selection["parameters"] == {"note": "x"}
    assert "Mend before running: rows" in shown(launcher)
    assert "rows" in launcher.runs.start.tooltip
    launcher.runs.start.click()
    assert launcher.runs.run is None and not (tmp_path / "out").exists()
    assert "Mend rows" in alerts(launcher) and "valid integer" in alerts(launcher)
    with pytest.raises(ParameterError, match="rows"):
        launcher.to_parameters()
    launcher.form.fields["rows"].control.value = "5"
    assert launcher.selection["parameters"] == {"rows": 5, "note": "x"}
    assert launcher.to_parameters() == {"rows": 5, "note": "x"}
    assert "rows" not in launcher.runs.start.tooltip and alerts(launcher) == ""


def test_nothing_typed_is_lost_when_another_template_is_looked_at():
    launcher = Launcher()
    first = launcher.selection["template"]
    launcher.form.fields["confidence"].control.value = "2"
    launcher.choice.value = "prompt_ab"
    assert launcher.selection == {"template": "prompt_ab", "parameters": {}}
    assert "confidence" not in shown(launcher).partition("Mend before running")[2]
    launcher.choice.value = first
    assert launcher.form.fields["confidence"].control.value == "2"
    assert "less than 1" in alerts(launcher)


def test_a_run_is_followed_to_its_report_and_the_next_one_stands_above_it(tmp_path, said):
    launcher = Launcher(made(tmp_path, "print(rows)", CONCLUDES), tmp_path / "out", rows=6)
    runs = launcher.runs
    runs.start.click()
    assert runs.start.disabled and not runs.stop.disabled
    first = runs.run
    runs.start.click()  # a browser may send it although the button is off by then
    assert runs.run is first
    ended(launcher)
    (record,) = runs.records
    assert (record.status, record.parameters) == ("finished", {"rows": 6, "note": None})
    assert (runs.bar.value, runs.bar.max) == (4, 4)
    assert "✓ ok: All is well." in shown(launcher) and record.id in shown(launcher)
    assert str(tmp_path / "out" / record.id / "report.html") in shown(launcher)
    assert said[0].startswith("Started") and said[-1] == "✓ ok: All is well."
    assert any(text.startswith("A test: cell") for text in said)
    launcher.choice.value = "drift"
    launcher.choice.value = str(tmp_path / "made.ipynb")
    launcher.form.fields["rows"].control.value = "7"
    runs.start.click()
    ended(launcher)
    assert [each.parameters["rows"] for each in runs.records] == [7, 6]
    items = BeautifulSoup(runs.history(), "html.parser").find_all("li")
    assert [runs.records[place].id in str(each) for place, each in enumerate(items)] == [True] * 2


def test_a_stopped_run_is_kept_and_marked_and_its_kernel_is_gone(tmp_path, said):
    marker = tmp_path / "kernel"
    sleeps = (
        f"import os, pathlib, time\npathlib.Path({str(marker)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    launcher = Launcher(made(tmp_path, "print('so far')", sleeps, CONCLUDES), tmp_path / "out")
    launcher.runs.stop.click()  # nothing runs yet
    launcher.runs.start.click()
    until(lambda: marker.exists() and marker.read_text())
    kernel = int(marker.read_text())
    until(lambda: "cell 4 of 5" in shown(launcher))
    launcher.runs.stop.click()
    assert launcher.runs.stop.disabled and said[-1].startswith("Stopping")
    ended(launcher)
    assert "✕ failed: cell 4: Interrupted" in shown(launcher)
    assert not psutil.pid_exists(kernel)
    (kept,) = (tmp_path / "out").glob(f"*/{FILE}")
    assert read(kept).status == "failed" and launcher.runs.records == [read(kept)]


def test_a_run_that_cannot_begin_is_told(tmp_path):
    launcher = Launcher(made(tmp_path, CONCLUDES), tmp_path / "out")
    (tmp_path / "out").write_text("a file")
    launcher.runs.start.click()
    ended(launcher)
    assert "cannot write" in alerts(launcher) and launcher.runs.records == []
    assert not launcher.runs.start.disabled and launcher.runs.stop.disabled


def test_secrets_are_nowhere_but_in_their_masked_control(tmp_path):
    secret = "https://me:hunter2@host/v1"
    launcher = Launcher("prompt_ab", tmp_path, endpoint=secret)
    assert launcher.form.fields["endpoint"].control.value == secret
    said = (shown(launcher), launcher.summary(), repr(launcher), str(launcher.selection))
    said += (launcher.command, launcher.entry, launcher.runs.start.tooltip)
    assert not any("hunter2" in each for each in said)
    launcher.runs.start.click()
    assert "hunter2" not in alerts(launcher) and "credentials" in alerts(launcher)
    with pytest.raises(ParameterError) as caught:
        launcher.to_parameters()
    assert "hunter2" not in str(caught.value)


def test_markup_is_text_wherever_it_is_shown(tmp_path):
    evil = "<img src=x onerror='alert(1)'>"
    launcher = Launcher(made(tmp_path, CONCLUDES, name="<u>made"), tmp_path / "<u>", note=evil)
    record = begin("<u>made", evil, "", {})
    record = replace(record, status="finished", ended=record.started, verdict=Verdict("act", evil))
    launcher.runs.records.append(record)
    for html in (shown(launcher), launcher.summary(), launcher.runs.history()):
        assert BeautifulSoup(html, "html.parser").find(["img", "u"]) is None
        assert evil in BeautifulSoup(html, "html.parser").get_text()


def test_without_a_kernel_the_parameters_and_the_command_are_seen(tmp_path):
    launcher = Launcher(made(tmp_path, CONCLUDES), tmp_path / "it's", rows="x", note="<b>日本")
    read = BeautifulSoup(launcher.summary(), "html.parser")
    cells = [
        [each.get_text() for each in row.find_all(["th", "td"])] for row in read.find_all("tr")
    ]
    assert cells == [["rows", "does not fit"], ["note", "<b>日本"]]
    assert shlex.split(read.find("pre").get_text().replace("\\\n", ""))[-2:] == [
        "-o",
        str(tmp_path / "it's"),
    ]


@pytest.mark.parametrize(
    ("template", "values", "error", "said"),
    [
        ("drfit", {}, ReportError, "Did you mean 'drift'"),
        ("no/such.ipynb", {}, ReportError, "no/such"),
        ("drift", {"confidnce": 1}, ParameterError, "Did you mean 'confidence'"),
        ("prompt_ab", {"score": "best"}, ParameterError, "score"),
    ],
)
def test_what_is_asked_wrongly_in_code_is_an_error(template, values, error, said):
    with pytest.raises(error, match=said):
        Launcher(template, **values)


def test_a_report_is_linked_where_the_server_of_the_notebook_has_it(tmp_path, monkeypatch):
    runtime, root = tmp_path / "runtime", tmp_path / "root"
    runtime.mkdir()
    about = {"root_dir": str(root), "base_url": "/user/ann/", "token": "secret"}
    (runtime / "jpserver-42.json").write_text(json.dumps(about))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("JPY_PARENT_PID", "42")
    assert served(root / "a b" / "r#.html") == "/user/ann/files/a%20b/r%23.html"
    assert served(tmp_path / "elsewhere.html") is None
    monkeypatch.setenv("JPY_PARENT_PID", "43")
    assert served(root / "r.html") is None
    monkeypatch.delenv("JPY_PARENT_PID")
    assert served(root / "r.html") is None


def test_every_control_says_what_it_is_for():
    controls = [each for each in leaves(Launcher("drift").box) if hasattr(each, "tooltip")]
    named = [each for each in controls if isinstance(each, widgets.Button | widgets.Text)]
    assert len(named) > 10
    assert all(each.tooltip for each in named)
