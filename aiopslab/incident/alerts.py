"""An alert storm as the few groups that a person can read: no repeats, flaps or blips."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from aiopslab.errors import AIOpsLabError
from aiopslab.frames import conform, schemas
from aiopslab.incident.alike import kinds
from aiopslab.incident.episodes import settle

SHOWN = 50  # groups drawn in a notebook


@dataclass(frozen=True)
class AlertGroups:
    """What is left of a stream of alerts, in groups that share a time and a place.

    Parameters
    ----------
    alerts
        One row an alert from firing to resolved, the earliest first: ``start, ended`` (NaT while
        it fires), ``last`` (seen), ``name, service, severity, fingerprint, labels``, ``notices``
        (firing rows that it stands for), ``episodes`` (times it fired), ``flapping``, ``blip``,
        ``group`` (from 1; missing where it was set aside) and ``root`` (the likely root service of
        the group; missing where no service is known).
    raw
        Firing rows that came in.
    unmatched
        Resolved rows of alerts that were not firing, which are left out.
    """

    alerts: pd.DataFrame
    raw: int
    unmatched: int

    @property
    def kept(self) -> pd.DataFrame:
        """What a person sees: of each service in a group the earliest alert that lasted.

        Alerts without a service stay apart by name. ``brief`` marks a service that has none that
        lasted, ``alerts`` counts those that a row stands for.
        """
        grouped = self._grouped().sort_values(["blip", "start"], kind="stable")
        told = grouped.assign(apart=grouped["name"].where(grouped["service"].isna()))
        alike = told.groupby(["group", "service", "apart"], dropna=False, sort=False)
        told["alerts"] = alike["name"].transform("size")
        kept = told[alike.cumcount() == 0].sort_values(["group", "start"], kind="stable")
        columns = ["group", "start", "service", "name", "severity", "flapping", "brief", "alerts"]
        return kept.rename(columns={"blip": "brief"})[columns].reset_index(drop=True)

    @property
    def reduction(self) -> float:
        """The share of the raw alerts that nobody has to read; NaN without any."""
        return 1 - len(self.kept) / self.raw if self.raw else float("nan")

    @property
    def steps(self) -> pd.DataFrame:
        """What each step took away: ``step, removed, left``."""
        fired, settled = int(self.alerts["episodes"].sum()), len(self.alerts)
        left = [self.raw, fired, settled, len(self._grouped()), len(self.kept)]
        names = ["raw", "repeats", "flaps", "blips", "grouped by service"]
        removed = [0, *(before - after for before, after in pairwise(left))]
        return pd.DataFrame({"step": names, "removed": removed, "left": left})

    def table(self) -> pd.DataFrame:
        """Return one row a group, in the order in which something that lasts began.

        Returns
        -------
        pandas.DataFrame
            ``group, first, last`` (times), ``root`` (the likely root service), ``services`` (a
            list, the earliest first) and those of them that are only ``brief``, ``names`` (a
            list), ``size`` (alerts), ``flapping`` (how many of them do) and ``representative``
            (the earliest alert of the root that lasted).
        """
        grouped = self._grouped()
        lasting = grouped[~grouped["blip"]]
        of_root = lasting[lasting["root"].isna() | (lasting["service"] == lasting["root"])]
        kept = self.kept
        groups = grouped.groupby("group").agg(
            first=("start", "min"),
            last=("last", "max"),
            root=("root", "first"),
            services=("service", _distinct),
            names=("name", _distinct),
            size=("name", "size"),
            flapping=("flapping", "sum"),
        )
        brief = kept[kept["brief"]].groupby("group")["service"].agg(_distinct)
        groups.insert(4, "brief", brief.reindex(groups.index).map(_listed))
        return groups.assign(representative=of_root.groupby("group")["name"].first()).reset_index()

    def _grouped(self) -> pd.DataFrame:
        return self.alerts[self.alerts["group"].notna()]

    def _repr_html_(self) -> str:
        table = self.table()
        shown = table.head(SHOWN).copy()
        for column in ("services", "brief", "names"):
            shown[column] = shown[column].map(", ".join)
        for column in ("first", "last"):
            shown[column] = shown[column].map("{:%Y-%m-%d %H:%M:%S}".format)
        removed = ", ".join(f"{row.removed} {row.step}" for row in self.steps[1:].itertuples())
        headline = f"{len(table)} groups, {len(self.kept)} of {self.raw} alerts to read"
        more = f"<p>and {len(table) - SHOWN} more groups</p>" if len(table) > SHOWN else ""
        with pd.option_context("display.max_colwidth", None):  # no service is cut off
            rows = shown.to_html(index=False, border=0, na_rep="")
        return (
            f'<section class="aiopslab-alerts"><p><strong>{headline}</strong> '
            f"<small>removed: {removed}</small></p>{rows}{more}</section>"
        )


def group_alerts(
    alerts: pd.DataFrame | None,
    topology: pd.DataFrame | None = None,
    *,
    evaluation: str | pd.Timedelta = "1min",
    gap: str | pd.Timedelta = "5min",
) -> AlertGroups:
    """Reduce a stream of alerts to groups that share a time and a place.

    An alert that is sent again while it fires counts once. One that flaps becomes one alert from
    its first firing to its last resolving. Of what lasts, alerts that began within `gap` of each
    other belong together where their services call each other or share a caller or callee; those
    that the call graph does not place, where they are of one service or their texts are alike.

    A blip, resolved before the second next evaluation, is set aside as noise, unless an alert that
    lasts follows it within `gap` in a service that calls this one: a service that crashes and is
    back at once may be what ails its callers, so it is listed with them.

    Parameters
    ----------
    alerts
        Alerts frame, in any order; ``None`` where the evidence has none.
    topology
        Topology frame; ``None`` where the calls are not known.
    evaluation
        How often the rules behind the alerts are evaluated.
    gap
        The longest time between the beginnings of two alerts that are linked. A group as a whole
        may last longer.

    Returns
    -------
    AlertGroups
        With ``.table()``, ``.kept``, ``.reduction`` and ``.steps``.

    Raises
    ------
    FrameError
        If a frame does not fit its contract.
    AIOpsLabError
        If `evaluation` or `gap` is not a duration above 0.

    Notes
    -----
    Flapping and blips are told as in `aiopslab.incident.episodes.settle`, texts as in
    `aiopslab.incident.alike.kinds`. Links make groups as single linkage does.

    The likely root is the service on which most of the others that alert depend, directly or not:
    a failing callee explains its failing callers, the reverse does not hold. The earliest goes
    first where that does not tell, as within a cycle of calls. It is a place to begin, not a proof.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-03-01T12:00Z", "2026-03-01T12:01Z", "2026-03-01T12:02Z"])
    >>> alerts = pd.DataFrame(
    ...     {"timestamp": times, "name": ["Slow", "Slow", "PoolFull"], "severity": "page",
    ...      "service": ["gateway", "gateway", "database"], "state": "firing",
    ...      "fingerprint": ["a", "a", "b"]}
    ... )
    >>> topology = pd.DataFrame({"caller": ["gateway"], "callee": ["database"]})
    >>> groups = group_alerts(alerts, topology)
    >>> groups.table()[["root", "services", "size"]]
           root             services  size
    0  database  [gateway, database]     2
    """
    every, within = _duration(evaluation, "evaluation"), _duration(gap, "gap")
    if alerts is None:
        alerts = pd.DataFrame(columns=list(schemas()["alerts"].columns))
    frame = conform("alerts", alerts)
    edges = _edges(topology)
    settled, unmatched = settle(frame, every)
    lasting, blips = settled[~settled["blip"]], settled[settled["blip"]]
    group = _numbered(lasting, edges, within)
    lasting = lasting.assign(group=group)
    settled["group"] = pd.concat([group, _blamed(blips, lasting, edges, within)])
    settled["root"] = settled["group"].map(_roots(lasting, edges))
    raw = int((frame["state"] == "firing").sum())
    return AlertGroups(settled, raw, unmatched)


def _duration(value: str | pd.Timedelta, name: str) -> pd.Timedelta:
    try:
        length = pd.Timedelta(value)
    except ValueError:
        length = pd.Timedelta(0)
    if not length > pd.Timedelta(0):
        raise AIOpsLabError(
            f"{name} is {value!r}; expected a duration above 0", 'Write it as "30s" or "5min".'
        )
    return length


def _edges(topology: pd.DataFrame | None) -> pd.DataFrame:
    if topology is None:
        return pd.DataFrame({"caller": [], "callee": []}, dtype="str")
    return conform("topology", topology)[["caller", "callee"]].drop_duplicates()


def _numbered(alerts: pd.DataFrame, edges: pd.DataFrame, gap: pd.Timedelta) -> pd.Series:
    """Return the number of the group of each alert, from 1 by when the groups began."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if alerts.empty:
        return pd.Series(index=alerts.index, dtype="Int64")
    near = _related(alerts, edges).join(alerts["start"].reset_index(drop=True), on="alert")
    near = near.sort_values(["bucket", "start"], kind="stable")
    linked = (near["start"].diff() <= gap) & (near["bucket"].diff() == 0)
    here, there = near["alert"].shift()[linked].astype(int), near["alert"][linked]
    links = coo_array((np.ones(len(here)), (here, there)), shape=(len(alerts), len(alerts)))
    _, component = connected_components(links, directed=False)
    return pd.Series(pd.factorize(component)[0] + 1, alerts.index, dtype="Int64")


def _related(alerts: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Return pairs of a ``bucket`` and the position of an ``alert`` in it.

    A bucket, whose alerts are all related, is a service with those that it calls or that call it,
    or else a text.
    """
    placed = edges.stack().drop_duplicates()
    services = alerts["service"].reset_index(drop=True).rename_axis("alert")
    every = pd.concat([placed, services.dropna()]).drop_duplicates()
    around = pd.concat(
        [
            pd.DataFrame({"centre": every, "service": every}),
            edges.rename(columns={"caller": "centre", "callee": "service"}),
            edges.rename(columns={"callee": "centre", "caller": "service"}),
        ]
    ).drop_duplicates()
    around["bucket"] = around["centre"].factorize()[0]
    by_place = services.dropna().reset_index().merge(around, on="service")
    adrift = np.flatnonzero(~services.isin(placed))
    by_text = pd.DataFrame({"bucket": kinds(alerts.iloc[adrift]) + len(every), "alert": adrift})
    return pd.concat([by_place[["bucket", "alert"]], by_text], ignore_index=True)


def _blamed(
    blips: pd.DataFrame, lasting: pd.DataFrame, edges: pd.DataFrame, gap: pd.Timedelta
) -> pd.Series:
    """Return the group of each blip that a lasting alert of a caller follows; others are absent."""
    begun = lasting[["start", "service", "group"]].dropna().rename(columns={"service": "caller"})
    called = blips[["start", "service"]].rename_axis("blip").reset_index()
    followed = pd.merge_asof(
        called.merge(edges, left_on="service", right_on="callee").sort_values("start"),
        begun.assign(began=begun["start"]),
        on="start",
        by="caller",
        direction="forward",
        tolerance=gap,
    ).dropna(subset="group")
    first = followed.sort_values(["began", "group"]).drop_duplicates("blip")
    return first.set_index("blip")["group"]


def _roots(alerts: pd.DataFrame, edges: pd.DataFrame) -> pd.Series:
    """Return the likely root service of each group that has a service, by its number."""
    import networkx as nx

    calls = nx.from_pandas_edgelist(edges, "caller", "callee", create_using=nx.DiGraph)
    services = alerts[["group", "service"]].dropna().drop_duplicates()
    calls.add_nodes_from(services["service"])
    callers = {each: nx.ancestors(calls, each) for each in services["service"].unique()}
    alerting = services.groupby("group")["service"].agg(set)
    explained = [
        len(callers[service] & alerting[group])
        for group, service in zip(services["group"], services["service"], strict=True)
    ]
    # The earliest of those that explain as much goes first.
    ranked = services.assign(explained=explained).sort_values(
        "explained", ascending=False, kind="stable"
    )
    return ranked.drop_duplicates("group").set_index("group")["service"]


def _distinct(values: pd.Series) -> list[str]:
    return values.dropna().unique().tolist()


def _listed(value: object) -> list[str]:
    return value if isinstance(value, list) else []
