"""The back ends: which scheme opens what, and what a plug-in has to offer.

A back end is a callable ``(url, start, end, **options) -> Recording``, registered under its
scheme in the entry-point group ``aiopslab.sources``::

    [project.entry-points."aiopslab.sources"]
    loki = "my_package.loki:open_loki"

It hands over tables as it found them. Conforming them, cutting them to the window and taking
their digest is done for it; `start` and `end` (`pandas.Timestamp` in UTC, or ``None``) are there
so that a server need not send what would be cut away. What it had to assume it issues as an
`aiopslab.frames.FrameWarning`, which becomes a note of the evidence; what the user can mend it
raises as a `SourceError`. Its options are keyword-only arguments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from aiopslab.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd

GROUP = "aiopslab.sources"


@dataclass(frozen=True)
class Recording:
    """What a back end hands over.

    Parameters
    ----------
    tables
        Tables by the name of their frame, with its columns, in any order and of any type that
        `aiopslab.frames.conform` reads.
    truth
        What a rehearsal knows about the fault that it injected.
    """

    tables: "Mapping[str, pd.DataFrame]"
    truth: Mapping[str, Any] | None = None


Backend = Callable[..., Recording]


def schemes() -> list[str]:
    """Return the schemes that have a back end, sorted.

    Examples
    --------
    >>> "prometheus+http" in schemes()
    True
    """
    return sorted({each.name for each in entry_points(group=GROUP)})


def load(scheme: str) -> Backend:
    """Import the back end of a scheme.

    Raises
    ------
    SourceError
        If the package that registered it cannot be imported.
    """
    entry = next(iter(entry_points(group=GROUP, name=scheme)))
    try:
        backend: Backend = entry.load()
    except (ImportError, AttributeError) as error:
        raise SourceError(
            f"the back end of {scheme}:// ({entry.value}) cannot be imported: {error}",
            "Install or mend the package that registers it.",
        ) from error
    return backend
