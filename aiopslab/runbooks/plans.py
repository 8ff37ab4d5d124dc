"""Plans made of evidence or of a verdict, saved and read again."""

import json
from pathlib import Path
from typing import Any

from aiopslab.findings import Verdict
from aiopslab.runbooks.catalogue import Catalogue
from aiopslab.runbooks.errors import RunbookError
from aiopslab.runbooks.planning import Plan, plan


def plan_of_evidence(url: str, catalogue: Catalogue, given: dict[str, str]) -> Plan:
    """Analyse an incident, and plan by all that the analysis knows."""
    from aiopslab import sources
    from aiopslab.incident import analyse, recent_changes
    from aiopslab.incident.alerts import group_alerts

    frames = sources.open(url).frames
    analysis = analyse(frames)
    alerts = frames.get("alerts")
    is_quiet = alerts is None or alerts.empty
    grouped = None if is_quiet else group_alerts(alerts, frames.get("topology")).alerts
    return plan(
        analysis.verdict(),
        analysis.named,
        recent_changes(frames.get("changes"), analysis.started),
        catalogue,
        alerts=grouped,
        signals=analysis.suspects,
        given=given,
    )


def plan_of_verdict(path: Path, catalogue: Catalogue, given: dict[str, str]) -> Plan:
    """Plan by a verdict in JSON, alone or in the record of a report."""
    plain = _read(path)
    verdict = plain.get("verdict", plain) if isinstance(plain, dict) else plain
    return plan(Verdict.from_json(verdict), catalogue=catalogue, given=given)


def load_plan(path: Path) -> Plan:
    """Read a plan that was saved."""
    return Plan.from_json(_read(path))


def save_plan(path: Path, made: Plan) -> None:
    """Save a plan as JSON."""
    try:
        path.write_text(json.dumps(made.to_json(), indent=1), encoding="utf-8")
    except OSError as error:
        raise RunbookError(f"cannot write {path}: {error.strerror}", "Choose another.") from None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunbookError(f"cannot read {path}: {error.strerror}", "Check the path.") from None
    except (ValueError, RecursionError) as error:
        raise RunbookError(f"{path} is not JSON: {error}", "Save the plan anew.") from None
