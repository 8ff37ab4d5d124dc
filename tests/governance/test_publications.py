"""What leaves is asked of the policy, and what was redacted, published and pruned is recorded."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aiopslab.governance import AuditError, Denied, Trail, approve, user
from aiopslab.reports import record as records
from aiopslab.sharing import editions, publish, retention
from aiopslab.sharing.publish import Settings
from aiopslab.sharing.single import single
from tests.reports.runs import kept

POLICY = """\
@id("all-leaves")
permit (principal, action in [Action::"publish", Action::"approve"], resource);

@id("only-redacted-leaves-the-house")
@reason("Reports name services and people.")
forbid (principal, action == Action::"publish", resource)
when { context.edition == "internal" && context.destination.scheme != "file" };

@id("redactor-is-good")
forbid (principal, action == Action::"publish", resource)
when { context.edition == "redacted" && context.recall_percent < 90 };

@id("alarms-are-looked-at-first")
forbid (principal, action == Action::"publish", resource == Template::"incident")
when { context.level == "act" && context.destination.host == "open" }
unless { context.approvals >= 1 };
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A gallery of two runs, held to a policy."""
    folder = tmp_path / "reports"
    for day, template in ((1, "incident"), (2, "drift")):
        run = kept(folder, f"headline {day}", f"2026-03-0{day}T12:00:00.000Z", template=template)
        records.write_atomically(folder / run.id / "notebook.ipynb", '{"cells": []}')
    (tmp_path / "policy.cedar").write_text(POLICY)
    monkeypatch.setenv("AIOPSLAB_POLICY", str(tmp_path / "policy.cedar"))
    return folder


def told(folder):
    return list(Trail(folder.parent / "audit.jsonl").records())


def test_an_internal_edition_does_not_leave_for_outside(folder, aiopslab):
    code, _, problem = aiopslab("gallery", "publish", folder, "memory://team/site")
    assert code == 4
    for template in ("incident", "drift"):
        assert f"may not publish {template} (ok) to memory://team/site in the internal" in problem
    assert "only-redacted-leaves-the-house (line 4)" in problem
    assert "Reports name services and people." in problem
    assert not list(_files("memory://team/site"))
    (record,) = told(folder)
    assert (record["event"], record["decision"], record["edition"]) == (
        "publish",
        "deny",
        "internal",
    )


def _files(url):
    import fsspec

    fs, root = fsspec.core.url_to_fs(url)
    return fs.find(root) if fs.exists(root) else []


def test_it_may_stay_in_the_house(folder, tmp_path):
    assert publish.publish(folder, Settings(to=str(tmp_path / "site"))).sent
    assert [each["decision"] for each in told(folder)] == ["permit", "done"]
    assert told(folder)[-1]["to"] == f"file://{tmp_path}/site"
    assert told(folder)[-1]["sent"] > 0


def test_the_redacted_edition_leaves_with_its_recall(folder):
    publish.publish(folder, Settings(to="memory://team/redacted", edition="redacted"))
    redacted, permitted, done = told(folder)
    assert redacted["event"] == "redact" and len(redacted["runs"]) == 2
    assert (permitted["decision"], done["decision"]) == ("permit", "done")
    assert permitted["recall_percent"] >= 90
    assert list(_files("memory://team/redacted"))
    publish.publish(folder, Settings(to="memory://team/redacted", edition="redacted"))
    assert [each["event"] for each in told(folder)].count("redact") == 1  # nothing was new


def test_a_redactor_that_takes_out_too_little_lets_nothing_leave(folder, monkeypatch):
    poor = replace(publish.measure(each=2), counts={("secret", "AWS key"): (1, 10)})
    monkeypatch.setattr(publish, "measure", lambda: poor)
    with pytest.raises(Denied, match="redactor-is-good"):
        publish.publish(folder, Settings(to="memory://team/poor", edition="redacted"))
    assert not list(_files("memory://team/poor"))


def test_words_that_are_hidden_are_not_in_the_trail(folder):
    settings = Settings(
        to="memory://team/hidden",
        edition="redacted",
        redaction={"hide": ["Project Zebra"], "names": ["zebra-api"], "services": "pseudonym"},
    )
    publish.publish(folder, settings)
    assert "ebra" not in (folder.parent / "audit.jsonl").read_text()


def test_an_alarm_leaves_when_somebody_else_has_approved_it(folder):
    run = kept(folder, "alarm", "2026-03-03T12:00:00.000Z", template="incident")
    records.write(replace(run, verdict=replace(run.verdict, level="act")), folder)
    records.write_atomically(folder / run.id / "notebook.ipynb", '{"cells": []}')
    settings = Settings(to="memory://open/site", edition="redacted")
    with pytest.raises(Denied, match="alarms-are-looked-at-first") as caught:
        publish.publish(folder, settings)
    number = next(each["number"] for each in told(folder) if each["decision"] == "deny")
    assert f"policy approve {number} " in str(caught.value)
    approve(number, "looked at it", "kim")
    publish.publish(folder, settings)
    assert told(folder)[-1]["decision"] == "done"
    another = kept(folder, "another", "2026-03-04T12:00:00.000Z", template="incident")
    records.write(replace(another, verdict=run.verdict), folder)
    with pytest.raises(Denied):  # what was approved were other reports
        publish.publish(folder, settings)


def test_a_report_as_one_file_is_held_to_the_same(folder, tmp_path, monkeypatch):
    run = next(folder.glob("incident-*")).name
    page = '<meta name="generator" content="AIOps Lab"><script src="../assets/x.js"></script>'
    records.write_atomically(folder / run / "report.html", page)
    made = single(run, folder, tmp_path / "one.html")
    assert made.is_file() and told(folder)[-1]["to"] == f"file://{tmp_path}/one.html"
    text = POLICY.replace('context.destination.scheme != "file"', "true")
    (tmp_path / "policy.cedar").write_text(text)
    with pytest.raises(Denied, match="in the internal edition"):
        single(run, folder, tmp_path / "two.html")
    assert not (tmp_path / "two.html").exists()
    edition = editions.redacted(folder, publish.Redaction())
    single(str(edition / run), folder, tmp_path / "three.html")
    assert told(folder)[-1]["edition"] == "redacted" and told(folder)[-1]["recall_percent"] >= 90


def test_what_is_pruned_is_recorded_first(folder, monkeypatch):
    for day in (3, 4):
        kept(folder, "more", f"2026-03-0{day}T12:00:00.000Z", template="incident", series="s")
    later, one = datetime(2027, 1, 1, tzinfo=UTC), retention.Settings(keep=1, days=0)
    gone = retention.prune(folder, one, later, dry_run=True)
    assert gone and not (folder.parent / "audit.jsonl").exists()
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(folder.parent / "policy.cedar" / "audit.jsonl"))
    with pytest.raises(AuditError):
        retention.prune(folder, one, later)
    assert all((folder / each.id).is_dir() for each in gone)
    monkeypatch.delenv("AIOPSLAB_AUDIT")
    retention.prune(folder, one, later)
    permitted, done = told(folder)
    assert (permitted["decision"], done["decision"]) == ("permit", "done")
    assert done["runs"] == [each.id for each in gone] and done["principal"] == user()


def test_nothing_is_asked_or_recorded_without_a_policy_and_a_trail(folder, monkeypatch):
    monkeypatch.delenv("AIOPSLAB_POLICY")
    publish.publish(folder, Settings(to="memory://team/free", edition="redacted"))
    assert list(_files("memory://team/free"))
    assert not (folder.parent / "audit.jsonl").exists()


def test_a_plan_whose_reports_may_not_leave_says_so(folder):
    from aiopslab.plans import aftercare
    from aiopslab.plans.plan_settings import Head

    head = Head.model_construct(retention=None, publish=Settings(to="memory://team/plan"))
    (problem,) = aftercare.tidy(head, folder)
    assert "only-redacted-leaves-the-house" in problem
