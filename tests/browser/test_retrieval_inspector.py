"""The retrieval inspector in a real JupyterLab: typed, turned, graded, by mouse and by keyboard."""

import pytest

pytestmark = pytest.mark.browser

WORLD = """
from pathlib import Path
from tests.retrieval.worlds import Words, world
from aiopslab.retrieval import Configuration, Labels, Retriever
from aiopslab.widgets import RetrievalInspector
corpus, truth = world()
labels = Labels(Path("inspected") / "labels.db")
retriever = Retriever(corpus, {"minilm": Words()})
a, b = Configuration(search="lexical", size=60, k=3), Configuration(search="hybrid", size=60, k=4)
"""
SHOW = """
inspector = RetrievalInspector(retriever, [a, b], truth, labels, "ann")
inspector
"""
ASKED = "What is the timeout of the gateway?"
STORED = "labels.table()[['rater', 'grade', 'document']].values.tolist()"


def test_a_question_is_typed_turned_and_graded(lab):
    lab.open(WORLD, SHOW, name="inspector.ipynb")
    page = lab.page
    box = page.locator(".aiopslab-view").first
    question = box.get_by_placeholder("Type a question and press Enter")
    question.fill(ASKED)
    question.press("Enter")
    box.locator("mark").first.wait_for()
    assert box.locator("mark").first.inner_text() == "The timeout of the gateway is 72."
    assert box.get_by_text("✓ answers").count() >= 2
    lab.until("inspector.selection['question']", ASKED)
    assert box.get_by_role("region").count() == 3 + 4

    # A knob is turned by the keyboard, and the list beside it follows.
    slider = box.get_by_role("slider").nth(3)  # hits of B
    slider.focus()
    slider.press("ArrowRight")
    lab.until("inspector.selection['b']['k']", 5)
    page.wait_for_function("document.querySelectorAll('.aiopslab-view [role=region]').length == 8")
    box.locator("select").nth(4).select_option(label="by meaning (dense)")  # search of B
    lab.until("inspector.selection['b']['search']", "dense")

    # A passage is graded with the mouse, and undone by its key.
    box.get_by_role("button", name="2: answers").first.click()
    lab.until(STORED, [["ann", 2, "gateway.md"]])
    lab.until("inspector.selection['grade']", 2)
    box.get_by_role("button", name="✓ 2: answers").first.wait_for()
    box.get_by_role("button", name="1: helps").first.focus()
    page.keyboard.press("Enter")
    lab.until(STORED, [["ann", 1, "gateway.md"]])
    page.keyboard.press("u")
    lab.until(STORED, [["ann", 2, "gateway.md"]])

    # A letter in a field of text is a letter.
    quote = box.get_by_placeholder("the part that answers")
    quote.fill("")
    quote.press("u")
    assert quote.input_value() == "u" and lab.kernel(STORED) == [["ann", 2, "gateway.md"]]
    quote.fill("")

    box.get_by_role("button", name="Run this as a report").click()
    command = box.locator("textarea").first
    command.wait_for(state="visible")
    lab.until("'aiopslab run rag_tuning' in inspector.rerun.command.value", True)
    assert "aiopslab run rag_tuning" in command.input_value()

    box.get_by_text("Scores by stage").click()
    box.locator(".js-plotly-plot .bars").first.wait_for()
    page.mouse.move(0, 0)
    page.set_viewport_size({"width": 1400, "height": 2600})  # all of it at once
    lab.picture("retrieval_inspector", box)
    assert lab.broken() == [] and lab.complaints == []


def test_markup_that_is_typed_is_text(lab):
    lab.open(WORLD, SHOW, name="markup.ipynb")
    box = lab.page.locator(".aiopslab-view").first
    question = box.get_by_placeholder("Type a question and press Enter")
    question.fill("<img src=x onerror=alert(1)> gateway")
    question.press("Enter")
    box.get_by_role("region").first.wait_for()
    question.fill("")
    question.press("Enter")
    box.get_by_role("alert").filter(has_text="question is empty").wait_for()
    assert lab.complaints == []
