"""The prompt comparison in a real JupyterLab: rated by mouse and keys, blind until the reveal."""

import pytest

pytestmark = pytest.mark.browser

STORE = """
from pathlib import Path
import pandas as pd
from aiopslab.prompts import Feedback
from aiopslab.widgets import PromptComparison
asked = {
    1: "My parcel has not come.",
    2: "Is the tent <b>waterproof</b>?",
    3: "I was charged twice for one order.",
    4: "I forgot my password.",
    5: "Cancel my order, please.",
    6: "Which battery does the torch need?",
}
said = {
    1: ("It is on its way, and comes on Tuesday.", "We are sorry. It comes on Tuesday."),
    2: ("Yes, to 3000 mm.", "Yes, it is: to 3000 mm & more <i>than that</i>."),
    3: ("You get the money back.", "You get the money back within five days."),
    4: ("Press 'forgotten'.", "Press 'forgotten', and we send you a link."),
    5: ("Done.", "It is done; nothing will be charged."),
    6: ("Two of size AA.", "It needs two batteries of size AA."),
}
rows = [(item, prompt, text) for item, both in said.items()
        for prompt, text in zip(("secret-terse", "secret-kind"), both)]
calls = pd.DataFrame(rows, columns=["item", "prompt", "output"])
feedback = Feedback(Path("rated") / "feedback.db")
feedback.add_pairs(calls, asked)
"""
SHOW = """
comparison = PromptComparison(feedback, "ann")
comparison
"""
OTHER = "[other.rate(other.next_task('bob'), 'left') for other in [Feedback(feedback.path)] * 6]"
RATED = "feedback.progress().set_index('rater')['rated'].to_dict()"


def test_pairs_are_rated_blind_by_mouse_and_keys(lab):
    lab.open(STORE, SHOW, name="comparison.ipynb")
    page = lab.page
    box = page.locator(".aiopslab-view").first
    box.get_by_text("no pair is rated").wait_for()
    title = box.locator(".gtitle")
    title.filter(has_text="one prompt is preferred to the other").wait_for()

    def task():
        return lab.kernel("[comparison.task.input, *comparison.task.outputs]")

    def reads(texts):
        for name, text in zip(("Asked", "Left", "Right"), texts, strict=True):
            box.locator(f"section[aria-label={name}] div", has_text=text).wait_for()

    # By the mouse: stored, and the next pair is shown.
    reads(task())
    box.get_by_role("button", name="left is better").click()
    lab.until(RATED, {"ann": 1})
    assert lab.kernel("comparison.selection['choice']") == "left"
    reads(task())

    # By keys, also with the focus on a text, which another one takes the place of.
    box.locator("section[aria-label=Left]").click()
    page.keyboard.press("2")
    lab.until("comparison.selection['choice']", "right")
    reads(task())
    page.keyboard.press("ArrowDown")
    lab.until("comparison.selection['choice']", "tie")
    page.keyboard.press("u")
    lab.until(RATED, {"ann": 2})
    reads(task())

    # What differs is marked by lines.
    page.keyboard.press("d")
    box.locator("del").first.wait_for()
    lines = "element => getComputedStyle(element).textDecorationLine"
    assert box.locator("del").first.evaluate(lines) == "line-through"
    assert box.locator("ins").first.evaluate(lines) == "underline"
    reads(task())

    # What another rates meanwhile is seen at the next press, as is whether the two agree.
    lab.kernel(OTHER)
    page.keyboard.press("ArrowLeft")
    box.get_by_text("Krippendorff's alpha").wait_for()
    lab.until(RATED, {"ann": 3, "bob": 6})
    box.get_by_text("3 of 6").first.wait_for()
    box.get_by_text("6 of 6").first.wait_for()
    box.get_by_text("Not enough data to tell: prompt").wait_for()
    title.filter(has_text="How often prompt A is preferred to prompt B").wait_for()
    box.locator(".scatterlayer .trace").nth(1).wait_for()
    assert "secret" not in box.evaluate("element => element.outerHTML")
    lab.picture("prompt_comparison", box)

    # The reveal names the prompts, and ends the rating.
    box.get_by_role("button", name="Reveal").click()
    box.get_by_text("prompt A is secret-").wait_for()
    lab.until("comparison.selection['preferred'].startswith('secret-')", True)
    assert box.get_by_role("button", name="left is better").is_disabled()
    assert lab.kernel("comparison.to_parameters()") == {"feedback": "rated/feedback.db"}
    assert lab.broken() == [] and lab.complaints == []
