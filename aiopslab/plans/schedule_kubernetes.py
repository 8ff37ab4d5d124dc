"""Schedules of a plan as CronJobs of Kubernetes."""

import re
from typing import Any

from aiopslab.cron import Cron, parse
from aiopslab.errors import ParameterError
from aiopslab.plans.delivery import is_url
from aiopslab.plans.plan import Plan
from aiopslab.plans.schedule_export import slugs
from aiopslab.plans.scheduler import timetables
from aiopslab.plans.timetable import GRACE, Timetable

IMAGE = "aiopslab:latest"
LONGEST = 52  # of the name of a CronJob
LARGEST = 1_000_000  # bytes of a ConfigMap
WHERE = "/plan"
REPORTS = "/reports"
USER = 1000


def manifests(plan: Plan) -> dict[str, str]:
    """Return one manifest: the plan with its notebooks, and a CronJob for each entry.

    Raises
    ------
    ParameterError
        If the plan and its notebooks are too large for a ConfigMap, or a name is too long.
    """
    import yaml

    names = slugs(plan)
    config, paths = _config(plan)
    jobs = [_job(plan, each, names[each.name], paths) for each in timetables(plan)]
    notes = [
        f"# Name your image instead of {IMAGE}: one with Python and aiopslab.",
        "#   kubectl apply -f FILE",
        "# Of the times that were missed Kubernetes runs the last. It knows no jitter.",
    ]
    if not is_url(plan.head.output):
        notes.append("# Reports are kept in the volume claim aiopslab-reports, which is yours.")
    text = yaml.safe_dump_all([config, *jobs], sort_keys=False, allow_unicode=True)
    return {f"{config['metadata']['name']}.yaml": "\n".join([*notes, str(text)])}


def _config(plan: Plan) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Return the ConfigMap with the plan and its own notebooks, and where they are mounted."""
    texts = {plan.path.name: plan.path}
    for entry, template in zip(plan.entries, plan.templates, strict=True):
        if entry.template.endswith(".ipynb"):
            if not (plan.folder / entry.template).resolve().is_relative_to(plan.folder.resolve()):
                raise ParameterError(
                    f"{entry.template} is outside of the folder of the plan",
                    "Move it into that folder, so that both are mounted together.",
                )
            texts[entry.template] = template.path
    data = {f"file-{at}": path.read_text("utf-8") for at, path in enumerate(texts.values())}
    size = sum(len(text.encode()) for text in data.values())
    if size > LARGEST:
        raise ParameterError(
            f"the plan and its notebooks have {size:,} bytes; a ConfigMap holds {LARGEST:,}",
            "Put them into the image, and write the manifest by hand.",
        )
    paths = [{"key": f"file-{at}", "path": path} for at, path in enumerate(texts)]
    meta = {"name": _name(plan)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}, paths


def _name(plan: Plan) -> str:
    return re.sub("[^a-z0-9]+", "-", f"aiopslab-{plan.name}".lower()).strip("-")


def _job(plan: Plan, each: Timetable, name: str, paths: list[dict[str, str]]) -> dict[str, Any]:
    if len(name) > LONGEST:
        raise ParameterError(
            f"a CronJob cannot be called {name}: {len(name)} letters, {LONGEST} at most",
            f"Give {each.name!r} a shorter name.",
        )
    output = plan.head.output if is_url(plan.head.output) else REPORTS
    volumes: list[dict[str, Any]] = [
        {"name": "plan", "configMap": {"name": _name(plan), "items": paths}},
        {"name": "scratch", "emptyDir": {}},
    ]
    mounts = [
        {"name": "plan", "mountPath": WHERE, "readOnly": True},
        {"name": "scratch", "mountPath": "/scratch"},
    ]
    if output == REPORTS:
        claim = {"claimName": "aiopslab-reports"}
        volumes.append({"name": "reports", "persistentVolumeClaim": claim})
        mounts.append({"name": "reports", "mountPath": REPORTS})
    container = {
        "name": "aiopslab",
        "image": IMAGE,
        "command": ["aiopslab"],
        "args": ["run-all", f"{WHERE}/{plan.path.name}", "--only", each.name, "-o", output],
        "env": [{"name": "HOME", "value": "/scratch"}],
        "resources": {
            "requests": {"cpu": "1", "memory": "1Gi"},
            "limits": {"memory": "2Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 10,
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER, "fsGroup": USER},
        "containers": [container],
        "volumes": volumes,
    }
    spec: dict[str, Any] = {
        "schedule": _schedule(parse(each.cron)),
        "timeZone": each.zone,
        "concurrencyPolicy": "Forbid",
    }
    if each.catch_up == "none":
        spec["startingDeadlineSeconds"] = int(GRACE.total_seconds())
    # Retries are ours: a report with a wrong parameter is not run again.
    spec["jobTemplate"] = {"spec": {"backoffLimit": 0, "template": {"spec": pod}}}
    meta = {"name": name}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": spec}


def _schedule(cron: Cron) -> str:
    """Return the five fields with Sunday as 0, which is its only number there."""
    *fields, _ = cron.text.split()
    weekdays = "*" if cron.any_weekday and len(cron.weekdays) == 7 else _numbers(cron.weekdays)
    return " ".join([*fields, weekdays])


def _numbers(values: tuple[int, ...]) -> str:
    return ",".join(map(str, values))
