import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pydantic
import pytest

from aiopslab import sources
from aiopslab.errors import FrameError
from tests.sources.servers import problem


@pytest.mark.parametrize(
    ("url", "nearest"),
    [
        ("promethius+http://localhost:9090", "prometheus+http"),
        ("samples://incident", "sample"),
        ("s4://bucket/logs.parquet", "s3"),
        ("zzzzzz://x", "Valid schemes: alertmanager+http, "),
    ],
)
def test_an_unknown_scheme_names_the_nearest(url, nearest):
    assert nearest in problem(lambda: sources.check(url))
    assert nearest in problem(lambda: sources.open(url))


@pytest.mark.parametrize("url", ["", "  ", None, 5])
def test_something_that_is_no_url(url):
    assert "expected a URL or a path" in problem(lambda: sources.check(url))


@pytest.mark.parametrize(
    "url",
    [
        "prometheus+http://ann:hunter2@localhost:9090",
        "prometheus+http://hunter2@localhost:9090",
        "prometheus+https://localhost:9090/?token=hunter2",
        "prometheus+https://localhost:9090/?step=5s&Access_Token=hunter2",
        "https://example.org/logs.parquet?sig=hunter2",
        "zip://logs.csv::https://ann:hunter2@example.org/x.zip",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url):
    for call in (sources.check, sources.open):
        message = problem(lambda call=call: call(url))
        assert "credentials" in message
        assert "environment" in message
        assert "hunter2" not in message


@pytest.mark.parametrize(
    "url",
    [
        'prometheus+http://localhost:9090/?match={job="x"}&service_label=token',
        "abfs://container@account.example/logs.parquet",
        "github://owner:repository@main/logs.csv",
        "memory://not-there-yet/logs.csv",
    ],
)
def test_what_only_looks_like_credentials_passes(url):
    assert sources.check(url) == url


def test_a_server_without_its_scheme():
    message = problem(lambda: sources.check("http://localhost:9090"))
    assert "prometheus+http://localhost:9090" in message


def test_a_url_that_cannot_be_split():
    assert "cannot be read" in problem(lambda: sources.check("https://[::1/logs.csv"))


def test_a_pydantic_field_carries_problem_and_remedy(folder):
    class Parameters(pydantic.BaseModel):
        evidence: sources.Url

    assert Parameters(evidence=str(folder)).evidence == str(folder)
    with pytest.raises(pydantic.ValidationError) as raised:
        Parameters(evidence=f"{folder}-gone")
    (error,) = raised.value.errors()
    assert error["loc"] == ("evidence",)
    assert error["msg"].startswith("there is no ")
    assert "→" in error["msg"]
    assert "recording" in error["msg"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("yesterday", None, "start is 'yesterday'"),
        (None, "03/01/2026", "end is '03/01/2026'"),
        (1_760_000_000, None, "start is 1760000000"),
        (pd.NaT, None, "start is"),
        ("2026-03-01T12:00Z", "2026-03-01T12:00Z", "is not before end"),
        ("2026-03-01T13:00Z", "2026-03-01T12:00Z", "is not before end"),
        ("2027-01-01T00:00Z", None, "covers 2026-03-01T12:00:00+00:00 to 2026-03-01T12:00:59"),
    ],
)
def test_windows_that_make_no_sense(folder, start, end, expected):
    assert expected in problem(lambda: sources.open(folder, start, end))


def test_a_window_keeps_both_its_ends(folder):
    zone = timezone(timedelta(hours=2))
    evidence = sources.open(
        folder,
        datetime(2026, 3, 1, 14, 0, 10, tzinfo=zone),
        pd.Timestamp("2026-03-01T12:00:20", tz="UTC"),
    )
    assert (len(evidence.metrics), len(evidence.logs), len(evidence.spans)) == (11, 11, 11)
    assert len(evidence.topology) == 1, "a topology has no time"
    assert evidence.start == datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)
    assert str(evidence.end) == "2026-03-01 12:00:20+00:00"
    assert evidence.logs.index.tolist() == list(range(11))
    assert evidence.notes == ()


def test_times_without_a_zone_are_utc_with_a_note(folder):
    evidence = sources.open(folder, "2026-03-01T12:00:30", "2026-03-01 13:00")
    assert len(evidence.logs) == 30
    assert evidence.notes == (
        "start has no time zone; taken as UTC",
        "end has no time zone; taken as UTC",
        "asked for 2026-03-01T12:00:30+00:00 to 2026-03-01T13:00:00+00:00; "
        "there is only 2026-03-01T12:00:30+00:00 to 2026-03-01T12:00:59+00:00",
    )


def test_without_a_window_it_covers_what_there_is(folder):
    evidence = sources.open(folder)
    assert str(evidence.start) == "2026-03-01 12:00:00+00:00"
    assert str(evidence.end) == "2026-03-01 12:00:59+00:00"


def test_a_frame_with_nothing_in_the_window_is_noted(folder):
    (folder / "changes.csv").write_text(
        "timestamp,kind,service,ref,description\n2026-02-01T00:00:00Z,deploy,auth,v2,\n"
    )
    evidence = sources.open(folder, "2026-03-01T12:00Z")
    assert evidence.changes.empty
    assert evidence.notes == ("changes has no rows in the window",)


def test_unknown_options_name_the_nearest(folder):
    assert "Did you mean 'frame'?" in problem(lambda: sources.open(folder, frmae="logs"))
    assert "file:// has no option 'step'" in problem(lambda: sources.open(folder, step="5s"))


PLUGIN = """
import warnings
import pandas as pd
from aiopslab.frames import FrameWarning
from aiopslab.sources import Recording

def open_teapot(url, start, end, *, cups=1):
    warnings.warn("the tea was cold", FrameWarning)
    warnings.warn("not about evidence", UserWarning)
    table = pd.DataFrame({
        "timestamp": pd.date_range("2026-03-01", periods=cups, freq="min", tz="UTC")[::-1],
        "service": "teapot", "severity": "info", "body": url,
    })
    return Recording({"logs": table}, truth={"leaf": "assam"})
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A distribution of somebody else's, installed."""
    site = tmp_path / "site"
    info = site / "teapot_source-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: teapot-source\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[aiopslab.sources]\nteapot = teapot_source:open_teapot\nbroken = teapot_gone:open\n"
    )
    (site / "teapot_source.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("teapot_source", None)


@pytest.mark.usefixtures("plugin")
def test_a_package_of_somebody_else_adds_a_scheme():
    assert sources.check("teapot://kitchen") == "teapot://kitchen"
    with pytest.warns(UserWarning, match="not about evidence"):
        evidence = sources.open("teapot://kitchen", "2026-03-01T00:01Z", cups=3)
    assert evidence.logs["timestamp"].is_monotonic_increasing
    assert len(evidence.logs) == 2
    assert evidence.logs["severity"].tolist() == ["INFO", "INFO"]
    assert evidence.notes == ("the tea was cold",)
    assert evidence.truth == {"leaf": "assam"}
    assert "Did you mean 'cups'?" in problem(lambda: sources.open("teapot://kitchen", cup=1))
    assert "teapot_gone" in problem(lambda: sources.open("broken://kitchen"))


def test_a_scheme_is_gone_with_its_package():
    assert "no source opens teapot://" in problem(lambda: sources.check("teapot://kitchen"))


def test_samples_are_named(monkeypatch, folder):
    assert sources.samples.names() == sorted(sources.samples.names())
    monkeypatch.setattr(sources.samples, "_FOLDER", folder.parent)
    assert sources.samples.names() == ["recording"]
    assert sources.open("sample://recording").truth == {"service": "auth", "fault": "latency"}
    assert "Did you mean 'recording'?" in problem(lambda: sources.check("sample://recordin"))
    assert "no sample" in problem(lambda: sources.check("sample://../recording"))


def test_shipped_samples_open():
    for name in sources.samples.names():
        evidence = sources.open(f"sample://{name}")
        assert evidence.source == f"sample://{name}"
        assert not evidence.metrics.empty


def test_importing_and_checking_stay_light():
    code = """
import sys
from aiopslab import sources
heavy = {"pandas", "pyarrow", "httpx", "pandera", "fsspec", "tenacity"} & set(sys.modules)
assert not heavy, heavy
sources.check("prometheus+http://localhost:9090")
heavy = {"pandas", "pyarrow", "httpx", "pandera"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_frame_error_reaches_the_user(tmp_path):
    (tmp_path / "logs.csv").write_text("timestamp,service\n2026-03-01T12:00Z,a\n")
    with pytest.raises(FrameError, match="column 'severity' is missing"):
        sources.open(tmp_path / "logs.csv")
