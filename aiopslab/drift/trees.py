"""Gradient-boosted trees on one thread each, which is faster wherever cores are shared."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from aiopslab.drift.threads import one_thread

Floats = npt.NDArray[np.float64]


class Trees:
    """Histogram gradient boosting that takes missing values as they come.

    Parameters
    ----------
    kind
        ``"classifier"`` or ``"regressor"``.
    seed
        Of the trees.
    options
        Of scikit-learn's estimator, in place of those here.

    Notes
    -----
    On one thread, see `one_thread`.

    Examples
    --------
    >>> inputs = np.linspace(-1, 1, 200)[:, None]
    >>> model = Trees("classifier").fit(inputs, (inputs[:, 0] > 0).astype(int))
    >>> model.predict_proba(np.array([[0.9]])).round(1).tolist()
    [[0.0, 1.0]]
    """

    def __init__(
        self, kind: Literal["classifier", "regressor"], seed: int = 0, **options: Any
    ) -> None:
        from sklearn import ensemble

        of = {
            "classifier": ensemble.HistGradientBoostingClassifier,
            "regressor": ensemble.HistGradientBoostingRegressor,
        }[kind]
        small = {
            "max_iter": 60,
            "learning_rate": 0.15,
            "max_leaf_nodes": 15,
            "min_samples_leaf": 20,
            "early_stopping": False,
        }
        self.model: Any = of(**small | options, random_state=seed)

    def fit(self, inputs: Any, outcome: Any) -> "Trees":
        """Fit, and return itself."""
        known = np.asarray(inputs, dtype=np.float64)
        # A column of which these rows hold nothing has no thresholds, which scikit-learn looks for.
        known = np.where(np.isnan(known).all(axis=0), 0.0, known)
        with one_thread():
            self.model.fit(known, outcome)
        return self

    def predict(self, inputs: Any) -> Any:
        """Return the class or the number foretold of each row."""
        with one_thread():
            return self.model.predict(inputs)

    def predict_proba(self, inputs: Any) -> Floats:
        """Return the probability of each class, ``(rows, classes)``."""
        with one_thread():
            likely: Floats = self.model.predict_proba(inputs)
        return likely

    @property
    def classes(self) -> Any:
        """The classes, in the order of the probabilities."""
        return self.model.classes_
