"""A step done: looked at first, approved, recorded before and after, and once only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiopslab.governance.approval import Approval
from aiopslab.governance.authorisation import doing
from aiopslab.governance.deeds import Move, Remediation
from aiopslab.governance.errors import AuditError, Denied
from aiopslab.mlflow_aliases import SCHEMES
from aiopslab.runbooks.audit import AuditLog, Event
from aiopslab.runbooks.errors import Refused, RunbookError
from aiopslab.runbooks.executors import ALIASES, Executor, Executors, Sight, default_executors
from aiopslab.runbooks.redaction import without_secrets
from aiopslab.runbooks.step import Step

_DEEDS = {"started", "failed", "finished"}


@dataclass(frozen=True)
class Outcome:
    """What became of a step.

    Parameters
    ----------
    step
        The step.
    acted
        Whether anything was changed, by this call.
    says
        What was done or would be, in a sentence.
    before, after
        The state that it changes; empty where that is not known.
    suggested
        Values that the step lacks, as the system says they should be.
    undo
        The step that takes it back, once it was done.
    record
        Number of the record of it in the audit log; 0 without one.
    """

    step: Step
    acted: bool
    says: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    suggested: Mapping[str, str] = field(default_factory=dict)
    undo: Step | None = None
    record: int = 0


def execute(
    step: Step,
    approval: Approval | None = None,
    audit: AuditLog | None = None,
    dry_run: bool = True,
    executors: Executors | None = None,
) -> Outcome:
    """Show what a step would do, or do it.

    Parameters
    ----------
    step
        What to do.
    approval
        Of that very step, no older than 15 minutes; needed to act.
    audit
        Where it is recorded; needed to act.
    dry_run
        Look only, which sends nothing but questions. Acting has to be asked for.
    executors
        What can act; those of the library by default.

    Returns
    -------
    Outcome

    Raises
    ------
    Denied
        If a policy does not permit it, or the approval is of another step or too old.
    Refused
        If it is not approved, has no executor, or its precondition does not hold (any more).
    AuditError
        If it cannot be recorded. Nothing is done then.
    RunbookError
        If a value is missing, or the system did not do as asked.

    Notes
    -----
    To act takes the lock of the audit log, so that of several processes with the same step one
    acts and the others find it done. What is intended is recorded before it is done: a crash in
    between leaves ``started`` without ``finished``, and the next attempt looks at the system
    itself. An approval is good for one deed.

    Examples
    --------
    >>> from aiopslab.runbooks import built_in
    >>> step = Step.of(built_in()["restart-service"], "auth", {}, "It is slow.")
    >>> print(execute(step).says)
    Nothing here runs it; run it yourself.
    """
    executor_of = (executors or default_executors()).of
    if dry_run:
        return _preview(step, executor_of(step))
    if audit is None:
        raise Refused("there is no audit log to record it in", "Pass an AuditLog.")
    with audit.locked():
        audit.check()  # one that was changed stops everything
        try:
            return _act(step, _approved(step, approval), audit, executor_of(step))
        except Denied as refusal:
            audit.append(
                "refused",
                step=step.digest,
                approval=approval.digest if approval else "",
                action=step.action.name,
                service=step.service,
                by=approval.by if approval else "",
                why=refusal.problem,
            )
            raise


def undo_of(record: Mapping[str, Any]) -> Step:
    """Return the step that takes back what a record of the audit log says was done.

    Raises
    ------
    Refused
        If nothing was done, or it cannot be taken back from here.
    """
    if record["event"] != "finished" or not record.get("undo"):
        raise Refused(
            f"record {record['number']} ({record['event']}) is of nothing that can be taken back",
            "See `aiopslab remediate audit show` for those that are finished.",
        )
    return Step.from_json(record["undo"])


def _preview(step: Step, executor: Executor | None) -> Outcome:
    if executor is None:
        return Outcome(step, False, "Nothing here runs it; run it yourself.")
    lacking = _lacking(step, executor)
    if lacking:
        suggested = {
            name: value
            for name, value in executor.complete(step).items()
            if name not in step.values
        }
        return Outcome(step, False, f"It lacks {', '.join(lacking)}.", suggested=suggested)
    sight = executor.look(step)
    return Outcome(step, False, f"Would {sight.would}.", before=sight.before)


def _lacking(step: Step, executor: Executor) -> list[str]:
    wanted = dict.fromkeys([*step.needs, *executor.reads])
    return [name for name in wanted if name not in step.values]


def _approved(step: Step, approval: Approval | None) -> Approval:
    if approval is None:
        raise Refused("nobody has approved this step", "Look at the dry run, then approve it.")
    approval.check(step)
    return approval


def _act(step: Step, approval: Approval, audit: AuditLog, executor: Executor | None) -> Outcome:
    if executor is None:
        raise Refused(f"nothing here can do {step.action.name}", f"Run it yourself: {step.command}")
    lacking = _lacking(step, executor)
    if lacking:
        raise Refused(f"the step lacks {', '.join(lacking)}", "Give it with --set NAME=VALUE.")
    records = list(audit.records())
    finished = next((each for each in records if _finishes(each, approval)), None)
    if finished is not None:
        return Outcome(
            step,
            False,
            f"Done already under this approval, see record {finished['number']}.",
            finished["before"],
            finished["after"],
            record=finished["number"],
        )
    sight = executor.look(step)
    deed = _Deed(step, approval, audit, executor, sight)
    if not sight.is_done:
        return deed.do()
    deeds = [each for each in records if each["event"] in _DEEDS and each["step"] == step.digest]
    if deeds and deeds[-1]["event"] != "finished":
        return deed.finish(sight.before, "Done by an attempt that did not live to say so.", False)
    return Outcome(step, False, f"Would {sight.would}.", sight.before)


def _finishes(record: Mapping[str, Any], approval: Approval) -> bool:
    return bool(record["event"] == "finished" and record["approval"] == approval.digest)


def _deed(step: Step) -> Move | Remediation:
    """Return a step as a policy is asked about it: an alias is moved by whatever way."""
    kind = ALIASES.get(step.action.executor)
    if kind is None:
        return Remediation(step.action.name, step.service, step.digest)
    version, now = step.values["version"], step.values["current"]
    is_back = int(version) < int(now)
    subject, alias = f"{SCHEMES[kind]}:/{step.values[kind]}", step.values["alias"]
    return Move("rollback" if is_back else "promote", subject, alias, version)


@dataclass(frozen=True)
class _Deed:
    """A step about to be done, with a record before and one after."""

    step: Step
    approval: Approval
    audit: AuditLog
    executor: Executor
    sight: Sight

    def do(self) -> Outcome:
        """Record what is intended, act if a policy permits it, and record what became of it."""
        reason = without_secrets(self.approval.reason)
        with doing(_deed(self.step), by=self.approval.by, reason=reason):
            self._record("started")
            after = self._act()
        return self.finish(after, "Done.", True)

    def _act(self) -> Mapping[str, Any]:
        try:
            return self.executor.act(self.step, self.approval)
        except Exception as error:
            self._record("failed", why=str(error))
            if isinstance(error, RunbookError):
                raise
            raise RunbookError(
                f"{self.step.action.name} failed: {without_secrets(str(error))}",
                "It may have been done in part: look before you try again.",
            ) from error

    def finish(self, after: Mapping[str, Any], says: str, acted: bool) -> Outcome:
        """Record the state after it, and the step that takes it back."""
        undo = self.executor.inverse(self.step, after)
        plain = undo.to_json() if undo else None
        try:
            record = self._record("finished", after=dict(after), undo=plain)
        except AuditError as error:
            problem = f"it was done ({dict(after)}), but {error.problem}"
            raise AuditError(problem, error.remedy) from None
        number = int(record["number"])
        return Outcome(self.step, acted, says, self.sight.before, after, undo=undo, record=number)

    def _record(self, event: Event, **more: Any) -> dict[str, Any]:
        return self.audit.append(
            event,
            step=self.step.digest,
            approval=self.approval.digest,
            action=self.step.action.name,
            service=self.step.service,
            values=dict(self.step.values),
            by=self.approval.by,
            reason=self.approval.reason,
            approved=self.approval.at.isoformat(),
            before=dict(self.sight.before),
            **more,
        )
