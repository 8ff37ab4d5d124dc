"""The feed against the elements that RFC 4287 requires, read by a parser of its own."""

import re
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.findings import Verdict
from aiopslab.reports import gallery
from aiopslab.reports.facts import Facts
from aiopslab.reports.feed import ENTRIES, feed
from tests.reports.runs import kept

ATOM = "{http://www.w3.org/2005/Atom}"
REPEATED = {"author", "category", "contributor", "entry", "link"}
FEED = REPEATED | {"generator", "icon", "id", "logo", "rights", "subtitle", "title", "updated"}
ENTRY = FEED - {"entry", "generator", "icon", "logo", "subtitle"} | {
    "content",
    "published",
    "source",
    "summary",
}


def run(number=0, **changes):
    when = f"2026-03-{number % 28 + 1:02}T12:00:00.000Z"
    facts = Facts(
        f"r{number}", "t", "T", "s", "ok", when, when, "Fine", 1.0, {}, {"rows": 3.0}, {}, [], True
    )
    return facts.__class__(**{**vars(facts), **changes})


def check(text):
    """Parse a feed and hold it against sections 3 and 4 of RFC 4287; return its root."""
    root = ET.fromstring(text)
    assert root.tag == f"{ATOM}feed"
    _check_element(root, FEED, ("id", "title", "updated"))
    assert root.findall(f"{ATOM}author/{ATOM}name"), "4.1.1: an author, as entries have none"
    assert [link for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]
    entries = root.findall(f"{ATOM}entry")
    for entry in entries:
        _check_element(entry, ENTRY, ("id", "title", "updated"))
        rels = [link.get("rel") for link in entry.findall(f"{ATOM}link")]
        assert rels.count("alternate") == 1, "4.1.2: as there is no content"
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(ids) == len(set(ids)), "4.1.1: no two entries of one id and time"
    return root


def _check_element(element, allowed, required):
    names = [child.tag.removeprefix(ATOM) for child in element]
    assert set(names) <= allowed
    assert all(names.count(name) == 1 for name in required)
    assert all(names.count(name) == 1 for name in set(names) - REPEATED)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", element.findtext(f"{ATOM}id")), "4.2.6: an IRI"
    for name in ("updated", "published"):
        for child in element.findall(f"{ATOM}{name}"):
            assert datetime.fromisoformat(child.text).tzinfo, "3.3: RFC 3339 with a zone"
            assert "T" in child.text and (child.text.endswith("Z"))
    for link in element.findall(f"{ATOM}link"):
        assert link.get("href"), "4.2.7.1"
    for category in element.findall(f"{ATOM}category"):
        assert category.get("term") is not None, "4.2.2.1"


def test_a_gallery_has_a_valid_feed_that_leads_to_its_reports(tmp_path):
    done = kept(tmp_path, verdict=Verdict("act", "a <b> & c", {"rows": 3.0}))
    kept(tmp_path, "goes on", status="running", verdict=None, ended="")
    gallery.build(tmp_path)
    root = check((tmp_path / "feed.xml").read_text())
    (entry,) = root.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "▲ act: a <b> & c"
    assert (tmp_path / entry.find(f"{ATOM}link").get("href")).is_file()
    assert "rows 3" in entry.findtext(f"{ATOM}summary")
    assert done.id in entry.find(f"{ATOM}link").get("href")


def test_a_feed_keeps_its_identity_and_its_entries_keep_theirs():
    first = check(feed([run(1)], "Reports"))
    again = check(feed([run(2), run(1)], "Reports", feed([run(1)], "x")))
    kept_id = check(feed([run(2), run(1)], "Reports", ET.tostring(first, encoding="unicode")))
    assert again.findtext(f"{ATOM}id") != first.findtext(f"{ATOM}id"), "feeds are told apart"
    ids = [entry.findtext(f"{ATOM}id") for entry in kept_id.findall(f"{ATOM}entry")]
    assert ids[1] == first.find(f"{ATOM}entry").findtext(f"{ATOM}id") != ids[0]
    text = feed([run(1)], "Reports")
    assert check(feed([], "Reports", text)).findtext(f"{ATOM}id") == check(text).findtext(
        f"{ATOM}id"
    )


def test_links_are_whole_where_the_site_is_known():
    root = check(feed([run(1)], "Reports", site="https://reports.example/x"))
    links = [link.get("href") for link in root.iter(f"{ATOM}link")]
    assert links == [
        "https://reports.example/x/feed.xml",
        "https://reports.example/x/index.html",
        "https://reports.example/x/r1/report.html",
    ]


def test_only_the_newest_become_entries():
    root = check(feed([run(number) for number in range(ENTRIES + 20)], "Reports"))
    assert len(root.findall(f"{ATOM}entry")) == ENTRIES


@pytest.mark.parametrize("text", ["\x00\x1b[31m", "\ud800", "]]>", "<script>", "\uffff"])
def test_what_xml_cannot_hold_does_not_break_a_feed(text):
    check(feed([run(headline=text, title=text, series=text)], text))


@given(st.text())
def test_any_headline_gives_a_valid_feed(text):
    root = check(feed([run(headline=text)], "Reports"))
    assert len(root.findall(f"{ATOM}entry")) == 1
