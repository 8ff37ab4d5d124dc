"""A run is held to the policy before anything of it starts."""

import pytest

from aiopslab.governance import PolicyError, Trail, user
from aiopslab.reports import catalogue
from aiopslab.reports.run import run
from tests.notebooks import CONCLUDES, template

PARAMETERS = """\
calls: str | None = None  # A file of recorded calls, though its type does not say so
costs: dict[str, str] = {}  # By name
rows: int = 3  # How many"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A template whose user may run it on what is in one folder."""
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")
    monkeypatch.setattr("aiopslab.reports.tracking.warm_up", lambda: None)  # imports in a thread
    monkeypatch.setenv("AIOPSLAB_POLICY", str(tmp_path / "policy.cedar"))
    monkeypatch.chdir(tmp_path)
    notebook = template(tmp_path / "made.ipynb", CONCLUDES, parameters=PARAMETERS)
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "calls.csv").write_text("a")
    (tmp_path / "policy.cedar").write_text(
        f'@id("ours") permit (principal == User::"{user()}", action == Action::"run", '
        f'resource == Template::"{notebook}") when {{\n'
        f'context.source.scheme == "none" || context.source.url like "file://{tmp_path}/ours/*" }};'
    )
    return tmp_path


def asked(folder, notebook="made.ipynb", **values):
    return run(catalogue.load(folder / notebook), values, folder / "reports")


@pytest.mark.parametrize(
    "values",
    [
        {"calls": "theirs/calls.csv"},
        {"calls": "ours/../theirs/calls.csv"},
        {"calls": "s3://theirs/calls.csv"},
        {"costs": {"a": "theirs/calls.csv"}},
    ],
)
def test_a_refused_run_starts_and_writes_nothing(made, values):
    with pytest.raises(PolicyError, match="nothing in"):
        asked(made, **values)
    assert not (made / "reports").exists()
    (record,) = Trail(made / "audit.jsonl").records()
    assert (record["decision"], record["principal"]) == ("deny", user())


def test_a_permitted_run_runs_and_is_recorded(made):
    assert asked(made, calls="ours/calls.csv").status == "finished"
    permitted, done = Trail(made / "audit.jsonl").records()
    for each in (permitted, done):
        assert each["sources"] == [f"file://{made}/ours/calls.csv"]
        assert (each["event"], each["principal"]) == ("run", user())
    assert (permitted["decision"], permitted["rules"]) == ("permit", ["ours"])
    assert (done["decision"], done["status"]) == ("done", "finished")
    assert (made / "reports" / done["run"]).is_dir()


EVIDENCE = """\
from IPython.display import display
for source, digest in (("sample://x", "d" * 64), ("models:/loans/7", "m" * 64)):
    said = {"source": source, "digest": digest, "frames": {}, "notes": []}
    display({"application/vnd.aiopslab.evidence+json": said, "text/plain": ""}, raw=True)"""


def test_the_trail_tells_on_which_data_and_which_versions_a_run_was_made(made):
    parameters = f'{PARAMETERS}\nprompt: str = "prompts:/support/3"  # Which'
    notebook = template(made / "seen.ipynb", EVIDENCE, CONCLUDES, parameters=parameters)
    text = (made / "policy.cedar").read_text().replace("made.ipynb", "seen.ipynb")
    (made / "policy.cedar").write_text(text.replace('== "none"', '!= ""'))
    record = asked(made, notebook=notebook.name)
    *_, done = Trail(made / "audit.jsonl").records()
    assert done["data"] == {"sample://x": "d" * 64}
    assert (done["model"], done["prompt"]) == (["models:/loans/7"], ["prompts:/support/3"])
    assert (done["run"], done["level"]) == (record.id, record.verdict.level)


def test_the_command_exits_with_4_and_says_why(made, aiopslab):
    code, _, problem = aiopslab("run", made / "made.ipynb", "-p", "calls=theirs/calls.csv")
    assert code == 4 and "nothing in" in problem


def test_nobody_becomes_another_by_a_variable(made, monkeypatch):
    text = (made / "policy.cedar").read_text()
    (made / "policy.cedar").write_text(text.replace(f'User::"{user()}"', 'User::"somebody"'))
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody")
    with pytest.raises(PolicyError):
        asked(made)


def test_no_notebook_becomes_another_by_its_name(made):
    other = template(made / "ours" / "made.ipynb", CONCLUDES, parameters=PARAMETERS)
    with pytest.raises(PolicyError):
        asked(made, notebook=other)
    (made / "link.ipynb").symlink_to(made / "made.ipynb")
    assert asked(made, notebook="link.ipynb").status == "finished"
