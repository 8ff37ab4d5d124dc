"""Late: documents are read once and whole, and the vectors of any chunks pooled from their tokens.

J. Günther et al., "Late chunking: contextual chunk embeddings using long-context embedding models",
2024 (arXiv 2409.04701). A strategy of its own, and no short cut to the vectors of chunks that are
embedded one by one: a token knows what stands around its chunk, long chunks are read to their ends,
and the chunking that finds most by these vectors can be another than by those.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import RetrievalError, did_you_mean
from aiopslab.models.minilm import TokenStates
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.spans import require

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

# Sums of single precision begin anew with each, so that a chunk is as exact at the end of a long
# document as at its beginning.
BLOCK = 64  # tokens
POOLED = 4096  # chunks at a time, 50 MB
FORMAT = 1  # of the files: to be raised where they, or what `token_states` gives, change
NO_TOKEN = np.iinfo(np.int64).max  # stands where the last block has no further token


class Reader(Protocol):
    """An embedder that also tells what it makes of each token, such as `MiniLM`."""

    @property
    def name(self) -> str:
        """What it is, to the revision."""

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""

    def embed(self, texts: list[str], /) -> Singles:
        """Return one vector a text, ``(texts, dimensions)``."""

    def token_states(self, texts: list[str], /) -> Iterable[TokenStates]:
        """Give the states of the tokens of texts, text by text, in one part or more."""


@dataclass(frozen=True)
class Encoded:
    """Documents whose tokens were read; see `encode`.

    Parameters
    ----------
    model
        That read them.
    files
        Of each document: its sums.
    lengths
        Of each document, in characters.
    """

    model: Reader
    files: dict[str, Path]
    lengths: dict[str, int]
    _folder: Any = field(default=None, repr=False)  # a temporary one lives as long as this

    @property
    def name(self) -> str:
        """Tells these vectors from those that the model embeds."""
        return f"late-{self.model.name}"

    def vectors(self, chunks: pd.DataFrame) -> Singles:
        """Pool the vectors of chunks.

        Parameters
        ----------
        chunks
            ``document, start, end``, by any strategy, in any order.

        Returns
        -------
        numpy.ndarray
            float32, ``(chunks, dimensions)``, of length 1: the direction of the mean of all tokens
            that lie in the chunk, in whole or in part. A chunk without one has the vector that the
            model gives to an empty text. Questions are embedded by the model.

        Raises
        ------
        RetrievalError
            If a chunk is of another document, or past the end of its own; or a file is damaged.
        """
        require(chunks, "chunks", ("document", "start", "end"))
        starts, ends = (chunks[name].to_numpy(dtype=np.int64) for name in ("start", "end"))
        sums = np.empty((len(chunks), self.model.dimensions), dtype=np.float32)
        for document, rows in chunks.groupby("document", sort=False).indices.items():
            blocks = self._blocks(str(document), starts[rows], ends[rows])
            for first in range(0, len(rows), POOLED):
                part = rows[first : first + POOLED]
                sums[part] = _pooled(blocks, starts[part], ends[part])
        without = ~sums.any(axis=1)
        if without.any():
            sums[without] = self.model.embed([""])[0]
        return sums

    def _blocks(self, document: str, starts: Ints, ends: Ints) -> Any:
        """Open the sums of a document in which there are some chunks."""
        if document not in self.files:
            raise RetrievalError(
                f"the document {document!r} was not encoded", did_you_mean(document, [*self.files])
            )
        length = self.lengths[document]
        if (wrong := (starts < 0) | (starts > ends) | (ends > length)).any():
            at = int(wrong.argmax())
            raise RetrievalError(
                f"{document!r} has {length:,} characters, and no chunk from {starts[at]:,} to "
                f"{ends[at]:,}",
                "Cut the documents that were encoded, or encode those that were cut.",
            )
        try:
            return np.memmap(self.files[document], _record(self.model.dimensions), mode="r")
        except (OSError, ValueError) as error:
            raise RetrievalError(
                f"the sums of {document!r} cannot be read: {error}",
                f"Delete {str(self.files[document])!r} and encode again.",
            ) from None


def encode(
    corpus: Corpus,
    model: Reader,
    progress: Callable[[int, int], None] | None = None,
    cache: str | Path | None = None,
) -> Encoded:
    """Read each distinct document once, so that chunks of any size can be pooled from its tokens.

    Parameters
    ----------
    corpus
        Of documents of any length.
    model
        That reads them, in windows that overlap where they are longer than it reads at once.
    progress
        Called with how many characters were read, and how many there are.
    cache
        A folder in which the sums are kept, by the model and the content of a document; several
        processes may share it, and a process that is killed loses one document. Without it they are
        in a temporary folder, for as long as the result is there.

    Returns
    -------
    Encoded
        Whose `vectors` pools.

    Raises
    ------
    RetrievalError
        If the model tells nothing of tokens, or the folder cannot be written.

    Notes
    -----
    What is kept are running sums, so that a chunk costs two look-ups, however long it is. They lie
    on disk and are mapped, 4 bytes a dimension: 1.6 kB a token of MiniLM, so about 170 MB for
    500 kB of English, and 32 GB for 100,000 chunks of 200 tokens. Memory holds the windows that are
    being read (some 50 MB) and 24 bytes a token of one document.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def letters(texts):
    ...     for place, text in enumerate(texts):
    ...         at = np.arange(len(text))
    ...         states = np.eye(26, dtype=np.float32)[[ord(each) - 97 for each in text]]
    ...         yield TokenStates(place, np.column_stack([at, at + 1]), states)
    >>> model = SimpleNamespace(name="letters", dimensions=26, token_states=letters)
    >>> encoded = encode(Corpus.of_texts({"a": "abacus"}), model)
    >>> chunks = pd.DataFrame({"document": "a", "start": [0, 3], "end": [4, 6]})
    >>> encoded.vectors(chunks)[:, :3].round(2)
    array([[0.82, 0.41, 0.41],
           [0.  , 0.  , 0.58]], dtype=float32)
    """
    if not callable(getattr(model, "token_states", None)):
        raise RetrievalError(
            f"the embedder {getattr(model, 'name', type(model).__name__)!r} tells no states of "
            "tokens",
            "Pool by one that has token_states(texts), such as MiniLM, or embed the chunks.",
        )
    temporary = None
    if cache is None:
        temporary = tempfile.TemporaryDirectory(prefix="aiopslab-late-")
        cache = temporary.name
    folder = Path(cache)
    files = {document: folder / _address(model, text) for document, text in corpus.texts}
    texts = {files[document]: text for document, text in corpus.texts}
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        missing = [path for path in texts if not path.exists()]
    total = sum(map(len, texts.values()))
    done = total - sum(len(texts[path]) for path in missing)

    def watched(parts: Iterable[TokenStates]) -> Iterator[TokenStates]:
        for part in parts:
            if progress is not None and len(part.spans):
                progress(done + int(part.spans[-1, 1]), total)
            yield part

    read = model.token_states([texts[path] for path in missing])
    for place, parts in groupby(read, key=lambda part: part.text):
        with _told(folder):
            _write(missing[place], _summed(watched(parts), model.dimensions))
        done += len(texts[missing[place]])
    if progress is not None:
        progress(done, total)
    lengths = {document: len(text) for document, text in corpus.texts}
    return Encoded(model, files, lengths, temporary)


def _address(model: Reader, text: str) -> str:
    """Return the name of the file of a text."""
    key = f"{FORMAT}\0{model.name}\0{text}".encode("utf-8", "surrogatepass")
    return f"{hashlib.sha256(key).hexdigest()}.sums"


def _record(dimensions: int) -> np.dtype[np.void]:
    """Return what is kept of a block of tokens.

    ``before`` is the sum over all blocks before, and ``sums`` those over the tokens of the block
    before each.
    """
    return np.dtype(
        [
            ("spans", "<i8", (BLOCK, 2)),
            ("before", "<f8", (dimensions,)),
            ("sums", "<f4", (BLOCK, dimensions)),
        ]
    )


def _summed(parts: Iterable[TokenStates], dimensions: int) -> Iterator[npt.NDArray[np.void]]:
    """Yield the blocks of a document; the last has room for what is before its end."""
    before = np.zeros(dimensions)
    spans, states = np.empty((0, 2), np.int64), np.empty((0, dimensions), np.float32)

    def block(tokens: int) -> npt.NDArray[np.void]:
        made = np.zeros(1, _record(dimensions))
        made["spans"] = NO_TOKEN
        made["spans"][0, :tokens] = spans[:tokens]
        made["before"] = before
        sums = np.cumsum(states[: min(tokens, BLOCK - 1)], axis=0, dtype=np.float64)
        made["sums"][0, 1 : len(sums) + 1] = sums
        return made

    for part in parts:
        spans, states = np.concatenate([spans, part.spans]), np.concatenate([states, part.states])
        while len(spans) >= BLOCK:
            yield block(BLOCK)
            before = before + states[:BLOCK].sum(axis=0, dtype=np.float64)
            spans, states = spans[BLOCK:], states[BLOCK:]
    yield block(len(spans))


def _write(path: Path, blocks: Iterable[npt.NDArray[np.void]]) -> None:
    """Write a file that is there whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        partial = Path(file.name)
        try:
            for block in blocks:
                file.write(block.tobytes())
        except BaseException:
            partial.unlink()
            raise
    partial.replace(path)


def _pooled(blocks: Any, starts: Ints, ends: Ints) -> Floats:
    """Return the direction of the sum of the tokens of each chunk; zero where there is none."""
    spans = blocks["spans"].reshape(-1, 2)
    first = np.searchsorted(spans[:, 1], starts, side="right")
    last = np.maximum(np.searchsorted(spans[:, 0], ends, side="left"), first)

    def before(tokens: npt.NDArray[np.intp]) -> Floats:
        block, within = np.divmod(tokens, BLOCK)
        return np.asarray(blocks["before"][block] + blocks["sums"][block, within])

    sums = before(last) - before(first)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    sums /= np.where((last > first)[:, None], lengths, 1)
    return sums


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Tell what is wrong with the folder in a way the user can mend."""
    try:
        yield
    except OSError as error:
        raise RetrievalError(
            f"the sums of documents cannot be kept in {str(folder)!r}: {error}",
            "Name a folder of your own with room for 2 kB a token.",
        ) from None
