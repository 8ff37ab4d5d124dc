"""Feedback: blind, in random order, kept at once, and read back as it was given."""

import json
import sqlite3

import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import FrameError, ParameterError, PromptError
from aiopslab.prompts.agreement import krippendorff
from aiopslab.prompts.feedback import Feedback
from aiopslab.prompts.preferences import bradley_terry
from aiopslab.prompts.tasks import Task

ITEMS = 40


def calls(prompts=("plain", "polite"), items=ITEMS):
    """Return outputs whose length tells the prompt apart, which a rater can see."""
    return pd.DataFrame(
        {
            "item": np.repeat(np.arange(items), len(prompts)),
            "prompt": list(prompts) * items,
            "output": [f"{'x' * len(each)} {at}" for at in range(items) for each in prompts],
        }
    )


def inputs(items=ITEMS):
    return {each: f"Question {each}?" for each in range(items)}


@pytest.fixture
def feedback(tmp_path):
    with Feedback(tmp_path / "deep" / "feedback.db", seed=3) as store:
        yield store


@pytest.fixture
def pairs(feedback):
    feedback.add_pairs(calls(), inputs())
    return feedback


def rate_all(feedback, rater, rule, kind="human"):
    seen = []
    while (task := feedback.next_task(rater, kind)) is not None:
        feedback.rate(task, rule(task))
        seen.append(task)
    return seen


def longer(task):
    return "left" if len(task.outputs[0]) > len(task.outputs[1]) else "right"


def test_a_task_names_no_prompt_and_sides_are_up_to_chance(pairs):
    seen = rate_all(pairs, "ann", longer)
    assert len(seen) == ITEMS and len({each.number for each in seen}) == ITEMS
    for each in seen:
        assert "plain" not in repr(each) and "polite" not in each._repr_html_()
    told = pairs.preferences()
    assert (told["preferred"] == "polite").all(), "whichever side it stood on"
    assert 8 < (told["left"] == "polite").sum() < 32
    for row, task in zip(told.itertuples(), seen, strict=True):
        assert task.input == f"Question {row.item}?" and task.outputs[0].startswith(
            "x" * len(row.left)
        )
        assert row.rated.tz is not None


def test_raters_have_orders_of_their_own_that_a_seed_repeats(tmp_path):
    def orders(name, seed):
        with Feedback(tmp_path / name, seed) as store:
            store.add_pairs(calls(), inputs())
            told = {}
            for rater in ("ann", "bob"):
                rate_all(store, rater, lambda _: "left")
                mine = store.preferences().query("rater == @rater")
                told[rater] = mine["item"].tolist(), mine["left"].tolist()
            return told

    first, again, other = orders("a", 1), orders("b", 1), orders("c", 2)
    assert first == again
    assert first["ann"] != first["bob"] and first["ann"] != other["ann"]
    assert sorted(first["ann"][0]) == list(range(ITEMS))


def test_who_comes_back_goes_on_where_they_were(tmp_path):
    with Feedback(tmp_path / "f", seed=5) as store:
        store.add_pairs(calls(), inputs())
        task = store.next_task("ann")
        assert store.next_task("ann") == task, "until it is rated"
        store.rate(task, "left")
        following = store.next_task("ann")
    with Feedback(tmp_path / "f", seed=9) as store:
        assert store.seed == 5, "the file keeps its own"
        assert store.next_task("ann") == following
        assert store.add_pairs(calls(), inputs()).known == ITEMS
        assert store.progress().to_dict("records") == [
            {"rater": "ann", "kind": "human", "rated": 1, "tasks": ITEMS}
        ]


def test_the_last_rating_is_taken_back_and_comes_again(pairs):
    assert pairs.undo("ann") is None
    first = pairs.next_task("ann")
    pairs.rate(first, "left")
    pairs.rate(pairs.next_task("bob"), "right")
    with pytest.raises(PromptError, match=f"ann has rated task {first.number} before"):
        pairs.rate(first, "right")
    assert pairs.undo("ann") == first and pairs.next_task("ann") == first
    pairs.rate(first, "tie")
    told = pairs.preferences().set_index("rater")["preferred"]
    assert told["ann"] == "tie" and len(told) == 2


def test_ratings_measure_strength_and_agreement(pairs):
    rate_all(pairs, "ann", longer)
    rate_all(pairs, "bob", lambda task: longer(task) if task.number % 8 else "tie")
    rate_all(pairs, "cat", lambda task: longer(task) if task.number % 2 else "left")
    share, low, _ = bradley_terry(pairs.preferences()).preferred("polite", "plain")
    assert share > 0.8 and low > 0.5
    ratings = pairs.ratings()
    assert set(ratings["rating"]) == {-1, 0, 1} and len(ratings) == 3 * ITEMS
    assert pairs.ratings().query("rater == 'ann'")["rating"].eq(1).all(), "polite is the second"
    told = pairs.agreement().set_index(["one", "other"])
    assert told.loc[("people", "people"), "value"] == krippendorff(ratings).value
    assert set(told.index) == {("people", "people"), ("ann", "bob"), ("ann", "cat"), ("bob", "cat")}


def test_who_always_chooses_a_side_is_found_and_who_does_not_is_not(pairs):
    rate_all(pairs, "fair", longer)
    rate_all(pairs, "lefty", lambda _: "left", "judge")
    rate_all(pairs, "mild", lambda _: "tie")
    told = pairs.position_bias().set_index("rater")
    assert told.loc["lefty", "share"] == 1 and told.loc["lefty", "q"] < 1e-6
    assert told.loc["lefty", "low"] > 0.5 and told.loc["lefty", "kind"] == "judge"
    fair = told.loc["fair"]
    assert fair["low"] < 0.5 < fair["high"] and fair["left"] + fair["right"] == ITEMS
    assert told.loc["mild", "ties"] == ITEMS and np.isnan(told.loc["mild", "share"])


def test_a_judge_is_one_more_rater_beside_the_people(pairs):
    assert pairs.ask("model", longer) == ITEMS
    assert pairs.ask("model", longer) == 0
    for rater in ("ann", "bob"):
        rate_all(pairs, rater, lambda task: longer(task) if task.number > 5 else "tie")
    told = pairs.agreement().set_index(["one", "other"])
    assert ("model", "most people") in told.index
    assert told.loc[("model", "most people"), "items"] == ITEMS
    assert told.loc[("ann", "bob"), "value"] == 1
    kinds = pairs.preferences().groupby("kind").size()
    assert kinds.to_dict() == {"human": 2 * ITEMS, "judge": ITEMS}
    with pytest.raises(ParameterError, match="'judge'"):
        pairs.next_task("model", "human")


def test_a_judge_that_breaks_off_keeps_what_it_said(pairs):
    answers = iter(["left"] * 7)
    with pytest.raises(StopIteration):
        pairs.ask("model", lambda _: next(answers))
    assert pairs.progress()["rated"].tolist() == [7]


def test_pairs_are_exported_for_training_without_ties(pairs, tmp_path):
    rate_all(pairs, "ann", lambda task: "tie" if task.number <= 5 else longer(task))
    rate_all(
        pairs,
        "bob",
        lambda task: (
            {"left": "right", "right": "left"}[longer(task)]
            if task.number in {6, 7}
            else longer(task)
            if task.number > 2
            else "tie"
        ),
    )
    pairs.ask("model", lambda task: {"left": "right", "right": "left"}[longer(task)])
    written = pairs.export_preferences(tmp_path / "train.jsonl")
    lines = [
        json.loads(each) for each in (tmp_path / "train.jsonl").read_text("utf-8").splitlines()
    ]
    assert written.ties == 4, "two that both call ties, two that they disagree on"
    assert written.pairs == len(lines) == ITEMS - 4
    for each in lines:
        assert set(each) == {"prompt", "chosen", "rejected"}
        assert len(each["chosen"]) > len(each["rejected"])
        assert each["prompt"].removeprefix("Question ").rstrip("?") == each["chosen"].split()[1]
    assert pairs.export_preferences(tmp_path / "judge.jsonl", "judge").pairs == ITEMS
    first = json.loads((tmp_path / "judge.jsonl").read_text("utf-8").splitlines()[0])
    assert len(first["chosen"]) < len(first["rejected"])
    assert [each.name for each in tmp_path.glob("*.part")] == []
    with pytest.raises(PromptError, match="cannot be written"):
        pairs.export_preferences(tmp_path / "nowhere" / "train.jsonl")


def test_single_outputs_are_graded(feedback):
    added = feedback.add_outputs(calls(items=6), inputs())
    assert added.tasks == 12
    for rater in ("ann", "bob"):
        rate_all(feedback, rater, lambda task: min(len(task.outputs[0].split()[0]) - 3, 5))
    told = feedback.scores()
    assert told.groupby("prompt")["score"].unique().map(list).to_dict() == {
        "plain": [2],
        "polite": [3],
    }
    assert told.groupby("item").size().eq(4).all()
    agreed = feedback.agreement(pairs=False).set_index("one")
    assert agreed.loc["people", "value"] == 1 and agreed.loc["ann", "value"] == 1
    assert feedback.preferences().empty and feedback.ratings().empty


def test_calls_that_cannot_be_compared_are_counted(feedback):
    table = calls(items=5).assign(repetition=0)
    table.loc[0, "output"] = None
    table.loc[[2, 3], "output"] = "same"
    table = table.drop(index=4)
    added = feedback.add_pairs(table, inputs())
    assert (added.tasks, added.identical, added.unanswered) == (2, 1, 3)
    assert feedback.add_pairs(table, inputs()).tasks == 0
    again = feedback.add_pairs(table.assign(repetition=1), inputs())
    assert again.tasks == 2, "another repetition is another task"


def test_every_two_of_three_prompts_are_compared(feedback):
    assert feedback.add_pairs(calls(("a", "bb", "ccc"), 10), inputs()).tasks == 30
    rate_all(feedback, "ann", longer)
    assert bradley_terry(feedback.preferences()).table()["prompt"].tolist() == ["ccc", "bb", "a"]


def test_what_models_write_is_shown_as_text(feedback):
    texts = pd.Series(["<script>alert(1)</script>", "日本 \ud83d 🙂"], dtype=object)
    wild = calls(items=1).assign(output=texts)
    feedback.add_pairs(wild, {0: "<b>?</b>"})
    task = feedback.next_task("Zoë")
    shown = task._repr_html_()
    assert "<script>" not in shown and "<b>?" not in shown and "&lt;script&gt;" in shown
    assert "日本 ? 🙂" in task.outputs
    feedback.rate(task, "left")
    assert feedback.preferences()["rater"].tolist() == ["Zoë"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (calls().drop(columns="prompt"), "no column 'prompt'"),
        (calls(items=ITEMS + 1), "1 items have no input, e.g. 40"),
        (pd.concat([calls(items=1)] * 2), "'plain' answered the item 0 more than once"),
        (calls(("tie", "a")), "called 'tie'"),
    ],
)
def test_calls_that_do_not_fit_are_refused_and_leave_nothing(feedback, table, says):
    with pytest.raises(FrameError, match=says) as raised:
        feedback.add_pairs(table, inputs())
    assert raised.value.remedy and feedback.next_task("ann") is None


def test_nothing_rated_is_an_empty_answer(feedback, tmp_path):
    assert feedback.add_pairs(calls().head(0), {}).tasks == 0
    assert feedback.next_task("ann") is None
    assert feedback.preferences().empty and feedback.scores().empty
    assert feedback.agreement().empty and feedback.position_bias().empty
    assert feedback.export_preferences(tmp_path / "none.jsonl").pairs == 0


@pytest.mark.parametrize("rating", ["best", 1, 0, True, None, ""])
def test_pairs_are_not_graded(pairs, rating):
    with pytest.raises(ParameterError, match="expected one of left, right, tie"):
        pairs.rate(pairs.next_task("ann"), rating)
    assert pairs.preferences().empty


@pytest.mark.parametrize("rating", ["left", 0, 6, 2.5, True])
def test_grades_are_1_to_5(feedback, rating):
    feedback.add_outputs(calls(items=1), inputs())
    with pytest.raises(ParameterError, match="expected one of 1, 2, 3, 4, 5"):
        feedback.rate(feedback.next_task("ann"), rating)


def test_raters_have_a_name_and_tasks_a_file(pairs):
    for name in ("", " ", None):
        with pytest.raises(ParameterError, match="expected a name"):
            pairs.next_task(name)
    with pytest.raises(ParameterError, match="expected human or judge"):
        pairs.next_task("ann", "cat")
    with pytest.raises(PromptError, match="not of this file"):
        pairs.rate(Task(1, "ann", "Question 0?", ("x", "y")), "left")


def test_two_who_share_a_file_do_not_rate_twice(pairs):
    task = pairs.next_task("ann")
    with Feedback(pairs.path) as other:
        other.rate(other.next_task("ann"), "left")
    with pytest.raises(PromptError, match="before"):
        pairs.rate(task, "right")
    assert len(pairs.preferences()) == 1


def test_files_that_are_no_store_are_refused(tmp_path):
    (tmp_path / "text").write_text("hello " * 999)
    with pytest.raises(PromptError, match="store of feedback"):
        Feedback(tmp_path / "text")
    with pytest.raises(PromptError, match="store of feedback"):
        Feedback(tmp_path / "text" / "f.db")
    with sqlite3.connect(tmp_path / "new.db") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(PromptError, match="version 99"):
        Feedback(tmp_path / "new.db")
