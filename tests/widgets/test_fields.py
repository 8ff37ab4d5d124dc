"""The fields of a form, typed into as a browser does: what they take, refuse, mask and say."""

from datetime import UTC, datetime, timedelta

import ipywidgets as widgets
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.reports import find, templates
from aiopslab.reports.parameters import read, validate
from aiopslab.widgets.controls import as_typed
from aiopslab.widgets.fields import MASKED, Field, Form
from tests.notebooks import template

CELL = """
evidence: sources.Url = "sample://no-fault"  # Where it is
ticket: str  # The <b>ticket</b>
share: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
start: AwareDatetime | None = None  # From when
mode: Literal["fast", "exact"] = "fast"
saves: Literal["cost", "time"] | None = None
rows: Annotated[int, Field(ge=1, lt=50)] = 10
least: Annotated[int, Field(ge=1)] = 1
windows: Annotated[int, Field(ge=1)] | durations.Duration | None = None
quick: bool = False
sure: bool | None = None
ids: list[str] = []
also: list[sources.Url] = []
limits: dict[str, float] = {}
endpoint: str | None = None  # Its key comes from AIOPSLAB_LLM_TOKEN
"""
PARAMETERS = {each.name: each for each in read(CELL)}


def field(name):
    return Field(PARAMETERS[name])


def alert(field):
    """Return what a browser shows beside a field, as text."""
    read = BeautifulSoup(field.box.children[-1].value, "html.parser")
    return " ".join(each.get_text() for each in read.find_all(role="alert"))


@pytest.mark.parametrize(
    ("name", "kind", "helper"),
    [
        ("evidence", widgets.Combobox, None),
        ("ticket", widgets.Text, None),
        ("share", widgets.Text, widgets.FloatSlider),
        ("start", widgets.Text, widgets.NaiveDatetimePicker),
        ("mode", widgets.Dropdown, None),
        ("saves", widgets.Dropdown, None),
        ("rows", widgets.Text, widgets.IntSlider),
        ("least", widgets.Text, None),
        ("windows", widgets.Combobox, None),
        ("quick", widgets.Checkbox, None),
        ("sure", widgets.Dropdown, None),
        ("ids", widgets.Textarea, None),
        ("limits", widgets.Textarea, None),
    ],
)
def test_a_control_fits_its_type(name, kind, helper):
    made = field(name)
    assert type(made.control) is kind
    assert type(made.helper) is (helper or type(None))
    assert made.control.description.startswith(name)


def test_every_template_has_a_form_that_starts_as_its_defaults():
    for each in templates():
        form = Form(each)
        assert form.values() == validate(each.parameters, {})
        assert form.changed() == {} and form.misfits() == []


@pytest.mark.parametrize(
    ("name", "wrong", "said", "right", "value"),
    [
        ("share", "1.2", "less than 1", "0.9", 0.9),
        ("rows", "many", "valid integer", "7", 7),
        ("start", "yesterday", "valid datetime", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
        ("start", "2026-03-01T12:00", "timezone", "", None),
        (
            "evidence",
            "sample://nofault",
            "no-fault",
            "sample://cache-crash",
            "sample://cache-crash",
        ),
        ("evidence", "no/such/file", "no/such/file", ".", "."),
        ("windows", "soon", "duration", "7D", "7D"),
        ("windows", "0", "greater than or equal to 1", "25", 25),
        ("ids", "[1", "JSON", '["a", "b"]', ["a", "b"]),
        ("ids", "", "list", "[]", []),
        ("limits", '{"disk": "full"}', "number", '{"disk": 5}', {"disk": 5.0}),
        (
            "also",
            '["sample://nofault"]',
            "no-fault",
            '["sample://no-fault"]',
            ["sample://no-fault"],
        ),
    ],
)
def test_a_misfit_is_told_beside_its_field_until_it_is_mended(name, wrong, said, right, value):
    made = field(name)
    assert alert(made) == ""
    made.control.value = wrong
    assert said in alert(made) and "→" in alert(made)
    assert made.value is None and not made.is_changed and made.control.value == wrong
    made.control.value = right
    assert (alert(made), made.problem, made.value) == ("", "", value)


@settings(max_examples=30)
@given(text=st.text())
def test_any_text_is_judged_as_a_run_judges_it(text):
    for name in ("share", "start", "ids", "windows", "evidence"):
        made = field(name)
        made.control.value = text
        try:
            expected = validate([PARAMETERS[name]], {name: text})[name]
        except ParameterError:
            assert made.problem
        else:
            assert (made.problem, made.value) == ("", expected)


def test_a_required_value_is_marked_and_missed_until_there_is_one():
    made = field("ticket")
    assert made.control.description == "ticket *" and "required" in alert(made)
    made.control.value = "T-1"
    assert (alert(made), made.value, made.is_changed) == ("", "T-1", True)
    made.control.value = ""
    assert "required" in made.problem
    (choice,) = read('mode: Literal["fast", "exact"]')
    must_choose = Field(choice)
    assert must_choose.control.value is None and "required" in must_choose.problem
    must_choose.control.value = "exact"
    assert must_choose.value == "exact"


def test_a_default_is_shown_and_is_no_change():
    made = field("share")
    assert "default: 0.95" in made.box.children[1].value
    assert made.control.value == "0.95" and not made.is_changed
    made.control.value = "0.9"
    assert made.is_changed
    made.control.value = "0.950"
    assert not made.is_changed


def test_a_slider_writes_the_text_and_follows_it():
    made = field("share")
    assert (made.helper.min, made.helper.max) == (0.5, 0.995)
    made.helper.value = 0.8
    assert (made.control.value, made.value) == ("0.8", 0.8)
    made.control.value = "0.9999"
    assert (made.helper.value, made.value) == (0.995, 0.9999)
    made.control.value = "2"
    assert made.helper.value == 0.995 and made.control.value == "2"
    whole = field("rows")
    assert (whole.helper.min, whole.helper.max) == (1, 49)
    whole.helper.value = 12
    assert whole.value == 12


def test_a_calendar_is_of_utc_whatever_offset_was_typed():
    made = field("start")
    assert made.helper.value is None
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    made.helper.value = noon.replace(tzinfo=None)
    assert made.value == "2026-03-01T12:00:00Z"
    made.control.value = "2026-03-01T13:00:15+02:00"
    assert made.helper.value == (noon - timedelta(minutes=59, seconds=45)).replace(tzinfo=None)
    assert made.value == "2026-03-01T13:00:15+02:00"
    made.helper.value = None
    assert (made.control.value, made.value) == ("", None)


def test_sources_and_durations_are_suggested_and_can_be_typed():
    assert "sample://retriever-latency" in field("evidence").control.options
    assert not field("evidence").control.ensure_option
    assert "30min" in field("windows").control.options


def test_picked_values_keep_their_type():
    assert [value for _, value in field("saves").control.options] == [None, "cost", "time"]
    made = field("sure")
    made.control.value = False
    assert made.value is False and made.is_changed
    made = field("quick")
    made.control.value = True
    assert made.value is True


@pytest.mark.parametrize(
    ("name", "secret", "instead"),
    [
        ("evidence", "loki+http://me:hunter2@host:3100", "AIOPSLAB_LOKI_TOKEN"),
        ("endpoint", "https://me:hunter2@host/v1", "environment"),
        ("endpoint", "https://host/v1?api_key=hunter2", "environment"),
        ("also", '["tempo+http://host?token=hunter2', "AIOPSLAB_TEMPO_TOKEN"),
        ("limits", '{"https://me:hunter2@host/x": 1}', "environment"),
    ],
)
def test_credentials_are_refused_masked_and_not_repeated(name, secret, instead):
    made = field(name)
    made.control.value = secret
    assert MASKED in made.control._dom_classes
    assert instead in alert(made) and "hunter2" not in alert(made) + made.problem
    assert made.value is None and not made.is_changed
    made.control.value = as_typed(PARAMETERS[name].default)
    assert MASKED not in made.control._dom_classes and alert(made) == ""


@settings(max_examples=40)
@given(text=st.text(st.sampled_from("<>&'\"abc/ ")))
def test_markup_that_is_typed_or_written_in_a_template_stays_text(text):
    made = field("mode" if not text else "start")
    if text:
        made.control.value = text
    read = BeautifulSoup(made.box.children[-1].value, "html.parser")
    assert {each.name for each in read.find_all()} <= {"div", "br"}
    assert "The &lt;b&gt;ticket" in field("ticket").box.children[1].value


def test_a_form_is_filled_by_name_with_values_of_python_or_text(tmp_path):
    form = Form(find(str(template(tmp_path / "made.ipynb", parameters=CELL))))
    form.fill(
        {
            "ticket": "T-1",
            "share": 0.9,
            "start": pd.Timestamp("2026-03-01 12:00", tz="Europe/Berlin"),
            "quick": "true",
            "mode": "exact",
            "ids": ["a"],
            "windows": 25,
        }
    )
    assert form.changed() == {
        "ticket": "T-1",
        "share": 0.9,
        "start": "2026-03-01T12:00:00+01:00",
        "mode": "exact",
        "windows": 25,
        "quick": True,
        "ids": ["a"],
    }
    assert form.values() == validate(form.template.parameters, form.changed())


def test_all_misfits_of_a_form_are_told_at_once(tmp_path):
    told = []
    made = find(str(template(tmp_path / "made.ipynb", parameters=CELL)))
    form = Form(made, lambda: told.append(1))
    form.fill({"share": 2, "start": pd.Timestamp("2026-03-01"), "ids": "x"})
    assert len(told) == 3
    assert [each.parameter.name for each in form.misfits()] == ["ticket", "share", "start", "ids"]
    with pytest.raises(ParameterError) as caught:
        form.values()
    assert all(f"{each.parameter.name}" in caught.value.problem for each in form.misfits())
    assert form.fields["share"].control.value == "2"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"shares": 1}, "Did you mean 'share'"),
        ({"mode": "slow"}, "'fast' or 'exact'"),
        ({"quick": "perhaps"}, "boolean"),
    ],
)
def test_what_has_no_place_in_a_form_is_refused(tmp_path, values, said):
    form = Form(find(str(template(tmp_path / "made.ipynb", parameters=CELL))))
    with pytest.raises(ParameterError, match=said):
        form.fill(values)


def test_a_secret_that_is_typed_is_hidden_until_it_is_a_reference():
    (parameter,) = read("token: Secret  # Of the service")
    field = Field(parameter)
    field.control.value = "hunter2"
    assert MASKED in field.control._dom_classes
    assert field.problem and "hunter2" not in field.problem
    field.control.value = "env:API_TOKEN"
    assert MASKED not in field.control._dom_classes and field.value == "env:API_TOKEN"
