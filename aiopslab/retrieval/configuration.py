"""Configuration: everything that decides what a question finds, kept in a file."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from aiopslab.errors import RetrievalError, did_you_mean
from aiopslab.models.embedder import Embedder
from aiopslab.retrieval import chunking
from aiopslab.retrieval.chunking import Strategy
from aiopslab.retrieval.lexical import K1, B

Chunking = Literal["fixed", "recursive", "sentence", "headings", "semantic"]
Search = Literal["lexical", "dense", "hybrid"]
Fusion = Literal["rrf", "weighted"]
Rerank = Literal["none", "diverse", "late"]
Pooling = Literal["direct", "late"]

# Which fields make no difference, by what they depend on: two configurations that differ in nothing
# else are the same one, and are tried once.
_OF_WORDS = ("k1", "b")
_OF_BOTH = ("fusion", "weight")
_NAMED = ("depth", "k1", "b")  # where they are not as by default


@dataclass(frozen=True)
class Configuration:
    """How a corpus is cut, searched and ranked.

    Parameters
    ----------
    chunking
        ``fixed, recursive, sentence, headings`` or ``semantic``, see `aiopslab.retrieval.chunking`.
    size
        The most tokens of a chunk.
    overlap
        Tokens that a chunk shares with the one before (sentences, where it is ``sentence``); none
        where chunks are cut by ``headings`` or meaning.
    search
        By words (``lexical``, BM25), by meaning (``dense``) or both (``hybrid``).
    embedder
        Of ``dense`` and ``hybrid``, by its name among those that a retriever is given.
    pooling
        Vectors of chunks ``direct``, or ``late``, out of the states of their whole document.
    fusion
        Of ``hybrid``: by rank (``rrf``) or by scores (``weighted``).
    weight
        Of the meaning in ``hybrid``, 0 to 1; the rest is of the words.
    depth
        Hits of each search that are fused and reranked.
    rerank
        ``none``, ``diverse`` (maximal marginal relevance) or ``late`` (interaction by token).
    k
        Hits a question in the end.
    k1, b
        Of BM25.
    where
        Metadata that documents must have, each a value or a list of values.

    Raises
    ------
    RetrievalError
        If one of them is out of range.

    Examples
    --------
    >>> Configuration(search="lexical", k=3).name
    'recursive 200/0, lexical, top 3'
    >>> Configuration(search="lexical", weight=0.2) == Configuration(search="lexical")
    True
    """

    chunking: Chunking = "recursive"
    size: int = 200
    overlap: int = 0
    search: Search = "dense"
    embedder: str = "minilm"
    pooling: Pooling = "direct"
    fusion: Fusion = "rrf"
    weight: float = 0.5
    depth: int = 50
    rerank: Rerank = "none"
    k: int = 5
    k1: float = K1
    b: float = B
    where: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if (told := getattr(self, name)) not in choices:
                raise RetrievalError(
                    f"{name} is {told!r}; expected one of {', '.join(choices)}",
                    did_you_mean(str(told), list(choices)),
                )
        for name, (least, most) in _RANGES.items():
            told = getattr(self, name)
            kind = int if isinstance(_DEFAULTS[name], int) else float | int
            if isinstance(told, bool) or not isinstance(told, kind) or not least <= told <= most:
                whole = "a whole number from " if kind is int else ""
                raise RetrievalError(
                    f"{name} is {told!r}; expected {whole}{least:g} to {most:g}", "Correct it."
                )
        if self.overlap >= self.size:
            raise RetrievalError(
                f"overlap is {self.overlap} of a size of {self.size}; expected less than the size",
                "Pass for example a quarter of the size.",
            )
        for name in self._idle():
            object.__setattr__(self, name, _DEFAULTS[name])
        # The best k of a list are among its first `depth`.
        object.__setattr__(self, "depth", max(self.depth, self.k))
        object.__setattr__(self, "where", dict(self.where))

    def _idle(self) -> Iterator[str]:
        """Yield the fields that make no difference."""
        needs_vectors = self.search != "lexical" or self.rerank == "diverse"
        if not needs_vectors:
            yield "pooling"
        if not needs_vectors and self.chunking != "semantic" and self.rerank != "late":
            yield "embedder"
        if self.search == "dense":
            yield from _OF_WORDS
        if self.search != "hybrid":
            yield from _OF_BOTH
        if self.search != "hybrid" and self.rerank == "none":
            yield "depth"
        if self.chunking in ("headings", "semantic"):
            yield "overlap"

    @property
    def name(self) -> str:
        """What it is called in tables and figures."""
        cut = f"{self.chunking} {self.size}/{self.overlap}"
        if self.chunking in ("headings", "semantic"):
            cut = f"{self.chunking} {self.size}"
        how = str(self.search)
        if self.search != "lexical" and self.pooling != "direct":
            how += f" ({self.pooling} pooling)"
        if self.search == "hybrid":
            how += f" {self.fusion}" + (f" {self.weight:g}" if self._is_own("weight") else "")
        parts = [cut, how]
        parts += [] if self.rerank == "none" else [f"reranked {self.rerank}"]
        parts += [f"{name} {getattr(self, name):g}" for name in _NAMED if self._is_own(name)]
        parts += [self.embedder] if self._is_own("embedder") else []
        parts += [f"{key} {value}" for key, value in sorted(self.where.items())]
        return ", ".join([*parts, f"top {self.k}"])

    def _is_own(self, name: str) -> bool:
        return bool(getattr(self, name) != _DEFAULTS[name])

    def with_(self, **changes: Any) -> "Configuration":
        """Return it with other values.

        Raises
        ------
        RetrievalError
            If there is no such field, or a value is out of range.
        """
        check_fields(changes)
        return replace(self, **changes)

    def strategy(self, embedder: Embedder | None = None) -> Strategy:
        """Return what cuts documents.

        Parameters
        ----------
        embedder
            Of sentences, which only ``semantic`` needs.

        Raises
        ------
        RetrievalError
            If it is ``semantic`` and there is no embedder.
        """
        if self.chunking == "fixed":
            return chunking.Fixed(self.size, self.overlap)
        if self.chunking == "recursive":
            return chunking.Recursive(self.size, self.overlap)
        if self.chunking == "sentence":
            return chunking.Sentence(overlap=self.overlap, size=self.size)
        if self.chunking == "headings":
            return chunking.Headings(self.size)
        if embedder is None:
            raise RetrievalError(
                "chunks by meaning need an embedder", "Name one, or cut by sentence."
            )
        return chunking.Semantic(embedder, self.size, minimum=max(1, self.size // 4))

    def to_yaml(self) -> str:
        """Return it as the file that `read_configuration` and `load` take."""
        import yaml

        return str(yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True))

    def save(self, path: str | Path) -> Path:
        """Write it to a YAML file."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.to_yaml())
        return target


_DEFAULTS: dict[str, Any] = {
    each.name: each.default for each in fields(Configuration) if each.name != "where"
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "chunking": get_args(Chunking),
    "search": get_args(Search),
    "pooling": get_args(Pooling),
    "fusion": get_args(Fusion),
    "rerank": get_args(Rerank),
}
_RANGES = {
    "size": (1, 100_000),
    "overlap": (0, 100_000),
    "weight": (0, 1),
    "depth": (1, 10_000),
    "k": (1, 1_000),
    "k1": (0, 100),
    "b": (0, 1),
}


def check_fields(names: Mapping[str, Any]) -> None:
    """Refuse what is no field of a configuration.

    Raises
    ------
    RetrievalError
        With what it may be meant to be.
    """
    known = [each.name for each in fields(Configuration)]
    for name in names:
        if name not in known:
            raise RetrievalError(
                f"a configuration has no {name!r}; it has {', '.join(known)}",
                did_you_mean(str(name), known),
            )


def read_configuration(path: str | Path) -> Configuration:
    """Read a configuration from a YAML or JSON file; what it leaves out is as by default.

    Raises
    ------
    RetrievalError
        If the file cannot be read, holds something else, or a field is unknown or out of range.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = Configuration(size=300, k=8).save(f"{folder}/retrieval.yaml")
    ...     read_configuration(kept).name
    'recursive 300/0, dense, top 8'
    """
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    return configuration_from(text, path)


def configuration_from(text: str, origin: str | Path) -> Configuration:
    """Read what `Configuration.to_yaml` wrote; errors name where it comes from.

    Raises
    ------
    RetrievalError
        As `read_configuration` does.
    """
    import yaml

    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _unreadable(origin, error) from None
    if not isinstance(told, dict):
        raise RetrievalError(
            f"{str(origin)!r} holds a {type(told).__name__}; expected names with values",
            "Write e.g. `size: 200`, a line each.",
        )
    check_fields(told)
    try:
        return Configuration(**told)
    except TypeError as error:
        raise RetrievalError(f"{str(origin)!r} cannot be used: {error}", "Correct it.") from None


def _unreadable(origin: str | Path, error: Exception) -> RetrievalError:
    return RetrievalError(
        f"the configuration {str(origin)!r} cannot be read: {error}",
        "Name a YAML file such as Configuration.save() writes.",
    )
