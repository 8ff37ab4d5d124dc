"""Quantities: what is watched of each call, and how much of a difference matters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import FrameError, ParameterError, did_you_mean
from aiopslab.statistics.outcomes import MARGIN, Metric

Floats = npt.NDArray[np.float64]
Wanted = Literal["more", "less", "neither"]
Detector = Callable[[str], bool]


@dataclass(frozen=True)
class Quantity:
    """What is watched.

    Parameters
    ----------
    name
        As it is called in tables and figures.
    unit
        Empty for a share or a score.
    wanted
        Whether ``more`` of it is better, ``less``, or ``neither``.
    margin
        The largest difference that does not matter, in its unit; a twentieth of what was where
        ``None``.

    Examples
    --------
    >>> Quantity("latency", "ms").label
    'latency (ms)'
    """

    name: str
    unit: str = ""
    wanted: Wanted = "less"
    margin: float | None = None

    @property
    def label(self) -> str:
        """The name with the unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def is_share(self, *values: Floats) -> bool:
        """Whether values say yes or no; what is counted in tokens, USD or ms never does."""
        return self.margin is not None and all(np.isin(each, (0, 1)).all() for each in values)


REFUSALS = Quantity("refusals", margin=MARGIN)
ATTEMPTS = Quantity("injection attempts", wanted="neither", margin=MARGIN)
USAGE = {
    "input_tokens": Quantity("input tokens"),
    "output_tokens": Quantity("output tokens"),
    "cost_usd": Quantity("cost a query", "USD"),
    "latency_ms": Quantity("latency", "ms"),
}
HARMLESS = {each.name for each in USAGE.values()}  # dearer or slower is not yet wrong


def measured(
    frame: pd.DataFrame,
    quality: Sequence[Metric],
    is_refusal: Detector | None,
    is_attempt: Detector | None,
) -> tuple[pd.DataFrame, tuple[Quantity, ...]]:
    """Return the quantities of each call, those first that say how good it is."""
    columns: list[tuple[Quantity, pd.Series]] = []
    for metric in quality:
        if metric.name not in frame:
            raise FrameError(
                f"the calls have no column {metric.name!r}",
                did_you_mean(metric.name, list(map(str, frame))),
            )
        wanted: Wanted = "more" if metric.higher_is_better else "less"
        quantity = Quantity(metric.name, metric.unit, wanted, metric.margin)
        columns.append((quantity, _numbers(frame[metric.name], metric.name)))
    if is_refusal is not None:
        columns.append((REFUSALS, _detected(frame["output"], is_refusal)))
    if is_attempt is not None:
        columns.append((ATTEMPTS, _detected(frame["input"], is_attempt)))
    columns += [(quantity, frame[column]) for column, quantity in USAGE.items()]
    names = [each.name for each, _ in columns]
    for name in names:
        if names.count(name) > 1 or name in {"timestamp", "prompt_version", "calls"}:
            raise ParameterError(
                f"a metric of quality is called {name!r}, which is something else",
                "Rename its column, and name each once.",
            )
    kept = {quantity: values for quantity, values in columns if values.notna().any()}
    table = frame[["timestamp", "prompt_version"]].assign(
        **{quantity.name: values for quantity, values in kept.items()}
    )
    return table, tuple(kept)


def _numbers(values: pd.Series, name: str) -> pd.Series:
    try:
        numbers = pd.to_numeric(values).astype("float64")
    except (TypeError, ValueError) as error:
        raise FrameError(
            f"calls.{name} holds something that is not a number: {error}",
            "Turn what users or judges say into numbers; a missing one may be left empty.",
        ) from None
    return numbers.where(np.isfinite(numbers))


def _detected(texts: pd.Series, detector: Detector) -> pd.Series:
    known = {each: float(bool(detector(each))) for each in texts.dropna().unique().tolist()}
    return texts.map(known).astype("float64")
