"""Progress: how far a run is, and what it has cost so far."""

from dataclasses import dataclass


@dataclass
class Progress:
    """How far a run is.

    Parameters
    ----------
    total
        Calls that the run is made of.
    answered, reused, failed
        By the endpoint now, out of the store, and not at all.
    cost_usd
        Of what was asked now; attempts that were cut off count with the most that they can cost
        where there is a cap.
    """

    total: int
    answered: int = 0
    reused: int = 0
    failed: int = 0
    cost_usd: float = 0.0

    @property
    def done(self) -> int:
        """Calls that need no more."""
        return self.answered + self.reused + self.failed

    def __str__(self) -> str:
        told = f"{self.done:,} of {self.total:,} calls, {self.reused:,} reused"
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{told}{failed}, {self.cost_usd:.4f} USD"
