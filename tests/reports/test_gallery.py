"""The gallery as a site: what is listed, what a new run costs, and what mends itself."""

import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aiopslab.errors import ReportError
from aiopslab.findings import Verdict
from aiopslab.reports import addresses, gallery
from aiopslab.reports import record as records
from tests.reports.runs import kept


def facts(page):
    """Return what a page knows of its runs, as its script reads it."""
    return json.loads(re.search(r'id="facts">(.*?)</script>', page.read_text())[1])


def times(folder):
    """Return when each file of a gallery was written."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


def stamp(day):
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)).isoformat()[:19] + ".000Z"


def test_the_newest_comes_first_and_text_is_escaped(tmp_path):
    kept(tmp_path, "Tuesday")
    kept(tmp_path, "Wednesday <script>", "2026-03-02T12:00:00.000Z")
    html = gallery.build(tmp_path).read_text()
    assert html.index("Wednesday &lt;script&gt;") < html.index("Tuesday")
    assert "Wednesday <script>" not in html


def test_an_empty_folder_says_what_to_do(tmp_path):
    assert "aiopslab run incident" in gallery.build(tmp_path).read_text()


def test_a_torn_record_is_named_beside_the_others_until_it_is_gone(tmp_path):
    kept(tmp_path, "whole")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text('{"id"')
    html = gallery.build(tmp_path).read_text()
    assert "whole" in html and "torn/run.json is not the record" in html
    (tmp_path / "torn" / "run.json").unlink()
    assert "torn/run.json" not in gallery.build(tmp_path).read_text()


def test_failed_and_running_runs_are_shown_as_such(tmp_path):
    kept(tmp_path, status="failed", verdict=None, failure=records.Failure("KeyError", "x", 2))
    kept(tmp_path, status="running", verdict=None, ended="")
    html = gallery.build(tmp_path).read_text()
    assert "✕ failed" in html and "cell 2: KeyError: x" in html and "… running" in html


def test_a_run_whose_process_went_is_seen_to_have_failed(tmp_path):
    run = kept(tmp_path, status="running", verdict=None, ended="")
    assert "… running" in gallery.build(tmp_path).read_text()
    here = tmp_path / run.id / "run.json"
    assert "… running" in gallery.build(tmp_path).read_text()
    here.write_text(json.dumps(run.to_json() | {"process": [2**22 + 1, 0.0]}))
    assert "✕ failed" in gallery.build(tmp_path).read_text()


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


def test_a_new_run_touches_its_own_pages_and_no_others(tmp_path):
    for number in range(30):
        kept(tmp_path, started=stamp(number), series=f"series {number % 10}")
    gallery.build(tmp_path)
    before = times(tmp_path)
    gallery.build(tmp_path)
    assert times(tmp_path) == before, "nothing is new, so nothing is written"
    new = kept(tmp_path, started=stamp(40), series="series 3")
    gallery.build(tmp_path)
    after = times(tmp_path)
    written = {name for name, when in after.items() if before.get(name) != when}
    assert written == {
        f"{new.id}/run.json",
        f"{new.id}/report.html",
        "index.html",
        "feed.xml",
        addresses.series("series 3"),
        addresses.latest("series 3"),
    }


def test_records_that_are_known_are_not_read_again(tmp_path, monkeypatch):
    for number in range(20):
        kept(tmp_path, started=stamp(number))
    gallery.build(tmp_path)
    read = []
    whole = records.read
    monkeypatch.setattr(
        "aiopslab.reports.index.read", lambda path: read.append(path) or whole(path)
    )
    new = kept(tmp_path, started=stamp(30))
    gallery.build(tmp_path)
    assert [path.parent.name for path in read] == [new.id]


def test_a_changed_and_a_removed_run_are_noticed(tmp_path):
    one, other = kept(tmp_path, "before", series="a"), kept(tmp_path, "goes", series="b")
    gallery.build(tmp_path)
    records.write(replace(one, verdict=Verdict("act", "after")), tmp_path)
    for path in (tmp_path / other.id).iterdir():
        path.unlink()
    (tmp_path / other.id).rmdir()
    html = gallery.build(tmp_path).read_text()
    assert "after" in html and "before<" not in html and "goes" not in html
    assert "after" in (tmp_path / addresses.series("a")).read_text()
    assert not (tmp_path / addresses.series("b")).exists()
    assert not (tmp_path / addresses.latest("b")).exists()


@pytest.mark.parametrize("damage", ["rubbish", "empty", "cut", "journal", "other"])
def test_an_index_that_is_torn_is_made_anew(tmp_path, damage):
    for number in range(5):
        kept(tmp_path, f"headline {number}", stamp(number))
    gallery.build(tmp_path)
    path = tmp_path / ".gallery.db"
    if damage == "rubbish":
        path.write_bytes(b"rubbish" * 1000)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "journal":
        old = sqlite3.connect(path, isolation_level=None)
        old.execute("BEGIN IMMEDIATE")
        old.execute("DELETE FROM runs")
        journal = path.with_name(".gallery.db-journal").read_bytes()
        old.close()
        path.write_bytes(b"rubbish" * 1000)
        path.with_name(".gallery.db-journal").write_bytes(journal)
    else:
        path.unlink()
        sqlite3.connect(path).execute("CREATE TABLE runs (id)").connection.close()
    kept(tmp_path, "headline 5", stamp(5))
    html = gallery.build(tmp_path).read_text()
    assert all(f"headline {number}<" in html for number in range(6))


def test_pages_of_another_version_are_made_anew(tmp_path, monkeypatch):
    kept(tmp_path, "whole")
    gallery.build(tmp_path)
    (tmp_path / "index.html").write_text("of an older version")
    assert gallery.build(tmp_path).read_text() == "of an older version"
    monkeypatch.setattr("aiopslab.reports.index.digest", lambda: "newer")
    assert "whole" in gallery.build(tmp_path).read_text()


def test_pages_that_were_not_written_are_written_the_next_time(tmp_path, monkeypatch):
    kept(tmp_path, "first")
    gallery.build(tmp_path)
    kept(tmp_path, "second")
    with monkeypatch.context() as broken:
        broken.setattr("aiopslab.reports.gallery._write_first", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            gallery.build(tmp_path)
    assert "second" in gallery.build(tmp_path).read_text()


def test_every_link_of_a_large_gallery_leads_somewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "LISTED", 20)
    for number in range(45):
        kept(tmp_path, f"headline {number}", stamp(number), series=f"Ünlike/{number % 3} & co")
    gallery.build(tmp_path)
    pages = [*tmp_path.glob("*.html"), *tmp_path.glob("months/*"), *tmp_path.glob("series/*/*")]
    assert len(pages) == 1 + 2 + 2 * 3
    reached = set()
    for page in pages:
        for link in re.findall(r'href="([^"#]+)"', page.read_text()):
            target = (page.parent / link).resolve()
            assert target.is_file(), f"{page.name} leads to {link}"
            reached.add(target)
    assert {path.resolve() for path in tmp_path.glob("*/report.html")} <= reached
    assert "The newest 20 of 45 runs" in (tmp_path / "index.html").read_text()


def test_the_permanent_link_of_a_series_leads_to_its_newest_report(tmp_path):
    kept(tmp_path, started=stamp(1), series="hourly")
    newest = kept(tmp_path, started=stamp(2), series="hourly")
    kept(tmp_path, started=stamp(3), series="hourly", status="running", verdict=None, ended="")
    gallery.build(tmp_path)
    page = tmp_path / addresses.latest("hourly")
    target = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', page.read_text())[1]
    assert (page.parent / target).resolve() == (tmp_path / newest.id / "report.html").resolve()


def test_the_page_knows_what_two_runs_are_compared_by(tmp_path):
    verdict = Verdict("watch", "</script>", {"rows": 3.0, "none": float("nan")})
    run = kept(tmp_path, verdict=verdict, parameters={"seed": 7}, versions={"python": "3.11"})
    (told,) = facts(gallery.build(tmp_path))
    assert told["id"] == run.id and told["headline"] == "</script>" and told["state"] == "watch"
    assert told["metrics"] == {"rows": 3.0, "none": None}
    assert told["parameters"] == {"seed": 7} and told["versions"] == {"python": "3.11"}


def test_without_a_script_the_list_and_its_links_are_there_and_no_dead_control(tmp_path):
    run = kept(tmp_path, "whole")
    html = gallery.build(tmp_path).read_text()
    assert f'href="{run.id}/report.html"' in html
    assert ":root:not(.with-script) .scripted { display: none; }" in html
    controls = re.findall(r"<(?:form|nav|button|input type=.checkbox)[^>]*>", html)
    outside = [each for each in controls if "scripted" not in each and 'type="button"' not in each]
    assert all("reset" in each for each in outside), outside


@pytest.mark.parametrize("name", ["a/../b", "..", "", "é", "x" * 300, "\ud800", "a b", "A-b"])
def test_any_name_of_a_series_has_an_address_of_its_own(tmp_path, name):
    place = addresses.series(name)
    assert re.fullmatch(r"series/[a-z0-9_-]+/index\.html", place)
    assert place != addresses.series("a-b") and len(place) < 100
