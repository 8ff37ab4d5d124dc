"""A deed is permitted, denied or approved by others, and the trail tells what came of it."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from aiopslab.governance import (
    AuditError,
    Denied,
    Move,
    PolicyError,
    Run,
    Trail,
    approve,
    authorise,
    doing,
    user,
)
from aiopslab.governance import approval as approvals

POLICY = """\
@id("leads-move")
permit (principal, action in [Action::"promote", Action::"rollback"], resource);

@id("leads-approve")
permit (principal in Group::"leads", action == Action::"approve", resource);

@id("four-eyes")
@owner("model-board@example.com")
@reason("A champion answers customers.")
forbid (principal, action == Action::"promote", resource is Model)
when { context.alias == "champion" }
unless { context.approvals >= 1 };

@id("six-eyes")
forbid (principal, action == Action::"promote", resource == Model::"fraud")
unless { context.approvals >= 2 };

@id("frozen")
forbid (principal, action, resource == Model::"frozen");
"""
LOANS = Move("promote", "models:/loans", "champion", "7")


@pytest.fixture
def trail(tmp_path, monkeypatch):
    (tmp_path / "policy.cedar").write_text(POLICY)
    (tmp_path / "groups.yml").write_text("groups:\n  leads: [ana, kim, carl]\n")
    monkeypatch.setenv("AIOPSLAB_POLICY", str(tmp_path))
    return Trail(tmp_path / "audit.jsonl")


def decisions(trail):
    return [(each["event"], each["principal"], each["decision"]) for each in trail.records()]


def denied(deed, who="bob"):
    with pytest.raises(Denied) as caught:
        authorise(deed, who)
    assert caught.value.exit_code == 4
    return str(caught.value)


def number(told):
    return int(told.partition("policy approve ")[2].split()[0])


def test_what_lacks_an_approval_says_who_can_give_it_and_how(trail):
    told = denied(LOANS)
    assert "bob may not promote version 7 of models:/loans to champion" in told
    assert "four-eyes (line 7)" in told and "A champion answers customers." in told
    assert "It takes 1 approval by others and has 0." in told
    assert "`aiopslab policy approve 1 --reason …`" in told and "model-board@example.com" in told
    (record,) = trail.records()
    assert (record["model"], record["alias"], record["lacks"]) == ("loans 7", "champion", 1)
    assert record["rules"] == ["four-eyes"]


def test_another_approves_and_it_is_good_for_one_deed(trail):
    approve(number(denied(LOANS)), "holds on all segments", "ana")
    with doing(LOANS, data="5" * 64) as known:
        known["before"] = 6
    assert decisions(trail) == [
        ("promote", "bob", "deny"),
        ("approve", "ana", "permit"),
        ("promote", user(), "permit"),
        ("promote", user(), "done"),
    ]
    *_, permitted, done = trail.records()
    assert permitted["approved_by"] == done["approved_by"] == ["ana"]
    assert (done["data"], done["before"]) == ("5" * 64, 6)
    assert "has 0" in denied(LOANS)


def test_an_approval_by_who_acts_counts_nothing(trail):
    told = denied(LOANS)
    with pytest.raises(Denied, match="bob asked for record 1"):
        approve(number(told), "I am sure", "bob")
    approve(number(told), "fine", "ana")
    assert "has 0" in denied(LOANS, "ana")
    authorise(LOANS, "bob")


@pytest.mark.parametrize(
    "other",
    [
        Move("promote", "models:/loans", "champion", "8"),
        Move("promote", "models:/cards", "champion", "7"),
    ],
)
def test_an_approval_is_of_that_deed_and_no_other(trail, other):
    approve(number(denied(LOANS)), "fine", "ana")
    assert "has 0" in denied(other)


def test_where_two_must_approve_two_people_do(trail):
    fraud = Move("promote", "models:/fraud", "champion", "2")
    told = denied(fraud)
    assert "It takes 2 approvals by others and has 0." in told
    for _ in range(2):
        approve(number(told), "fine", "ana")
    assert "has 1" in denied(fraud)
    approve(number(told), "fine", "kim")
    authorise(fraud, "bob")


def test_who_may_not_approve_is_denied_and_recorded(trail):
    told = denied(LOANS)
    with pytest.raises(Denied, match="dora may not approve promote of loans"):
        approve(number(told), "fine", "dora")
    assert decisions(trail)[-1] == ("approve", "dora", "deny")
    assert "has 0" in denied(LOANS)


def test_an_approval_grows_old(trail, monkeypatch):
    approve(number(denied(LOANS)), "fine", "ana")
    monkeypatch.setattr(approvals, "LASTS_IN_TRAIL", timedelta(seconds=-1))
    assert "has 0" in denied(LOANS)


def test_what_no_approval_would_change_asks_for_none(trail):
    told = denied(Move("promote", "models:/frozen", "champion", "1"))
    assert "frozen (line 18)" in told and "policy approve" not in told
    with pytest.raises(PolicyError, match="lacks no approval"):
        approve(1, "fine", "ana")
    with pytest.raises(PolicyError, match="lacks no approval"):
        approve(99, "fine", "ana")


@pytest.mark.parametrize("reason", ["", " ", "a\nb", "\x1b[2J"])
def test_an_approval_has_a_reason_in_a_line(trail, reason):
    told = denied(LOANS)
    with pytest.raises(Denied, match="reason of the approval"):
        approve(number(told), reason, "ana")
    assert "has 0" in denied(LOANS)


def test_nothing_is_approved_where_nothing_is_asked(monkeypatch):
    with pytest.raises(PolicyError, match="there is no policy"):
        approve(1, "fine", "ana")


def test_what_failed_is_recorded_without_what_it_said(trail):
    deed = Move("rollback", "models:/loans", "champion", "6")
    with pytest.raises(RuntimeError), doing(deed):
        raise RuntimeError("password=hunter2")
    assert [each["decision"] for each in trail.records()] == ["permit", "failed"]
    assert "hunter2" not in trail.path.read_text() and "RuntimeError" in trail.path.read_text()


def test_what_is_denied_is_not_done(trail):
    done = []
    with pytest.raises(Denied), doing(LOANS):
        done.append("it")
    assert done == []


def test_a_trail_that_cannot_be_written_denies_and_nothing_is_done(trail, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(trail.path / "in" / "a" / "file"))
    trail.path.write_text("")
    done = []
    with (
        pytest.raises(Denied, match="cannot be recorded"),
        doing(Move("rollback", "models:/loans", "champion", "6")),
    ):
        done.append("it")
    assert done == []


def test_a_trail_alone_records_and_permits(trail, monkeypatch):
    monkeypatch.delenv("AIOPSLAB_POLICY")
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(trail.path))
    with doing(LOANS):
        pass
    with doing(Run("drift", ("https://me:hunter2@host:99999/x?token=hunter2", "\ud800"))):
        pass
    assert [each["decision"] for each in trail.records()] == ["permit", "done"] * 2
    assert "hunter2" not in trail.path.read_text()


def test_what_was_done_but_cannot_be_recorded_says_so(trail):
    with (
        pytest.raises(AuditError, match="was done, but"),
        doing(Move("rollback", "models:/loans", "champion", "6")),
    ):
        trail.path.write_text("torn")


def test_a_trail_that_was_changed_denies_what_others_approve(trail):
    approve(number(denied(LOANS)), "fine", "ana")
    content = trail.path.read_bytes()
    trail.path.write_bytes(content.replace(b'"ana"', b'"kim"', 1))
    assert "was changed" in denied(LOANS)


def test_a_policy_with_a_syntax_error_denies_and_says_where(trail):
    (trail.path.parent / "policy.cedar").write_text("permit (principal action, resource);")
    told = denied(LOANS)
    assert "line 1, column 19" in told and "nothing is permitted until it is mended" in told
    assert decisions(trail) == [("promote", "bob", "deny")]


def test_a_rule_that_names_no_action_says_how_to_mend_it(trail):
    (trail.path.parent / "policy.cedar").write_text(
        'permit (principal, action, resource) when { context.source.scheme == "sample" };'
    )
    assert 'action == Action::"run"' in denied(Run("drift"))


def test_a_subject_that_is_none_is_no_question(trail):
    with pytest.raises(PolicyError, match="names no model"):
        authorise(Move("promote", "drift", "champion", "1"), "bob")


def test_the_commands_explain_and_approve(trail, aiopslab):
    folder = trail.path.parent
    ask = ("policy", "check", folder, "--as", "bob", "--action", "promote", "--on", "models:/loans")
    moved = ("--set", "alias=champion", "--set", "version=7")
    code, told, _ = aiopslab(*ask, *moved)
    assert code == 4 and "takes 1 approval" in told
    code, told, _ = aiopslab(*ask, *moved, "--approvals", "1")
    assert (code, told.split()[0]) == (0, "permitted")
    code, _, told = aiopslab(*ask, "--set", "verson=7")
    assert code == 2 and "version" in told
    assert not trail.path.exists()
    number(denied(LOANS))
    code, _, told = aiopslab("policy", "approve", "1", "--reason", "fine")
    assert code == 4 and f"{user()} may not approve" in told  # who is no lead
    (folder / "groups.yml").write_text(f"groups:\n  leads: [{json.dumps(user())}]\n")
    code, told, _ = aiopslab("policy", "approve", "1", "--reason", "fine")
    assert code == 0 and "models:/loans" in told
    authorise(LOANS, "bob")


def test_importing_governance_is_light():
    """Nothing is required where nobody names a policy; neither is its engine loaded."""
    asked = "import sys, aiopslab.governance as g\nwith g.doing(g.Run('drift')): pass\n"
    asked += "print([m for m in ('cedarpy', 'filelock', 'pydantic', 'pandas', 'yaml') "
    asked += "if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_what_is_no_approval_does_not_count(trail):
    told = {"event": "approve", "principal": "ana", "of": LOANS.digest, "reason": "fine"}
    told |= {"decision": "permit", "at": datetime.now(UTC).isoformat()}
    assert approvals.approvers([told], LOANS) == {"ana"}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for broken in ({"at": "never"}, {"at": later}, {"reason": ""}, {"reason": 7}, {"of": "5" * 64}):
        assert approvals.approvers([told | broken], LOANS) == set()
    for broken in ({"principal": None}, {"principal": ["ana"]}, {"decision": "deny"}):
        assert approvals.approvers([told | broken], LOANS) == set()
    assert approvals.approvers([told, {"event": "promote", "deed": LOANS.digest}], LOANS) == {"ana"}
