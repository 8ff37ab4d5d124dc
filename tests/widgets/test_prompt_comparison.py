"""The prompt comparison, pressed as a browser presses it: what is stored, shown and kept back."""

import json
import random
import subprocess
import sys

import ipywidgets as widgets
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from aiopslab.errors import ParameterError, PromptError
from aiopslab.prompts.feedback import Feedback
from aiopslab.prompts.opinions import gather_opinions
from aiopslab.prompts.study import analyse
from aiopslab.widgets import PromptComparison
from tests.prompts.test_study import CORRECT, run_of, things

NAMES = ("secret-old", "secret-new")
EVIL = "<script>alert('p')</script> & more"


def calls(count, prompts=NAMES, said="{prompt} of {item}"):
    """Return outputs that do not name their prompts, but by a number."""
    rows = [
        {"item": item, "prompt": name, "output": said.format(prompt=number, item=item)}
        for item in range(count)
        for number, name in enumerate(prompts)
    ]
    return pd.DataFrame(rows)


def add(feedback, count, **more):
    feedback.add_pairs(calls(count, **more), {item: f"Question {item}?" for item in range(count)})


@pytest.fixture
def feedback(tmp_path):
    with Feedback(tmp_path / "feedback.db") as feedback:
        add(feedback, 6)
        yield feedback


def leaves(widget):
    children = getattr(widget, "children", ())
    return [leaf for child in children for leaf in leaves(child)] if children else [widget]


def shown(comparison):
    """Return all the HTML that a browser is sent, but for figures."""
    return "\n".join(
        each.value for each in leaves(comparison.box) if isinstance(each, widgets.HTML)
    )


def sent(comparison):
    """Return all that could reach a page: states of widgets, figures, selection, static parts."""
    states = [each.get_state() for each in leaves(comparison.box)]
    figures = [each.to_json() for each in (*comparison.pictures(), comparison.panel.figure)]
    told = [*map(str, states), *figures, comparison.summary(), repr(comparison)]
    return "\n".join([*told, str(comparison.selection), str(comparison._repr_mimebundle_())])


def stored(feedback):
    """Return who preferred what, as the rater saw it."""
    rows = feedback.preferences().to_dict("records")
    sides = [{row["left"]: "left", row["right"]: "right", "tie": "tie"} for row in rows]
    return [side[row["preferred"]] for side, row in zip(sides, rows, strict=True)]


def test_what_is_pressed_is_stored_and_the_next_pair_is_shown(feedback):
    comparison = PromptComparison(feedback, "ann")
    seen = []
    for choice in ("left", "tie", "right"):
        task = comparison.task
        assert task.input in shown(comparison)
        assert all(output in shown(comparison) for output in task.outputs)
        seen.append(task.number)
        comparison.buttons[choice].click()
        assert comparison.task.number not in seen
    assert stored(feedback) == ["left", "tie", "right"]
    assert feedback.preferences()["task"].tolist() == seen


def test_the_pair_is_the_one_that_the_store_draws_left_and_right_as_it_does(feedback):
    comparison = PromptComparison(feedback, "ann")
    for _ in range(6):
        task = feedback.next_task("ann")
        assert comparison.task == task
        read = BeautifulSoup(shown(comparison), "html.parser")
        sides = read.find_all("section", {"aria-label": ["Left", "Right"]})
        assert [each.div.get_text() for each in sides] == [*task.outputs]
        comparison.buttons["left"].click()


@pytest.mark.parametrize(
    ("keys", "choices"),
    [
        (["1", "2", "3"], ["left", "right", "tie"]),
        (["ArrowLeft", "ArrowDown", "ArrowRight"], ["left", "tie", "right"]),
    ],
)
def test_keys_do_what_the_buttons_do(feedback, keys, choices):
    comparison = PromptComparison(feedback, "ann")
    assert {*keys, "u", "d"} <= {*comparison.page.shortcuts}
    for key in keys:
        comparison._press(key)
    assert stored(feedback) == choices
    comparison._press("u")
    assert stored(feedback) == choices[:-1]
    comparison._press("d")
    assert comparison.differences.value and "<del" in shown(comparison)
    comparison._press("d")
    assert not comparison.differences.value and "<del" not in shown(comparison)


def test_differences_stay_marked_for_the_next_pair(feedback):
    comparison = PromptComparison(feedback, "ann")
    comparison.differences.value = True
    comparison.buttons["left"].click()
    assert "<ins" in shown(comparison) and "line-through" in shown(comparison)


@pytest.mark.parametrize("rated", [0, 1, 6])
def test_no_name_of_a_prompt_is_sent_before_the_reveal(feedback, rated):
    analysis = analyse(
        run_of(things(30), dict.fromkeys(NAMES, 0.5)), things(30), CORRECT, baseline=NAMES[0]
    )
    comparison = PromptComparison(feedback, "ann", analysis)
    assert "secret" not in sent(comparison)
    for number in range(rated):
        comparison.buttons["left" if number % 3 else "tie"].click()
    assert "secret" not in sent(comparison)
    comparison.reveal.click()
    assert ("secret-old" in sent(comparison)) is (rated > 0)


def test_the_reveal_names_the_prompts_and_ends_the_rating(feedback):
    comparison = PromptComparison(feedback, "ann")
    assert comparison.reveal.disabled
    comparison.buttons["left"].click()
    assert not comparison.reveal.disabled
    comparison.reveal.click()
    assert "prompt A is secret-" in shown(comparison) and "rating is over" in shown(comparison)
    controls = (*comparison.buttons.values(), comparison.undo, comparison.reveal)
    assert all(each.disabled for each in controls)
    for key in ("1", "u", "d"):  # a late press
        comparison._press(key)
    assert stored(feedback) == ["left"]
    last = feedback.preferences().iloc[-1]
    assert comparison.selection["preferred"] == last["left"] == last["preferred"]
    assert {comparison.selection["left"], comparison.selection["right"]} == {*NAMES}


def test_scores_of_the_run_are_told_after_the_reveal(feedback):
    analysis = analyse(
        run_of(things(60), {"secret-old": 0.2, "secret-new": 0.9}), things(60), CORRECT
    )
    comparison = PromptComparison(feedback, "ann", analysis)
    comparison.buttons["left"].click()
    assert "won / lost" not in sent(comparison)
    comparison.reveal.click()
    assert "won / lost" in comparison.summary() and "better" in comparison.summary()


def test_selection_is_the_last_rating_and_is_observed(feedback):
    comparison, seen = PromptComparison(feedback, "ann"), []
    assert comparison.selection == {}
    comparison.observe(lambda change: seen.append(change["new"]), "selection")
    first = comparison.task.number
    comparison.buttons["right"].click()
    second = comparison.task.number
    comparison.buttons["tie"].click()
    comparison.undo.click()
    assert [(each["task"], each["choice"]) for each in seen] == [
        (first, "right"),
        (second, "tie"),
        (first, "right"),
    ]
    assert {*comparison.selection} == {"task", "item", "choice"}
    assert json.loads(json.dumps(comparison.selection)) == comparison.selection


def test_a_second_widget_goes_on_where_the_first_was(feedback, tmp_path):
    PromptComparison(feedback, "ann").buttons["left"].click()
    with Feedback(tmp_path / "feedback.db") as again:
        second = PromptComparison(again, "ann")
        assert second.rated == 1 and second.selection["choice"] == "left"
        second.undo.click()
        assert not stored(feedback) and second.undo.disabled


def test_what_was_rated_in_another_window_is_told_and_passed_over(feedback):
    one, other = PromptComparison(feedback, "ann"), PromptComparison(feedback, "ann")
    one.buttons["left"].click()
    other.buttons["right"].click()
    assert stored(feedback) == ["left"]
    assert 'role="alert"' in shown(other) and "has rated task" in shown(other)
    other.buttons["right"].click()
    assert stored(feedback) == ["left", "right"] and "has rated task" not in shown(other)


def test_nothing_to_take_back_is_told(feedback):
    comparison = PromptComparison(feedback, "ann")
    comparison._press("u")
    assert "no rating to take back" in shown(comparison) and comparison.undo.disabled


def test_what_another_process_stores_is_seen_at_the_next_press(feedback):
    comparison = PromptComparison(feedback, "ann")
    comparison.buttons["left"].click()
    assert "bob" not in shown(comparison)
    code = (
        "from aiopslab.prompts import Feedback\n"
        f"with Feedback({str(feedback.path)!r}) as feedback:\n"
        "    for side in ('left', 'right', 'tie'):\n"
        "        feedback.rate(feedback.next_task('bob'), side)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    comparison.buttons["left"].click()
    read = BeautifulSoup(shown(comparison), "html.parser")
    bars = {row.td.get_text(): row.progress["value"] for row in read.find_all("tr") if row.progress}
    assert bars == {"ann": "2", "bob": "3"}


def test_agreement_is_live_once_two_people_rate(feedback):
    ann, bob = PromptComparison(feedback, "ann"), PromptComparison(feedback, "bob")
    new = dict.fromkeys(range(1, 7), "1 of")  # both prefer the same prompt, wherever it is

    def rate(comparison):
        left = comparison.task.outputs[0].startswith(new[comparison.task.number])
        comparison.buttons["left" if left else "right"].click()

    for _ in range(5):
        rate(ann)
    assert "alpha" not in shown(ann)
    bob_first = bob.task.number
    new[bob_first] = "0 of"
    for _ in range(6):
        rate(bob)
    ann._press("d")  # nothing is asked of the store by a toggle
    assert "alpha" not in shown(ann)
    rate(ann)
    assert "Krippendorff" in shown(ann) and "ann and bob" in shown(ann)
    agreed = feedback.agreement().iloc[0]
    assert f"{agreed['value']:.2f} ({agreed['low']:.2f} to {agreed['high']:.2f})" in shown(ann)


def test_the_test_goes_from_not_enough_to_certain(tmp_path):
    with Feedback(tmp_path / "f.db") as feedback:
        add(feedback, 14)
        comparison = PromptComparison(feedback, "ann")
        assert "no pair is rated" in shown(comparison)
        for number in range(14):
            left = comparison.task.outputs[0].startswith("1 of")
            comparison.buttons["left" if left else "right"].click()
            state = "Not enough data to tell" if number < 11 else "Certain after 12 pairs"
            assert state in shown(comparison)
            assert ("more would tell" in shown(comparison)) is (number < 11)
        assert comparison.panel.figure.data[1].x[-1] == 14
        assert len(comparison.pictures()) == 1
        assert "Certain" in comparison.pictures()[0].layout.meta["description"]


def test_of_three_prompts_each_pair_has_its_state_and_one_is_drawn(tmp_path):
    with Feedback(tmp_path / "f.db") as feedback:
        add(feedback, 4, prompts=("x", "y", "z"))
        comparison = PromptComparison(feedback, "ann")
        while comparison.task:
            comparison.buttons["left"].click()
        assert len(comparison.standings) == 3 and len(comparison.pair.options) == 3
        assert comparison.pair.layout.display is None
        comparison.pair.value = comparison.pair.options[2]
        (drawn,) = comparison.pictures()
        assert drawn.layout.title.text == "How often prompt B is preferred to prompt C"
        assert comparison.panel.figure is drawn


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        "\"><img src=x onerror='alert(1)'>",
        "</div></section><u>",
        "&lt;u&gt; & &amp;",
        "a < b\n<u>",
    ],
)
def test_a_browser_reads_back_the_text_and_no_tag_of_it(tmp_path, text):
    with Feedback(tmp_path / "f.db") as feedback:
        told = calls(2, said=text.replace("{", "").replace("}", "") + " {prompt}")
        feedback.add_pairs(told, dict.fromkeys(range(2), text))
        comparison = PromptComparison(feedback, text)
        for with_differences in (False, True):
            comparison.differences.value = with_differences
            read = BeautifulSoup(shown(comparison), "html.parser")
            blocks = [each.div.get_text() for each in read.find_all("section")]
            assert blocks == [text, *comparison.task.outputs]
            assert not read.find_all(["script", "img", "i"])
        comparison.buttons["left"].click()
        read = BeautifulSoup(comparison.summary(), "html.parser")
        assert read.tbody.td.get_text() == text and not read.find_all(["script", "img", "u"])


def test_an_empty_store_is_told_and_what_is_added_later_is_shown(tmp_path):
    with Feedback(tmp_path / "f.db") as feedback:
        comparison = PromptComparison(feedback, "ann")
        assert "nothing to rate" in shown(comparison)
        controls = (*comparison.buttons.values(), comparison.undo, comparison.reveal)
        assert all(each.disabled for each in controls)
        comparison._press("1")
        assert comparison.selection == {} and comparison.pictures() == []
        add(feedback, 1)
        comparison._press("u")
        assert not comparison.buttons["left"].disabled
        comparison.buttons["left"].click()
        assert "Every pair is rated" in shown(comparison)


def test_single_outputs_are_not_taken_for_pairs(tmp_path):
    with Feedback(tmp_path / "f.db") as feedback:
        feedback.add_outputs(calls(1), {0: "Question?"})
        comparison = PromptComparison(feedback, "ann")
        assert "a single output" in shown(comparison)
        comparison._press("1")
        comparison._press("d")
        assert feedback.scores().empty


@pytest.mark.parametrize("rater", ["", " "])
def test_nobody_rates_nothing(feedback, rater):
    with pytest.raises(ParameterError, match="expected a name"):
        PromptComparison(feedback, rater)


def test_a_judge_is_no_person(feedback):
    feedback.ask("robot", lambda task: "left")
    with pytest.raises(ParameterError, match="judge"):
        PromptComparison(feedback, "robot")
    comparison = PromptComparison(feedback, "ann")
    assert "robot (judge)" in shown(comparison) and "no pair is rated" in shown(comparison)


def test_ratings_become_the_feedback_of_a_report(feedback):
    comparison = PromptComparison(feedback, "ann")
    comparison.buttons["left"].click()
    parameters = comparison.to_parameters()
    assert {*parameters} == {"feedback"}
    opinions = gather_opinions(calls(6), {}, **parameters)
    assert opinions.table()["judgements"].tolist() == [1]
    feedback.path.rename(feedback.path.with_suffix(".gone"))
    with pytest.raises(PromptError, match="no file"):
        comparison.to_parameters()


def test_without_a_kernel_progress_agreement_and_the_test_are_seen(feedback):
    comparison = PromptComparison(feedback, "ann")
    PromptComparison(feedback, "bob").buttons["left"].click()
    comparison.buttons["left"].click()
    told = comparison._repr_mimebundle_()
    for part in ("1 of 6", "Krippendorff", "Not enough data to tell"):
        assert part in told["text/html"]
    assert "Question" not in comparison.summary()
    assert told["text/plain"] == "PromptComparison('ann': 1 of 6 rated, blind)"


def test_any_sequence_of_presses_leaves_the_store_as_a_list_would_be(tmp_path):
    rng = random.Random(0)
    for run in range(2):
        with Feedback(tmp_path / f"{run}.db") as feedback:
            add(feedback, 4)
            comparison, expected = PromptComparison(feedback, "ann"), []
            for _ in range(12):
                key = rng.choice(["1", "2", "3", "ArrowLeft", "ArrowRight", "ArrowDown", "u", "d"])
                comparison._press(key)
                if key == "u":
                    expected = expected[:-1]
                elif key != "d":
                    side = {"1": "left", "2": "right", "3": "tie"}.get(key, key)
                    side = {"ArrowLeft": "left", "ArrowRight": "right", "ArrowDown": "tie"}.get(
                        side, side
                    )
                    expected = [*expected, side][:4]
                assert stored(feedback) == expected
                assert comparison.rated == len(expected)
                assert comparison.selection.get("choice") == (expected or [None])[-1]
