"""Runs that stop when they are certain: fewer calls, honest verdicts, and nothing asked twice."""

import json

import numpy as np
import pandas as pd
import pytest
from aiohttp import web
from pandas.testing import assert_frame_equal

from aiopslab.errors import ParameterError
from aiopslab.prompts import Metric, Prompt, Store, analyse, scorers
from aiopslab.prompts.stopping import Question, evaluate_until_certain, run_until_certain
from tests.prompts.stub import answer, endpoint, serving

OLD, NEW, OTHER = (
    Prompt.of(name, f"{name}: {{{{ text }}}}", max_tokens=5) for name in ("old", "new", "other")
)
CORRECT = Question({"correct": scorers.exact()})


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "calls.db") as store:
        yield store


def items(count=300, **columns):
    names = [f"i{each}" for each in range(count)]
    return pd.DataFrame({"item": names, "text": range(count), "expected": "yes"}).assign(**columns)


def right(**shares):
    """Return how a stub behaves whose prompts are right on a share of the items each."""
    rng = np.random.default_rng(0)
    lucky = {name: rng.random(2_000) < share for name, share in shares.items()}

    async def behave(request, before):
        name, number = json.loads(await request.text())["messages"][-1]["content"].split(": ")
        return answer("yes" if lucky[name][int(number)] else "no", given=2 if name == "new" else 8)

    return behave


def test_a_large_difference_is_certain_after_a_few_calls(store):
    with serving(right(old=0.4, new=0.85)) as stub:
        run = run_until_certain([OLD, NEW], items(), endpoint(stub), store, CORRECT)
        assert stub.calls == len(run.calls) <= 240
    assert run.looks.certain and not run.stopped
    assert run.looks.after[-1] * 2 == len(run.calls) and run.looks.of == 300
    assert run.looks.spared == 600 - len(run.calls) == 600 - run.progress.answered
    assert set(run.calls["status"]) == {"answered"} and run.calls["item"].nunique() < 120
    found = analyse(run, items(), CORRECT.scorers)
    verdict = found.verdict()
    assert found.level == "act" and verdict.headline.startswith("Use new")
    assert f"{run.looks.spared} calls were not needed" in verdict.headline
    assert "stopped by" not in verdict.headline
    assert {each.difference.method for each in found.comparison.contrasts} == {"sequential"}
    assert "one looked on the way" in found.sample_note()


def test_a_run_again_asks_nothing_and_comes_to_the_same(store):
    with serving(right(old=0.4, new=0.85)) as stub:
        first = run_until_certain([OLD, NEW], items(), endpoint(stub), store, CORRECT)
        again = run_until_certain([OLD, NEW], items(), endpoint(stub), store, CORRECT)
        assert stub.calls == first.progress.answered == again.progress.reused
    assert first.looks == again.looks and again.progress.answered == 0
    tables = [analyse(each, items(), CORRECT.scorers).table() for each in (first, again)]
    assert_frame_equal(*tables)


def test_equal_prompts_are_asked_everything_once_and_nothing_is_said_to_be_spared(store):
    with serving(right(old=0.5, new=0.5)) as stub:
        run = run_until_certain([OLD, NEW], items(120), endpoint(stub), store, CORRECT)
        assert stub.calls == 240 and set(stub.asked.values()) == {1}
    assert not run.looks.certain and run.looks.after[-1] == 120 and run.looks.spared == 0
    found = analyse(run, items(120), CORRECT.scorers)
    assert found.level == "watch" and "Not enough data" in found.verdict().headline


def test_what_is_surely_as_good_is_stopped_too(store):
    question = Question(CORRECT.scorers, [Metric("correct", margin=0.1)])
    with serving(right(old=1.0, new=1.0)) as stub:
        run = run_until_certain([OLD, NEW], items(), endpoint(stub), store, question)
        assert stub.calls < 300
    found = analyse(run, items(), question.scorers, question.metrics)
    assert run.looks.certain and found.decision.choice == "equivalent" and found.level == "ok"


@pytest.mark.parametrize(("other", "is_early"), [(0.05, True), (0.5, False)])
def test_it_goes_on_until_every_candidate_is_judged(store, other, is_early):
    with serving(right(old=0.5, new=0.95, other=other)) as stub:
        run = run_until_certain([OLD, NEW, OTHER], items(200), endpoint(stub), store, CORRECT)
    assert run.looks.certain == is_early and (run.looks.spared > 0) == is_early
    outcomes = analyse(run, items(200), CORRECT.scorers).table().set_index("candidate")
    outcomes = outcomes[outcomes["metric"] == "correct"]["outcome"]
    assert outcomes["new"] == "better"
    assert outcomes["other"] == ("worse" if is_early else "not enough data")


def test_a_cheaper_prompt_is_wanted_until_it_is_surely_cheaper_and_no_worse(store):
    question = Question(CORRECT.scorers, [Metric("correct", margin=0.1)], saves="output_tokens")
    with serving(right(old=1.0, new=1.0)) as stub:
        run = run_until_certain([OLD, NEW], items(), endpoint(stub), store, question)
    found = analyse(run, items(), question.scorers, question.metrics, saves=question.saves)
    assert run.looks.certain and run.looks.spared > 0
    assert found.decision.choice == "candidate" and found.decision.prompt == "new"


def test_a_cap_is_no_certainty(store):
    with serving(right(old=0.5, new=0.5)) as stub:
        run = run_until_certain(
            [OLD, NEW], items(), endpoint(stub, concurrency=1), store, CORRECT, cap_usd=0.002
        )
    assert run.progress.cost_usd <= 0.002 and 0 < stub.calls < 600
    assert "the cap of 0.002 USD" in run.stopped
    assert not run.looks.certain and run.looks.spared == 0
    found = analyse(run, items(), CORRECT.scorers)
    assert found.level == "watch" and "stopped by the cap" in found.verdict().headline
    assert "not needed" not in found.verdict().headline


def test_groups_are_asked_as_a_whole_and_count_once(store):
    table = items(group=np.repeat(np.arange(100), 3))
    with serving(right(old=0.3, new=0.9)) as stub:
        run = run_until_certain([OLD, NEW], table, endpoint(stub), store, CORRECT)
    assert run.looks.spared > 0
    assert set(run.calls.groupby("group")["item"].nunique()) == {3}
    told = analyse(run, table, CORRECT.scorers).comparison.contrast("new", "correct").difference
    assert (told.groups, told.items) == (run.looks.after[-1] / 3, run.looks.after[-1])


def test_repetitions_are_averaged_and_what_failed_is_left_out_and_counted(store):
    answers = right(old=0.4, new=0.9)

    async def some_fail(request, before):
        body = json.loads(await request.text())
        number = int(body["messages"][-1]["content"].split(": ")[1])
        if number % 10 == 0 and body["messages"][-1]["content"].startswith("new"):
            return web.json_response({"error": {"message": "filtered"}}, status=400)
        return await answers(request, before)

    with serving(some_fail) as stub:
        run = run_until_certain([OLD, NEW], items(), endpoint(stub), store, CORRECT, repetitions=2)
    told = analyse(run, items(), CORRECT.scorers).comparison.contrast("new", "correct")
    asked = run.calls["item"].unique()
    failed = sum(int(each[1:]) % 10 == 0 for each in asked)
    assert failed and (told.dropped, told.difference.items) == (failed, len(asked) - failed)
    assert len(run.calls) == 4 * len(asked)


def test_the_endpoint_is_kept_busy_and_what_is_reported_only_grows(store):
    seen = []
    with serving(right(old=0.5, new=0.5), delay_s=0.01) as stub:
        run_until_certain(
            [OLD, NEW],
            items(80),
            endpoint(stub, concurrency=8),
            store,
            CORRECT,
            report=lambda progress: seen.append((progress.done, progress.total)),
        )
        assert stub.most_at_once == 8
    assert [total for _, total in seen] == [160] * len(seen) and seen[-1][0] == 160
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_items_need_no_names(store):
    table = items().drop(columns="item")
    with serving(right(old=0.4, new=0.9)) as stub:
        run = run_until_certain([OLD, NEW], table, endpoint(stub), store, CORRECT)
    assert analyse(run, table, CORRECT.scorers).decision.prompt == "new"
    told = [each.split(": ")[1] for each in run.calls["input"]]
    assert told == [str(each) for each in run.calls["item"]]


@pytest.mark.parametrize(
    ("prompts", "table", "question", "says"),
    [
        ([OLD], items(30), CORRECT, "nothing to be certain of"),
        ([OLD, NEW], items(30), Question(CORRECT.scorers, baseline="nwe"), "Did you mean 'new'"),
        ([OLD, NEW], items(20_001), CORRECT, "20,001 independent items are too many"),
    ],
)
def test_what_cannot_become_certain_is_told_before_anything_is_asked(
    store, prompts, table, question, says
):
    with serving() as stub, pytest.raises(ParameterError, match=says):
        run_until_certain(prompts, table, endpoint(stub), store, question)
    assert stub.calls == 0


def test_a_score_that_is_no_share_needs_a_unit(store):
    def letters(output, item):
        return len(output)

    with serving(right(old=0.2, new=0.9)) as stub:
        told = Question({"letters": letters})
        with pytest.raises(ParameterError, match=r"a score of letters is [23]") as caught:
            run_until_certain([OLD, NEW], items(), endpoint(stub), store, told)
        assert "Metric('letters', unit=" in caught.value.remedy
        metrics = [Metric("letters", unit="letters", margin=0.1)]
        told = Question({"letters": letters}, metrics)
        run = run_until_certain([OLD, NEW], items(), endpoint(stub), store, told)
    assert run.looks.spared > 0
    assert analyse(run, items(), told.scorers, metrics).decision.prompt == "new"


def test_there_is_a_scorer():
    with pytest.raises(ParameterError, match="no scorer"):
        Question({})


def test_any_endpoint_will_do(tmp_path):
    with serving(right(old=0.4, new=0.9)) as stub:
        run = evaluate_until_certain(
            [OLD, NEW], items(), CORRECT, stub.address, "m", store=tmp_path / "calls.db"
        )
        assert stub.calls == len(run.calls) < 600


def test_the_figure_ends_where_it_was_certain(store):
    with serving(right(old=0.4, new=0.85)) as stub:
        run = run_until_certain([OLD, NEW], items(), endpoint(stub), store, CORRECT)
    found = analyse(run, items(), CORRECT.scorers)
    told = found.comparison.contrast("new", "correct").difference
    figure = found.evidence_figure()
    line = figure.data[1]
    assert line.x[-1] == told.items == run.looks.after[-1]
    assert line.y[-1] == pytest.approx(told.value)
    assert tuple(line.customdata[-1]) == pytest.approx((told.low, told.high))
    assert any("certain after" in each.text for each in figure.layout.annotations)
