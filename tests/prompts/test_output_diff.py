"""What differs between two outputs: nothing is lost, and nothing that differs is called shared."""

from html.parser import HTMLParser

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.prompts.output_diff import diff_outputs

WORDS = [
    "the",
    "tent",
    "is",
    "not",
    "waterproof",
    ".",
    ",",
    " ",
    "  ",
    "\n",
    "<b>",
    "&amp;",
    "水",
    "3.5",
]
outputs = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=40).map("".join)
)


class Reader(HTMLParser):
    """Reads a page as a browser does, and keeps its text and the names of its tags."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def words(parts, is_shared):
    return "".join(part.text for part in parts if part.is_shared is is_shared).split()


@given(outputs, outputs)
def test_the_parts_of_an_output_are_the_output(left, right):
    found = diff_outputs(left, right)
    assert "".join(part.text for part in found.left) == left
    assert "".join(part.text for part in found.right) == right


@given(outputs, outputs)
def test_what_is_shared_is_the_same_on_both_sides_but_for_spaces(left, right):
    found = diff_outputs(left, right)
    both = [[part.text for part in side if part.is_shared] for side in (found.left, found.right)]
    assert ["".join(part.split()) for part in both[0]] == [
        "".join(part.split()) for part in both[1]
    ]


@given(outputs)
def test_an_output_does_not_differ_from_itself(output):
    assert all(part.is_shared for part in diff_outputs(output, output).left)


@given(outputs, outputs)
def test_a_browser_reads_the_outputs_back_and_no_tag_of_theirs(left, right):
    for html, output in zip(diff_outputs(left, right).html(), (left, right), strict=True):
        read = Reader(html)
        assert read.tags <= {"ins", "del"}
        assert read.text == output


@pytest.mark.parametrize(
    ("left", "right", "only_left", "only_right"),
    [
        ("It takes 3 days.", "It takes five days.", ["3"], ["five"]),
        ("Pay 3.50 now", "Pay 3.70 now", ["3.50"], ["3.70"]),
        ("don't go", "do go", ["don't"], ["do"]),
        ("all of it", "", ["all", "of", "it"], []),
        ("a  b\nc", "a b c", [], []),
        ("帐篷不防水", "帐篷很防水", ["不"], ["很"]),
        ("Yes.", "Yes!", ["."], ["!"]),
        ("हिन्दी है", "हिन्दू है", ["हिन्दी"], ["हिन्दू"]),
    ],
)
def test_words_that_the_other_lacks_are_found(left, right, only_left, only_right):
    found = diff_outputs(left, right)
    assert words(found.left, is_shared=False) == only_left
    assert words(found.right, is_shared=False) == only_right


def test_marks_are_told_apart_without_colour_and_leave_the_space_before_a_word_alone():
    left, right = diff_outputs("one <two> three", "one four three").html()
    marked = BeautifulSoup(left, "html.parser").find("del")
    assert "line-through" in marked["style"] and marked.get_text() == "<two>"
    assert left.startswith("one <del")
    marked = BeautifulSoup(right, "html.parser").find("ins")
    assert "underline" in marked["style"] and marked.get_text() == "four"
