"""MiniLM: sentences as vectors on this machine, without a key, a hub or torch.

Wang et al., "MiniLM: deep self-attention distillation", 2020; Reimers & Gurevych, "Sentence-BERT",
2019. The weights are ``all-MiniLM-L6-v2`` as published, in float32.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aiopslab.errors import ModelError
from aiopslab.models.embedder import Counts, Vectors, as_texts, warn_of_truncation
from aiopslab.models.files import MINILM, find
from aiopslab.models.graph import DIMENSIONS, sentence_graph

MAX_TOKENS = 256  # that the model was trained to read
WINDOW = MAX_TOKENS - 2  # tokens of a text that are read at once, between the marks
STEP = WINDOW * 3 // 5  # so that a token has a fifth of a window before and behind it
AHEAD = 64  # windows that are read before they are asked for, 25 MB
BLOCK = 10_000  # characters that are handed to the tokenizer at a time, which takes 140 bytes each

_SPACE = re.compile(r"\s")
_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")


class TokenStates(NamedTuple):
    """Tokens of a text, in their order, and the last states of the network at each.

    Parameters
    ----------
    text
        Which of several it is, from 0.
    spans
        Position of each token in characters, half-open and rising, int64 ``(tokens, 2)``.
    states
        Not of unit length, float32 ``(tokens, 384)``.
    """

    text: int
    spans: Counts
    states: Vectors


@dataclass(frozen=True)
class MiniLM:
    """Embeds texts as unit vectors, of which the product is the cosine.

    A vector depends on its text alone, to the bit: not on what is embedded beside it, nor in which
    process on a machine. An empty text has one too. Halves of surrogate pairs are not read.

    Parameters
    ----------
    threads
        That embed texts side by side.

    Raises
    ------
    ModelError
        If the files were not fetched.

    Examples
    --------
    >>> from aiopslab.models.files import MINILM
    >>> if MINILM.is_here:
    ...     cat, kitten, bond = MiniLM().embed(["A cat sleeps.", "A kitten naps.", "Bonds fell."])
    ...     assert cat @ kitten > 0.5 > cat @ bond
    """

    threads: int = 2

    def __post_init__(self) -> None:
        find(MINILM)

    @property
    def name(self) -> str:
        """The model, and the revisions of its weights and vocabulary."""
        return f"{MINILM.name}@{'-'.join(each.sha256[:12] for each in MINILM.files)}"

    @property
    def dimensions(self) -> int:
        """Of a vector: 384."""
        return DIMENSIONS

    @property
    def max_tokens(self) -> int:
        """Of a text that is read to its end: 256, as `count_tokens` counts."""
        return MAX_TOKENS

    def embed(self, texts: Iterable[str]) -> Vectors:
        """Embed texts.

        Returns
        -------
        numpy.ndarray
            float32, ``(texts, 384)``, of length 1.

        Raises
        ------
        ModelError
            If the files are not here or cannot be read, or one of the texts is no string.

        Warns
        -----
        UserWarning
            If texts are longer than 256 tokens, of which the rest is not read: how many texts, and
            how many tokens in all.
        """
        vectors, lost = self.embed_truncated(texts)
        warn_of_truncation(self.name, lost)
        return vectors

    def embed_truncated(self, texts: Iterable[str]) -> tuple[Vectors, Counts]:
        """Embed texts without a warning; return the tokens of each that were not read, too."""
        listed = as_texts(texts)
        tokenizer, session = _loaded(*find(MINILM))
        vectors = np.empty((len(listed), DIMENSIONS), dtype=np.float32)
        lost = np.zeros(len(listed), dtype=np.int64)

        def embedded(text: str) -> tuple[Vectors, int]:
            tokens = tokenizer.encode(_readable(text)).ids
            read = [*tokens[:-1][: MAX_TOKENS - 1], tokens[-1]]  # the last marks the end
            mean = session.run(["mean"], {"tokens": np.array(read, dtype=np.int64)})[0]
            return mean / np.linalg.norm(mean), len(tokens) - len(read)

        with ThreadPoolExecutor(self.threads) as pool:
            for row, (vector, rest) in enumerate(pool.map(embedded, listed)):
                vectors[row], lost[row] = vector, rest
        return vectors, lost

    def token_states(self, texts: Iterable[str]) -> Iterator[TokenStates]:
        """Read texts to their ends, however long, in overlapping windows of 256 tokens.

        Parameters
        ----------
        texts
            They are read as the parts are asked for.

        Yields
        ------
        TokenStates
            Text by text, one part a window and one at least: the tokens that are nearer to its
            middle than to that of another, so that all but the first and last of a text were read
            with 50 on both sides or more. The marks of begin and end are left out.

        Raises
        ------
        ModelError
            If the files are not here or cannot be read, or one of the texts is no string.

        Examples
        --------
        >>> from aiopslab.models.files import MINILM
        >>> if MINILM.is_here:
        ...     (part,) = MiniLM().token_states(["Cats sleep."])
        ...     assert part.spans.tolist() == [[0, 4], [5, 10], [10, 11]]
        """
        listed = as_texts(texts)
        tokenizer, session = _loaded(*find(MINILM))
        begin, end = tokenizer.encode("").ids

        def windows() -> Iterator[tuple[int, Counts, slice, Counts]]:
            for place, text in enumerate(listed):
                tokens, spans = _tokens(tokenizer, text)
                for start, (first, last) in _windows(len(tokens)):
                    read = np.concatenate([[begin], tokens[start : start + WINDOW], [end]])
                    yield place, spans[first:last], slice(1 + first - start, 1 + last - start), read

        def states(window: tuple[int, Counts, slice, Counts]) -> TokenStates:
            place, spans, kept, tokens = window
            return TokenStates(place, spans, session.run(["states"], {"tokens": tokens})[0][kept])

        asked = windows()
        with ThreadPoolExecutor(self.threads) as pool:
            while batch := list(islice(asked, AHEAD)):
                yield from pool.map(states, batch)

    def token_vectors(self, text: str) -> Vectors:
        """Return the vectors of the tokens of a text, for late interaction.

        Returns
        -------
        numpy.ndarray
            float32, ``(tokens, 384)``, of length 1, as `token_states` has them.
        """
        states = np.concatenate([each.states for each in self.token_states([text])])
        lengths = np.linalg.norm(states, axis=1, keepdims=True)
        return np.asarray(states / lengths, dtype=np.float32)

    def count_tokens(self, texts: Iterable[str]) -> Counts:
        """Count the tokens of texts, the marks of begin and end among them.

        Returns
        -------
        numpy.ndarray
            int64, one a text: 2 for an empty one; what is past 256 is not embedded.

        Raises
        ------
        ModelError
            If the files are not here or cannot be read, or one of the texts is no string.
        """
        listed = as_texts(texts)
        tokenizer, _ = _loaded(*find(MINILM))
        return np.array([len(tokenizer.encode(_readable(each))) for each in listed], dtype=np.int64)


@lru_cache(maxsize=1)
def _loaded(weights: Path, vocabulary: Path) -> tuple[Any, Any]:
    """Return the tokenizer and the session, which starts no thread, so that a fork can use it."""
    import onnxruntime
    from tokenizers import Tokenizer

    weights = weights.resolve()  # the session leaves no folder by a link
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(weights.parent)
    )
    try:
        tokenizer = Tokenizer.from_file(str(vocabulary))
        tokenizer.no_truncation()  # as packaged, it cuts at 128 and pads to them
        tokenizer.no_padding()
        session = onnxruntime.InferenceSession(
            sentence_graph(weights), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # both raise bare ones
        raise ModelError(
            f"the files of {MINILM.name} cannot be read: {error}",
            f"Delete {str(weights)!r} and {str(vocabulary)!r}, then fetch them again.",
        ) from error
    return tokenizer, session


def _tokens(tokenizer: Any, text: str) -> tuple[Counts, Counts]:
    """Return the tokens of a text of any length, and where they are."""
    readable = _readable(text)
    tokens, spans = [np.empty(0, np.int64)], [np.empty((0, 2), np.int64)]
    start = 0
    while start < len(readable):
        space = _SPACE.search(readable, start + BLOCK, start + 2 * BLOCK)
        end = space.start() if space else start + 2 * BLOCK
        encoded = tokenizer.encode(readable[start:end], add_special_tokens=False)
        tokens.append(np.array(encoded.ids, dtype=np.int64))
        spans.append(np.array(encoded.offsets, dtype=np.int64).reshape(-1, 2) + start)
        start = end
    return np.concatenate(tokens), np.concatenate(spans)


def _windows(tokens: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield where windows begin, evenly, and from where to where a token is nearest to the middle.

    Examples
    --------
    >>> list(_windows(10)), list(_windows(354))
    ([(0, (0, 10))], [(0, (0, 177)), (100, (177, 354))])
    """
    beyond = max(tokens - WINDOW, 0)
    starts = np.linspace(0, beyond, 1 - -beyond // STEP).round().astype(int).tolist()
    between = [(one + two + WINDOW) // 2 for one, two in pairwise(starts)]
    yield from zip(starts, pairwise([0, *between, tokens]), strict=True)


def _readable(text: str) -> str:
    r"""Join halves of surrogate pairs; what stands for the rest, to the same length, is not read.

    Examples
    --------
    >>> _readable("a\ud83d\ude00b") == "a😀\ufffdb"
    True
    """

    def joined(halves: re.Match[str]) -> str:
        whole = halves.group().encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.ljust(len(halves.group()), "\ufffd")

    return _HALVES.sub(joined, text)
