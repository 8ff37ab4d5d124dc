"""What stands between a person and a deed: a policy that says no, a trail that cannot be kept."""

from aiopslab.errors import AIOpsLabError


class PolicyError(AIOpsLabError):
    """What a policy does not permit, or a policy that cannot be used; nothing was started."""


class AuditError(AIOpsLabError):
    """An audit trail that was changed, is torn, or cannot be written."""
