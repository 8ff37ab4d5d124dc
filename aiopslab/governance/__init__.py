"""Governance: who may run what on which data, and a trail of what was asked and done."""

from aiopslab.governance.audit import Trail
from aiopslab.governance.errors import AuditError, PolicyError
from aiopslab.governance.policy import Decision, Policy, authorise

__all__ = ["AuditError", "Decision", "Policy", "PolicyError", "Trail", "authorise"]
