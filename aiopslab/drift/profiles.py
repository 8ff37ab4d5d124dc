"""The profile of a table: one pass over it, kept in a few megabytes, and parts that add up."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.categorical import Categorical, categorical_profile
from aiopslab.drift.embedding import Embedding, embedding_profile
from aiopslab.drift.kinds import Kind, kind_of
from aiopslab.drift.numeric import EPOCH, Numeric, numeric_profile
from aiopslab.drift.text import Text, text_profile
from aiopslab.errors import FrameError, did_you_mean

Part = Numeric | Categorical | Text | Embedding

QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class Profile:
    """What is kept of a table.

    Parameters
    ----------
    rows
        Of the table.
    features
        The profile of each column by its name, in the order of the table.

    Examples
    --------
    >>> good = profile(pd.DataFrame({"age": [30.0, 40.0, 50.0], "plan": ["a", "a", "b"]}))
    >>> more = profile(pd.DataFrame({"age": [60.0], "plan": ["c"]}), like=good)
    >>> (good + more).table()[["feature", "kind", "rows", "mean", "top"]]
      feature         kind  rows  mean  top
    0     age      numeric     4  45.0  NaN
    1    plan  categorical     4   NaN    a
    """

    rows: int
    features: Mapping[str, Part]

    def __add__(self, other: "Profile") -> "Profile":
        """Return the profile of both tables together.

        Raises
        ------
        FrameError
            If the columns differ, or the two were not made on the same edges.
        """
        for name in [*self.features, *other.features]:
            if name not in self.features or name not in other.features:
                raise FrameError(
                    f"only one of the two profiles has the column {name!r}",
                    "Add profiles of the same columns.",
                )
            check_edges(name, self.features[name], other.features[name])
        features = {
            name: part + other.features[name]  # type: ignore[operator]  # of one kind, as checked
            for name, part in self.features.items()
        }
        return Profile(self.rows + other.rows, features)

    def __getitem__(self, feature: str) -> Part:
        """Return the profile of one column.

        Raises
        ------
        FrameError
            If there is none of that name.
        """
        if feature not in self.features:
            raise FrameError(
                f"the profile has no feature {feature!r}",
                did_you_mean(feature, list(self.features)),
            )
        return self.features[feature]

    def quantile(self, feature: str, share: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return quantiles of a numeric feature, in its unit (times: seconds since 1970).

        Raises
        ------
        FrameError
            If the feature is not there, or holds no numbers.
        """
        part = self[feature]
        if not isinstance(part, Numeric):
            raise FrameError(
                f"{feature!r} is {part.kind}; only numbers have quantiles",
                "Name a numeric feature.",
            )
        return part.quantile(share)

    def table(self) -> pd.DataFrame:
        """Return one row a feature: what it holds, how much is missing, where its values lie."""
        rows = [
            {
                "feature": name,
                "kind": part.kind,
                "dtype": part.dtype,
                "rows": part.rows,
                "missing": part.missing,
                "distinct": getattr(part, "distinct", np.nan),
                **_numbers_of(part),
                "top": part.labels[0] if isinstance(part, Categorical) and part.labels else np.nan,
            }
            for name, part in self.features.items()
        ]
        columns = ["feature", "kind", "dtype", "rows", "missing", "distinct", "mean", "std"]
        return pd.DataFrame(rows, columns=[*columns, "low", "q25", "q50", "q75", "high", "top"])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the profile to one file, which `Profile.load` reads."""
        from aiopslab.drift.storage import save

        return save(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Profile":
        """Read what `save` wrote.

        Raises
        ------
        SourceError
            If the file is not there, is no profile, or is one of a later version.
        """
        from aiopslab.drift.storage import load

        return load(Path(path))


def profile(frame: pd.DataFrame, like: Profile | None = None) -> Profile:
    """Profile a table in one pass.

    Parameters
    ----------
    frame
        One row an observation, each column a feature of any kind and dtype.
    like
        The profile that this one is to be compared with or added to: its edges and its kinds are
        used, so that a column whose dtype has changed is read as what it was. Columns that it
        does not have are profiled as they are.

    Returns
    -------
    Profile
        Profiles on the same edges add up: counts exactly, sums but for rounding.

    Raises
    ------
    FrameError
        If it is no table, or two columns have one name.

    Examples
    --------
    >>> good = profile(pd.DataFrame({"age": range(100)}))
    >>> good.quantile("age", [0.5, 0.9]).round(1).tolist()
    [49.5, 89.1]
    """
    if not isinstance(frame, pd.DataFrame):
        raise FrameError(
            f"a {type(frame).__name__} was given to profile; expected a table",
            "Pass a pandas DataFrame with one row an observation.",
        )
    names = [str(each) for each in frame.columns]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise FrameError(
            f"more than one column is named {', '.join(map(repr, twice))}", "Rename all but one."
        )
    known = like.features if like is not None else {}
    features = {
        name: column_profile(frame.iloc[:, at], known.get(name)) for at, name in enumerate(names)
    }
    return Profile(len(frame), features)


def merged(profiles: list[Profile]) -> Profile:
    """Return the profile of all parts together, such as those of the partitions of a table.

    Raises
    ------
    FrameError
        If there is no part, or they do not add up.

    Examples
    --------
    >>> first = profile(pd.DataFrame({"age": [30.0]}))
    >>> merged([first, profile(pd.DataFrame({"age": [40.0]}), like=first)]).rows
    2
    """
    if not profiles:
        raise FrameError("there is no profile to merge", "Pass at least one.")
    return reduce(add, profiles)


def check_edges(name: str, one: Part, two: Part) -> None:
    """Refuse two profiles of a feature that were not made on the same edges.

    Raises
    ------
    FrameError
        With what to do about it.
    """
    if one.kind != two.kind or _edges(one) != _edges(two):
        told = f"{one.kind} and {two.kind}" if one.kind != two.kind else "on different edges"
        raise FrameError(
            f"the profiles of {name!r} are {told}",
            "Make the one like the other: profile(frame, like=reference).",
        )


def column_profile(series: pd.Series, like: Part | None = None) -> Part:
    """Profile a column by its kind, or as what it is to be like."""
    kind: Kind = like.kind if like is not None else kind_of(series)
    if kind in {"numeric", "datetime"}:
        axis = like.axis if isinstance(like, Numeric) else None
        return numeric_profile(series, cast("Any", kind), axis)
    if kind == "text":
        return text_profile(series, like if isinstance(like, Text) else None)
    if kind == "embedding":
        return embedding_profile(series, like if isinstance(like, Embedding) else None)
    return categorical_profile(series, cast("Any", kind))


def _edges(part: Part) -> tuple[object, ...]:
    if isinstance(part, Numeric):
        return (part.axis,)
    if isinstance(part, Text):
        return (part.words.axis, part.characters.axis)
    if isinstance(part, Embedding):
        return (part.length, *(each.axis for each in part.projections))
    return ()


def _numbers_of(part: Part) -> dict[str, object]:
    if not isinstance(part, Numeric):
        return {}
    quartiles = part.quantile(QUARTERS)
    numbers: dict[str, Any] = {"mean": part.mean, "low": part.low, "high": part.high}
    numbers |= dict(zip(("q25", "q50", "q75"), quartiles.tolist(), strict=True))
    if part.kind == "datetime":
        return {
            key: EPOCH + pd.Timedelta(value, "s") if np.isfinite(value) else pd.NaT
            for key, value in numbers.items()
        }
    return numbers | {"std": part.std}
