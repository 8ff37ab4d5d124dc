"""MiniLM: sentences as vectors on this machine, without a key, a hub or torch.

Wang et al., "MiniLM: deep self-attention distillation", 2020; Reimers & Gurevych, "Sentence-BERT",
2019. The weights are ``all-MiniLM-L6-v2`` as published, in float32.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from aiopslab.errors import ModelError
from aiopslab.models.embedder import Counts, Vectors, as_texts, warn_of_truncation
from aiopslab.models.files import MINILM, find
from aiopslab.models.graph import DIMENSIONS, sentence_graph

MAX_TOKENS = 256  # that the model was trained to read


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


def _readable(text: str) -> str:
    """Join halves of surrogate pairs, and replace those left alone by what is not read."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
