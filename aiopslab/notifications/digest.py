"""Digest: what happened since the last one, in one message at a time of the day."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

from aiopslab.cron import Cron, parse
from aiopslab.moments import zone
from aiopslab.notifications import told
from aiopslab.notifications.message import Message, line
from aiopslab.notifications.notify_settings import Digest
from aiopslab.reports.render import GLYPHS

SUFFIX = "digest"
MOST = 200  # things that happened; more are counted, not listed
FURTHEST = 400  # days back to look for the last time of a cron line


@dataclass(frozen=True)
class Entry:
    """Something that happened."""

    name: str
    state: str
    before: str
    headline: str
    link: str
    at: str


@dataclass(frozen=True)
class Collection:
    """What waits for the next digest.

    Parameters
    ----------
    since
        When the last one was sent, or collecting began.
    counts
        How many runs came to which state.
    entries
        What happened, the oldest first.
    left_out
        How many things happened beyond those.
    """

    since: datetime
    counts: dict[str, int] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    left_out: int = 0

    def after(self, state: str, entry: Entry | None) -> "Collection":
        """Return it with one more run, and with what happened by it."""
        counts = dict(Counter(self.counts) + Counter([state]))
        if entry is None:
            return Collection(self.since, counts, self.entries, self.left_out)
        kept = (*self.entries, entry)[-MOST:]
        dropped = len(self.entries) + 1 - len(kept)
        return Collection(self.since, counts, kept, self.left_out + dropped)


def is_due(collection: Collection, digest: Digest, now: datetime) -> bool:
    """Tell whether the time of a digest has come since the last one."""
    return latest(parse(digest.cron), now, digest.timezone) > collection.since


def latest(cron: Cron, now: datetime, timezone: str) -> datetime:
    """Return the last moment, not after now, that a cron line names.

    Examples
    --------
    >>> now = datetime(2026, 3, 1, 6, 59, tzinfo=UTC)
    >>> latest(parse("0 8 * * *"), now, "Europe/Berlin").isoformat()
    '2026-02-28T07:00:00+00:00'
    """
    home = zone(timezone)
    here = now.astimezone(home)
    for back in range(FURTHEST):
        day = here.date() - timedelta(days=back)
        if not _matches(cron, day.month, day.day, day.isoweekday() % 7):
            continue
        for hour in reversed(cron.hours):
            for minute in reversed(cron.minutes):
                wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=home)
                if wall.astimezone(UTC) <= now:
                    return wall.astimezone(UTC)
    return datetime.min.replace(tzinfo=UTC)


def _matches(cron: Cron, month: int, day: int, weekday: int) -> bool:
    by_number, by_weekday = day in cron.days, weekday in cron.weekdays
    is_day = (by_number or by_weekday) if cron.is_either else (by_number and by_weekday)
    return month in cron.months and is_day


def read(path: Path, now: datetime) -> Collection:
    """Read what waits; a collection that begins now where there is none."""
    plain = told.load(path)
    try:
        return Collection(
            datetime.fromisoformat(plain["since"]),
            {str(state): int(count) for state, count in plain["counts"].items()},
            tuple(Entry(**each) for each in plain["entries"]),
            int(plain["left_out"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return Collection(now)


def write(path: Path, collection: Collection) -> None:
    """Keep what waits."""
    told.save(path, asdict(collection))


def compose(collection: Collection, now: datetime, gallery: str) -> Message:
    """Make the digest.

    Parameters
    ----------
    collection
        What happened.
    now
        Until when.
    gallery
        Where all reports are.
    """
    runs = sum(collection.counts.values())
    counts = ", ".join(
        f"{collection.counts[each]} {each}" for each in GLYPHS if collection.counts.get(each)
    )
    happened = len(collection.entries) + collection.left_out
    news = f"{happened} changed" if happened else "nothing changed"
    subject = line(f"Reports: {news}; {runs} ran" + (f": {counts}" if counts else ""))
    window = f"{collection.since:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC"
    rows = "".join(_rows(collection))
    more = f"<p>… and {collection.left_out} more before these.</p>" if collection.left_out else ""
    html = (
        f"<p><strong>{escape(subject)}</strong><br>{escape(window)}</p>"
        + (f"<ul>{rows}</ul>{more}" if rows else "<p>Nothing changed.</p>")
        + f'<p>All reports: <a href="{escape(gallery)}">{escape(gallery)}</a></p>'
    )
    is_good = not {"failed", "act"} & set(collection.counts)
    return Message(subject, html, is_good=is_good)


def _rows(collection: Collection) -> Iterator[str]:
    for each in reversed(collection.entries):
        was = f" (was {each.before})" if each.before else ""
        lead = f"{GLYPHS.get(each.state, '')} {each.state}{was}"
        yield (
            f"<li><b>{escape(lead)}</b> {escape(line(each.name))}: {escape(line(each.headline))}"
            f'<br><a href="{escape(each.link)}">{escape(each.link)}</a>'
            f"<br>{escape(each.at)}</li>"
        )
