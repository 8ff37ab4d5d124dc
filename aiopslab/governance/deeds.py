"""Deeds: what somebody is about to do, as a policy is asked about it and the trail names it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from aiopslab.governance.address import NOWHERE, Address, addresses
from aiopslab.governance.canonical import sha256
from aiopslab.governance.errors import PolicyError
from aiopslab.governance.request import Request, resource
from aiopslab.governance.schema import Action, Kind


class Deed(Protocol):
    """What somebody is about to do; every request of it must be permitted."""

    @property
    def action(self) -> Action:
        """As a policy calls it, and the trail."""

    @property
    def subject(self) -> str:
        """What it is done to, without credentials."""

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, by which an approval is bound to it."""

    @property
    def known(self) -> Mapping[str, Any]:
        """What the trail keeps of it, as plain JSON values."""

    def requests(self) -> tuple[Request, ...]:
        """Return what a policy is asked; raises `PolicyError` where that cannot be said."""


class _Digested:
    @property
    def digest(self) -> str:
        told: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        return sha256({"deed": type(self).__name__, **told})


@dataclass(frozen=True)
class Run(_Digested):
    """A template is run on what it is told to open.

    Parameters
    ----------
    template
        Its name, or the path of a notebook that is none of the library's.
    sources
        URLs and paths; each is judged on its own, and what stands before a host or behind a ``?``
        is passed to nobody.
    """

    template: str
    sources: tuple[str, ...] = ()
    action: Literal["run"] = "run"

    @property
    def subject(self) -> str:
        """The template."""
        return self.template

    @property
    def known(self) -> Mapping[str, Any]:
        """Its sources, as a policy sees them; of one that cannot be read, that it is there."""
        try:
            return {"sources": [str(each) for each in self._asked]}
        except PolicyError as error:
            return {"sources": [error.problem]}

    def requests(self) -> tuple[Request, ...]:
        """Return one for each source."""
        among = [each.to_json() for each in self._asked]
        return tuple(
            Request(
                "Template",
                self.template,
                {"source": each.to_json(), "sources": among},
                f"run {self.template} on {each}",
            )
            for each in self._asked
        )

    @cached_property
    def _asked(self) -> tuple[Address, ...]:
        return tuple(each for url in self.sources for each in addresses(url)) or (NOWHERE,)


@dataclass(frozen=True)
class Move(_Digested):
    """An alias of a model, a prompt or an index is pointed at a version, or back at one.

    Parameters
    ----------
    action
        ``promote`` or ``rollback``.
    subject
        ``models:/NAME``, ``prompts:/NAME`` or ``indexes:/NAME``.
    alias
        What is moved, e.g. ``production``; empty where a pipeline moves something else.
    version
        It will point at; empty where the alias goes.

    Examples
    --------
    >>> Move("promote", "models:/loans", "champion", "7").requests()[0].words
    'promote version 7 of models:/loans to champion'
    """

    action: Literal["promote", "rollback"]
    subject: str
    alias: str
    version: str

    @property
    def known(self) -> Mapping[str, Any]:
        """The alias, and the version under the name of what it is a version of."""
        kind, name = self._moved
        return {"alias": self.alias, kind.lower(): f"{name} {self.version}".strip()}

    def requests(self) -> tuple[Request, ...]:
        """Return the one there is."""
        kind, name = self._moved
        what = f"version {self.version}" if self.version else "nothing"
        words = f"roll {self.alias} of {self.subject} back to {what}"
        if self.action == "promote":
            to = f" to {self.alias}" if self.alias else ""
            words = f"promote {what} of {self.subject}{to}"
        return (Request(kind, name, {"alias": self.alias, "version": self.version}, words),)

    @property
    def _moved(self) -> tuple[Kind, str]:
        kind, name = resource(self.subject)
        if kind not in {"Model", "Prompt", "Index"}:
            raise PolicyError(
                f"{self.subject!r} names no model, prompt or index",
                "Write it as models:/NAME, prompts:/NAME or indexes:/NAME.",
            )
        return kind, name


@dataclass(frozen=True)
class Remediation(_Digested):
    """A step of a runbook is done.

    Parameters
    ----------
    runbook
        The action of the catalogue.
    service
        Whom it is done to.
    step
        Digest of the step.
    """

    runbook: str
    service: str
    step: str
    action: Literal["remediate"] = "remediate"

    @property
    def subject(self) -> str:
        """The action of the catalogue, as an address."""
        return f"runbooks:/{self.runbook}"

    @property
    def known(self) -> Mapping[str, Any]:
        """The service and the step."""
        return {"service": self.service, "step": self.step}

    def requests(self) -> tuple[Request, ...]:
        """Return the one there is."""
        words = f"do {self.runbook} for {self.service}"
        return (Request("Runbook", self.runbook, {"service": self.service}, words),)


@dataclass(frozen=True)
class Publication(_Digested):
    """Reports leave for where others read them.

    Parameters
    ----------
    gallery
        They come from.
    to
        A folder or a URL.
    edition
        ``internal`` or ``redacted``.
    outputs
        ``(template, level)`` of what is among them; each is judged on its own.
    runs
        Digest of which runs they are.
    recall_percent
        What the redactor surely takes out of what is planted, rounded down; 0 of an edition that
        was not redacted.
    """

    gallery: str
    to: str
    edition: Literal["internal", "redacted"]
    outputs: tuple[tuple[str, str], ...]
    runs: str
    recall_percent: int = 0
    action: Literal["publish"] = "publish"

    @property
    def subject(self) -> str:
        """The gallery, by its whole path."""
        return str(Path(self.gallery).resolve())

    @property
    def known(self) -> Mapping[str, Any]:
        """The destination without credentials, the edition, which runs, and the recall."""
        told = {"to": str(self._destination), "edition": self.edition, "data": self.runs}
        return told | ({"recall_percent": self.recall_percent} if self.recall_percent else {})

    def requests(self) -> tuple[Request, ...]:
        """Return one for each template and level among them."""
        context = {
            "edition": self.edition,
            "destination": self._destination.to_json(),
            "recall_percent": self.recall_percent,
        }
        to = f"to {self._destination} in the {self.edition} edition"
        return tuple(
            Request("Template", each, {**context, "level": level}, f"publish {each} ({level}) {to}")
            for each, level in self.outputs or (("none", "none"),)
        )

    @property
    def _destination(self) -> Address:
        *_, last = addresses(self.to)
        return last


@dataclass(frozen=True)
class Approving(_Digested):
    """Somebody says that another may do what was denied for want of an approval.

    Parameters
    ----------
    approves
        Which action.
    subject
        It is done to.
    resources
        ``(kind, name)`` of what that asks for; each is judged on its own.
    of
        Digest of the deed.
    reason
        Why, in a line.
    """

    approves: Action
    subject: str
    resources: tuple[tuple[Kind, str], ...]
    of: str
    reason: str
    action: Literal["approve"] = "approve"

    @property
    def known(self) -> Mapping[str, Any]:
        """What is approved, and why."""
        return {"approves": self.approves, "of": self.of, "reason": self.reason}

    def requests(self) -> tuple[Request, ...]:
        """Return one for each resource."""
        return tuple(
            Request(kind, name, {"action": self.approves}, f"approve {self.approves} of {name}")
            for kind, name in self.resources
        )
