"""Permission: a run is held to the policy before it starts, and recorded when it has ended."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiopslab.reports.catalogue import FOLDERS, Template
from aiopslab.reports.record import Record


@contextmanager
def permitted(
    template: Template, parameters: Mapping[str, Any]
) -> Iterator[Callable[[Record], None]]:
    """Run a template in the block, if a policy lets this user run it on these sources.

    Parameters
    ----------
    template, parameters
        What is run; the values are checked.

    Yields
    ------
    Callable
        To be told the record of the run, of which the trail keeps the id, the status, and on which
        data, models and prompts it was made.

    Raises
    ------
    Denied
        If it is not permitted; nothing has been started.
    """
    from aiopslab.governance import Run, doing, is_place

    sources = tuple(
        source
        for parameter in template.parameters
        if not parameter.is_secret
        for source in _texts(parameters[parameter.name])
        if "sources." in parameter.annotation or is_place(source)
    )
    is_ours = template.path.parent in FOLDERS
    name = template.name if is_ours else str(template.path.resolve())
    with doing(Run(name, sources), template=template.digest) as known:
        yield lambda record: known.update(_of(record))


def _of(record: Record) -> dict[str, Any]:
    """Return what the trail keeps of a run, which has no secret in it any more."""
    evidence = {str(each["source"]): str(each["digest"]) for each in record.evidence}
    prompts = sorted(each for each in _texts(record.parameters) if each.startswith("prompts:/"))
    told = {
        "run": record.id,
        "status": record.status,
        "level": record.verdict.level if record.verdict else "",
        "data": {name: digest for name, digest in evidence.items() if not _is_model(name)},
        "model": sorted(filter(_is_model, evidence)),
        "prompt": prompts,
    }
    return {name: value for name, value in told.items() if value}


def _is_model(source: str) -> bool:
    return source.startswith("models:/")


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return _texts([*value.values()])
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
