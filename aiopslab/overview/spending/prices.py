"""Prices: what a million tokens of a model cost, as its user says; none are known here."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from aiopslab.errors import ParameterError

Prices = Mapping[str, tuple[float, float]]  # model: USD for a million tokens, input and output

COLUMNS = ("model", "input_usd", "output_usd")
MILLION = 1_000_000


def read_prices(path: str | Path) -> dict[str, tuple[float, float]]:
    r"""Read a table of prices.

    Parameters
    ----------
    path
        A CSV file with the columns ``model, input_usd, output_usd``: USD for a million tokens.

    Returns
    -------
    dict
        Model to the price of a million input and a million output tokens.

    Raises
    ------
    ParameterError
        If it cannot be read, lacks a column, names a model twice, or a price is no number of at
        least 0.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     _ = file.write("model,input_usd,output_usd\nsmall,0.5,1.5\n")
    ...     file.flush()
    ...     read_prices(file.name)
    {'small': (0.5, 1.5)}
    """
    example = f"Write a CSV file with the columns {', '.join(COLUMNS)}."
    try:
        table = pd.read_csv(path, dtype={"model": str}, keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ParameterError(f"the prices {path} cannot be read: {error}", example) from None
    for column in COLUMNS:
        if column not in table:
            raise ParameterError(f"the prices {path} have no column {column!r}", example)
    if table["model"].duplicated().any():
        twice = table["model"][table["model"].duplicated()].iloc[0]
        raise ParameterError(f"the prices {path} name {twice!r} twice", "Keep one price a model.")
    rows = zip(*(table[column].tolist() for column in COLUMNS), strict=True)
    return {str(model): _pair(str(model), (given, taken)) for model, given, taken in rows}


def priced(calls: pd.DataFrame, prices: Prices) -> pd.Series:
    """Return the cost of each call: as recorded, else by its tokens where both are known.

    Parameters
    ----------
    calls
        A ``calls`` frame.
    prices
        Of models; the calls of others stay as they are.

    Raises
    ------
    ParameterError
        If a price is no number of at least 0.

    Examples
    --------
    >>> calls = pd.DataFrame({"model": ["small"], "input_tokens": [2_000.0],
    ...                       "output_tokens": [1_000.0], "cost_usd": [float("nan")]})
    >>> round(float(priced(calls, {"small": (0.5, 1.5)}).iloc[0]), 6)
    0.0025
    """
    told = {str(model): _pair(str(model), given) for model, given in prices.items()}
    given, taken = (
        calls["model"].map({model: pair[side] for model, pair in told.items()}).astype("float64")
        for side in (0, 1)
    )
    by_tokens = (calls["input_tokens"] * given + calls["output_tokens"] * taken) / MILLION
    return calls["cost_usd"].fillna(by_tokens)


def _pair(model: str, given: object) -> tuple[float, float]:
    expected = "expected two numbers of at least 0, USD for a million input and output tokens"
    remedy = 'Write for example {"small": (0.5, 1.5)}.'
    try:
        first, second = (float(each) for each in given)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ParameterError(f"the price of {model!r} is {given!r}; {expected}", remedy) from None
    if not all(math.isfinite(each) and each >= 0 for each in (first, second)):
        raise ParameterError(f"the price of {model!r} is {given!r}; {expected}", remedy)
    return first, second
