"""Kernels that say too much: the report stays small, and what matters is in it."""

import json
import tracemalloc

import pytest

from aiopslab.reports.execution import Limits
from aiopslab.reports.flood import Gate
from tests.faults.runs import result
from tests.notebooks import CONCLUDES

PRINTS = "for number in range(100_000):\n    print(f'{number:>999}')\nprint('the last line')"
ONE_LINE = "print('x' * 10**8)"
SHOWS = (
    "from IPython.display import HTML, display\n"
    "for number in range(20):\n    display(HTML('<b>' + 'x' * 10**6 + '</b>'))"
)
AFTER = "print('after the flood')"


@pytest.mark.parametrize("flood", [PRINTS, ONE_LINE, SHOWS], ids=["lines", "line", "displays"])
def test_a_flood_leaves_a_small_report_with_its_verdict(tmp_path, flood):
    record, page, notebook = result(tmp_path, flood, AFTER, CONCLUDES)
    assert (record.status, record.verdict.headline) == ("finished", "All is well.")
    assert len(notebook) < 12_000_000 and len(page) < 12_000_000
    assert "Cell 4 printed or showed" in record.notes[0]
    assert "left out" in page
    if flood != SHOWS:
        assert len(notebook) < 2_000_000 and len(page) < 500_000
        assert "after the flood" in page
    if flood == PRINTS:
        assert "the last line" in notebook


def test_a_flood_of_a_thousand_displays_is_survived(tmp_path):
    many = "from IPython.display import display\nfor number in range(1500):\n    display(number)"
    record, _, _ = result(tmp_path, many, CONCLUDES)
    assert record.status == "finished"


def test_what_a_cell_clears_does_not_count(tmp_path):
    redraws = (
        "from IPython.display import clear_output, display\n"
        "for number in range(30):\n    clear_output()\n    print('y' * 90_000, number)"
    )
    record, _, notebook = result(tmp_path, redraws, CONCLUDES, limits=Limits(output_bytes=10**6))
    assert "yyy 29" in notebook and not record.notes


def test_a_lone_surrogate_is_printed_like_other_text(tmp_path):
    record, page, notebook = result(
        tmp_path, r"print('<b>before \ud800 after</b>')", r"1 / len('\udfff'[1:])", CONCLUDES
    )
    assert record.failure.name == "ZeroDivisionError"
    printed = json.loads(notebook)["cells"]
    texts = [each["text"] for cell in printed for each in cell.get("outputs", []) if "text" in each]
    assert "<b>before \ud800 after</b>\n" in texts
    assert "UnicodeEncodeError" not in notebook
    assert "before \\ud800 after" in page and "<b>before" not in page


def test_a_display_that_no_notebook_may_hold_is_kept_as_text(tmp_path):
    alien = "display({'application/x-own': {'deep': [7]}, 'text/plain': ['no text']}, raw=True)"
    record, _, notebook = result(tmp_path, alien, "print('and on')", CONCLUDES)
    assert record.status == "finished" and "and on" in notebook
    assert r"{\"deep\": [7]}" in notebook


def stream(text, name="stdout"):
    return {"name": name, "text": text}


def test_a_gate_keeps_beginning_and_end_and_says_what_is_missing():
    gate = Gate(10_000)
    pieces = [f"{number:09}\n" for number in range(10_000)]
    kept = [gate.admit("stream", stream(each)) for each in pieces]
    text = "".join(each["text"] for each in kept if each)
    whole = "".join(pieces)
    end = gate.end()
    assert whole.startswith(text) and len(text) == 1_000
    assert end.endswith(whole[-10_000:])
    assert gate.dropped == len(whole) - 1_000
    assert f"{len(whole) - 11_000:,} characters were left out here" in end


def test_a_gate_that_cut_little_loses_nothing():
    gate = Gate(1_000)
    kept = gate.admit("stream", stream("a" * 100 + "b" * 50))["text"]
    assert kept + gate.end() == "a" * 100 + "b" * 50


def test_a_gate_holds_little_however_much_comes():
    gate, text = Gate(1_000_000), "z" * 1_000_000
    tracemalloc.start()
    for _ in range(200):
        gate.admit("stream", stream(text))
        gate.admit("display_data", {"data": {"text/plain": text}, "metadata": {}})
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2_000_000


def test_a_verdict_passes_every_gate():
    from aiopslab.findings import VERDICT_MIME

    gate = Gate(10)
    gate.admit("stream", stream("flood" * 100))
    shown = {"data": {VERDICT_MIME: {}, "text/html": "x" * 1_000}, "metadata": {}}
    assert gate.admit("display_data", shown) == shown
    error = {"ename": "E", "evalue": "v", "traceback": ["t" * 300_000]}
    assert len(gate.admit("error", error)["traceback"][0]) < 110_000
    big = {"data": {"text/html": "x" * 1_000}, "metadata": {}}
    assert "left out" in gate.admit("display_data", big)["data"]["text/plain"]
    assert gate.admit("display_data", big) is None
