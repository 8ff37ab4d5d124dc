"""Policy: who may run which template on which source, judged by Cedar before a kernel starts.

A policy is a file of Cedar, or a folder with a ``policy.cedar``; beside it ``groups.yml`` (or
Cedar's ``entities.json``) says who is in which group. What no policy permits is denied, and so is
everything while a file cannot be used: a policy that cannot be judged would else be skipped.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiopslab.governance import groups
from aiopslab.governance.address import NOWHERE, Address, addresses
from aiopslab.governance.audit import Trail
from aiopslab.governance.errors import AuditError, PolicyError
from aiopslab.governance.schema import SCHEMA
from aiopslab.governance.syntax import lines, misfit

FILE, TRAIL = "policy.cedar", "audit.jsonl"
TRAIL_VARIABLE = "AIOPSLAB_AUDIT"


@dataclass(frozen=True)
class Rule:
    """One statement of a policy: its name, the line it stands on, and who answers for it."""

    name: str
    line: int
    owner: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name} (line {self.line})"


@dataclass(frozen=True)
class Decision:
    """What a policy says to one request.

    Parameters
    ----------
    allowed
        Whether the run may start.
    principal, template, sources
        What was asked.
    rules
        The names of those that decided; none where nothing permits it.
    why
        The explanation, a sentence for each source that is denied, or one that says who permits.
    remedy
        Who can change it, and where; empty where it is allowed.
    """

    allowed: bool
    principal: str
    template: str
    sources: tuple[Address, ...]
    rules: tuple[str, ...]
    why: str
    remedy: str = ""


@dataclass(frozen=True)
class Policy:
    """A policy that has been read and found sound.

    Parameters
    ----------
    path
        Of its file.
    text
        Of its file.
    rules
        Its statements, by the id that the engine gives them.
    people
        Who is in which group, and who can change the policy.
    """

    path: Path
    text: str = field(repr=False)
    rules: Mapping[str, Rule] = field(repr=False)
    people: groups.Groups = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Policy":
        """Read a policy, with the groups beside it.

        Raises
        ------
        PolicyError
            If a file is missing, or breaks the grammar or the schema; names line and column.
        """
        file = path / FILE if path.is_dir() else path
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise PolicyError(
                f"cannot read the policy {file}: {error.strerror}; nothing is permitted without it",
                f"Give a file of Cedar policies, or a folder with a {FILE}.",
            ) from None
        except UnicodeDecodeError:
            raise PolicyError(f"the policy {file} is not UTF-8", "Save it as UTF-8.") from None
        return cls(file, text, _rules(text, file), groups.read(file.parent))

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def decide(self, principal: str, template: str, sources: Iterable[str]) -> Decision:
        """Say whether somebody may run a template on some sources.

        Parameters
        ----------
        principal
            The name of the user.
        template
            Its name, or the path of a notebook that is none of the library's.
        sources
            URLs and paths; credentials in them are not passed on. Each is judged on its own, and
            all must be permitted.

        Examples
        --------
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> file = Path(folder.name) / "policy.cedar"
        >>> _ = file.write_text('''@id("samples") permit (principal, action, resource)
        ...     when { context.source.scheme == "sample" };''')
        >>> Policy.read(file).decide("ana", "drift", ["sample://cpu-hog"]).allowed
        True
        >>> Policy.read(file).decide("ana", "drift", ["s3://customers/all.csv"]).allowed
        False
        >>> folder.cleanup()
        """
        from cedarpy import PolicySet, is_authorized_batch

        asked = tuple(each for source in sources for each in addresses(source)) or (NOWHERE,)
        among = [each.to_json() for each in asked]
        requests = [
            {
                "principal": {"type": "User", "id": principal},
                "action": {"type": "Action", "id": "run"},
                "resource": {"type": "Template", "id": template},
                "context": {"source": each, "sources": among},
            }
            for each in among
        ]
        try:
            told = is_authorized_batch(
                requests, PolicySet.from_str(self.text), list(self.people.entities), SCHEMA
            )
        except UnicodeEncodeError:  # half a surrogate, which no text of Cedar's can hold
            raise PolicyError("the request is not Unicode", "Name the source otherwise.") from None
        denied = [
            (address, answer)
            for address, answer in zip(asked, told, strict=True)
            if not answer.allowed or answer.diagnostics.errors
        ]
        decisive = [answer for _, answer in denied] or told
        rules = dict.fromkeys(self.rules[key] for each in decisive for key in _reasons(each))
        if denied:
            why = "\n".join(self._denial(principal, template, *each) for each in denied)
            remedy = self._remedy(tuple(rules))
        else:
            named = ", ".join(map(str, rules))
            why = f"{principal} may run {template}: permitted by {named} of {self.path}"
            remedy = ""
        names = tuple(each.name for each in rules)
        return Decision(not denied, principal, template, asked, names, why, remedy)

    def _denial(self, principal: str, template: str, address: Address, answer: Any) -> str:
        what = f"{principal} may not run {template} on {address}"
        if answer.diagnostics.errors:
            return f"{what}: {'; '.join(answer.diagnostics.errors)}"
        rules = [self.rules[key] for key in _reasons(answer)]
        if not rules:
            within = ", ".join(self.people.of(principal)) or "none"
            return f"{what}: nothing in {self.path} permits it (groups of {principal}: {within})"
        reasons = "".join(f" {each.reason}" for each in rules if each.reason)
        return f"{what}: {', '.join(map(str, rules))} of {self.path} forbids it.{reasons}"

    def _remedy(self, rules: Sequence[Rule]) -> str:
        owners = dict.fromkeys(each.owner for each in rules if each.owner)
        owner = ", ".join(owners) or self.people.owner or _owner(self.path)
        return f"Ask {owner}, who can change {self.path}."


def authorise(principal: str, template: str, sources: Sequence[str], policy: Path | None) -> None:
    """Let a run pass, or refuse it, and record which.

    Parameters
    ----------
    principal
        The name of the user.
    template
        Its name, or the path of a notebook that is none of the library's.
    sources
        What it is told to open.
    policy
        A file or folder; ``None`` where there is no policy, and everything is allowed then.

    Raises
    ------
    PolicyError
        If it is denied, the policy cannot be used, or the decision cannot be recorded. Says which
        policy forbids it, or that none permits it, and who can change that.

    Notes
    -----
    The decision is appended to the audit trail named by ``AIOPSLAB_AUDIT``, else ``audit.jsonl``
    beside the policy.
    """
    if policy is None:
        return
    request = {"principal": principal, "template": template}
    try:
        known = Policy.read(policy)
        decision = known.decide(principal, template, sources)
    except PolicyError as error:
        _record(policy, error, request)
        raise
    refusal = None if decision.allowed else PolicyError(decision.why, decision.remedy)
    asked = [str(each) for each in decision.sources]
    said = {"rules": list(decision.rules), "why": decision.why, "policy": known.digest}
    _record(policy, refusal, request | {"sources": asked} | said)
    if refusal:
        raise refusal


def trail_of(policy: Path) -> Path:
    """Return where decisions of a policy are recorded."""
    told = os.environ.get(TRAIL_VARIABLE)
    return Path(told) if told else (policy if policy.is_dir() else policy.parent) / TRAIL


def _record(policy: Path, refusal: PolicyError | None, content: Mapping[str, Any]) -> None:
    """Record a decision; one that cannot be is a denial."""
    why = {"why": refusal.problem} if refusal else {}
    try:
        decision = "deny" if refusal else "permit"
        Trail(trail_of(policy)).append("run", decision=decision, **{**content, **why})
    except AuditError as error:
        before = f"{refusal.problem}\n" if refusal else ""
        problem = f"{before}the decision cannot be recorded: {error.problem}"
        remedy = refusal.remedy if refusal else f"Name another file by {TRAIL_VARIABLE}."
        raise PolicyError(problem, remedy) from None


def _reasons(answer: Any) -> list[str]:
    return sorted(answer.diagnostics.reasons, key=lambda key: int(key.removeprefix("policy")))


def _rules(text: str, file: Path) -> dict[str, Rule]:
    """Return the statements of a policy, once the engine finds nothing wrong with them."""
    from cedarpy import policies_to_json_str, validate_policies

    place = misfit(text)
    if place is not None:
        raise PolicyError(
            f"the policy {file}, line {place.line}, column {place.column}: {place.problem}; "
            "nothing is permitted until it is mended",
            f"Mend it, and run `aiopslab policy check {file}`.",
        )
    told = json.loads(policies_to_json_str(text))
    rules = {
        f"policy{number}": _rule(number, line, told["staticPolicies"])
        for number, line in enumerate(lines(text))
    }
    wrong = [
        f"{rules.get(each.policy_id, 'it')}: {each.error}"
        for each in validate_policies(text, SCHEMA).errors
    ]
    wrong += [f"{rules[key]}: nothing fills in its ?slot" for key in told["templates"]]
    if wrong:
        raise PolicyError(
            f"the policy {file} says what cannot be: {'; '.join(wrong)}",
            "Users are User in Group, templates are Template, the action is Action run, and "
            "context.source has scheme, host and url.",
        )
    return rules


def _rule(number: int, line: int, told: Mapping[str, Any]) -> Rule:
    notes = told.get(f"policy{number}", {}).get("annotations", {})
    name = notes.get("id") or f"statement {number + 1}"
    return Rule(name, line, notes.get("owner") or "", notes.get("reason") or "")


def _owner(path: Path) -> str:
    try:
        return f"{path.owner()} (the owner of the file)"
    except (OSError, KeyError, NotImplementedError):  # no such file, user or notion
        return "whoever wrote it"
