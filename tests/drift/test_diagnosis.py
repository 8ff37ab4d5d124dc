"""Each cause is named on a world in which it was planted, with what speaks for it."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd

from aiopslab.drift.causes import MEANING
from aiopslab.drift.comparison import compare
from aiopslab.drift.conditional import ENOUGH
from aiopslab.drift.diagnosis import diagnose
from aiopslab.drift.history import drift_over_time
from aiopslab.drift.multivariate import compare_jointly
from aiopslab.drift.observations import Roles, read_observations
from aiopslab.drift.performance import measure_performance
from aiopslab.drift.profiles import profile
from aiopslab.drift.quality import quality_breaks

ROLES = Roles()
ROWS = 1_500
START = pd.Timestamp("2026-03-01", tz="UTC")


def world(seed, rows=ROWS, moved=0.0, turn=1.0, tired=0.0, together=0.5):
    """Return rows with predictions of a model that knows the rule, unless it is tired."""
    rng = np.random.default_rng(seed)
    x = rng.normal(moved, 1, rows)
    table = pd.DataFrame(
        {
            "x": x,
            "w": together * (x - moved) + np.sqrt(1 - together**2) * rng.normal(size=rows),
            "z": rng.lognormal(size=rows),
            "c": rng.choice(["a", "b", "é"], rows),
        }
    )
    raised = 1.5 * table["x"] + 1.5 * (table["c"] == "b") - 0.8
    actual = 1.5 * turn * table["x"] + 1.5 * (table["c"] == "b") - 0.8
    said = (1 - tired) * raised + 3 * tired * rng.normal(size=rows)
    table["score"] = 1 / (1 + np.exp(-said))
    table["prediction"] = np.where(table["score"] > 0.5, "yes", "no")
    table["target"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-actual)), "yes", "no")
    return table


@lru_cache(maxsize=1)
def quiet():
    return compare_jointly(world(90, 300), world(91, 300))


def diagnosed(current, reference=None, period=None, together=None):
    old = read_observations(world(0) if reference is None else reference)
    new = read_observations(current)
    told = [*ROLES.features(old), "prediction", "score", "target"]
    good = profile(old[[each for each in told if each in old]])
    comparison = compare(good, profile(new[[each for each in told if each in new]], like=good))
    both = {"prediction", "target"} <= {*old} & {*new} and new["target"].notna().any()
    performance = measure_performance(new, ROLES, old) if both else None
    history = drift_over_time(old, new, ROLES, period=period)
    breaks = quality_breaks(old, new, ROLES)
    return diagnose(old, new, comparison, together or quiet(), breaks, history, performance, ROLES)


def of(diagnosis, name):
    return next(each for each in diagnosis.causes if each.name == name)


def test_nothing():
    found = diagnosed(world(1))
    assert (found.cause.name, found.action, found.untested) == ("no drift", "ignore", ())
    assert not any(each.holds for each in found.causes if each.name != "no drift")
    assert {each.name for each in found.causes} == set(MEANING)
    assert all(each.evidence_against for each in found.causes if not each.holds)


def test_missing_values_are_to_be_mended():
    new = world(2)
    found = diagnosed(new.assign(z=new["z"].mask(np.arange(ROWS) % 4 == 0)))
    assert (found.cause.name, found.action) == ("data quality", "fix the data")
    assert "z is missing in 25 %" in found.cause.evidence_for[0]
    assert not of(found, "covariates").holds


def test_a_broken_feature_explains_what_the_model_makes_of_it():
    new = world(3)
    found = diagnosed(new.assign(x=0.0, prediction=np.where(new["c"] == "b", "yes", "no")))
    assert found.cause.name == "data quality"
    another = of(found, "another model")
    assert not another.holds
    assert another.evidence_against == ("the features that broke explain it",)


def test_a_column_that_was_not_there_explains_no_concept():
    found = diagnosed(world(4, turn=-1.0).assign(extra=1.0))
    assert (found.cause.name, found.action) == ("concept", "retrain")
    assert of(found, "data quality").holds


def test_a_changed_concept():
    found = diagnosed(world(5, turn=-1.0))
    assert (found.cause.name, found.action) == ("concept", "retrain")
    assert "for the same features the outcome differs by" in found.cause.evidence_for[0]
    assert " to " in found.cause.evidence_for[0]  # the interval
    assert not of(found, "another model").holds


def test_other_shares_of_the_outcomes():
    many = world(6, 5_000)
    yes, no = (many[many["target"] == each] for each in ("yes", "no"))
    found = diagnosed(pd.concat([yes[:300], no[:1_200]]).sample(frac=1, random_state=0))
    assert found.cause.name == "labels"
    assert found.cause.evidence_for == (
        "the shares of the outcomes moved, and that alone explains what changed",
    )
    assert not of(found, "concept").holds
    assert "restored" in of(found, "concept").evidence_against[0]


def test_other_cases_that_are_as_well_foretold():
    found = diagnosed(world(7, moved=0.6))
    assert found.cause.name == "covariates"
    assert found.cause.evidence_for[0].startswith("x")
    assert found.cause.evidence_for[1] == "the same features mean the same outcome"
    assert of(found, "labels").evidence_against == ("the features explain it",)


def test_features_that_moved_only_together():
    old, new = world(0), world(8, together=-0.5)
    found = diagnosed(new, together=compare_jointly(old, new))
    assert (found.cause.name, found.action) == ("covariates", "watch")
    assert found.cause.evidence_for[0].startswith("together the features moved")


def test_another_model_that_is_worse():
    found = diagnosed(world(9, tired=0.6))
    assert (found.cause.name, found.action) == ("another model", "roll back")
    assert "the prediction differs" in found.cause.evidence_for[0]
    assert not of(found, "concept").holds


def test_a_model_that_is_better_is_kept():
    found = diagnosed(world(10), reference=world(0, tired=0.6))
    assert (found.cause.name, found.action) == ("another model", "keep")


def seasonal(seed, first, days):
    """Forty rows a day for days, with x going up and down with the week."""
    at = first + np.sort(np.random.default_rng(seed).uniform(0, days, int(40 * days)))
    table = world(seed, len(at), moved=1.2 * np.sin(2 * np.pi * at / 7))
    return table.assign(timestamp=START + pd.to_timedelta(at, unit="D"))


def test_the_season_is_no_drift():
    old, new = seasonal(11, 0, 56), seasonal(12, 70, 3.2)
    found = diagnosed(pd.concat([new, seasonal(13, 77, 3.2)]), old, period="7D")
    assert (found.cause.name, found.action) == ("season", "ignore")
    assert found.cause.evidence_for[0].startswith("against the same season nothing moved in x")
    without = diagnosed(new, old)
    assert without.cause.name == "covariates"
    assert of(without, "season").evidence_against == ("no season was given to compare with",)


def test_what_the_season_brings_every_time_is_no_break():
    """Every week a shop that is closed sends nothing, and numbers grow as if by another unit."""

    def week(table):
        away = table["timestamp"].dt.day_of_week >= 5
        return table.assign(
            z=np.where(away, 2.54 * table["z"], table["z"]), w=table["w"].mask(away & (table.z < 1))
        )

    old, new = week(seasonal(20, 0, 56)), week(seasonal(21, 61.5, 1.5))
    found = diagnosed(new, old, period="7D")
    assert (found.cause.name, found.action) == ("season", "ignore")
    against = " ".join(of(found, "data quality").evidence_against)
    assert "as in this season before" in against
    assert diagnosed(new, old).cause.name == "data quality"


def test_a_feature_that_is_as_in_its_season_did_not_move():
    """Too little moves for the windows to show a season; against all seasons it shows."""
    old, new = seasonal(22, 0, 56), seasonal(23, 70.5, 2)
    assert not of(diagnosed(new, old, period="7D"), "covariates").holds


def test_rows_that_repeat_explain_what_looks_certain():
    new = world(24, 600)
    found = diagnosed(pd.concat([new, new.sample(300, random_state=0)]))
    assert (found.cause.name, found.action) == ("data quality", "fix the data")
    assert found.cause.evidence_for[0].startswith("a row repeats another")


def test_numbers_that_grew_and_explain_the_outcome_have_their_unit():
    """A lognormal number that is 1.609 times as large may be in miles, or really have grown."""

    def orders(seed, grown=1.0, unit=1.0):
        rng = np.random.default_rng(seed)
        size, kind = grown * rng.lognormal(0, 0.6, 3_000), rng.normal(size=3_000)
        target = rng.random(3_000) < 1 / (1 + np.exp(2 - size - kind))
        return pd.DataFrame({"size": size * unit, "kind": kind, "target": target})

    real = diagnosed(orders(26, grown=1.609), orders(25))
    assert real.cause.name == "covariates"
    assert not of(real, "data quality").holds
    assert diagnosed(orders(26, unit=1.609), orders(25)).cause.name == "data quality"
    grown = orders(26, grown=1.609)
    along = grown.assign(kind=grown["kind"] + 1).drop(columns="target")
    assert diagnosed(along, orders(25)).cause.name == "covariates"


def test_without_outcomes_it_says_what_it_would_take():
    new = world(14, moved=0.6)
    found = diagnosed(new.assign(target=new["target"].where(np.arange(ROWS) < 40)))
    assert (found.cause.name, found.action) == ("covariates", "watch")
    assert found.untested == (
        "Whether the concept or the labels drifted: 40 outcomes are known, at least "
        f"{ENOUGH} on either side are needed.",
    )
    assert "nobody knows" in found.because
    assert "the same features mean the same outcome" not in found.cause.evidence_for


def test_without_predictions_or_outcomes():
    bare = ["x", "w", "z", "c"]
    found = diagnosed(world(15)[bare], world(0)[bare])
    assert found.cause.name == "no drift"
    assert len(found.untested) == 2
    assert "predictions" in found.untested[1]


def test_what_it_shows_is_escaped():
    new = world(16)
    evil = "<img src=x onerror=alert(1)>"
    new["c"] = new["c"].mask(np.arange(ROWS) % 5 == 0, evil)
    found = diagnosed(new)
    assert evil in found.cause.evidence_for[0]
    shown = replace(found, because=f"because {evil}", untested=(evil,))._repr_html_()
    assert "<img" not in shown
    assert shown.count("&lt;img") >= 3
