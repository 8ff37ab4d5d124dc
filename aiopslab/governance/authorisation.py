"""Authorisation: the policy asked before a deed, and the trail told before and after it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from aiopslab.governance import environment
from aiopslab.governance.approval import Approval, approvers
from aiopslab.governance.audit import Trail
from aiopslab.governance.deeds import Approving, Deed
from aiopslab.governance.errors import AuditError, Denied, PolicyError
from aiopslab.governance.policy import Decision, Policy
from aiopslab.governance.principal import user
from aiopslab.governance.schema import APPROVABLE


@contextmanager
def doing(deed: Deed, **content: Any) -> Iterator[dict[str, Any]]:
    """Do something that the policy permits, and record that it was asked for and what became of it.

    Parameters
    ----------
    deed
        What is done in the block.
    **content
        What the trail keeps besides, as plain JSON values without secrets.

    Yields
    ------
    dict
        For what is known only once it is done: digests and versions, by name.

    Raises
    ------
    Denied
        Before the block, see `authorise`.
    AuditError
        If what was done cannot be recorded; it was done then.

    Examples
    --------
    >>> from aiopslab.governance.deeds import Move
    >>> with doing(Move("promote", "models:/loans", "champion", "7"), data="9f86d081") as known:
    ...     known["before"] = "6"  # nobody named a policy or a trail: nothing is asked or recorded
    """
    permitted = authorise(deed, **content)
    if "approved_by" in permitted:
        content["approved_by"] = permitted["approved_by"]
    known: dict[str, Any] = {}
    try:
        yield known
    except BaseException as error:
        with suppress(AuditError):  # what went wrong matters more
            _record(deed, "failed", content | known | {"why": type(error).__name__})
        raise
    try:
        _record(deed, "done", content | known)
    except AuditError as error:
        raise AuditError(
            f"{deed.action} of {deed.subject} was done, but {error.problem}", error.remedy
        ) from None


def authorise(deed: Deed, principal: str | None = None, **content: Any) -> Mapping[str, Any]:
    """Let a deed pass or refuse it, and record which.

    Parameters
    ----------
    deed
        What somebody is about to do.
    principal
        Who; the user of the process unless given.
    **content
        What the trail keeps besides.

    Returns
    -------
    Mapping
        What was recorded; empty where there is no trail.

    Raises
    ------
    Denied
        If the policy does not permit it or cannot be used, or the decision cannot be recorded. Says
        which rule forbids it, or that none permits it, and who can change or approve it.

    Notes
    -----
    The policy is the one that ``AIOPSLAB_POLICY`` names; where it names none everything is
    permitted. The trail is the one that ``AIOPSLAB_AUDIT`` names, else ``audit.jsonl`` beside the
    policy; without either nothing is recorded.
    """
    if environment.trail() is None:
        return {}
    who = principal or user()
    decision, more = _judged(who, deed)
    told = "permit" if decision.allowed else "deny"
    try:
        record = _record(deed, told, {"principal": who, "why": decision.why} | content | more)
    except AuditError as error:
        before = "" if decision.allowed else f"{decision.why}\n"
        problem = f"{before}the decision cannot be recorded: {error.problem}"
        name = f"Name another file by {environment.TRAIL}."
        raise Denied(problem, decision.remedy or name) from None
    if not decision.allowed:
        raise Denied(decision.why, _remedy(decision, record))
    return record


def approve(number: int, reason: str, principal: str | None = None) -> Mapping[str, Any]:
    """Approve what was denied to somebody else for want of an approval.

    Parameters
    ----------
    number
        Of the record of that denial.
    reason
        Why it may be done, in a line.
    principal
        Who approves; the user of the process unless given.

    Returns
    -------
    Mapping
        The record of the denial. Whoever asked may do it within 24 hours, once.

    Raises
    ------
    Denied
        If the policy does not let this user approve it, it is their own, or no reason is given.
    PolicyError
        If there is no trail, or the record is of nothing that lacks an approval.
    """
    path, who = environment.trail(), principal or user()
    if path is None:
        raise PolicyError(
            "there is no policy, so nothing asks for an approval",
            f"Name one by {environment.POLICY}.",
        )
    found = next((each for each in Trail(path).records() if each["number"] == number), {})
    if not found.get("lacks"):
        raise PolicyError(
            f"record {number} of {path} lacks no approval",
            "Give the number that the denial named; `aiopslab audit show` lists them.",
        )
    if found["principal"] == who:
        raise Denied(
            f"{who} asked for record {number}, and cannot approve it", "Let somebody else do it."
        )
    given = Approval(who, reason, datetime.now(UTC), found["deed"])
    resources = tuple((kind, name) for kind, name in found["resources"])
    authorise(
        Approving(found["event"], found["subject"], resources, given.of, given.reason),
        who,
        record=number,
    )
    return found


def _judged(who: str, deed: Deed) -> tuple[Decision, dict[str, Any]]:
    """Return what the policy says, and what the trail keeps of it."""
    held_to, trail = environment.policy(), environment.trail()
    if held_to is None or trail is None:
        return Decision(True, (), "no policy"), {}
    try:
        policy = Policy.read(held_to)
        others = (
            approvers(Trail(trail).records(), deed) - {who} if deed.action in APPROVABLE else set()
        )
        decision = policy.decide(who, deed, len(others))
    except (PolicyError, AuditError) as error:
        return Decision(False, (), error.problem, error.remedy), {}
    more: dict[str, Any] = {"rules": list(decision.rules), "policy": policy.digest}
    if others:
        more["approved_by"] = sorted(others)
    if decision.lacks:
        resources = dict.fromkeys((each.kind, each.name) for each in deed.requests())
        more |= {"lacks": decision.lacks, "resources": [list(each) for each in resources]}
    return decision, more


def _record(deed: Deed, decision: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
    path = environment.trail()
    if path is None:
        return {}
    told = {"principal": user(), "subject": deed.subject, "deed": deed.digest, **deed.known}
    return Trail(path).append(deed.action, **{**told, "decision": decision, **content})


def _remedy(decision: Decision, record: Mapping[str, Any]) -> str:
    if not decision.lacks:
        return decision.remedy
    ask = f"`aiopslab policy approve {record['number']} --reason …`"
    return f"Let somebody else who may approve it run {ask}. {decision.remedy}"
