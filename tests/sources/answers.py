"""Good answers of every API, self-made in the form of its documentation, and ways to spoil them."""

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

NS = "1772366400000000000"
TRACE = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "name": "GET /größe",
    "startTimeUnixNano": NS,
    "endTimeUnixNano": "1772366400001500000",
    "status": {"code": 2},
}
# A good answer to everything that is asked, by the end of the path.
GOOD: Mapping[str, Mapping[str, Any]] = {
    "alertmanager": {
        "*": [
            {
                "labels": {"alertname": "größe", "job": "auth"},
                "fingerprint": "c0ffee",
                "startsAt": "2026-03-01T12:00:00Z",
                "endsAt": "2026-03-01T12:05:00Z",
            }
        ]
    },
    "datadog": {
        "*/logs/events/search": {
            "data": [
                {
                    "attributes": {
                        "timestamp": "2026-03-01T12:00:00Z",
                        "message": "größe",
                        "tags": [],
                    }
                }
            ],
            "meta": {"page": {}, "warnings": [{"title": "a", "detail": "b"}]},
        },
        "*/spans/events/search": {
            "data": [
                {
                    "attributes": {
                        "trace_id": "1",
                        "span_id": "2",
                        "start_timestamp": "2026-03-01T12:00:00Z",
                        "end_timestamp": "2026-03-01T12:00:01Z",
                        "custom": {"duration": 5},
                    }
                }
            ]
        },
        "*": {
            "data": [
                {
                    "attributes": {
                        "timestamp": "2026-03-01T12:00:00Z",
                        "tags": ["service:auth"],
                        "attributes": {"title": "Deployed", "monitor": {"name": "a"}},
                    }
                }
            ]
        },
    },
    "jaeger": {
        "/api/traces": {
            "data": [
                {
                    "traceID": "1a",
                    "spans": [
                        {
                            "traceID": "1a",
                            "spanID": "2b",
                            "operationName": "größe",
                            "startTime": 1772366400000000,
                            "duration": 1500,
                            "processID": "p1",
                            "references": [{"refType": "CHILD_OF", "traceID": "1a", "spanID": "3"}],
                            "tags": [{"key": "error", "value": True}],
                        }
                    ],
                    "processes": {"p1": {"serviceName": "auth"}},
                }
            ]
        },
        "*": {"data": [{"parent": "a", "child": "b"}]},
    },
    "kubernetes": {
        "*": {
            "metadata": {},
            "items": [
                {
                    "type": "Warning",
                    "reason": "BackOff",
                    "message": "größe",
                    "involvedObject": {"kind": "Pod", "name": "auth-0"},
                    "lastTimestamp": "2026-03-01T12:00:00Z",
                    "count": 4,
                    "series": {"count": 2},
                }
            ],
        }
    },
    "loki": {
        "*/labels": {"data": ["app"]},
        "*": {
            "data": {
                "resultType": "streams",
                "result": [
                    {
                        "stream": {"app": "auth"},
                        "values": [[NS, "größe", {"parsed": {"level": "error"}}]],
                    }
                ],
            }
        },
    },
    "opensearch": {
        "*/point_in_time": {"pit_id": "x"},
        "*": {
            "_shards": {"failed": 1, "total": 2},
            "hits": {
                "hits": [
                    {
                        "_source": {"@timestamp": "2026-03-01T12:00:00Z", "message": "größe"},
                        "sort": [1772366400000, "a"],
                    }
                ]
            },
        },
    },
    "prometheus": {
        "*/values": {"data": ["größe", "up"]},
        "*/metadata": {"data": {"up": [{"type": "gauge"}]}},
        "*/query_range": {
            "data": {
                "result": [
                    {"metric": {"job": "größe"}, "values": [[1772366400, "1"], [1772366415, "2"]]}
                ]
            },
            "warnings": ["partial"],
        },
        "*": {
            "data": {
                "result": [
                    {
                        "metric": {"job": "größe"},
                        "value": [1772366400, "1"],
                        "values": [[1772366400, "1"], [1772366415, "1"]],
                    }
                ]
            }
        },
    },
    "splunk": {
        "*": {
            "messages": [{"type": "WARN", "text": "a"}],
            "result": {"_time": "2026-03-01T12:00:00Z", "_raw": "größe", "host": ["a", "b"]},
        }
    },
    "tempo": {
        "*/search": {"traces": [{"traceID": "1a", "startTimeUnixNano": NS}]},
        "*": {
            "batches": [
                {
                    "resource": {
                        "attributes": [{"key": "service.name", "value": {"stringValue": "größe"}}]
                    },
                    "scopeSpans": [{"spans": [TRACE]}],
                }
            ]
        },
    },
}
GOOD = {**GOOD, "elasticsearch": {"*/_pit": {"id": "x"}, "*": GOOD["opensearch"]["*"]}}
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=4),
    st.sampled_from(["2026-03-01T12:00:00Z", NS, "nan", "-1", "0", "NaN"]),
)
SPOILS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def places(answer: object, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to everything in an answer, itself included."""
    yield above
    inner: Any = answer.items() if isinstance(answer, dict) else ()
    for key, value in enumerate(answer) if isinstance(answer, list) else inner:
        yield from places(value, (*above, key))


def spoiled(answer: Any, way: tuple[Any, ...], spoil: object) -> Any:
    if not way:
        return spoil
    copy = answer.copy()
    copy[way[0]] = spoiled(answer[way[0]], way[1:], spoil)
    return copy
