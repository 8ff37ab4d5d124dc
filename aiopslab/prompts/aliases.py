"""Aliases: moved to a version of a registered prompt, and moved back."""

from collections.abc import Mapping

from aiopslab.errors import PromptError, did_you_mean
from aiopslab.mlflow_aliases import Aliases, Promotion
from aiopslab.mlflow_server import connect
from aiopslab.prompts.decision import Decision
from aiopslab.prompts.registry import find_prompt, find_version, refusing


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
    with refusing(f"prompts:/{name}@{alias}"):
        client = connect(tracking_uri)
        found = int(find_version(client, name, str(version), None).version)
        return Aliases(client, "prompt", name).promote(alias, found)


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
        client = connect(tracking_uri)
        find_prompt(client, name)
        last = Aliases(client, "prompt", name).last(alias)
    if last is None:
        raise PromptError(
            f"nothing is known of what {alias} of {name} pointed at before",
            "Promote the version that you want; from then on it is known.",
        )
    return last


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
    with refusing(f"prompts:/{promotion.name}@{promotion.alias}"):
        Aliases(connect(tracking_uri), "prompt", promotion.name).roll_back(promotion)
    return promotion


def follow(
    decision: Decision,
    name: str,
    alias: str,
    versions: Mapping[str, int],
    tracking_uri: str | None = None,
    data: str = "",
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
    data
        Digest of the items, for the audit trail.

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
    with refusing(f"prompts:/{name}@{alias}"):
        aliases = Aliases(connect(tracking_uri), "prompt", name)
        move = aliases.promote if decision.choice == "candidate" else aliases.restore
        return move(alias, versions[decision.prompt], data)


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
    with refusing(f"prompts:/{name}@{alias}"):
        Aliases(connect(tracking_uri), "prompt", name).check(alias, tuple(versions.values()))
