"""Template: the text of a prompt with variables, filled in where nothing else can be reached.

Templates come from files and registries that others write to. They may use values of the item,
conditions, loops and the filters listed here; all else of Jinja is refused before anything is
rendered. What is left cannot call Python, and each loop, filter and piece of text is counted, so
that no template runs for ever or fills the memory.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any

from aiopslab.errors import did_you_mean

if TYPE_CHECKING:
    import jinja2
    from jinja2 import nodes

LARGEST = 2_000_000  # characters of a text
STEP = 10  # characters that a step of a loop counts as
ALLOWED = frozenset(
    (
        *("Template", "Output", "TemplateData", "Name", "Const", "Getattr", "Getitem", "Slice"),
        *("If", "For", "CondExpr", "Compare", "Operand", "And", "Or", "Not", "Test", "Filter"),
        *("Keyword", "List", "Tuple", "Add", "Sub", "Neg", "Call"),
    )
)
METHODS = frozenset(("items", "keys", "values", "strip", "lower", "upper"))
FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": lambda value: str(value).capitalize(),
    "first": lambda value: next(iter(value), ""),
    "float": float,
    "int": int,
    "items": lambda value: value.items(),
    "join": lambda value, separator="": _short(separator).join(map(str, value)),
    "last": lambda value: list(value)[-1] if value else "",
    "length": len,
    "lower": lambda value: str(value).lower(),
    "round": lambda value, digits=0: round(float(value), digits),
    "sort": sorted,
    "string": str,
    "title": lambda value: str(value).title(),
    # Jinja's own writes < as \u003c, for web pages; a model should see what stands there.
    "tojson": lambda value: json.dumps(value, ensure_ascii=False, default=str),
    "trim": lambda value: str(value).strip(),
    "truncate": lambda value, length=255: str(value)[:length],
    "upper": lambda value: str(value).upper(),
}
_left: ContextVar[int] = ContextVar("left")


class TemplateError(ValueError):
    """A template that cannot be read, does not fit its values, or reaches for more than it may."""


def variables(source: str) -> set[str]:
    """Return the variables that a template needs.

    Raises
    ------
    TemplateError
        If it cannot be read, or uses what a prompt has no need of.

    Examples
    --------
    >>> sorted(variables("{% for each in examples %}{{ each }}{% endfor %}{{ text }}"))
    ['examples', 'text']
    """
    from jinja2 import meta

    return set(meta.find_undeclared_variables(_read(source))) - {"range"}


def render(source: str, values: Mapping[str, Any]) -> str:
    """Return a template with its variables filled in.

    Parameters
    ----------
    source
        The template.
    values
        By the names of the variables. A missing value (``None``, NaN) may be asked about, and is
        an error where it would be written.

    Raises
    ------
    TemplateError
        If it does not fit the values, is stopped, or becomes larger than any model reads.

    Examples
    --------
    >>> render("{{ text }}{% if hint %} ({{ hint }}){% endif %}", {"text": "Why?", "hint": None})
    'Why?'
    """
    known = {name: None if _is_missing(value) else value for name, value in values.items()}
    before = _left.set(LARGEST)
    try:
        parts = []
        for part in _compiled(source).generate(known):
            _count(len(part))
            parts.append(part)
        return "".join(parts)
    except TemplateError:
        raise
    except Exception as error:  # of whatever kind: templates and values are not ours
        raise TemplateError(str(error) or type(error).__name__) from None
    finally:
        _left.reset(before)


@lru_cache(maxsize=256)
def _compiled(source: str) -> "jinja2.Template":
    from jinja2 import Template

    environment = _environment()
    tree = _counted(_read(source))
    code = environment.compile(tree)
    return Template.from_code(environment, code, dict(environment.globals))


def _read(source: str) -> "nodes.Template":
    """Return what a template consists of, where all of it is allowed."""
    from jinja2 import TemplateSyntaxError, nodes

    try:
        tree = _environment().parse(source)
    except (TemplateSyntaxError, RecursionError) as error:
        line = f"line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
        raise TemplateError(f"{line}{error}") from None
    for node in tree.find_all(nodes.Node):
        _check(node)
    return tree


def _check(node: "nodes.Node") -> None:
    from jinja2 import nodes

    kind = type(node).__name__
    if kind not in ALLOWED or (isinstance(node, nodes.For) and node.recursive):
        raise TemplateError(f"line {node.lineno}: {kind} is nothing that a prompt has need of")
    if isinstance(node, nodes.Filter) and node.name not in (*FILTERS, "default", "d"):
        raise TemplateError(
            f"line {node.lineno}: no filter {node.name!r}. {did_you_mean(node.name, [*FILTERS])}"
        )
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise TemplateError(f"line {node.lineno}: {node.attr!r} is behind the values of an item")
    is_list = isinstance(node, nodes.List) or (isinstance(node, nodes.Tuple) and node.ctx == "load")
    # Lists of lists of values would grow by powers.
    if is_list and not all(isinstance(each, nodes.Const) for each in node.iter_child_nodes()):
        raise TemplateError(f"line {node.lineno}: a list holds nothing but texts and numbers")
    if isinstance(node, nodes.Call):
        called = node.node
        is_range = isinstance(called, nodes.Name) and called.name == "range"
        is_method = isinstance(called, nodes.Getattr) and called.attr in METHODS
        if not (is_range or is_method):
            raise TemplateError(
                f"line {node.lineno}: a prompt calls nothing but range and "
                f"{', '.join(sorted(METHODS))}; use a filter"
            )


def _counted(tree: "nodes.Template") -> "nodes.Template":
    """Return a template whose loops count their steps."""
    from jinja2 import nodes

    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "_steps", [], [], None, None, lineno=loop.lineno)
    return tree


@lru_cache(maxsize=1)
def _environment() -> "jinja2.Environment":
    from jinja2 import StrictUndefined, filters
    from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range

    class Environment(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset("+-")

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if not all(isinstance(each, int | float) for each in (left, right)):
                raise TemplateError("only numbers are added; write texts one after the other")
            return super().call_binop(context, operator, left, right)

    environment = Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, finalize=_written
    )
    environment.globals = {"range": safe_range}
    environment.filters = {name: _bounded(each) for name, each in FILTERS.items()}
    environment.filters |= {"default": filters.do_default, "d": filters.do_default}
    environment.filters["_steps"] = _steps
    return environment


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that counts what it makes."""

    @wraps(function)
    def bounded(*values: Any, **named: Any) -> Any:
        made = function(*values, **named)
        _count(len(made) if hasattr(made, "__len__") else 1)
        return made

    return bounded


def _steps(values: Any) -> Iterator[Any]:
    for each in values:
        _count(STEP)
        yield each


def _count(size: int) -> None:
    left = _left.get(LARGEST) - size
    if left < 0:
        raise TemplateError(f"it takes more than {LARGEST:,} characters and steps")
    _left.set(left)


def _written(value: Any) -> Any:
    """Return a value that is to be written, which must be there."""
    if value is None:
        raise TemplateError("a value that it writes is missing in the item")
    if callable(value):
        raise TemplateError("it writes something that is no value")
    return value


def _short(separator: str) -> str:
    if len(separator) > 100:
        raise TemplateError("what joins is longer than 100 characters")
    return separator


def _is_missing(value: Any) -> bool:
    """Whether a value is one of those by which tables say that there is none."""
    is_nan = isinstance(value, float) and math.isnan(value)
    return value is None or is_nan or type(value).__name__ in {"NAType", "NaTType"}
