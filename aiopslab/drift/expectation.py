"""Expectation: what every way of estimating performance without labels can be asked."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from aiopslab.drift.outcomes import Outcomes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


class Expectation(Protocol):
    """What is expected of a model on rows without labels; the first metric is the main one."""

    @property
    def method(self) -> str:
        """How the estimate was made, in words."""

    @property
    def names(self) -> list[str]:
        """The metrics that are estimated."""

    def values(self, rows: Ints) -> dict[str, float]:
        """Return the metrics that are expected of some rows."""

    def spreads(self, parts: Sequence[Ints]) -> list[dict[str, float]]:
        """Return the standard deviations of what may be realised on some parts."""

    def misses(self) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
        """Return realised less expected metrics of held-out blocks, and their chance deviation."""

    def residuals(self, labelled: Outcomes, rows: Ints) -> Floats:
        """Return, for labelled rows, what the main metric is a mean of, less what is expected."""

    def realised(self, labelled: Outcomes) -> dict[str, float]:
        """Return the same metrics of labelled rows."""

    def resampled(
        self, labelled: Outcomes, rows: Ints, counts: Floats
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Return realised and expected metrics of labelled rows, each taken so many times.

        `counts` are ``(replicates, rows)``; metrics have one number a replicate.
        """
