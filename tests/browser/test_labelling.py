"""The labelling widget in a real JupyterLab: grades by mouse and keyboard, a quote, the store."""

import pytest

pytestmark = pytest.mark.browser

STORE = """
import pandas as pd
from pathlib import Path
from aiopslab.retrieval import Corpus, Labels
from aiopslab.widgets import Labelling
text = "The handover is on Tuesday. It takes a quarter of an hour. Bring cake & <b>tea</b>."
corpus = Corpus.of_texts({"a.md": text})
questions = pd.DataFrame({"question": ["q", "r"], "text": ["When is it?", "What to <i>bring</i>?"]})
places = [("q", "a.md", 0, 58), ("q", "a.md", 59, 83), ("r", "a.md", 59, 83)]
spans = pd.DataFrame(places, columns=["question", "document", "start", "end"])
labels = Labels(Path("labelled") / "labels.db")
labels.add(questions, spans, corpus)
"""
SHOW = """
labelling = Labelling(labels, "ann")
labelling
"""
STORED = "labels.table()[['question', 'start', 'end', 'grade']].values.tolist()"


def test_passages_are_graded_by_mouse_and_by_keyboard(lab):
    lab.open(STORE, SHOW, name="labelling.ipynb")
    page = lab.page
    area = page.locator(".jp-OutputArea").last
    area.get_by_text("When is it?").wait_for()

    # What is typed as the quote is where the answer is.
    quote = area.get_by_placeholder("the part that answers")
    quote.fill("on Monday")
    area.get_by_role("button", name="2: answers").click()
    area.get_by_role("alert").filter(has_text="not in the passage").wait_for()
    assert quote.input_value() == "on Monday" and lab.kernel(STORED) == []
    quote.fill("on Tuesday")
    area.get_by_role("button", name="2: answers").click()
    lab.until(STORED, [["q", 16, 26, 2]])
    area.get_by_text("Bring cake & <b>tea</b>.").wait_for()
    assert quote.input_value() == ""

    # By the keyboard alone: from the quote on with Tab, and pressed with the space bar.
    quote.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "1: helps"
    page.keyboard.press("Space")
    lab.until("len(labels.table())", 2)
    assert lab.kernel(STORED)[1] == ["q", 59, 83, 1]
    assert lab.kernel("labelling.selection['grade']") == 1
    area.get_by_text("What to <i>bring</i>?").wait_for()
    lab.picture("labelling", area)

    area.get_by_role("button", name="Undo the last").click()
    lab.until(STORED, [["q", 16, 26, 2]])
    area.get_by_role("button", name="0: does not help").click()
    area.get_by_text("What to <i>bring</i>?").wait_for()
    area.get_by_role("button", name="2: answers").click()
    area.get_by_text("Every passage is labelled. Thank you.").wait_for()
    assert [each[3] for each in lab.kernel(STORED)] == [2, 0, 2]
    assert area.get_by_role("button", name="2: answers").is_disabled()
    assert lab.broken() == [] and lab.complaints == []
