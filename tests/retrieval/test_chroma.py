"""An index in a folder or at a server: who may open it, and what it refuses."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import chromadb
import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import RetrievalError
from aiopslab.retrieval import snapshot, writing
from aiopslab.retrieval.chroma import open_index, read_index
from aiopslab.retrieval.connection import Address
from aiopslab.retrieval.exact import search
from aiopslab.retrieval.ingestion import ingest
from tests.chroma_server import chroma_server
from tests.retrieval.stores import Hashing, corpus, pages, vectors_of
from tests.sources.prometheus.conftest import free_port

OPEN_ELSEWHERE = """
import sys
from tests.retrieval.stores import Hashing
from aiopslab.retrieval.chroma import open_index
with open_index(sys.argv[1], Hashing()):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with chroma_server(tmp_path_factory.mktemp("chroma")) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(writing, "WAIT", 0.1)


@pytest.fixture(params=["folder", pytest.param("server", marks=pytest.mark.server)])
def url(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "index")
    address = request.getfixturevalue("server").url
    return f"{address}/{tmp_path.name}"


def test_a_search_finds_what_exact_search_finds(url):
    documents, chunks = corpus(pages(4))
    embedder = Hashing()
    with open_index(url, embedder) as index:
        ingest(index, documents, chunks, "lines")
    questions = pd.DataFrame({"question": ["a", "b"], "text": ["What?", chunks["text"][7]]})
    with read_index(url, embedder) as index:
        hits = index.search(questions, 5)
    exact = search(vectors_of(questions["text"]), vectors_of(chunks["text"]), 5)
    expected = exact.table(["a", "b"], chunks)
    pd.testing.assert_frame_equal(hits, expected, check_dtype=False, atol=1e-5)
    assert hits["chunk"][5] == chunks["chunk"][7]


def test_a_filter_by_metadata_of_the_document_holds(url):
    documents, chunks = corpus(pages(3), team=["red", "blue", "red"])
    with open_index(url, Hashing()) as index:
        ingest(index, documents, chunks, "lines")
        question = pd.DataFrame({"question": ["a"], "text": ["What?"]})
        assert set(index.search(question, 60, {"team": "blue"})["document"]) == {"page1.md"}
        since = pd.Timestamp("2026-03-02", tz="UTC").timestamp()
        assert index.search(question, 5, {"modified": {"$gte": since}}).empty


def test_what_was_made_by_another_model_is_refused_with_the_mend(url):
    open_index(url, Hashing()).close()
    other = Hashing()
    other.name = "hashing@2"
    for opener in (open_index, read_index):
        with pytest.raises(RetrievalError, match=r"made by hashing@1 .*Open it with hashing@1"):
            # One line, so that problem and remedy are matched together.
            try:
                opener(url, other)
            except RetrievalError as error:
                raise RetrievalError(f"{error.problem} {error.remedy}") from None


def test_another_distance_is_refused(tmp_path):
    client = chromadb.PersistentClient(str(tmp_path / "index"))
    client.create_collection("chunks", embedding_function=None)
    client.close()
    for opener in (open_index, read_index):
        with pytest.raises(RetrievalError, match="compares vectors by 'l2'"):
            opener(tmp_path / "index", Hashing())


def test_vectors_of_an_unknown_model_are_refused_but_can_be_looked_at(tmp_path):
    client = chromadb.PersistentClient(str(tmp_path / "index"))
    made = client.create_collection(
        "chunks", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    made.upsert(ids=["1"], embeddings=vectors_of(["x"]))
    client.close()
    with pytest.raises(RetrievalError, match="does not say which model"):
        open_index(tmp_path / "index", Hashing())
    with read_index(tmp_path / "index") as index:
        assert len(index) == 1 and index.made_by == (None, None)
        with pytest.raises(RetrievalError, match="needs an embedder"):
            index.search(pd.DataFrame({"question": ["a"], "text": ["b"]}), 1)


def test_a_second_writer_is_refused_by_the_process_that_has_it(tmp_path, impatient):
    folder = str(tmp_path / "index")
    command = [sys.executable, "-c", OPEN_ELSEWHERE, folder]
    root = Path(__file__).parents[2]
    other = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    )
    try:
        assert other.stdout.readline() == "open\n"
        for opener in (open_index, read_index):
            with pytest.raises(RetrievalError, match=f"in use by process {other.pid} "):
                opener(folder, Hashing())
    finally:
        other.communicate("")
    open_index(folder, Hashing()).close()


def test_a_second_writer_of_the_same_process_is_refused(tmp_path, impatient):
    with (
        open_index(tmp_path / "index", Hashing()),
        pytest.raises(RetrievalError, match=f"in use by process {os.getpid()} "),
    ):
        open_index(tmp_path / ".." / tmp_path.name / "index", Hashing())


@pytest.mark.server
def test_the_folder_of_a_running_server_is_refused(server, impatient):
    for opener in (open_index, read_index):
        with pytest.raises(RetrievalError, match=f"in use by process {server.process.pid} "):
            opener(server.folder / "store", Hashing())


def test_a_reader_keeps_what_it_saw_while_others_write(tmp_path):
    folder = tmp_path / "index"
    before, after = corpus(pages(2)), corpus(pages(30))
    with open_index(folder, Hashing()) as index:
        ingest(index, *before, "lines")
    with read_index(folder, Hashing()) as reader:
        with open_index(folder, Hashing()) as index:
            ingest(index, *after, "lines")
            assert len(index) == len(after[1])
        assert len(reader) == len(before[1])
        assert reader.vectors(before[1]["chunk"].tolist())[1].all()


def test_a_snapshot_is_an_index_of_its_own(tmp_path):
    with open_index(tmp_path / "index", Hashing()) as index:
        ingest(index, *corpus(pages(2)), "lines")
    copy = snapshot.take(tmp_path / "index", tmp_path / "copies" / "monday")
    with read_index(copy, Hashing()) as index:
        assert len(index) == 100
    with pytest.raises(RetrievalError, match="is there already"):
        snapshot.take(tmp_path / "index", copy)
    with pytest.raises(RetrievalError, match="no Chroma store"):
        snapshot.take(tmp_path / "nowhere", tmp_path / "new")


def test_copies_of_readers_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    open_index(tmp_path / "index", Hashing()).close()
    read_index(tmp_path / "index").close()
    assert not list(tmp_path.glob("aiopslab-*"))


@pytest.mark.server
def test_a_missing_collection_names_the_nearest(server):
    open_index(f"{server.url}/handbook", Hashing()).close()
    with pytest.raises(RetrievalError, match="Did you mean 'handbook'"):
        read_index(f"{server.url}/handbok", Hashing())


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(RetrievalError, match="does not answer"):
        open_index(f"chroma+http://127.0.0.1:{free_port()}/handbook", Hashing())


@pytest.mark.parametrize(
    "url", ["chroma+http://me:secret@host/x", "chroma+http://h/x?token=secret"]
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url):
    with pytest.raises(RetrievalError, match="AIOPSLAB_CHROMA_TOKEN") as raised:
        Address.of(url)
    assert "secret" not in str(raised.value)


def test_the_token_of_the_environment_is_sent(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_CHROMA_TOKEN", "s3cret")
    with _refusing() as (port, heard), pytest.raises(RetrievalError) as raised:
        open_index(f"chroma+http://127.0.0.1:{port}/handbook", Hashing())
    assert heard[0]["x-chroma-token"] == "s3cret"
    assert heard[0]["authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["chroma+http://host", "chroma+http:///x", "redis://host/x", "a#?"])
def test_addresses_that_are_none_say_what_is_expected(url):
    with pytest.raises(RetrievalError) as raised:
        Address.of(url)
    assert raised.value.remedy


def test_vectors_that_are_not_there_are_told_apart(tmp_path):
    documents, chunks = corpus(pages(1))
    with open_index(tmp_path / "index", Hashing()) as index:
        ingest(index, documents, chunks, "lines")
        vectors, readable = index.vectors([chunks["chunk"][3], "nowhere"])
    assert readable.tolist() == [True, False]
    np.testing.assert_allclose(vectors[0], vectors_of([chunks["text"][3]])[0], atol=1e-7)


@contextmanager
def _refusing():
    """Run a server that refuses everybody; yield its port and the headers it was sent."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append({name.lower(): value for name, value in self.headers.items()})
            self.send_error(403)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, heard
    finally:
        server.shutdown()
        server.server_close()
