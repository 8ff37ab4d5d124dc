"""Files made to exhaust or to confuse whoever reads them: each ends in a message, at once."""

import json

import pytest

from aiopslab.errors import AIOpsLabError, ParameterError, ReportError
from aiopslab.reports.catalogue import LARGEST, load
from aiopslab.yaml_file import read as read_yaml

DEEP = 100_000


def notebook(parameters="x: int = 1", **changed):
    cell = {"cell_type": "code", "source": parameters, "metadata": {"tags": ["parameters"]}}
    return json.dumps({"cells": [cell | changed], "metadata": {}, "nbformat": 4})


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": ' + "[" * DEEP + "]" * DEEP + "}",
        '{"cells": 7}',
        '{"cells": [7]}',
        "[]",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        notebook(source={"a": 1}.__len__()),
        notebook(metadata=None),
        notebook(cell_type=None),
    ],
)
def test_what_is_no_notebook_is_said_to_be_none(tmp_path, text):
    path = tmp_path / "bomb.ipynb"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ReportError, match="not a notebook"):
        load(path)


@pytest.mark.parametrize(
    "parameters",
    [
        "x: int = " + "(" * 5_000 + "1" + ")" * 5_000,
        "x: int = " + "-" * DEEP + "1",
        "x: int = 9**9**9",
        "x: int = __import__('os').system('touch hacked')",
        "x: str = 'a\x00b'",
        "x: int = (",
    ],
)
def test_parameters_are_read_and_never_run(tmp_path, monkeypatch, parameters):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bomb.ipynb"
    path.write_text(notebook(parameters))
    with pytest.raises(ParameterError, match=r"parameters cell|not a plain value"):
        load(path)
    assert not (tmp_path / "hacked").exists()


def test_a_template_that_is_far_too_large_is_not_read_as_a_whole(tmp_path):
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(40 * LARGEST)  # sparse: nothing is written
    with pytest.raises(ReportError, match="20 MB"):
        load(path)


def test_yaml_whose_aliases_multiply_is_refused(tmp_path):
    path = tmp_path / "bomb.yml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path.write_text("\n".join(lines))
    with pytest.raises(AIOpsLabError, match="aliases"):
        read_yaml(path)
