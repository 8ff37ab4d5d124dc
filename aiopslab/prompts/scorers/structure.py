"""Structure: outputs that have to be JSON of a given schema."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aiopslab.errors import ParameterError
from aiopslab.prompts.scorers.score import Score, Scorer, unparsed

_FENCE = re.compile(r"```(?:json[c5]?)?[ \t]*\n(.*?)```", re.S | re.I)
_BEGINNING = re.compile(r"[\[{]")
_TRIES = 20  # at beginnings in prose, so that a page of braces takes no time


def json_schema(schema: Mapping[str, Any], *, strict: bool = False) -> Scorer:
    """Score 1 where the output is JSON that fits a schema.

    Parameters
    ----------
    schema
        In JSON Schema; of the draft that its ``$schema`` names, else the latest.
    strict
        Whether the output must be nothing but JSON. Otherwise it may stand in a fence, or in prose.

    Returns
    -------
    Scorer
        0 where the JSON does not fit, with the place and the rule that is broken. An output without
        JSON is unparsed; a strict scorer gives it 0, since that is what was asked for.

    Raises
    ------
    ParameterError
        If the schema is none.

    Examples
    --------
    >>> scorer = json_schema({"type": "object", "required": ["label"]})
    >>> scorer('Sure: {"label": "spam"}', {}).value, scorer('{"labels": []}', {}).note
    (1.0, 'breaks required at the top')
    """
    from jsonschema.exceptions import SchemaError, best_match
    from jsonschema.validators import validator_for

    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ParameterError(f"the schema is none: {error.message}", "Mend it.") from None
    validator = kind(schema)

    def score(output: str, item: Mapping[str, Any]) -> Score:
        try:
            read = _loaded(output) if strict else read_json(output)
        except ValueError:
            return Score(0.0, note="is no JSON") if strict else unparsed("no JSON in the output")
        error = best_match(validator.iter_errors(read))
        if error is None:
            return Score(1.0)
        place = "/".join(map(str, error.absolute_path)) or "the top"
        return Score(0.0, note=f"breaks {error.validator} at {place}")

    return score


def read_json(output: str) -> Any:
    """Return the JSON in an output: all of it, that in its last fence, or the first in its prose.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> read_json('The answer is {"a": 1}, I think.')
    {'a': 1}
    """
    try:
        return _loaded(output)
    except ValueError:
        pass
    for fenced in reversed(_FENCE.findall(output)):
        try:
            return _loaded(fenced)
        except ValueError:
            continue
    return next(_in_prose(output))


def _in_prose(output: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_constant=_refused)
    for beginning in list(_BEGINNING.finditer(output))[:_TRIES]:
        try:
            yield decoder.raw_decode(output, beginning.start())[0]
        except (ValueError, RecursionError):
            continue
    raise ValueError("no JSON")


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refused)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
