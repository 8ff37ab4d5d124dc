"""Records of runs in a series, for what only reads records and needs neither kernel nor files."""

from datetime import datetime, timedelta

from aiopslab.findings import Effect, Finding, Interval, Verdict
from aiopslab.reports.record import Failure, Record

START = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
DIGEST = "d" * 64


def verdict(level, headline="", metrics=None, findings=()):
    return Verdict(level, headline or f"It is {level}.", metrics or {"rows": 3.0}, findings)


def finding(subject, value, low=None, high=None, confidence=0.95, claim="It is slower."):
    interval = None if low is None else Interval(low, high, confidence)
    return Finding(claim, subject, "watch", "metrics", Effect("latency", value, "ms", interval))


def ran(state, hours=0.0, series="checkout", error="ZeroDivisionError", **fields):
    """Return the record of a run of a minute that began so many hours after the first."""
    began = START + timedelta(hours=hours)
    failed = state == "failed"
    known = {
        "id": f"made-{began:%Y%m%dT%H%M%SZ}-000000",
        "template": "made",
        "title": "A test",
        "template_digest": DIGEST,
        "parameters": {"rows": 3},
        "started": began.isoformat(),
        "process": (1, 0.0),
        "status": "failed" if failed else "finished",
        "ended": (began + timedelta(minutes=1)).isoformat(),
        "verdict": None if failed else verdict(state),
        "failure": Failure(error, f"went wrong at {hours}", 3) if failed else None,
        "series": series,
        "plan": "night",
    }
    return Record(**{**known, **fields})
