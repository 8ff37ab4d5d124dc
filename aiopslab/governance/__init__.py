"""Governance: who may run what on which data, and a trail of what was asked and done."""

from aiopslab.governance.address import is_place
from aiopslab.governance.audit import Trail
from aiopslab.governance.errors import AuditError, PolicyError
from aiopslab.governance.policy import Decision, Policy, authorise
from aiopslab.governance.principal import user

__all__ = [
    "AuditError",
    "Decision",
    "Policy",
    "PolicyError",
    "Trail",
    "authorise",
    "is_place",
    "user",
]
