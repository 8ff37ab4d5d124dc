"""YAML from others: read without surprises, and with the line that each value stands on."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiopslab.errors import ParameterError

if TYPE_CHECKING:
    import yaml

BYTES = 1_000_000  # a file may have
NODES = 100_000  # it may come to with its aliases written out: a bomb has billions
TIMESTAMP = "tag:yaml.org,2002:timestamp"


@dataclass(frozen=True)
class Document:
    """What a file holds.

    Parameters
    ----------
    value
        Plain values. Dates are texts, as they were written.
    root
        Where it all stands; ``None`` for an empty file.
    """

    value: Any
    root: "yaml.Node | None"

    def line(self, path: Sequence[Hashable]) -> int:
        """Return the line of a value by the keys and numbers that lead to it.

        Where it leads nowhere, it is the line of the last that there is.
        """
        node, line = self.root, 1
        for part in path:
            found = _child(node, part)
            if found is not None:
                node, line = found[1], found[0].start_mark.line + 1
        return line

    def known(self, path: Sequence[Hashable]) -> list[Hashable]:
        """Return the parts of a path that are in the file, or could be: not the names of types."""
        kept, node = [], self.root
        for at, part in enumerate(path):
            found = _child(node, part)
            if found is not None:
                kept.append(part)
                node = found[1]
            elif at == len(path) - 1:
                kept.append(part)
        return kept


def read(path: Path) -> Document:
    """Read a file.

    Raises
    ------
    ParameterError
        If it cannot be read, is no YAML, is larger than 1 MB, comes to more than 100,000 values
        with its aliases written out, contains itself, or has a key twice.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES + 1)
        text = raw.decode("utf-8")
    except OSError as error:
        raise ParameterError(f"cannot read {path}: {error.strerror}", "Check the path.") from None
    except UnicodeDecodeError:
        raise ParameterError(f"{path} is no text in UTF-8", "Save it as UTF-8.") from None
    if len(raw) > BYTES:
        raise ParameterError(f"{path} is larger than 1 MB", "Split it into several files.")
    return parse(text, str(path))


def parse(text: str, name: str) -> Document:
    r"""Read a text as `read` does a file; `name` is what messages call it.

    Examples
    --------
    >>> found = parse("a: 1\nb: [x, 2026-03-01]", "example")
    >>> found.value, found.line(["b", 1])
    ({'a': 1, 'b': ['x', '2026-03-01']}, 2)
    """
    import yaml

    loader = None
    try:
        loader = _loader()(text)
        root = loader.get_single_node()
        if root is None:
            return Document(None, None)
        _check(root, name)
        return Document(loader.construct_document(root), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ParameterError(f"{name}{where}: {error.problem}", "Mend the YAML.") from None
    except yaml.YAMLError as error:
        raise ParameterError(f"{name} is no YAML: {error}", "Mend the YAML.") from None
    except (RecursionError, ValueError) as error:
        raise ParameterError(f"{name} cannot be read: {error}", "Mend the YAML.") from None
    finally:
        if loader is not None:
            loader.dispose()


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Dates stay texts: what they mean is for the parameter that takes them to say."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - as in its base
            first: [(tag, pattern) for tag, pattern in each if tag != TIMESTAMP]
            for first, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader


def _child(node: "yaml.Node | None", part: Hashable) -> "tuple[yaml.Node, yaml.Node] | None":
    """Return the node that names a part (its key, or itself in a list), and that of its value."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _check(root: "yaml.Node", name: str) -> None:
    """Refuse what would grow beyond measure, and keys of which only the last would count."""
    sizes: dict[int, int] = {}
    if _size(root, sizes, set(), name) > NODES:
        raise ParameterError(
            f"{name} comes to more than {NODES:,} values with its aliases (*name) written out",
            "Use fewer aliases, or split the file.",
        )


def _size(node: "yaml.Node", sizes: dict[int, int], inside: set[int], name: str) -> int:
    import yaml

    line = node.start_mark.line + 1
    if id(node) in inside:
        raise ParameterError(f"{name}, line {line}: an alias contains itself", "Write it out.")
    if id(node) not in sizes:
        inside.add(id(node))
        children: list[Any] = []
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            twice = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
            if twice is not None:
                raise ParameterError(
                    f"{name}, line {line}: {twice!r} is there twice", "Keep one of them."
                )
            children = [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        sizes[id(node)] = 1 + sum(_size(each, sizes, inside, name) for each in children)
        inside.remove(id(node))
    return sizes[id(node)]
