"""Where LangChain cuts texts as Chroma's study has them cut, by the tokens of cl100k.

Arguments: files. Prints, of each way to cut, the half-open spans of each file, as JSON. The
separators are those that the study states; windows of tokens go on by half of their size.
"""

import json
import sys
from pathlib import Path

from bpe_openai import get_encoding
from langchain_text_splitters import RecursiveCharacterTextSplitter

SIZE, WINDOW, STEP = 200, 250, 125

encoding = get_encoding("cl100k_base")


def recursive(text):
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=SIZE,
        chunk_overlap=0,
        separators=["\n\n", "\n", ".", "?", "!", " ", ""],
        length_function=lambda part: len(encoding.encode(part)),
        keep_separator=True,
    )
    at = 0
    for part in splitter.split_text(text):
        at = text.index(part, at)
        yield at, at + len(part)
        at += len(part)


def windows(text):
    tokens = encoding.encode(text)
    decoded, starts = encoding.decode_with_offsets(tokens)
    assert decoded == text
    for first in range(0, len(tokens), STEP):
        last = first + WINDOW
        yield starts[first], starts[last] if last < len(tokens) else len(text)
        if last >= len(tokens):
            return


texts = [Path(each).read_text() for each in sys.argv[1:]]
told = {"recursive": recursive, "fixed": windows}
print(json.dumps({name: [list(cut(text)) for text in texts] for name, cut in told.items()}))
