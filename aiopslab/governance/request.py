"""Request: one question to a policy, and what the subject of a deed is called in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiopslab.governance.schema import Kind

KINDS: dict[str, Kind] = {
    "models": "Model",
    "prompts": "Prompt",
    "indexes": "Index",
    "runbooks": "Runbook",
}


@dataclass(frozen=True)
class Request:
    """One question to a policy.

    Parameters
    ----------
    kind, name
        Of the resource.
    context
        Plain JSON values, as `aiopslab.governance.schema.SCHEMA` has them for the action.
    words
        What is asked for, as it is said after "may not".
    """

    kind: Kind
    name: str
    context: Mapping[str, Any]
    words: str


def resource(subject: str) -> tuple[Kind, str]:
    """Return what a policy calls a subject: its kind and its name.

    Raises
    ------
    PolicyError
        If it is no address of a kind.

    Examples
    --------
    >>> resource("models:/loans"), resource("drift")
    (('Model', 'loans'), ('Template', 'drift'))
    """
    scheme, separator, name = subject.partition(":/")
    if not separator or scheme not in KINDS:
        return "Template", subject
    return KINDS[scheme], name
