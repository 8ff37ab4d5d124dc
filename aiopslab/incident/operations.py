"""Which operations became slower or faster in themselves, from the self-time of their spans."""

import numpy as np
import pandas as pd

LEAST_AFTER, LEAST_BEFORE = 3, 5  # spans of an operation, fewer say nothing
LEAST_SPREAD = 0.2  # of the logarithm: no operation is steadier than about 20 %
SURE = 4.0  # standard errors from which a shift is not chance, for hundreds of operations
Z = 1.96  # standard errors on either side hold 95 %
OFFSET_MS = 0.1  # added before taking logarithms, so that a self-time of nothing has one


def rank_operations(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Rank operations by how far their self-time has shifted.

    Parameters
    ----------
    before, after
        Spans of quiet traces and of those since the onset, as `aiopslab.incident.traces.attribute`
        returns them.

    Returns
    -------
    pandas.DataFrame
        One row an operation that is in both, strongest first: ``service`` (whose time it is),
        ``name``, ``strength``, ``before``, ``after`` (median self-time, ms), ``ratio`` of
        the geometric means with its 95 % interval ``low`` to ``high``, ``spans`` (after) and
        ``extra_ms`` (mean self-time after less before, times the spans). A call to another
        service is named ``caller → operation``. `strength` is ``log(1 + |d|)``, where d is the
        shift of the mean of the log self-time in standard deviations before; 0 where it is
        within four standard errors of nothing.

    Examples
    --------
    >>> times = np.random.default_rng(7).normal(10, 1, size=(2, 40)) * [[1.0], [4.0]]
    >>> spans = [pd.DataFrame({"blamed": "auth", "service": "auth", "operation": "login",
    ...                        "self_ms": each}) for each in times]
    >>> rank_operations(*spans)[["service", "name"]].to_numpy().tolist()
    [['auth', 'login']]
    """
    keys = ["blamed", "service", "operation"]
    quiet, now = _summary(before, keys), _summary(after, keys)
    both = now.add_suffix("_after").join(quiet.add_suffix("_before"), how="inner")
    enough = (both["spans_after"] >= LEAST_AFTER) & (both["spans_before"] >= LEAST_BEFORE)
    both = both[enough].reset_index()
    spread = both["spread_before"].clip(lower=LEAST_SPREAD)
    moved = both["level_after"] - both["level_before"]
    shift = moved / spread
    error_of_ratio = np.hypot(
        both["spread_after"] / np.sqrt(both["spans_after"]), spread / np.sqrt(both["spans_before"])
    )
    error = np.sqrt(1 / both["spans_after"] + 1 / both["spans_before"])
    is_call = both["blamed"] != both["service"]
    called = both["service"] + " → " + both["operation"]
    table = pd.DataFrame(
        {
            "service": both["blamed"],
            "name": both["operation"].where(~is_call, called),
            "strength": np.where(shift.abs() > SURE * error, np.log1p(shift.abs()), 0.0),
            "before": both["median_before"],
            "after": both["median_after"],
            "ratio": np.exp(moved),
            "low": np.exp(moved - Z * error_of_ratio),
            "high": np.exp(moved + Z * error_of_ratio),
            "spans": both["spans_after"],
            "extra_ms": (both["mean_after"] - both["mean_before"]) * both["spans_after"],
        }
    )
    return table.sort_values("strength", ascending=False, kind="stable", ignore_index=True)


def _summary(spans: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    level = np.log(spans["self_ms"] + OFFSET_MS)
    groups = spans.assign(level=level).groupby(keys, observed=True)
    summary = groups.agg(
        spans=("level", "size"),
        level=("level", "mean"),
        spread=("level", "std"),
        median=("self_ms", "median"),
        mean=("self_ms", "mean"),
    )
    return summary.fillna({"spread": 0.0})
