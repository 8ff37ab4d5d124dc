"""Groups: who belongs to which, beside a policy in ``groups.yml`` or Cedar's ``entities.json``."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiopslab.governance.errors import PolicyError

FILE, ENTITIES = "groups.yml", "entities.json"
LARGEST = 1_000_000  # bytes
_EXAMPLE = "Write `groups:` with a list of user names for each group; see docs/governance.md."


@dataclass(frozen=True)
class Groups:
    """The people that a policy speaks of.

    Parameters
    ----------
    entities
        As Cedar takes them.
    owner
        Who can change the policy, in words; empty where nobody said.
    """

    entities: tuple[dict[str, Any], ...] = ()
    owner: str = ""

    def of(self, principal: str) -> list[str]:
        """Return the groups that a user is in by name, sorted."""
        user = {"type": "User", "id": principal}
        parents = [each["parents"] for each in self.entities if each["uid"] == user]
        return sorted(each["id"] for found in parents for each in found)


def read(folder: Path) -> Groups:
    """Read the groups beside a policy; none where there is no file of them.

    Raises
    ------
    PolicyError
        If a file cannot be read, or both are there.
    """
    plain, cedar = folder / FILE, folder / ENTITIES
    if plain.exists() and cedar.exists():
        raise PolicyError(
            f"{folder} has both {FILE} and {ENTITIES}", "Keep one of them; both say who is where."
        )
    if plain.exists():
        return _plain(plain)
    return Groups(_cedar(cedar)) if cedar.exists() else Groups()


def _plain(path: Path) -> Groups:
    import yaml

    try:
        told = yaml.safe_load(_text(path)) or {}
    except yaml.YAMLError as error:
        raise PolicyError(f"{path} is not YAML: {error}", _EXAMPLE) from None
    unknown = set(told) - {"groups", "owner"} if isinstance(told, dict) else {"…"}
    if unknown:
        raise PolicyError(f"{path}: expected `groups` and `owner` and nothing else", _EXAMPLE)
    groups, owner = told.get("groups") or {}, told.get("owner") or ""
    if not isinstance(groups, dict) or not isinstance(owner, str):
        raise PolicyError(f"{path}: `groups` holds names with lists, `owner` a text", _EXAMPLE)
    members: dict[str, list[str]] = {}
    for group, names in groups.items():
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise PolicyError(f"{path}: {group} is not a list of user names", _EXAMPLE)
        for name in names:
            members.setdefault(name, []).append(str(group))
    users = (_entity("User", name, within) for name, within in members.items())
    return Groups((*users, *(_entity("Group", str(group), []) for group in groups)), owner)


def _entity(kind: str, name: str, groups: list[str]) -> dict[str, Any]:
    parents = [{"type": "Group", "id": each} for each in dict.fromkeys(groups)]
    return {"uid": {"type": kind, "id": name}, "attrs": {}, "parents": parents}


def _cedar(path: Path) -> tuple[dict[str, Any], ...]:
    """Read Cedar's own format by its engine, which writes every name in the one form."""
    from cedarpy import Entities

    from aiopslab.governance.schema import SCHEMA

    try:
        known = json.loads(str(Entities.from_json_str(_text(path), schema=SCHEMA)))
    except ValueError as error:
        raise PolicyError(
            f"{path} is not a list of entities: {error}",
            "Name users in groups: User in Group, and what the schema has besides.",
        ) from None
    return tuple(each for each in known if each["uid"]["type"] != "Action")  # the schema's own


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise PolicyError(f"{path} has more than {LARGEST:,} bytes", "Shorten it.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(f"cannot read {path}: {error.strerror}", "Check the path.") from None
    except UnicodeDecodeError:
        raise PolicyError(f"{path} is not UTF-8", "Save it as UTF-8.") from None
