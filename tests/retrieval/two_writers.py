"""The loss for real: two processes write one folder past our lock, both successfully.

Run as a program it is one of the writers.
"""

import subprocess
import sys
from pathlib import Path

import chromadb

from aiopslab.retrieval.chroma import open_index
from aiopslab.retrieval.connection import Address
from aiopslab.retrieval.index import Index
from aiopslab.retrieval.records import checksums, prepared
from tests.retrieval.stores import Hashing, corpus, pages, vectors_of

PAGES, BATCH, ATTEMPTS = 40, 100, 8
ROOT = Path(__file__).parents[2]


def texts_of(writer):
    told = pages(PAGES).items()
    return {f"{writer}/{name}": text.replace("Line", f"Line {writer}") for name, text in told}


def lose_vectors(folder):
    """Return how many vectors two writers lost, and the texts that they wrote."""
    texts = texts_of("a") | texts_of("b")
    for attempt in range(ATTEMPTS):
        place = folder if attempt == 0 else folder.with_name(f"{folder.name}-{attempt}")
        lost = write_twice(place)
        if lost:
            if place != folder:
                _swap(place, folder)
            return lost, texts
    raise AssertionError(f"{ATTEMPTS} times two writers lost nothing: is Chroma mended?")


def write_twice(folder):
    """Let two processes write; return how many vectors are lost, told by Chroma alone."""
    open_index(folder, Hashing()).close()
    command = [sys.executable, "-m", __name__, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    writers = [subprocess.Popen([*command, each], **pipes) for each in "ab"]
    assert [each.stdout.readline() for each in writers] == ["ready\n"] * 2
    for each in writers:
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [each.wait(120) for each in writers] == [0, 0]
    client = chromadb.PersistentClient(str(folder))
    try:
        return _lost(client.get_collection("chunks", embedding_function=None))
    finally:
        client.close()


def _lost(collection):
    """Read the vectors without any of the code under test; where some fail, half of them at a time.

    Chroma refuses to read several as soon as one of them is lost.
    """

    def lost(ids):
        try:
            collection.get(ids=ids, include=["embeddings"])
        except chromadb.errors.InternalError:
            half = len(ids) // 2
            return 1 if half == 0 else lost(ids[:half]) + lost(ids[half:])
        return 0

    ids = collection.get(include=[])["ids"]
    return sum(lost(ids[first : first + BATCH]) for first in range(0, len(ids), BATCH))


def _swap(found, folder):
    folder.rename(folder.with_name(folder.name + "-whole"))
    found.rename(folder)


def _write(folder, writer):
    client = chromadb.PersistentClient(folder)
    collection = client.get_collection("chunks", embedding_function=None)
    index = Index(Address.of(folder), Hashing(), client, collection, lambda: None)
    documents, chunks = corpus(texts_of(writer))
    records = prepared(chunks, documents)
    vectors = vectors_of(records["text"])
    print("ready", flush=True)
    sys.stdin.readline()
    for first in range(0, len(records), BATCH):
        part = slice(first, first + BATCH)
        told = records[part].assign(checksum=checksums(vectors[part]))
        index.upsert(told, vectors[part])


if __name__ == "__main__":
    _write(*sys.argv[1:])
