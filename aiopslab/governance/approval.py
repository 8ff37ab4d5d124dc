"""Somebody's word that one deed may be done, now."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from aiopslab.governance.canonical import sha256
from aiopslab.governance.errors import Denied

LASTS = timedelta(minutes=15)  # said by who is about to act
LASTS_IN_TRAIL = timedelta(hours=24)  # said to another, who may be asleep
CLOCKS_DIFFER = timedelta(minutes=1)


class Digested(Protocol):
    """What an approval can be of."""

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""


@dataclass(frozen=True)
class Approval:
    """An approval of one deed, or of one step of a runbook; soon too old, and good for one.

    Parameters
    ----------
    by
        Who approves.
    reason
        Why it is done.
    at
        When, with a zone.
    of
        Digest of what is approved, see `aiopslab.runbooks.Step.digest`.

    Raises
    ------
    Denied
        If it does not say who, why, and when.
    """

    by: str
    reason: str
    at: datetime
    of: str

    def __post_init__(self) -> None:
        for name, text in (("by", self.by), ("reason", self.reason)):
            if not text.strip() or not text.isprintable():
                raise Denied(
                    f"{name} of the approval is {text!r}; expected a line of text",
                    "Say who approves, and why.",
                )
        if self.at.tzinfo is None:
            raise Denied(f"the approval is of {self.at}, without a zone", "Use datetime.now(UTC).")

    @classmethod
    def now(cls, what: Digested, by: str, reason: str) -> "Approval":
        """Approve something.

        Examples
        --------
        >>> from aiopslab.governance.deeds import Move
        >>> deed = Move("rollback", "models:/loans", "champion", "6")
        >>> Approval.now(deed, "the one on call", "users wait").check(deed)
        """
        return cls(by, reason, datetime.now(UTC), what.digest)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, by which its use is recorded."""
        return sha256(asdict(self) | {"at": self.at.astimezone(UTC).isoformat()})

    def check(self, what: Digested, lasts: timedelta = LASTS) -> None:
        """Refuse what it is not for, or to be used too late.

        Raises
        ------
        Denied
            With what to do.
        """
        if self.of != what.digest:
            raise Denied(
                "the approval is of another step, or of this one before it was changed",
                "Look at the step as it is now, and approve that.",
            )
        age = datetime.now(UTC) - self.at
        if age > lasts:
            minutes, longest = int(age.total_seconds() // 60), int(lasts.total_seconds() // 60)
            raise Denied(
                f"the approval is {minutes} minutes old; it lasts {longest}",
                "Look again whether it is still right, and approve it anew.",
            )
        if age < -CLOCKS_DIFFER:
            raise Denied(f"the approval is of {self.at}, which is yet to come", "Set the clock.")


def approvers(records: Iterable[Mapping[str, Any]], what: Digested) -> set[str]:
    """Return who has approved a deed in a trail, lately and since it was last done.

    Parameters
    ----------
    records
        Of the trail, the oldest first.
    what
        The deed.
    """
    given: dict[str, Mapping[str, Any]] = {}
    for each in records:
        decision = each.get("decision")
        if each["event"] == "approve" and each.get("of") == what.digest and decision == "permit":
            given[str(each.get("principal"))] = each
        elif each.get("deed") == what.digest and decision == "done":
            given.clear()  # an approval is good for one deed
    return {by for by, record in given.items() if _holds(record, what)}


def _holds(record: Mapping[str, Any], what: Digested) -> bool:
    try:
        at = datetime.fromisoformat(record["at"])
        given = Approval(record["principal"], record["reason"], at, record["of"])
        given.check(what, LASTS_IN_TRAIL)
    except (Denied, KeyError, ValueError, TypeError, AttributeError):  # whatever a record holds
        return False
    return True
