"""A measure of how far two samples lie apart, with its interval and what it was taken from."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ALPHA = 0.05  # of a single test
Z = 1.959964  # of an interval of 95 %

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """How far the current rows lie from the reference in one respect.

    Parameters
    ----------
    name
        What was measured.
    value, low, high
        The estimate and its interval, in `unit`; NaN where there is not enough data.
    none
        The value where nothing moved, e.g. .5 of an AUC.
    margin
        How far from `none` is too little to matter.
    p
        How often samples of one distribution lie as far apart; 1 where there is not enough data.
    unit
        Of the value; empty for a plain number.
    rows_reference, rows_current
        It was taken from, after any subsampling.
    needed
        Rows that each side has to have.

    Examples
    --------
    >>> auc = Measure("classifier AUC", 0.62, 0.6, 0.64, 0.5, 0.02, 1e-9, "", 500, 500, 100)
    >>> print(auc)
    classifier AUC 0.62 (0.6 to 0.64)
    >>> auc.drifted
    True
    """

    name: str
    value: float
    low: float
    high: float
    none: float
    margin: float
    p: float
    unit: str
    rows_reference: int
    rows_current: int
    needed: int

    @property
    def enough(self) -> bool:
        """Whether both sides had the rows that are needed, and something could be measured."""
        return not math.isnan(self.value)

    @property
    def matters(self) -> bool:
        """Whether the interval is not wholly within the margin."""
        return self.enough and (
            self.high > self.none + self.margin or self.low < self.none - self.margin
        )

    @property
    def drifted(self) -> bool:
        """Whether it is significant by itself and matters."""
        return self.p <= ALPHA and self.matters

    def row(self) -> dict[str, float | str | bool]:
        """Return it as one row of a table."""
        return {
            "measure": self.name,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "p": self.p,
            "drifted": self.drifted,
            "rows_reference": self.rows_reference,
            "rows_current": self.rows_current,
        }

    def __str__(self) -> str:
        if not self.enough:
            return (
                f"{self.name}: not enough data, {self.rows_reference:,} reference and "
                f"{self.rows_current:,} current rows; at least {self.needed:,} of each are needed"
            )
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.name} {self.value:.3g}{unit} ({self.low:.3g} to {self.high:.3g})"


def unmeasured(
    name: str, none: float, margin: float, unit: str, rows: tuple[int, int], needed: int
) -> Measure:
    """Return the measure of samples that are too small, or have nothing to be measured.

    Examples
    --------
    >>> print(unmeasured("classifier AUC", 0.5, 0.02, "", (40, 3), 100))
    classifier AUC: not enough data, 40 reference and 3 current rows; at least 100 of each are
    needed
    """
    nan = float("nan")
    return Measure(name, nan, nan, nan, none, margin, 1.0, unit, *rows, needed)


def shift_of_means(
    name: str, reference: Floats, current: Floats, margin: float, rows: tuple[int, int], needed: int
) -> Measure:
    """Return by how much a mean moved, in standard deviations of the reference.

    Notes
    -----
    The test is that of B. L. Welch, "The generalization of Student's problem when several
    different population variances are involved", Biometrika 34, 1947.

    Examples
    --------
    >>> before, after = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])
    >>> shift_of_means("length", before, after, 0.05, (3, 3), 3).value
    1.0
    """
    from scipy import special

    counts = len(reference), len(current)
    change = float(current.mean() - reference.mean())
    parts = [float(each.var(ddof=1)) / len(each) for each in (reference, current)]
    spread = math.sqrt(sum(parts))
    unit = max(float(reference.std(ddof=1)), 1e-12)
    p = float(abs(change) < 1e-12)  # where neither side varies, they are the same or they are not
    if spread > 1e-12:
        freedom = sum(parts) ** 2 / sum(
            each**2 / (count - 1) for each, count in zip(parts, counts, strict=True)
        )
        p = float(2 * special.stdtr(freedom, -abs(change) / spread))
    half = Z * spread / unit
    value = change / unit
    low, high = value - half, value + half
    return Measure(name, value, low, high, 0, margin, p, "reference SDs", *rows, needed)
