"""Aliases: moved to a version of a registered prompt, and moved back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiopslab.errors import PromptError, did_you_mean
from aiopslab.mlflow_server import connect
from aiopslab.prompts.decision import Decision
from aiopslab.prompts.registry import REFUSED, find_prompt, find_version, refusing

if TYPE_CHECKING:
    from mlflow import MlflowClient

_MOVED = re.compile(r"from (none|\d+) to (\d+)")  # what a tag of the prompt says of an alias


@dataclass(frozen=True)
class Promotion:
    """An alias that was moved, and where it was before.

    Parameters
    ----------
    name
        Of the prompt.
    alias
        That was moved.
    version
        It points at now.
    before
        It pointed at; ``None`` where nobody had it.

    Examples
    --------
    >>> print(Promotion("support", "production", 3, 2))
    production of support points at version 3; it pointed at version 2
    """

    name: str
    alias: str
    version: int
    before: int | None

    @property
    def has_moved(self) -> bool:
        """Whether it pointed elsewhere before."""
        return self.before != self.version

    def __str__(self) -> str:
        was = f"version {self.before}" if self.before is not None else "none"
        return f"{self.alias} of {self.name} points at version {self.version}; it pointed at {was}"


def promote(
    name: str, alias: str, version: int | str, tracking_uri: str | None = None
) -> Promotion:
    """Point an alias at a version, and tell what it pointed at before.

    A tag of the prompt keeps that, so that anybody can take it back later; see `last_promotion`.

    Parameters
    ----------
    name
        Of the prompt.
    alias
        E.g. ``production``; not ``latest``, which follows the versions by itself.
    version
        Its number.
    tracking_uri
        Of the MLflow server.

    Raises
    ------
    PromptError
        If there is no such prompt or version, or the server refuses or is not there.
    """
    _check_movable(alias)
    with refusing(f"prompts:/{name}@{alias}"):
        client = connect(tracking_uri)
        found = int(find_version(client, name, str(version), None).version)
        before = _pointed_at(client, name, alias)
        if before != found:
            # Kept first: an alias that was moved can always be moved back.
            client.set_prompt_tag(name, _tag(alias), f"from {before or 'none'} to {found}")
            client.set_prompt_alias(name, alias, found)
    return Promotion(name, alias, found, before)


def last_promotion(name: str, alias: str, tracking_uri: str | None = None) -> Promotion:
    """Return the promotion that `promote` kept last, as `roll_back` takes it.

    Parameters
    ----------
    name, alias
        Of the prompt, and what was moved.
    tracking_uri
        Of the MLflow server.

    Raises
    ------
    PromptError
        If there is no such prompt, nothing is known of an earlier version, or the server refuses or
        is not there.
    """
    with refusing(f"prompts:/{name}@{alias}"):
        kept = find_prompt(connect(tracking_uri), name).tags.get(_tag(alias), "")
    told = _MOVED.fullmatch(kept)
    if told is None:
        raise PromptError(
            f"nothing is known of what {alias} of {name} pointed at before",
            "Promote the version that you want; from then on it is known.",
        )
    before, version = told.groups()
    return Promotion(name, alias, int(version), None if before == "none" else int(before))


def roll_back(promotion: Promotion, tracking_uri: str | None = None) -> Promotion:
    """Point an alias at what it pointed at before; remove it where nobody had it.

    Parameters
    ----------
    promotion
        To take back.
    tracking_uri
        Of the MLflow server.

    Returns
    -------
    Promotion
        What was taken back: the alias points at its `before` again.

    Raises
    ------
    PromptError
        If somebody has moved the alias since, or the server refuses or is not there.
    """
    name, alias = promotion.name, promotion.alias
    with refusing(f"prompts:/{name}@{alias}"):
        client = connect(tracking_uri)
        now = _pointed_at(client, name, alias)
        if now != promotion.version:
            at = f"version {now}" if now is not None else "none"
            raise PromptError(
                f"{alias} of {name} points at {at}, no longer at version {promotion.version}",
                "Somebody has moved it since; promote the version that you want.",
            )
        if promotion.before is None:
            client.delete_prompt_alias(name, alias)
        elif promotion.has_moved:
            client.set_prompt_alias(name, alias, promotion.before)
        if promotion.has_moved:
            _forget(client, name, alias)
    return promotion


def follow(
    decision: Decision,
    name: str,
    alias: str,
    versions: Mapping[str, int],
    tracking_uri: str | None = None,
) -> Promotion | None:
    """Move an alias to where a decision says.

    Parameters
    ----------
    decision
        From `decide`. Only ``candidate`` and ``baseline`` move anything: the first promotes, the
        second rolls back a candidate that the alias points at.
    name, alias
        Of the prompt, and what is to be moved.
    versions
        Numbers in the registry, by the names of the prompts that were compared.
    tracking_uri
        Of the MLflow server.

    Returns
    -------
    Promotion or None
        ``None`` where the decision leaves things as they are.

    Raises
    ------
    PromptError
        If the prompt that was chosen has no number, or the alias points at a version that was not
        compared, so that the decision says nothing of it.
    """
    if decision.choice not in {"candidate", "baseline"}:
        return None
    if decision.prompt not in versions:
        raise PromptError(
            f"the version of {decision.prompt!r} is not known",
            did_you_mean(decision.prompt, list(versions)),
        )
    check_compared(name, alias, versions, tracking_uri)
    moved = promote(name, alias, versions[decision.prompt], tracking_uri)
    if decision.choice == "baseline" and moved.has_moved:  # what was taken back is no way back
        with refusing(f"prompts:/{name}@{alias}"):
            _forget(connect(tracking_uri), name, alias)
    return moved


def check_compared(
    name: str, alias: str, versions: Mapping[str, int], tracking_uri: str | None = None
) -> None:
    """Refuse an alias that `follow` could not move, before a comparison is paid for.

    Parameters
    ----------
    name, alias, versions, tracking_uri
        As in `follow`.

    Raises
    ------
    PromptError
        If the alias points at a version that is not compared, or moves by itself.
    """
    _check_movable(alias)
    with refusing(f"prompts:/{name}@{alias}"):
        at = _pointed_at(connect(tracking_uri), name, alias)
    if at is not None and at not in versions.values():
        raise PromptError(
            f"{alias} of {name} points at version {at}, which was not compared",
            "Compare with what is in use, or promote a version yourself.",
        )


def _check_movable(alias: str) -> None:
    if alias == "latest":
        raise PromptError(
            "alias is 'latest', which follows the versions by itself",
            "Name another, such as production.",
        )


def _tag(alias: str) -> str:
    return f"aiopslab.{alias}.moved"


def _forget(client: "MlflowClient", name: str, alias: str) -> None:
    """Delete what is kept of the last promotion, where there is anything."""
    if _tag(alias) in find_prompt(client, name).tags:
        client.delete_prompt_tag(name, _tag(alias))


def _pointed_at(client: "MlflowClient", name: str, alias: str) -> int | None:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_prompt_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in REFUSED:
            raise
        return None
    return None if found is None else int(found.version)
