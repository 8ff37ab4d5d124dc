"""What outsiders can read: nothing of what was planted, and still what the report is for."""

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab import Effect, Finding, Interval, Verdict
from aiopslab.findings import VERDICT_MIME
from aiopslab.reports import record as records
from aiopslab.reports.cells import PLOTLY_MIME
from aiopslab.reports.render import page
from aiopslab.sharing.masks import Mask, telling
from aiopslab.sharing.redacted_figure import Names, redacted_figure
from aiopslab.sharing.redaction import Redaction, Settings, key
from tests.notebooks import code, prose

# In parts, since no file here names a home.
HOME, USERS = "/home" + "/", "/Users" + "/"
# No secret is anybody's: the examples of the services' own documentation, or made up.
PLANTED = {
    "e-mail": [
        "ann.lee@globex.example",
        "o'brien+ops@mail.globex.co.uk",
        "root@localhost",
        "first_last@sub.domain.museum",
        "ünal@firma.de",
        "sre-team@globex.io",
        "a@b.dev",
        "ops%oncall@globex.com",
    ],
    "address": [
        "10.1.2.3",
        "192.168.0.17:8443",
        "172.16.4.0/22",
        "2001:db8::8a2e:370:7334",
        "fe80::1%eth0",
        "[2001:db8::1]:443",
        "::ffff:10.9.8.7",
        "00:1a:2b:3c:4d:5e",
    ],
    "host": [
        "db-03.prod.globex.internal",
        "mon01.globex.com",
        "kafka-7.svc.cluster.local",
        "grafana.globex.io:3000",
        "localhost:9090",
        "postgres-main:5432",
        "ip-10-0-3-44",
        "web-007",
        "checkout-7d9f8b6c5d-x2x4q",
        "s3.eu-central-1.amazonaws.com",
        "jira.intranet",
        "WIN-SRV01.corp",
        "slack.com/archives/C01",
    ],
    "url": [
        "https://wiki.globex.example/runbook?id=7",
        "prometheus+http://ann:pw12@mon01:9090/api",
        "s3://globex-telemetry/2026/03",
        "postgresql://svc:hunter22@db/orders",
        "www.globex.example/status",
        "ssh://git@code.globex.example/ops.git",
        "file:///srv/evidence/march",
        "mlflow://models/fraud@champion",
    ],
    "token": [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx",
        "password=correct-horse-battery",
        "api_key: 9f8e7d6c5b",
        "Authorization: Bearer 3q2-7wAAbb.ccDD",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "d41d8cd98f00b204e9800998ecf8427e",
        "client_secret=9a8b7c6d5e4f",
        "-----BEGIN PRIVATE KEY-----MIIEvQIBADANBgkqhkiG9w0BAQEFAASC-----END PRIVATE KEY-----",
    ],
    "user": [
        f"{HOME}ann/work/evidence",
        f"{USERS}gillian/x.parquet",
        "C:\\Users\\Ann\\telemetry.csv",
        "\\\\fs01\\share\\ann",
        "~ann/notes.txt",
        "user=gillian",
        "owner: ann.lee",
        "@gillian",
        "~gillian",
        "+49 30 1234567",
    ],
}  # fmt: skip
FRAMES = ["{}", "The cause is {}.", "see ({}) of retriever", "rose at 12:40; {}, then fell", "'{}'"]
HARMLESS = [
    "Nothing abnormal here: 8 services kept to their normal.",
    "Memory of retriever rose to 1.55 times its normal (95 % interval 1.4 to 1.7).",
    "An incident began at 2026-11-23 22:23:53 UTC, most likely in retriever.",
    "retriever · http.server.request.duration_p50_ms",
    "process.memory.usage_mb, process.cpu.utilization",
    "Roll back: accuracy fell from 0.887 to 0.756 since 2026-11-23T22:29:15Z.",
    "Prompt B costs 1,234 tokens more a call; p = 0.03, and/or n/a.",
    "1 of 11 columns drifted: score. Version 3.11.4 against 3.0.1.",
    "recursive 200/0, dense, top 5 finds ndcg@10 0.54",
    "population stability index 0.25, Kolmogorov–Smirnov, chi-squared",
    "database ran out of connections; checkout-service and payment-service wait for it.",
    "error budget: 40 % left at a burn rate of 14.4, 5 min and 1 h windows",
]
OPEN = Names(Mask(), {})


# Words that say what stands there, not what it is.
SAYING = {"password", "api_key", "Authorization", "Bearer", "user", "owner", "PRIVATE", "BEGIN"}


def left(masked, planted):
    """Tell whether what was planted can still be read, or any part of four letters of it."""
    bare = re.sub(r"\[(e-mail|address|host|token|user|path|secret|number|removed)\]", "", masked)
    parts = set(re.findall(r"\w{4,}", planted)) - SAYING
    return planted in bare or any(part in bare for part in parts)


def test_recall_on_the_planted_set(record_property):
    """Each is planted in five sentences; how many of how many are masked is counted by kind."""
    mask, found = Mask(), Counter()
    missed = []
    for kind, values in PLANTED.items():
        for value in values:
            for frame in FRAMES:
                if left(mask(frame.format(value)), value):
                    missed.append(frame.format(value))
                else:
                    found[kind] += 1
    for kind, values in PLANTED.items():
        record_property(kind, f"{found[kind]} of {len(values) * len(FRAMES)}")
    assert sum(map(len, PLANTED.values())) * len(FRAMES) == 295
    assert missed == []


def test_what_a_report_says_is_left_alone():
    mask = Mask()
    assert [mask(text) for text in HARMLESS] == HARMLESS


def test_what_looks_like_any_other_word_is_masked_only_where_it_is_named():
    """The limit of it: people, and hosts of one word, are told from other words by nobody."""
    text = "Maria Santos restarted redis-master-0"
    assert Mask()(text) == text
    assert Mask(["Maria Santos", "redis-master-0"])(text) == "[removed] restarted [removed]"


def test_names_that_only_the_run_knows_are_masked_where_they_stand_alone():
    words = [*telling("prometheus+http://gillian:pw1234@mon01/api"), "Globex"]
    masked = Mask(words)("mon01 of globex told Gillian pw1234; monitor and gillianne stay")
    assert masked == "[removed] of [removed] told [removed] [removed]; monitor and gillianne stay"


@given(st.text(max_size=80))
def test_masking_never_fails_and_masks_no_more_the_second_time(text):
    mask = Mask(["Globex"])
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize("piece", ["a.", "a-", "1:", "/a", "a@"])
def test_a_long_text_takes_no_longer_than_it_is(piece):
    """Twice as long takes about twice the steps; were it the square, this would take minutes."""
    assert Mask()(piece * 100_000)


EVERY = [value for values in PLANTED.values() for value in values]


def data(**bundle):
    return {"output_type": "display_data", "metadata": {}, "data": bundle}


def hostile(planted):
    """Return a run with the same text in every place that a report has."""
    figure = {
        "data": [
            {
                "type": "scatter",
                "name": planted,
                "x": [1, 2],
                "y": {"dtype": "f8", "bdata": "AAAAAAAA8D8AAAAAAAAAQA=="},
                "text": [planted, planted],
                "customdata": [[planted]],
                "hovertemplate": f"{planted}<extra></extra>",
                "hovertext": planted,
                "meta": planted,
                "marker": {"color": planted, "line": {"color": "#fff"}, "text": planted},
                "ids": [planted],
                "legendgroup": planted,
            }
        ],
        "layout": {
            "title": {"text": planted, "font": {"family": planted}},
            "meta": {"description": planted},
            "xaxis": {"title": {"text": planted}, "hoverformat": planted},
            "annotations": [{"text": planted, "x": 1, "hovertext": planted}],
            "shapes": [{"type": "line", "x0": 1, "label": {"text": planted}, "name": planted}],
            "images": [{"source": planted}],
            "sliders": [{"name": planted}],
        },
    }
    effect = Effect(planted, 2.0, planted, Interval(1.0, 3.0))
    finding = Finding(planted, planted, "act", planted, effect)
    verdict = Verdict("act", planted, {planted: 3.0}, (finding,), (planted,))
    table = f"<table title='{planted}'><tr><td onclick='{planted}'>{planted}</td></tr></table>"
    outputs = [
        data(**{PLOTLY_MIME: figure}),
        data(**{VERDICT_MIME: verdict.to_json(), "text/html": planted}),
        data(**{"text/html": table}),
        data(**{"text/plain": planted, "image/png": planted}),
        {"output_type": "stream", "name": "stdout", "text": planted},
        {"output_type": "error", "ename": "E", "evalue": planted, "traceback": [planted]},
    ]
    cells = [prose(f"## {planted}\n\n{planted}"), code(planted) | {"outputs": outputs}]
    begun = records.begin("incident", planted, "0" * 64, {"evidence": planted, "seed": 7})
    record = replace(
        begun,
        status="failed",
        ended=records.now(),
        verdict=verdict,
        failure=records.Failure("KeyError", planted, 2),
        evidence=({"source": planted, "digest": "d", "frames": {planted: 1}, "notes": [planted]},),
        versions={planted: planted},
        notes=(planted,),
        series=planted,
        plan=planted,
        job=planted,
    )
    return {"cells": cells, "metadata": {"title": planted}}, record


@pytest.mark.parametrize("allow", [(), ("actions", "prose", "tables")])
def test_nothing_that_was_planted_can_be_read_anywhere_in_the_edition(allow):
    counts = Counter()
    for planted in EVERY:
        shown = Redaction(Settings(allow=allow), b"key").run(*hostile(planted))
        texts = [
            page(*shown, edition="redacted"),
            json.dumps(shown[0]),
            json.dumps(shown[1].to_json()),
        ]
        counts["readable"] += any(form in text for text in texts for form in forms(planted))
        counts["planted"] += 1
    assert counts == {"planted": len(EVERY), "readable": 0}


def forms(planted):
    from html import escape

    return {planted, escape(planted), json.dumps(planted)[1:-1], planted.replace("<", "\\u003c")}


def ordinary():
    finding = Finding("Memory rose to 3 times its normal.", "retriever", "act", "metrics: memory")
    verdict = Verdict(
        "act", "retriever leaks memory", {"top score": 4.66}, (finding,), ("Restart.",)
    )
    figure = {
        "data": [
            {"type": "scatter", "name": "retriever", "x": ["2026-03-01T12:00:00"], "y": [1.5]},
            {
                "type": "bar",
                "x": [1, 2],
                "y": ["retriever", "auth"],
                "marker": {"color": "#0b5cad"},
            },
        ],
        "layout": {"title": {"text": "Evidence over time"}, "height": 300},
    }
    outputs = [
        data(**{PLOTLY_MIME: figure}),
        data(**{VERDICT_MIME: verdict.to_json(), "text/html": verdict._repr_html_()}),
    ]
    cells = [prose("## Evidence\n\nHow to read it."), code("x") | {"outputs": outputs}]
    begun = records.begin("incident", "Incident", "0" * 64, {"confidence": 0.9, "evidence": "a"})
    done = replace(begun, status="finished", ended=begun.started, verdict=verdict)
    return {"cells": cells}, done


def test_what_outsiders_may_know_is_there():
    notebook, record = Redaction(Settings(), b"key").run(*ordinary())
    html = page(notebook, record, edition="redacted")
    for said in (
        "retriever leaks memory",
        "Memory rose to 3 times",
        "top score",
        "4.66",
        "Evidence",
    ):
        assert said in html
    assert "parameter confidence" in html and "parameter evidence" not in html
    assert "How to read it" not in html and "Restart." not in html
    assert html.count("<figure data-figure") == 1 and "#0b5cad" in html
    assert "edition for outsiders" in html


def test_more_is_shown_where_it_is_allowed():
    settings = Settings(allow=("actions", "prose"))
    html = page(*Redaction(settings, b"key").run(*ordinary()), edition="redacted")
    assert "How to read it" in html and "Restart." in html


def test_pseudonyms_are_the_same_in_all_reports_and_cannot_be_guessed_without_the_key():
    settings = Settings(services="pseudonym", names=("auth",))
    notebook, record = Redaction(settings, b"key").run(*ordinary())
    html = page(notebook, record, edition="redacted")
    assert "retriever" not in html and "auth" not in html
    (stands,) = set(re.findall(r"service-[0-9a-f]{6}", html))
    again = Redaction(settings, b"key").run(*ordinary())[1]
    other = Redaction(settings, b"other").run(*ordinary())[1]
    assert stands in again.verdict.headline and stands not in other.verdict.headline
    assert record.verdict.findings[0].subject == stands


def test_the_key_is_kept_and_nobody_elses_to_read(tmp_path):
    assert key(tmp_path) == key(tmp_path)
    assert (tmp_path / ".pseudonyms.key").stat().st_mode & 0o077 == 0


def test_the_name_of_a_series_does_not_confirm_a_guess_at_the_parameters():
    _, record = ordinary()
    shown = Redaction(Settings(), b"key").run(*ordinary())[1]
    assert shown.series.startswith("incident-") and shown.series != record.series
    named = replace(record, series="checkout incidents")
    assert Redaction(Settings(), b"key").run({"cells": []}, named)[1].series == "checkout incidents"


@pytest.mark.parametrize(
    "values", [["user ann could not log in"], ["a" * 41], [["fine"], ["What is the sky?"]]]
)
def test_a_figure_whose_axis_is_made_of_sentences_is_left_out(values):
    assert redacted_figure({"data": [{"y": values}], "layout": {}}, OPEN) is None
    ticks = {"data": [], "layout": {"xaxis": {"ticktext": values}}}
    assert redacted_figure(ticks, OPEN) is None


def test_a_figure_that_is_marked_as_fit_is_kept_whole_with_its_texts_masked():
    trace = {"y": ["a sentence of ann@globex.example"], "text": ["hover"], "x": ["2026-03-01"]}
    figure = {"data": [trace], "layout": {"meta": {"shareable": True}}}
    shown = redacted_figure(figure, OPEN)
    assert shown["data"] == [
        {"y": ["a sentence of [e-mail]"], "text": ["hover"], "x": ["2026-03-01"]}
    ]


TEXTS = st.text(min_size=1, max_size=200)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(["x", "y", "text", "name", "marker", "line", "meta"]), VALUES)
)
def test_no_sentence_passes_in_a_figure_of_any_shape(trace):
    """What has more than 60 letters, or is under the pointer, is in no figure."""
    shown = redacted_figure({"data": [trace], "layout": {}}, OPEN)
    for text in _texts(shown):
        assert len(text) <= 60
    if shown:
        assert not {"text", "meta"} & shown["data"][0].keys()


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
