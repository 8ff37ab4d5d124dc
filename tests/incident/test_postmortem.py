"""The draft is rendered by two Markdown libraries with everything switched on that makes links."""

import html
import re
from html.parser import HTMLParser

import mistune
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from aiopslab.errors import FrameError
from aiopslab.findings import Effect, Finding, Interval, Verdict
from aiopslab.incident.markdown import safe
from aiopslab.incident.postmortem import draft

PLUGINS = ["abbr", "def_list", "footnotes", "insert", "mark", "math", "ruby", "spoiler"]
PLUGINS += ["strikethrough", "subscript", "superscript", "table", "task_lists", "url"]
MISTUNE = mistune.create_markdown(escape=True, plugins=PLUGINS)
COMMONMARK = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
START = pd.Timestamp("2026-03-01T12:00:00Z")

HOSTILE = [
    "![x](http://evil.example/x.png)",
    "[click](javascript:alert(1)) <javascript:alert(1)> <http://evil.example>",
    "<img src=x onerror=alert(1)> <script>alert(1)</script> <!-- --> </details>",
    "http://evil.example www.evil.example someone@evil.example",
    "a | b \\| c \\\\| d \\",
    "`code` ``x` $$y$$ ~~z~~ **bold** __b__ _i_ ==m== ++i++ ^s^ H~2~O [^1] [x]: http://e.example",
    "line\n\n# heading\n- item\n```\nfence",
    "# heading",
    "- item",
    "1. item",
    "---",
    ": definition",
    "&lt;b&gt; &#60;b&#62; &copy;",
    "*[HTML]: text",
    "[字(zi)]",
    ">! spoiler !<",
    "\u202eevil\x00\x1b[31m",
    "naïve ☃ 服务",
]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, *(pair for pair in attrs if pair[0] != "style")))


def tags(markup):
    parser = Tags()
    parser.feed(markup)
    return parser.found


def verdict(text):
    effect = Effect(text, 12.0, "×", Interval(10, 14))
    finding = Finding(text, text, "act", text, effect)
    return Verdict("act", text, {text: 1.0}, (finding,), (text,))


def frames(text):
    return {
        "timeline_rows": pd.DataFrame(
            {
                "timestamp": [START, START + pd.Timedelta("3min")],
                "source": ["metric", "alert"],
                "service": text,
                text + "!": text,
            }
        ),
        "suspects": pd.DataFrame(
            {"service": [text, text + "!"], "probability": [0.6, 0.3], "kind": text, "name": text}
        ),
        "templates": pd.DataFrame({"service": [text], "template": [text]}),
        "changes": pd.DataFrame(
            {
                "timestamp": [START],
                "kind": "deploy",
                "service": text,
                "ref": text,
                "description": text,
            }
        ),
    }


def drafted(text):
    return draft(verdict(text), **frames(text), actions=[f"{text}?"])


ORDINARY = drafted("x")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_tag_attribute_or_link_comes_from_the_data(text):
    assert tags(MISTUNE(drafted(text))) == tags(MISTUNE(ORDINARY))


@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet="ab1 .:/@\\`*_{}[]()#+-!|~$^=<>&;'\"\n\twx", min_size=1, max_size=30))
@example("a\\")
@example("x`\\|`x")
def test_no_markup_comes_from_any_text(text):
    text = text if text.strip() else "x"
    assert tags(MISTUNE(drafted(text))) == tags(MISTUNE(ORDINARY))


@settings(max_examples=50, deadline=None)
@given(text=st.text(min_size=1, max_size=40).filter(lambda text: safe(text)))
def test_another_library_with_raw_html_on_finds_no_markup_either(text):
    assert tags(COMMONMARK.render(drafted(text))) == tags(COMMONMARK.render(ORDINARY))


@given(text=st.text(max_size=100))
def test_an_escaped_text_still_says_what_it_said(text):
    shown = html.unescape(re.sub(r"<[^>]*>", "", COMMONMARK.render(f"{safe(text)} x")))
    letters = "".join(each for each in " ".join(text.split()) if each.isprintable())
    assert shown.split() == f"{letters} x".split()


def test_what_cannot_be_shown_is_left_out():
    assert safe("\ud800a\u202eb\x00") == "ab"
    assert safe("x" * 10_000) == "x" * 299 + "…"
    assert [safe(each) for each in (None, np.nan, pd.NaT, pd.NA)] == [""] * 4


def test_the_hypotheses_say_how_likely_and_what_would_tell_them_apart():
    suspects = pd.DataFrame(
        {
            "service": ["database", "auth"],
            "probability": [0.6, 0.3],
            "kind": "metric",
            "name": ["pending", "p95"],
        }
    )
    change = {
        "timestamp": START,
        "kind": "deploy",
        "service": "auth",
        "ref": "v2",
        "description": "",
    }
    text = draft(verdict("x"), suspects=suspects, changes=pd.DataFrame([change]))
    assert "Likeliest: database, 60 % (more likely than not)" in text
    assert "| It began in auth | 30 % | metric: p95 | Restore auth alone (undo v2): if" in text
    assert "| None of these | 10 % |" in text
    assert "does not make it a cause" in text


@pytest.mark.parametrize(
    ("probability", "word"),
    [(0.95, "likely"), (0.3, "not settled"), (np.nan, "unknown (not settled)")],
)
def test_how_sure_is_said_in_words(probability, word):
    frame = pd.DataFrame(
        {"service": ["a"], "probability": [probability], "kind": "metric", "name": "cpu"}
    )
    assert word in draft(verdict("x"), suspects=frame)


def test_detection_is_measured_from_the_first_entry_to_the_first_alert():
    assert "12:03:00 UTC, 3.0 min after the first entry" in drafted("x")


def test_the_timeline_is_in_order_and_in_utc():
    rows = pd.DataFrame(
        {
            "timestamp": [START.tz_convert("Asia/Tokyo"), START - pd.Timedelta("1h")],
            "what": ["second", "first"],
        }
    )
    text = draft(verdict("x"), rows)
    assert text.index("2026-03-01 11:00:00 | first") < text.index("2026-03-01 12:00:00 | second")


def test_a_long_table_is_cut_and_says_so():
    rows = pd.DataFrame({"timestamp": pd.date_range(START, periods=1_000, freq="s"), "what": "x"})
    assert "and 940 more" in draft(verdict("x"), rows)


@pytest.mark.parametrize("name", ["timeline_rows", "suspects", "templates", "changes"])
@pytest.mark.parametrize("rows", [None, 0])
def test_what_is_missing_or_empty_leaves_a_blank_for_people(name, rows):
    frame = None if rows is None else frames("x")[name].iloc[:0]
    text = draft(Verdict("watch", "Nothing is sure."), **{name: frame})
    assert text.count("TODO") > 10
    assert "nan" not in text.lower().replace("finance", "")


def test_a_missing_column_is_named():
    with pytest.raises(FrameError, match="suspects has no column probability"):
        draft(verdict("x"), suspects=pd.DataFrame({"service": ["a"], "kind": "", "name": ""}))
