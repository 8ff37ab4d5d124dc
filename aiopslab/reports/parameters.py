"""A template's public interface: the typed, commented assignments of its parameters cell."""

import ast
import io
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiopslab.errors import ParameterError, did_you_mean

REQUIRED = ...  # the default of a parameter that has none
EMPTY = {"", "none", "null"}  # what a person types for "no value"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a template.

    Parameters
    ----------
    name
        As it is assigned in the parameters cell.
    annotation
        Its type as it is written there, e.g. ``"Annotated[float, Field(gt=0)]"``.
    default
        A plain value, or ``...`` where one must be given.
    help
        What the comment beside it says.
    """

    name: str
    annotation: str
    default: Any
    help: str

    @property
    def is_required(self) -> bool:
        """Whether a run must name it."""
        return self.default is REQUIRED

    @property
    def is_secret(self) -> bool:
        """Whether it says where a secret is; see `aiopslab.reports.secrets`."""
        return re.search(r"\bSecret\b", self.annotation) is not None

    def adapter(self) -> Any:
        """Return the pydantic validator of its type.

        Raises
        ------
        ParameterError
            If the annotation uses a name that templates do not have.
        """
        from pydantic import TypeAdapter

        try:
            return TypeAdapter(eval(self.annotation, _namespace()))  # noqa: S307  templates are code
        except (NameError, TypeError, SyntaxError) as error:
            raise ParameterError(
                f"parameter {self.name} has the type {self.annotation!r}: {error}",
                f"Use {', '.join(sorted(set(_namespace()) - {'__builtins__'}))}.",
            ) from None

    def kind(self) -> str:
        """Return its type, range and choices in words.

        Examples
        --------
        >>> Parameter("share", "Annotated[float, Field(ge=0, lt=1)] | None", None, "").kind()
        'number, at least 0, below 1, or none'
        """
        return _in_words(self.adapter().json_schema())


WORDS = {
    "array": "list, as JSON",
    "object": "names with values, as JSON",
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
}
FORMATS = {
    "date-time": "time (ISO 8601 with offset)",
    "date": "date",
    "duration": "duration",
    "secret": "secret, as env:NAME, file:PATH or keyring:SERVICE/NAME",
}
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def _in_words(schema: Mapping[str, Any]) -> str:
    """Say a JSON schema as a person would."""
    if "anyOf" in schema:
        choices = [_in_words(each) for each in schema["anyOf"] if each.get("type") != "null"]
        is_optional = len(choices) < len(schema["anyOf"])
        return " or ".join(choices) + (", or none" if is_optional else "")
    if "enum" in schema or "const" in schema:
        return "one of " + ", ".join(map(str, schema.get("enum", [schema.get("const")])))
    kind = str(schema.get("type", "anything"))
    word = FORMATS.get(str(schema.get("format")), WORDS.get(kind, kind))
    bounds = [f"{say} {schema[key]:g}" for key, say in BOUNDS.items() if key in schema]
    return ", ".join([word, *bounds])


def _namespace() -> dict[str, Any]:
    from datetime import date, datetime, timedelta
    from typing import Annotated, Literal

    from pydantic import AwareDatetime, Field

    from aiopslab import durations, sources
    from aiopslab.reports.secrets import Secret

    plain = {each.__name__: each for each in (str, int, float, bool, list, dict)}
    times = {"date": date, "datetime": datetime, "timedelta": timedelta}
    typing = {"Annotated": Annotated, "Literal": Literal, "None": None}
    pydantic = {"AwareDatetime": AwareDatetime, "Field": Field}
    return (
        {"__builtins__": {}, "durations": durations, "sources": sources, "Secret": Secret}
        | plain
        | times
        | typing
        | pydantic
    )


def read(source: str) -> tuple[Parameter, ...]:
    """Read the parameters from the source of a parameters cell.

    Parameters
    ----------
    source
        Assignments of the form ``name: type = default  # help``; without a default the parameter
        is required. Comment lines directly above one belong to its help.

    Raises
    ------
    ParameterError
        If the cell holds anything but such assignments.

    Examples
    --------
    >>> read("rows: int = 10  # How many rows to show")
    (Parameter(name='rows', annotation='int', default=10, help='How many rows to show'),)
    >>> read("ticket: str  # The ticket it belongs to")[0].is_required
    True
    """
    try:
        statements, comments = ast.parse(source).body, _comments(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f"line {error.lineno} of " if isinstance(error, SyntaxError) else ""
        told = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
        raise ParameterError(
            f"{where}the parameters cell cannot be read: {told}",
            "Write `name: type = default  # help`, one a line.",
        ) from None
    found = []
    for statement in statements:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            raise ParameterError(
                f"line {statement.lineno} of the parameters cell is not a typed assignment: "
                f"{ast.unparse(statement)}",
                "Write `name: type = default  # help`, and move everything else to another cell.",
            )
        try:
            default = REQUIRED if statement.value is None else ast.literal_eval(statement.value)
        except ValueError:
            raise ParameterError(
                f"the default of {statement.target.id} is not a plain value",
                "Use a number, text, None, a list or a dict.",
            ) from None
        found.append(
            Parameter(
                statement.target.id,
                ast.unparse(statement.annotation),
                default,
                _help(comments, statement.lineno, statement.end_lineno or statement.lineno),
            )
        )
    return tuple(found)


def _comments(source: str) -> dict[int, tuple[str, bool]]:
    """Return each comment by its line, with whether it stands there alone."""
    lines = source.splitlines()
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: (
            token.string.lstrip("# ").rstrip(),
            lines[token.start[0] - 1].lstrip().startswith("#"),
        )
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _help(comments: Mapping[int, tuple[str, bool]], first: int, last: int) -> str:
    above: list[str] = []
    line = first - 1
    while comments.get(line, ("", False))[1]:
        above.insert(0, comments[line][0])
        line -= 1
    beside, alone = comments.get(last, ("", True))
    return " ".join([*above, *([] if alone or not beside else [beside])])


def validate(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values against the parameters and complete them with the defaults.

    Text is read leniently, as it comes from a command line (``"0.9"`` is a float, ``"none"`` is no
    value); a value of any other type must already have the type of its parameter.

    Parameters
    ----------
    parameters
        What the template takes.
    values
        What was given, by name.

    Returns
    -------
    dict
        A plain JSON value for every parameter.

    Raises
    ------
    ParameterError
        With every misfit on a line of its own: unknown names beside the nearest valid one, missing
        values, wrong types, values out of range.

    Examples
    --------
    >>> rows = read("rows: Annotated[int, Field(gt=0)] = 10")
    >>> validate(rows, {"rows": "25"})
    {'rows': 25}
    >>> validate(rows, {"row": 25})
    Traceback (most recent call last):
    aiopslab.errors.ParameterError: row: there is no such parameter. Did you mean 'rows'?
      → Run `aiopslab run TEMPLATE --help` to see the parameters.
    """
    names = [each.name for each in parameters]
    problems = [
        f"{name}: there is no such parameter. {did_you_mean(name, names)}"
        for name in values
        if name not in names
    ]
    checked = {}
    for parameter in parameters:
        given = values.get(parameter.name, parameter.default)
        if given is REQUIRED:
            problems.append(f"{parameter.name}: a value is required ({parameter.help})")
            continue
        try:
            checked[parameter.name] = _checked(parameter, given)
        except ParameterError as error:
            problems.append(error.problem)
    if problems:
        raise ParameterError(
            "\n".join(problems), "Run `aiopslab run TEMPLATE --help` to see the parameters."
        )
    return checked


def _checked(parameter: Parameter, given: Any) -> Any:
    from pydantic import ValidationError

    from aiopslab.sources.url import holds_credentials

    adapter = parameter.adapter()
    if isinstance(given, str) and given.strip().lower() in EMPTY:
        try:
            return adapter.dump_python(adapter.validate_python(None, strict=True), mode="json")
        except ValidationError:
            pass  # the type has no empty value; let it judge the text itself
    try:
        if isinstance(given, str) and given.lstrip()[:1] in {"[", "{"}:
            value = adapter.validate_json(given)
        else:
            value = adapter.validate_python(given, strict=not isinstance(given, str))
        return adapter.dump_python(value, mode="json")
    except ValidationError as error:
        reasons = "; ".join(dict.fromkeys(_reason(each) for each in error.errors()))
        is_shown = not (isinstance(given, str) and holds_credentials(given))
        shown = repr(given) if is_shown and not parameter.is_secret else "(not shown)"
        raise ParameterError(f"{parameter.name} is {shown}: {reasons}") from None


def _reason(error: Any) -> str:
    """Say it as pydantic does, less the label that it puts before our own messages."""
    message: str = error["msg"]
    return re.sub(r"^(Value error|Assertion failed), ", "", message)
