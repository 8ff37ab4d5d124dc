"""Listing: records of a trail as lines for a person, chosen by who, what and when."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiopslab.wording import plain

VERSIONS = ("model", "prompt", "index", "alias", "edition", "to", "data")
SHOWN = 12  # characters of a digest


@dataclass(frozen=True)
class Wanted:
    """Which records are shown; what is empty leaves all.

    Parameters
    ----------
    principal, event, decision
        As the record has them.
    subject
        A part of the subject.
    since
        The oldest, with a zone.
    """

    principal: str = ""
    event: str = ""
    decision: str = ""
    subject: str = ""
    since: datetime | None = None

    def choose(self, records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Yield those of some records that are wanted.

        Examples
        --------
        >>> told = [{"event": "run", "subject": "drift"}, {"event": "run", "subject": "incident"}]
        >>> [each["subject"] for each in Wanted(subject="inc").choose(told)]
        ['incident']
        """
        exact = {"principal": self.principal, "event": self.event, "decision": self.decision}
        for each in records:
            if any(value and _text(each, name) != value for name, value in exact.items()):
                continue
            if self.subject not in _text(each, "subject"):
                continue
            if self.since is None or datetime.fromisoformat(each["at"]) >= self.since:
                yield each


def lines(record: Mapping[str, Any]) -> Iterator[str]:
    r"""Yield a record as lines, in which nothing steers a terminal.

    Examples
    --------
    >>> record = {"number": 7, "at": "2026-03-01T12:00:00.000+00:00", "event": "promote",
    ...     "principal": "ana", "decision": "deny", "subject": "models:/loans", "alias": "champion",
    ...     "why": "\x1b[2Jfour-eyes forbids it."}
    >>> print(*lines(record), sep="\n")
        7  2026-03-01 12:00:00  promote   deny    ana  models:/loans  alias champion
              \x1b[2Jfour-eyes forbids it.
    """
    at = _text(record, "at")[:19].replace("T", " ")
    what = [f"{name} {shown}" for name in VERSIONS if (shown := _shown(record.get(name)))]
    told = [_text(record, name) for name in ("principal", "subject")]
    row = "  ".join(plain(each) for each in [*told, *what] if each)
    event, decision = plain(_text(record, "event")), plain(_text(record, "decision"))
    yield f"{record['number']:>5}  {at}  {event:<8}  {decision:<6}  {row}"
    why = _text(record, "reason") or _text(record, "why")
    for line in why.splitlines():
        yield f"              {plain(line)}"


def _text(record: Mapping[str, Any], name: str) -> str:
    """Return a field as text; a trail may hold whatever its writers gave."""
    value = record.get(name)
    return "" if value is None else str(value)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    text = "" if value is None else str(value)
    return text[:SHOWN] if len(text) == 64 and text.isalnum() else text
