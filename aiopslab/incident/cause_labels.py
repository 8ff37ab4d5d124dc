"""Cause labels: what people say an incident began in, in one file, held against the analysis."""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aiopslab.closing import Closing
from aiopslab.errors import AIOpsLabError
from aiopslab.findings import Interval
from aiopslab.incident.case import Case
from aiopslab.incident.window import analyse_window
from aiopslab.sqlite_file import claim, connect, storable, writing
from aiopslab.statistics.intervals import wilson

APPLICATION = 0x43415553  # "CAUS": told from every other SQLite file
COLUMNS = ("evidence", "digest", "start", "end", "service", "rater", "note", "recorded")
RANKS = ["evidence", "digest", "start", "end", "service", "raters", "rank", "services"]
# Nothing is ever deleted: what is taken back says so in a row of its own.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS labels (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    evidence TEXT NOT NULL,
    digest TEXT NOT NULL,
    start TEXT NOT NULL,
    "end" TEXT NOT NULL,
    service TEXT NOT NULL,
    rater TEXT NOT NULL,
    note TEXT NOT NULL,
    recorded REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS taken_back (
    number INTEGER PRIMARY KEY REFERENCES labels,
    recorded REAL NOT NULL
);
CREATE VIEW IF NOT EXISTS standing AS
SELECT * FROM labels WHERE number NOT IN (SELECT number FROM taken_back);
"""
_SAME = """
SELECT count(*) FROM standing
WHERE digest = ? AND start = ? AND "end" = ? AND service = ? AND rater = ?
"""
_ADD = """
INSERT INTO labels (evidence, digest, start, "end", service, rater, note, recorded)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_LAST = "SELECT number, service FROM standing WHERE rater = ? ORDER BY number DESC"
_ALL = """
SELECT evidence, digest, start, "end", service, rater, note, recorded FROM standing ORDER BY number
"""


class CauseLabels(Closing):
    """What was the cause of incidents, in one SQLite file that people and processes may share.

    Parameters
    ----------
    path
        Of the file; made where there is none.

    Raises
    ------
    AIOpsLabError
        If the file is no store of causes, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> start = pd.Timestamp("2026-03-01T12:00Z")
    >>> with tempfile.TemporaryDirectory() as folder, CauseLabels(f"{folder}/causes.db") as labels:
    ...     labels.add("sample://x", "ab12", start, start + pd.Timedelta("5min"), "auth", "ann")
    ...     labels.table()[["service", "rater"]].to_numpy().tolist()
    [['auth', 'ann']]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._connection = connect(self.path)
            is_ours = claim(self._connection, APPLICATION, _SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise AIOpsLabError(
                f"{str(path)!r} cannot be used as a store of causes: {error}",
                "Name another file, or a folder that can be written.",
            ) from None
        if not is_ours:
            self._connection.close()
            raise AIOpsLabError(
                f"{str(path)!r} is a database of something else", "Name another file."
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(
        self,
        evidence: str,
        digest: str,
        start: pd.Timestamp,
        end: pd.Timestamp,
        service: str,
        rater: str,
        note: str = "",
    ) -> None:
        """Write down that an incident began in a service.

        Parameters
        ----------
        evidence, digest
            Of the evidence: its URL, and what its content comes to.
        start, end
            Of the incident.
        service
            In which it began.
        rater
            Who says so.
        note
            Why, in words.

        Raises
        ------
        AIOpsLabError
            If there is no service or rater, the window is empty, or the rater has said the same
            of this window before.
        """
        service, rater = storable(service).strip(), storable(rater).strip()
        if not service or not rater:
            missing = "which service was the cause" if not service else "who says so"
            raise AIOpsLabError(f"it is not told {missing}", "Name it, and mark the cause again.")
        if not start < end:
            raise AIOpsLabError(
                f"the incident begins at {start} and ends at {end}", "Choose a window of time."
            )
        said = (storable(evidence), digest, _text(start), _text(end), service, rater)
        with writing(self._connection):
            if self._connection.execute(_SAME, said[1:]).fetchone()[0]:
                raise AIOpsLabError(
                    f"{rater} has marked {service} as the cause of this window before",
                    "It is stored already. Take it back with undo, to say something else.",
                )
            self._connection.execute(_ADD, (*said, storable(note).strip(), time.time()))

    def undo(self, rater: str) -> str | None:
        """Take back the last label of a rater; return its service, ``None`` without one."""
        with writing(self._connection):
            row = self._connection.execute(_LAST, (storable(rater).strip(),)).fetchone()
            if row is None:
                return None
            self._connection.execute("INSERT INTO taken_back VALUES (?, ?)", (row[0], time.time()))
            return str(row[1])

    def table(self) -> pd.DataFrame:
        """Return one row a label that stands, in the order of writing.

        Returns
        -------
        pandas.DataFrame
            ``evidence, digest, start, end, service, rater, note, recorded``; times in UTC.
        """
        rows = pd.DataFrame(self._connection.execute(_ALL).fetchall(), columns=COLUMNS)
        times = {
            each: pd.to_datetime(rows[each], utc=True, format="ISO8601") for each in COLUMNS[2:4]
        }
        recorded = pd.to_datetime(rows["recorded"].astype("float64"), unit="s", utc=True)
        return rows.assign(**times, recorded=recorded)


def cause_labels(path: str | Path) -> pd.DataFrame:
    """Return the labels of a file, see `CauseLabels.table`; none where there is no file.

    Parameters
    ----------
    path
        Of a store, or of the JSON lines that `aiopslab feedback export` wrote of one.

    Raises
    ------
    AIOpsLabError
        If the file is neither.
    """
    if not Path(path).exists():
        return pd.DataFrame(columns=COLUMNS)
    if Path(path).suffix == ".jsonl":
        return _exported(path)
    with CauseLabels(path) as labels:
        return labels.table()


def _exported(path: str | Path) -> pd.DataFrame:
    """Read labels as they were exported."""
    from aiopslab.sources.files import read_table

    told = read_table(str(path)) if Path(path).stat().st_size else pd.DataFrame(columns=COLUMNS)
    missing = [each for each in COLUMNS if each not in told]
    if missing:
        raise AIOpsLabError(
            f"{str(path)!r} has no {', '.join(missing)}", "Export the causes of a store once more."
        )
    times = {
        each: pd.to_datetime(told[each], utc=True, format="ISO8601")
        for each in ("start", "end", "recorded")
    }
    return told[list(COLUMNS)].assign(**times)


@dataclass(frozen=True)
class Hits:
    """How often the analysis named what people say was the cause.

    Parameters
    ----------
    ranks
        One row an incident: ``evidence, digest, start, end, service`` (that most raters name),
        ``raters`` (that name it), ``rank`` (of that service in the analysis, from 1; missing where
        it is not ranked), ``services`` (that are ranked).
    disputed, absent
        Incidents left out: those of whose cause two services have as many raters, and those whose
        evidence is not at hand.
    """

    ranks: pd.DataFrame
    disputed: int = 0
    absent: int = 0

    def share(self, first: int = 1, confidence: float = 0.95) -> tuple[float, Interval]:
        """Return the share of incidents whose cause is among the first, with Wilson's interval.

        Raises
        ------
        AIOpsLabError
            If there is no incident.
        """
        rows = len(self.ranks)
        if not rows:
            raise AIOpsLabError(
                "no labelled incident can be held against the analysis",
                "Mark causes in the incident explorer, and pass the evidence that they are of.",
            )
        right = int((self.ranks["rank"] <= first).sum())
        return right / rows, Interval(*wilson(right, rows, confidence), confidence)

    def chance(self, first: int = 1) -> float:
        """Return the share that a service drawn by lot would have; NaN without an incident."""
        return float((first / self.ranks["services"].clip(lower=first)).mean())

    def table(self) -> pd.DataFrame:
        """Return the shares: ``measure, value, low, high, chance, incidents``."""
        rows = []
        for first in (1, 3) if len(self.ranks) else ():
            value, interval = self.share(first)
            chance = self.chance(first)
            told = (f"hits@{first}", value, interval.low, interval.high, chance, len(self.ranks))
            rows.append(told)
        columns = ["measure", "value", "low", "high", "chance", "incidents"]
        return pd.DataFrame(rows, columns=columns)

    def _repr_html_(self) -> str:
        return self.table().round(2).to_html(index=False, border=0)


def held_against(labels: pd.DataFrame, cases: Mapping[str, Case]) -> Hits:
    """Hold labels against the analysis of the windows that they are of.

    Parameters
    ----------
    labels
        As `CauseLabels.table` returns them. Those of the same evidence whose windows overlap are
        of one incident, which counts once; its window is that of the first of them.
    cases
        Evidence, prepared, by its digest.

    Returns
    -------
    Hits
    """
    rows, disputed, absent = [], 0, 0
    for _, said in labels.groupby(_incidents(labels), sort=True):
        votes = said.drop_duplicates(["service", "rater"])["service"].value_counts()
        first = said.iloc[0]
        if (votes == votes.iloc[0]).sum() > 1:
            disputed += 1
        elif first["digest"] not in cases:
            absent += 1
        else:
            analysis = analyse_window(cases[first["digest"]], first["start"], first["end"])
            ranked = analysis.services["service"].tolist()
            service = str(votes.index[0])
            rank = ranked.index(service) + 1 if service in ranked else float("nan")
            told = [first[each] for each in RANKS[:4]]
            rows.append((*told, service, int(votes.iloc[0]), rank, len(analysis.case.services)))
    return Hits(pd.DataFrame(rows, columns=RANKS), disputed, absent)


def _incidents(labels: pd.DataFrame) -> "pd.Series[int]":
    """Number the incidents: windows of the same evidence that overlap, one after another."""
    ordered = labels.sort_values(["digest", "start"], kind="stable")
    reached = ordered.groupby("digest")["end"].cummax().groupby(ordered["digest"]).shift()
    is_new = (~(ordered["start"] < reached)).astype(int)
    return is_new.cumsum().reindex(labels.index)


def _text(moment: pd.Timestamp) -> str:
    return moment.tz_convert("UTC").isoformat()
