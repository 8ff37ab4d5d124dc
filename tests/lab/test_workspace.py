"""The folder that JupyterLab shows."""

import json
from pathlib import Path

import pytest

from aiopslab.lab.errors import LabError
from aiopslab.lab.tiles import GALLERY, heading, tiles
from aiopslab.lab.workspace import DEFAULT, default_folder, prepare, walkthroughs
from aiopslab.reports import templates

ROOT = Path(__file__).parents[2]


def test_a_new_workspace_has_the_walkthroughs_and_a_gallery(tmp_path):
    workspace = prepare(tmp_path / "deep" / "lab")
    names = {path.name for path in (workspace.folder / "notebooks").iterdir()}
    assert names == {path.name for path in ROOT.glob("notebooks/*.ipynb")}
    assert workspace.reports == workspace.folder / "reports"
    assert "aiopslab run incident" in (workspace.reports / "index.html").read_text()
    assert workspace.kept == ()


def test_what_somebody_changed_is_kept_and_named_and_what_is_missing_comes_back(tmp_path):
    first = prepare(tmp_path)
    changed, lost = sorted((first.folder / "notebooks").iterdir())[:2]
    changed.write_text("mine")
    lost.unlink()
    second = prepare(tmp_path)
    assert second.kept == (changed,)
    assert changed.read_text() == "mine"
    assert lost.read_bytes() == (ROOT / "notebooks" / lost.name).read_bytes()


def test_a_gallery_that_is_there_is_left_alone_wherever_it_is(tmp_path):
    reports = tmp_path / "elsewhere"
    reports.mkdir()
    (reports / "index.html").write_text("of others")
    workspace = prepare(tmp_path / "lab", reports)
    assert workspace.reports == reports
    assert (reports / "index.html").read_text() == "of others"
    assert not (workspace.folder / "reports").exists()


@pytest.mark.parametrize("below", ["", "below"])
def test_a_file_is_no_workspace(tmp_path, below):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(LabError, match="is a file") as raised:
        prepare(file / below)
    assert "another folder" in raised.value.remedy


def test_a_folder_that_cannot_be_made_is_named_with_a_remedy():
    with pytest.raises(LabError, match=r"/proc/aiopslab-lab") as raised:
        prepare(Path("/proc/aiopslab-lab"))
    assert "may write" in raised.value.remedy


def test_the_checkout_is_the_workspace_of_whoever_stands_in_it(tmp_path):
    assert default_folder(ROOT) == default_folder(ROOT / "docs") == ROOT
    assert default_folder(tmp_path) == tmp_path / DEFAULT


def test_the_launcher_has_each_template_the_gallery_mlflow_and_each_walkthrough(tmp_path):
    folder = prepare(tmp_path).folder
    shown = tiles(folder, "mlflow/")
    assert [tile.template for tile in shown if tile.template] == [each.name for each in templates()]
    assert [tile.page for tile in shown if tile.page] == [GALLERY, "mlflow/"]
    opened = [tile.notebook for tile in shown if tile.notebook]
    assert opened == [f"notebooks/{path.name}" for path in walkthroughs()]
    assert all((folder / path).is_file() for path in opened)
    ranks = [tile.rank for tile in shown]
    assert ranks == sorted(ranks) and ranks[-1] < 0, "above the headings of JupyterLab"
    (folder / opened[0]).unlink()
    assert opened[0] not in [tile.notebook for tile in tiles(folder, "mlflow/")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {"cells": [{"cell_type": "markdown", "source": ["text\n", "# Ärger <b>\n"]}]},
            "Ärger <b>",
        ),
        ({"cells": [{"cell_type": "code", "source": "# a comment"}]}, "name"),
        ({"cells": 7}, "name"),
        ([], "name"),
    ],
)
def test_a_notebook_is_called_by_its_first_heading(tmp_path, content, expected):
    notebook = tmp_path / "name.ipynb"
    notebook.write_text(json.dumps(content))
    assert heading(notebook) == expected
    assert heading(tmp_path / "missing.ipynb") == "missing"
