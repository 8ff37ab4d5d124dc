"""What a plan may say of whom to tell, the trial, and what a digest's time is."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aiopslab.cron import parse
from aiopslab.notifications.courier import without_address
from aiopslab.notifications.digest import latest
from aiopslab.notifications.message import Message, line
from aiopslab.notifications.notify import Settings

TARGET = {"name": "on call", "url": "env:ONCALL"}


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"url": "mailto://me:hunter2@example.com"}, "expected where the secret is"),
        ({"events": []}, "at least 1"),
        ({"events": ["changes"]}, "change"),
        ({"levels": ["red"]}, "ok"),
        ({"digest": {"cron": "daily 25:00"}}, "the hour is '25'"),
        ({"digest": {"timezone": "Europe/Berlino"}}, "no time zone"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_no_address_repeated(told, problem):
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"targets": [TARGET | told]})
    assert problem in str(caught.value) and "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "told",
    [
        {"targets": []},
        {"targets": [TARGET, TARGET]},
        {"targets": [TARGET], "remind": "soon"},
        {"targets": [TARGET], "link": "https://me:hunter2@example.com"},
        {"targets": [TARGET], "link": "javascript:alert(1)"},
    ],
)
def test_settings_that_do_not_fit_are_refused(told):
    with pytest.raises(ValidationError):
        Settings.model_validate(told)


def test_the_example_of_the_documentation_is_taken():
    text = (Path(__file__).parents[2] / "docs" / "factory" / "notifications.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    settings = Settings.model_validate(yaml.safe_load(example)["notify"])
    assert settings.targets[1].follows("checkout incidents")
    assert settings.targets[1].digest.cron == "00 08 * * *"


def test_daily_is_cron_in_words():
    told = Settings.model_validate({"targets": [TARGET | {"digest": {"cron": "daily 08:30"}}]})
    assert told.targets[0].digest.cron == "30 08 * * *"


@given(st.integers(0, 2 * 365 * 86400), st.integers(0, 3))
def test_the_last_time_of_a_cron_line_is_the_last(second, which):
    """The oracle walks back minute by minute, on a clock that never changes."""
    text = ["*/7 * * * *", "30 6,18 * * *", "0 8 * * mon-fri", "15 4 1 * sun"][which]
    cron, now = parse(text), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    at = now.replace(second=0, microsecond=0)
    while not (
        at.minute in cron.minutes
        and at.hour in cron.hours
        and (
            at.day in cron.days or at.isoweekday() % 7 in cron.weekdays
            if cron.is_either
            else at.day in cron.days and at.isoweekday() % 7 in cron.weekdays
        )
    ):
        at -= timedelta(minutes=1)
    assert latest(cron, now, "UTC") == at


@given(st.text())
def test_a_subject_is_one_printable_line(text):
    told = line(text)
    assert told.isprintable() and "<" not in told and "\n" not in told


def test_nobody_is_called_by_what_a_log_says():
    loud = Message("@everyone look", "<p>&lt;!channel&gt; @here</p>")
    quiet = loud.calling_nobody()
    assert "@everyone" not in quiet.subject
    assert "@here" not in quiet.html and "!channel" not in quiet.html


def test_every_part_of_an_address_is_hidden():
    url = "slack://Tok%2Fen123/BBBB/CCCC/#general"
    said = without_address(f"{url}: no Tok/en123 Tok%2Fen123 in general", url)
    assert not any(each in said for each in ("Tok", "BBBB", "general"))


def test_the_trial_says_who_got_it(aiopslab, tmp_path, monkeypatch):
    plan = tmp_path / "plan.yml"
    plan.write_text("reports: []\nnotify:\n  targets:\n    - {name: a, url: env:NOWHERE}\n")
    monkeypatch.setenv("NOWHERE", "nosuch://T0K3N-of-the-hook")
    code, told, _ = aiopslab("notify", "test", plan)
    assert code == 1 and "a was not told" in told and "T0K3N" not in told
    code, _, told = aiopslab("notify", "test", plan, "--target", "b")
    assert code == 2 and "no target is named 'b'" in told
    plan.write_text("notify:\n  targets:\n    - {name: a, url: json://T0K3N-of-the-hook}\n")
    code, _, told = aiopslab("notify", "test", plan)
    assert code == 2 and "line 3" in told and "T0K3N" not in told
    plan.write_text("reports: []")
    code, _, told = aiopslab("notify", "test", plan)
    assert code == 2 and "nobody is told" in told
