"""Public data whose drift is known, read from where it lies; nothing of it is kept here.

The folder is ``AIOPSLAB_EVALUATION_DATA``, else ``../shared/data`` beside this project. Where it
is absent the figures that need it are left out, and the table says so.

Every loader returns ``(reference, current, roles)``. Predictions that a set does not come with are
made by a gradient-boosted model on the rows *before* the reference, so that a reference is never
what the model was trained on.
"""

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from aiopslab.drift.observations import Roles

ROOT = Path(
    os.environ.get("AIOPSLAB_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data")
)
DRIFT = ROOT / "drift"
Observations = tuple[pd.DataFrame, pd.DataFrame, Roles]

ELEC2_TRAINING = 8_000  # rows
ELEC2_REFERENCE = 4_000
WEATHER_TRAINING = 4_000
WEATHER_REFERENCE = 2_000
BIKE_TRAINING = 0.25  # of the rows
BIKE_REFERENCE = 0.25


def is_there() -> bool:
    return DRIFT.is_dir()


@cache
def car_loan() -> Observations:
    """Return a synthetic set with a step: five columns drift at row 25,000 of the current rows."""
    folder = DRIFT / "nannyml_synthetic_car_loan"
    roles = Roles("y_pred", "y_pred_proba", "repaid", "timestamp", ignored=("id",))
    current = pd.read_parquet(folder / "synthetic_car_loan_analysis.parquet")
    targets = pd.read_parquet(folder / "synthetic_car_loan_analysis_target.parquet")
    reference = pd.read_parquet(folder / "synthetic_car_loan_reference.parquet")
    reference["repaid"] = reference["repaid"].astype(int)
    return reference, current.merge(targets, on="id", validate="one_to_one"), roles


@cache
def california() -> Observations:
    """Return houses of another region than those of the reference: geographic covariate shift."""
    folder = DRIFT / "nannyml_california_housing"
    roles = Roles("y_pred", "y_pred_proba", "clf_target", "timestamp", ignored=("id",))
    current = pd.read_parquet(folder / "california_housing_analysis.parquet")
    targets = pd.read_parquet(folder / "california_housing_analysis_gt.parquet")
    reference = pd.read_parquet(folder / "california_housing_reference.parquet")
    return reference, current.merge(targets, on="id", validate="one_to_one"), roles


@cache
def hotel() -> Observations:
    """Return bookings of a summer and of the year after it: real and seasonal drift."""
    folder = DRIFT / "hotel_booking"
    roles = Roles("y_pred", "y_pred_proba", "is_canceled", "timestamp")
    reference = pd.read_parquet(folder / "reference_hotel_booking.parquet")
    return reference, pd.read_parquet(folder / "monitoring_hotel_booking.parquet"), roles


@cache
def elec2() -> Observations:
    """Return electricity prices, whose relation to the features changes: concept drift."""
    table = pd.read_parquet(DRIFT / "elec2" / "elec.parquet").rename(columns={"class": "target"})
    return _after_training(table, ELEC2_TRAINING, ELEC2_REFERENCE)


@cache
def weather() -> Observations:
    """Return fifty years of one weather station: slow and seasonal."""
    table = pd.read_parquet(DRIFT / "noaa_weather" / "weather.parquet")
    return _after_training(table, WEATHER_TRAINING, WEATHER_REFERENCE)


@cache
def bike_sharing() -> Observations:
    """Return hourly bicycle hires (a regression): season, and growth between two years."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    table = pd.read_parquet(DRIFT / "bike_sharing" / "hour.parquet")
    hours = pd.to_timedelta(table["hr"], unit="h")
    table["timestamp"] = pd.to_datetime(table["dteday"], utc=True) + hours
    table = table.rename(columns={"cnt": "target"})
    table = table.drop(columns=["instant", "dteday", "casual", "registered"])
    roles = Roles()
    trained = int(BIKE_TRAINING * len(table))
    end = trained + int(BIKE_REFERENCE * len(table))
    inputs = table[roles.features(table)].drop(columns="yr").to_numpy(dtype=float)
    model = HistGradientBoostingRegressor(random_state=0)
    model.fit(inputs[:trained], table["target"].to_numpy()[:trained])
    table["prediction"] = model.predict(inputs)
    return table.iloc[trained:end], table.iloc[end:], roles


@cache
def nab(name: str) -> tuple[pd.DataFrame, list[tuple[pd.Timestamp, pd.Timestamp]]]:
    """Return one series, ``timestamp, value``, and the windows that are labelled in it.

    `name` is ``nyc_taxi``, ``machine_temperature_system_failure`` or
    ``ec2_request_latency_system_failure``.
    """
    folder = DRIFT / "numenta_nab"
    series = pd.read_parquet(folder / f"{name}.parquet")
    series["timestamp"] = pd.to_datetime(series["timestamp"], utc=True)
    listed = json.loads((folder / "windows.json").read_text())
    (windows,) = (found for file, found in listed.items() if Path(file).stem == name)
    return series, [(_utc(begin), _utc(end)) for begin, end in windows]


@cache
def sms(share: float = 0.5, rows: int = 1_000, seed: int = 0) -> Observations:
    """Return messages whose share of spam rises from its usual one to `share`: text drift."""
    table = pd.read_parquet(DRIFT / "sms_spam" / "sms_spam.parquet")
    table = table.rename(columns={"label": "target"})
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    reference, rest = table.iloc[order[:rows]], table.iloc[order[rows:]]
    is_spam = (rest["target"] == "spam").to_numpy()
    wanted = min(int(share * rows), int(is_spam.sum()))
    drawn = np.concatenate(
        [
            rng.choice(np.flatnonzero(is_spam), wanted, replace=False),
            rng.choice(np.flatnonzero(~is_spam), rows - wanted, replace=False),
        ]
    )
    return reference, rest.iloc[rng.permutation(drawn)], Roles()


def _utc(time: str) -> pd.Timestamp:
    return pd.Timestamp(time).tz_localize("UTC")


def _after_training(table: pd.DataFrame, training: int, reference: int) -> Observations:
    """Predict every row with a model of the first ones, and cut off what it was trained on."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    roles = Roles()
    inputs = table[roles.features(table)].to_numpy(dtype=float)
    model = HistGradientBoostingClassifier(random_state=0)
    model.fit(inputs[:training], table["target"].to_numpy()[:training])
    score = model.predict_proba(inputs)[:, 1]
    judged = table.assign(prediction=(score >= 0.5).astype(int), score=score)
    end = training + reference
    return judged.iloc[training:end], judged.iloc[end:], roles
