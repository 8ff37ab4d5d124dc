"""Somebody's word that one step may be done, now."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from aiopslab.runbooks.errors import Refused
from aiopslab.runbooks.step import Step, canonical

LASTS_MIN = 15
CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True)
class Approval:
    """An approval of one step; good for 15 minutes and for one deed.

    Parameters
    ----------
    by
        Who approves.
    reason
        Why it is done.
    at
        When, with a zone.
    of
        Digest of the step, see `Step.digest`.

    Raises
    ------
    Refused
        If it does not say who, why, and when.
    """

    by: str
    reason: str
    at: datetime
    of: str

    def __post_init__(self) -> None:
        for name, text in (("by", self.by), ("reason", self.reason)):
            if not text.strip() or not text.isprintable():
                raise Refused(
                    f"{name} of the approval is {text!r}; expected a line of text",
                    "Say who approves, and why.",
                )
        if self.at.tzinfo is None:
            raise Refused(f"the approval is of {self.at}, without a zone", "Use datetime.now(UTC).")

    @classmethod
    def now(cls, step: Step, by: str, reason: str) -> "Approval":
        """Approve a step.

        Examples
        --------
        >>> from aiopslab.runbooks import built_in
        >>> step = Step.of(built_in()["restart-service"], "auth", {}, "It is slow.")
        >>> Approval.now(step, "the one on call", "users wait").check(step)
        """
        return cls(by, reason, datetime.now(UTC), step.digest)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, by which its use is recorded."""
        plain = asdict(self) | {"at": self.at.astimezone(UTC).isoformat()}
        return hashlib.sha256(canonical(plain)).hexdigest()

    def check(self, step: Step) -> None:
        """Refuse a step that it is not for, or to be used too late.

        Raises
        ------
        Refused
            With what to do.
        """
        if self.of != step.digest:
            raise Refused(
                "the approval is of another step, or of this one before it was changed",
                "Look at the step as it is now, and approve that.",
            )
        age = datetime.now(UTC) - self.at
        if age > timedelta(minutes=LASTS_MIN):
            minutes = int(age.total_seconds() // 60)
            raise Refused(
                f"the approval is {minutes} minutes old; it lasts {LASTS_MIN}",
                "Look again whether the step is still right, and approve it anew.",
            )
        if age < -CLOCKS_DIFFER:
            raise Refused(f"the approval is of {self.at}, which is yet to come", "Set the clock.")
