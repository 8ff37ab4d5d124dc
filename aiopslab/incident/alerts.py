"""An alert storm as the few groups that a person can read: no repeats, flaps or blips."""

from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import pairwise

import pandas as pd

from aiopslab.frames import conform, schemas
from aiopslab.incident.alike import linked
from aiopslab.incident.arguments import read_duration
from aiopslab.incident.episodes import settle

SHOWN = 50  # groups, and names of what was only brief, drawn in a notebook
SPOKEN = {  # columns, as a page calls them
    "first": "from",
    "last": "last seen",
    "root": "likely root",
    "brief": "only briefly",
    "names": "alerts",
    "size": "how many",
    "representative": "read first",
}
LISTED = ["group", "service", "apart"]  # what has a row of its own


@dataclass(frozen=True)
class AlertGroups:
    """What is left of a stream of alerts, in groups that share a time and a place.

    Parameters
    ----------
    alerts
        One row an alert from firing to resolved, the earliest first: ``start, ended`` (NaT while
        it fires), ``last`` (seen), ``name, service, severity, fingerprint, labels``, ``notices``
        (firing rows that it stands for), ``episodes`` (times it fired), ``flapping``, ``blip``,
        ``group`` (from 1, in the order of reading; missing where it was set aside), ``rank`` (of
        its service in the group, or among what was set aside, from 1: where to look first) and
        ``root`` (the likely root service of the group; missing where no service is known).
    raw
        Firing rows that came in.
    unmatched
        Resolved rows of alerts that were not firing, which are left out.
    """

    alerts: pd.DataFrame
    raw: int
    unmatched: int

    @cached_property
    def kept(self) -> pd.DataFrame:
        """Every service that alerts, in the order of reading, by its first alert that lasted.

        One row a service in each group, then one, without a ``group``, for each that no group
        names since it was over the line at one evaluation only. Alerts without a service stay
        apart by name. ``brief`` marks a service that has none that lasted, ``alerts`` counts those
        that a row stands for.
        """
        told = _apart(self.alerts).sort_values(["blip", "start"], kind="stable")
        alike = told.groupby(LISTED, dropna=False, sort=False)
        told["alerts"] = alike["name"].transform("size")
        kept = told[alike.cumcount() == 0]
        is_told = kept["group"].isna() & kept.duplicated(["service", "apart"], keep=False)
        kept = kept[~is_told].sort_values(["group", "rank"], kind="stable")
        columns = ["group", "start", "service", "name", "severity", "flapping", "brief", "alerts"]
        return kept.rename(columns={"blip": "brief"})[columns].reset_index(drop=True)

    @property
    def to_read(self) -> int:
        """The rows that a person reads: one a group, and one for what was brief and is in none."""
        return int(self.alerts["group"].nunique()) + bool(self._aside())

    @property
    def reduction(self) -> float:
        """The share of the raw alerts that nobody has to read, by `to_read`; NaN without any."""
        return 1 - self.to_read / self.raw if self.raw else float("nan")

    @cached_property
    def steps(self) -> pd.DataFrame:
        """What each step took away: ``step, removed, left``; what is left last is to be read."""
        fired, settled = int(self.alerts["episodes"].sum()), len(self.alerts)
        without_blips = len(self._grouped()) + bool(self._aside())
        left = [self.raw, fired, settled, without_blips, self.to_read]
        names = ["raw", "repeats", "flaps", "blips", "grouped"]
        removed = [0, *(before - after for before, after in pairwise(left))]
        return pd.DataFrame({"step": names, "removed": removed, "left": left})

    def table(self) -> pd.DataFrame:
        """Return one row a group, that of the service with the most alerts that lasted first.

        Returns
        -------
        pandas.DataFrame
            ``group, first, last`` (times), ``root`` (the likely root service), ``services`` (a
            list, where to look first) and those of them that are only ``brief``, ``names`` (a
            list), ``size`` (alerts), ``flapping`` (how many of them do) and ``representative``
            (the earliest alert of the root that lasted).
        """
        grouped = self._grouped().sort_values(["rank", "start"], kind="stable")
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

    def _aside(self) -> list[str]:
        kept = self.kept
        return kept["service"].fillna(kept["name"])[kept["group"].isna()].tolist()

    def _repr_html_(self) -> str:
        if self.alerts.empty:
            return '<section class="aiopslab-alerts"><p>No alert fired.</p></section>'
        table = self.table()
        shown = table.head(SHOWN).copy()
        for column in ("services", "brief", "names"):
            shown[column] = shown[column].map(", ".join)
        days = {f"{each:%Y-%m-%d}" for name in ("first", "last") for each in shown[name]}
        is_one_day = len(days) == 1
        for column in ("first", "last"):
            form = "{:%H:%M:%S}" if is_one_day else "{:%Y-%m-%d %H:%M:%S}"
            shown[column] = shown[column].map(form.format)
        # What no group has needs no column.
        empty = [each for each in ("brief", "flapping") if not shown[each].any()]
        steps = self.steps[self.steps["removed"] > 0].itertuples()
        removed = ", ".join(f"{row.step} {row.removed}" for row in steps)
        when = f" on {days.pop()} UTC" if is_one_day else ""
        named = _count(self.kept["service"].nunique(), "service")
        grouped = f"{_count(len(table), 'group')} in place of {_count(self.raw, 'alert')}"
        more = len(table) - SHOWN
        rest = f"<p>and {_count(more, 'more group')}</p>" if more > 0 else ""
        with pd.option_context("display.max_colwidth", None):  # no service is cut off
            rows = shown.drop(columns=empty).rename(columns=SPOKEN)
            html = rows.to_html(index=False, border=0, na_rep="") if len(rows) else ""
        return (
            f'<section class="aiopslab-alerts"><p><strong>{grouped}{when}, {named} named</strong>'
            + (f" <small>left out or merged: {removed}</small>" if removed else "")
            + f"</p>{html}{rest}{_also(self._aside())}</section>"
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

    A blip, resolved before the second next evaluation, makes no group. It is listed in one where
    an alert that lasts follows it within `gap` in a service that calls this one: a service that
    crashes and is back at once may be what ails its callers. Services that have blips alone, and
    are in no group, share one line: a threshold on each of many series is passed by chance all the
    time, but what an incident shows may be as brief as that, so none of them goes unnamed.

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
        With ``.table()``, ``.kept``, ``.to_read``, ``.reduction`` and ``.steps``.

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

    Where to look first is told by how many distinct alerts of a service lasted, of as many by how
    many of the services that alert in the group depend on it: many thresholds of one service do
    not stay passed by chance. The groups go by the first service of each.

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
    0  database  [database, gateway]     2
    """
    example = '"30s" or "5min"'
    every = read_duration("evaluation", evaluation, example)
    within = read_duration("gap", gap, example)
    if alerts is None:
        alerts = pd.DataFrame(columns=list(schemas()["alerts"].columns))
    frame = conform("alerts", alerts)
    edges = _edges(topology)
    settled, unmatched = settle(frame, every)
    lasting, blips = settled[~settled["blip"]], settled[settled["blip"]]
    group = linked(lasting, edges, within)
    followed = _blamed(blips, lasting.assign(group=group), edges, within)
    placed = _ranked(settled.assign(group=pd.concat([group, followed])), edges)
    raw = int((frame["state"] == "firing").sum())
    return AlertGroups(placed, raw, unmatched)


def _edges(topology: pd.DataFrame | None) -> pd.DataFrame:
    if topology is None:
        return pd.DataFrame({"caller": [], "callee": []}, dtype="str")
    return conform("topology", topology)[["caller", "callee"]].drop_duplicates()


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


def _apart(alerts: pd.DataFrame) -> pd.DataFrame:
    """Return the alerts with ``apart``, the name of one that has no service to be listed by."""
    return alerts.assign(apart=alerts["name"].where(alerts["service"].isna()))


def _ranked(alerts: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Return the alerts with ``rank`` and ``root``, and the groups numbered as they are read."""
    lasts = ~alerts["blip"]
    told = alerts.assign(
        lasted=alerts["fingerprint"].where(lasts), began=alerts["start"].where(lasts)
    )
    listed = _apart(told).groupby(LISTED, dropna=False, sort=False).ngroup()
    services = told.groupby(listed).agg(
        group=("group", "first"),
        service=("service", "first"),
        lasting=("lasted", "nunique"),
        alerts=("fingerprint", "nunique"),
        began=("began", "min"),
        start=("start", "min"),
    )
    services["explained"] = _explained(services, edges)
    likely = services[services["lasting"].gt(0) & services["service"].notna()]
    likely = likely.sort_values(["explained", "began"], ascending=[False, True], kind="stable")
    root = likely.drop_duplicates("group").set_index("group")["service"]
    services = services.sort_values(
        ["lasting", "explained", "alerts", "start"], ascending=[False, False, False, True]
    )
    rank = services.groupby("group", dropna=False).cumcount() + 1
    order = services["group"].dropna().unique()
    number = pd.Series(range(1, len(order) + 1), index=order, dtype="Int64")
    return alerts.assign(
        group=alerts["group"].map(number).astype("Int64"),
        rank=listed.map(rank),
        root=alerts["group"].map(root),
    )


def _explained(services: pd.DataFrame, edges: pd.DataFrame) -> list[int]:
    """Count for each service in a group those that last there and depend on it, directly or not."""
    import networkx as nx

    calls = nx.from_pandas_edgelist(edges, "caller", "callee", create_using=nx.DiGraph)
    grouped = services.dropna(subset=["group", "service"])
    calls.add_nodes_from(grouped["service"])
    callers = {each: nx.ancestors(calls, each) for each in grouped["service"].unique()}
    lasting = grouped[grouped["lasting"] > 0].groupby("group")["service"].agg(set)
    return [
        len(callers[service] & lasting[group]) if pd.notna(group) and pd.notna(service) else 0
        for group, service in zip(services["group"], services["service"], strict=True)
    ]


def _distinct(values: pd.Series) -> list[str]:
    return values.dropna().unique().tolist()


def _listed(value: object) -> list[str]:
    return value if isinstance(value, list) else []


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _also(names: list[str]) -> str:
    """Return the line of what was brief and is in no group."""
    if not names:
        return ""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"<p>Also briefly: {escape(', '.join(names[:SHOWN]))}{more}</p>"
