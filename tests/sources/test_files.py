import gzip
import io
import json
import pickle
import tempfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.errors import AIOpsLabError, FrameError
from tests.sources.servers import problem

LOG = '{"timestamp": "2026-03-01T12:00:00Z", "service": "a", "severity": "INFO", "body": "x"}\n'


def test_a_folder_is_a_recording(folder, tables):
    evidence = sources.open(folder)
    assert list(evidence.frames) == ["metrics", "logs", "spans", "topology"]
    assert evidence.metrics.shape == (60, 4)
    assert evidence.logs["body"].tolist() == tables["logs"]["body"].tolist()
    assert evidence.logs["trace_id"].iloc[7] == "0007"
    assert evidence.spans["trace_id"].iloc[7] == "0007", "a CSV keeps leading zeros"
    assert evidence.truth == {"service": "auth", "fault": "latency"}
    assert evidence.notes == ()


def save(table: pd.DataFrame, path, extension: str) -> None:
    match extension:
        case ".parquet":
            table.to_parquet(path)
        case ".csv" | ".csv.gz":
            table.to_csv(path, index=False)
        case ".jsonl" | ".ndjson" | ".jsonl.gz":
            table.to_json(path, orient="records", lines=True, date_format="iso", date_unit="us")


@pytest.mark.parametrize("extension", [".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz"])
@pytest.mark.parametrize("frame", ["metrics", "logs", "spans", "topology"])
def test_every_format_holds_the_same_evidence(tables, tmp_path, frame, extension):
    reference = sources.Evidence.of({frame: tables[frame]})
    path = tmp_path / f"{frame}{extension}"
    save(tables[frame], path, extension)
    assert sources.open(path).digest == reference.digest
    shuffled = tables[frame].sample(frac=1, random_state=1)
    save(shuffled, path, extension)
    assert sources.open(path).digest == reference.digest


@pytest.mark.parametrize("extension", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("frame", ["metrics", "logs", "spans", "topology"])
def test_a_frame_is_told_by_its_columns(tables, tmp_path, frame, extension):
    path = tmp_path / f"export-of-tuesday{extension}"
    save(tables[frame], path, extension)
    assert list(sources.open(path).frames) == [frame]


def test_wide_metrics_in_parquet_and_in_csv_with_two_header_rows(tables, tmp_path):
    wide = sources.Evidence.of({"metrics": tables["metrics"]}).metrics
    wide.to_parquet(tmp_path / "metrics.parquet")
    wide.to_csv(tmp_path / "metrics.csv")
    bare = "timestamp,a,a,b\n,latency,errors,latency\n2026-03-01T12:00:00Z,1,2,\n"
    (tmp_path / "bare.csv").write_text(bare)
    pd.testing.assert_frame_equal(sources.open(tmp_path / "metrics.parquet").metrics, wide)
    pd.testing.assert_frame_equal(sources.open(tmp_path / "metrics.csv").metrics, wide)
    opened = sources.open(tmp_path / "bare.csv").metrics
    assert opened.columns.tolist() == [("a", "latency"), ("a", "errors"), ("b", "latency")]
    assert np.isnan(opened.iloc[0, 2])


def test_metrics_may_come_with_the_time_as_index(tables, tmp_path):
    tables["metrics"].set_index("timestamp").to_parquet(tmp_path / "metrics.parquet")
    assert sources.open(tmp_path / "metrics.parquet").metrics.shape == (60, 4)


def test_nested_attributes_survive_parquet_and_csv(tmp_path):
    logs = pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-03-01", periods=3, freq="s", tz="UTC"),
            "service": "a",
            "severity": "INFO",
            "body": "x",
            "attributes": [{"code": 200, "tags": ["x"]}, {"path": "/"}, None],
        }
    )
    logs.to_parquet(tmp_path / "logs.parquet")
    text = logs["attributes"].map(lambda each: None if each is None else json.dumps(each))
    logs.assign(attributes=text).to_csv(tmp_path / "logs.csv", index=False)
    opened = [sources.open(tmp_path / name) for name in ("logs.parquet", "logs.csv")]
    assert opened[0].logs["attributes"].iloc[0] == {"code": 200, "tags": ["x"]}
    assert opened[0].logs["attributes"].iloc[1] == {"path": "/"}
    assert opened[0].digest == opened[1].digest


def test_other_file_systems_and_archives(folder, tmp_path):
    reference = sources.open(folder).digest
    archive = tmp_path / "recording.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for each in folder.iterdir():
            file.write(each, each.name)
            with fsspec.open(f"memory://incident/{each.name}", "wb") as copy:
                copy.write(each.read_bytes())
    assert sources.open("memory://incident").digest == reference
    assert sources.open(archive).digest == reference
    assert sources.open(f"zip://::{archive}").digest == reference
    assert list(sources.open(f"zip://spans.csv::{archive}").frames) == ["spans"]
    assert sources.open(f"file://{folder}").digest == reference


def test_an_archive_of_a_folder(folder, tmp_path):
    archive = tmp_path / "incident.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.mkdir("incident")
        for each in folder.iterdir():
            file.write(each, f"incident/{each.name}")
        file.writestr("__MACOSX/._metrics.parquet", b"")
    evidence = sources.open(archive)
    assert evidence.digest == sources.open(folder).digest
    assert evidence.notes == ()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def web(folder):
    """A web server that shows the folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_on_a_web_server(web, tables):
    evidence = sources.open(f"{web}/logs.jsonl.gz")
    assert evidence.digest == sources.Evidence.of({"logs": tables["logs"]}).digest
    assert "there is no" in problem(lambda: sources.open(f"{web}/logs.csv"))


def test_a_missing_path_names_its_neighbours(folder):
    message = problem(lambda: sources.open(folder / "metrisc.parquet"))
    assert "there is no" in message
    assert "metrics.parquet" in message
    assert "is not there" in problem(lambda: sources.open(folder / "deeper" / "logs.csv"))
    assert "memory://nowhere" in problem(lambda: sources.open("memory://nowhere/logs.csv"))


def test_an_empty_folder_and_one_without_frames(tmp_path):
    assert "it is empty" in problem(lambda: sources.open(tmp_path))
    (tmp_path / "notes.txt").write_text("hello")
    assert "it holds notes.txt" in problem(lambda: sources.open(tmp_path))


def test_what_a_folder_holds_besides_is_noted(folder):
    (folder / "README.md").write_text("hello")
    assert sources.open(folder).notes == ("left out README.md",)


def test_two_files_for_one_frame_are_refused(folder):
    (folder / "logs.csv").write_text("timestamp,service,severity,body\n")
    assert "both logs.csv and logs.jsonl.gz" in problem(lambda: sources.open(folder))


@pytest.mark.parametrize("name", ["logs.parquet", "logs.csv", "logs.jsonl", "logs.csv.gz"])
def test_a_file_without_content(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    assert "is empty" in problem(lambda: sources.open(tmp_path / name))


def test_a_file_with_no_rows(tmp_path):
    (tmp_path / "logs.csv").write_text("timestamp,service,severity,body\n")
    assert "holds no rows" in problem(lambda: sources.open(tmp_path / "logs.csv"))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("logs.parquet", b"timestamp,service\n", "is not Parquet"),
        ("logs.parquet", b"PAR1 cut short", "is not Parquet"),
        ("logs.jsonl", (LOG + '{"timestamp": \n').encode(), "line 2 is not JSON"),
        ("logs.jsonl", (LOG + "[1, 2]\n").encode(), "line 2 is '[1, 2]'"),
        ("logs.jsonl", b"[" * 200_000, "line 1 is not JSON"),
        ("logs.jsonl", b'{"body": ' + b"7" * 5_000 + b"}", "line 1 is not JSON"),
        ("logs.csv", b"timestamp,service,severity,body\na,b\na,b,c,d,e\n", "line 3, saw 5"),
        ("logs.csv", b"timestamp,service,severity,body\na,b,c,d,e\n", "is not a table"),
        ("logs.csv.gz", gzip.compress(b"timestamp")[:-6], "is not whole gzip"),
        ("logs.xlsx", b"PK", "expected .parquet, .csv, .jsonl, .ndjson"),
        ("logs", b"x", "has the extension (none)"),
        ("export.csv", b"a,b\n1,2\n", "fits no frame; its columns are a, b"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_broken_files_say_what_is_wrong(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert expected in problem(lambda: sources.open(tmp_path / name))


def test_a_pickle_is_never_opened(tmp_path):
    class Boom:
        def __reduce__(self):
            return (open, (str(tmp_path / "proof"), "w"))

    (tmp_path / "logs.pkl").write_bytes(pickle.dumps(Boom()))
    assert "runs whatever code is in it" in problem(lambda: sources.open(tmp_path / "logs.pkl"))
    assert not (tmp_path / "proof").exists()


def test_broken_utf8_is_replaced_with_a_note(tmp_path):
    (tmp_path / "logs.jsonl").write_bytes(LOG.encode() + LOG.encode().replace(b"x", b"caf\xe9"))
    evidence = sources.open(tmp_path / "logs.jsonl")
    assert evidence.logs["body"].iloc[1] == "caf\ufffd"
    assert "not UTF-8 from line 2" in evidence.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_spreadsheets_save_other_encodings_and_separators(tmp_path, encoding):
    text = "timestamp;service;severity;body\n2026-03-01T12:00:00Z;NA;ERR;naïve\n"
    (tmp_path / "logs.csv").write_bytes(text.encode(encoding))
    logs = sources.open(tmp_path / "logs.csv").logs
    assert logs.loc[0, ["service", "severity", "body"]].tolist() == ["NA", "ERROR", "naïve"]


def test_half_a_surrogate_pair_and_a_line_separator_stay_within_their_line(tmp_path):
    line = LOG.replace('"x"', '"cut \\ud83d \u2028 off"')
    (tmp_path / "logs.jsonl").write_text(line + LOG)
    assert sources.open(tmp_path / "logs.jsonl").logs["body"].iloc[0] == "cut ? \u2028 off"


def test_a_line_of_a_megabyte_and_many_lines(tmp_path):
    long = LOG.replace('"x"', json.dumps("y" * 1_000_000))
    (tmp_path / "logs.jsonl").write_text(long + LOG * 100_000)
    logs = sources.open(tmp_path / "logs.jsonl").logs
    assert len(logs) == 100_001
    assert logs["body"].str.len().max() == 1_000_000


def test_the_frame_may_be_said(tmp_path):
    buffer = io.BytesIO()
    pd.DataFrame({"caller": ["a"], "callee": ["b"]}).to_parquet(buffer)
    (tmp_path / "x.parquet").write_bytes(buffer.getvalue())
    assert list(sources.open(tmp_path / "x.parquet", frame="topology").frames) == ["topology"]
    with pytest.raises(FrameError, match="'timestamp' is missing"):
        sources.open(tmp_path / "x.parquet", frame="logs")
    message = problem(lambda: sources.open(tmp_path / "x.parquet", frame="log"))
    assert "Did you mean 'logs'?" in message
    assert "is a folder" in problem(lambda: sources.open(tmp_path, frame="logs"))


def test_a_broken_truth_is_told(folder):
    (folder / "truth.json").write_text("{")
    assert "truth.json is not JSON" in problem(lambda: sources.open(folder))
    (folder / "truth.json").write_text("[]")
    assert "not a JSON object" in problem(lambda: sources.open(folder))


def test_a_file_system_without_its_package_says_which():
    message = problem(lambda: sources.open("gs://bucket/logs.parquet"))
    assert "gcsfs" in message


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["2026-03-01T12:00:00Z", "1772366400", "INFO", "nan", "-1", "inf", '"', "", "{}", "null", "[1"]
)
HEADER = "timestamp,service,severity,body,attributes"
SPOILED = st.one_of(
    st.binary(max_size=60),
    st.lists(st.lists(CELL, min_size=4, max_size=6).map(",".join), max_size=4).map(
        lambda lines: "\n".join([HEADER, *lines]).encode()
    ),
    st.lists(
        st.dictionaries(st.sampled_from(HEADER.split(",")), st.none() | CELL | st.floats()),
        max_size=4,
    ).map(lambda lines: "\n".join(map(json.dumps, lines)).encode()),
)


@settings(deadline=None, max_examples=150)
@given(SPOILED, st.sampled_from([".parquet", ".csv", ".jsonl", ".csv.gz"]), st.booleans())
def test_whatever_a_file_holds_it_opens_or_says_what_is_wrong(content, extension, named):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{'logs' if named else 'export'}{extension}"
        path.write_bytes(content)
        try:
            sources.open(path)
        except AIOpsLabError as error:
            assert error.problem
            assert error.remedy
