"""What a page shows of a forked kernel: plotly and ipywidgets were imported where no kernel was."""

from nbclient import NotebookClient

from aiopslab.kernels import NAME
from tests.kernels.conftest import notebook


def test_a_figure_is_shown_as_in_a_notebook(monkeypatch, tmp_path):
    monkeypatch.setenv("AIOPSLAB_KERNEL_PRELOAD", "plotly.graph_objects,plotly.io")
    made = notebook("import plotly.graph_objects as go\ngo.Figure(go.Scatter(y=[1, 2]))")
    NotebookClient(made, kernel_name=NAME, timeout=60).execute(cwd=str(tmp_path))
    (output,) = made.cells[0].outputs
    assert output.data["application/vnd.plotly.v1+json"]["data"][0]["type"] == "scatter"


def test_widgets_of_a_page_are_heard(monkeypatch, execute):
    monkeypatch.setenv("AIOPSLAB_KERNEL_PRELOAD", "ipywidgets")
    look = "import comm; print(*sorted(comm.get_comm_manager().targets))"
    assert execute(look) == ["jupyter.widget jupyter.widget.control"]
