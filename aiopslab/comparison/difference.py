"""Difference: what changed between two runs, in what they were given and in what they found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiopslab.comparison.changes import (
    Change,
    data,
    durations,
    findings,
    mapping,
    metrics,
    template,
    verdict,
)
from aiopslab.reports.record import Record
from aiopslab.reports.render import state
from aiopslab.wording import listed

if TYPE_CHECKING:
    import pandas as pd

GIVEN = ("template", "parameters", "data", "versions")  # what a run is given
FOUND = ("verdict", "metrics", "findings")  # what it finds
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Difference:
    """Two runs beside each other; `compare` makes it.

    Parameters
    ----------
    before, after
        The records.
    changes
        Everything that was compared, also what is the same.
    independence
        Whether their data are independent, in a sentence.
    """

    before: Record
    after: Record
    changes: tuple[Change, ...]
    independence: str

    def changed(self, *parts: str) -> tuple[Change, ...]:
        """Return what differs; of some parts where they are named."""
        return tuple(
            each for each in self.changes if each.differs and (not parts or each.part in parts)
        )

    @property
    def is_same(self) -> bool:
        """Whether both found the same, by the same template on the same data and parameters.

        Versions may differ: that the result does not is then worth knowing.
        """
        return not self.changed("template", "parameters", "data", *FOUND)

    def headline(self) -> str:
        """Say it in one sentence."""
        was, now = state(self.before), state(self.after)
        said_of = f"Still {now}" if was == now else f"Verdict went from {was} to {now}"
        if was == now and self.changed(*FOUND):
            said_of += ", with other findings or figures"
        given = [part for part in GIVEN if any(each.part == part for each in self.changes)]
        other = [part for part in given if self.changed(part)]
        same = [part for part in given if part not in other]
        said = f"{listed(other)} changed" if other else ""
        if same:
            said += f", {listed(same)} did not" if said else f"{listed(same)} did not change"
        surprise = " although" if not other and self.changed(*FOUND) else ""
        joint = ":" if not surprise else ","
        return f"{said_of}{joint}{surprise} {said}." if said else f"{said_of}."

    def table(self, everything: bool = False) -> "pd.DataFrame":
        """Return a row for each thing that differs: ``part, name, before, after, note``.

        Parameters
        ----------
        everything
            With what is the same.
        """
        import pandas as pd

        names = ["part", "name", "before", "after", "note"]
        rows = self.changes if everything else self.changed()
        return pd.DataFrame([asdict(each) for each in rows], columns=names)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "before": self.before.id,
            "after": self.after.id,
            "headline": self.headline(),
            "same": self.is_same,
            "independence": self.independence,
            "changes": [asdict(each) for each in self.changes],
        }


def compare(before: Record, after: Record) -> Difference:
    """Hold two runs against each other.

    Parameters
    ----------
    before, after
        Records of runs that have ended, of the same template or not.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from aiopslab.findings import Verdict
    >>> from aiopslab.reports.record import begin
    >>> run = begin("drift", "Drift", "0" * 64, {"alpha": 0.05})
    >>> run = replace(run, status="finished", ended=run.started, verdict=Verdict("ok", "Fine."))
    >>> other = replace(run, parameters={"alpha": 0.01}, verdict=Verdict("act", "Drifted."))
    >>> compare(run, other).headline()
    'Verdict went from ok to act: parameters changed, template did not.'
    """
    dependence = _dependence(before, after)
    changes = (
        *template(before, after),
        *mapping("parameters", before.parameters, after.parameters),
        *data(before, after),
        *mapping("versions", before.versions, after.versions),
        *verdict(before, after),
        *metrics(before, after),
        *findings(before, after, dependence),
        *durations(before, after),
    )
    independence = (
        f"Changes of estimates have no interval, since {dependence}."
        if dependence
        else "The windows of the data do not overlap, so the two are taken as independent. Each "
        "interval of a change stands alone: of many, some leave out no change by chance."
    )
    return Difference(before, after, changes, independence)


def _dependence(before: Record, after: Record) -> str:
    """Say why two runs may rest on the same data; empty where they do not."""
    digests = [{each["digest"] for each in run.evidence} for run in (before, after)]
    if digests[0] & digests[1]:
        return "both runs looked at the same data"
    windows = [[_window(each) for each in run.evidence] for run in (before, after)]
    if not all(windows) or None in (*windows[0], *windows[1]):
        return "it is not known of which time their data are"
    (first, last), (begins, ends) = (_extent(each) for each in windows)
    if last < begins or ends < first:
        return ""
    return "the windows of their data overlap"


def _window(evidence: Mapping[str, Any]) -> Window | None:
    try:
        start, end = (datetime.fromisoformat(evidence[each]) for each in ("start", "end"))
    except (KeyError, TypeError, ValueError):
        return None
    return (start, end) if start.tzinfo and end.tzinfo else None


def _extent(windows: Sequence[Window | None]) -> Window:
    known = [each for each in windows if each is not None]
    return min(start for start, _ in known), max(end for _, end in known)
