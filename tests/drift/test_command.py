"""The gate as a command of a pipeline: what it decides, by exit code, and what it refuses."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.drift.conftest import applicants, classifier, logged

PROMOTE, UNUSABLE, KEEP, NOT_ENOUGH = 0, 2, 3, 4


def judged(rows=1_000):
    """Return rows with outcomes and three models: right in 70 %, in 90 %, and as the first."""
    rng = np.random.default_rng(0)
    paid = rng.integers(0, 2, rows)

    def right(share):
        return np.where(rng.random(rows) < share, paid, 1 - paid)

    old = right(0.7)
    return pd.DataFrame(
        {"age": rng.normal(40, 10, rows), "bezahlt": paid, "alt": old, "größer": right(0.9)}
    ).assign(wie_alt=old)


@pytest.fixture
def decide(aiopslab, tmp_path):
    """Call the command on a table; return its exit code, output and errors."""

    def call(table, champion, challenger, *options, target="bezahlt"):
        path = tmp_path / "neue Fälle.parquet"
        table.to_parquet(path)
        named = ["--champion", champion, "--challenger", challenger, "--target", target]
        return aiopslab("promote", path, *named, *options)

    return call


@pytest.mark.parametrize(
    ("champion", "challenger", "options", "code", "says"),
    [
        ("alt", "größer", [], PROMOTE, "promote"),
        ("größer", "alt", [], KEEP, "keep"),
        ("alt", "wie_alt", [], KEEP, "keep"),
        ("alt", "größer", ["--min-improvement", 0.5], KEEP, "keep"),
        ("alt", "größer", ["--min-labels", 5_000], NOT_ENOUGH, "not enough data"),
    ],
)
def test_the_exit_code_is_the_decision(decide, champion, challenger, options, code, says):
    ended, out, err = decide(judged(), champion, challenger, *options)
    assert (ended, err) == (code, "")
    assert out.splitlines()[0] == says
    assert "labels" in out, "a decision comes with its reason"


def test_a_pipeline_reads_the_decision_as_json(decide, tmp_path):
    told = tmp_path / "decision.json"
    code, out, _ = decide(judged(), "alt", "größer", "--json", told)
    said = json.loads(told.read_text())
    assert (said["gate"], said["decision"], said["exit_code"]) == ("model", "promote", code)
    assert said["candidate"] == "größer" and said["baseline"] == "alt" and said["alias"] is None
    (gain,) = said["measured"]
    assert gain["name"] == "gain in accuracy" and 0.1 < gain["low"] < gain["value"] < gain["high"]
    _, out, _ = decide(judged(), "alt", "größer", "--json", "-")
    assert json.loads(out)["reasons"] == said["reasons"]
    code, _, err = decide(judged(), "alt", "größer", "--json", tmp_path / "no" / "where.json")
    assert code == UNUSABLE and "cannot be written" in err


def test_rows_without_an_outcome_decide_nothing(decide):
    table = judged().assign(bezahlt=pd.NA)
    table["bezahlt"] = table["bezahlt"].astype("Int64")
    table.loc[:20, "bezahlt"] = 1
    assert decide(table, "alt", "größer")[0] == NOT_ENOUGH


def test_a_segment_that_loses_keeps_the_champion(decide):
    table = judged(4_000)
    table["land"] = np.where(table.index % 10 == 0, "Ö", "CH")
    worse = table["land"] == "Ö"
    table.loc[worse, "alt"] = table.loc[worse, "bezahlt"]
    table.loc[worse, "größer"] = 1 - table.loc[worse, "bezahlt"]
    code, out, _ = decide(table, "alt", "größer", "--segment", "land")
    assert code == KEEP and "Ö" in out
    assert decide(table, "alt", "größer", "--segment", "age")[0] == PROMOTE


@pytest.mark.parametrize(
    ("champion", "challenger", "options", "says"),
    [
        ("alt", "größe", [], "Did you mean 'größer'?"),
        ("old_model", "größer", [], "no column 'old_model'"),
        ("alt", "größer", ["--target", "bezalt"], "Did you mean 'bezahlt'?"),
        ("alt", "größer", ["--segment", "agee"], "Did you mean 'age'?"),
        ("alt", "größer", ["--champion-score", "p"], "no column 'p'"),
        ("alt", "größer", ["--metric", "beauty"], "metric is 'beauty'"),
        ("alt", "größer", ["--max-loss", "-1"], "max_loss is -1"),
        ("alt", "größer", ["--max-loss", "much"], "much"),
        ("alt", "größer", ["--set-alias", "champion"], "models:/NAME/VERSION"),
        ("alt", "models:/loans", [], "models:/NAME@ALIAS"),
        ("alt", "https://me:secret@host/loans", [], "models:/NAME@ALIAS"),
    ],
)
def test_what_is_no_decision_is_told_apart_from_one(decide, champion, challenger, options, says):
    code, out, err = decide(judged(), champion, challenger, *options)
    assert (code, out) == (UNUSABLE, "")
    assert says in err and "Traceback" not in err and "secret" not in err


def test_observations_that_are_not_there_are_no_decision(aiopslab, tmp_path):
    named = ["--champion", "a", "--challenger", "b"]
    code, out, err = aiopslab("promote", tmp_path / "nowhere.parquet", *named)
    assert (code, out) == (UNUSABLE, "") and "there is no" in err
    assert aiopslab("promote", tmp_path / "nowhere.parquet")[0] == UNUSABLE


def test_scores_are_compared_where_both_are_given(decide):
    table = judged()
    for model in ("alt", "größer"):
        table[f"p {model}"] = table[model] * 0.8 + 0.1
    scores = ["--champion-score", "p alt", "--challenger-score", "p größer"]
    code, out, _ = decide(table, "alt", "größer", *scores, "--metric", "roc_auc")
    assert code == PROMOTE and "AUC" in out
    nobodys = table.assign(score=0.5)
    code, _, err = decide(nobodys, "alt", "größer", *scores[:2], "--metric", "roc_auc")
    assert code == UNUSABLE and "give the scores of both models" in err


def test_errors_of_numbers_are_compared_too(decide):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.normal(40, 10, 500), "bezahlt": rng.normal(0, 1, 500)})
    for model, error in (("alt", 1), ("größer", 0.1)):
        table[model] = table["bezahlt"] + rng.normal(0, error, 500)
    assert decide(table, "alt", "größer")[0] == PROMOTE
    assert decide(table, "größer", "alt")[0] == KEEP


def test_help_teaches(aiopslab):
    code, out, _ = aiopslab("promote", "--help")
    assert code == 0
    assert "models:/loans@champion" in out and "--set-alias champion" in out
    assert "3  keep the baseline" in out and "4  not enough data" in out
    assert "promote" in aiopslab("--help")[1]


@pytest.fixture(scope="module")
def gated(client, mlflow_at):
    """A champion that knows the age only, and a challenger that knows everything."""
    train = applicants()
    versions = [
        logged(client, "gated", classifier(known), train[[*known, "paid"]])
        for known in (["age"], ["age", "income", "city"])
    ]
    return mlflow_at, client, *versions


@pytest.mark.server
@pytest.mark.slow
def test_the_alias_moves_with_a_promotion_only(decide, gated):
    address, client, first, second = gated
    client.set_registered_model_alias("gated", "champion", first.version)
    recent = applicants(500, seed=2)

    def promote(champion, challenger):
        options = ["--tracking-uri", address, "--set-alias", "champion"]
        code, out, err = decide(recent, champion, challenger, *options, target="paid")
        assert err == ""
        return code, out, client.get_model_version_by_alias("gated", "champion").version

    code, out, points = promote(second.uri, "models:/gated@champion")
    assert (code, points) == (KEEP, second.version), "a candidate in use that is worse goes back"
    client.set_registered_model_alias("gated", "champion", first.version)
    code, out, points = promote("models:/gated@champion", second.uri)
    assert (code, points) == (PROMOTE, second.version)
    assert f"points at version {second.version}; it pointed at version {first.version}" in out
    code, out, points = promote("models:/gated@champion", first.uri)
    assert (code, points) == (KEEP, second.version), "a loser that is not in use moves nothing"
    assert "champion of gated stays where it is" in out


@pytest.mark.server
@pytest.mark.slow
def test_a_column_is_compared_with_a_model_of_the_registry(decide, gated):
    address, _, _, second = gated
    recent = applicants(500, seed=3)
    recent["alt"] = applicants(500, seed=4)["paid"]  # of others, so right by chance
    at = ["--tracking-uri", address]
    assert decide(recent, "alt", second.uri, *at, target="paid")[0] == PROMOTE
    assert decide(recent, second.uri, "alt", *at, target="paid")[0] == KEEP


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize(
    ("challenger", "says"),
    [
        ("models:/gated/99", "version=99"),
        ("models:/gated@nobody", "nobody"),
        ("models:/gated/2", "needs age"),
    ],
)
def test_a_model_that_cannot_be_asked_is_no_decision(decide, gated, challenger, says):
    recent = applicants(200).drop(columns="age").assign(alt="yes")
    at = ["--tracking-uri", gated[0]]
    code, out, err = decide(recent, "alt", challenger, *at, target="paid")
    assert (code, out) == (UNUSABLE, "")
    assert says in err and "→" in err and "Traceback" not in err
