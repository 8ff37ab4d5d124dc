import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.reports.parameters import read, validate

CELL = """
# Where the data is,
# in full.
evidence: sources.Url = "."  # A URL
ticket: str  # The ticket
share: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
start: AwareDatetime | None = None  # From when
mode: Literal["fast", "exact"] = "fast"
rows: int = 10
quick: bool = False
ids: list[str] = []
limits: dict[str, float] = {}
"""
PARAMETERS = read(CELL)


def given_values(**values):
    return validate(PARAMETERS, {"ticket": "T-1"} | values)


def test_help_is_the_comment_above_and_beside():
    assert PARAMETERS[0].help == "Where the data is, in full. A URL"
    assert PARAMETERS[1].is_required
    assert [each.name for each in PARAMETERS][:3] == ["evidence", "ticket", "share"]


def test_kinds_are_told_in_words():
    kinds = {each.name: each.kind() for each in PARAMETERS}
    assert kinds["share"] == "number, at least 0.5, below 1"
    assert kinds["start"] == "time (ISO 8601 with offset), or none"
    assert kinds["mode"] == "one of fast, exact"
    assert kinds["limits"] == "names with values, as JSON"


def test_text_is_read_leniently_and_comes_out_as_plain_values():
    values = given_values(
        share="0.9", rows="7", quick="true", start="2026-03-01T12:00:00Z", ids='["a", "b"]'
    )
    assert (values["share"], values["rows"], values["quick"]) == (0.9, 7, True)
    assert values["start"] == "2026-03-01T12:00:00Z"
    assert values["ids"] == ["a", "b"]
    assert given_values(limits='{"db/disk": 2048}')["limits"] == {"db/disk": 2048.0}
    assert json.loads(json.dumps(values)) == values


@pytest.mark.parametrize("empty", ["", "none", "None", " null "])
def test_no_value_is_none_where_the_type_allows(empty):
    assert given_values(start=empty)["start"] is None
    with pytest.raises(ParameterError, match="rows is"):
        given_values(rows=empty)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"evidnce": "x"}, "evidnce: there is no such parameter. Did you mean 'evidence'?"),
        ({"rows": "many"}, "rows is 'many': Input should be a valid integer"),
        ({"rows": 2.5}, "rows is 2.5: "),
        ({"limits": '{"disk": "full"}'}, "limits is .*valid number"),
        ({"quick": 1}, "quick is 1: "),
        ({"share": "1.2"}, "share is '1.2': Input should be less than 1"),
        ({"mode": "slow"}, "mode is 'slow': Input should be 'fast' or 'exact'"),
        ({"start": "2026-03-01T12:00:00"}, "start is .*timezone"),
        ({"evidence": "https://me:secret@host/x"}, "evidence is"),
        ({"evidence": "no/such/folder"}, "evidence is 'no/such/folder'"),
        ({"evidence": "sample://nofault"}, "evidence is"),
    ],
)
def test_misfits_name_the_parameter_the_value_and_what_was_expected(values, message):
    with pytest.raises(ParameterError, match=message.replace("?", r"\?")):
        given_values(**values)


def test_all_misfits_are_told_at_once():
    with pytest.raises(ParameterError) as caught:
        validate(PARAMETERS, {"rows": "x", "share": "2", "nonsense": 1})
    assert all(word in str(caught.value) for word in ("rows", "share", "nonsense", "ticket"))


@given(st.floats(0.5, 1, exclude_max=True))
def test_a_float_survives_its_text(share):
    assert given_values(share=repr(share))["share"] == share


@given(st.text())
def test_any_text_is_taken_as_it_is(ticket):
    if ticket.strip().lower() not in {"none", "null", ""} and ticket.lstrip()[:1] not in {"[", "{"}:
        assert given_values(ticket=ticket)["ticket"] == ticket


@pytest.mark.parametrize("cell", ["import os", "x = 1", "x: int = f()", "print('hi')"])
def test_a_cell_of_anything_else_is_refused(cell):
    with pytest.raises(ParameterError):
        read(cell)


def test_a_type_that_templates_do_not_have_is_refused():
    with pytest.raises(ParameterError, match="Path"):
        read("x: Path = 'a'")[0].adapter()
