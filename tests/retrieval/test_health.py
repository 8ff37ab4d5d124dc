"""Health of a store: each fault is put in for real, and found by its name."""

import numpy as np
import pytest

from aiopslab.retrieval import health
from aiopslab.retrieval.chroma import open_index, read_index
from aiopslab.retrieval.exact import search
from aiopslab.retrieval.ingestion import ingest
from aiopslab.retrieval.query_drift import separation
from aiopslab.retrieval.records import checksums, prepared
from tests.chroma_server import chroma_server
from tests.retrieval.stores import DIMENSIONS, Hashing, corpus, pages, vectors_of


@pytest.fixture
def index(tmp_path):
    with open_index(tmp_path / "index", Hashing()) as index:
        ingest(index, *corpus(pages(4)), "lines")
        yield index


def affected(told):
    return told.table().query("affected > 0").set_index("check")["affected"].to_dict()


def write(index, texts, vectors=None, **fields):
    """Put chunks in past the ingestion."""
    documents, chunks = corpus(texts)
    records = prepared(chunks, documents)
    vectors = vectors_of(records["text"]) if vectors is None else vectors
    records = records.assign(checksum=checksums(vectors_of(records["text"])), **fields)
    index.upsert(records, vectors)
    return records["chunk"].tolist()


def test_a_whole_index_is_ok(index):
    told = health.check(index)
    verdict = told.verdict()
    assert affected(told) == {} and verdict.level == "ok"
    assert verdict.headline == "All 200 vectors can be read and are their own."
    assert told.recall.interval.low <= told.recall.value == 1.0


@pytest.mark.slow
@pytest.mark.xdist_group("two-writers")
@pytest.mark.parametrize("knows_model", [True, False])
def test_the_loss_of_two_writers_is_caught_and_counted(lossy, knows_model):
    folder, lost, _ = lossy
    with read_index(folder, Hashing() if knows_model else None) as index:
        told = health.check(index)
    assert affected(told)["unreadable vectors"] == lost
    verdict = told.verdict()
    assert verdict.level == "act"
    assert f"{lost:,} of 4,000 chunks cannot be read." in [each.claim for each in verdict.findings]
    assert any("Ingest the corpus again" in each for each in verdict.actions)
    assert "miscounted chunks" not in affected(told)  # counts look right, as they are said to


def test_the_vector_of_another_chunk_is_found(index):
    ids = write(index, {"page0.md": "Line 0 of page 0.\n"}, vectors_of(["Something else.\n"]))
    told = health.check(index)
    table = told.table().set_index("check")
    assert table.loc["vectors of others", "affected"] == 1
    assert table.loc["vectors of others", "examples"] == ids[0]
    assert told.verdict().level == "act" and told.recall is None


def test_chunks_that_went_missing_are_counted(index):
    index.delete(index.chunks()["chunk"].tolist()[:3])
    told = health.check(index)
    assert affected(told) == {"missing chunks": 3} and told.verdict().level == "act"


def test_orphans_and_stale_chunks_are_told_apart(index):
    write(index, {"nowhere.md": "Nobody knows this.\n"})
    write(index, {"page0.md": "Of an earlier content.\n"})
    assert affected(health.check(index)) == {"orphans": 1, "stale chunks": 1}


def test_a_zero_vector_is_found(index):
    write(index, {"page0.md": "Line 0 of page 0.\n"}, np.zeros((1, DIMENSIONS), np.float32))
    assert affected(health.check(index))["zero vectors"] == 1


def test_empty_oversize_and_repeated_chunks_are_found(tmp_path):
    texts = {f"{name}.md": f"Of {name}.\nThe same.\n" for name in "abcd"}
    texts |= {"blank.md": "  \n", "long.md": "word " * 40 + "\n"}
    with open_index(tmp_path / "index", Hashing()) as index:
        ingest(index, *corpus(texts), "lines")
        told = health.check(index)
    assert affected(told) == {"empty chunks": 1, "oversize chunks": 1, "repeated texts": 3}
    assert told.verdict().level == "watch"


def test_an_ingestion_that_never_ended_is_told(tmp_path):
    with open_index(tmp_path / "index", Hashing()) as index:
        write(index, {"a.md": "One.\nTwo.\n"})
        told = health.check(index)
    assert affected(told) == {"no manifest": 1}
    assert told.verdict().headline == "No ingestion came to its end."


def test_texts_that_share_a_vector_are_found(index):
    vector = np.repeat(vectors_of(["One.\n"]), 2, axis=0)
    records = prepared(*reversed(corpus({"x.md": "One.\nTwo.\n"})))
    index.upsert(records.assign(checksum=checksums(vector)), vector)
    assert affected(health.check(index))["vectors shared by different texts"] == 2


def test_an_empty_index_is_no_error(tmp_path):
    with open_index(tmp_path / "index", Hashing()) as index:
        ingest(index, *corpus({"a.md": ""}), "lines")
        told = health.check(index)
    assert told.chunks == 0 and told.verdict().level == "ok"


def test_recall_is_that_of_a_count_by_hand(index):
    rng = np.random.default_rng(5)
    queries = rng.normal(size=(30, DIMENSIONS)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    told = health.check(index, recent=queries, k=7)
    chunks = index.chunks()
    exact = search(queries, vectors_of(chunks["text"]), 7).places
    near = index.nearest(queries, 7)
    shares = [
        len({chunk for chunk, *_ in hits} & set(chunks["chunk"][row])) / 7
        for hits, row in zip(near, exact, strict=True)
    ]
    assert told.recall.value == pytest.approx(np.mean(shares))


def test_an_index_that_misses_half_is_no_good_index(index, monkeypatch):
    whole = type(index).nearest

    def half(self, vectors, k, where=None):
        return [hits[::2] for hits in whole(self, vectors, k, where)]

    monkeypatch.setattr(type(index), "nearest", half)
    told = health.check(index, recent=vectors_of([f"What {n}?" for n in range(200)]), k=10)
    assert told.recall.value == pytest.approx(0.5)
    assert told.verdict().level == "act"


def test_drift_of_questions_has_the_level_it_says():
    """Of questions of one distribution the interval holds .5 about as often as it says."""
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        one, other = rng.normal(size=(2, 80, 16)).astype(np.float32)
        interval = separation(one, other, seed).interval
        held += interval.low <= 0.5 <= interval.high
    assert held >= 33  # of 40; fewer come of .95 in less than 1 of 300 runs


def test_questions_of_another_topic_are_told(index):
    rng = np.random.default_rng(1)
    reference = rng.normal(size=(120, DIMENSIONS)).astype(np.float32)
    recent = reference[:60] + np.eye(DIMENSIONS, dtype=np.float32)[0] * 4
    told = health.check(index, recent=recent, reference=reference)
    assert told.drift.interval.low > 0.8
    assert "Recent questions are not like" in told.verdict().headline
    assert health.check(index, recent=recent[:9], reference=reference).drift is None


def test_the_table_puts_the_worst_first_and_the_figure_shows_each(index):
    write(index, {"nowhere.md": "Nobody knows this.\n"})
    index.delete(index.chunks()["chunk"].tolist()[-2:])
    table = health.check(index).table()
    assert table["severity"].tolist()[:2] == ["act", "watch"]
    assert len(health.check(index).figure().data[0].y) == len(table)


@pytest.mark.server
def test_at_a_server_health_is_the_same(tmp_path):
    with chroma_server(tmp_path) as server, open_index(f"{server.url}/abc", Hashing()) as index:
        ingest(index, *corpus(pages(3)), "lines")
        write(index, {"page0.md": "Line 0 of page 0.\n"}, vectors_of(["Something else.\n"]))
        assert affected(health.check(index))["vectors of others"] == 1
