"""Alerts from firing to resolved: repeats merged, a flapping spell as one, blips marked."""

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]

CHECKS = 20  # state changes that 21 checks may show, the history that Nagios looks at
FLAPPING_FROM = 0.3  # share of them from which an alert flaps …
FLAPPING_UNTIL = 0.2  # … and below which it has stopped
BLIP = 2  # evaluations: what was gone at the next one was over the line once


def settle(alerts: pd.DataFrame, evaluation: pd.Timedelta) -> tuple[pd.DataFrame, int]:
    """Make one row of each alert, from when it fired to when it was resolved for good.

    Parameters
    ----------
    alerts
        Alerts frame, conformed.
    evaluation
        How often the rules behind the alerts are evaluated.

    Returns
    -------
    tuple
        The table, the earliest first: ``start, ended`` (NaT while it fires), ``last`` (seen),
        ``name, service, severity, fingerprint, labels``, ``notices`` (firing rows that it stands
        for), ``episodes`` (times it fired), ``flapping`` and ``blip``; and the number of resolved
        rows of alerts that were not firing, which are left out.

    Notes
    -----
    Flapping is detected as in Nagios: by the share of state changes among the last 21 checks,
    beginning at 30 % and ending below 20 %. Changes weigh the same, however long ago in those.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=6, freq="min", tz="UTC")
    >>> alerts = pd.DataFrame(
    ...     {"timestamp": times, "name": "Slow", "service": "auth", "severity": "page",
    ...      "state": ["firing", "resolved"] * 3, "fingerprint": "a"}
    ... )
    >>> settled, unmatched = settle(alerts, pd.Timedelta("1min"))
    >>> settled[["episodes", "flapping", "blip"]]
       episodes  flapping   blip
    0         3      True  False
    """
    episodes, unmatched = _episodes(alerts)
    settled = _without_flaps(episodes, CHECKS * evaluation)
    short = settled["ended"] - settled["start"] < BLIP * evaluation
    return settled.assign(blip=short & ~settled["flapping"]), unmatched


def _episodes(alerts: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return one row each time an alert fired, and the number of resolved rows that fit none."""
    # Of two rows of one moment the resolved goes first: rather an alert without an end than none.
    keys = ["fingerprint", "timestamp", "state"]
    ordered = alerts.sort_values(keys, ascending=[True, True, False], kind="stable")
    firing = ordered["state"].eq("firing").to_numpy()
    same = ordered["fingerprint"].eq(ordered["fingerprint"].shift()).to_numpy()
    was_firing = np.roll(firing, 1) & same
    begins, ends = firing & ~was_firing, ~firing & was_firing
    number = begins.cumsum() - 1
    times = ordered["timestamp"]
    episodes = ordered[begins].drop(columns="state").reset_index(drop=True)
    episodes = episodes.rename(columns={"timestamp": "start"})
    episodes = episodes.assign(
        labels=episodes.get("labels"),
        ended=pd.Series(times[ends].array, number[ends]).reindex(episodes.index),
        last=times[firing | ends].groupby(number[firing | ends]).max(),
        notices=np.bincount(number[firing], minlength=len(episodes)),
    )
    return episodes, int((~firing & ~was_firing).sum())


def _without_flaps(episodes: pd.DataFrame, window: pd.Timedelta) -> pd.DataFrame:
    """Make one row of the episodes of each flapping spell; the earliest first."""
    spell = _spells(episodes, window)
    goes_on = (spell[1:] >= 0) & (spell[1:] == spell[:-1])
    opening = np.flatnonzero(np.append(True, ~goes_on)[: len(spell)])
    closing = np.append(opening, len(spell))[1:] - 1
    settled = episodes.iloc[opening].assign(
        ended=episodes["ended"].array[closing],
        last=episodes["last"].array[closing],
        notices=np.add.reduceat(episodes["notices"].to_numpy(), opening),
        episodes=closing - opening + 1,
        flapping=spell[opening] >= 0,
    )
    return settled.sort_values(["start", "fingerprint"], kind="stable", ignore_index=True)


def _spells(episodes: pd.DataFrame, window: pd.Timedelta) -> Ints:
    """Return the number of the flapping spell of each episode, -1 for those in none."""
    moments = episodes[["start", "ended"]].to_numpy(dtype="datetime64[us]").ravel()
    happened = ~np.isnat(moments)
    times = moments[happened].astype(np.int64)
    alert = np.repeat(episodes["fingerprint"].factorize()[0], 2)[happened]
    width = window // pd.Timedelta("1us")
    spell = np.append(0, (~_crowded(times, alert, width, FLAPPING_UNTIL)).cumsum())
    flapping = np.unique(spell[1:][_crowded(times, alert, width, FLAPPING_FROM)])
    found = np.full(len(moments), -1)
    found[happened] = np.where(np.isin(spell, flapping), spell, -1)[: len(times)]
    start, end = found.reshape(-1, 2).T
    return np.where(start >= 0, start, end)


def _crowded(times: Ints, alert: Ints, width: int, share: float) -> npt.NDArray[np.bool_]:
    """Tell for each two neighbouring changes whether both are among so many in one window."""
    many = round(share * CHECKS)
    first = np.arange(max(len(times) - many + 1, 0))
    last = first + many - 1
    first = first[(alert[first] == alert[last]) & (times[last] - times[first] <= width)]
    edges = np.zeros(len(times) + 1, dtype=int)
    np.add.at(edges, first, 1)
    np.add.at(edges, first + many - 1, -1)
    pairs = max(len(times) - 1, 0)
    return edges.cumsum()[:pairs] > 0
