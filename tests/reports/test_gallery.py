from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from aiopslab.errors import ReportError
from aiopslab.findings import Verdict
from aiopslab.reports import gallery
from aiopslab.reports import record as records


def kept(folder, headline="Fine", started="2026-03-01T12:00:00.000Z", **changes):
    begun = records.begin("incident", "Incident", "0" * 64, {})
    done = replace(
        begun, status="finished", started=started, ended=started, verdict=Verdict("ok", headline)
    )
    done = replace(done, **changes)
    records.write(done, folder)
    records.write_atomically(folder / done.id / "report.html", "")
    return done


def test_the_newest_comes_first_and_text_is_escaped(tmp_path):
    kept(tmp_path, "Tuesday")
    kept(tmp_path, "Wednesday <script>", "2026-03-02T12:00:00.000Z")
    html = gallery.build(tmp_path).read_text()
    assert html.index("Wednesday &lt;script&gt;") < html.index("Tuesday")
    assert "Wednesday <script>" not in html


def test_an_empty_folder_says_what_to_do(tmp_path):
    assert "aiopslab run incident" in gallery.build(tmp_path).read_text()


def test_a_torn_record_is_named_beside_the_others(tmp_path):
    kept(tmp_path, "whole")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text('{"id"')
    html = gallery.build(tmp_path).read_text()
    assert "whole" in html and "torn/run.json is not the record" in html


def test_failed_and_running_runs_are_shown_as_such(tmp_path):
    kept(tmp_path, status="failed", verdict=None, failure=records.Failure("KeyError", "x", 2))
    kept(tmp_path, status="running", verdict=None, ended="")
    html = gallery.build(tmp_path).read_text()
    assert "✕ failed" in html and "cell 2: KeyError: x" in html and "… running" in html


def test_runs_that_end_side_by_side_all_appear(tmp_path):
    def end(number):
        kept(tmp_path, f"headline {number}")
        gallery.build(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(end, range(24)))
    html = (tmp_path / "index.html").read_text()
    assert all(f"headline {number}<" in html for number in range(24))


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ReportError, match="no folder"):
        gallery.build(tmp_path / "nowhere")
