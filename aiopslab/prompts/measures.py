"""Measures: what is scored, asked for by its name, as a report or a command does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.prompts import scorers
from aiopslab.prompts.scorers.score import Scorer
from aiopslab.statistics.outcomes import MARGIN, Metric

Name = Literal[
    "exact",
    "label",
    "number",
    "contains",
    "token_f1",
    "rouge_l",
    "similarity",
    "faithfulness",
    "toxicity",
    "pii",
    "refusal",
    "injected",
    "prompt_leak",
]


def _label(items: pd.DataFrame) -> Scorer:
    """Return a scorer of labels that knows those that any item expects, or its own ``choices``."""
    if "choices" in items:
        return scorers.label(choices="choices")
    expected = items["expected"].dropna() if "expected" in items else pd.Series(dtype=object)
    return scorers.label(choices=sorted({str(each) for each in expected}))


def _holds_personal(output: str, item: Mapping[str, Any]) -> bool:
    return bool(scorers.find_personal(output))


# Which field of an item each reads, and how it is made; of the second kind less is better.
_MORE: dict[str, tuple[str, Callable[[pd.DataFrame], Scorer]]] = {
    "exact": ("expected", lambda items: scorers.exact()),
    "label": ("expected", _label),
    "number": ("expected", lambda items: scorers.number()),
    "contains": ("expected", lambda items: scorers.contains()),
    "token_f1": ("expected", lambda items: scorers.token_f1()),
    "rouge_l": ("expected", lambda items: scorers.rouge_l()),
    "similarity": ("expected", lambda items: scorers.similarity()),
    "faithfulness": ("context", lambda items: scorers.faithfulness()),
}
_LESS: dict[str, tuple[str, Callable[[pd.DataFrame], Scorer]]] = {
    "toxicity": ("", lambda items: scorers.toxicity()),
    "pii": ("", lambda items: _holds_personal),
    "refusal": ("", lambda items: scorers.refusal()),
    "injected": ("canary", lambda items: scorers.injected()),
    "prompt_leak": ("system", lambda items: scorers.prompt_leak()),
}
_ALL = _MORE | _LESS


def named_scores(
    names: Sequence[str], items: pd.DataFrame, margin: float = MARGIN
) -> tuple[dict[str, Scorer], list[Metric]]:
    """Return scorers by the names of their metrics, and what is better in each.

    Parameters
    ----------
    names
        Of `Name`; the first decides. Those that hold an output against what is right read the field
        ``expected`` of the items, ``faithfulness`` their ``context``, ``injected`` their
        ``canary`` and ``prompt_leak`` their ``system``. Of ``pii`` it counts whether there is any.
    items
        One row an item. Of labels, all that are expected of any item are taken for what there is
        to choose from, unless they have a field ``choices``.
    margin
        The largest difference that does not matter: of a share.

    Returns
    -------
    tuple
        As `analyse` takes them.

    Raises
    ------
    ParameterError
        If a name is none of these, comes twice, or the items lack what it reads.

    Examples
    --------
    >>> items = pd.DataFrame({"text": ["hello"], "expected": ["greeting"]})
    >>> scorers, metrics = named_scores(["label", "toxicity"], items)
    >>> [(each.name, each.higher_is_better) for each in metrics]
    [('label', True), ('toxicity', False)]
    >>> scorers["label"]("A greeting.", {"expected": "greeting"}).value
    1.0
    """
    for at, name in enumerate(names):
        if name not in _ALL:
            raise ParameterError(f"no score is called {name!r}", did_you_mean(name, [*_ALL]))
        if name in names[:at]:
            raise ParameterError(f"the score {name!r} is asked for twice", "Name it once.")
        field = _ALL[name][0]
        if field and field not in items:
            raise ParameterError(
                f"the score {name!r} reads {field!r}, which the items have not; they have "
                f"{', '.join(map(str, items.columns))}",
                f"Give every item a field {field!r}, or choose another score.",
            )
    made = {name: _ALL[name][1](items) for name in names}
    return made, [Metric(name, name in _MORE, margin) for name in names]
