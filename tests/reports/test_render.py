import base64
import gzip
import json
import math
import re
from dataclasses import replace

import pytest

from aiopslab.errors import ReportError
from aiopslab.findings import VERDICT_MIME, Verdict
from aiopslab.reports import addresses
from aiopslab.reports import record as records
from aiopslab.reports.cells import STREAM_LIMIT
from aiopslab.reports.markup import csp_hash
from aiopslab.reports.render import page, self_contained
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
    assert "default-src 'none'" in policy(html)
    assert "script-src 'sha256-" in policy(html) and "'strict-dynamic'" in policy(html)
    assert not re.search(r"script-src[^;]*('unsafe|https?:|blob:|\*)", policy(html))


def policy(html):
    return re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]


def own_script(html):
    return html.rpartition("<script>")[2].partition("</script>")[0]


FIGURE = {
    "data": [{"type": "scatter", "y": [math.sin(each) for each in range(2_000)]}],
    "layout": {"title": {"text": "A </script> title"}, "height": 300},
}


def test_twelve_figures_share_the_plotly_of_their_gallery():
    html = rendered(*[data(**{PLOTLY: FIGURE, "text/html": "never"})] * 12)
    assert html.count("<figure data-figure") == 12
    assert "</script> title" not in html and "never" not in html
    assert f'"src": "../{addresses.plotly()}"' in own_script(html)
    assert len(html.encode()) < 1e6


def test_one_file_holds_plotly_once_and_no_link_into_a_gallery():
    html = rendered(*[data(**{PLOTLY: FIGURE})] * 12)
    whole = self_contained(html)
    packed = re.search(r'"packed": "([^"]*)"', own_script(whole))[1]
    assert b"plotly.js v" in gzip.decompress(base64.b64decode(packed))
    assert whole.count(packed[:60]) == 1 and len(whole.encode()) < 6e6
    assert "../" in html and "../" not in whole
    assert self_contained(whole) == whole


def test_a_page_without_a_figure_asks_for_no_plotly():
    assert "plotly" not in own_script(rendered()).partition("// PLOTLY")[0]
    assert len(self_contained(rendered())) < 1e5


@pytest.mark.parametrize("made", [rendered, lambda *shown: self_contained(rendered(*shown))])
def test_the_policy_names_the_script_that_is_there(made):
    html = made(data(**{PLOTLY: FIGURE}))
    assert csp_hash(own_script(html)) in policy(html)


def test_markup_cannot_say_which_plotly_is_loaded():
    """What the script loads is covered by its hash: a copy of it can load nothing else."""
    clobbered = '<p id="plotly" data-src="https://evil.example/x.js"></p><base href="//evil">'
    html = rendered(data(**{"text/html": clobbered}), data(**{PLOTLY: FIGURE}))
    assert "dataset.src" not in own_script(html) and 'getElementById("plotly")' not in html
    assert "base-uri 'none'" in policy(html)


def test_something_else_is_not_made_one_file():
    with pytest.raises(ReportError, match="no report"):
        self_contained("<html></html>")


def test_the_record_stands_in_the_page_for_programs_and_not_for_outsiders():
    html = rendered()
    kept = re.findall(
        r'<script type="application/json" id="record">(.*?)</script>', html, re.DOTALL
    )
    assert json.loads(kept[-1])["parameters"] == {"evidence": "a b", "start": None}
    assert "process" not in json.loads(kept[-1])
    outside = page({"cells": []}, record(evidence=()), edition="redacted")
    assert 'id="record"' not in outside and "template digest" not in outside
    assert "aiopslab run" not in outside and "Show code" not in outside.rpartition("<script>")[0]


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
