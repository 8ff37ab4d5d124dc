"""Rerun: repeat a report from its own page or notebook, and say beforehand what is not as it was.

A report may come from anybody. Of what is in it only the values of parameters are used, and they
are checked as any others are. The code that runs is that of a template which is here.
"""

import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from aiopslab.comparison.changes import NOTHING, Change
from aiopslab.errors import AIOpsLabError, ParameterError, ReportError, SourceError
from aiopslab.reports.catalogue import Template, load, templates
from aiopslab.reports.parameters import validate
from aiopslab.reports.record import Record

# What has one of these was opened as it is kept; what others read is only known by its own digest.
TELEMETRY = {"metrics", "logs", "spans", "alerts", "changes", "topology"}
UNKNOWN = "?"
_TAKEN_OUT = re.compile(r"\[secret[ :][^\]]*\]")  # what a scan puts in the place of a secret
JOINED = " + "  # between the sources of evidence that was joined


@dataclass(frozen=True)
class Outlook:
    """What a repetition would run, and what is not as it was.

    Parameters
    ----------
    record
        Of the report that is repeated.
    template
        That is here under its name, or was given.
    values
        Of the parameters.
    changes
        Of template, parameters, data and versions, also what is the same.
    """

    record: Record
    template: Template
    values: Mapping[str, Any]
    changes: tuple[Change, ...]

    @property
    def differs(self) -> bool:
        """Whether template, parameters or data differ: another result is no surprise then."""
        return any(each.differs and each.part != "versions" for each in self.changes)


def examine(
    record: Record, template: Path | None, given: Mapping[str, Any], *, opening: bool
) -> Outlook:
    """Find out what a repetition would run, and what is not as it was.

    Parameters
    ----------
    record
        Of a report; where it comes from does not matter.
    template
        The notebook to run; ``None`` for the library's of the same name.
    given
        Parameters that take the place of the report's.
    opening
        Whether to open telemetry and take its digest, which takes as long as reading it.

    Raises
    ------
    ReportError
        If no such template is here.
    ParameterError
        If the parameters no longer fit, or a reference to a secret has to be given again.
    """
    found = load(template) if template is not None else _ours(record)
    values = validate(found.parameters, {**record.parameters, **given})
    _check_secrets(found, record, values, given)
    changes = (
        *_template(record, found),
        *_parameters(record, values),
        *(_data(each, record, opening) for each in record.evidence),
        *_versions(record),
    )
    return Outlook(record, found, values, changes)


def _ours(record: Record) -> Template:
    """Return the library's template of a name, and never a path that a report names."""
    known = {each.name: each for each in templates()}
    if record.template not in known:
        raise ReportError(
            f"the report is of a template {record.template!r}, which is not one of the library's",
            f"Give its notebook with --template PATH; its sha256 was {record.template_digest}.",
        )
    return known[record.template]


def _check_secrets(
    template: Template, record: Record, values: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Refuse what was a secret, and references that only the report names.

    A report could ask for any secret of this machine.
    """
    for each in template.parameters:
        if each.name not in given and _TAKEN_OUT.search(json.dumps(values[each.name])):
            raise ParameterError(
                f"the value of {each.name} held a secret, which was taken out of the report",
                f"Give it again: -p {each.name}=VALUE.",
            )
        is_own = values[each.name] in (each.default, None)
        if each.is_secret and each.name not in given and not is_own:
            raise ParameterError(
                f"{each.name} is a secret, for which the report refers to "
                f"{record.parameters.get(each.name)}; a reference is not taken from a report",
                f"Give it again, if that is the one you mean: -p {each.name}=REFERENCE.",
            )


def _template(record: Record, found: Template) -> Iterator[Change]:
    digests = record.template_digest[:12], found.digest[:12]
    same = record.template_digest == found.digest
    note = "" if same else f"changed since, or another of this name: {found.path}"
    yield Change("template", found.name, *digests, not same, note)


def _parameters(record: Record, values: Mapping[str, Any]) -> Iterator[Change]:
    for name, value in values.items():
        before = record.parameters.get(name, NOTHING)
        yield Change("parameters", name, str(before), str(value), before != value)


def _versions(record: Record) -> Iterator[Change]:
    for name, before in record.versions.items():
        now = platform.python_version() if name == "python" else _version(name)
        yield Change("versions", name, before, now, before != now)


def _version(package: str) -> str:
    try:
        return version(package)
    except (PackageNotFoundError, ValueError):
        return NOTHING


def _data(evidence: Mapping[str, Any], record: Record, opening: bool) -> Change:
    """Hold evidence against what is at its address now, as far as that can be told."""
    source, before = str(evidence["source"]), f"sha256 {evidence['digest'][:12]}"
    parts = source.split(JOINED)
    gone = next(filter(None, map(_gone, parts)), "")
    if gone:
        return Change("data", source, before, NOTHING, True, gone)
    if opening and TELEMETRY & set(evidence["frames"]) and all(map(_is_local, parts)):
        return _opened(evidence, parts, before)
    written = max(filter(None, map(_written, parts)), default=None)
    if written and written > datetime.fromisoformat(record.started):
        note = f"written {written:%Y-%m-%d %H:%M} UTC, after the report"
        return Change("data", source, before, UNKNOWN, True, note)
    return Change("data", source, before, UNKNOWN, False, "held against it when it is opened")


def _opened(evidence: Mapping[str, Any], parts: Sequence[str], before: str) -> Change:
    from aiopslab import sources

    source = str(evidence["source"])
    window = evidence.get("start"), evidence.get("end")
    try:
        first, *others = (sources.open(each, *window) for each in parts)
        digest = first.joined(*others).digest
    except AIOpsLabError as error:
        return Change("data", source, before, NOTHING, True, error.problem)
    same = digest == evidence["digest"]
    note = "" if same else "there is other data at this address now"
    return Change("data", source, before, f"sha256 {digest[:12]}", not same, note)


def _is_local(source: str) -> bool:
    from aiopslab.sources import files

    scheme = files.scheme(source)
    return scheme in {"file", "sample"} or scheme.endswith("+file")


def _gone(source: str) -> str:
    """Say why a local source is not there; empty where it is, or is not local."""
    from aiopslab.sources import check

    if not _is_local(source):
        return ""
    try:
        check(source)
    except SourceError as error:
        return error.problem
    return ""


def _written(source: str) -> datetime | None:
    """Return when a local file, or the newest in a folder, was written last."""
    path = Path(source.partition("://")[2] or source)
    try:
        files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        newest = max(each.stat().st_mtime for each in files)
    except (OSError, ValueError):
        return None
    return datetime.fromtimestamp(newest, UTC)
