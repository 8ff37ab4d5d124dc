"""Where what lies in a gallery: addresses of its pages, relative to its folder."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version

INDEX, FEED = "index.html", "feed.xml"
LONGEST = 60  # letters of a name that are kept in an address


@cache
def plotly() -> str:
    """Return the address of the plotly.js that all reports share."""
    return f"assets/plotly-{version('plotly')}.min.js"


def series(name: str) -> str:
    """Return the address of the page of a series.

    Parameters
    ----------
    name
        Of the series, any text. What an address cannot hold is replaced, and a digest then keeps
        the addresses of two names apart.

    Examples
    --------
    >>> series("drift-e7fcc53d"), series("Checkout: incidents")
    ('series/drift-e7fcc53d/index.html', 'series/checkout-incidents-017fe588/index.html')
    """
    return f"series/{_slug(name)}/index.html"


def latest(name: str) -> str:
    """Return the address that always leads to the newest report of a series.

    Examples
    --------
    >>> latest("drift-e7fcc53d")
    'series/drift-e7fcc53d/latest.html'
    """
    return f"series/{_slug(name)}/latest.html"


def newest_of(series: Mapping[str, str]) -> dict[str, str]:
    """Return where a report of the same gallery finds the newest ones of other series.

    Parameters
    ----------
    series
        By anything.

    Examples
    --------
    >>> newest_of({"drift": "drift-e7fcc53d"})
    {'drift': '../series/drift-e7fcc53d/latest.html'}
    """
    return {name: f"../{latest(each)}" for name, each in series.items()}


def month(started: str) -> str:
    """Return the address of the page of all runs of a month.

    Examples
    --------
    >>> month("2026-03-01T12:00:00.000Z")
    'months/2026-03.html'
    """
    return f"months/{started[:7]}.html"


def root(address: str) -> str:
    """Return the way from a page to the folder of the gallery.

    Examples
    --------
    >>> root("index.html"), root("series/x/index.html")
    ('', '../../')
    """
    return "../" * address.count("/")


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:LONGEST]
    if slug and slug == name:
        return slug
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{slug}-{digest}".lstrip("-")
