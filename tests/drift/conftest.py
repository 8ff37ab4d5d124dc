"""Models in a real MLflow registry."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def applicants(rows=400, seed=0):
    """Return rows of people whose loans were paid back or not, mostly by age and income."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows).round(1),
            "income": rng.normal(50, 15, rows).round(1),
            "city": rng.choice(["Zürich", "東京", "Lima"], rows),
        }
    )
    wealth = (table["age"] - 40) / 10 + (table["income"] - 50) / 15 + rng.normal(0, 0.5, rows)
    return table.assign(paid=np.where(wealth > 0, "yes", "no"))


def logged(client, name, model, train, signature=True, target="paid"):
    """Train a model, log it with its data and its code, and register it."""
    import mlflow
    from mlflow.models import infer_signature

    features = train.drop(columns=target)
    model.fit(features, train[target])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)  # set_tracking_uri() would stay
        with mlflow.start_run() as run:
            mlflow.set_tag("mlflow.source.git.commit", COMMIT)
            data = mlflow.data.from_pandas(train, name="loans-2026-03", targets=target)
            mlflow.log_input(data, context="training")
            signed = infer_signature(features, model.predict(features)) if signature else None
            info = mlflow.sklearn.log_model(
                model,
                name="model",
                signature=signed,
                registered_model_name=name,
                pip_requirements=["scikit-learn"],
            )
    return SimpleNamespace(
        name=name,
        version=str(info.registered_model_version),
        uri=f"models:/{name}/{info.registered_model_version}",
        model_id=info.model_id,
        run_id=run.info.run_id,
        digest=data.digest,
        model=model,
    )


def classifier(features=("age", "income", "city")):
    """Return a pipeline for numbers and words, of those columns."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [each for each in features if each != "city"]
    words = [each for each in features if each == "city"]
    prepared = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), words)
    )
    return make_pipeline(prepared, LogisticRegression())


@pytest.fixture(scope="session")
def client(mlflow_at):
    """A client of the MLflow server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_LOGGING_LEVEL", "ERROR")
        from mlflow import MlflowClient

        yield MlflowClient(mlflow_at, mlflow_at)


@pytest.fixture(scope="session")
def loans(client):
    """A registered classifier, whose one version is the champion."""
    made = logged(client, "loans", classifier(), applicants())
    client.set_registered_model_alias("loans", "champion", made.version)
    return made
