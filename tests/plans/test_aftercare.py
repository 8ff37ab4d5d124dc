"""What a plan wants done after its reports: people told, old runs gone, the gallery published."""

import pytest
import yaml

from aiopslab.reports.record import records
from tests.notebooks import CONCLUDES, template
from tests.reports.hook import Hook

ACTS = CONCLUDES.replace("'ok', 'All is well.'", "'act', f'{rows} rows are wrong.'")


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_TRACKING", "off")


@pytest.fixture
def hook(monkeypatch):
    hook = Hook()
    monkeypatch.setenv("HOOK_URL", hook.url)
    yield hook
    hook.close()


@pytest.fixture
def plan(tmp_path):
    """Write a plan of one report with more keys, and return its path."""
    template(tmp_path / "act.ipynb", ACTS)

    def write(**more):
        reports = [{"name": "rows", "template": "act.ipynb"}]
        path = tmp_path / "plan.yml"
        path.write_text(yaml.safe_dump({"workers": 1, "reports": reports, **more}))
        return path

    return write


def test_people_are_told_once_old_runs_go_and_the_gallery_is_published(
    plan, hook, tmp_path, aiopslab
):
    site = tmp_path / "site"
    path = plan(
        notify={"targets": [{"name": "team", "url": "env:HOOK_URL"}]},
        publish={"to": str(site)},
        retention={"keep": 1, "days": 0},
    )
    for _ in range(2):
        code, out, err = aiopslab("run-all", path)
        assert code == 0, err
    assert len(hook.got) == 1 and "3 rows are wrong." in str(hook.got[0])
    assert "hunter2pass" not in out + err
    (left,) = records(tmp_path / "reports")
    assert (site / "index.html").is_file()
    assert [page.parent.name for page in site.glob("act-*/report.html")] == [left.id]


def test_who_could_not_be_told_is_said_and_noted_and_the_report_is_there(
    plan, hook, tmp_path, aiopslab
):
    hook.answers = [404] * 9
    told = {"name": "team", "url": "env:HOOK_URL"}
    code, _, err = aiopslab("run-all", plan(notify={"targets": [told], "patience": "2s"}))
    assert code == 1 and "team" in err and "hunter2" not in err
    (record,) = records(tmp_path / "reports")
    assert record.status == "finished" and any("team" in note for note in record.notes)


def test_a_url_has_no_gallery_to_look_after(plan, aiopslab):
    path = plan(publish={"to": "memory://site"})
    code, _, err = aiopslab("run-all", path, "-o", "memory://reports")
    assert code == 2 and "publish of the plan need" in err
