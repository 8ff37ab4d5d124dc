"""When and where each change took effect: a commit does so with the deploy that ships it."""

import pandas as pd

TEXTS = ["kind", "service", "ref", "description"]


def taking_effect(changes: pd.DataFrame) -> pd.DataFrame:
    """Return each change with the time and the service at which it took effect.

    Parameters
    ----------
    changes
        Changes frame. Rows without a time are left out; a change without a ref goes by its
        description, or else by what and where it is.

    Returns
    -------
    pandas.DataFrame
        The same columns, and ``shipped``: ``False`` for a commit that no deploy names while others
        are named. A commit appears once for each deploy that ships it: those whose `ref` is its
        own; else the next of its service. A deploy of a known commit is that commit's.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-03-01T11:00Z", "2026-03-01T11:50Z"])
    >>> changes = pd.DataFrame({"timestamp": times, "kind": ["commit", "deploy"], "ref": "c1",
    ...                         "service": ["lib", "auth"], "description": ["tidied", "auth 2"]})
    >>> taking_effect(changes)[["service", "description"]].values.tolist()
    [['auth', 'tidied']]
    """
    table = changes.reindex(columns=list(dict.fromkeys([*changes.columns, *TEXTS])))
    table = table.assign(**{each: _text(table[each]) for each in TEXTS}, shipped=True)
    table = table.dropna(subset="timestamp").sort_values("timestamp", kind="stable")
    nameless = table["description"].where(table["description"] != "", _place(table))
    table["ref"] = table["ref"].where(table["ref"] != "", nameless)
    is_commit = table["kind"] == "commit"
    commits, rest = table[is_commit], table[~is_commit]
    deploys = rest.loc[rest["kind"] == "deploy", ["timestamp", "service", "ref"]]
    known = set(commits["ref"])
    named = deploys[deploys["ref"].isin(known)]
    is_named = commits["ref"].isin(set(named["ref"]))
    shipped = commits[is_named].drop(columns=["timestamp", "service"]).merge(named, on="ref")
    own = commits[~is_named].assign(shipped=named.empty)
    later = pd.merge_asof(
        own,
        deploys[["timestamp", "service"]].assign(deployed=deploys["timestamp"]),
        on="timestamp",
        by="service",
        direction="forward",
    )
    own = later.assign(timestamp=later["deployed"].fillna(later["timestamp"]))
    others = rest[~rest["ref"].isin(known)]
    joined = pd.concat([shipped, own.drop(columns="deployed"), others], ignore_index=True)
    return joined[table.columns]


def _place(table: pd.DataFrame) -> pd.Series:
    return table["kind"] + " of " + table["service"].replace("", "no known service")


def _text(column: pd.Series) -> pd.Series:
    return column.where(column.notna(), "").astype(str)
