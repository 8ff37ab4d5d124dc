"""Gathering: evidence of all layers from many places, some of which may be down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape

from aiopslab import sources
from aiopslab.errors import FrameError, SourceError
from aiopslab.sources.evidence import Evidence
from aiopslab.wording import listed


@dataclass(frozen=True, repr=False)
class Gathered:
    """What was read of several sources.

    Parameters
    ----------
    evidence
        Of all that answered, joined.
    holders
        The URL that each frame is from, the first where several have it.
    down
        Why the others could not be read, by URL.
    """

    evidence: Evidence
    holders: Mapping[str, str]
    down: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        down = f", down: {listed(list(self.down))}" if self.down else ""
        return f"Gathered({self.evidence!r}{down})"

    def _repr_html_(self) -> str:
        lost = "".join(
            f"<li>▲ <code>{escape(url)}</code> could not be read: {escape(problem)}. What is told "
            "below rests on the others alone.</li>"
            for url, problem in self.down.items()
        )
        return f"{self.evidence._repr_html_()}{f'<ul>{lost}</ul>' if lost else ''}"


def gather(
    urls: Sequence[str], start: datetime | None = None, end: datetime | None = None
) -> Gathered:
    """Open several sources, and go on without those that are down.

    An overview is asked for most when something is broken, which may be one of its own sources.

    Parameters
    ----------
    urls
        As of `aiopslab.sources.open`.
    start, end
        The window; all there is where ``None``.

    Raises
    ------
    SourceError, FrameError
        If none of them can be read; the first says why. If `urls` is empty.

    Examples
    --------
    >>> seen = gather(["sample://no-fault", "sample://no-such-recording"])
    >>> sorted(seen.evidence.frames)[:2], list(seen.down)
    (['alerts', 'calls'], ['sample://no-such-recording'])
    """
    if not urls:
        raise SourceError("no source was named", "Name at least one, e.g. sample://no-fault.")
    read: dict[str, Evidence] = {}
    errors: dict[str, SourceError | FrameError] = {}
    for url in dict.fromkeys(urls):
        try:
            read[url] = sources.open(url, start, end)
        except (SourceError, FrameError) as error:
            errors[url] = error
    if not read:
        raise next(iter(errors.values()))
    down = {url: " ".join(error.problem.split()).rstrip(".") for url, error in errors.items()}
    first, *others = read.values()
    holders: dict[str, str] = {
        name: url for url, each in reversed(read.items()) for name in each.frames
    }
    return Gathered(first.joined(*others), holders, down)
