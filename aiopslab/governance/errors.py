"""What stands between a person and a deed: a policy that says no, a trail that cannot be kept."""

from aiopslab.errors import AIOpsLabError


class PolicyError(AIOpsLabError):
    """A policy that cannot be used, or a question that cannot be put to it."""


class Denied(PolicyError):  # noqa: N818 - it is an answer, not a defect
    """What a policy does not permit, or nobody has approved; nothing was started."""

    exit_code = 4


class AuditError(AIOpsLabError):
    """An audit trail that was changed, is torn, or cannot be written."""
