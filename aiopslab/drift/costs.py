"""Costs: what each kind of mistake costs, and what each right answer earns."""

from collections.abc import Hashable, Mapping

import numpy as np
import numpy.typing as npt

from aiopslab.errors import ParameterError

Costs = Mapping[tuple[Hashable, Hashable], float]


def cost_matrix(costs: Costs, classes: tuple[Hashable, ...]) -> npt.NDArray[np.float64]:
    """Lay costs out by truth and prediction.

    Parameters
    ----------
    costs
        Cost of one row by ``(truth, prediction)``; 0 where a pair is not given.
    classes
        In the order of the rows and columns.

    Returns
    -------
    numpy.ndarray
        ``(truths, predictions)``, in the unit of the costs.

    Raises
    ------
    ParameterError
        If a pair names a class that nobody predicted or saw, or a cost is not a finite number.

    Examples
    --------
    >>> cost_matrix({("bad", "good"): 500, ("good", "bad"): 20}, ("bad", "good")).tolist()
    [[0.0, 500.0], [20.0, 0.0]]
    """
    names = {str(each): number for number, each in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)))
    for (truth, prediction), cost in costs.items():
        row, column = names.get(_name(truth)), names.get(_name(prediction))
        if row is None or column is None:
            raise ParameterError(
                f"a cost is given for {(truth, prediction)!r}; the classes are "
                f"{', '.join(map(repr, classes))}",
                "Give costs by (truth, prediction), with the classes as in the observations.",
            )
        if not np.isfinite(cost):
            raise ParameterError(
                f"the cost of {(truth, prediction)!r} is {cost}", "Give a finite number."
            )
        matrix[row, column] = cost
    return matrix


def read_costs(plain: Mapping[str, float]) -> Costs:
    """Read costs as people write them, ``"truth > prediction"``.

    Raises
    ------
    ParameterError
        If a name is not of that form.

    Examples
    --------
    >>> read_costs({"fraud > fine": 500})
    {('fraud', 'fine'): 500}
    """
    costs: dict[tuple[Hashable, Hashable], float] = {}
    for pair, cost in plain.items():
        truth, mark, prediction = (each.strip() for each in pair.partition(">"))
        if not (truth and mark and prediction):
            raise ParameterError(
                f"costs names {pair!r}; expected 'truth > prediction'",
                'Write it as {"fraud > fine": 500}: what a fraud costs that was called fine.',
            )
        costs[truth, prediction] = cost
    return costs


def _name(value: Hashable) -> str:
    """Write a class as outcomes do: True and 1.0 are 1."""
    if isinstance(value, bool | float | np.bool_ | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
