"""Python: the docstrings of a module, its classes and functions, each a section."""

import ast
import inspect
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

from aiopslab.retrieval.readers.decoding import decoded
from aiopslab.retrieval.readers.reading import Reading, Unreadable
from aiopslab.retrieval.sections import Heading

_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_Documented = ast.Module | _Definition
_Entry = tuple[int, str, str, str]


def read(label: str, content: bytes) -> Reading:
    """Read the docstrings, each under its qualified name and signature.

    Raises
    ------
    Unreadable
        If it is not Python that this version can parse.
    """
    text, troubles = decoded(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in the code of others
            module = ast.parse(text)
        documented = _documented(module, _module(label))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"not Python: {error}") from None
    parts: list[str] = []
    headings = []
    length = 0
    for level, name, signature, docstring in documented:
        headings.append(Heading(length, level, name))
        parts.append(f"{name}{signature}\n\n{docstring}" if docstring else f"{name}{signature}")
        length += len(parts[-1]) + 2
    return Reading("\n\n".join(parts), tuple(headings), _module(label), troubles=troubles)


def _module(label: str) -> str:
    """Return the name that a file is imported by, as far as its path tells."""
    path = PurePosixPath(label).with_suffix("")
    parts = path.parts[:-1] if path.name == "__init__" and len(path.parts) > 1 else path.parts
    return ".".join(parts)


def _documented(node: _Documented, name: str, level: int = 1) -> list[_Entry]:
    """Return level, qualified name, signature and docstring of all that have or hold one."""
    inner = [
        entry
        for child in _definitions(node)
        for entry in _documented(child, f"{name}.{child.name}", level + 1)
    ]
    docstring = inspect.cleandoc(ast.get_docstring(node, clean=False) or "").strip()
    own = (level, name, _signature(node), docstring)
    return [own, *inner] if docstring or inner else []


def _definitions(node: ast.AST) -> Iterator[_Definition]:
    """Yield the classes and functions that are defined in something, under conditions too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Definition):
            yield child
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _definitions(child)


def _signature(node: _Documented) -> str:
    if isinstance(node, ast.Module):
        return ""
    if isinstance(node, ast.ClassDef):
        return f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(node.args)}){returns}"
