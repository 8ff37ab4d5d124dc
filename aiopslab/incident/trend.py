"""A local linear trend, fitted and judged by how well it would have foretold what is known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.findings import Effect, Interval

Floats = npt.NDArray[np.float64]

WINDOWS = (1, 2, 4)  # the whole history, its last half and quarter: a leak may have begun lately
PATHS = 2_000
SIZE = 0.05  # how often a series without a trend may pass the backtest
HARMONICS = 2
SEASON = 0.5  # autocorrelation from which a repetition counts as a season
EPSILON = 1e-6  # of a history's spread; errors below it are none
FREEDOM = 6  # stretches a degree of freedom of the noise's own uncertainty: they are alike
# Shares of the noise that is measurement and that moves the level; the slope's, of the two.
NOISES = ((1.0, 0.0), (1.0, 0.001), (1.0, 0.01), (1.0, 0.1), (1.0, 1.0), (0.1, 1.0), (0.0, 1.0))
SLOPES = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True)
class Backtest:
    """How well a trend would have foretold a series, beside forecasts without one.

    Parameters
    ----------
    skill
        By what share its errors are smaller than those of `reference`, with an interval over the
        origins; below 0 they are larger.
    reference
        Whichever comes nearest: ``last value``, ``median``, ``level`` (exponential smoothing)
        or ``last season``.
    mase
        Mean absolute error over the mean absolute change from one stretch to the next.
    calibration
        Root mean square error over what the model expects; 1 is ideal.
    statistic, critical
        Of the test of no skill.
    origins, lead
        How many forecasts were judged, and how many stretches ahead each went.
    """

    skill: Effect
    reference: str
    mase: float
    calibration: float
    statistic: float
    critical: float
    origins: int
    lead: int

    @property
    def passed(self) -> bool:
        """Whether a trend foretells the series better than no trend does."""
        return self.statistic > self.critical


@dataclass(frozen=True)
class Model:
    """A linear Gaussian state space and what it knew before each value, and after the last.

    `states` is ``(states, times + 1)`` and `spreads` ``(times + 1, states, states)``; `surprises`
    are the standardised errors of one step ahead.
    """

    design: Floats
    transition: Floats
    shocks: Floats
    noise: float
    states: Floats
    spreads: Floats
    surprises: Floats


def find_season(values: Floats) -> int | None:
    """Return the length of a season that was seen three times, by the autocorrelation."""
    steps = np.arange(values.size)
    seen = np.isfinite(values)
    line = np.polynomial.Polynomial.fit(steps[seen], values[seen], 1)
    rest = np.where(seen, values - line(steps), 0.0)
    power = rest @ rest
    if power <= EPSILON:
        return None
    alike = np.array(
        [rest[lag:] @ rest[: rest.size - lag] / power for lag in range(rest.size // 3 + 1)]
    )
    negative = np.flatnonzero(alike < 0)
    if negative.size == 0:
        return None
    length = int(negative[0] + np.argmax(alike[negative[0] :]))
    return length if length > HARMONICS * 2 and alike[length] >= SEASON else None


def fit(values: Floats, season: int | None, slopes: tuple[float, ...]) -> Model:
    """Choose the noises by likelihood; without `slopes` the level has no slope at all."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    cycle = [{"period": season, "harmonics": HARMONICS}] if season else None
    model = UnobservedComponents(
        values,
        "lltrend" if slopes else "llevel",
        freq_seasonal=cycle,
        stochastic_freq_seasonal=[False] if season else None,
    )
    seen = np.isfinite(values)
    seen[np.flatnonzero(seen)[: model.k_states]] = False  # the first only place the diffuse start
    best, chosen = -np.inf, np.array(NOISES[0])
    for noise in NOISES:
        for slope in slopes or (0.0,):
            shares = np.array([*noise, slope * sum(noise)] if slopes else noise)
            model.update(shares)
            known = model.ssm.filter()
            errors = known.forecasts_error[0, seen]
            spreads = known.forecasts_error_cov[0, 0, seen]
            scale = max(float(np.mean(errors**2 / spreads)), EPSILON**2)
            merit = -0.5 * (seen.sum() * np.log(scale) + np.log(spreads).sum())
            merit -= 0.5 * np.log(seen.sum()) if slope else 0.0  # as the BIC charges a parameter
            if merit > best:
                best, chosen = merit, shares * scale
    model.update(chosen)
    known, system = model.ssm.filter(), model.ssm
    selection = np.asarray(system["selection"])
    return Model(
        np.array(system["design"])[0],
        np.array(system["transition"]),
        selection @ np.asarray(system["state_cov"]) @ selection.T,
        float(system["obs_cov"][0, 0]),
        known.predicted_state,
        np.moveaxis(known.predicted_state_cov, 2, 0),
        known.forecasts_error[0, seen] / np.sqrt(known.forecasts_error_cov[0, 0, seen]),
    )


def foretell(model: Model, leads: int) -> tuple[Floats, Floats]:
    """Return means and variances ``(leads, times + 1)``, each column from its own origin."""
    states, spreads = model.states, model.spreads
    means, variances = [], []
    for _ in range(leads):
        means.append(model.design @ states)
        variances.append(spreads @ model.design @ model.design + model.noise)
        states = model.transition @ states
        spreads = model.transition @ spreads @ model.transition.T + model.shocks
    return np.array(means), np.array(variances)


def simulate(model: Model, leads: int, widening: float, rng: np.random.Generator) -> Floats:
    """Draw futures ``(leads, PATHS)`` around the mean forecast."""
    mean = model.states[:, -1]
    states = rng.multivariate_normal(np.zeros(mean.size), model.spreads[-1], PATHS).T
    kicks = np.sqrt(np.diag(model.shocks))[:, None]
    errors = rng.choice(model.surprises, (leads, PATHS)) * np.sqrt(model.noise)
    freedom = max(model.surprises.size / FREEDOM, 4)
    widths = widening * np.sqrt(freedom / rng.chisquare(freedom, PATHS))
    paths = np.empty((leads, PATHS))
    for lead in range(leads):
        paths[lead] = model.design @ mean + widths * (model.design @ states + errors[lead])
        mean = model.transition @ mean
        states = model.transition @ states + kicks * rng.normal(size=states.shape)
    return paths


def backtest_trend(values: Floats) -> tuple[Model, Backtest]:
    """Fit a trend, and judge it by how well it would have foretold what is known."""
    from scipy import stats

    season = find_season(values)
    model, level = fit(values, season, SLOPES), fit(values, season, ())
    lead = values.size // 6
    origins = np.arange(values.size // 3, values.size - lead + 1)
    targets = origins + np.arange(lead)[:, None]
    truth = values[targets]
    judged = np.isfinite(truth).any(axis=0)
    origins, targets, truth = origins[judged], targets[:, judged], truth[:, judged]
    past = pd.Series(values)
    flat = {
        "last value": past.ffill().to_numpy()[origins - 1],
        "median": past.expanding().median().to_numpy()[origins - 1],
        "level": foretell(level, lead)[0][:, origins],
    }
    if season:
        seasons_back = season * (1 + np.arange(lead)[:, None] // season)
        flat["last season"] = past.ffill().to_numpy()[targets - seasons_back]
    means, variances = (each[:, origins] for each in foretell(model, lead))
    loss = np.nanmean(np.abs(truth - means), axis=0)
    tests = {}
    for name, forecast in flat.items():
        theirs = np.nanmean(np.abs(truth - forecast), axis=0)
        tests[name] = advantage(np.log((theirs + EPSILON) / (loss + EPSILON)), lead)
    nearest = min(tests, key=lambda name: tests[name][0] / tests[name][1])
    gain, error = tests[nearest]
    half = error * stats.t.ppf(0.975, loss.size - 1)
    skill = Interval(float(-np.expm1(half - gain)), float(-np.expm1(-half - gain)))
    return model, Backtest(
        Effect("skill", float(-np.expm1(-gain)), "", skill),
        nearest,
        float(loss.mean() / max(np.nanmean(np.abs(np.diff(values))), EPSILON)),
        float(np.sqrt(np.nanmean((truth - means) ** 2 / variances))),
        float(gain / error),
        float(stats.t.ppf(1 - SIZE / len(WINDOWS), loss.size - 1)),
        loss.size,
        lead,
    )


def advantage(gains: Floats, lead: int) -> tuple[float, float]:
    """Return the mean and its standard error, where gains `lead` apart are not independent.

    Bartlett's weights keep the variance positive, which the flat ones of Diebold and Mariano do
    not.
    """
    number, mean = gains.size, float(gains.mean())
    lead = min(lead, number // 2)
    rest = gains - mean
    lags = range(1, lead + 1)
    covariances = [2 * (1 - lag / (lead + 1)) * rest[lag:] @ rest[:-lag] for lag in lags]
    variance = max(float(rest @ rest + sum(covariances)) / number**2, EPSILON**2)
    correction = (number + 1 - 2 * lead + lead * (lead - 1) / number) / number
    return mean, float(np.sqrt(variance / correction))
