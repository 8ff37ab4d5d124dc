"""Topics: on what a configuration fails more than on the rest, beyond chance."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import ParameterError, RetrievalError, did_you_mean
from aiopslab.retrieval.trial import Trial
from aiopslab.retrieval.truth import Truth
from aiopslab.statistics.multiplicity import holm

Floats = npt.NDArray[np.float64]
Outcome = Literal["worse", "better", "not enough data"]

SHUFFLES = 10_000
BLOCK = 1_000  # of them at a time
LEAST = 3  # questions of a topic, below which nothing is said of it
UNTOLD = "(none)"  # where a question has no topic


def topics(
    trial: Trial,
    truth: Truth,
    metric: str = "recall",
    by: str = "topic",
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare the questions of each topic with all others.

    Parameters
    ----------
    trial
        What was found.
    truth
        The questions, with the column `by`.
    metric
        A score from 0 to 1.
    by
        ``topic`` or ``kind``, or any column of the questions.
    confidence
        Of the intervals; a topic is worse or better at one less this over all topics together.
    seed
        Of the shuffling.

    Returns
    -------
    pandas.DataFrame
        One row a topic, the worst first: `by`, ``questions, mean, low, high, rest`` (the mean of
        all others), ``p``, ``q`` and ``outcome``: ``worse`` or ``better`` than the rest, or ``not
        enough data``.

    Raises
    ------
    RetrievalError
        If there is no such score or column.
    ParameterError
        If the confidence is out of range.

    Notes
    -----
    The interval is that of E. B. Wilson, JASA 22, 1927, for a share of as many questions: scores
    from 0 to 1 spread at most as much as those that are 0 or 1, so that it is too wide rather than
    too narrow, and does not shrink to nothing where all of a few questions score the same. The
    p-values are those of handing the scores out anew by chance, two-sided, corrected by the method
    of Holm.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> names = [str(each) for each in range(40)]
    >>> questions = pd.DataFrame({"question": names, "text": "", "topic": ["a", "b"] * 20})
    >>> scores = pd.DataFrame({"recall": [0.0, 1.0] * 20}, index=names)
    >>> told = topics(SimpleNamespace(scores=scores), Truth(questions, pd.DataFrame()))
    >>> told[["topic", "mean", "outcome"]].values.tolist()
    [['a', 0.0, 'worse'], ['b', 1.0, 'better']]
    """
    from statsmodels.stats.proportion import proportion_confint

    if not 0.5 <= confidence < 1:
        raise ParameterError(f"confidence is {confidence}; expected 0.5 to 1", "Pass 0.95.")
    if metric not in trial.scores:
        known = [str(each) for each in trial.scores]
        raise RetrievalError(f"no score is called {metric!r}", did_you_mean(metric, known))
    if by not in truth.questions:
        known = [str(each) for each in truth.questions]
        raise RetrievalError(f"questions have no {by!r}", did_you_mean(by, known))
    scores = trial.scores[metric].to_numpy(np.float64)
    of_question = truth.questions.set_index("question")[by].reindex(trial.scores.index)
    numbers, names = pd.factorize(of_question.fillna(UNTOLD).astype(str), sort=True)
    is_in = numbers == np.arange(len(names))[:, None]
    sizes = is_in.sum(axis=1)
    sums = is_in @ scores
    with np.errstate(invalid="ignore", divide="ignore"):
        means, rest = sums / sizes, (scores.sum() - sums) / (len(scores) - sizes)
    p = _shuffled_p(scores, is_in, np.random.default_rng(seed))
    p[sizes < LEAST] = 1.0
    q = holm(p)
    low, high = proportion_confint(sums, sizes, 1 - confidence, method="wilson")
    shown = q <= 1 - confidence
    outcome = np.select([shown & (means < rest), shown & (means > rest)], ["worse", "better"], "")
    table = pd.DataFrame(
        {by: names, "questions": sizes, "mean": means, "low": low, "high": high, "rest": rest}
    ).assign(p=p, q=q, outcome=np.where(outcome == "", "not enough data", outcome))
    return table.sort_values(["mean", by], kind="stable", ignore_index=True)


def _shuffled_p(scores: Floats, is_in: npt.NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Return how often a topic of as many questions drawn by chance is as far from the mean."""
    centred = scores - scores.mean()
    seen = np.abs(is_in @ centred)
    least = seen - 1e-9 * np.abs(centred).sum()  # sums differ in the last digits by their order
    reached = np.zeros(len(is_in))
    weights = is_in.T.astype(np.float64)
    for _ in range(SHUFFLES // BLOCK):
        order = rng.random((BLOCK, len(scores))).argsort(axis=1)
        reached += (np.abs(centred[order] @ weights) >= least).sum(axis=0)
    return np.asarray((1 + reached) / (1 + SHUFFLES), np.float64)
