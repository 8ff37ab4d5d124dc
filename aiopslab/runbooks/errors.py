"""What can go wrong between a finding and a deed."""

from aiopslab.errors import AIOpsLabError
from aiopslab.governance.errors import Denied


class RunbookError(AIOpsLabError):
    """A catalogue, plan or value that cannot be used, or a server that did not do as asked."""


class Refused(RunbookError, Denied):  # noqa: N818 - it is an answer, not a defect
    """Something that was not done, on purpose: not approved, or no longer as it was planned."""
