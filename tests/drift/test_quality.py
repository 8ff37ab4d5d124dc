"""Breaks of data quality: each kind is found where it was made, and none where nothing broke."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.drift.observations import Roles
from aiopslab.drift.quality import quality_breaks

N = 2_000


def world(seed=0, rows=N):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": rng.lognormal(3, 0.5, rows),
            "temperature": rng.normal(15, 8, rows),
            "age": rng.integers(18, 90, rows),
            "country": rng.choice(["FR", "DE", "日本"], rows, p=[0.5, 0.3, 0.2]),
            "is_new": rng.random(rows) < 0.3,
            "score": rng.random(rows),
        }
    )


def kinds(current, reference=None):
    breaks = quality_breaks(world() if reference is None else reference, current)
    return {(each.feature, each.kind) for each in breaks}


@pytest.mark.parametrize("seed", range(1, 11))
def test_two_samples_of_one_world_show_no_break(seed):
    assert kinds(world(seed)) == set()


def holes(table):
    return table.assign(amount=table["amount"].where(np.arange(N) % 5 > 0))


def sentinel(table):
    return table.assign(temperature=table["temperature"].where(np.arange(N) % 20 > 0, -200))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda t: t.drop(columns="age"), ("age", "column is missing")),
        (lambda t: t.assign(extra=1), ("extra", "column is new")),
        (lambda t: t.assign(age=t["age"].astype(str)), ("age", "type changed")),
        (holes, ("amount", "missing values")),
        (lambda t: t.assign(amount=np.nan), ("amount", "missing values")),
        (sentinel, ("temperature", "one value surged")),
        (lambda t: t.assign(temperature=15.0), ("temperature", "stuck at one value")),
        (lambda t: t.assign(amount=t["amount"] * 1000), ("amount", "unit changed")),
        (lambda t: t.assign(amount=t["amount"] / 100), ("amount", "unit changed")),
        (lambda t: t.assign(amount=-t["amount"]), ("amount", "unit changed")),
        (
            lambda t: t.assign(temperature=t["temperature"] * 1.8 + 32),
            ("temperature", "unit changed"),
        ),
        (
            lambda t: t.assign(country=t["country"].where(np.arange(N) % 20 > 0, "ES <b>")),
            ("country", "new category"),
        ),
        (
            lambda t: t.assign(amount=t["amount"].where(np.arange(N) % 20 > 0, np.inf)),
            ("amount", "infinite values"),
        ),
        (lambda t: pd.concat([t, t.head(200)]), ("", "duplicate rows")),
    ],
)
def test_each_kind_is_found_where_it_was_made(spoil, found):
    assert kinds(spoil(world(1))) == {found}


def test_a_counter_of_rows_is_told_where_it_is_one_on_both_sides():
    counted = [world(seed).assign(number=np.arange(N) + seed * N) for seed in (0, 1)]
    assert ("number", "order leaks") in kinds(counted[1], counted[0])


def test_a_year_that_goes_on_is_not_stuck():
    past = world().assign(year=np.repeat([2024, 2025], N // 2))
    assert kinds(world(1).assign(year=2025), past) == set()
    assert kinds(world(1).assign(year=2024), past) == {("year", "stuck at one value")}


def test_a_limit_that_is_met_more_often_stands_for_nothing_else():
    def seen(seed, warmer=0.0):
        table = world(seed)
        return table.assign(temperature=(table["temperature"] + warmer).clip(upper=25))

    assert kinds(seen(1, warmer=3), seen(0)) == set()
    assert kinds(seen(1), world(0)) == {("temperature", "one value surged")}


def test_rows_that_are_put_in_order_are_a_break_of_their_own():
    put = world(1).sort_values("amount", ignore_index=True)
    found = [each for each in quality_breaks(world(), put) if each.kind == "order leaks"]
    assert [each.feature for each in found] == ["amount"]
    assert found[0].before < 0.5
    assert "did not before" in found[0].words


def test_more_rows_of_few_possible_ones_repeat_each_other_more_often():
    def few(seed, rows):
        rng = np.random.default_rng(seed)
        return pd.DataFrame({each: rng.choice(list("abcdefgh"), rows) for each in "pqrs"})

    assert kinds(few(1, 8_000), few(0, 800)) == set()
    spoilt = pd.concat([few(1, 800), few(1, 800).head(400)])
    assert kinds(spoilt, few(0, 800)) == {("", "duplicate rows")}


def test_a_real_shift_is_no_change_of_unit():
    shifted = world(1)
    shifted["amount"] *= 1.3
    shifted["temperature"] += 10
    assert kinds(shifted) == set()


def test_what_is_not_a_feature_is_left_alone():
    spoilt = world(1).assign(score=np.nan)
    assert kinds(spoilt) == set()
    assert quality_breaks(world(), spoilt, Roles(score="other"))


@pytest.mark.parametrize("dtype", ["str", "string[pyarrow]", "category", object])
def test_how_text_is_stored_is_no_break(dtype):
    stored = world(1)
    stored["country"] = stored["country"].astype(dtype)
    assert kinds(stored) == set()


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "float64", "int32"])
def test_how_numbers_are_stored_is_no_break(dtype):
    stored = world(1)
    stored["age"] = stored["age"].astype(dtype)
    assert kinds(stored) == set()


def test_how_vectors_are_stored_is_no_break():
    lists = [list(each) for each in np.random.default_rng(0).normal(size=(len(world()), 3))]
    old, new = world().assign(v=lists), world(1).assign(v=[np.array(each) for each in lists])
    assert quality_breaks(old, new) == ()


def test_few_rows_all_missing_and_embeddings_end_without_a_traceback():
    table = world(1)
    assert quality_breaks(world(), table.head(1)) == ()
    empty = table.assign(amount=np.nan, country=None)
    assert kinds(empty, empty) == set()
    vectors = table.assign(vector=list(np.ones((N, 3))))
    assert kinds(vectors, vectors) == set()
    mixed = table.assign(age=[1, "two"] * (N // 2))
    assert ("age", "type changed") in kinds(mixed)
