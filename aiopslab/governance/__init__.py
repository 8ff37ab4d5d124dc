"""Governance: who may do what, asked before it is done, and a trail of what was asked and done."""

from aiopslab.governance.address import is_place
from aiopslab.governance.approval import Approval
from aiopslab.governance.audit import Trail, record
from aiopslab.governance.authorisation import approve, authorise, doing
from aiopslab.governance.deeds import Move, Publication, Remediation, Run
from aiopslab.governance.errors import AuditError, Denied, PolicyError
from aiopslab.governance.policy import Decision, Policy
from aiopslab.governance.principal import user

__all__ = [
    "Approval",
    "AuditError",
    "Decision",
    "Denied",
    "Move",
    "Policy",
    "PolicyError",
    "Publication",
    "Remediation",
    "Run",
    "Trail",
    "approve",
    "authorise",
    "doing",
    "is_place",
    "record",
    "user",
]
