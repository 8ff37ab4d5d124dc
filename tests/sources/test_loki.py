"""The Loki back end, against a self-made server that answers as Loki's documentation says.

No Loki is to be had here: the responses are self-made, selection by query is not done, and paging,
order and limits are those of `query_range`.
"""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources import loki
from tests.sources.servers import Answer, Request, Server, in_turn, problem, serving

pytestmark = pytest.mark.server
START = pd.Timestamp("2026-03-01T12:00:00Z")
END = START + pd.Timedelta("10min")
RANGE, LABELS = "/loki/api/v1/query_range", "/loki/api/v1/labels"

Entry = tuple[int, dict[str, str], str]


def streams(entries: list[Entry]) -> dict[str, object]:
    """Return lines as Loki does: a stream a set of labels, each in order of time."""
    grouped: dict[tuple, list[list[str]]] = {}
    for at, labels, text in entries:
        grouped.setdefault(tuple(labels.items()), []).append([str(at), text])
    result = [{"stream": dict(labels), "values": lines} for labels, lines in grouped.items()]
    return {"status": "success", "data": {"resultType": "streams", "result": result}}


class Loki:
    """Lines, and the API that hands them out; equal times come in another order each time."""

    def __init__(self, entries: list[Entry], most: int = 5_000) -> None:
        self.entries = entries
        self.most = most
        self.order = random.Random(7)

    def query_range(self, asked: Request) -> object:
        start, end, limit = (int(asked.query[name]) for name in ("start", "end", "limit"))
        assert asked.query["direction"] == "forward"
        if limit > self.most:
            return Answer(
                b"max entries limit per query exceeded, limit > "
                b"max_entries_limit_per_query (%d > %d)" % (limit, self.most),
                400,
            )
        found = [each for each in self.entries if start <= each[0] < end]
        found.sort(key=lambda entry: (entry[0], self.order.random()))
        return streams(found[:limit])

    def labels(self, _: Request) -> object:
        names = sorted({name for _, labels, _ in self.entries for name in labels})
        return {"status": "success", "data": names}


@contextmanager
def running(entries: list[Entry], most: int = 5_000) -> Iterator[Server]:
    instance = Loki(entries, most)
    with serving({RANGE: instance.query_range, LABELS: instance.labels}) as server:
        yield server


def read(server: Server, **options: object) -> sources.Evidence:
    return sources.open(f"loki+{server.address}", start=START, end=END, **options)


def line(second: float, text: str = "hello", **labels: str) -> Entry:
    return START.value + round(second * 1e9), labels or {"app": "shop"}, text


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("TOKEN", "USER", "PASSWORD", "CA"):
        monkeypatch.delenv(f"AIOPSLAB_LOKI_{name}", raising=False)


def test_lines_become_logs():
    trace = "0af7651916cd43dd8448eb211c80319c"
    entries = [
        line(0, "naïve „quoted“ <b>", app="gateway", level="warn"),
        line(1, f'{{"level":"error","trace_id":"{trace}"}}', app="auth", detected_level="unknown"),
        line(2, "traceID=00f067aa0ba902b7 done", service_name="db", app="x", trace_id=trace),
    ]
    with running(entries) as server:
        evidence = read(server, query='{env="a+b"}')
        assert server.requests[-1].query["query"] == '{env="a+b"}'
    logs = evidence.logs
    assert logs["service"].tolist() == ["gateway", "auth", "db"]
    assert logs["severity"].tolist() == ["WARN", "ERROR", "INFO"]
    assert logs["body"].iloc[0] == "naïve „quoted“ <b>"
    assert logs["trace_id"].fillna("").tolist() == ["", trace, trace]
    assert logs["attributes"].iloc[0] == {"app": "gateway", "level": "warn"}
    assert logs["timestamp"].iloc[2] == START + pd.Timedelta("2s")


def test_both_ends_of_the_window_are_in():
    ends = [START.value - 1_000, START.value, END.value, END.value + 1_000]
    with running([(at, {"app": "a"}, str(at)) for at in ends]) as server:
        logs = read(server).logs
    assert logs["body"].tolist() == [str(START.value), str(END.value)]


def test_without_a_query_every_service_is_asked_for():
    with running([line(1, app="shop", pod="p")]) as server:
        evidence = read(server)
        assert server.requests[-1].query["query"] == '{app=~".+"}'
    assert any('{app=~".+"}' in note for note in evidence.notes)


def test_a_label_that_no_list_has_serves_too():
    with running([line(1, pod="p")]) as server:
        evidence = read(server)
        assert evidence.logs["service"].tolist() == ["unknown"]
        assert read(server, service_label="pod").logs["service"].tolist() == ["p"]


def test_structured_metadata_that_is_sent_apart_counts():
    extra = {"structuredMetadata": {"trace_id": "ab" * 16}, "parsed": {"level": "error"}}
    answer = streams([line(1)])
    answer["data"]["result"][0]["values"][0].append(extra)
    with serving({RANGE: lambda _: answer}) as server:
        logs = read(server, query="{}").logs
    assert logs["severity"].tolist() == ["ERROR"] and logs["trace_id"].tolist() == ["ab" * 16]


def test_many_pages_are_one_table():
    """Three thousand lines a second, so that the ends of pages fall within a moment."""
    entries = [
        (START.value + at // 3_000 * 10**9, {"app": f"s{at % 3}"}, str(at)) for at in range(17_000)
    ]
    with running(entries) as server:
        logs = read(server).logs
        assert len(server.requests) < 10
    assert sorted(map(int, logs["body"])) == list(range(17_000))
    assert logs["timestamp"].is_monotonic_increasing


@settings(max_examples=25)
@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 5))
def test_no_line_is_lost_or_doubled_at_the_end_of_a_page(times, equal):
    """Ends of pages fall among lines of one time, some of them equal in everything."""
    entries = [(START.value + at, {"app": "a"}, str(n // equal)) for n, at in enumerate(times)]
    page = max([times.count(at) for at in set(times)], default=1)
    window = (START.value, END.value)
    with (
        running(entries) as server,
        loki.Client(server.address) as client,
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
    ):
        patch.setattr(loki, "PAGES", (page,))
        warnings.simplefilter("ignore", FrameWarning)  # a page full of one time may have been all
        found = loki._lines(client, "{}", window, 1_000, lambda: None)
    expected = [(at, tuple(labels.items()), text) for at, labels, text in entries]
    assert sorted(found) == sorted(expected)


def test_more_lines_of_one_nanosecond_than_a_page_are_said_and_do_not_hang():
    entries = [(START.value + 5, {"app": "a"}, str(at)) for at in range(6_000)]
    with running([*entries, line(9, "last")]) as server:
        evidence = read(server)
    bodies = evidence.logs["body"]
    assert 5_001 <= len(bodies) <= 6_001 and bodies.is_unique and bodies.iloc[-1] == "last"
    assert any("Loki does not give the rest" in note for note in evidence.notes)


def test_a_server_that_does_not_move_on_is_not_asked_for_ever():
    before = [line(-1 - at / 1e4, str(at)) for at in range(5_000)] + [line(1, "in")]
    with serving({RANGE: lambda _: streams(before)}) as server:
        evidence = read(server, query="{}", limit=20_000)
        assert len(server.requests) < 10
    assert "in" in set(evidence.logs["body"])


def test_a_stricter_bound_on_pages_is_kept():
    with running([line(at / 100, str(at)) for at in range(350)], most=200) as server:
        logs = read(server).logs
        assert {each.query["limit"] for each in server.requests[-3:]} == {"100"}
    assert logs["body"].tolist() == [str(at) for at in range(350)]


@pytest.mark.parametrize(("lines", "is_cut"), [(7, False), (8, True), (12_000, True)])
def test_a_limit_is_kept_and_said(lines, is_cut):
    limit = 7 if lines < 100 else 6_000
    with running([line(at / 100, str(at)) for at in range(lines)]) as server:
        evidence = read(server, limit=limit)
    assert evidence.logs["body"].tolist() == [str(at) for at in range(limit)]
    assert any("only the earliest" in note for note in evidence.notes) == is_cut


def test_options_may_stand_in_the_url():
    with running([line(1, app="x", team="y")]) as server:
        url = f'loki+{server.address}/?query={{a=~".%2B"}}&service_label=team&tenant=shop&limit=5'
        logs = sources.open(url, start=START, end=END).logs
        assert server.requests[-1].headers["x-scope-orgid"] == "shop"
        assert server.requests[-1].query["query"] == '{a=~".+"}'
    assert logs["service"].tolist() == ["y"]


def test_nothing_found_is_told():
    with running([]) as server:
        assert "no lines between" in problem(lambda: read(server))
        assert "finds no lines" in problem(lambda: read(server, query='{app="x"}'))


def test_a_query_that_counts_is_told():
    matrix = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    with serving({RANGE: lambda _: matrix}) as server:
        assert "log lines" in problem(lambda: read(server, query="count_over_time({a='b'}[1m])"))


@pytest.mark.parametrize(
    "answer",
    [
        {}, [], None, {"data": None}, {"data": {"resultType": "streams"}},
        {"data": {"resultType": "streams", "result": [{"stream": {}, "values": [["soon", "x"]]}]}},
        {"data": {"resultType": "streams", "result": [{"stream": None, "values": [[1]]}]}},
        Answer(b"<html>log in</html>"),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_told(answer):
    with serving({RANGE: lambda _: answer}) as server:
        assert "not as Loki does" in problem(lambda: read(server, query="{}"))


def test_a_parse_error_is_told_in_lokis_words():
    said = Answer(b"parse error at line 1, col 2: syntax error: unexpected }", 400)
    with serving({RANGE: lambda _: said}) as server:
        assert "syntax error" in problem(lambda: read(server, query="{}"))
        assert len(server.requests) == 1


def test_a_busy_server_is_asked_again():
    busy = Answer(b"too many outstanding requests", 429, {"Retry-After": "0"})
    with serving({RANGE: in_turn(busy, streams([line(1)]))}) as server:
        assert len(read(server, query="{}").logs) == 1


@pytest.mark.parametrize("status", [200, 401, 403, 500])
def test_credentials_are_sent_and_never_shown(monkeypatch, status):
    monkeypatch.setenv("AIOPSLAB_LOKI_TOKEN", "t0ken-of-mine")
    monkeypatch.setattr(loki.Client.__init__, "__kwdefaults__", {
        **loki.Client.__init__.__kwdefaults__, "attempts": 1})  # fmt: skip

    def echo(asked: Request) -> Answer:
        return Answer(asked.headers["authorization"].encode(), status)

    with serving({RANGE: echo}) as server:
        with pytest.raises(SourceError) as raised:
            read(server, query="{}")
        assert server.requests[-1].headers["authorization"] == "Bearer t0ken-of-mine"
    assert "t0ken" not in f"{raised.value} {raised.value!r} {raised.value.__cause__}"
    if status in {401, 403}:
        assert "AIOPSLAB_LOKI_TOKEN" in raised.value.remedy


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": 0}, "limit is 0"),
        ({"timeout": "soon"}, "timeout is 'soon'"),
        ({"tenant": "a\nb"}, "X-Scope-OrgID"),
        ({"querry": "{}"}, "'query'"),
    ],
)
def test_an_option_that_makes_no_sense_is_told(options, said):
    assert said in problem(
        lambda: sources.open("loki+http://127.0.0.1:9", start=START, end=END, **options)
    )
