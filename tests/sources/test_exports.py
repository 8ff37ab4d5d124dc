"""What every back end that reads an exported file owes its user, whatever the file holds."""

import gzip
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.errors import AIOpsLabError
from tests.sources.answers import GOOD, NS, SPOILS, places, spoiled
from tests.sources.servers import problem

# What each exports: mostly what its API answers.
EXPORTS: Mapping[str, Any] = {
    "datadog": GOOD["datadog"]["*/logs/events/search"],
    "jaeger": GOOD["jaeger"]["/api/traces"],
    "kubernetes": GOOD["kubernetes"]["*"],
    "otlp": {"resourceSpans": GOOD["tempo"]["*"]["batches"]},
    "splunk": {"results": [GOOD["splunk"]["*"]["result"]]},
}
every_kind = pytest.mark.parametrize("kind", EXPORTS)


def opened(kind: str, folder: Path, content: bytes) -> sources.Evidence:
    path = folder / "export.json"
    path.write_bytes(content)
    return sources.open(f"{kind}+file://{path}")


@every_kind
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_export_is_read_in_any_unicode(kind, encoding, tmp_path):
    text = json.dumps(EXPORTS[kind], ensure_ascii=False)
    evidence = opened(kind, tmp_path, gzip.compress(text.encode(encoding)))
    assert "größe" in " ".join(each.to_csv() for each in evidence.frames.values())
    assert not any("UTF-8" in each for each in evidence.notes)


@every_kind
def test_broken_utf8_is_replaced_with_a_note(kind, tmp_path):
    text = json.dumps(EXPORTS[kind], ensure_ascii=False)
    evidence = opened(kind, tmp_path, b"\n" + text.encode("latin-1"))
    assert "gr\ufffd\ufffde" in " ".join(each.to_csv() for each in evidence.frames.values())
    assert any("not UTF-8 from line 2" in each for each in evidence.notes)


@every_kind
def test_half_a_surrogate_pair_is_replaced(kind, tmp_path):
    text = json.dumps(EXPORTS[kind]).replace("gr\\u00f6\\u00dfe", "cut \\ud83d")
    evidence = opened(kind, tmp_path, text.encode())
    assert "cut ?" in " ".join(each.to_csv() for each in evidence.frames.values())


@every_kind
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"\xff\xfe",
        b"<html>",
        b"{",
        b"[" * 100_000,
        b"\x1f\x8bcut",
        b"[7]",
        b"[" + b"7" * 5_000,
    ],
)
def test_a_file_of_something_else_is_told(kind, content, tmp_path):
    problem(lambda: opened(kind, tmp_path, content))


@every_kind
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_an_export_that_is_spoiled_opens_or_is_told(kind, data):
    way = data.draw(st.sampled_from(list(places(EXPORTS[kind]))))
    bad = spoiled(EXPORTS[kind], way, data.draw(SPOILS))
    with tempfile.TemporaryDirectory() as folder:
        try:
            opened(kind, Path(folder), json.dumps(bad).encode())
        except AIOpsLabError as error:
            assert error.problem and error.remedy


Span = tuple[str, str, str | None, str]


def otlp(spans: list[Span]) -> object:
    listed = [
        {
            "traceId": trace,
            "spanId": span,
            "parentSpanId": parent,
            "name": name,
            "startTimeUnixNano": NS,
            "endTimeUnixNano": NS,
        }
        for trace, span, parent, name in spans
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": listed}]}]}


def jaeger(spans: list[Span]) -> object:
    listed = [
        {
            "traceID": trace,
            "spanID": span,
            "references": [{"refType": "CHILD_OF", "traceID": trace, "spanID": parent}]
            if parent
            else [],
            "operationName": name,
            "startTime": int(NS) // 1000,
            "duration": 0,
        }
        for trace, span, parent, name in spans
    ]
    return {"data": [{"spans": listed}]}


def datadog(spans: list[Span]) -> object:
    time = "2026-03-01T12:00:00Z"
    return [
        {
            "type": "span",
            "attributes": {
                "trace_id": trace,
                "span_id": span,
                "parent_id": parent,
                "operation_name": name,
                "start_timestamp": time,
                "end_timestamp": time,
            },
        }
        for trace, span, parent, name in spans
    ]


A, B, C = (each * 16 for each in "abc")
ONE, TWO = "0" * 31 + "1", "0" * 31 + "2"


@pytest.mark.parametrize("write", [otlp, jaeger, datadog])
@pytest.mark.parametrize(
    "spans",
    [
        [(ONE, A, B, "its parent was never sent")],
        [(ONE, A, A, "its own parent")],
        [(ONE, A, B, "a circle"), (ONE, B, A, "of two")],
        [(ONE, A, None, "an identifier"), (ONE, A, None, "that two spans have")],
        [(ONE, A, None, "an identifier"), (TWO, A, None, "in two traces")],
        [(ONE, f"{at + 1:016x}", None, f"all in one trace {at}") for at in range(2_000)],
        [(ONE, A, None, "one root"), (ONE, B, None, "and another"), (ONE, C, A, "with a child")],
    ],
    ids=lambda spans: spans[0][3],
)
def test_spans_that_do_not_make_a_tree_are_kept_as_they_were_sent(write, spans, tmp_path):
    read = opened(write.__name__, tmp_path, json.dumps(write(spans)).encode()).spans
    columns = ["trace_id", "span_id", "parent_span_id", "operation"]
    kept = read[columns].astype("object").where(read[columns].notna(), None)
    assert sorted(map(tuple, kept.to_numpy().tolist()), key=str) == sorted(spans, key=str)


@pytest.mark.parametrize("write", [otlp, jaeger, datadog])
def test_a_span_without_identity_is_left_out_and_counted(write, tmp_path):
    spans: list[Any] = [(ONE, A, None, "a"), ("", B, None, "b"), (ONE, None, None, "c")]
    evidence = opened(write.__name__, tmp_path, json.dumps(write(spans)).encode())
    assert evidence.spans["operation"].tolist() == ["a"]
    assert any("2 spans without an identifier" in each for each in evidence.notes)


@pytest.mark.parametrize("write", [otlp, jaeger, datadog])
def test_what_was_sent_twice_is_one_span(write, tmp_path):
    spans: list[Span] = [(ONE, A, None, "a")] * 2
    assert len(opened(write.__name__, tmp_path, json.dumps(write(spans)).encode()).spans) == 1
