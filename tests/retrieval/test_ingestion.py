"""Ingestion: only what is new is embedded, and however it is broken off the next run mends it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import RetrievalError
from aiopslab.retrieval import snapshot
from aiopslab.retrieval.chroma import open_index, read_index
from aiopslab.retrieval.ingestion import ingest
from tests.chroma_server import chroma_server
from tests.retrieval.stores import Hashing, assert_equal, contents, corpus, edited, pages

ROOT = Path(__file__).parents[2]
INGEST = """
import sys
from tests.retrieval.stores import Hashing, corpus, edited, pages
from aiopslab.retrieval import snapshot
from aiopslab.retrieval.chroma import open_index
from aiopslab.retrieval.ingestion import ingest
with open_index(sys.argv[1], Hashing()) as index:
    print("open", flush=True)
    ingest(index, *corpus(edited(pages(30))), "lines")
"""


@pytest.fixture
def index(tmp_path):
    with open_index(tmp_path / "index", Hashing()) as index:
        yield index


def ingested(index, texts, **metadata):
    index.embedder.asked.clear()
    return ingest(index, *corpus(texts, **metadata), "lines")


def test_a_second_run_embeds_and_writes_nothing(index):
    texts = pages(3)
    assert ingested(index, texts).embedded == 150
    told = ingested(index, texts)
    assert (told.kept, told.embedded, told.removed) == (150, 0, 0)
    assert index.embedder.asked == []


def test_only_what_changed_is_embedded(index):
    texts = pages(3)
    ingested(index, texts)
    texts["page1.md"] = texts["page1.md"].replace("Line 9 of", "Line nine of")
    told = ingested(index, texts)
    assert index.embedder.asked == ["Line nine of page 1.\n"]
    assert told.embedded == 1 and told.removed >= 1 and told.done == told.total
    assert told.tokens == 5


def test_text_that_moved_keeps_its_vector(index):
    texts = pages(3)
    ingested(index, texts)
    texts["page0.md"] = "Read this first.\n" + texts["page0.md"]
    texts["renamed.md"] = texts.pop("page1.md")
    told = ingested(index, texts)
    assert index.embedder.asked == ["Read this first.\n"]
    assert (told.moved, told.embedded, told.kept, told.removed) == (100, 1, 50, 100)
    _, chunks = corpus(texts)
    pd.testing.assert_frame_equal(
        index.chunks()[list(chunks)].sort_values("chunk", ignore_index=True),
        chunks.sort_values("chunk", ignore_index=True),
        check_dtype=False,
    )


def test_a_change_of_metadata_embeds_nothing_and_takes_old_fields_away(index):
    ingested(index, pages(2), team="red")
    told = ingested(index, pages(2), owner="ada")
    assert told.described == 100 and index.embedder.asked == []
    stored = index.chunks()
    assert set(stored["owner"]) == {"ada"} and "team" not in stored


def test_the_same_text_at_many_places_is_embedded_once(index):
    texts = {f"{name}.md": "Copyright.\nAll rights.\n" for name in "abc"}
    told = ingested(index, texts)
    assert index.embedder.asked == ["Copyright.\n", "All rights.\n"]
    assert told.embedded == len(index) == 6


def test_documents_that_are_gone_leave(index):
    ingested(index, pages(3))
    texts = pages(2) | {"empty.md": ""}
    told = ingested(index, texts)
    assert told.removed == 50 and len(index) == 100
    documents = index.manifest().documents.set_index("document")["chunks"]
    assert documents.to_dict() == {"empty.md": 0, "page0.md": 50, "page1.md": 50}


def test_an_index_kept_up_equals_one_built_afresh(tmp_path, index):
    rng = np.random.default_rng(0)
    texts = pages(6)
    for step in range(4):
        ingested(index, texts)
        for name in list(texts):
            lines = texts[name].splitlines(keepends=True)
            del lines[int(rng.integers(len(lines)))]
            lines.insert(int(rng.integers(len(lines))), f"Of step {step}.\n")
            texts[name] = "".join(lines)
        texts[f"new{step}.md"] = texts.pop(str(rng.choice(list(texts))))
    ingested(index, texts)
    with open_index(tmp_path / "afresh", Hashing()) as afresh:
        ingested(afresh, texts)
        assert_equal(contents(index), contents(afresh))


def test_the_time_of_ingestion_is_that_of_the_content(index):
    ingested(index, pages(2))
    before = index.manifest().documents
    texts = pages(2) | {"page1.md": "Changed.\n"}
    index.keep(_at(index.manifest(), "2026-01-01"))
    ingested(index, texts)
    after = index.manifest().documents.set_index("document")["ingested"]
    assert after["page0.md"] == pd.Timestamp("2026-01-01", tz="UTC")
    assert after["page1.md"] >= before["ingested"].max()


def _at(manifest, time):
    documents = manifest.documents.assign(ingested=pd.Timestamp(time, tz="UTC"))
    return type(manifest)(manifest.chunking, manifest.embedder, documents)


@pytest.mark.slow
@pytest.mark.parametrize("moment", np.random.default_rng(11).uniform(0, 1, 5).round(3))
def test_killed_at_any_moment_the_rerun_ends_equal(tmp_path, undisturbed, moment):
    before, expected, seconds = undisturbed
    folder = snapshot.take(before, tmp_path / "index")
    command = [sys.executable, "-c", INGEST, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout.readline() == "open\n"
    time.sleep(seconds * moment)
    process.kill()
    assert process.wait() in {-signal.SIGKILL, 0}
    with open_index(folder, Hashing()) as index:
        told = ingested(index, edited(pages(30)))
        assert told.damaged == 0
        assert_equal(contents(index), expected)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """An index before and after an ingestion that nobody kills, and how long that takes."""
    before = tmp_path_factory.mktemp("undisturbed") / "before"
    with open_index(before, Hashing()) as index:
        ingested(index, pages(30))
    folder = snapshot.take(before, before.with_name("after"))
    command = [sys.executable, "-c", INGEST, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout.readline() == "open\n"
    began = time.monotonic()
    assert process.wait() == 0
    seconds = time.monotonic() - began
    with read_index(folder) as index:
        return before, contents(index), seconds


@pytest.mark.server
def test_a_server_that_goes_away_keeps_what_was_written(tmp_path):
    texts = pages(20)
    with chroma_server(tmp_path) as server:
        url = f"{server.url}/handbook"

        def go_away(told):
            if told.embedded > 500:
                server.kill()

        with (
            open_index(url, Hashing()) as index,
            pytest.raises(RetrievalError, match=r"does not answer.*"),
        ):
            ingest(index, *corpus(texts), "lines", report=go_away)
        server.start()
        with open_index(url, Hashing()) as index:
            assert index.manifest() is None
            told = ingested(index, texts)
            assert told.kept >= 500 and told.kept + told.embedded == 1_000
            found = contents(index)
    with open_index(tmp_path / "afresh", Hashing()) as afresh:
        ingested(afresh, texts)
        assert_equal(found, contents(afresh))


@pytest.mark.slow
@pytest.mark.xdist_group("two-writers")
def test_an_index_that_lost_vectors_is_built_anew(tmp_path, lossy):
    folder, lost, texts = lossy
    snapshot.take(folder, tmp_path / "index")
    with open_index(tmp_path / "index", Hashing()) as index:
        told = ingested(index, texts)
        assert told.damaged >= lost > 0 and told.kept == 0
        assert told.moved > 0  # what could still be read was not embedded again
        found = contents(index)
    with open_index(tmp_path / "afresh", Hashing()) as afresh:
        ingested(afresh, texts)
        assert_equal(found, contents(afresh))


def test_an_empty_corpus_does_not_empty_the_index(index):
    ingested(index, pages(1))
    with pytest.raises(RetrievalError, match="the corpus is empty"):
        ingested(index, {})
    assert len(index) == 50


@pytest.mark.parametrize("change", ["twice", "unknown", "missing", "reserved"])
def test_tables_that_do_not_fit_are_refused_before_anything_is_written(index, change):
    documents, chunks = corpus(pages(1))
    if change == "twice":
        chunks = pd.concat([chunks, chunks.head(1)])
    elif change == "unknown":
        chunks = chunks.assign(document="elsewhere.md")
    elif change == "missing":
        documents = documents.drop(columns="content_hash")
    else:
        documents = documents.assign(start=0)
    with pytest.raises(RetrievalError):
        ingest(index, documents, chunks, "lines")
    assert len(index) == 0 and index.manifest() is None


@pytest.mark.parametrize("bad", [np.nan, 0.0])
def test_vectors_without_direction_are_refused_with_their_text(index, bad):
    index.embedder.embed = lambda texts: np.full((len(texts), 32), bad)
    with pytest.raises(RetrievalError, match="without direction of 'Line 0 of page 0"):
        ingest(index, *corpus(pages(1)), "lines")


def test_mixed_scripts_and_no_spaces_come_back_as_they_were(index):
    texts = {"日本/語.md": "検索は速い。\n" + "x" * 20_000 + "\n", "ع.md": "نص\n🙂\r\n\x00\n"}
    ingested(index, texts)
    stored = index.chunks()
    rebuilt = stored.groupby("document")["text"].agg("".join).to_dict()
    assert rebuilt == texts
