"""Parquet files have the profile of their table, whatever they hold and however it is encoded."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aiopslab.drift import parquet
from aiopslab.drift.categorical import Categorical
from aiopslab.drift.parquet import profile_parquet, rows_of
from aiopslab.drift.profiles import profile
from aiopslab.errors import FrameError, SourceError
from tests.drift.test_profiles import assert_same


def orders(n=5_000, seed=0):
    """Return a table of what arrow reads by itself and of what it does not, with gaps."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": rng.lognormal(3, 1, n),
            "half": rng.normal(size=n).astype("float32"),
            "visits": rng.poisson(4, n),
            "account": rng.integers(0, 1 << 40, n),
            "level": rng.integers(-128, 128, n).astype("int8"),
            "plan": rng.choice(["a", "b", "ü", ""], n),
            "order": [f"o{each:08}" for each in rng.permutation(n)],
            "paid": rng.random(n) < 0.3,
            "at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.random(n), "D"),
        }
    )
    frame.loc[::7, ["amount", "plan", "order"]] = None
    frame["amount"] = frame["amount"].mask(frame.index == 3, np.inf)
    return frame


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(parquet, "CELLS", 9 * 700)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("encoded", [True, False])
def test_every_column_is_profiled_as_in_memory(tmp_path, encoded):
    frame = orders()
    pq.write_table(
        pa.Table.from_pandas(frame),
        tmp_path / "orders.parquet",
        row_group_size=1_100,
        use_dictionary=encoded,
    )
    like = profile(frame)
    assert_same(profile_parquet(tmp_path / "orders.parquet", like), like)


@pytest.mark.usefixtures("small_batches")
def test_the_files_of_a_folder_add_up(tmp_path):
    parts = [orders(900, 1), orders(0), orders(1_700, 2)]
    for number, each in enumerate(parts):
        pa_types = pa.Table.from_pandas(parts[0]).schema
        pq.write_table(pa.Table.from_pandas(each, pa_types), tmp_path / f"{number}.parquet")
    whole = pd.concat(parts[::2], ignore_index=True)
    like = profile(whole)
    assert_same(profile_parquet(tmp_path, like), like)
    assert rows_of(tmp_path) == profile_parquet(tmp_path).rows == 2_600


def test_more_names_than_are_kept_stay_within_the_stated_error(tmp_path, monkeypatch):
    for module in ("categorical", "parquet"):
        monkeypatch.setattr(f"aiopslab.drift.{module}.KEPT", 50)
    monkeypatch.setattr(parquet, "HELD", 200)
    monkeypatch.setattr(parquet, "CELLS", 1_000)
    names = pd.Series(np.random.default_rng(0).zipf(1.3, 20_000).clip(max=5_000).astype(str))
    pq.write_table(pa.table({"name": pa.array(names)}), tmp_path / "names.parquet")
    part = profile_parquet(tmp_path / "names.parquet")["name"]
    assert isinstance(part, Categorical)
    truth = names.value_counts()
    assert len(part.labels) == 50 and part.error > 0
    assert int(part.counts.sum()) + part.others == part.rows == len(names)
    for name, count in zip(part.labels, part.counts, strict=True):
        assert truth[name] - part.error <= count <= truth[name]
    assert part.labels[:3] == tuple(truth.index[:3])


def test_a_column_is_read_as_what_it_is_to_be_like(tmp_path):
    like = profile(pd.DataFrame({"x": [1.0, 2.0, 3.0], "plan": ["a", "b", "1"]}))
    now = pd.DataFrame({"x": ["2", "n/a", None], "plan": [1, 1, 2], "new": [0.5, 1.5, 2.5]})
    now.to_parquet(tmp_path / "now.parquet")
    assert_same(profile_parquet(tmp_path / "now.parquet", like), profile(now, like))


def test_progress_is_told_batch_by_batch(tmp_path):
    orders(3_000).to_parquet(tmp_path / "orders.parquet")
    seen: list[int] = []
    profile_parquet(tmp_path / "orders.parquet", columns=["plan"], progress=seen.append)
    assert sum(seen) == 3_000


def test_a_file_without_rows_has_an_empty_profile(tmp_path):
    orders(0).to_parquet(tmp_path / "none.parquet")
    made = profile_parquet(tmp_path / "none.parquet")
    assert (made.rows, list(made.features)) == (0, list(orders(0)))


def test_files_that_cannot_be_read_say_so(tmp_path):
    orders(100).to_parquet(tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[: len(content) // 2])
    for name in ("cut.parquet", "absent.parquet"):
        with pytest.raises(SourceError, match=r"Parquet.*\n.*folder of them"):
            profile_parquet(tmp_path / name)
        with pytest.raises(SourceError, match="Parquet"):
            rows_of(tmp_path / name)
    with pytest.raises(SourceError, match="Parquet"):
        profile_parquet("nowhere://whole.parquet")
    with pytest.raises(FrameError, match="Did you mean 'amount'"):
        profile_parquet(tmp_path / "whole.parquet", columns=["amout"])


def test_a_file_of_a_folder_without_a_column_says_which(tmp_path):
    orders(50).to_parquet(tmp_path / "0.parquet")
    orders(50).drop(columns="paid").to_parquet(tmp_path / "1.parquet")
    with pytest.raises(FrameError, match=r"1\.parquet' has no column 'paid'"):
        profile_parquet(tmp_path)
