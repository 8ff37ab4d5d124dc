"""Decision: which prompt to use, from what the comparison comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aiopslab.errors import ParameterError
from aiopslab.prompts.comparison import Comparison, Contrast
from aiopslab.prompts.differences import plain

Goal = Literal["better", "no worse"]
Choice = Literal["baseline", "candidate", "equivalent", "not enough data"]


@dataclass(frozen=True)
class Decision:
    """Which prompt to use.

    Parameters
    ----------
    choice
        ``candidate``, ``baseline``, ``equivalent`` (either; keep what is in use) or ``not enough
        data``.
    prompt
        The one to use.
    reasons
        One sentence each, the decisive first.
    needed
        Items that would decide it; 0 where it is decided, or nobody knows.
    """

    choice: Choice
    prompt: str
    reasons: tuple[str, ...]
    needed: int = 0

    def __str__(self) -> str:
        return f"{self.choice}: {' '.join(self.reasons)}"


def decide(
    comparison: Comparison,
    primary: str,
    guards: Sequence[str] = (),
    goal: Goal = "better",
    saves: str | None = None,
) -> Decision:
    """Decide between the baseline and the candidates.

    Parameters
    ----------
    comparison
        In the primary metric and in every guard.
    primary
        The metric that decides.
    guards
        Metrics in which a candidate must not be surely worse.
    goal
        ``better``: a candidate has to be surely better in the primary metric. ``no worse``: it has
        to be surely not worse by more than the margin, and surely better in what it `saves`.
    saves
        The metric that a candidate which is no worse is wanted for, such as cost.

    Returns
    -------
    Decision
        For the candidate that is best in the primary metric among those that may be used.

    Raises
    ------
    ParameterError
        If the goal is neither, a metric was not compared, or nothing is said to be saved.

    Examples
    --------
    >>> import pandas as pd
    >>> from aiopslab.prompts import Metric, compare
    >>> prompts = ["a"] * 60 + ["b"] * 60
    >>> scores = pd.DataFrame({"item": [*range(60)] * 2, "prompt": prompts, "metric": "correct"})
    >>> scores["score"] = [0, 0, 1] * 20 + [1, 0, 1] * 20
    >>> decide(compare(scores, "a", [Metric("correct")]), "correct").prompt
    'b'
    """
    if goal not in {"better", "no worse"}:
        raise ParameterError(
            f"goal is {goal!r}; expected 'better' or 'no worse'",
            "Use 'no worse' for a cheaper prompt that has to be about as good.",
        )
    if goal == "no worse" and saves is None:
        raise ParameterError(
            "a candidate that is no worse has to be wanted for something",
            "Name the metric that it saves, such as cost.",
        )
    judged = [
        _judged(comparison, candidate, primary, guards, goal, saves)
        for candidate in comparison.candidates
    ]
    for choice in ("candidate", "not enough data", "equivalent", "baseline"):
        of_it = [each for each in judged if each.choice == choice]
        if of_it and choice == "candidate":
            return max(of_it, key=lambda each: comparison.contrast(each.prompt, primary).gain[0])
        if of_it:
            reasons = tuple(reason for each in of_it for reason in each.reasons)
            return Decision(
                of_it[0].choice, comparison.baseline, reasons, max(each.needed for each in of_it)
            )
    raise AssertionError("a comparison has at least one candidate")


def is_decided(
    comparison: Comparison,
    primary: str,
    guards: Sequence[str] = (),
    goal: Goal = "better",
    saves: str | None = None,
) -> bool:
    """Whether more items would tell nothing that one wants to know: every candidate is judged.

    Parameters
    ----------
    comparison, primary, guards, goal, saves
        As in `decide`.
    """
    return all(
        _judged(comparison, each, primary, guards, goal, saves).choice != "not enough data"
        for each in comparison.candidates
    )


def _judged(
    comparison: Comparison,
    candidate: str,
    primary: str,
    guards: Sequence[str],
    goal: Goal,
    saves: str | None,
) -> Decision:
    """Judge one candidate by itself."""
    main = comparison.contrast(candidate, primary)
    watched = [comparison.contrast(candidate, each) for each in guards]
    hurt = [each for each in watched if each.outcome == "worse"]
    if main.outcome == "worse" or hurt:
        worse = [main] if main.outcome == "worse" else hurt
        return Decision("baseline", candidate, tuple(map(said, worse)))
    if goal == "no worse":
        assert saves is not None
        return _cheaper(main, comparison.contrast(candidate, saves))
    if main.outcome == "better":
        unsure = [each for each in watched if not each.is_no_worse]
        cautions = tuple(f"{said(each)} It is not sure to be harmless there." for each in unsure)
        return Decision("candidate", candidate, (said(main), *cautions))
    if main.outcome == "equivalent":
        return Decision("equivalent", candidate, (said(main),))
    return Decision("not enough data", candidate, (said(main),), main.needed)


def _cheaper(main: Contrast, saved: Contrast) -> Decision:
    """Judge a candidate that is wanted for what it saves."""
    if not main.is_no_worse:
        return Decision("not enough data", main.candidate, (said(main),), main.needed)
    if saved.outcome == "better":
        return Decision("candidate", main.candidate, (said(saved), said(main)))
    if saved.outcome == "not enough data":
        return Decision("not enough data", main.candidate, (said(saved),), saved.needed)
    return Decision("baseline", main.candidate, (said(saved),))


def said(contrast: Contrast) -> str:
    """Say a contrast in one sentence.

    Examples
    --------
    >>> import math
    >>> from aiopslab.statistics.outcomes import Metric
    >>> from aiopslab.prompts.differences import Difference
    >>> told = Difference(0.08, 0.03, 0.13, 0.002, 0.95, 0.7, 0.78, 300, 300, 40, 16, "exact")
    >>> said(Contrast(Metric("correct"), "b", told, 0.004, 0))
    'b is better in correct: 0.78 against 0.7, a difference of +0.08 (+0.03 to +0.13).'
    """
    told = contrast.difference
    name = contrast.metric.name
    if told.method == "none":
        return f"{contrast.candidate} cannot be judged in {name}: {told}."
    unit = f" {contrast.metric.unit}" if contrast.metric.unit else ""
    verb = {
        "better": "is better in",
        "worse": "is worse in",
        "equivalent": "is as good in",
        "not enough data": "is not surely different in",
    }[contrast.outcome]
    return (
        f"{contrast.candidate} {verb} {name}: {plain(told.candidate)}{unit} against "
        f"{plain(told.baseline)}{unit}, a difference of {told}."
    )
