"""Labels: how far they reach, as they come late, and whether they are a fair part of the rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.auc import auc_with_variance
from aiopslab.drift.encoding import encoded, sampled
from aiopslab.drift.likeness import design
from aiopslab.drift.observations import Roles
from aiopslab.statistics.intervals import deviate

Mask = npt.NDArray[np.bool_]

BLOCKS = 50  # of rows in order of time, whose shares of labels are compared
AS_USUAL = 0.5  # of the usual share, from which a block counts as labelled
FEW = 50  # labelled and unlabelled rows, fewer of which cannot be compared
COMPARED = 5_000  # rows of each
MARGIN = 0.02  # of AUC; less does not bias a metric by much
CONFIDENCE = 0.99  # of the warning


@dataclass(frozen=True)
class Labels:
    """Which rows have a target.

    Parameters
    ----------
    rows, labelled
        How many there are, and how many of them have a target.
    complete_rows
        After this row labels are fewer than usual, because they have not arrived.
    complete_until
        The time of that row; ``None`` without times.
    usual
        Share of rows that have a label in the end.
    fair
        Whether the labelled rows are like the others of their time; ``None`` where that cannot
        be told, or nothing is missing.
    difference
        What they differ by, in words; empty unless they do.
    """

    rows: int
    labelled: int
    complete_rows: int
    complete_until: pd.Timestamp | None
    usual: float
    fair: bool | None
    difference: str

    @property
    def words(self) -> str:
        """One or two sentences on it."""
        if not self.labelled:
            return "No row has a label."
        if self.rows == 1:
            return "The only row has a label."
        if self.labelled == self.rows:
            return f"All {self.rows:,} rows have a label."
        said = f"{self.labelled:,} of {self.rows:,} rows have a label"
        if self.complete_rows < self.rows:
            until = (
                f"{self.complete_until:%Y-%m-%d %H:%M} UTC"
                if self.complete_until is not None
                else f"row {self.complete_rows:,}"
            )
            said += f"; they are complete until {until} and later ones have not arrived"
        if self.fair is False:
            return f"{said}. They are not a fair part of the rows: {self.difference}."
        return f"{said}."


def read_labels(frame: pd.DataFrame, labelled: Mask, roles: Roles, seed: int = 0) -> Labels:
    """Tell how far labels reach, and whether labelled rows are a fair part of all.

    Parameters
    ----------
    frame
        Observations in order of time.
    labelled
        Which of them have a target.
    roles
        Which column is what.
    seed
        Of the rows that are compared.

    Notes
    -----
    Labels are complete up to the last of fifty stretches of rows that has at least half of the
    usual share, the median of the stretches with any. Up to there, a logistic regression learns
    to tell labelled from unlabelled rows by features and scores; they are not a fair part where
    the interval of its AUC on held-out rows lies above .52.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": np.arange(1000.0) % 7})
    >>> print(read_labels(frame, np.arange(1000) < 800, Roles()).words)
    800 of 1,000 rows have a label; they are complete until row 800 and later ones have not arrived.
    """
    rows = len(frame)
    complete, usual = _complete(labelled)
    until = None
    if roles.timestamp in frame and complete:
        time = frame[roles.timestamp].iloc[complete - 1]
        until = None if pd.isna(time) else time
    fair, difference = _fairness(frame.iloc[:complete], labelled[:complete], roles, seed)
    return Labels(rows, int(labelled.sum()), complete, until, usual, fair, difference)


def _complete(labelled: Mask) -> tuple[int, float]:
    """Return up to which row labels are as frequent as usual, and how frequent that is."""
    if not labelled.any():
        return 0, 0.0
    blocks = np.array_split(np.arange(len(labelled)), min(BLOCKS, len(labelled)))
    shares = np.array([labelled[each].mean() for each in blocks])
    usual = float(np.median(shares[shares > 0]))
    last = int(np.flatnonzero(shares >= AS_USUAL * usual)[-1])
    if last == len(blocks) - 1:
        return len(labelled), usual
    # Within the next stretch labels may go on for a while.
    return int(np.flatnonzero(labelled[: blocks[last + 1][-1] + 1])[-1]) + 1, usual


def _fairness(
    frame: pd.DataFrame, labelled: Mask, roles: Roles, seed: int
) -> tuple[bool | None, str]:
    if min(labelled.sum(), (~labelled).sum()) < FEW:
        return None, ""
    rng = np.random.default_rng(seed)
    scored = Roles("", "", roles.target, roles.timestamp, roles.ignored)
    without, having = (sampled(frame[each], COMPARED, rng) for each in (~labelled, labelled))
    encoding = encoded(without, having, scored)
    matrix, is_labelled = design(encoding), encoding.is_current
    if matrix.shape[1] == 0:
        return None, ""
    value, low = _held_out_auc(matrix, is_labelled, rng)
    if low <= 0.5 + MARGIN:
        return True, ""
    return False, (
        f"features and scores tell labelled from unlabelled rows with an AUC of {value:.2f} "
        f"(.5 by chance), most by {_most(encoding.features, without, having)}"
    )


def _held_out_auc(
    matrix: npt.NDArray[np.float64], is_labelled: Mask, rng: np.random.Generator
) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    fold = rng.integers(2, size=len(matrix))
    parts = []
    for held in (0, 1):
        classifier = LogisticRegression(C=0.1, max_iter=300)
        classifier.fit(matrix[fold != held], is_labelled[fold != held])
        score = classifier.decision_function(matrix[fold == held])
        truth = is_labelled[fold == held]
        parts.append(auc_with_variance(score[truth], score[~truth]))
    value = float(np.mean([auc for auc, _ in parts]))
    spread = float(np.sqrt(sum(variance for _, variance in parts))) / 2
    return value, value - deviate(CONFIDENCE) * spread


def _most(features: tuple[str, ...], without: pd.DataFrame, having: pd.DataFrame) -> str:
    """Return the feature by which the two sides differ most."""

    def distance(feature: str) -> float:
        encoding = encoded(without[[feature]], having[[feature]], Roles("", "", "", ""))
        if not encoding.features:
            return 0.0
        columns, current = design(encoding), encoding.is_current
        spread = columns.std(axis=0)
        gaps = np.abs(columns[current].mean(axis=0) - columns[~current].mean(axis=0))
        return float((gaps / np.where(spread > 0, spread, 1.0)).max())

    return repr(max(features, key=distance))
