"""What every back end that asks a server owes its user, whatever the server answers."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.errors import AIOpsLabError
from tests.sources.answers import GOOD, SPOILS, places, spoiled
from tests.sources.servers import Answer, Route, Server, in_turn, problem, serving

pytestmark = pytest.mark.server
SECRET = "s3cret-of-mine"
START = pd.Timestamp("2026-03-01T12:00:00Z")
END = START + pd.Timedelta("10min")
# By kind: what the system calls itself, and what holds the credentials.
KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "alertmanager": ("Alertmanager", ("AIOPSLAB_ALERTMANAGER_TOKEN",)),
    "datadog": ("Datadog", ("DD_API_KEY", "DD_APP_KEY")),
    "elasticsearch": ("Elasticsearch", ("AIOPSLAB_ELASTICSEARCH_TOKEN",)),
    "jaeger": ("Jaeger", ("AIOPSLAB_JAEGER_TOKEN",)),
    "kubernetes": ("Kubernetes", ("AIOPSLAB_KUBERNETES_TOKEN",)),
    "loki": ("Loki", ("AIOPSLAB_LOKI_TOKEN",)),
    "opensearch": ("OpenSearch", ("AIOPSLAB_OPENSEARCH_TOKEN",)),
    "prometheus": ("Prometheus", ("AIOPSLAB_PROMETHEUS_TOKEN",)),
    "splunk": ("Splunk", ("SPLUNK_TOKEN",)),
    "tempo": ("Tempo", ("AIOPSLAB_TEMPO_TOKEN",)),
}
WINDOWED = sorted(set(KINDS) - {"alertmanager", "kubernetes"})  # these cannot choose by time
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    for _, variables in KINDS.values():
        for each in variables:
            monkeypatch.setenv(each, SECRET)


def opened(kind: str, server: Server, start=START, end=END) -> sources.Evidence:
    # Jaeger is asked for its services first, which have no window.
    options = {"service": "auth"} if kind == "jaeger" else {}
    return sources.open(f"{kind}+{server.address}", start, end, **options)


def told(kind: str, route: object) -> tuple[str, Server]:
    """Return what the user is told of a server that gives one answer to everything."""
    with serving({"*": route if callable(route) else lambda _: route}) as server:
        return problem(lambda: opened(kind, server)), server


@every_kind
@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_told_with_a_remedy_and_never_shown(kind, status):
    def refuse(asked):
        return Answer({"error": f"no, {dict(asked.headers)}"}, status)

    said, server = told(kind, refuse)
    assert str(status) in said and server.address in said
    assert SECRET not in said
    assert any(SECRET in str(each.headers) for each in server.requests)
    if status == 401:
        assert any(variable in said for variable in KINDS[kind][1])


@every_kind
def test_a_server_that_is_busy_is_asked_again_and_waited_for(kind):
    busy = Answer(b"", 429, {"Retry-After": "0"})
    said, server = told(kind, in_turn(busy, Answer({"error": "bad"}, 401)))
    told_of = said.replace(server.address, "")  # whose port may hold any digits
    assert "401" in told_of and "429" not in told_of
    assert server.paths[0] == server.paths[1]


@every_kind
def test_a_server_that_asks_for_a_long_wait_is_not_asked_again(kind):
    said, server = told(kind, Answer(b"", 429, {"Retry-After": "3600"}))
    assert "asks to wait 3600 s" in said
    assert len(server.requests) == 1


@every_kind
def test_a_server_that_fails_is_told(kind):
    said, _ = told(kind, Answer({"error": "disk full"}, 500, {"Retry-After": "0"}))
    assert "attempts: 500 Internal Server Error" in said and "disk full" in said
    assert f"Check that {KINDS[kind][0]} runs there" in said


@every_kind
@pytest.mark.parametrize("body", [b"<html>log in</html>", b"\xff\xfe\x00", b"[" * 100_000, 7, [7]])
def test_what_is_not_its_api_is_told(kind, body):
    said, _ = told(kind, Answer(body))
    assert f"not as {KINDS[kind][0]} does" in said


NOTHING: Mapping[str, Any] = {
    "alertmanager": [],
    "elasticsearch": {"id": "x", "hits": {"hits": []}},
    "kubernetes": {"metadata": {}, "items": []},
    "opensearch": {"pit_id": "x", "hits": {"hits": []}},
    "splunk": b"",
    "tempo": {"traces": []},
}


@every_kind
def test_an_empty_answer_says_where_nothing_was_found(kind):
    said, server = told(kind, Answer(NOTHING.get(kind, {"data": []})))
    assert " no " in said or "nothing" in said
    assert "not as" not in said
    assert kind not in WINDOWED or "2026-03-01T12:00:00+00:00" in said
    assert len(server.requests) < 50


@pytest.mark.parametrize("kind", WINDOWED)
def test_a_window_is_the_same_in_every_zone(kind):
    """Nine hours east is another day, and its offset must not get lost on the way."""
    asked = []
    for zone in ("UTC", "Asia/Tokyo"):
        start, end = START.tz_convert(zone).isoformat(), END.tz_convert(zone).isoformat()
        with serving({"*": lambda _: Answer({"error": "x"}, 400)}) as server:
            problem(lambda server=server, start=start, end=end: opened(kind, server, start, end))
        asked.append([(each.path, each.query, each.body) for each in server.requests])
    assert asked[0] == asked[1]
    sent = str(asked[0])
    assert "1772366400" in sent or "2026-03-01T12:00" in sent


def routes(answers: Mapping[str, Any]) -> dict[str, Route]:
    return {path: lambda _, said=said: said for path, said in answers.items()}


@every_kind
def test_a_good_answer_opens_with_its_text_as_it_is(kind):
    with serving(routes(GOOD[kind])) as server:
        evidence = opened(kind, server)
    shown = " ".join(each.to_csv() for each in evidence.frames.values())
    assert "größe" in shown
    assert SECRET not in f"{evidence!r} {evidence.notes} {evidence._repr_html_()} {shown}"


@every_kind
def test_half_a_surrogate_pair_is_replaced(kind):
    text = json.dumps(GOOD[kind]).replace("gr\\u00f6\\u00dfe", "cut \\ud83d")
    sent = {path: json.dumps(said).encode() for path, said in json.loads(text).items()}
    with serving(
        {path: lambda _, said=said: Answer(said) for path, said in sent.items()}
    ) as server:
        evidence = opened(kind, server)
    assert "cut ?" in " ".join(each.to_csv() for each in evidence.frames.values())


@every_kind
@settings(deadline=None, max_examples=25)
@given(st.data())
def test_an_answer_that_is_spoiled_opens_or_is_told(kind, data):
    path = data.draw(st.sampled_from(sorted(GOOD[kind])))
    way = data.draw(st.sampled_from(list(places(GOOD[kind][path]))))
    bad = spoiled(GOOD[kind][path], way, data.draw(SPOILS))
    with serving(routes({**GOOD[kind], path: bad})) as server:
        try:
            opened(kind, server)
        except AIOpsLabError as error:
            assert error.problem and error.remedy
    assert len(server.requests) < 500
