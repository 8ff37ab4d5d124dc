"""rootcausebench: alerts, telemetry and a history of commits, of which one did it, or none."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aiopslab.frames import conform
from benchmarks.incident import data


@dataclass(frozen=True)
class Case:
    """One case: frames, when its alert fired, and the truth."""

    name: str
    frames: dict[str, pd.DataFrame]
    changes: pd.DataFrame
    fired: pd.Timestamp
    culprit: str | None
    first: str
    decoys: tuple[str, ...]


def cases() -> Iterator[Case]:
    for folder in sorted((data.INCIDENTS / "rootcausebench" / "cases").iterdir()):
        truth = json.loads((folder / "tests" / "ground_truth.json").read_text())
        here = folder / "environment" / "data"
        alert = json.loads((here / "alert.json").read_text())
        culprit = truth["root_cause_commit"]
        yield Case(
            folder.name,
            frames(here),
            changes(here / "context"),
            pd.Timestamp(alert["fired_at"]),
            None if culprit == "none" else culprit,
            truth["first_failing_service"],
            tuple(truth["decoy_deploy_commits"]),
        )


def frames(here: Path) -> dict[str, pd.DataFrame]:
    found = {"metrics": conform("metrics", pd.read_csv(here / "metrics.csv"))}
    lines = [json.loads(line) for line in (here / "logs.ndjson").read_text().splitlines() if line]
    logs = pd.DataFrame(lines).rename(columns={"severity_text": "severity", "msg": "body"})
    wanted = ["timestamp", "service", "severity", "body", "trace_id"]
    logs = logs.reindex(columns=wanted).dropna(subset=["timestamp", "service"])
    found["logs"] = conform("logs", logs)
    spans = pd.DataFrame(json.loads((here / "traces.json").read_text()))
    if len(spans):
        spans = spans.rename(columns={"parent_id": "parent_span_id", "name": "operation"})
        found["spans"] = conform("spans", spans.assign(trace_id=spans["trace_id"].astype(str)))
    return found


def changes(context: Path) -> pd.DataFrame:
    commits, deploys, flags = (
        pd.DataFrame(json.loads((context / f"{name}.json").read_text()))
        for name in ("commits", "deploys", "flags")
    )
    names = sorted(set(deploys.get("service", ())))
    rows = [
        {
            "timestamp": each.timestamp,
            "kind": "commit",
            "service": _service(each.files_changed, names),
            "ref": each.sha,
            "description": each.message,
            "files": each.files_changed,
            "diff": each.diff,
        }
        for each in commits.itertuples()
    ]
    rows += [
        {
            "timestamp": each.timestamp,
            "kind": "deploy",
            "service": each.service,
            "ref": each.commit_sha,
            "description": f"{each.service}: {each.version}",
        }
        for each in deploys.itertuples()
    ]
    rows += [
        {
            "timestamp": each.timestamp,
            "kind": "flag",
            "service": each.service,
            "ref": each.flag,
            "description": f"{each.flag} {each.change}",
        }
        for each in flags.itertuples()
    ]
    return conform("changes", pd.DataFrame(rows))


def _service(files: list[str], names: list[str]) -> str:
    """Return the deployed service that is named like a folder of the files, if one is."""
    folders = {part for file in files for part in file.split("/")[:-1] if len(part) > 2}
    return next((name for name in names if any(part in name for part in folders)), "")
