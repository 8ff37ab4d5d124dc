"""Plan: a YAML file of reports and their parameters, checked as a whole before anything runs."""

import difflib
import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from aiopslab import yaml_file
from aiopslab.errors import AIOpsLabError, ParameterError, did_you_mean
from aiopslab.plans.delivery import is_url
from aiopslab.plans.jobs import Job, expand, listed
from aiopslab.plans.plan_settings import Entry, Head
from aiopslab.reports.catalogue import Template, find

REPORTS = "reports"
READ_ONLY = {"file", "local", "http", "https", "data"}  # the first two are folders
_AT_HOME = threading.Lock()  # a process has one working directory
Place = tuple[Hashable, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Parameters
    ----------
    path
        Of its file. Relative paths in it are relative to the folder that it is in.
    head
        What holds for all entries.
    entries, templates
        One for each, in the order of the file.
    is_part
        Whether it is only some of the entries of its file, see `only`.
    """

    path: Path
    head: Head
    entries: tuple[Entry, ...]
    templates: tuple[Template, ...]
    is_part: bool = False

    @property
    def name(self) -> str:
        """What records and units call it."""
        return self.path.stem

    @property
    def folder(self) -> Path:
        """Which relative paths are relative to."""
        return self.path.absolute().parent

    @property
    def output(self) -> str:
        """Folder or URL of the reports."""
        return self.head.output if is_url(self.head.output) else str(self.folder / self.head.output)

    def jobs(self, now: datetime) -> tuple[Job, ...]:
        """Return what it comes to at a time, in the order of the file.

        Raises
        ------
        ParameterError
            If a value does not fit, which depends on the time only where times relative to it do.
        """
        numbered = enumerate(zip(self.entries, self.templates, strict=True))
        with _AT_HOME, chdir(self.folder):
            return tuple(
                job
                for number, (entry, template) in numbered
                for job in expand(self.head, entry, number, template, self.name, now)
            )

    def only(self, names: Sequence[str]) -> "Plan":
        """Return the plan with some of its entries, by their name or that of their template.

        Raises
        ------
        ParameterError
            If none is called so.
        """
        labels = [{each.name, each.template} - {None} for each in self.entries]
        for name in names:
            if not any(name in each for each in labels):
                known = sorted({str(label) for each in labels for label in each})
                raise ParameterError(
                    f"{self.path} has no report {name!r}. {did_you_mean(name, known)}",
                    f"Run `aiopslab run-all {self.path} --dry-run` to see what it has.",
                )
        kept = [at for at, each in enumerate(labels) if each & set(names)]
        entries = tuple(self.entries[at] for at in kept)
        templates = tuple(self.templates[at] for at in kept)
        return replace(self, entries=entries, templates=templates, is_part=True)


def load(path: Path) -> Plan:
    """Read a plan.

    Raises
    ------
    ParameterError
        With all that is wrong with it, each with its line: keys and types, templates that are not
        there, values that do not fit their parameters, the same report twice, an output outside
        the folder of the plan.
    """
    document = yaml_file.read(path)
    raw = document.value
    if not isinstance(raw, dict):
        raise ParameterError(
            f"{path} holds {'nothing' if raw is None else 'no names with values'}; expected a plan",
            "Write `reports:` and under it one `- template: NAME` for each.",
        )
    problems: list[tuple[Place, str]] = []
    head = _valid(Head, {key: each for key, each in raw.items() if key != REPORTS}, (), problems)
    listed = raw.get(REPORTS)
    if not isinstance(listed, list) or not listed:
        problems.append(((REPORTS,), "expected a list of at least one report"))
        listed = []
    folder = path.absolute().parent
    entries: list[Entry] = []
    templates: list[Template] = []
    jobs: dict[str, int] = {}
    for at, each in enumerate(listed):
        place = (REPORTS, at)
        entry = _valid(Entry, each, place, problems)
        template = _template(entry.template, folder, place, problems) if entry else None
        if entry is None or template is None:
            continue
        if entry.schedule and entry.name is None:
            problems.append(((*place, "schedule"), "what has a schedule needs a name, too"))
        if entry.name is not None and entry.name in [each.name for each in entries]:
            problems.append(((*place, "name"), f"there is another {entry.name!r}"))
        entries.append(entry)
        templates.append(template)
        problems += _misfits(head or Head(), entry, at, template, folder, jobs)
    if head:
        problems += [(("output",), each) for each in _outside(head.output, folder)]
    if problems or head is None:
        raise ParameterError(_told(path, document, problems), "Nothing was started.")
    return Plan(path, head, tuple(entries), tuple(templates))


def _valid(
    model: type[Model], raw: Any, place: Place, problems: list[tuple[Place, str]]
) -> Model | None:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False):
            problems.append(((*place, *each["loc"]), _reason(model, each)))
    return None


def _reason(model: type[BaseModel], error: Any) -> str:
    """Say what is wrong, and what was probably meant."""
    if error["type"] == "extra_forbidden":
        known = _keys(model, error["loc"][:-1])
        if model is Head:
            known = [*known, REPORTS]
        return f"there is no such key. {did_you_mean(str(error['loc'][-1]), known)}"
    if error["type"] == "missing":
        return "is missing"
    if error["type"] in {"model_type", "model_attributes_type"}:
        return f"expected names with values, got {error['input']!r:.60}"
    if error["type"] == "value_error":  # it names the value itself
        return str(error["msg"]).removeprefix("Value error, ")
    message = str(error["msg"])
    return f"{message[0].lower()}{message[1:]}, got {error['input']!r:.60}"


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """Return the keys that a place in a model may have."""
    for part in place:
        field = model.model_fields.get(str(part))
        inner = next(_models(field.annotation), None) if field else None
        model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


def _template(
    name: str, folder: Path, place: Place, problems: list[tuple[Place, str]]
) -> Template | None:
    try:
        return find(str(folder / name) if name.endswith(".ipynb") else name)
    except AIOpsLabError as error:
        problems.append(((*place, "template"), error.problem))
    return None


def _misfits(
    head: Head,
    entry: Entry,
    number: int,
    template: Template,
    folder: Path,
    seen: dict[str, int],
) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the jobs of an entry; note them among those that were seen."""
    place = (REPORTS, number)
    try:
        with _AT_HOME, chdir(folder):
            jobs = expand(head, entry, number, template, "", datetime.now(UTC))
    except ParameterError as error:
        for line in listed(error):
            yield _place_of(line, entry, place), line
        return
    for job in jobs:
        first = seen.setdefault(job.origin.series, number)
        if first != number:
            yield place, f"is the same series as {REPORTS}[{first}]: {job.origin.series}"
            return


def _place_of(problem: str, entry: Entry, place: Place) -> Place:
    """Return the place of the parameter that a problem begins with."""
    section, separator, rest = problem.partition(".")
    word = (rest if separator and section == "matrix" else problem).split()[0].rstrip(":")
    within = "matrix" if section == "matrix" and separator else "parameters"
    return (*place, within, word) if word in getattr(entry, within) else (*place, within)


def _outside(output: str, folder: Path) -> Iterator[str]:
    """Yield why an output is none: outside of the folder of the plan, or at an unknown place."""
    from fsspec import available_protocols

    from aiopslab.sources.url import holds_credentials

    if not is_url(output):
        if not (folder / output).resolve().is_relative_to(folder.resolve()):
            yield (
                f"{output} is outside of the folder of the plan; "
                "name one inside of it, or give another with -o"
            )
        return
    scheme = output.partition("://")[0]
    known = sorted(set(available_protocols()) - READ_ONLY)
    if scheme not in known:
        near = difflib.get_close_matches(scheme, known, n=1)
        meant = f"did you mean {near[0]}://?" if near else "give a folder or, say, s3://BUCKET/PATH"
        yield f"reports cannot be put to {scheme}://; {meant}"
    if holds_credentials(output):
        yield "the URL holds credentials, which belong in the environment"


def _told(path: Path, document: yaml_file.Document, problems: list[tuple[Place, str]]) -> str:
    """Tell all problems in the order of their lines."""
    lines = []
    for place, text in problems:
        where = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in document.known(place)
        ).lstrip(".")
        lines.append((document.line(place), f"{where}: {text}" if where else text))
    counted = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
    told = (f"  line {line}: {text}" for line, text in sorted(lines))
    return "\n".join([f"{path} has {counted}:", *told])
