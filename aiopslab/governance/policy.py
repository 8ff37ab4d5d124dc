"""Policy: who may do what, judged by Cedar before anything is done.

A policy is a file of Cedar, or a folder with a ``policy.cedar``; beside it ``groups.yml`` (or
Cedar's ``entities.json``) says who is in which group. What no policy permits is denied, and so is
everything while a file cannot be used: a policy that cannot be judged would else be skipped.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiopslab.governance import groups
from aiopslab.governance.deeds import Deed
from aiopslab.governance.errors import PolicyError
from aiopslab.governance.request import Request
from aiopslab.governance.schema import APPROVABLE, SCHEMA
from aiopslab.governance.syntax import lines, misfit

FILE = "policy.cedar"
AT_MOST = 9  # approvals that a rule may ask for


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
    """What a policy says of one deed.

    Parameters
    ----------
    allowed
        Whether it may be done.
    rules
        The names of those that decided; none where nothing permits it.
    why
        The explanation, a sentence for each request that is denied, or one that says who permits.
    remedy
        Who can change it, and where; empty where it is allowed.
    lacks
        How many more approvals would make it allowed; 0 where none would.
    """

    allowed: bool
    rules: tuple[str, ...]
    why: str
    remedy: str = ""
    lacks: int = 0


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

    def decide(self, principal: str, deed: Deed, approvals: int = 0) -> Decision:
        """Say whether somebody may do something.

        Parameters
        ----------
        principal
            The name of the user.
        deed
            All that it asks for must be permitted.
        approvals
            How many others have approved it.

        Raises
        ------
        PolicyError
            If the question cannot be put, such as an address that cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> from aiopslab.governance.deeds import Run
        >>> folder = tempfile.TemporaryDirectory()
        >>> file = Path(folder.name) / "policy.cedar"
        >>> _ = file.write_text('''@id("samples") permit (principal, action == Action::"run",
        ...     resource) when { context.source.scheme == "sample" };''')
        >>> Policy.read(file).decide("ana", Run("drift", ("sample://cpu-hog",))).allowed
        True
        >>> Policy.read(file).decide("ana", Run("drift", ("s3://customers/all.csv",))).allowed
        False
        >>> folder.cleanup()
        """
        requests = deed.requests()
        told = self._told(principal, deed, approvals)
        denied = [
            (request, answer)
            for request, answer in zip(requests, told, strict=True)
            if not _permits(answer)
        ]
        decisive = [answer for _, answer in denied] or told
        rules = dict.fromkeys(self.rules[key] for each in decisive for key in _reasons(each))
        names = tuple(each.name for each in rules)
        if not denied:
            named = ", ".join(map(str, rules))
            why = f"{principal} may {deed.action} {deed.subject}: permitted by {named}"
            return Decision(True, names, f"{why} of {self.path}")
        lacks = self._lacks(principal, deed, approvals)
        why = "\n".join(self._denial(principal, *each) for each in denied)
        if lacks:
            many = "1 approval" if approvals + lacks == 1 else f"{approvals + lacks} approvals"
            why += f" It takes {many} by others and has {approvals}."
        return Decision(False, names, why, self._remedy(tuple(rules)), lacks)

    def _told(self, principal: str, deed: Deed, approvals: int) -> list[Any]:
        """Return what the engine says to each request."""
        from cedarpy import PolicySet, is_authorized_batch

        counted = {"approvals": approvals} if deed.action in APPROVABLE else {}
        asked = [
            {
                "principal": {"type": "User", "id": principal},
                "action": {"type": "Action", "id": deed.action},
                "resource": {"type": each.kind, "id": each.name},
                "context": {**each.context, **counted},
            }
            for each in deed.requests()
        ]
        try:
            told: list[Any] = is_authorized_batch(
                asked, PolicySet.from_str(self.text), list(self.people.entities), SCHEMA
            )
        except UnicodeEncodeError:  # half a surrogate, which no text of Cedar's can hold
            raise PolicyError("the request is not Unicode", "Name the source otherwise.") from None
        return told

    def _lacks(self, principal: str, deed: Deed, approvals: int) -> int:
        if deed.action not in APPROVABLE:
            return 0
        more = range(1, AT_MOST - approvals + 1)
        enough = (all(map(_permits, self._told(principal, deed, approvals + n))) for n in more)
        return next((n for n, is_enough in zip(more, enough, strict=True) if is_enough), 0)

    def _denial(self, principal: str, request: Request, answer: Any) -> str:
        what = f"{principal} may not {request.words}"
        if answer.diagnostics.errors:
            return f"{what}: {'; '.join(answer.diagnostics.errors)}"
        rules = [self.rules[key] for key in _reasons(answer)]
        if not rules:
            within = ", ".join(self.people.of(principal)) or "none"
            return f"{what}: nothing in {self.path} permits it (groups of {principal}: {within})."
        reasons = "".join(f" {each.reason}" for each in rules if each.reason)
        return f"{what}: {', '.join(map(str, rules))} of {self.path} forbids it.{reasons}"

    def _remedy(self, rules: Sequence[Rule]) -> str:
        owners = dict.fromkeys(each.owner for each in rules if each.owner)
        owner = ", ".join(owners) or self.people.owner or _owner(self.path)
        return f"Ask {owner}, who can change {self.path}."


def _permits(answer: Any) -> bool:
    return bool(answer.allowed) and not answer.diagnostics.errors


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
            'Name the action first, such as action == Action::"run": what a rule may ask of the '
            "context depends on it; see docs/governance.md.",
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
