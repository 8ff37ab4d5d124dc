"""The investigation as a whole, on recordings and on tables that are not as they should be."""

import warnings
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from aiopslab.drift import Roles, analyse, compare, profile
from aiopslab.drift.source import open_observations
from aiopslab.errors import FrameError
from aiopslab.frames.schemas import FrameWarning
from aiopslab.reports import record as records
from aiopslab.reports.render import page
from tests.notebooks import code

TABLES = [
    "table",
    "features_table",
    "together_table",
    "history_table",
    "segments_table",
    "performance_table",
    "quality_table",
    "assumptions_table",
]


@pytest.fixture(scope="module")
def degraded():
    """A recording of a classifier that got worse, judged by one in which nothing happened."""
    good, bad = (open_observations(f"sample://{each}") for each in NAMES)
    return bad.truth, analyse(good.frames["observations"], bad.frames["observations"])


NAMES = ("no-fault", "classifier-degraded")


def test_a_degraded_model_is_rolled_back(degraded):
    _, found = degraded
    assert (found.diagnosis.cause.name, found.diagnosis.action) == ("another model", "roll back")
    verdict = found.verdict()
    assert verdict.level == "act"
    assert verdict.headline.startswith("Roll back: ")
    assert "accuracy fell from" in verdict.headline
    assert verdict.actions


def test_since_when_is_within_a_minute_of_the_truth(degraded):
    truth, found = degraded
    apart = found.history.onset.time - pd.Timestamp(truth["started"])
    assert abs(apart) < pd.Timedelta("1min")


def test_every_section_has_something_to_show(degraded):
    _, found = degraded
    for name in TABLES:
        assert isinstance(getattr(found, name)(), pd.DataFrame)
    assert len(found.table()) == 11  # features, prediction, score and target
    assert found.figure().data
    assert found.performance_figure().data
    metrics = found.verdict().metrics
    assert metrics["accuracy"] < metrics["accuracy of the reference"]


def test_two_halves_of_one_recording_are_alike():
    told = open_observations("sample://no-fault").frames["observations"]
    first = np.random.default_rng(0).random(len(told)) < 0.5
    found = analyse(told[first], told[~first])
    assert (found.level, found.diagnosis.cause.name) == ("ok", "no drift")
    assert "No drift that matters in 8 features" in found.verdict().headline
    assert found.verdict().findings == ()


def table(seed, rows=150):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"age": rng.normal(40, 10, rows), "city": rng.choice(["Zürich", "東京", "Lima"], rows)}
    )


def judged(reference, current, **more):
    """Analyse, look at everything, and let no warning pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analyse(reference, current, **more)
        found.verdict()._repr_html_()
        for name in TABLES:
            getattr(found, name)()
    return found


def test_features_alone():
    found = judged(table(0), table(1))
    assert (found.performance, found.estimation) == (None, None)
    assert found.level == "ok"
    assert len(found.diagnosis.untested) == 2


def test_columns_that_came_and_went():
    found = judged(table(0).assign(size=1.5), table(1).assign(weight=2.5))
    assert {(each.feature, each.kind) for each in found.breaks} == {
        ("size", "column is missing"),
        ("weight", "column is new"),
    }
    assert (found.level, found.diagnosis.action) == ("act", "fix the data")


def test_no_column_in_common():
    with pytest.raises(FrameError):
        analyse(table(0)[["age"]], table(1)[["city"]])


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_hardly_a_row_is_not_enough_to_say_that_nothing_drifted(rows):
    found = judged(table(0), table(1, rows))
    assert found.level == "watch"
    assert found.diagnosis.cause.name == "no drift"
    assert f"Not enough data to tell: {rows} current" in found.verdict().headline


def test_nobody_says_that_a_model_does_well_of_which_nothing_is_known():
    assert "how well the model does is not known" in judged(table(0), table(1)).verdict().headline


def test_decimals_are_numbers_and_half_a_character_ends_nothing():
    old, new = table(0), table(1)
    old["price"], new["price"] = (
        each["age"].map(lambda age: Decimal(f"{age:.2f}")) for each in (old, new)
    )
    new["price"] += 30
    new["city"] = new["city"].astype(object).where(new.index > 0, "cut \ud83d")
    found = judged(old, new)
    assert "price" in found.comparison.drifted
    assert found.table().set_index("feature")["measure"]["price"].startswith("Wasserstein")


def test_no_row():
    with pytest.raises(FrameError, match="current observations have 0 rows"):
        analyse(table(0), table(1).iloc[:0])
    with pytest.raises(FrameError, match="reference observations have 0 rows"):
        analyse(table(0).iloc[:0], table(1))


@pytest.mark.parametrize("value", [np.nan, None, pd.NA])
def test_a_feature_of_which_nothing_is_left(value):
    found = judged(table(0), table(1).assign(age=value))
    assert found.diagnosis.action == "fix the data"
    assert "age is missing in 100 %" in found.diagnosis.cause.evidence_for[0]


def test_infinite_values():
    new = table(1)
    new.loc[::4, "age"] = np.inf
    new.loc[1::8, "age"] = -np.inf
    found = judged(table(0), new)
    assert ("age", "infinite values") in {(each.feature, each.kind) for each in found.breaks}
    assert np.isfinite(found.table()["effect"].dropna().astype(float)).all()


def test_a_feature_that_was_never_there():
    found = judged(table(0).assign(never=np.nan), table(1).assign(never=np.nan))
    assert found.level == "ok"


def test_times_without_a_zone_and_an_index_that_repeats_itself():
    times = pd.date_range("2026-03-01", periods=150, freq="min")
    old = table(0).assign(timestamp=times).set_index(np.zeros(150, dtype=int))
    new = table(1).assign(timestamp=times + pd.Timedelta("1D")).set_index(np.zeros(150, dtype=int))
    with pytest.warns(FrameWarning, match="no time zone; taken as UTC"):
        found = analyse(old, new.iloc[::-1])
    assert str(found.current["timestamp"].dt.tz) == "UTC"
    assert found.current["timestamp"].is_monotonic_increasing
    assert found.level == "ok"


PLOTLY = "application/vnd.plotly.v1+json"
WORDS = [f"word{each}" for each in range(60)]


def mails(seed, rows=300, extra="", share=0.0):
    """Return texts and vectors beside other features, none of which moves."""
    rng = np.random.default_rng(seed)
    lines = [" ".join(rng.choice(WORDS, 8)) for _ in range(rows)]
    body = [f"{each} {extra}" if rng.random() < share else each for each in lines]
    return table(seed, rows).assign(body=body, vector=list(rng.normal(size=(rows, 6))))


def test_texts_that_moved_are_named_with_their_words():
    found = judged(mails(0), mails(1, extra="refund", share=0.3))
    assert found.level == "watch"
    assert found.diagnosis.cause.name == "covariates"
    verdict = found.verdict()
    assert verdict.metrics["drifted features"] == 1
    assert verdict.metrics["AUC of telling current from reference"] > 0.55
    (finding,) = [each for each in verdict.findings if each.subject == "body"]
    assert finding.claim.startswith("body can be told from the reference: more of 'refund'")
    assert finding.effect.interval.low > 0.5
    assert len(found.text_figures()) == 1
    assert "body" not in found.shown()
    shown = found.features_table().set_index("feature").loc["body"]
    assert (shown["drift"], shown["more than chance"]) == ("yes", "yes")
    assert found.features_table()["drift"].tolist() == ["yes", "no", "no", "no"]


def test_vectors_that_moved_are_named():
    moved = mails(1)
    moved["vector"] = moved["vector"].map(lambda each: each + 0.8)
    found = judged(mails(0), moved)
    assert found.verdict().metrics["drifted features"] == 1
    (finding,) = [each for each in found.verdict().findings if each.subject == "vector"]
    assert finding.effect.name == "AUC of the vectors in vector"
    assert found.shown() == ["vector"]
    assert found.distribution("vector").layout.xaxis.title.text == "length of the vector"
    together = found.together_table().set_index("measure")["drift"]
    assert together["maximum mean discrepancy in vector"] == "yes"
    assert together["AUC of the texts in body"] == "no"


def test_texts_and_vectors_of_one_source_are_quiet():
    found = judged(mails(0), mails(1))
    assert (found.level, found.text_figures()) == ("ok", [])
    assert "No drift that matters in 4 features" in found.verdict().headline


def test_topics_mixed_otherwise_count_as_a_feature_where_no_word_does():
    def mixed(seed, share):
        rng = np.random.default_rng(seed)
        start = np.where(rng.random(800) < share, 300, 0)
        body = [" ".join(f"w{each:03}" for each in at + rng.integers(0, 300, 8)) for at in start]
        return table(seed, 800).assign(body=body)

    old, new = mixed(0, 0.1), mixed(1, 0.2)
    alone = compare(profile(old), profile(new, like=profile(old)))
    assert "body" not in alone.drifted
    found = judged(old, new)
    assert found.comparison.drifted == ("body",)
    assert found.verdict().metrics["drifted features"] == 1
    assert found.diagnosis.cause.evidence_for[0] == "body moved"


def test_a_table_of_nothing_but_texts_is_judged_by_them():
    found = judged(mails(0)[["body"]], mails(1, extra="refund", share=0.3)[["body"]])
    assert found.level == "watch"
    shown = found.together_table().set_index("measure")
    assert (
        shown.loc["domain classifier AUC", "value (interval)"] == "too few numbers and categories"
    )
    assert found.verdict().metrics["AUC of telling current from reference"] > 0.55


@pytest.mark.parametrize("body", ["the same five words again", ""])
def test_texts_that_are_all_alike_now(body):
    found = judged(mails(0), mails(1).assign(body=body))
    assert found.together.texts["body"].drifted
    assert "body" in found.comparison.drifted


def test_texts_of_which_nothing_is_left():
    found = judged(mails(0), mails(1).assign(body=None, vector=None))
    assert found.diagnosis.action == "fix the data"
    assert "body is missing in 100 %" in " ".join(found.diagnosis.cause.evidence_for)
    assert not found.together.columns["body"].drifted
    assert not found.together.columns["vector"].drifted


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_hardly_a_text_says_that_it_is_not_enough(rows):
    found = judged(mails(0), mails(1, rows))
    shown = found.together_table().set_index("measure")["value (interval)"]
    assert shown["AUC of the texts in body"] == "not enough data"
    assert shown["AUC of the vectors in vector"] == "not enough data"


def test_vectors_of_another_length_name_their_column():
    moved = mails(1)
    moved["vector"] = moved["vector"].map(lambda each: each[:4])
    with pytest.raises(FrameError, match="'vector' have 6 numbers in the reference and 4"):
        analyse(mails(0), moved)


def test_vectors_of_which_some_are_missing_or_hold_nothing():
    moved = mails(1)
    moved["vector"] = [
        None if at % 3 == 0 else [None, *each[1:]] if at % 3 == 1 else each
        for at, each in enumerate(moved["vector"])
    ]
    found = judged(mails(0), moved)
    assert found.together.embeddings["vector"].classifier.rows_current == 100


EVIL = "<script>alert('é')</script>"


def test_what_rows_say_is_escaped_everywhere():
    old = table(0).rename(columns={"age": "<b>age</b>"})
    new = table(1).rename(columns={"age": "<b>age</b>"})
    new["<b>age</b>"] += 30
    new.loc[::3, "city"] = EVIL
    found = judged(old, new)
    verdict = found.verdict()._repr_html_()
    shown = [verdict, found._repr_html_(), found.diagnosis._repr_html_()]
    assert "&lt;script&gt;" in verdict
    shown += [getattr(found, name)()._repr_html_() for name in TABLES]
    assert not any("<script" in each or "<b>age" in each for each in shown)


def test_texts_and_names_of_their_columns_are_no_markup_in_the_report():
    name = "<img src=x onerror=alert(1)>"
    tables = mails(0), mails(1, extra=EVIL, share=0.4)
    found = judged(*(each.rename(columns={"body": name}) for each in tables))
    assert "alert" in set(found.together.texts[name].words["word"])
    figures = [{PLOTLY: each.to_plotly_json()} for each in found.text_figures()]
    tables = found.together_table(), found.features_table(), found.verdict()
    bundles = [*figures, *(DisplayFormatter().format(each)[0] for each in tables)]
    outputs = [{"output_type": "display_data", "metadata": {}, "data": each} for each in bundles]
    begun = records.begin("drift", "Drift", "0" * 64, {"reference": "a", "current": "b"})
    finished = replace(begun, status="finished", ended=records.now(), verdict=found.verdict())
    html = page({"cells": [code("1") | {"outputs": outputs}]}, finished)
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html and "<script>alert" not in html
    assert figures and "<img" not in str(figures)


def test_names_of_columns_of_ones_own():
    rng = np.random.default_rng(0)
    roles = Roles(prediction="said", ignored=("id",))
    old, new = (
        table(seed).assign(id=np.arange(150), said=rng.choice(["a", "b"], 150)) for seed in (0, 1)
    )
    found = judged(old, new, roles=roles)
    assert "id" not in set(found.table()["feature"])
    assert "said" in set(found.table()["feature"])
