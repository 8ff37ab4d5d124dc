"""Registered: what cards take from a registry alike."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isfinite

from aiopslab.cards.card import Section
from aiopslab.cards.reports import Judged
from aiopslab.errors import AIOpsLabError, SourceError
from aiopslab.mlflow_server import first_line

LIMITS = ("limits", "known_limits", "limitations")  # tags in which people write them
OURS, THEIRS = "aiopslab.", "mlflow."  # tags that are told elsewhere, or mean nothing to a reader


def limits_of(tags: Mapping[str, str], said: Judged) -> Section:
    """Return the known limits: what people wrote, and what the newest reports found."""
    written = [(tags[name], f"tag {name}") for name in LIMITS if tags.get(name)]
    rows = (*written, *said.limits())
    unknown = "Not known: nobody has written any down, and no report found one."
    return Section("Known limits", ("limit", "says"), rows, unknown)


def tagged(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the tags that are told nowhere else."""
    return tuple(
        (name, str(value))
        for name, value in sorted(tags.items())
        if name not in LIMITS and not name.startswith((OURS, THEIRS, f"_{THEIRS}"))
    )


def addresses(scheme: str, name: str, version: int | str, aliases: Iterable[str]) -> list[str]:
    """Return the addresses of a version, by number and by alias.

    Examples
    --------
    >>> addresses("models:/", "loans", 7, ["champion"])
    ['models:/loans/7', 'models:/loans@champion']
    """
    return [f"{scheme}{name}/{version}", *(f"{scheme}{name}@{alias}" for alias in aliases)]


def when(milliseconds: int | None) -> str:
    """Return a time of MLflow to the second.

    Examples
    --------
    >>> when(1_772_366_400_000), when(None)
    ('2026-03-01 12:00:00', 'not recorded')
    """
    if milliseconds is None:
        return "not recorded"
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def told(value: float) -> str:
    """Return a number as people read it.

    Examples
    --------
    >>> told(0.12345), told(float("nan"))
    ('0.1235', 'not known')
    """
    return f"{value:.4g}" if isfinite(value) else "not known"


@contextmanager
def refusing(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into an error with a next step."""
    try:
        yield
    except AIOpsLabError:
        raise
    except Exception as error:  # of the server, the store and the way there
        raise SourceError(
            f"{uri} could not be read: {first_line(error)}",
            "Check its name, alias or version, and MLFLOW_TRACKING_URI or the tracking address.",
        ) from None
