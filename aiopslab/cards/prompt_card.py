"""The card of a prompt: what MLflow keeps of a version, and who judged and approved it."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiopslab.cards.card import FACTS, UNKNOWN, Card, Section
from aiopslab.cards.deeds import approvals, deeds, moves
from aiopslab.cards.gates import passed
from aiopslab.cards.registered import addresses, limits_of, refusing, tagged, when
from aiopslab.cards.reports import Judged, judged
from aiopslab.mlflow_aliases import Aliases
from aiopslab.mlflow_server import connect

if TYPE_CHECKING:
    from mlflow.entities.model_registry import PromptVersion

_ADDRESS = re.compile(r"prompts:/([^/@\s]+)(?:@([^/@\s]+)|/(\d+))")


def card_of_prompt(
    uri: str,
    *,
    gallery: Path | None = None,
    trail: Path | None = None,
    decisions: Sequence[Path] = (),
    tracking_uri: str | None = None,
) -> Card:
    """Make the card of a version of a prompt.

    Parameters
    ----------
    uri
        ``prompts:/NAME@ALIAS`` or ``prompts:/NAME/VERSION``.
    gallery, trail, decisions, tracking_uri
        As of `card_of_model`.

    Returns
    -------
    Card

    Raises
    ------
    PromptError
        If there is no such version, or the server is not there.
    ReportError, AuditError
        If there is no such gallery, file or trail, or the trail was changed.
    """
    from aiopslab.prompts.registry import find_prompt, number_of, open_prompt

    name, number = number_of(uri, tracking_uri)
    prompt = open_prompt(f"prompts:/{name}/{number}", tracking_uri)
    with refusing(uri):
        client = connect(tracking_uri)
        found = find_prompt(client, name)
        versions = sorted(client.search_prompt_versions(name), key=lambda each: -int(each.version))
        held = client.get_prompt_version(name, number)
        aliases = tuple(held.aliases or ())
        last = [
            str(each)
            for alias in aliases
            if (each := Aliases(client, "prompt", name).last(alias)) is not None
        ]
    said = judged(gallery, lambda each: _is_version(each, name, number, aliases))
    done = deeds(trail, "prompt", name)
    tags = {**(found.tags or {}), **(held.tags or {})}
    facts = (
        ("name and version", f"{name} {number}"),
        ("aliases", ", ".join(aliases) or "none"),
        ("registered", f"{when(held.creation_timestamp)} UTC"),
        ("why it was changed", held.commit_message or UNKNOWN),
        ("reads", ", ".join(prompt.variables) or "nothing"),
        ("digest of messages and parameters", prompt.version),
    )
    parameters = tuple(
        (key, json.dumps(value, ensure_ascii=False)) for key, value in prompt.parameters.items()
    )
    texts = tuple((str(each["role"]), str(each["content"])) for each in prompt.messages)
    return Card.of(
        "prompt",
        name,
        str(number),
        str(held.commit_message or f"Nobody has described {name} {number}."),
        (
            Section("What it is", FACTS, facts),
            Section("Messages", (), (), texts=texts),
            Section("Parameters", FACTS, parameters, "None: it leaves them to the run."),
            Section(
                "Versions",
                ("version", "registered (UTC)", "aliases", "why it was changed"),
                tuple(_version(each, number) for each in versions),
            ),
            moves(trail, done, "; ".join(last)),
            _data(said),
            Section(
                "Metrics",
                ("metric", "value", "interval", "report"),
                tuple(said.measures()),
                "Not known: no report has measured it.",
            ),
            passed(tags, decisions, addresses("prompts:/", name, number, aliases)),
            limits_of(tags, said),
            approvals(trail, done),
            said.reports(),
            Section("Further tags", FACTS, tagged(tags)),
        ),
    )


def _version(each: "PromptVersion", number: int) -> tuple[str, ...]:
    own = " (this one)" if int(each.version) == number else ""
    aliases = ", ".join(each.aliases or ())
    told = str(each.commit_message or "")
    return f"{each.version}{own}", when(each.creation_timestamp), aliases, told


def _data(said: Judged) -> Section:
    """Return what it was evaluated on, as the reports were told."""
    rows: dict[tuple[str, ...], None] = {}
    for run in said.runs:
        items = run.parameters.get("items")
        digests = [str(each.get("digest", ""))[:16] for each in run.evidence]
        if items:
            rows[("evaluation", str(items), ", ".join(filter(None, digests)) or UNKNOWN)] = None
    return Section(
        "Data",
        ("used for", "data set", "digest"),
        tuple(rows),
        "Not known: no report says what it was evaluated on.",
    )


def _is_version(address: Any, name: str, number: int, aliases: tuple[str, ...]) -> bool:
    """Tell whether an address is of the version, by number or by an alias that it has now."""
    named = _ADDRESS.fullmatch(str(address))
    if named is None or named[1] != name:
        return False
    return named[3] == str(number) or named[2] in aliases
