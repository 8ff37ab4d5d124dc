"""Who is told of what: over a real SMTP server and a real webhook, both on loopback."""

import json
import os
import socket
from email import message_from_bytes, policy

import numpy as np
import plotly.graph_objects as go
import pytest
from aiosmtpd.controller import Controller
from apprise import Apprise

from aiopslab.notifications.notify import Settings, send_digests, tell
from aiopslab.reports.record import PAGE
from tests.reports.hook import Hook
from tests.reports.made_records import START, ran, verdict

NASTY = "<img src=x onerror=alert(1)>\r\nBcc: all@example.com \x1b[2J"


@pytest.fixture(autouse=True, scope="module")
def imported():
    """No target waits for what is imported once."""
    assert Apprise.instantiate("json://localhost")
    assert Apprise.instantiate("mailto://me:pass@example.com")


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def mailbox(monkeypatch):
    """A real SMTP server; its address is behind env:MAIL_URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    monkeypatch.setenv("MAIL_URL", f"mailto://127.0.0.1:{port}?from=lab@a.com&to=me@b.com")
    yield box
    server.stop()


@pytest.fixture
def hook(monkeypatch):
    hook = Hook()
    monkeypatch.setenv("HOOK_URL", hook.url)
    yield hook
    hook.close()


def settings(*targets, **others):
    named = [{"name": f"t{n}", "url": "env:HOOK_URL"} | each for n, each in enumerate(targets)]
    return Settings.model_validate(
        {"targets": named or [{"name": "t", "url": "env:HOOK_URL"}], **others}
    )


def follow(folder, told, states, hook, step_h=1.0):
    """Run a series through states; return the subject that each led to, or None."""
    previous, subjects = None, []
    for at, state in enumerate(states):
        record = ran(state, at * step_h)
        before = len(hook.got)
        assert tell(record, previous, told, folder) == []
        subjects.append(hook.subjects[-1] if len(hook.got) > before else None)
        previous = record
    return subjects


def leads(subjects):
    return [each and each.split(": ")[0] for each in subjects]


def test_every_change_failure_and_recovery_is_told_once(hook, tmp_path):
    states = ["ok", "ok", "watch", "watch", "act", "ok", "failed", "failed", "ok", "failed", "act"]
    assert leads(follow(tmp_path, settings(), states, hook)) == [
        None,
        None,
        "◐ watch (was ok)",
        None,
        "▲ act (was watch)",
        "✓ ok again (was act)",
        "✕ failed (was ok)",
        None,
        "✓ ok again (was failed)",
        "✕ failed (was ok)",
        "▲ act (was failed)",
    ]


@pytest.mark.parametrize(
    ("first", "told"),
    [("ok", None), ("watch", "◐ watch"), ("act", "▲ act"), ("failed", "✕ failed")],
)
def test_a_first_run_is_news_unless_it_is_well(hook, tmp_path, first, told):
    assert leads(follow(tmp_path, settings(), [first], hook)) == [told]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"events": ["failure"]}, [0, 0, 0, 0, 1, 0]),
        ({"events": ["recovery"]}, [0, 0, 0, 1, 0, 1]),
        ({"events": ["change"]}, [0, 1, 1, 1, 0, 0]),
        ({"levels": ["act"]}, [0, 0, 1, 1, 1, 1]),
        ({"levels": ["act"], "events": ["change"]}, [0, 0, 1, 1, 0, 0]),
        ({"series": ["check*"]}, [0, 1, 1, 1, 1, 1]),
        ({"series": ["Check*", "other"]}, [0, 0, 0, 0, 0, 0]),
    ],
)
def test_each_target_is_told_what_it_asked_for(hook, tmp_path, target, expected):
    states = ["ok", "watch", "act", "ok", "failed", "ok"]
    subjects = follow(tmp_path, settings(target), states, hook)
    assert [int(each is not None) for each in subjects] == expected


def test_what_still_stands_is_told_again_after_a_day_by_the_clock_of_the_runs(hook, tmp_path):
    states = ["failed"] * 50
    at = [hour for hour, each in enumerate(follow(tmp_path, settings(), states, hook)) if each]
    assert at == [0, 24, 48]
    assert "still failed since 2026-03-01 00:01 UTC" in hook.subjects[1]
    hook.got.clear()
    once = follow(tmp_path / "once", settings(remind="never"), ["act"] * 50, hook)
    assert [each for each in once if each] == hook.subjects and len(hook.got) == 1


def test_another_failure_is_news_and_the_same_one_with_another_number_is_not(hook, tmp_path):
    told = settings()
    for hour, error in enumerate(["TimeoutError", "TimeoutError", "KeyError"]):
        tell(ran("failed", hour, error=error), None, told, tmp_path)
    assert len(hook.got) == 2


def test_series_are_told_apart_and_a_late_run_changes_nothing(hook, tmp_path):
    told = settings()
    tell(ran("act", 2, series="a"), None, told, tmp_path)
    tell(ran("act", 2, series="../b"), None, told, tmp_path)
    tell(ran("ok", 1, series="a"), None, told, tmp_path)  # began earlier, ended later
    assert len(hook.got) == 2
    assert {each.parent for each in tmp_path.rglob("*.json")} == {tmp_path / ".notify"}


def test_the_last_run_before_anybody_was_told_is_what_a_first_message_is_held_against(
    hook, tmp_path
):
    tell(ran("act", 1), ran("act", 0), settings(), tmp_path)
    assert hook.got == []
    tell(ran("ok", 1, series="b"), ran("failed", 0, series="b"), settings(), tmp_path)
    assert leads(hook.subjects) == ["✓ ok again (was failed)"]


def test_a_mail_has_headline_picture_and_link_as_text_and_html(mailbox, tmp_path):
    record = ran(
        "act", verdict=verdict("act", NASTY, {"error rate <b>": 0.25}), title=NASTY, plan=""
    )
    home = tmp_path / record.id
    home.mkdir()
    figure = json.loads(go.Figure(go.Scatter(x=[1, 2], y=np.array([3.0, 1.0]))).to_json())
    assert "bdata" in figure["data"][0]["y"], "plotly packs arrays"
    output = {"output_type": "display_data", "data": {"application/vnd.plotly.v1+json": figure}}
    (home / "notebook.ipynb").write_text(json.dumps({"cells": [{}, {"outputs": [output]}]}))
    told = settings({"url": "env:MAIL_URL"}, link="https://reports.example.com/ops/")
    assert tell(record, None, told, tmp_path) == []
    (mail,) = mailbox.mails
    assert mail["Subject"].startswith("▲ act: ‹img src=x onerror=alert(1)› Bcc: all@example.com")
    assert "Bcc" not in mail and mail.get_all("To") == ["me@b.com"]
    parts = {each.get_content_type(): each for each in mail.walk()}
    link = f"https://reports.example.com/ops/{record.id}/{PAGE}"
    html, text = (parts[kind].get_content() for kind in ("text/html", "text/plain"))
    assert "<img src=x" not in html and "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "\x1b" not in html and "<b>0.25</b>" in html and "error rate &lt;b&gt;" in html
    assert f'<a href="{link}">' in html and link in text and "0.25" in text
    picture = parts["image/png"]
    assert picture.get_content()[:4] == b"\x89PNG" and picture.get_filename() == "figure.png"
    assert 'src="cid:figure.png"' in html
    assert "github" not in mail.as_string().lower()


def test_no_picture_is_no_reason_to_keep_quiet(hook, tmp_path):
    record = ran("act")
    (tmp_path / record.id).mkdir()
    (tmp_path / record.id / "notebook.ipynb").write_text('{"cells": [{"outputs": [{"data": 1}]}]}')
    assert tell(record, None, settings(), tmp_path) == []
    assert hook.got[0]["attachments"] == []
    assert (tmp_path / record.id / PAGE).as_uri() in hook.got[0]["message"]


def test_a_target_that_fails_is_tried_again_then_noted_and_told_with_the_next_run(
    hook, tmp_path, caplog
):
    hook.answers = [503, 200]
    assert tell(ran("act", 0), None, settings(), tmp_path) == []
    assert (hook.asked, len(hook.got)) == (2, 1)
    hook.answers = [503] * 9
    (note,) = tell(ran("failed", 1), None, settings(patience="2s"), tmp_path)
    assert note.startswith("t was not told: ") and len(hook.got) == 1
    secrets = ("hunter2pass", "T0K3N-of-the-hook", os.environ["HOOK_URL"])
    state = "".join(each.read_text() for each in tmp_path.rglob("*.json"))
    assert not any(each in place for each in secrets for place in (note, caplog.text, state))
    assert note in caplog.text
    hook.answers = []
    assert tell(ran("failed", 2), None, settings(), tmp_path) == []
    assert "failed (was act)" in hook.subjects[-1]


def test_a_recovery_that_did_not_arrive_is_told_later_also_where_nothing_was_told_before(
    hook, tmp_path
):
    hook.answers = [503] * 9
    failed = ran("failed", 0)
    assert tell(ran("ok", 1), failed, settings(patience="2s"), tmp_path) != []
    hook.answers = []
    assert tell(ran("ok", 2), ran("ok", 1), settings(), tmp_path) == []
    assert leads(hook.subjects) == ["✓ ok again (was failed)"]


def test_one_target_that_hangs_holds_up_neither_the_run_nor_the_others(hook, mailbox, tmp_path):
    hook.gate.clear()
    told = settings({}, {"url": "env:MAIL_URL"}, patience="2s")
    (note,) = tell(ran("act"), None, told, tmp_path)
    assert (hook.got, hook.asked) == ([], 1), "the webhook still holds what it was asked"
    assert note == "t0 did not answer within 2 s" and len(mailbox.mails) == 1
    hook.gate.set()


@pytest.mark.parametrize(
    ("url", "reason"),
    [("nosuch://T0K3N-of-the-hook", "none that Apprise knows"), ("", ""), (None, "")],
)
def test_an_address_that_is_none_is_a_note(monkeypatch, tmp_path, url, reason):
    if url is None:
        monkeypatch.delenv("HOOK_URL", raising=False)
    else:
        monkeypatch.setenv("HOOK_URL", url)
    (note,) = tell(ran("act"), None, settings(), tmp_path)
    assert note.startswith("t was not told") and reason in note and "T0K3N" not in note


def test_a_state_that_cannot_be_kept_or_read_is_no_failure_of_the_run(hook, tmp_path):
    (tmp_path / ".notify").write_text("a file where a folder should be")
    (note,) = tell(ran("act"), None, settings(), tmp_path)
    assert note.startswith("nobody was told")
    (tmp_path / ".notify").unlink()
    tell(ran("act"), None, settings(), tmp_path)
    (state,) = (tmp_path / ".notify").glob("*.series.json")
    state.write_text("{torn")
    assert tell(ran("act", 1), None, settings(), tmp_path) == []
    assert len(hook.got) == 2


def test_a_digest_collects_and_is_sent_when_its_time_has_come(hook, tmp_path):
    daily = {"digest": {"cron": "daily 08:00", "timezone": "Europe/Berlin"}}
    told = settings(daily, link="https://reports.example.com")
    states = ["ok", "act", "act", "ok", "failed", "ok", "ok"]  # at 00:01 … 06:01 UTC
    follow(tmp_path, told, states, hook)
    assert hook.got == []
    tell(ran("ok", 7), None, told, tmp_path)  # 08:01 in Berlin
    (sent,) = hook.got
    assert sent["title"] == "Reports: 4 changed; 8 ran: 5 ok, 2 act, 1 failed"
    assert sent["message"].count('href="https://reports.example.com/made-') == 4
    assert (
        "act (was ok)" in sent["message"]
        and "https://reports.example.com/index.html" in sent["message"]
    )
    tell(ran("act", 8), None, told, tmp_path)
    assert len(hook.got) == 1
    assert send_digests(told, tmp_path, START.replace(day=2, hour=6)) == []
    assert len(hook.got) == 1  # 07:00 in Berlin
    assert send_digests(told, tmp_path, START.replace(day=2, hour=9)) == []
    assert hook.subjects[-1] == "Reports: 1 changed; 1 ran: 1 act"


def test_a_digest_that_cannot_be_sent_is_kept(hook, tmp_path):
    told = settings({"digest": {"cron": "0 * * * *"}}, patience="2s")
    tell(ran("act", 0), None, told, tmp_path)
    hook.answers = [503] * 9
    (note,) = tell(ran("act", 1), None, told, tmp_path)
    assert "t0 was not told" in note
    hook.answers = []
    assert tell(ran("ok", 2), None, told, tmp_path) == []
    assert hook.subjects == ["Reports: 2 changed; 3 ran: 1 ok, 2 act"]
