"""A report is repeated from what is in it, and nothing that is in it is ever run."""

import json
import os
import shutil
from pathlib import Path

import pytest

from aiopslab.comparison.rerun import examine
from aiopslab.errors import ParameterError, ReportError
from aiopslab.reports import catalogue
from aiopslab.reports.kept import find
from aiopslab.reports.render import page as report_page
from aiopslab.reports.run import run
from aiopslab.reports.scan import Scanner
from aiopslab.reports.secrets import Known
from tests.notebooks import template
from tests.reports.made_records import ran

PARAMETERS = """\
rows: int = 3  # How many
data: str | None = None  # What to look at"""
LOOKS = """\
from aiopslab import Verdict, conclude, sources
seen = sources.open(data) if data else None
seen"""
SAYS = """\
level = "act" if rows > 5 else "ok"
conclude(Verdict(level, f"{rows} rows.", {"rows": rows}))"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report that a real kernel made: its folder, and the template."""
    folder = tmp_path_factory.mktemp("rerun")
    (folder / "edges.d").mkdir()
    (folder / "edges.d" / "topology.csv").write_text("caller,callee\ngateway,auth\n")
    notebook = template(folder / "made.ipynb", LOOKS, SAYS, parameters=PARAMETERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aiopslab.reports.tracking.log", lambda *_: "")
        values = {"data": str(folder / "edges.d"), "rows": "4"}
        record = run(catalogue.load(notebook), values, folder / "reports")
    assert record.status == "finished", record.failure
    return folder, record


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A copy of page, notebook and template, without the record beside them; data stay in place."""
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")
    folder, record = made
    home = folder / "reports" / record.id
    for name in ("report.html", "notebook.ipynb"):
        shutil.copy(home / name, tmp_path / name)
    shutil.copy(folder / "made.ipynb", tmp_path / "made.ipynb")
    data = folder / "edges.d" / "topology.csv"
    was = data.read_text()
    yield tmp_path
    data.parent.mkdir(exist_ok=True)
    data.write_text(was)


@pytest.mark.parametrize("name", ["report.html", "notebook.ipynb"])
def test_the_record_is_in_the_page_and_in_the_notebook_alone(here, made, name):
    record = find(str(here / name), here / "none").record
    whole = made[1]
    assert record.parameters == whole.parameters
    assert (record.template_digest, record.versions) == (whole.template_digest, whole.versions)
    assert record.evidence == whole.evidence and record.verdict == whole.verdict


def test_a_report_is_repeated_from_its_page_and_finds_the_same(here, aiopslab):
    arguments = ("--template", here / "made.ipynb", "-o", here / "again")
    code, told, errors = aiopslab("rerun", here / "report.html", *arguments)
    assert code == 0, errors
    assert "Still ok: template, parameters, data and versions did not change." in told
    assert "-p rows=4" in told
    (home,) = (here / "again").glob("made-*")
    again = find(str(home), here)
    assert again.record.series == find(str(here / "report.html"), here).record.series


def test_another_result_is_told_with_what_was_not_as_it_was(here, aiopslab):
    arguments = ("--template", here / "made.ipynb", "-p", "rows=9", "-o", here / "again")
    code, told, _ = aiopslab("rerun", here / "notebook.ipynb", *arguments)
    assert code == 4
    assert "Verdict went from ok to act: parameters changed" in told


def test_a_repetition_that_fails_is_told_from_one_that_differs(here, made, aiopslab):
    (made[0] / "edges.d" / "topology.csv").write_text("nothing\nof,the,sort\n")
    arguments = ("--template", here / "made.ipynb", "-o", here / "again")
    code, told, _ = aiopslab("rerun", here / "report.html", *arguments)
    assert code == 1 and "went from ok to failed" in told


def checked(aiopslab, here, *arguments):
    ask = ("rerun", here / "report.html", "--check", "-o", here / "none")
    told = aiopslab(*ask, "--template", here / "made.ipynb", *arguments)
    assert not (here / "none").exists()
    return told


def test_check_runs_nothing_and_finds_what_is_as_it_was(here, aiopslab):
    code, told, _ = checked(aiopslab, here)
    assert code == 0 and "as they were" in told


def test_check_sees_that_data_changed_or_are_gone(here, made, aiopslab):
    data = made[0] / "edges.d" / "topology.csv"
    data.write_text("caller,callee\ngateway,auth\nauth,database\n")
    code, told, _ = checked(aiopslab, here)
    assert code == 4 and "other data" in told
    data.unlink()
    data.parent.rmdir()
    code, told, _ = checked(aiopslab, here)
    assert code == 4 and "edges.d" in told and "other data" not in told


def test_check_sees_that_the_template_changed(here, aiopslab):
    template(here / "made.ipynb", LOOKS, SAYS + "\n", parameters=PARAMETERS)
    code, told, _ = checked(aiopslab, here)
    assert code == 4 and "changed since" in told


def test_a_parameter_that_the_template_no_longer_has_is_refused(here, aiopslab):
    template(here / "made.ipynb", SAYS, parameters="lines: int = 3  # How many")
    code, _, errors = checked(aiopslab, here)
    assert code == 2 and "there is no such parameter" in errors


def test_other_versions_are_told_and_no_reason_to_differ(here):
    record = ran("ok", template="made", versions={"python": "2.7", "numpy": "0.1", "nosuch": "1"})
    outlook = examine(record, here / "made.ipynb", {}, opening=True)
    assert [each.name for each in outlook.changes if each.part == "versions" and each.differs] == [
        "python",
        "numpy",
        "nosuch",
    ]


def test_a_file_written_after_the_report_is_told_where_its_digest_is_not_comparable(here):
    (here / "corpus.txt").write_text("new")
    looked = {"source": str(here / "corpus.txt"), "digest": "a" * 64, "frames": {"texts": 1}}
    for year, differs in ((2020, True), (2999, False)):
        os.utime(here / "corpus.txt", (2e9, 2e9) if differs else (1e9, 1e9))
        record = ran("ok", evidence=({**looked, "notes": []},), started=f"{year}-01-01T00:00:00Z")
        (data,) = (
            each
            for each in examine(record, here / "made.ipynb", {}, opening=True).changes
            if each.part == "data"
        )
        assert data.differs == differs


# --- what a report from anybody may try ---


def forged(here, **fields):
    """Write a page with a record of somebody's own."""
    path = here / "forged.html"
    path.write_text(report_page({"cells": []}, ran("ok", template="made", **fields)))
    return find(str(path), here).record


def test_no_template_is_taken_from_a_report(here):
    (here / "evil.ipynb").write_text((here / "made.ipynb").read_text())
    for name in (str(here / "evil.ipynb"), "../evil", "evil.ipynb", "made"):
        with pytest.raises(ReportError, match="not one of the library's"):
            examine(ran("ok", template=name), None, {}, opening=False)


def test_code_in_a_notebook_is_not_run(here, aiopslab):
    marker = here / "ran"
    plain = json.loads((here / "notebook.ipynb").read_text())
    for cell in plain["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = f"open({str(marker)!r}, 'w')"
    (here / "notebook.ipynb").write_text(json.dumps(plain))
    arguments = ("--template", here / "made.ipynb", "-o", here / "again")
    code, _, _ = aiopslab("rerun", here / "notebook.ipynb", *arguments)
    assert code == 0 and not marker.exists()


def test_a_parameter_cannot_become_code(here):
    with pytest.raises(ParameterError, match="rows"):
        record = forged(here, parameters={"rows": "__import__('os').abort()"})
        examine(record, here / "made.ipynb", {}, opening=False)


def test_a_secret_is_not_asked_for_because_a_report_says_so(here):
    record = forged(here, parameters={"token": "env:AWS_SECRET_ACCESS_KEY"})
    asks = template(here / "asks.ipynb", SAYS, parameters="token: Secret  # Opens what it looks at")
    with pytest.raises(ParameterError, match="not taken from a report"):
        examine(record, asks, {}, opening=False)
    outlook = examine(record, asks, {"token": "env:OURS"}, opening=False)
    assert outlook.values["token"] == "env:OURS"


def test_a_value_that_was_taken_out_as_a_secret_has_to_be_given_again(here):
    shown = Scanner([Known("TOKEN", "kJ8#mq/92Lw")]).text("s3://kJ8#mq/92Lw/x", "parameters")
    record = forged(here, parameters={"rows": 3, "data": shown})
    with pytest.raises(ParameterError, match="the value of data held a secret"):
        examine(record, here / "made.ipynb", {}, opening=False)
    assert examine(record, here / "made.ipynb", {"data": "x"}, opening=False).values["data"] == "x"


def test_a_block_that_a_cell_showed_is_not_taken_for_the_record(here):
    block = json.dumps({"id": "x"})
    fake = f'<script type="application/json" id="record">{block}</script>'
    output = {"output_type": "display_data", "data": {"text/html": fake}}
    code = {"cell_type": "code", "metadata": {}, "source": "", "outputs": [output]}
    path = here / "shown.html"
    path.write_text(report_page({"cells": [code]}, ran("ok", template="made")))
    assert fake in path.read_text()
    assert find(str(path), here).record.template == "made"


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": [1]},
        {"id": "../../etc"},
        {"template_digest": "../"},
        {"evidence": [{"source": 1}]},
        {"evidence": "none"},
        {"started": "yesterday"},
        {"verdict": {"level": "fine"}},
        {"failure": {"nosuch": 1}},
        {"versions": {"numpy": [1]}},
    ],
)
def test_a_record_of_another_shape_is_refused(here, change):
    plain = json.loads((here / "notebook.ipynb").read_text())
    plain["metadata"]["aiopslab"] |= change
    (here / "notebook.ipynb").write_text(json.dumps(plain))
    with pytest.raises(ReportError):
        find(str(here / "notebook.ipynb"), here)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "[" * 100_000, '{"metadata": {"aiopslab": 1}}', "<html></html>", "\0"],
)
@pytest.mark.parametrize("suffix", [".html", ".ipynb"])
def test_what_is_no_report_is_refused(tmp_path, text, suffix):
    path = Path(tmp_path / "x").with_suffix(suffix)
    path.write_text(text)
    with pytest.raises(ReportError):
        find(str(path), tmp_path)
