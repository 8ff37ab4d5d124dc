"""Who may run what: permitted, denied with the reason, and never by a policy that is broken."""

import json
import os
import re
from pathlib import Path
from typing import get_args
from unittest.mock import patch

import pytest

from aiopslab.governance import Denied, Move, Policy, Publication, Run, Trail
from aiopslab.governance import authorise as asked
from aiopslab.governance.schema import SCHEMA, Action

POLICY = """\
// Samples are for all, metrics for those on call.
@id("samples-for-all")
permit (principal, action == Action::"run", resource)
when { context.source.scheme == "sample" };

@id("on-call-reads-metrics")
permit (principal in Group::"on-call", action == Action::"run", resource)
when { context.source.scheme == "prometheus+https" && context.source.host == "metrics:9090" };

@id("files-of-the-team")
permit (principal in Group::"on-call", action == Action::"run", resource)
when { context.source.url like "file://HERE/data/*" };

@id("prompts-are-private")
@owner("llm-team@example.com")
@reason("Recorded calls hold what customers wrote.")
forbid (principal, action == Action::"run", resource == Template::"prompt_ab")
unless { principal in Group::"llm" };
"""
GROUPS = "owner: platform team\ngroups:\n  on-call: [ana, bob]\n  llm: [ana]\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "policy.cedar").write_text(POLICY.replace("HERE", str(tmp_path)))
    (tmp_path / "groups.yml").write_text(GROUPS)
    return tmp_path


def authorise(principal, template, sources, policy):
    with patch.dict(os.environ, {} if policy is None else {"AIOPSLAB_POLICY": str(policy)}):
        asked(Run(template, tuple(sources)), principal)


def refusal(*request):
    with pytest.raises(Denied) as caught:
        authorise(*request)
    return str(caught.value)


def audited(folder):
    return [
        (each["principal"], each["decision"]) for each in Trail(folder / "audit.jsonl").records()
    ]


def test_without_a_policy_everything_is_allowed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    authorise("eve", "prompt_ab", ["s3://customers/all.csv"], None)
    assert list(tmp_path.iterdir()) == []


def test_what_is_permitted_passes_and_is_recorded(folder):
    authorise("eve", "drift", ["sample://cpu-hog"], folder)
    authorise("bob", "drift", ["prometheus+https://metrics:9090/x?y=1"], folder)
    assert audited(folder) == [("eve", "permit"), ("bob", "permit")]
    last = list(Trail(folder / "audit.jsonl").records())[-1]
    assert last["sources"] == ["prometheus+https://metrics:9090/x"]
    assert last["rules"] == ["on-call-reads-metrics"]


def test_what_nothing_permits_is_denied_with_the_groups_and_who_can_change_it(folder):
    told = refusal("eve", "drift", ["prometheus+https://metrics:9090"], folder)
    assert "eve may not run drift on prometheus+https://metrics:9090" in told
    assert "nothing in" in told and "groups of eve: none" in told
    assert "Ask platform team, who can change" in told
    assert audited(folder) == [("eve", "deny")]


def test_what_is_forbidden_names_the_rule_its_line_its_reason_and_its_owner(folder):
    told = refusal("bob", "prompt_ab", ["sample://cpu-hog"], folder)
    assert "prompts-are-private (line 14)" in told
    assert "Recorded calls hold what customers wrote." in told
    assert "Ask llm-team@example.com" in told
    authorise("ana", "prompt_ab", ["sample://cpu-hog"], folder)


def test_every_source_must_be_permitted(folder):
    told = refusal("bob", "drift", ["sample://cpu-hog", "s3://customers/all.csv"], folder)
    assert "s3://customers/all.csv" in told and "sample://" not in told
    assert "s3://customers/x.zip" in refusal(
        "bob", "drift", ["sample://a::s3://customers/x.zip"], folder
    )


def test_a_run_without_a_source_is_one_of_the_scheme_none(folder):
    assert "no source" in refusal("bob", "drift", [], folder)
    (folder / "policy.cedar").write_text(
        'permit (principal, action == Action::"run", resource)'
        'when { context.source.scheme == "none" };'
    )
    authorise("bob", "drift", [], folder)


@pytest.mark.parametrize(
    "past",
    [
        "data/../secret.csv",
        "file://HERE/data/../secret.csv",
        "local://HERE/data/../secret.csv",
        "otlp+file://HERE/data/../secret.json",
        "link/secret.csv",
    ],
)
def test_no_path_leads_past_a_policy(folder, monkeypatch, past):
    monkeypatch.chdir(folder)
    (folder / "data").mkdir()
    (folder / "data" / "link").symlink_to(folder)
    (folder / "link").symlink_to(folder)
    authorise("bob", "drift", ["data/ours.csv"], folder)
    refusal("bob", "drift", [past.replace("HERE", str(folder))], folder)
    refusal("bob", "drift", ["data/link/secret.csv"], folder)


def test_no_spelling_of_a_host_leads_past_a_policy(folder):
    authorise("bob", "drift", ["prometheus+https://METRICS:9090"], folder)
    for url in ("metrics:9090@evil", "metrics:9090.evil", "evil/metrics:9090", "evil#metrics:9090"):
        refusal("bob", "drift", [f"prometheus+https://{url}"], folder)
    refusal("bob", "drift", ["prometheus+https://[::1]:9090"], folder)


def test_credentials_reach_neither_the_trail_nor_the_message(folder):
    source = "prometheus+https://me:hunter2@elsewhere:9090/x?token=hunter2"
    assert "hunter2" not in refusal("bob", "drift", [source], folder)
    assert "hunter2" not in (folder / "audit.jsonl").read_text()


def test_names_are_data_and_not_policy(folder):
    name = '"; permit (principal, action, resource); //\n'
    assert name in refusal(name, "drift", ["s3://b/c"], folder)
    assert next(Trail(folder / "audit.jsonl").records())["principal"] == name


def test_a_name_that_is_no_text_is_denied_and_recorded(folder):
    assert "not Unicode" in refusal("\ud800", "drift", [], folder)
    assert audited(folder) == [("\ud800", "deny")]
    assert "cannot be read" in refusal("bob", "drift", ["data/\ud800.csv"], folder)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("permit (principal action, resource);", "line 1, column 19: unexpected token `action`"),
        ("// é\npermit (principle, action, resource);", "line 2, column 9"),
        ('permit (principal, action, resource)\nwhen { "a;b" == ; };', "line 2, column 17"),
        ("permit (principal, action, resource)", "line 1, column 37: unexpected end of input"),
        ("permit (principal, action, resource) when { 1 ~ 2 };", "line 1, column 47"),
        ('permit (principal, action == Action::"rum", resource);', 'Action::"rum"'),
        ('permit (principal in Team::"x", action, resource);', "Team"),
        (
            'permit (principal, action == Action::"run", resource)'
            'when { context.source.schem == "a" };',
            "schem",
        ),
        ("forbid (principal, action, resource == ?resource);", "?slot"),
    ],
)
def test_a_broken_policy_denies_and_says_where(folder, text, where):
    (folder / "policy.cedar").write_text(text)
    told = refusal("bob", "drift", ["sample://cpu-hog"], folder)
    assert where in told and "policy.cedar" in told
    assert audited(folder) == [("bob", "deny")]


def test_a_missing_policy_denies(tmp_path):
    assert "cannot read the policy" in refusal("bob", "drift", [], tmp_path / "none.cedar")
    assert "cannot read the policy" in refusal("bob", "drift", [], tmp_path)


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        ("groups: [ana", "not YAML"),
        ("groups:\n  a: ana\n", "a is not a list of user names"),
        ("people: {}", "expected `groups` and `owner`"),
        ("- a", "expected `groups` and `owner`"),
        ("a: &a [x]\ngroups: {b: [*a, *a]}", "expected `groups` and `owner`"),
        ("groups: {b: [[x]]}", "b is not a list"),
    ],
)
def test_broken_groups_deny(folder, groups, problem):
    (folder / "groups.yml").write_text(groups)
    assert problem in refusal("bob", "drift", ["sample://cpu-hog"], folder)


def test_groups_in_groups_come_from_cedars_own_entities(folder):
    (folder / "groups.yml").unlink()
    entities = [
        {"uid": {"type": "User", "id": "kim"}, "parents": [{"type": "Group", "id": "night"}]},
        {"uid": {"type": "Group", "id": "night"}, "parents": [{"type": "Group", "id": "on-call"}]},
    ]
    text = json.dumps([each | {"attrs": {}} for each in entities])
    (folder / "entities.json").write_text(text)
    authorise("kim", "drift", ["prometheus+https://metrics:9090"], folder)
    assert "groups of kim: night, on-call" in refusal("kim", "drift", ["s3://b/c"], folder)
    (folder / "groups.yml").write_text(GROUPS)
    assert "Keep one" in refusal("kim", "drift", [], folder)


def test_a_decision_that_cannot_be_recorded_is_a_denial(folder, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(folder / "policy.cedar" / "audit.jsonl"))
    told = refusal("bob", "drift", ["sample://cpu-hog"], folder)
    assert "cannot be recorded" in told and "AIOPSLAB_AUDIT" in told
    assert "nothing in" in refusal("bob", "drift", ["s3://b/c"], folder)


def test_a_file_alone_is_a_policy_too(folder):
    decision = Policy.read(folder / "policy.cedar").decide("bob", Run("drift", ("sample://x",)))
    assert decision.allowed and decision.rules == ("samples-for-all",)


def test_the_command_checks_and_explains(folder, aiopslab):
    code, told, _ = aiopslab("policy", "check", folder)
    assert code == 0 and "prompts-are-private (line 14)" in told
    ask = ("policy", "check", folder, "--as", "bob", "--template")
    code, told, _ = aiopslab(*ask, "drift", "--source", "sample://cpu-hog")
    assert (code, told.split()[0]) == (0, "permitted")
    code, told, _ = aiopslab(*ask, "prompt_ab", "--source", "sample://cpu-hog")
    assert code == 4 and "llm-team@example.com" in told
    assert not (folder / "audit.jsonl").exists()
    (folder / "policy.cedar").write_text("permit (")
    code, _, told = aiopslab("policy", "check", folder)
    assert code == 2 and "line 1, column 9" in told


def test_the_example_of_the_documentation_decides_as_it_says(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "governance.md").read_text()
    policy, people, *_ = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    (tmp_path / "policy.cedar").write_text(policy)
    (tmp_path / "groups.yml").write_text(people)
    known = Policy.read(tmp_path)
    metrics = ("prometheus+https://metrics.example.com/x",)
    assert known.decide("eve", Run("drift", ("sample://no-fault",))).allowed
    assert known.decide("bob", Run("drift", metrics)).allowed
    assert not known.decide("bob", Run("overview", metrics)).allowed
    assert not known.decide("eve", Run("drift", metrics)).allowed
    denied = known.decide("bob", Run("prompt_ab", ("sample://no-fault",)))
    assert denied.remedy.startswith("Ask llm-team@example.com")
    assert denied.why.partition(" of ")[0] in text
    moved = Move("promote", "models:/loans", "champion", "7")
    denied, permitted = (known.decide("bob", moved, approvals) for approvals in (0, 1))
    assert denied.why.replace(str(tmp_path), "policy") in text and denied.lacks == 1
    assert permitted.why.replace(str(tmp_path), "policy") in text
    outputs = (("incident", "act"),)
    for to, edition, may in [
        ("s3://bucket/team", "internal", False),
        ("s3://bucket/team", "redacted", True),
        (str(tmp_path), "internal", True),
    ]:
        leaving = Publication("reports", to, edition, outputs, "")
        assert known.decide("ana", leaving).allowed is may
        assert not known.decide("eve", leaving).allowed


def test_the_documentation_names_every_action_and_all_of_its_context():
    text = (Path(__file__).parents[2] / "docs" / "governance.md").read_text()
    table = text.partition("| action |")[2].partition("Name the action")[0]
    for name in get_args(Action):
        assert f"`{name}`" in table
    contexts = re.findall(r"context: \{(.*?)\n?    \}|context: \{(.*?)\}", SCHEMA, re.DOTALL)
    for name in re.findall(r"(\w+): (?:String|Long|Source|Set)", str(contexts)):
        assert f"`{name}`" in table, name
