"""Plans: read as a whole, and refused as a whole with every problem and its line."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab import yaml_file
from aiopslab.errors import ParameterError
from aiopslab.plans.plan import load
from tests.notebooks import CONCLUDES, template

NOW = datetime(2026, 3, 29, 10, 20, tzinfo=UTC)


@pytest.fixture
def plan(tmp_path):
    """Write a plan beside a template, and load it."""
    parameters = "rows: int = 3  # How many\nday: date | None = None  # Which"
    template(tmp_path / "made.ipynb", CONCLUDES, parameters=parameters)

    def write(text):
        (tmp_path / "nightly.yml").write_text(text)
        return load(tmp_path / "nightly.yml")

    return write


def refusal(plan, text):
    with pytest.raises(ParameterError) as refused:
        plan(text)
    return refused.value.problem


def test_all_problems_are_told_at_once_each_with_its_line(plan):
    problem = refusal(
        plan,
        "workrs: 2\n"
        "timezone: Europe/Berln\n"
        "timeout: {cell: soon}\n"
        "reports:\n"
        "  - template: made.ipynb\n"
        "    parameters:\n"
        "      rows: many\n"
        "      row: 3\n"
        "    matrix:\n"
        "      dya: [1]\n"
        "  - template: incidnt\n"
        "    schedule: {cron: '0 25 * * *', jiter: 1min}\n"
        "  - 3\n",
    )
    lines = {
        (int(line.split(":")[0].split()[1]), line.split(":", 1)[1].strip())
        for line in problem.splitlines()[1:]
    }
    told = {number: " ".join(text for at, text in lines if at == number) for number, _ in lines}
    assert sorted(told) == [1, 2, 3, 7, 8, 10, 12, 13]
    assert "Did you mean 'workers'?" in told[1]
    assert "Did you mean 'Europe/Berlin'?" in told[2]
    assert "duration" in told[3] and "'soon'" in told[3]
    assert "rows is 'many'" in told[7]
    assert "Did you mean 'rows'?" in told[8]
    assert "Did you mean 'day'?" in told[10]
    assert "hour" in told[12] and "Did you mean 'jitter'?" in told[12]
    assert "expected names with values" in told[13]


def test_a_template_that_is_not_there_is_told_with_the_nearest(plan):
    problem = refusal(plan, "reports:\n  - template: incidnt\n  - template: gone.ipynb")
    assert "line 2" in problem and "Did you mean 'incident'?" in problem
    assert "line 3" in problem and "gone.ipynb" in problem


@pytest.mark.parametrize("output", ["..", "../reports", "/tmp/elsewhere", "a/../../b"])
def test_an_output_outside_of_the_folder_of_the_plan_is_refused(plan, output):
    problem = refusal(plan, f"output: {output}\nreports:\n  - template: made.ipynb")
    assert "line 1" in problem and "outside" in problem


def test_an_output_behind_a_link_that_leads_outside_is_refused(plan, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path.parent)
    assert "outside" in refusal(plan, "output: link/x\nreports:\n  - template: made.ipynb")


@pytest.mark.parametrize(
    "output", ["file:///etc", "https://host/x", "s4://bucket/x", "s3://key:secret@bucket/x"]
)
def test_an_output_that_cannot_be_written_by_url_is_refused(plan, output):
    assert "line 1: output" in refusal(
        plan, f"output: {output}\nreports:\n  - template: made.ipynb"
    )


def test_an_output_may_be_a_folder_inside_or_a_url(plan, tmp_path):
    reports = "reports:\n  - template: made.ipynb"
    assert plan(reports).output == str(tmp_path / "reports")
    assert plan("output: a/b\n" + reports).output == str(tmp_path / "a/b")
    assert plan("output: s3://bucket/x\n" + reports).output == "s3://bucket/x"


def test_the_same_series_twice_is_refused(plan):
    problem = refusal(
        plan,
        "reports:\n  - template: made.ipynb\n  - {name: a, template: made.ipynb}\n"
        "  - template: made.ipynb\n  - {name: a, template: made.ipynb, parameters: {rows: 4}}",
    )
    assert "line 4: reports[2]: is the same series as reports[0]" in problem
    assert "line 5: reports[3].name: there is another 'a'" in problem


@pytest.mark.parametrize("text", ["", "[]", "3", "reports: []", "reports: 3", "output: x"])
def test_a_plan_without_reports_is_refused(plan, text):
    assert "expected" in refusal(plan, text)


def test_only_some_reports_are_chosen_by_name_or_template(plan):
    loaded = plan(
        "reports:\n  - {name: a, template: made.ipynb}\n"
        "  - {name: b, template: made.ipynb, parameters: {rows: 4}}"
    )
    assert [job.origin.series for job in loaded.only(["b"]).jobs(NOW)] == ["b"]
    assert len(loaded.only(["made.ipynb"]).jobs(NOW)) == 2
    with pytest.raises(ParameterError, match="no report 'c'"):
        loaded.only(["c"])


def test_paths_in_parameters_are_relative_to_the_plan(plan, tmp_path, monkeypatch):
    parameters = "source: sources.Url = 'sample://no-fault'  # Where"
    template(tmp_path / "urls.ipynb", CONCLUDES, parameters=parameters)
    (tmp_path / "telemetry").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    entry = "reports:\n  - {template: urls.ipynb, parameters: {source: telemetry}}"
    assert plan(entry).jobs(NOW)[0].parameters == {"source": "telemetry"}
    assert "telemtry" in refusal(plan, entry.replace("telemetry", "telemtry"))


def test_aliases_serve_and_do_not_explode(plan):
    loaded = plan(
        "reports:\n  - &a {name: a, template: made.ipynb, parameters: {rows: 4}}\n"
        "  - {<<: *a, name: b}"
    )
    assert [job.parameters["rows"] for job in loaded.jobs(NOW)] == [4, 4]
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "100,000" in refusal(plan, "\n".join(levels))
    assert "contains itself" in refusal(plan, "reports: &a [*a]")


def test_a_key_that_is_there_twice_is_refused(plan):
    problem = refusal(plan, "reports:\n  - {template: made.ipynb,\n     template: drift}")
    assert "'template' is there twice" in problem


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.getcwd []", "a: [", "\tb", "a: \0"])
def test_what_is_no_plain_yaml_is_refused(plan, text):
    assert "nightly.yml" in refusal(plan, text)


def test_a_deep_or_large_file_is_refused(plan):
    assert "nightly.yml" in refusal(plan, "[" * 50_000)
    assert "1 MB" in refusal(plan, "# " + "x" * 1_000_000)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        yaml_file.parse(text, "any")
    except ParameterError as error:
        assert "any" in error.problem
