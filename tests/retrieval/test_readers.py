"""Readers: each format as text with its headings, and what cannot be read said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from aiopslab.retrieval.readers import READERS, Unreadable, reader_of
from aiopslab.retrieval.readers.decoding import decoded
from aiopslab.retrieval.readers.front_matter import front_matter
from aiopslab.retrieval.readers.markdown import headings
from aiopslab.retrieval.readers.pdf import read as read_pdf

LINES = [
    *("# A", "## B ##", "###### C", "####### no", "#no", "text", "more words", "", "```", "```py"),
    *("~~~", "    # code", "- item", "> quote", "===", "---", "***", "1. one", "2. two", "\t# tab"),
    *("  ## two", "<!-- c", "-->", "<pre>", "<!-- c -->", "<script>x</script>"),
]


def pdf(*pages):
    """Return the bytes of a PDF with a line of text a page."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, words in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({words}) Tj ET".encode()
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        ]
    body, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    body_end = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(body))
    return body + body_end + trailer


def read(label, content):
    return reader_of(label)(label, content.encode() if isinstance(content, str) else content)


def titles(reading):
    return [(each.level, each.title) for each in reading.headings]


@given(st.lists(st.sampled_from(LINES), max_size=10))
def test_headings_of_markdown_are_those_of_commonmark(lines):
    text = "\n".join(lines) + "\n"
    tokens = MarkdownIt("commonmark").parse(text)
    expected = [
        (int(each.tag[1]), each.map[0])
        for each in tokens
        if each.type == "heading_open" and each.level == 0
    ]
    assert [(each.level, text.count("\n", 0, each.start)) for each in headings(text)] == expected


def test_markdown_keeps_its_text_and_loses_its_front_matter():
    reading = read(
        "a.md", "---\ntitle: Queues\nlastmod: 2026-02-03\ntags: [x]\nweight: 3\n---\n# Q\n"
    )
    assert (reading.text, reading.title) == ("# Q\n", "Queues")
    assert reading.metadata == {"lastmod": "2026-02-03", "weight": 3}
    assert str(reading.modified) == "2026-02-03 00:00:00+00:00"


def test_front_matter_in_toml_is_read_and_a_rule_is_none():
    assert front_matter('+++\ntitle = "T"\ndraft = true\n+++\nx').metadata == {"draft": True}
    assert front_matter("---\njust words\n---\nmore").length == 0
    assert front_matter("---\nno end").length == 0


def test_front_matter_that_is_broken_is_kept_as_text_and_told():
    reading = read("a.md", "---\na: [1\n---\nText")
    assert reading.text.startswith("---\na: [1")
    assert "front matter" in reading.troubles[0]


def test_html_is_what_is_seen():
    page = (
        "<html><head><title>Page &amp; title</title><meta name='description' content='About'>"
        "<style>p {}</style></head><body><nav>Menu</nav><main><h1>One  <em>two</em></h1>"
        "<p>First<br>line <b>bold</b>, end.</p><script>x()</script><!-- no -->"
        "<pre>a\n  b</pre><h2>Sub</h2><table><tr><td>1</td><td>2</td></tr></table></main>"
        "<footer>Foot</footer></body></html>"
    )
    reading = read("a.html", page)
    assert reading.text == ("One two\n\nFirst\nline bold, end.\n\na\n  b\n\nSub\n\n1\t2")
    assert (reading.title, reading.metadata) == ("Page & title", {"description": "About"})
    for each in reading.headings:
        assert reading.text.startswith(each.title, each.start)
    assert titles(reading) == [(1, "One two"), (2, "Sub")]


def test_html_may_nest_without_end():
    assert read("a.html", "<div>" * 20_000 + "deep").text == "deep"


def test_the_pages_of_a_pdf_are_sections():
    reading = read("a.pdf", pdf("First page", "", "Third page"))
    assert reading.text == "First page\n\nThird page"
    assert titles(reading) == [(1, "page 1"), (1, "page 3")]
    assert reading.metadata == {"pages": 3}


def test_a_pdf_that_is_encrypted_broken_or_of_pictures_is_told():
    import io

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("Secret"))))
    writer.encrypt("password", algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    with pytest.raises(Unreadable, match="encrypted"):
        read_pdf("a.pdf", locked.getvalue())
    with pytest.raises(Unreadable, match="not a whole PDF"):
        read_pdf("a.pdf", b"%PDF-1.4 and then nothing")
    assert read_pdf("a.pdf", pdf("")).troubles == ("no text layer, only pictures of pages",)


def test_a_notebook_is_its_markdown_and_its_code():
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "Text"]},
        {
            "cell_type": "code",
            "metadata": {},
            "source": "# no heading\nprint(1)",
            "outputs": [],
            "execution_count": None,
        },
        {"cell_type": "markdown", "metadata": {}, "source": "## Sub \ud83d"},
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    reading = read("a.ipynb", json.dumps(book))
    assert "```\n# no heading\nprint(1)\n```" in reading.text
    assert titles(reading) == [(1, "Title"), (2, "Sub \ud83d")]
    assert reading.text.startswith("## Sub", reading.headings[1].start)


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": 3}', '{"nbformat": 4}'])
def test_a_broken_notebook_is_told(content):
    with pytest.raises(Unreadable, match="not a notebook"):
        read("a.ipynb", content)


def test_docstrings_have_qualified_names():
    code = '''"""The module."""
import re
if re:
    class Queue(list):
        def drain(self, n: int = 1) -> list:
            """Take some out.

            And more.
            """
            def inner(): pass
        def fill(self): pass
async def run():
    """Run \\d."""
'''
    reading = read("pack/age.py", code)
    assert titles(reading) == [
        (1, "pack.age"),
        (2, "pack.age.Queue"),
        (3, "pack.age.Queue.drain"),
        (2, "pack.age.run"),
    ]
    assert (
        "pack.age.Queue.drain(self, n: int=1) -> list\n\nTake some out.\n\nAnd more."
        in reading.text
    )
    assert read("pack/__init__.py", '"""P."""').title == "pack"
    with pytest.raises(Unreadable, match="not Python"):
        read("a.py", "def (")


@pytest.mark.parametrize(
    ("content", "text", "told"),
    [
        ("\ufeffé\r\nb\rc".encode(), "é\nb\nc", ""),
        ("é".encode("utf-16"), "é", ""),
        ("é".encode("utf-32"), "é", ""),
        (b"<meta charset='koi8-r'>" + "Привет".encode("koi8-r"), "Привет", ""),
        ("naïve".encode("cp1252"), "naïve", "Windows-1252"),
        ("éà日本".encode() + b"\xff", "éà日本\ufffd", "not wholly UTF-8"),
    ],
)
def test_encodings_are_seen_or_told(content, text, told):
    found, troubles = decoded(content)
    assert found.endswith(text)
    assert told in "".join(troubles)
    assert bool(troubles) == bool(told)


def test_binary_files_are_no_text():
    with pytest.raises(Unreadable, match="binary"):
        decoded(b"\x89PNG\0\0")


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=200))
def test_whatever_is_in_a_file_is_read_or_told(suffix, content):
    try:
        reading = READERS[suffix]("a" + suffix, content)
    except Unreadable as error:
        assert str(error)
    else:
        starts = [each.start for each in reading.headings]
        assert starts == sorted(starts)
        assert all(0 <= start < len(reading.text) for start in starts)
