"""JSON in outputs, and whether it fits."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.prompts.scorers import json_schema
from aiopslab.prompts.scorers.structure import read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer", "maximum": 5}},
    "required": ["score"],
}


@given(VALUES, st.booleans())
def test_json_is_read_back_alone_and_in_a_fence(value, is_fenced):
    written = json.dumps(value, ensure_ascii=False)
    output = f"Here it is:\n```json\n{written}\n```\nDone." if is_fenced else written
    if "```" not in written:
        assert read_json(output) == value


@given(st.dictionaries(st.text(), st.integers(), max_size=3))
def test_json_is_found_in_prose(value):
    assert read_json(f"I say {json.dumps(value)} and that is all") == value


@pytest.mark.parametrize(
    ("output", "value", "note"),
    [
        ('{"score": 3}', 1, ""),
        ('Well: {"score": 3}', 1, ""),
        ('{"score": 9}', 0, "breaks maximum at score"),
        ("{}", 0, "breaks required at the top"),
    ],
)
def test_what_is_broken_is_named(output, value, note):
    told = json_schema(SCHEMA)(output, {})
    assert (told.value, told.note) == (value, note)


@pytest.mark.parametrize("output", ["", "no", "{'score': 3}", "NaN", "[" * 100_000, "{" * 1_000])
def test_what_is_no_json_is_unparsed_unless_that_was_asked_for(output):
    assert json_schema(SCHEMA)(output, {}).status == "unparsed"
    assert json_schema(SCHEMA, strict=True)(output, {}).value == 0


def test_a_note_does_not_repeat_what_was_said():
    schema = {"properties": {"name": {"const": "x"}}}
    assert "Ann" not in json_schema(schema)('{"name": "Ann"}', {}).note


def test_a_schema_that_is_none_is_refused():
    with pytest.raises(ParameterError, match="the schema is none"):
        json_schema({"type": "text"})
