"""Telling: each step is really done, by what a person on call would use, and leaves its evidence.

A real system runs under load and one of its layers is broken. Nobody tells the analysis which.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiopslab.errors import AIOpsLabError

if TYPE_CHECKING:
    import pandas as pd

    from aiopslab.governance.approval import Approval
    from aiopslab.overview.causes import Cause
    from aiopslab.overview.investigation import Investigation
    from aiopslab.overview.preparation import Prepared
    from aiopslab.overview.recovery import Recovery
    from aiopslab.rehearsal.run import Progress
    from aiopslab.reports.record import Record
    from aiopslab.runbooks.step import Step

LAYER, SERVICE = "classifier", "classifier"
FAULT = "classifier:degraded_classifier"
MODEL, ALIAS = "topics", "champion"
GOOD, BAD = "1", "2"  # versions of the model
SERVED = {GOOD: "none", BAD: FAULT}  # what the system is started with for each
MINUTES, SEED = 4.0, 10
TARGETS: dict[str, Any] = {
    "latency_ms": 1200.0,
    "age_s": 60.0,
    "cost_usd": 0.0005,
}  # of the small system
REPORTS, TRAIL, REGISTRY = "reports", "audit.jsonl", "registry.db"
EVENING, AFTER = "evening", "after"


class StoryError(AIOpsLabError):
    """The story cannot go on; what there is of it is kept."""


@dataclass(frozen=True)
class Told:
    """How it went.

    Parameters
    ----------
    cause
        The likeliest that was found.
    deed
        What was done about it.
    recovery
        The time after against the time of the fault.
    seen
        The reports: of the evening, and of the time after.
    """

    cause: "Cause"
    deed: str
    recovery: "Recovery"
    seen: tuple["Record", "Record"]

    @property
    def helped(self) -> bool:
        """Whether the model is surely right more often, and nothing is surely worse."""
        tiles = {each.tile for each in self.recovery.better}
        return "model accuracy" in tiles and not self.recovery.worse


Approve = Callable[["Step", str], "Approval | None"]
Report = Callable[[Mapping[str, Any]], "Record"]


def tell(
    folder: Path,
    approve: Approve,
    report: Report,
    say: Callable[[str], None] = lambda line: None,
    watch: "Callable[[Progress], None]" = lambda progress: None,
    *,
    minutes: float = MINUTES,
    seed: int = SEED,
) -> Told:
    """Rehearse a fault, find it, roll back what did it, and see whether that helped.

    Parameters
    ----------
    folder
        Where recordings, reports, registry and audit trail go; it must not hold a story yet.
    approve
        Asked with the step and what it would do; ``None`` where nobody approves.
    report
        Runs the template ``overview`` with the values that it is given.
    say
        Told what happens, a line each.
    watch
        Of the rehearsals, about once a second.
    minutes
        How long each recording lasts; the fault begins in the middle of the first.
    seed
        Of what users ask.

    Raises
    ------
    StoryError
        If there is a story already, no cause is found or another one, or nobody approves. Nothing
        is rolled back then.
    RehearsalError
        If the system could not be run.
    """
    from aiopslab.overview import investigate, prepare
    from aiopslab.rehearsal.rehearsal import rehearse

    evening, after = folder / EVENING, folder / AFTER
    if any(each.exists() for each in (evening, after, folder / TRAIL, folder / REGISTRY)):
        raise StoryError(f"{folder} holds a story already", "Choose another folder with -o.")
    middle = minutes * 30
    say(
        f"A knowledge assistant of eight services runs for {minutes:g} min; in the middle of it a "
        "retrained model is promoted, and it is worse."
    )
    rehearse(FAULT, evening, middle, minutes, seed, watch=watch)
    seen = report({"evidence": str(evening), "targets": TARGETS})
    frames = _frames(evening)
    investigation = investigate(frames)
    say(investigation.verdict().headline)
    cause = _cause(investigation)
    registry = _registry(folder)
    deed = _roll_back(registry, folder / TRAIL, cause, approve, say)
    say(f"The system runs again for {minutes:g} min, with the model that the alias names now.")
    rehearse(SERVED[_served(registry)], after, 0, minutes, seed + 1, watch=watch)
    fault = cause.since or investigation.onset
    values = {"before": str(evening), "before_start": None if fault is None else fault.isoformat()}
    again = report({"evidence": str(after), "targets": TARGETS, **values})
    calm = _frames(after)
    recovery = _recovery(prepare(frames), prepare(calm), fault)
    return Told(cause, deed, recovery, (seen, again))


def _frames(recording: Path) -> "dict[str, pd.DataFrame]":
    from aiopslab import sources

    return {str(name): frame for name, frame in sources.open(str(recording)).frames.items()}


def _cause(investigation: "Investigation") -> "Cause":
    """Return the cause if it is one that can be rolled back here, as the evidence has it."""
    found = investigation.causes[0] if investigation.causes else None
    if found is None or found.layer != LAYER:
        what = (
            "no cause was found" if found is None else f"the likeliest cause is the {found.layer}"
        )
        raise StoryError(
            f"{what}, where a model was broken; nothing is rolled back",
            "Look at the report. A machine that is busy blurs it; more --minutes show more.",
        )
    return found


def _roll_back(
    registry: str, trail: Path, cause: "Cause", approve: Approve, say: Callable[[str], None]
) -> str:
    """Point the alias back, as an approved remediation."""
    from aiopslab import runbooks

    why = f"accuracy fell after {cause.change or 'a change'} of {cause.subject}"
    step = runbooks.Step.of(
        runbooks.built_in()["rollback-model"], SERVICE, {"model": MODEL, "mlflow": registry}, why
    )
    dry = runbooks.execute(step)
    step = step.with_values(dry.suggested)
    dry = runbooks.execute(step)
    say(dry.says)
    approval = approve(step, dry.says)
    if approval is None:
        raise StoryError("nobody approved the roll-back; nothing was done", "Approve it.")
    done = runbooks.execute(step, approval, runbooks.AuditLog(trail), dry_run=False)
    say(done.says)
    return done.says


def _registry(folder: Path) -> str:
    """Make a registry in which the evening's model was promoted, and return its address."""
    from aiopslab.mlflow_server import connect

    uri = f"sqlite:///{(folder / REGISTRY).resolve()}"
    client = connect(uri)
    client.create_registered_model(MODEL)
    for version in (GOOD, BAD):
        client.create_model_version(MODEL, source=f"models/{MODEL}-{version}")
    client.set_registered_model_alias(MODEL, ALIAS, BAD)
    return uri


def _served(registry: str) -> str:
    """Return the version that the alias names."""
    from aiopslab.mlflow_server import connect

    return str(connect(registry).get_model_version_by_alias(MODEL, ALIAS).version)


def _recovery(before: "Prepared", now: "Prepared", fault: "pd.Timestamp | None") -> "Recovery":
    from aiopslab.overview import Targets, compare

    return compare(before, now, Targets(**TARGETS), before_window=(fault, None))
