"""A profile as a file of a pipeline: kept once, held against every later table."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.drift.profiles import Profile, profile
from tests.drift.test_profiles import assert_same

SAME, UNUSABLE, DRIFTED, NOT_ENOUGH = 0, 2, 3, 4


def loans(rows=2_000, seed=0, older=0.0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(rows) + seed * rows,
            "alter": rng.normal(40 + older, 10, rows),
            "income": rng.lognormal(3, 0.5, rows),
            "größe": rng.choice(["S", "M", "L"], rows),
        }
    )


@pytest.fixture
def good(aiopslab, tmp_path):
    """The profile of a known good table, without its ids."""
    loans().to_parquet(tmp_path / "good.parquet")
    kept = tmp_path / "good.profile"
    code, out, err = aiopslab("profile", tmp_path / "good.parquet", "-o", kept, "--ignore", "id")
    assert (code, out) == (0, "")
    assert "2,000 rows, 3 features" in err
    return kept


@pytest.fixture
def held(aiopslab, tmp_path, good):
    """Hold a table against the profile; return the exit code, output and errors."""

    def call(table, *options, name="now.parquet"):
        path = tmp_path / name
        if name.endswith(".parquet"):
            table.to_parquet(path)
        else:
            table.to_csv(path, index=False)
        return aiopslab("profile", path, "--against", good, *options)

    return call


def test_what_is_kept_is_the_profile_of_the_table(good):
    assert_same(Profile.load(good), profile(loans().drop(columns="id")))


@pytest.mark.parametrize("name", ["now.parquet", "neu gezählt.csv"])
def test_the_exit_code_tells_whether_a_feature_drifted(held, name):
    code, out, err = held(loans(seed=1), "--ignore", "id", name=name)
    assert (code, err) == (SAME, "")
    assert out.splitlines()[0] == "0 of 3 features drifted; 2,000 rows against 2,000"
    code, out, err = held(loans(seed=2, older=5), "--ignore", "id", name=name)
    assert (code, err) == (DRIFTED, "")
    first, second = out.splitlines()[2:4]
    assert first.split()[:2] == ["drifted", "alter"] and "higher" in first and " to " in first
    assert second.startswith("same")


def test_the_interval_of_the_effect_holds_what_was_planted(held):
    _, out, _ = held(loans(seed=3, older=5), "--ignore", "id")
    low, high = (float(each) for each in np.array(out.splitlines()[2].split())[[3, 5]])
    assert low < 0.5 < high, "half a standard deviation was planted"


def test_a_folder_of_parts_is_one_table(aiopslab, tmp_path, good):
    folder = tmp_path / "parts"
    folder.mkdir()
    whole = loans().drop(columns="id")
    for number, part in enumerate((whole[:500], whole[500:])):
        part.to_parquet(folder / f"{number}.parquet")
    again = tmp_path / "again.profile"
    code, out, _ = aiopslab("profile", folder, "--against", good, "-o", again)
    assert code == SAME and "0 of 3" in out
    assert_same(Profile.load(again), Profile.load(good))


def test_columns_that_only_the_table_has_are_told_and_not_compared(held):
    code, out, _ = held(loans(seed=1))
    assert code == SAME
    assert out.splitlines()[-1].endswith("does not have it: id")


def test_columns_that_only_the_profile_has_are_no_answer_unless_ignored(held):
    less = loans(seed=1).drop(columns=["id", "income"])
    code, out, err = held(less)
    assert (code, out) == (UNUSABLE, "")
    assert "no column 'income'" in err and "--ignore income" in err
    code, out, _ = held(less, "--ignore", "income")
    assert code == SAME and "0 of 2" in out


def test_numbers_that_became_text_are_drift(held):
    table = loans(seed=1).drop(columns="id").assign(alter="n/a")
    code, out, _ = held(table)
    assert code == DRIFTED and "alter" in out.splitlines()[2]


def test_a_few_rows_tell_nothing(held):
    code, out, _ = held(loans(5, seed=1), "--ignore", "id")
    assert code == NOT_ENOUGH and "too few" in out


def refused(answer, *says):
    code, out, err = answer
    assert (code, out) == (UNUSABLE, "")
    assert all(each in err for each in says) and "Traceback" not in err, err


def test_a_table_without_rows_or_columns_is_no_answer(held):
    refused(held(loans(0)), "has no rows")
    every = [each for name in loans(0) for each in ("--ignore", name)]
    refused(held(loans(50), *every), "no column left")
    refused(held(loans(50), "--ignore", "alte"), "Did you mean 'alter'?")


def test_what_is_no_table_is_no_answer(aiopslab, tmp_path, good):
    (tmp_path / "text.parquet").write_text("no")
    for name in ("nowhere.parquet", "nowhere.csv", "text.parquet", "good.profile"):
        refused(aiopslab("profile", tmp_path / name, "--against", good), "Error")
    refused(aiopslab("profile", tmp_path / "good.parquet"), "--against")


def test_what_is_no_profile_is_no_answer(aiopslab, tmp_path, good, monkeypatch):
    table = tmp_path / "good.parquet"
    refused(aiopslab("profile", table, "--against", tmp_path / "none"), "there is no file")
    refused(aiopslab("profile", table, "--against", table), "is no profile")
    content = good.read_bytes()
    (tmp_path / "cut").write_bytes(content[: len(content) // 2])
    refused(aiopslab("profile", table, "--against", tmp_path / "cut"), "is no profile")
    torn = bytearray(content)
    torn[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    (tmp_path / "torn").write_bytes(torn)
    refused(aiopslab("profile", table, "--against", tmp_path / "torn"), "is no profile")
    monkeypatch.setattr("aiopslab.drift.storage.VERSION", 99)
    later = Profile.load(good).save(tmp_path / "later")
    monkeypatch.undo()
    refused(aiopslab("profile", table, "--against", later), "version 99", "Update aiopslab")


def test_a_profile_that_cannot_be_kept_says_so(aiopslab, tmp_path, good):
    refused(
        aiopslab("profile", tmp_path / "good.parquet", "-o", tmp_path / "no" / "a.profile"),
        "could not be written",
    )


def test_help_teaches(aiopslab):
    code, out, _ = aiopslab("profile", "--help")
    assert code == 0
    assert "aiopslab profile today.parquet --against good.profile" in out
    assert "3  a feature drifted" in out
    assert "profile" in aiopslab("--help")[1]
