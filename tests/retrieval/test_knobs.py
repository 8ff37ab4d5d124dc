"""Knobs, topics and their figures: effects that were put in are found, and no others."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.charts.dumbbell import dumbbell
from aiopslab.charts.knobs import knob_forest
from aiopslab.charts.pareto import pareto_figure
from aiopslab.errors import ParameterError, RetrievalError
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.knobs import knobs
from aiopslab.retrieval.library import embedded_corpus, embedded_questions
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.space import grid
from aiopslab.retrieval.sweep import Sweep, tune
from aiopslab.retrieval.topics import topics
from aiopslab.retrieval.trial import Trial
from aiopslab.retrieval.truth import Truth

QUESTIONS = 120
BASE = Configuration()


def sweep_of(configurations, score, seed=0):
    """Return a sweep of which the scores are those of a function, and noise."""
    rng = np.random.default_rng(seed)
    hard = rng.uniform(0.2, 0.6, QUESTIONS)  # what all have in common
    index = pd.Index([f"q{at}" for at in range(QUESTIONS)], name="question")
    trials = tuple(
        Trial(
            each,
            pd.DataFrame({"ndcg": hard + score(each) + rng.normal(0, 0.05, QUESTIONS)}, index),
            pd.DataFrame(),
            latency_ms=1.0,
            chunks=1,
            index_bytes=1,
        )
        for each in configurations
    )
    return Sweep("ndcg", trials, (), trials[0].name, trials[0], trials[0], 0, 0.0)


def told(sweep):
    """Return the effects by knob and value."""
    return knobs(sweep).table().set_index(["knob", "value"])


def test_effects_that_were_put_in_are_found_with_their_intervals():
    put_in = {100: -0.06, 200: 0.0, 400: 0.0}
    space = {"size": [100, 200, 400], "search": ["dense", "hybrid"], "k": [3, 5]}
    sweep = sweep_of(
        [BASE, *(each for each in grid(space, BASE) if each != BASE)],
        lambda each: put_in[each.size] + 0.1 * (each.search == "hybrid"),
    )
    table = told(sweep)
    assert table.loc[("search", "hybrid"), ["against", "pairs", "outcome"]].tolist() == [
        "dense",
        6,
        "better",
    ]
    assert table.loc[("size", "100"), ["against", "pairs", "outcome"]].tolist() == [
        "200",
        4,
        "worse",
    ]
    assert table.loc[("size", "400"), "outcome"] == "equivalent"
    assert table.loc[("k", "3"), "outcome"] == "equivalent"
    true = pd.Series({("search", "hybrid"): 0.1, ("size", "100"): -0.06, ("k", "3"): 0.0})
    for at, effect in true.items():
        assert table.loc[at, "low"] < effect < table.loc[at, "high"]
    # The largest effect is first, sizes are in their order.
    assert table.index.tolist()[:3] == [("search", "hybrid"), ("size", "100"), ("size", "400")]


def test_a_pair_differs_in_one_knob_only():
    # Of a knob that is confounded with another one, only pairs are free of the other.
    some = [
        BASE,
        BASE.with_(size=400),
        BASE.with_(size=400, k=8),
        BASE.with_(size=800, k=8),
        BASE.with_(size=100, k=8),
    ]
    sweep = sweep_of(some, lambda each: 0.2 * (each.k == 8))
    table = told(sweep)
    assert table.loc[("size", "400"), "pairs"] == 1
    assert abs(table.loc[("size", "400"), "effect"]) < 0.03
    assert table.loc[("k", "8"), "pairs"] == 1
    # Of the others there is none, and the table says so: the effect is that of k.
    assert table.loc[("size", "800"), "pairs"] == 0
    assert table.loc[("size", "800"), "effect"] == pytest.approx(0.2, abs=0.03)
    assert "size 800 against 200" in knobs(sweep).figure().layout.meta["description"]
    assert "(not paired)" in knobs(sweep).figure().layout.meta["description"]


def test_a_field_that_makes_no_difference_is_no_knob_of_that_trial():
    space = {"search": ["dense", "hybrid"], "fusion": ["rrf", "weighted"], "weight": [0.3, 0.7]}
    sweep = sweep_of([BASE, *grid(space, BASE)[1:]], lambda each: 0.1 * (each.fusion == "weighted"))
    table = told(sweep)
    # The current search is dense: a value of hybrids is held against one of hybrids.
    assert set(table.loc["fusion"].index) == {"weighted"}
    assert table.loc[("fusion", "weighted"), "against"] == "rrf"
    assert table.loc[("fusion", "weighted"), "effect"] == pytest.approx(0.1, abs=0.02)
    assert table.loc[("weight", "0.7"), ["against", "pairs"]].tolist() == ["0.3", 2]


def test_no_effect_is_seldom_taken_for_one():
    space = {"size": [100, 200, 400], "k": [3, 5, 8], "chunking": ["recursive", "fixed"]}
    wrong = sum(
        knobs(sweep_of(grid(space, BASE), lambda _: 0.0, seed)).table()["q"].min() <= 0.05
        for seed in range(15)
    )
    assert wrong <= 3  # of 15 families at 5 % each


def test_overlap_as_large_as_the_chunk_has_no_pair():
    sweep = sweep_of([BASE, BASE.with_(size=50), BASE.with_(overlap=100)], lambda _: 0.0)
    table = told(sweep)
    assert table.loc[("size", "50"), "pairs"] == 1
    assert table.loc[("overlap", "100"), "pairs"] == 1


def test_filters_are_knobs_too():
    sweep = sweep_of(
        [BASE, BASE.with_(where={"area": "air"})], lambda each: -0.1 * bool(each.where)
    )
    assert told(sweep).loc[("where", "area air"), ["against", "outcome"]].tolist() == [
        "none",
        "worse",
    ]


def test_a_sweep_in_which_nothing_was_turned_has_no_knobs():
    with pytest.raises(RetrievalError, match="no field took two values"):
        knobs(sweep_of([BASE], lambda _: 0.0))


@pytest.fixture(scope="module")
def swept():
    corpus = embedded_corpus("embedded:handbook")
    truth = Truth(*embedded_questions("embedded:questions", corpus.documents))
    current = Configuration(search="lexical")
    space = {"size": [50, 200], "k": [3, 5], "chunking": ["recursive", "fixed"]}
    return tune(Retriever(corpus, {}), truth, space, current), truth


def test_effects_on_the_handbook_are_means_of_the_differences_of_trials(swept):
    sweep, _ = swept
    table = told(sweep)
    assert len(sweep.trials) == 8 and (table["pairs"] == 4).all()
    means = {
        (each.configuration.size, each.configuration.k, each.configuration.chunking): each.mean(
            "ndcg"
        )
        for each in sweep.trials
    }
    for at, turned in enumerate((("size", "50"), ("k", "3"), ("chunking", "fixed"))):
        value = turned[1] if at == 2 else int(turned[1])
        now = (200, 5, "recursive")
        wanted = [
            mean - means[(*key[:at], now[at], *key[at + 1 :])]
            for key, mean in means.items()
            if key[at] == value
        ]
        assert table.loc[turned, "effect"] == pytest.approx(np.mean(wanted))
    assert table.loc[("size", "50"), "outcome"] == "worse"


def test_the_forest_has_a_panel_a_knob_on_one_scale(swept):
    shown = knobs(swept[0])
    figure = shown.figure()
    drawn = [float(x) for each in figure.data for x in each.x]
    assert sorted(drawn) == pytest.approx(sorted(shown.table()["effect"]))
    assert len({each.yaxis for each in figure.data}) == 3
    said = figure.layout.meta["description"]
    assert all(f"{each.knob} {each.value} against" in said for each in shown.effects)
    names = [each.name for each in figure.data if each.showlegend]
    assert len(names) == len(set(names))


def test_labels_of_the_figures_are_escaped():
    row = {"knob": "<b>", "value": "<i>", "against": "$x$", "effect": 0.1, "low": 0.0, "high": 0.2}
    table = pd.DataFrame([row | {"pairs": 0, "outcome": "better"}])
    figure = knob_forest(table, "Effects", "ndcg", 0.02)
    assert figure.data[0].y == ("&lt;i&gt; (not paired)",)
    assert "&lt;b&gt;" in figure.layout.annotations[0].text
    assert "$" not in figure.layout.annotations[0].text


def test_the_line_joins_what_nothing_beats_in_quality_and_tokens(swept):
    sweep, _ = swept
    table = sweep.table().assign(search="lexical")
    figure = pareto_figure(table, "ndcg", sweep.trials[0].name, "Trade-off")
    line, points = figure.data
    pairs = list(zip(table["tokens"], table["ndcg"], strict=True))
    unbeaten = sorted(
        one
        for one in pairs
        if not any(other != one and other[0] <= one[0] and other[1] >= one[1] for other in pairs)
    )
    assert list(zip(line.x, line.y, strict=True)) == unbeaten
    assert len(points.x) == len(table)
    fast, slow = (table["latency_ms"].to_numpy().argmin(), table["latency_ms"].to_numpy().argmax())
    assert points.marker.size[fast] <= points.marker.size[slow]
    texts = " ".join(each.text for each in figure.layout.annotations)
    assert "in use" in texts and "best" in texts and sweep.best in texts
    assert sweep.best in figure.layout.meta["description"]


def test_the_dumbbell_goes_from_before_to_after():
    table = pd.DataFrame(
        {"label": ["a", "b", "c"], "before": [0.2, 0.5, 0.4], "after": [0.6, 0.3, 0.4], "count": 7}
    )
    figure = dumbbell(table, ("now", "best"), "Recall by topic", "recall")
    lines = {each.name: tuple(each.x) for each in figure.data[:3]}
    assert lines == {
        "more": (0.2, 0.6, None),
        "less": (0.5, 0.3, None),
        "the same": (0.4, 0.4, None),
    }
    assert "a 0.20 to 0.60" in figure.layout.meta["description"]


def trial_of(scores):
    """Return a trial with a recall for each question."""
    index = pd.Index([f"q{at}" for at in range(len(scores))], name="question")
    return Trial(BASE, pd.DataFrame({"recall": scores}, index), pd.DataFrame(), 1.0, 1, 1)


def truth_by(names):
    """Return a truth of which only the topics matter."""
    questions = [f"q{at}" for at in range(len(names))]
    return Truth(pd.DataFrame({"question": questions, "text": "", "topic": names}), pd.DataFrame())


def test_the_topic_that_fails_is_named_and_the_others_are_not():
    rng = np.random.default_rng(0)
    names = np.repeat(list("abcdefgh"), 20)
    scores = (rng.random(160) < np.where(names == "c", 0.15, 0.8)).astype(float)
    table = topics(trial_of(scores), truth_by(names))
    assert table.loc[0, ["topic", "outcome"]].tolist() == ["c", "worse"]
    assert set(table.loc[1:, "outcome"]) <= {"not enough data", "better"}
    assert table["mean"].is_monotonic_increasing
    assert ((table["low"] <= table["mean"]) & (table["mean"] <= table["high"])).all()
    row = table.iloc[0]
    assert row["rest"] == pytest.approx(scores[names != "c"].mean())
    assert (row["high"] - row["low"]) > 0.2


def test_topics_that_differ_by_chance_are_seldom_named():
    names = np.repeat(list("abcdefghij"), 8)
    wrong = 0
    for seed in range(15):
        scores = np.random.default_rng(seed).beta(0.5, 0.5, 80)
        wrong += (topics(trial_of(scores), truth_by(names))["q"] <= 0.05).any()
    assert wrong <= 3


def test_a_topic_of_two_questions_is_left_open():
    table = topics(trial_of([0.0] * 2 + [1.0] * 40), truth_by(["a"] * 2 + ["b"] * 40))
    row = table.set_index("topic").loc["a"]
    assert (row["questions"], row["p"], row["outcome"]) == (2, 1.0, "not enough data")


def test_questions_without_a_topic_are_a_group_of_their_own(swept):
    sweep, truth = swept
    table = topics(trial_of([0.5, 1.0, 0.0]), truth_by(["a", None, None]))
    assert table.set_index("topic")["questions"].to_dict() == {"a": 1, "(none)": 2}
    kinds = topics(sweep.current, truth, "ndcg", "kind")
    assert (kinds["mean"] * kinds["questions"]).sum() == pytest.approx(
        sweep.current.scores["ndcg"].sum()
    )


def test_what_cannot_be_told_is_refused():
    trial, truth = trial_of([0.5] * 5), truth_by(["a"] * 5)
    with pytest.raises(RetrievalError, match="no score is called 'recal'"):
        topics(trial, truth, "recal")
    with pytest.raises(RetrievalError, match="questions have no 'kind'"):
        topics(trial, truth, by="kind")
    with pytest.raises(ParameterError, match="confidence"):
        topics(trial, truth, confidence=1.2)
