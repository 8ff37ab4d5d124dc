"""Publishing to a folder, to memory, and to a stand-in server for S3."""

import json
import os
from pathlib import Path

import fsspec
import pytest
from pydantic import ValidationError
from s3fs import S3FileSystem

from aiopslab.errors import ReportError
from aiopslab.reports import addresses, gallery
from aiopslab.reports import record as records
from aiopslab.sharing import editions, publish
from aiopslab.sharing.publish import Settings
from tests.reports.runs import kept
from tests.reports.test_feed import ATOM, check


def stamp(day):
    return f"2026-03-{day:02}T12:00:00.000Z"


@pytest.fixture
def folder(tmp_path):
    """A gallery of three runs, one of which goes on, and what must never be sent."""
    folder = tmp_path / "reports"
    for day in (1, 2):
        run = kept(folder, f"headline {day}", stamp(day), series=f"s{day}")
        records.write_atomically(folder / run.id / "notebook.ipynb", '{"cells": []}')
        records.write_atomically(folder / run.id / "password.txt", "hunter2")
    kept(folder, "goes on", stamp(3), series="s3", status="running", verdict=None, ended="")
    records.write_atomically(folder / ".mlflow" / "mlflow.db", "of the machine")
    records.write_atomically(folder / "notes.txt", "of the user")
    return folder


@pytest.fixture(scope="module")
def s3():
    """moto's server: a stand-in on loopback that answers as S3 does; no bucket of anybody's."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    S3FileSystem.clear_instance_cache()  # of other tests, at another port
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
        yield "s3://bucket"
    S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def target(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "published" / "site")
    root = "memory://site" if request.param == "memory" else request.getfixturevalue("s3")
    return f"{root}/{os.urandom(4).hex()}"


def names(target):
    fs, root = fsspec.core.url_to_fs(target)
    fs.invalidate_cache()
    root = fs._strip_protocol(root)
    return {path.removeprefix(f"{root}/") for path in fs.find(root)}


def read(target, name):
    fs, root = fsspec.core.url_to_fs(target)
    return fs.cat_file(f"{root}/{name}").decode()


def test_only_what_belongs_to_a_gallery_is_sent_and_only_once(folder, target):
    done = publish.publish(folder, Settings(to=target))
    runs = {path.parent.name for path in folder.glob("*/notebook.ipynb")}
    files = {f"{run}/{name}" for run in runs for name in publish.RUN_FILES["internal"]}
    pages = {addresses.series(f"s{day}") for day in (1, 2, 3)}
    pages |= {addresses.latest(f"s{day}") for day in (1, 2)}
    site = {"index.html", "feed.xml", addresses.plotly(), publish.MANIFEST}
    assert names(target) == files | pages | site
    assert (done.sent, done.unchanged, done.removed) == (len(names(target)) - 1, 0, 0)
    again = publish.publish(folder, Settings(to=target))
    assert (again.sent, again.unchanged, again.removed) == (0, done.sent, 0)


def test_a_new_run_sends_its_own_pages_and_a_pruned_one_is_removed(folder, target):
    publish.publish(folder, Settings(to=target))
    new = kept(folder, "new", stamp(9), series="s1")
    gone = next(run for run in gallery.runs(folder) if run.series == "s2")
    done = publish.publish(folder, Settings(to=target))
    assert done.sent == 2 + 4, "record and page; index, feed, page of the series and its newest"
    for path in (folder / gone.id).iterdir():
        path.unlink()
    (folder / gone.id).rmdir()
    done = publish.publish(folder, Settings(to=target))
    assert done.removed == 3 + 2, "report, notebook, record; page of the series and its newest"
    left = names(target)
    assert f"{new.id}/report.html" in left and not any(gone.id in name for name in left)


def test_a_file_that_was_lost_there_is_sent_again_and_one_of_others_is_left_alone(folder, target):
    publish.publish(folder, Settings(to=target))
    fs, root = fsspec.core.url_to_fs(target)
    fs.rm_file(f"{root}/index.html")
    fs.pipe_file(f"{root}/of-others.txt", b"mine")
    assert publish.publish(folder, Settings(to=target)).sent == 1
    assert {"index.html", "of-others.txt"} <= names(target)


def test_what_leads_to_the_rest_is_sent_after_it(folder):
    order = list(publish.files(folder, gallery.runs(folder), "internal"))
    assert order[0].startswith("assets/") and order[-2:] == ["feed.xml", "index.html"]
    first_series = next(place for place, name in enumerate(order) if name.startswith("series/"))
    assert all("report.html" not in name for name in order[first_series:])


def test_a_publication_that_was_cut_short_is_made_whole_by_the_next(folder, tmp_path, monkeypatch):
    target = str(tmp_path / "site")
    put, count = publish._Target._put, iter(range(100))

    def failing(self, source, name):
        if next(count) == 4:
            raise OSError("cut short")
        put(self, source, name)

    with monkeypatch.context() as broken:
        broken.setattr(publish._Target, "_put", failing)
        with pytest.raises(ReportError, match="cut short"):
            publish.publish(folder, Settings(to=target))
    assert "index.html" not in names(target), "the page that leads to the rest comes last"
    publish.publish(folder, Settings(to=target))
    assert "index.html" in names(target) and publish.publish(folder, Settings(to=target)).sent == 0


@pytest.mark.parametrize("torn", ["", "[1]", '{"../../x": "1", "/etc/passwd": "1", "..": "2"}'])
def test_a_list_that_is_torn_or_forged_removes_nothing(folder, tmp_path, torn):
    target = tmp_path / "site"
    publish.publish(folder, Settings(to=str(target)))
    outside = tmp_path / "x"
    outside.write_text("of the user")
    (target / publish.MANIFEST).write_text(torn)
    done = publish.publish(folder, Settings(to=str(target)))
    assert done.removed == 0 and outside.read_text() == "of the user"


def test_outsiders_get_neither_notebook_nor_record_and_the_list_of_before_goes(folder, target):
    publish.publish(folder, Settings(to=target))
    done = publish.publish(folder, Settings(to=target, edition="redacted"))
    left = names(target)
    assert not [name for name in left if name.endswith(("run.json", ".ipynb", ".txt", ".source"))]
    assert done.removed >= 4
    index = read(target, "index.html")
    assert "headline 1" in index and "goes on" not in index
    assert publish.publish(folder, Settings(to=target, edition="redacted")).sent == 0


def test_the_redacted_edition_is_made_anew_only_where_something_changed(folder, monkeypatch):
    editions.redacted(folder, publish.Redaction())
    made = []
    page = editions.render.page
    monkeypatch.setattr(editions.render, "page", lambda *given: made.append(1) or page(*given))
    editions.redacted(folder, publish.Redaction())
    assert made == []
    kept(folder, "new", stamp(8))
    editions.redacted(folder, publish.Redaction())
    assert made == [1]
    editions.redacted(folder, publish.Redaction(hide=["headline"]))
    assert len(made) == 4
    assert "headline 1" not in (folder / ".redacted" / "reports" / "index.html").read_text()


def test_the_feed_of_a_site_with_an_address_has_whole_links(folder, tmp_path):
    settings = Settings(to=str(tmp_path / "site"), url="https://reports.example/team")
    publish.publish(folder, settings)
    root = check((tmp_path / "site" / "feed.xml").read_text())
    links = {link.get("href") for link in root.iter(f"{ATOM}link")}
    assert all(link.startswith("https://reports.example/team/") for link in links)
    assert publish.publish(folder, settings).sent == 0


def test_s3_tells_browsers_what_each_file_is(folder, s3):
    publish.publish(folder, Settings(to=f"{s3}/typed"))
    fs = fsspec.filesystem("s3")
    types = {
        name.rpartition(".")[2]: fs.info(f"bucket/typed/{name}", refresh=True)["ContentType"]
        for name in names(f"{s3}/typed")
    }
    assert types["html"] == "text/html" and types["js"] in (
        "text/javascript",
        "application/javascript",
    )
    assert types["xml"] == "application/atom+xml"


def test_a_target_that_cannot_be_reached_is_told_without_a_password(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot publish"):
        publish.publish(folder, Settings(to=str(tmp_path / "file" / "below")))
    with pytest.raises(ReportError) as told:
        publish.publish(folder, Settings(to="nonsense://ann:pw12@host/x"))
    assert "pw12" not in str(told.value)


@pytest.mark.parametrize(
    "wrong", [{"to": ""}, {"to": "x", "url": "ftp://x"}, {"to": "x", "key": "k"}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_the_manifest_holds_digests(folder, tmp_path):
    publish.publish(folder, Settings(to=str(tmp_path / "site")))
    listed = json.loads(Path(tmp_path / "site" / publish.MANIFEST).read_text())
    assert all(len(digest) == 64 for digest in listed.values())
