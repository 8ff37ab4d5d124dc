"""Where evidence comes from: one back end a kind of source, opened by URL, validated at the edge.

>>> evidence = open("incident/", start="2026-03-01T12:00Z")   # doctest: +SKIP
>>> evidence.metrics.columns.names                            # doctest: +SKIP
FrozenList(['service', 'metric'])

The scheme of the URL picks the back end: a path, or any protocol that fsspec knows (``s3://``,
``https://``, ``zip://`` …), is read as files; ``sample://NAME`` is a recording shipped with the
library; ``prometheus+http://host:9090`` asks a Prometheus server. A package of your own adds a
scheme with an entry point in the group ``aiopslab.sources``; see `aiopslab.sources.backends`.

Importing this module is cheap; pandas and the rest are loaded when something is opened.
"""

from typing import TYPE_CHECKING, Any

from aiopslab.sources import samples
from aiopslab.sources.backends import Recording
from aiopslab.sources.url import Url, check, open

if TYPE_CHECKING:
    from aiopslab.sources.evidence import Evidence

__all__ = ["Evidence", "Recording", "Url", "check", "open", "samples"]


def __getattr__(name: str) -> Any:
    if name == "Evidence":
        from aiopslab.sources.evidence import Evidence

        return Evidence
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
