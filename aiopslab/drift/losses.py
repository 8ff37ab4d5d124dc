"""Losses, row by row, that metrics are means of."""

import numpy as np
import numpy.typing as npt

from aiopslab.drift.outcomes import Outcomes

Floats = npt.NDArray[np.float64]

LEAST = 1e-15  # probability, so that a sure mistake has a finite log loss


def loss_columns(outcomes: Outcomes) -> dict[str, Floats]:
    """Return, row by row, what the metrics of a regression are means of."""
    error = outcomes.predicted - outcomes.truth
    return {"mae": np.abs(error), "rmse": error**2, "bias": error}


def class_losses(given: Floats) -> dict[str, Floats]:
    """Return what log loss and Brier score are means of, by row and class that may be true.

    Parameters
    ----------
    given
        ``(rows, classes)``: the probability that the model gave to each.

    Returns
    -------
    dict
        ``(rows, classes)`` by name. The Brier score is half of the squared distance from the true
        class, as scikit-learn scales it for two classes, so that it lies between 0 and 1.

    Examples
    --------
    >>> class_losses(np.array([[0.5, 0.25, 0.25]]))["brier"].round(3).tolist()
    [[0.188, 0.438, 0.438]]
    """
    squares = (given**2).sum(axis=1, keepdims=True)
    return {
        "log_loss": -np.log(np.clip(given, LEAST, 1.0)),
        "brier": (squares - 2 * given + 1) / 2,
    }


def score_losses(outcomes: Outcomes) -> dict[str, Floats]:
    """Return, for labelled rows, what log loss and Brier score are means of; NaN without scores."""
    given = outcomes.given
    if given is None:
        nothing = np.full(len(outcomes), np.nan)
        return {"log_loss": nothing, "brier": nothing}
    row, truth = np.arange(len(outcomes)), outcomes.truth.astype(np.intp)
    return {name: losses[row, truth] for name, losses in class_losses(given).items()}
