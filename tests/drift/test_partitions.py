"""Partitions of a dask table add up to the profile of the whole, whoever computes them."""

import sys

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from aiopslab.drift.partitions import profile_partitions
from aiopslab.drift.profiles import profile
from aiopslab.errors import AIOpsLabError, FrameError
from tests.drift.test_profiles import assert_same, mixed


@pytest.fixture(autouse=True)
def strings_as_they_are():
    with dask.config.set({"dataframe.convert-string": False}):
        yield


def table(rows=600, seed=0):
    frame = mixed(rows, seed)
    frame["note"] = frame["note"].astype("str")
    return frame


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("partitions", [1, 3, 20])
def test_partitions_have_the_profile_of_the_whole(scheduler, partitions):
    frame = table()
    parts = dd.from_pandas(frame, npartitions=partitions, sort=False)
    first = profile(parts.get_partition(0).compute())
    with dask.config.set(scheduler=scheduler):
        assert_same(profile_partitions(parts), profile(frame, like=first))
        like = profile(table(seed=1))
        assert_same(profile_partitions(parts, like), profile(frame, like))


def test_partitions_without_rows_give_no_edges():
    frame = table()
    nothing = frame.iloc[:0]
    parts = dd.concat([dd.from_pandas(each, npartitions=1) for each in (nothing, frame, nothing)])
    assert parts.npartitions == 3
    assert_same(profile_partitions(parts), profile(frame))
    empty = profile_partitions(dd.from_pandas(nothing, npartitions=1))
    assert (empty.rows, list(empty.features)) == (0, list(frame))


def test_partitions_are_profiled_in_processes():
    frame = table(200)
    parts = dd.from_pandas(frame, npartitions=4, sort=False)
    like = profile(frame)
    with dask.config.set(scheduler="processes", num_workers=2):
        assert_same(profile_partitions(parts, like), like)


@pytest.mark.server
@pytest.mark.slow
def test_partitions_are_profiled_where_they_lie_on_a_cluster(tmp_path):
    from distributed import Client, LocalCluster

    frame = table(5_000).drop(columns="vector")
    frame.to_parquet(tmp_path / "0.parquet")
    table(3_000, seed=1).drop(columns="vector").to_parquet(tmp_path / "1.parquet")
    whole = pd.concat([pd.read_parquet(each) for each in sorted(tmp_path.glob("*.parquet"))])
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        parts = dd.read_parquet(tmp_path)
        first = profile(frame)
        assert_same(profile_partitions(parts, first), profile(whole, first))
        assert profile_partitions(parts).rows == 8_000


def test_what_is_no_dask_table_is_refused():
    with pytest.raises(FrameError, match="expected a dask DataFrame"):
        profile_partitions(pd.DataFrame({"x": np.arange(3.0)}))  # type: ignore[arg-type]


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(AIOpsLabError, match=r"aiopslab\[dask\]"):
        profile_partitions(None)  # type: ignore[arg-type]
