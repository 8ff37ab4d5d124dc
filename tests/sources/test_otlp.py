"""Files of what the real OpenTelemetry SDK recorded and its own exporter encoded."""

import base64
import gzip
import json
import math

import pandas as pd
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from aiopslab import sources
from aiopslab.frames import FrameWarning, conform
from aiopslab.sources.otlp.metrics import metrics_table
from aiopslab.sources.otlp.translate import logs_table, spans_table
from aiopslab.sources.otlp.values import attributes, identifier, severity, status, value
from tests.sources.servers import problem

START = pd.Timestamp("2026-03-01T12:00:00Z")
SHOP = Resource.create({"service.name": "shop <b>", "host.name": "a1"})
IDENTIFIERS = {"traceId", "spanId", "parentSpanId"}


def hexadecimal(message: object) -> object:
    """Write identifiers as the protocol says; protobuf's own JSON has them in base64."""
    if isinstance(message, list):
        return [hexadecimal(each) for each in message]
    if not isinstance(message, dict):
        return message
    return {
        key: base64.b64decode(held).hex() if key in IDENTIFIERS else hexadecimal(held)
        for key, held in message.items()
    }


@pytest.fixture(scope="module")
def spans():
    """Two services, one trace, an error, and times that are known."""
    exporter = InMemorySpanExporter()
    tracers = []
    for name in ("gateway", "auth"):
        provider = TracerProvider(resource=Resource.create({"service.name": name}))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracers.append(provider.get_tracer("test"))
    gateway, auth = tracers
    begun = START.value + 1  # a nanosecond that no float holds
    with gateway.start_as_current_span("GET /", start_time=begun, end_on_exit=False) as root:
        child = auth.start_span("login", start_time=begun + 2_000_000)
        child.set_status(StatusCode.ERROR, "no pool")
        child.end(begun + 5_500_000)
        root.set_status(StatusCode.OK)
        root.end(begun + 10_000_000)
    return exporter.get_finished_spans()


@pytest.fixture(scope="module")
def logs():
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(resource=SHOP)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("shop")
    debug = SeverityNumber.DEBUG
    logger.emit(timestamp=START.value, severity_number=debug, body="naïve „quoted“ <b>")
    logger.emit(
        timestamp=START.value + 1_000,
        severity_number=SeverityNumber.ERROR2,
        body="no pool",
        attributes={"user": 7},
    )
    logger.emit(observed_timestamp=START.value + 2_000, severity_text="critical", body="gone")
    return exporter.get_finished_logs()


@pytest.fixture(scope="module")
def metrics():
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], resource=SHOP).get_meter("test")
    meter.create_gauge("queue").set(7.5)
    meter.create_counter("requests").add(3, {"code": 200})
    meter.create_up_down_counter("open").add(-2)
    meter.create_histogram("latency").record(20)
    first = MessageToDict(encode_metrics(reader.get_metrics_data()))
    meter.create_gauge("queue").set(8.5)
    meter.create_counter("requests").add(6, {"code": 200})
    meter.create_histogram("latency").record(40)
    second = MessageToDict(encode_metrics(reader.get_metrics_data()))
    at(first, START)
    at(second, START + pd.Timedelta("10s"))
    return [first, second]


def at(request: dict, time: pd.Timestamp) -> None:
    """Say when the data points of a request were taken."""
    for resource in request["resourceMetrics"]:
        for metric in resource["scopeMetrics"][0]["metrics"]:
            for kind in ("gauge", "sum", "histogram"):
                for point in metric.get(kind, {}).get("dataPoints", ()):
                    point["timeUnixNano"] = str(time.value)


def opened(path, requests, **options):
    path.write_text("\n".join(json.dumps(each) for each in requests), encoding="utf-8")
    return sources.open(f"otlp+file://{path}", **options)


@pytest.mark.parametrize("written", [hexadecimal, lambda message: message], ids=["hex", "base64"])
def test_spans_are_those_of_the_sdk(tmp_path, spans, written):
    read = opened(tmp_path / "traces.json", [written(MessageToDict(encode_spans(spans)))]).spans
    expected = {each.name: each for each in spans}
    assert read["operation"].tolist() == ["GET /", "login"]
    for row in read.itertuples():
        span = expected[row.operation]
        assert row.trace_id == f"{span.context.trace_id:032x}"
        assert row.span_id == f"{span.context.span_id:016x}"
        assert row.service == span.resource.attributes["service.name"]
    root, child = read.iloc[0], read.iloc[1]
    assert child["parent_span_id"] == root["span_id"] and pd.isna(root["parent_span_id"])
    assert read["duration_ms"].tolist() == [10.0, 3.5]
    assert read["status"].tolist() == ["OK", "ERROR"]
    assert root["start"] == START and child["start"] == START + pd.Timedelta("2ms")


def test_logs_are_those_of_the_sdk(tmp_path, logs):
    read = opened(tmp_path / "logs.json", [hexadecimal(MessageToDict(encode_logs(logs)))]).logs
    assert read["body"].tolist() == ["naïve „quoted“ <b>", "no pool", "gone"]
    assert read["severity"].tolist() == ["DEBUG", "ERROR", "FATAL"]
    assert set(read["service"]) == {"shop <b>"}
    assert read["attributes"].iloc[1]["user"] == 7
    assert read["attributes"].iloc[1]["host.name"] == "a1"
    assert (read["timestamp"] - START).dt.microseconds.tolist() == [0, 1, 2]


def test_metrics_are_levels_rates_and_means(tmp_path, metrics):
    read = opened(tmp_path / "metrics.json", metrics)
    shop = read.metrics["shop <b>"]
    assert shop["queue"].tolist() == [7.5, 8.5]
    assert shop["open"].tolist() == [-2, -2]
    assert shop['rate(requests{code="200"})'].iloc[1] == pytest.approx(0.6)
    assert shop["rate(latency)"].iloc[1] == pytest.approx(0.1)
    assert shop["mean(latency)"].iloc[1] == pytest.approx(40)
    assert shop.index.tolist() == [START, START + pd.Timedelta("10s")]
    assert "one point every 10 s" in read.notes


def test_a_file_may_hold_everything_and_be_gzipped(tmp_path, spans, logs, metrics, monkeypatch):
    requests = [MessageToDict(encode_spans(spans)), *metrics, MessageToDict(encode_logs(logs))]
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(requests))
    lines = "\n".join(map(json.dumps, requests)).encode()
    (tmp_path / "lines.json.gz").write_bytes(gzip.compress(lines))
    monkeypatch.chdir(tmp_path)
    one = sources.open(f"otlp+file://{plain}")
    other = sources.open("otlp+file://lines.json.gz")
    assert {*one.frames} == {"spans", "logs", "metrics"}
    assert one.digest == other.digest


def test_what_an_exporter_sent_twice_is_one_span(tmp_path, spans):
    request = MessageToDict(encode_spans(spans))
    assert len(opened(tmp_path / "traces.json", [request, request]).spans) == 2


def test_the_window_is_cut(tmp_path, spans):
    path, request = tmp_path / "traces.json", MessageToDict(encode_spans(spans))
    read = opened(
        path, [request], start=START + pd.Timedelta("1ms"), end=START + pd.Timedelta("1s")
    )
    assert read.spans["operation"].tolist() == ["login"]


def test_spans_that_cannot_be_placed_are_left_out_and_counted():
    good = {"traceId": "ab" * 16, "spanId": "cd" * 8, "startTimeUnixNano": str(START.value)}
    endless = {**good, "spanId": "ef" * 8, "endTimeUnixNano": str(START.value - 1)}
    wrong = [
        {**good, "traceId": ""},
        {**good, "spanId": "0" * 16},
        {**good, "startTimeUnixNano": 0},
    ]
    resource = {"scopeSpans": [{"spans": [good, endless, *wrong]}]}
    with pytest.warns(FrameWarning) as noted:
        table = conform("spans", spans_table([resource]))
    assert [str(each.message)[:8] for each in noted] == ["3 spans ", "2 spans "]
    assert len(table) == 2 and table["duration_ms"].isna().all()
    assert table["service"].tolist() == ["unknown"] * 2


def test_a_record_without_a_time_has_that_of_its_observation():
    body = {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}
    records = [
        {"observedTimeUnixNano": str(START.value), "body": body},
        {"body": {"stringValue": "lost"}},
    ]
    with pytest.warns(FrameWarning, match="1 log records without a time"):
        table = conform("logs", logs_table([{"scopeLogs": [{"logRecords": records}]}]))
    assert table["timestamp"].tolist() == [START] and table["body"].tolist() == ['{"a": 1}']


def test_the_line_tells_a_severity_that_the_record_does_not():
    records = [
        {"timeUnixNano": str(START.value), "body": {"stringValue": "level=warn slow"}},
        {"timeUnixNano": str(START.value), "severityText": "Error", "body": {"stringValue": ""}},
    ]
    table = logs_table([{"scopeLogs": [{"logRecords": records}]}])
    assert table["severity"].tolist() == ["WARN", "ERROR"]


def test_instrumentation_libraries_are_scopes():
    span = {"traceId": "ab" * 16, "spanId": "cd" * 8, "startTimeUnixNano": str(START.value),
            "endTimeUnixNano": str(START.value)}  # fmt: skip
    assert len(spans_table([{"instrumentationLibrarySpans": [{"spans": [span]}]}])) == 1


def points(kind: str, *rows: dict, **more: object) -> list[dict]:
    metric = {"name": "m", kind: {"dataPoints": list(rows), **more}}
    return [{"scopeMetrics": [{"metrics": [metric]}]}]


def point(second: float, number: float, **more: object) -> dict:
    return {"timeUnixNano": str(START.value + int(second * 1e9)), "asDouble": number, **more}


def test_a_counter_that_begins_again_has_no_negative_rate():
    rows = [point(0, 100), point(10, 150), point(20, 30), point(30, 40)]
    with pytest.warns(FrameWarning, match="every 10 s"):
        table = metrics_table(points("sum", *rows, isMonotonic=True, aggregationTemporality=2))
    assert table["metric"].unique().tolist() == ["rate(m)"]
    assert table["value"].tolist() == [5.0, 3.0, 1.0]


def test_a_delta_is_a_rate_over_its_own_time():
    rows = [point(each, 20, startTimeUnixNano=str(START.value + (each - 10) * 10**9))
            for each in (10, 20)]  # fmt: skip
    with pytest.warns(FrameWarning, match="every 10 s"):
        table = metrics_table(points("sum", *rows, isMonotonic=True, aggregationTemporality=1))
    assert table["value"].tolist() == [2.0, 2.0]


def test_services_that_report_at_other_moments_share_a_grid():
    shifted = [
        {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": name}}]},
         **points("gauge", *(point(10 * at + shift, at) for at in range(30)))[0]}
        for name, shift in (("a", 0.5), ("b", 3.7))
    ]  # fmt: skip
    with pytest.warns(FrameWarning, match="every 10 s"):
        frame = conform("metrics", metrics_table(shifted))
    assert frame.shape == (30, 2) and not frame.isna().any(axis=None)


@pytest.mark.parametrize(
    "content",
    [
        "{}", "[]", '{"resourceSpans": []}', '{"resourceSpans": 7}', '{"resourceSpans": [7]}',
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "soon"}]}]}]}',
        '{"resourceLogs": [{"resource": {"attributes": ["a"]}, "scopeLogs": [{}]}]}',
        '{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {"dataPoints": [7]}}]}]}]}',
        '{"data": [{"spans": []}]}', "", "nothing", "{",
    ],
)  # fmt: skip
def test_what_is_not_telemetry_is_told(tmp_path, content):
    path = tmp_path / "wrong.json"
    path.write_text(content)
    problem(lambda: sources.open(f"otlp+file://{path}"))


def test_a_file_that_is_not_there_is_told(tmp_path):
    problem(lambda: sources.open(f"otlp+file://{tmp_path}/traces.json"))


def test_values_keep_their_types():
    pairs = {"s": {"stringValue": ""}, "i": {"intValue": "-9007199254740993"}, "none": {},
             "d": {"doubleValue": "NaN"}, "b": {"boolValue": False}, "y": {"bytesValue": "AAE="},
             "a": {"arrayValue": {}}, "k": {"kvlistValue": {"values": []}}}  # fmt: skip
    read = attributes([{"key": key, "value": held} for key, held in pairs.items()])
    assert math.isnan(read.pop("d"))
    assert read == {"s": "", "i": -9007199254740993, "none": None, "b": False, "y": "AAE=",
                    "a": [], "k": {}}  # fmt: skip
    assert value(None) is None


@given(st.binary(min_size=8, max_size=8) | st.binary(min_size=16, max_size=16))
def test_an_identifier_is_the_same_however_it_is_written(raw):
    expected = raw.hex() if any(raw) else None
    assert identifier(raw.hex().upper()) == expected
    assert identifier(base64.b64encode(raw).decode()) == expected
    if raw[0]:
        assert identifier(raw.hex().lstrip("0")) == expected


def test_every_severity_and_status_has_its_name():
    names = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    assert [severity(each) for each in range(1, 25)] == [name for name in names for _ in range(4)]
    assert [severity(each) for each in (None, 0, 25, "SEVERITY_NUMBER_UNSPECIFIED", "9")] == [
        None, None, None, None, "INFO"]  # fmt: skip
    assert [status(each) for each in (0, 1, 2, 3, "STATUS_CODE_ERROR", "Ok", "", None)] == [
        "UNSET", "OK", "ERROR", "UNSET", "ERROR", "OK", "UNSET", "UNSET"]  # fmt: skip
