"""How badly the reference's principal components rebuild the current rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.encoding import Encoding
from aiopslab.drift.measure import Measure, shift_of_means, unmeasured

Floats = npt.NDArray[np.float64]

NAME = "PCA reconstruction error"
UNIT = "reference SDs"
NEEDED = 100  # rows of each side; half of the reference fits the components
EXPLAINED = 0.65  # of the variance, by the components kept
MARGIN = 0.05  # standard deviations of the error
FAR = 10.0  # standard deviations beyond which a value counts as this far


@dataclass(frozen=True)
class Reconstruction:
    """How much worse the current rows are rebuilt than reference rows that were held out.

    Parameters
    ----------
    measure
        Difference of the mean errors, in standard deviations of the reference's.
    features
        One row a feature, ``feature, reference, current, change``: its mean squared error,
        the greatest change first.
    components
        How many were kept.
    """

    measure: Measure
    features: pd.DataFrame
    components: int

    def table(self) -> pd.DataFrame:
        """Return one row a feature, the one that is rebuilt worse than before first."""
        return self.features.copy()


def reconstruct(encoding: Encoding) -> Reconstruction:
    """Compare how well components of the reference rebuild both samples.

    Parameters
    ----------
    encoding
        Of both samples.

    Returns
    -------
    Reconstruction
        "Not enough data" under 100 rows of a side, or with fewer than two features.

    Notes
    -----
    Features are standardised by the reference; a category is its frequency there, a missing value
    the mean. Components are fitted on every other reference row, and the errors compared are those
    of the other half, as the rows that components were fitted on are rebuilt best.
    """
    split = encoding.reference_rows
    rows = (split, len(encoding.values) - split)
    table = _numbers(encoding)
    if min(rows) < NEEDED or table.shape[1] < 2:
        columns = ["feature", "reference", "current", "change"]
        nothing = unmeasured(NAME, 0, MARGIN, UNIT, rows, NEEDED)
        return Reconstruction(nothing, pd.DataFrame(columns=columns), 0)
    fitted, held, current = table[:split:2], table[1:split:2], table[split:]
    values, vectors = np.linalg.eigh(fitted.T @ fitted / len(fitted))
    explained = np.cumsum(values[::-1]) / values.sum()
    kept = min(int(np.searchsorted(explained, EXPLAINED)) + 1, table.shape[1] - 1)
    lost = vectors[:, : table.shape[1] - kept]  # what the components leave out
    squared = [((each @ lost) @ lost.T) ** 2 for each in (held, current)]
    before, after = (np.sqrt(each.sum(axis=1)) for each in squared)
    per_feature = pd.DataFrame(
        {
            "feature": encoding.features,
            "reference": squared[0].mean(axis=0),
            "current": squared[1].mean(axis=0),
        }
    )
    per_feature["change"] = per_feature["current"] - per_feature["reference"]
    per_feature = per_feature.sort_values("change", ascending=False, ignore_index=True)
    measure = shift_of_means(NAME, before, after, MARGIN, rows, NEEDED)
    return Reconstruction(measure, per_feature, kept)


def _numbers(encoding: Encoding) -> Floats:
    """Return the features standardised by the reference, without a missing value."""
    split = encoding.reference_rows
    columns = [encoding.values]
    for place, categories in enumerate(encoding.categories):
        codes = encoding.codes[:, place]
        known = codes[:split][codes[:split] >= 0]
        share = np.bincount(known, minlength=len(categories) + 1) / max(len(known), 1)
        columns.append(np.where(codes < 0, np.nan, share[codes])[:, None])
    table = np.column_stack(columns)
    reference = table[:split]
    there = ~np.isnan(reference)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, reference, 0).sum(axis=0) / count
    centred = table - mean
    spread = np.sqrt(np.where(there, centred[:split] ** 2, 0).sum(axis=0) / count)
    # A constant of the reference keeps its own unit: any change of it is far.
    standard = centred / np.where(spread > 0, spread, 1)
    return np.asarray(np.clip(np.nan_to_num(standard, nan=0.0), -FAR, FAR), dtype=np.float64)
