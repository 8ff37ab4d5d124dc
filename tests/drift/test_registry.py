"""Models of a real registry: opened, asked, refused."""

import os
import socket

import mlflow
import numpy as np
import pandas as pd
import pytest

from aiopslab.drift import Roles, open_model, read_lineage
from aiopslab.drift.registry import open_sides
from aiopslab.errors import AIOpsLabError, FrameError, SourceError
from aiopslab.mlflow_aliases import Aliases
from aiopslab.sources.evidence import EVIDENCE_MIME
from tests.drift.conftest import COMMIT, applicants, classifier, logged

pytestmark = [pytest.mark.server, pytest.mark.slow]

RECENT = applicants(60, seed=1)


def pointed(candidate, baseline, address):
    """Promote a version as a gate does; return what it says of the alias."""
    sides = open_sides(candidate, baseline, "champion", address)
    return sides.aliases.follow(
        "champion", sides.candidate, sides.baseline, is_promoted=True, is_worse=False
    )


@pytest.fixture(scope="module")
def opened(loans, mlflow_at):
    return open_model("models:/loans@champion", mlflow_at)


@pytest.fixture
def process(monkeypatch, mlflow_at):
    """A process whose MLflow is the server, by its environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_at)
    return mlflow_at


@pytest.mark.parametrize(
    "uri",
    [
        "models:/loans@champion",
        "models:/loans/1",
        "mlflow://models/loans@champion",
        "mlflow://models/loans/1",
    ],
)
def test_every_form_of_an_address_names_the_version(loans, mlflow_at, uri):
    lineage = read_lineage(uri, mlflow_at)
    assert lineage.uri == loans.uri == "models:/loans/1"
    assert lineage.aliases == ("champion",)


def test_the_environment_names_the_server_too(loans, process):
    assert open_model("models:/loans@champion").lineage.model_id == loans.model_id


def test_the_lineage_leads_to_data_run_and_code(loans, opened):
    lineage = opened.lineage
    assert lineage.model_id == loans.model_id, "though the version itself does not say"
    assert lineage.datasets == (("loans-2026-03", loans.digest, "training"),)
    told = dict(lineage.table().to_numpy().tolist())
    assert told["model version"] == "loans 1" and told["aliases"] == "champion"
    assert loans.digest in told["training data and digest"]
    assert told["training run"] == loans.run_id and told["code commit"] == COMMIT
    shown = lineage._repr_mimebundle_()
    assert shown[EVIDENCE_MIME]["source"] == "models:/loans/1"
    assert loans.run_id in shown["text/html"] and COMMIT in shown["text/plain"]


def test_versions_of_one_name_are_told_apart(client, opened, mlflow_at):
    client.create_registered_model("files")
    versions = [client.create_model_version("files", "s3://nowhere/model") for _ in range(2)]
    first, second = (read_lineage(f"models:/files/{each.version}", mlflow_at) for each in versions)
    assert len({first.digest, second.digest, opened.lineage.digest}) == 3
    assert read_lineage("models:/files/1", mlflow_at).digest == first.digest
    told = dict(first.table().to_numpy().tolist())
    assert told["aliases"] == "none"
    assert told["training run"] == told["code commit"] == "not recorded"
    assert told["training data and digest"] == "not recorded"


def test_a_model_outlives_the_run_that_trained_it(client, mlflow_at):
    run = client.create_run(client.create_experiment("short-lived"))
    client.create_registered_model("orphan")
    client.create_model_version("orphan", "s3://nowhere/model", run.info.run_id)
    client.delete_run(run.info.run_id)
    assert read_lineage("models:/orphan/1", mlflow_at).run_id == run.info.run_id


def test_it_says_what_the_model_says(loans, opened):
    said = opened.predict(RECENT)
    features = RECENT.drop(columns="paid")
    assert said["prediction"].tolist() == loans.model.predict(features).tolist()
    positive = loans.model.predict_proba(features)[:, list(loans.model.classes_).index("yes")]
    np.testing.assert_allclose(said["score"], positive)
    pd.testing.assert_frame_equal(said[RECENT.columns], RECENT)


def test_a_score_is_of_the_same_class_whatever_the_rows_hold(opened):
    said = opened.predict(RECENT)
    poor = RECENT[said["prediction"] == "no"]
    assert len(poor) > 5
    alone = opened.predict(poor.drop(columns="paid"))
    np.testing.assert_allclose(alone["score"], said.loc[poor.index, "score"])
    assert (alone["score"] < 0.5).all()


def test_columns_that_the_signature_does_not_name_are_left_out_of_it(opened):
    crowded = RECENT.assign(id=range(len(RECENT)), note="x")
    assert opened.predict(crowded)["score"].tolist() == opened.predict(RECENT)["score"].tolist()


def test_roles_name_the_columns_that_are_added(opened):
    roles = Roles(prediction="y_pred", score="p", target="paid")
    assert {"y_pred", "p"} <= set(opened.predict(RECENT, roles))


def test_predictions_that_are_given_are_kept(opened):
    given = RECENT.assign(prediction="yes")
    assert opened.complete(given) is given
    assert set(opened.complete(RECENT)["prediction"]) == {"yes", "no"}


def test_a_classifier_of_more_classes_tells_how_sure_it_is_of_its_own(client, mlflow_at):
    train = applicants().drop(columns="paid").assign(paid=["low", "mid", "high", "mid"] * 100)
    made = logged(client, "grades", classifier(), train, signature=False)
    features = RECENT.drop(columns="paid")
    said = open_model(made.uri, mlflow_at).predict(features)
    np.testing.assert_allclose(said["score"], made.model.predict_proba(features).max(axis=1))
    with pytest.raises(FrameError, match=r"models:/grades/1 could not predict.*income"):
        open_model(made.uri, mlflow_at).predict(features.drop(columns="income"))


def test_a_regression_has_no_score(client, mlflow_at):
    from sklearn.linear_model import LinearRegression

    train = applicants()[["age", "income"]]
    made = logged(client, "income", LinearRegression(), train, target="income")
    said = open_model(made.uri, mlflow_at).predict(RECENT)
    assert "score" not in said
    np.testing.assert_allclose(said["prediction"], made.model.predict(RECENT[["age"]]))


@pytest.mark.parametrize(
    ("misfit", "names"),
    [
        (RECENT.drop(columns=["age", "city"]), "needs age, city"),
        (RECENT.assign(age="old"), "column age"),
        (RECENT.assign(city=3), "column city"),
        (RECENT.assign(income=np.nan), "NaN"),
    ],
)
def test_a_signature_that_does_not_fit_is_told_by_the_column(opened, misfit, names):
    with pytest.raises(FrameError, match=names) as raised:
        opened.predict(misfit)
    assert "models:/loans/1" in str(raised.value) and raised.value.remedy


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("models:/loans@challenger", "challenger not found"),
        ("models:/loans/99", "version=99"),
        ("models:/lones/1", "lones"),
        ("models:/loans", "names no version"),
        ("models:/loans/latest", "names no version"),
        ("loans", "names no version"),
        ("https://me:secret@host/loans", "names no version"),
    ],
)
def test_what_is_not_there_is_refused_with_the_way_out(loans, mlflow_at, uri, says):
    with pytest.raises(SourceError, match=says) as raised:
        open_model(uri, mlflow_at)
    assert raised.value.remedy and "secret" not in str(raised.value)


def test_a_version_whose_files_are_gone_is_refused(client, mlflow_at):
    client.create_registered_model("lost")
    empty = client.create_logged_model("0").model_id
    client.create_model_version("lost", f"models:/{empty}", model_id=empty)
    with pytest.raises(SourceError, match="models:/lost/1 could not be opened") as raised:
        open_model("models:/lost/1", mlflow_at)
    assert raised.value.remedy


def test_a_server_that_is_down_is_an_error_without_secrets(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(SourceError, match=str(port)) as raised:
        open_model("models:/loans@champion", f"http://me:s@cret@127.0.0.1:{port}")
    assert "cret" not in str(raised.value) and "me:" not in str(raised.value)


def test_the_process_stays_set_as_it_was(loans, mlflow_at, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    open_model("models:/loans/1", mlflow_at).predict(RECENT)
    pointed("models:/loans/1", "models:/loans/1", mlflow_at)
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["DO_NOT_TRACK"] in {"1", "true"}  # what was set before stays


def test_an_alias_is_pointed_and_says_where_it_was(client, mlflow_at):
    client.create_registered_model("pointed")
    for _ in range(2):
        client.create_model_version("pointed", "s3://nowhere/model")
    assert "pointed at none" in str(pointed("models:/pointed/1", "models:/pointed/1", mlflow_at))
    moved = pointed("models:/pointed/2", "models:/pointed@champion", mlflow_at)
    assert "pointed at version 1" in str(moved)
    assert client.get_model_version_by_alias("pointed", "champion").version == "2"
    with pytest.raises(SourceError, match="version=3"):
        pointed("models:/pointed/3", "models:/pointed/1", mlflow_at)
    client.create_model_version("pointed", "s3://nowhere/model")
    with pytest.raises(AIOpsLabError, match="points at version 2, which was not compared"):
        pointed("models:/pointed/3", "models:/pointed/1", mlflow_at)
    client.create_registered_model("another")
    client.create_model_version("another", "s3://nowhere/model")
    with pytest.raises(SourceError, match="an alias of one model is moved"):
        pointed("models:/another/1", "models:/pointed/1", mlflow_at)


def test_a_champion_again_is_taken_back_to(client, mlflow_at):
    client.create_registered_model("taken-back")
    for _ in range(2):
        client.create_model_version("taken-back", "s3://nowhere/model")
    aliases = Aliases(client, "model", "taken-back")
    with pytest.raises(AIOpsLabError, match="nothing is known"):
        aliases.take_back("champion")
    aliases.promote("champion", 1)
    aliases.promote("champion", 2)
    assert aliases.follow("champion", 2, 1, is_promoted=False, is_worse=False) is None
    assert str(aliases.take_back("champion")).endswith("it pointed at version 1")
    assert aliases.at("champion") == 1 and aliases.last("champion") is None
    assert aliases.follow("champion", 2, 1, is_promoted=False, is_worse=True) is None
    aliases.promote("champion", 2)
    aliases.follow("champion", 2, 1, is_promoted=False, is_worse=True)
    assert aliases.at("champion") == 1 and aliases.last("champion") is None
