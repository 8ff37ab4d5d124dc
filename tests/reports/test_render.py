import base64
import gzip
import re
from dataclasses import replace

import pytest

from aiopslab.findings import VERDICT_MIME, Verdict
from aiopslab.reports import record as records
from aiopslab.reports.render import STREAM_LIMIT, page
from tests.notebooks import code, prose

VERDICT = Verdict("watch", "Look <again>", {"rows": 1234.5678, "none": float("nan")})
PLOTLY = "application/vnd.plotly.v1+json"


def record(**changes):
    begun = records.begin("incident", "Incident", "0" * 64, {"evidence": "a b", "start": None})
    finished = replace(begun, status="finished", ended=records.now(), verdict=VERDICT)
    return replace(finished, **changes)


def rendered(*outputs, cells=(), **changes):
    cell = code("1 + 1") | {"outputs": list(outputs)}
    return page({"cells": [*cells, cell]}, record(**changes))


def data(**bundle):
    return {"output_type": "display_data", "metadata": {}, "data": bundle}


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def test_the_banner_says_the_level_in_a_word_and_the_headline_escaped():
    html = rendered()
    assert "◐ watch" in html
    assert "Look &lt;again&gt;" in html and "<again>" not in html
    assert "1,235" in html and "–" in html


def test_a_failed_run_is_marked_with_its_error_escaped():
    failure = records.Failure("ValueError", "<script>alert(1)</script>", 4)
    html = rendered(status="failed", failure=failure)
    assert "✕ failed" in html
    assert "cell 4: ValueError: &lt;script&gt;" in html


@pytest.mark.parametrize(
    "output",
    [
        stream("<script>alert(1)</script>"),
        data(**{"text/plain": "<script>alert(1)</script>"}),
        data(**{"text/markdown": "<script>alert(1)</script>"}),
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["<script>alert(1)"]},
    ],
)
def test_text_never_becomes_markup(output):
    assert "<script>alert" not in rendered(output)


def test_markup_in_prose_is_text():
    assert "<img" not in rendered(cells=[prose("# T\n\n<img src=x onerror=alert(1)>")])


def test_only_the_pages_own_script_may_run():
    html = rendered(data(**{"text/html": "<script>alert(1)</script>"}))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_plotly_is_there_once_and_only_for_a_figure():
    figure = {"data": [], "layout": {"title": {"text": "A </script> title"}, "height": 300}}
    assert 'id="plotly"' not in rendered()
    html = rendered(*[data(**{PLOTLY: figure, "text/html": "never"})] * 12)
    assert html.count('id="plotly"') == 1
    assert "</script> title" not in html and "never" not in html
    packed = re.search(r'id="plotly">([^<]*)<', html)[1]
    assert b"plotly.js v" in gzip.decompress(base64.b64decode(packed))
    assert len(html) < 2.5e6


def test_a_flood_of_prints_is_cut_and_said():
    html = rendered(stream("x" * 10_000_000))
    assert len(html) < STREAM_LIMIT + 60_000
    assert "9,980,000 more characters" in html


def test_terminal_colours_are_dropped():
    assert "\x1b" not in rendered(stream("\x1b[31mred\x1b[0m"))


def test_papermills_own_notice_is_left_out():
    notice = prose("An Exception was encountered") | {
        "metadata": {"tags": ["papermill-error-cell-tag"]}
    }
    assert "An Exception" not in rendered(cells=[notice])


def test_sections_become_a_table_of_contents():
    html = rendered(cells=[prose("## When *it* began\n\ntext")])
    assert '<a href="#section-1">When it began</a>' in html
    assert '<h2 id="section-1">' in html


def test_a_table_without_rows_says_so():
    empty = "<table><thead><tr><th>a</th></tr></thead><tbody>\n</tbody></table>"
    assert "No rows." in rendered(data(**{"text/html": empty}))


def test_the_facts_tell_how_to_run_it_again_and_the_size():
    html = rendered()
    assert "aiopslab run incident -p evidence=&#39;a b&#39;" in html
    size = float(re.search(r"([\d.]+) MB", html)[1])
    assert size == pytest.approx(len(html.encode()) / 1e6, abs=0.006)


def test_a_lone_surrogate_does_not_break_the_page():
    rendered(stream("\ud800"), **{}).encode("utf-8", "backslashreplace")


def test_the_verdicts_own_html_is_the_conclusion():
    bundle = {VERDICT_MIME: VERDICT.to_json(), "text/html": VERDICT._repr_html_()}
    assert 'id="conclusion"' in rendered(data(**bundle))
