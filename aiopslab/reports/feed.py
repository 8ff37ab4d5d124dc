"""The Atom feed of a gallery: what a feed reader tells of new reports.

Source of the format: RFC 4287, The Atom Syndication Format.
"""

import re
import uuid
from collections.abc import Sequence
from urllib.parse import quote
from xml.etree import ElementTree as ET

from aiopslab.reports import addresses
from aiopslab.reports.facts import Facts
from aiopslab.reports.record import PAGE
from aiopslab.reports.render import GLYPHS

NAMESPACE = "http://www.w3.org/2005/Atom"
ENTRIES = 50
_IDENTITY = re.compile(r"<id>(urn:uuid:[0-9a-f-]{36})</id>")
# What XML 1.0 cannot hold, even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = "1970-01-01T00:00:00Z"


def feed(runs: Sequence[Facts], title: str, previous: str = "", site: str = "") -> str:
    """Return the feed as XML.

    Parameters
    ----------
    runs
        That have ended, the newest first; the newest `ENTRIES` become entries.
    title
        Of the feed.
    previous
        The feed as it was: a feed keeps the identity by which readers know it.
    site
        Address of the folder the feed lies in, where it is known; links are relative otherwise.

    Examples
    --------
    >>> feed([], "Reports").startswith("<?xml version='1.0' encoding='utf-8'?>")
    True
    """
    base = f"{site.rstrip('/')}/" if site else ""
    known = _IDENTITY.search(previous)
    root = ET.Element("feed", xmlns=NAMESPACE)
    _add(root, "id", known[1] if known else uuid.uuid4().urn)
    _add(root, "title", title)
    _add(root, "updated", max((run.ended for run in runs), default=_EPOCH))
    _add(ET.SubElement(root, "author"), "name", "AIOps Lab")
    ET.SubElement(root, "link", rel="self", href=base + addresses.FEED)
    ET.SubElement(root, "link", rel="alternate", type="text/html", href=base + addresses.INDEX)
    for run in runs[:ENTRIES]:
        _entry(root, run, base)
    body = ET.tostring(root, encoding="unicode")
    return f"<?xml version='1.0' encoding='utf-8'?>\n{body}\n"


def _entry(root: ET.Element, run: Facts, base: str) -> None:
    entry = ET.SubElement(root, "entry")
    _add(entry, "id", uuid.uuid5(uuid.NAMESPACE_OID, run.id).urn)
    _add(entry, "title", f"{GLYPHS[run.state]} {run.state}: {run.headline}")
    _add(entry, "updated", run.ended or run.started)
    _add(entry, "published", run.started)
    place = f"{quote(run.id)}/{PAGE}" if run.has_page else addresses.series(run.series)
    ET.SubElement(entry, "link", rel="alternate", type="text/html", href=base + place)
    for term in (run.template, run.series, run.state):
        ET.SubElement(entry, "category", term=_clean(term))
    figures = "; ".join(
        f"{name} {value:g}" for name, value in run.metrics.items() if value is not None
    )
    _add(entry, "summary", f"{run.title}. {figures}".strip())


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _clean(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
