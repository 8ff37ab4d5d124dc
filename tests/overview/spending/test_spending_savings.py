"""What would save: caches, cheaper models and shorter prompts, and all of them together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.overview import spend
from aiopslab.overview.spending.caching import cached
from aiopslab.overview.spending.ledger import read
from aiopslab.overview.spending.quality import standing
from aiopslab.overview.spending.questions import asked
from aiopslab.overview.spending.stretches import interval
from aiopslab.overview.spending.switches import saved, switches
from tests.overview.spending.worlds import START, calls, two_models


def savings(frame, **more):
    """Return savings by what they are."""
    return {each.what: each for each in spend(frame, **more).changes}


def kinds(frame, **more):
    return {each.kind: each for each in spend(frame, **more).changes}


# --- a cache of answers


def walked(questions, tenants, times, life):
    """Return which calls a cache answers, call by call: what the quick way is held against."""
    kept, hits = {}, []
    for question, tenant, time in zip(questions, tenants, times, strict=True):
        key = (question, tenant)
        hit = key in kept and time - kept[key] <= life
        hits.append(hit)
        if not hit:
            kept[key] = time
    return hits


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 40)),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 30),
)
def test_a_cache_answers_what_one_that_is_walked_through_answers(told, life):
    told = sorted(told, key=lambda each: each[2])
    frame = calls(
        len(told),
        input=[each[0] for each in told],
        tenant=[each[1] for each in told],
        timestamp=START + pd.to_timedelta([each[2] for each in told], unit="s"),
    )
    found = cached(read(frame), pd.Timedelta(life, "s"))
    questions, tenants, times = zip(*told, strict=True)
    assert found.hits.tolist() == walked(questions, tenants, times, life)
    assert not found.hits[found.first].any()  # what answers was itself asked


def test_a_question_without_end_is_not_walked_through_call_by_call():
    rows = 100_000
    frame = calls(rows, "10s", input="why?", latency_ms=1.0)
    hits = cached(read(frame), pd.Timedelta("10s")).hits
    assert hits.sum() == rows // 2
    assert not hits[::2].any()


def test_a_cache_saves_what_its_repeats_cost():
    frame = calls(1920, "1h", input=[*"aabc"] * 480, output="so", cost=[1, 2, 4, 8] * 480)
    found = kinds(frame, time_to_live="90min", period="80D")["cache"]
    # Every second call of four repeats the first within the hour, at 2 USD; and so on for ever.
    assert found.saves_usd == pytest.approx(480 * 2, rel=0.01)
    assert found.share == pytest.approx(2 / 15, rel=0.01)
    assert found.quality == "not worse"
    assert found.is_sure


def test_nobody_gets_what_another_tenant_was_told():
    frame = calls(
        400, "1min", input="why?", output="so", tenant=[f"t{each}" for each in range(400)]
    )
    assert not cached(read(frame), pd.Timedelta("1D")).hits.any()


def test_calls_that_failed_neither_fill_a_cache_nor_are_answered():
    frame = calls(3, "1min", input="why?", output=[None, "so", "so"])
    assert cached(read(frame), pd.Timedelta("1h")).hits.tolist() == [False, False, True]


def test_without_inputs_nobody_knows_what_repeats():
    found = kinds(calls(50, input=None))["cache"]
    assert np.isnan(found.saves_usd)
    assert found.quality == "not enough data"
    assert "No input was recorded" in found.how


def test_answers_that_differ_are_not_taken_for_as_good():
    frame = calls(400, "1min", input="why?")
    found = kinds(frame)["cache"]
    assert found.saves_usd > 0
    assert found.quality == "not enough data"
    assert "the same in 0" in found.how
    assert not found.is_sure


@pytest.mark.parametrize(
    ("one", "other", "is_same", "is_alike"),
    [
        ("How late is it?", "  how LATE\tis it ", True, True),
        ("ﬁle", "file", True, True),
        ("pay the invoice", "the invoice: pay!", False, True),
        ("Ist das groß?", "ist das GROSS", False, False),
        ("item 3", "item 4", False, False),
        ("a a b", "a b b", False, False),
        ("今何時?", "今何時", True, True),
        ("??", "!!", False, False),
        ("🙂", "🙃", False, False),
    ],
)
def test_questions_are_the_same_but_for_their_writing(one, other, is_same, is_alike):
    same, alike = asked(pd.Series([one, other]))
    assert (same[0] == same[1]) == is_same
    assert (alike[0] == alike[1]) == is_alike


def test_texts_that_are_missing_are_nobodys_repeats():
    same, alike = asked(pd.Series([None, "", "a", None], dtype="str"))
    assert (same < 0).tolist() == (alike < 0).tolist() == [True, True, False, True]


def test_the_same_words_in_another_order_are_only_an_upper_bound():
    frame = calls(200, "1min", input=["pay the invoice", "the invoice pay"] * 100, output="so")
    found = kinds(frame, time_to_live="1min")["cache"]
    assert found.saves_usd == 0
    assert "at most" in found.how


# --- a cheaper model


def test_a_cheaper_model_that_is_as_good_saves_the_difference():
    frame = two_models(rows=12_000, seed=1)
    found = savings(frame, period="30D")["Model small instead of large"]
    large, small = (frame[frame["model"] == each] for each in ("large", "small"))
    span = frame["timestamp"].iloc[-1] - frame["timestamp"].iloc[0]
    exact = len(large) * (large["cost_usd"].mean() - small["cost_usd"].mean())
    assert found.saves_usd == pytest.approx(exact * (pd.Timedelta("30D") / span))
    assert found.low < found.saves_usd < found.high
    assert found.quality == "not worse"
    assert found.is_sure


def test_a_cheaper_model_that_is_worse_is_called_worse():
    found = savings(two_models(rows=6_000, gap=0.1))["Model small instead of large"]
    assert found.quality == "worse"
    assert not found.is_sure
    assert not any(each.kind == "all together" for each in spend(two_models(gap=0.1)).changes)


def test_of_few_ratings_it_is_told_how_many_would_be_enough():
    found = savings(two_models(rows=4_000, rated=0.02))["Model small instead of large"]
    assert found.quality == "not enough data"
    assert "rated answers of each" in found.how
    assert "calls would be enough" in found.how
    none = savings(two_models(rows=400, rated=0.0))["Model small instead of large"]
    assert "No answer was rated" in none.how


def test_where_only_one_model_was_recorded_nothing_is_made_up():
    found = kinds(calls(300, feedback=[1.0, 0.0] * 150))
    for kind in ("cheaper model", "shorter prompt"):
        assert np.isnan(found[kind].saves_usd)
        assert found[kind].quality == "not enough data"
        assert "would be enough" in found[kind].how
    assert "100 of 100 input tokens a call (100 %) are sent" in found["shorter prompt"].how


def test_models_are_only_compared_where_both_answered():
    """The small one gets another prompt, which is cheap by itself: that says nothing."""
    frame = two_models(rows=2_000)
    frame["prompt_version"] = np.where(frame["model"] == "small", "title/1", "support/1")
    assert "Model small instead of large" not in savings(frame)


def test_the_mix_of_prompts_does_not_pass_for_a_cheaper_model():
    """Both cost the same for each prompt; the small one is asked the cheap prompt more often."""
    rng = np.random.default_rng(0)
    small, short = rng.random(6_000) < 0.5, rng.random(6_000)
    short = short < np.where(small, 0.9, 0.1)
    frame = calls(
        6_000,
        "10min",
        model=np.where(small, "small", "large"),
        prompt_version=np.where(short, "title/1", "support/1"),
        cost=np.where(short, 1.0, 5.0),
    )
    found = savings(frame).get("Model small instead of large")
    assert found is None or abs(found.saves_usd) < 1e-9


def test_what_is_no_longer_called_is_not_to_be_switched():
    frame = two_models(rows=4_000)
    late = np.arange(4_000) > 2_000
    frame = frame[~(late & (frame["model"] == "large"))]
    assert "Model small instead of large" not in savings(frame)


def test_a_question_put_to_both_is_compared_in_pairs():
    """Questions differ in how hard they are; in pairs that is no noise."""
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 0.3, 400)
    scores = [0.5 + hard + rng.normal(0, 0.02, 400) for _ in range(2)]
    questions, strata = np.arange(400), np.zeros(400, np.int64)
    more = {"margin": 0.02, "confidence": 0.95, "seed": 0}
    told = standing(*scores, (questions, questions), (strata, strata), **more)
    assert (told.method, told.outcome) == ("paired", "not worse")
    apart = standing(*scores, (questions, questions + 400), (strata, strata), **more)
    assert (apart.method, apart.outcome) == ("unpaired", "not enough data")
    assert told.needed < apart.needed


def test_a_model_that_is_worse_by_the_margin_is_seldom_called_not_worse():
    """At the margin itself it may be in 2.5 % of cases: 100 of them hold it to 7 %."""
    wrong, rng = 0, np.random.default_rng(0)
    nothing = np.zeros(600, np.int64) - 1, np.zeros(600, np.int64) - 1
    strata = np.zeros(600, np.int64), np.zeros(600, np.int64)
    for _ in range(100):
        sides = [(rng.random(600) < share).astype(float) for share in (0.9, 0.88)]
        told = standing(*sides, nothing, strata, margin=0.02, confidence=0.95, seed=0)
        wrong += told.outcome == "not worse"
    assert wrong <= 7


def test_the_ratings_that_were_said_to_be_enough_mostly_are():
    rng = np.random.default_rng(1)
    draw = lambda rows: (rng.random(rows) < 0.9).astype(float)  # noqa: E731
    empty = lambda rows: (np.full(rows, -1),) * 2  # noqa: E731
    more = {"margin": 0.03, "confidence": 0.95, "seed": 0}
    first = standing(draw(500), draw(500), empty(500), (np.zeros(500, int),) * 2, **more)
    rows = first.needed
    told = [
        standing(draw(rows), draw(rows), empty(rows), (np.zeros(rows, int),) * 2, **more)
        for _ in range(40)
    ]
    assert 0.55 < np.mean([each.outcome == "not worse" for each in told]) < 0.97


# --- a shorter prompt


def test_a_shorter_prompt_of_the_same_name_saves_and_another_task_does_not():
    rng = np.random.default_rng(0)
    version = rng.choice(["support/2", "support/1", "title/1"], 6_000)
    tokens = np.select([version == "support/2", version == "support/1"], [900.0, 300.0], 50.0)
    tokens = tokens + rng.integers(0, 40, 6_000)
    frame = calls(
        6_000,
        "5min",
        prompt_version=version,
        input_tokens=tokens,
        cost=tokens * 1e-6,
        feedback=1.0,
    )
    found = savings(frame)
    saved = found["Prompt support/1 instead of support/2"]
    assert saved.is_sure
    assert saved.share == pytest.approx(600 / (920 + 320 + 70), abs=0.03)
    assert not any("title/1" in each.what for each in found.values() if each.is_sure)
    rows = spend(frame).inputs.rows.set_index("prompt_version")
    assert rows.loc["support/2", "fixed_at_most"] == 900
    assert rows.loc["support/2", "low"] < 919.5 < rows.loc["support/2", "high"]


def test_what_a_fixed_prompt_costs_follows_from_the_price_of_tokens():
    rng = np.random.default_rng(0)
    given, taken = rng.integers(500, 600, 300), rng.integers(10, 90, 300)
    frame = calls(
        300, input_tokens=given * 1.0, output_tokens=taken * 1.0, cost=given * 3e-6 + taken * 15e-6
    )
    row = spend(frame).inputs.rows.iloc[0]
    assert row["fixed_usd"] == pytest.approx(300 * given.min() * 3e-6, rel=1e-6)
    odd = frame.assign(cost_usd=rng.random(300))
    assert np.isnan(spend(odd).inputs.rows.iloc[0]["fixed_usd"])


# --- all together


def test_together_counts_no_call_twice():
    rng = np.random.default_rng(0)
    question = rng.integers(0, 60, 12_000)
    frame = two_models(
        rows=12_000,
        gap=-0.02,
        seed=2,
        input=[f"q{each}" for each in question],
        output=[f"a{each}" for each in question],
    )
    ledger = read(frame)
    changes = kinds(frame, time_to_live="1D", period="30D")
    together, cache = changes["all together"], changes["cache"]
    model = changes["cheaper model"]
    hits = cached(ledger, pd.Timedelta("1D")).hits
    cost, large = ledger.cost, (ledger.calls["model"] == "large").to_numpy()
    rest = large & ~hits
    exact = cost[hits].sum() + (cost[rest] - cost[~large].mean()).sum()
    scale = pd.Timedelta("30D") / ledger.span
    assert together.saves_usd == pytest.approx(exact * scale)
    assert max(cache.saves_usd, model.saves_usd) < together.saves_usd
    assert together.saves_usd < cache.saves_usd + model.saves_usd
    assert together.share <= 1
    assert together.low < together.saves_usd < together.high


def test_intervals_of_savings_are_wider_the_more_are_told_at_once():
    frame = two_models(rows=3_000)
    one = savings(frame)["Model small instead of large"]
    third = frame.assign(model=np.where(np.arange(3_000) % 3 == 0, "third", frame["model"]))
    more = [each for each in spend(third).changes if each.kind == "cheaper model"]
    assert one.confidence == pytest.approx(1 - 0.05 / 5)
    assert len(more) > 1
    assert all(each.confidence > one.confidence for each in more)


def test_no_saving_is_sure_where_there_is_none():
    """Two names of one model, as dear and as good: a false alarm in 5 % of runs at most."""
    sure = 0
    for seed in range(8):
        frame = two_models(rows=2_000, seed=seed, cheap=1.0)
        found = [each for each in spend(frame).changes if each.kind == "cheaper model"]
        sure += any(each.is_sure for each in found)
    assert sure <= 2


def test_the_interval_of_a_sum_is_that_of_student_or_wider():
    from scipy.stats import t

    values = np.random.default_rng(0).gamma(3, 1, (60, 1))
    low, high = interval(values, lambda mean: mean[..., 0], 0.95, 0)
    half = t.ppf(0.975, 59) * values.std(ddof=1) / np.sqrt(60)
    assert low == pytest.approx(values.mean() - half, rel=0.05)
    assert low <= values.mean() - half + 1e-9
    assert high >= values.mean() + half - 1e-9


def test_intervals_of_a_switch_hold_what_it_saves_where_days_differ():
    """Days have their own traffic and their own length of answers, both skewed."""
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        day = np.repeat(np.arange(30), rng.poisson(100 * rng.gamma(9, 1 / 9, 30)))
        rows = len(day)
        small = rng.random(rows) < 0.4
        cost = rng.gamma(9, 1 / 9, 30)[day] * rng.gamma(4, 0.25, rows) * np.where(small, 0.25, 1)
        times = START + pd.to_timedelta(day + rng.random(rows), unit="D")
        model = np.where(small, "small", "large")
        ledger = read(calls(rows, model=model, cost=cost, timestamp=times))
        sums = switches(ledger, "model")[0][0].sums(ledger, np.zeros(rows, bool))[:, 0]
        low, high = interval(sums, lambda means: saved(means[..., None, :]), 0.95, seed)
        held.append(low <= 100 * 0.6 * 0.75 <= high)
    assert np.mean(held) > 0.84  # 95 % less three standard errors of 40


def test_pictures_and_table_tell_the_same_changes():
    found = spend(two_models(rows=3_000), period="7D")
    figure = found.savings_figure()
    assert len(figure.layout.yaxis.ticktext) == len(found.savings())
    assert "USD in 7 d" in figure.layout.title.text
    drawn = {value for trace in figure.data for value in trace.x}
    assert drawn == {each for each in found.savings()["saves_usd"] if np.isfinite(each)}
    assert any("not enough data" in each.text for each in figure.layout.annotations)


def test_too_many_questions_are_not_searched_for_other_orders_and_that_is_told(monkeypatch):
    frame = calls(200, "1min", input=["pay the invoice", "the invoice pay"] * 100, output="so")
    for place in ("questions", "caching"):
        monkeypatch.setattr(f"aiopslab.overview.spending.{place}.MOST", 1)
    found = kinds(frame, time_to_live="10min")["cache"]
    assert found.saves_usd > 0
    assert "were not looked for" in found.how
