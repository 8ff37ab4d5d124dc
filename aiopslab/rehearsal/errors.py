"""The one error that only a rehearsal knows."""

from aiopslab.errors import RehearsalError


class PlanError(RehearsalError):
    """A rehearsal that was asked for wrongly; nothing was started."""
