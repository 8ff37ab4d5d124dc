"""Space: the configurations that may be tried, and in which order to try them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.configuration import Configuration, check_fields

Space = Mapping[str, Sequence[Any]]
Judge = Callable[[Configuration], float]

LARGEST = 100_000  # configurations that a grid may have


def grid(space: Space, base: Configuration) -> list[Configuration]:
    """Return every combination, each configuration once.

    Parameters
    ----------
    space
        Values by the names of fields of a configuration.
    base
        Of what the space says nothing about.

    Raises
    ------
    RetrievalError
        If a field is unknown, has no value or one out of range, or there are more than 100,000.

    Examples
    --------
    >>> space = {"size": [100, 200], "search": ["lexical", "hybrid"], "fusion": ["rrf", "weighted"]}
    >>> len(grid(space, Configuration()))  # the fusion of a search by words alone is none
    6
    """
    check_space(space)
    count = int(np.prod([len(values) for values in space.values()], dtype=np.float64))
    if count > LARGEST:
        raise RetrievalError(
            f"the space has {count:,} configurations; a grid takes up to {LARGEST:,}",
            "Try some of them at random, or let Optuna choose.",
        )
    return _distinct(
        base.with_(**dict(zip(space, values, strict=True))) for values in product(*space.values())
    )


def drawn(space: Space, base: Configuration, trials: int, seed: int = 0) -> list[Configuration]:
    """Return so many configurations drawn at random, each once, or all there are.

    Parameters
    ----------
    space, base
        As in `grid`.
    trials
        How many, at most.
    seed
        Of the draws.

    Examples
    --------
    >>> len(drawn({"size": [100, 200, 300], "k": [3, 5]}, Configuration(), trials=4))
    4
    """
    check_space(space)
    rng = np.random.default_rng(seed)

    def draws() -> Iterator[Configuration]:
        # Past some twenty draws a configuration, what is new has become rare.
        for _ in range(20 * trials):
            told = {name: values[int(rng.integers(len(values)))] for name, values in space.items()}
            yield base.with_(**told)

    found: dict[str, Configuration] = {}
    for each in draws():
        found.setdefault(each.name, each)
        if len(found) == trials:
            break
    return list(found.values())


def suggested(
    space: Space, base: Configuration, trials: int, judge: Judge, seed: int = 0
) -> list[Configuration]:
    """Return the configurations that Optuna asks for, one after the other.

    Parameters
    ----------
    space, base, seed
        As in `drawn`.
    trials
        How often it may ask; what it asks for again is not tried again.
    judge
        From a configuration to how good it is; more is better.

    Notes
    -----
    The tree-structured Parzen estimator of J. Bergstra et al., "Algorithms for hyper-parameter
    optimization", NeurIPS 2011, for groups of fields together.

    Examples
    --------
    >>> tried = suggested({"k": [1, 2, 3, 4]}, Configuration(), 10, lambda each: each.k)
    >>> max(each.k for each in tried)
    4
    """
    import optuna

    check_space(space)
    optuna.logging.disable_default_handler()
    # Fields that the one search has and the other has not would be a space that changes; here all
    # are always asked for, and those that make no difference are what they are by default.
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    worth: dict[str, tuple[Configuration, float]] = {}
    for _ in range(trials):
        trial = study.ask()
        # By place, since a value may be a list, which Optuna does not take.
        told = {
            name: values[trial.suggest_categorical(name, [*range(len(values))])]
            for name, values in space.items()
        }
        configuration = base.with_(**told)
        if configuration.name not in worth:
            worth[configuration.name] = configuration, judge(configuration)
        study.tell(trial, worth[configuration.name][1])
    return [each for each, _ in worth.values()]


def check_space(space: Space) -> None:
    """Refuse a space that is none.

    Raises
    ------
    RetrievalError
        If a field is unknown, or has no list of values.
    """
    check_fields(space)
    for name, values in space.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not len(values):
            raise RetrievalError(
                f"{name} of the space is {values!r}; expected a list of values",
                f"Write e.g. {{{name!r}: [{values!r}]}}.",
            )


def _distinct(configurations: Iterator[Configuration]) -> list[Configuration]:
    return list({each.name: each for each in configurations}.values())
