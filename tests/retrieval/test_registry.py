"""Indexes in a real MLflow registry: registered, found by alias, let past the gate, refused."""

from uuid import uuid4

import pytest

from aiopslab.errors import RetrievalError
from aiopslab.mlflow_server import connect
from aiopslab.retrieval import retriever
from aiopslab.retrieval.chroma import open_index, read_index
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.registry import read_version, register, versions_of
from tests.retrieval.stores import Hashing
from tests.retrieval.worlds import world

pytestmark = [pytest.mark.server, pytest.mark.slow]
PROMOTE, UNUSABLE, KEEP = 0, 2, 3
GOOD = Configuration(search="lexical")
BAD = Configuration(search="lexical", where={"document": "queue.md"})


@pytest.fixture
def name():
    return f"index-{uuid4().hex[:8]}"


@pytest.fixture
def run(aiopslab, monkeypatch, mlflow_at):
    """Call a command of retrieval, with an embedder that costs nothing, at the server."""
    monkeypatch.setattr(retriever, "default_embedders", lambda: {"minilm": Hashing()})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_at)
    return lambda *arguments: aiopslab("retrieval", *arguments)


@pytest.fixture
def docs(tmp_path):
    """A corpus, and a file of questions beside it."""
    corpus, truth = world()
    folder = tmp_path / "docs"
    folder.mkdir()
    for document, text in corpus.texts:
        (folder / document).write_text(text)
    asked = truth.questions.merge(truth.answers, on="question")
    asked.to_json(tmp_path / "questions.jsonl", orient="records", lines=True)
    return folder


@pytest.fixture
def two(run, docs, tmp_path, name):
    """Register two versions, of which the first is in use and the second finds more."""
    for number, each in enumerate((BAD, GOOD), start=1):
        config = each.save(tmp_path / f"{number}.yaml")
        index = f"{tmp_path / 'index'}#docs-{number}"
        assert run("ingest", docs, index, "--config", config)[0] == 0
        alias = ["--alias", "production"] if number == 1 else []
        code, out, err = run("register", index, "--name", name, "--config", config, *alias)
        assert (code, err) == (0, "") and f"indexes:/{name}/{number}" in out
    return name


def test_a_version_leads_to_its_collection_and_how_it_was_made(run, docs, two, tmp_path):
    found = read_version(f"indexes:/{two}@production")
    assert (found.version, found.aliases) == (1, ("production",))
    assert found.configuration == BAD and found.embedder == Hashing().name
    with read_index(f"indexes:/{two}@production") as index:
        manifest = index.manifest()
        assert len(index) == found.chunks == manifest.chunks
    assert found.digest == manifest.digest and found.documents == len(manifest.documents)
    assert [each.version for each in versions_of(two)] == [2, 1]
    index = f"{tmp_path / 'index'}#docs-2"
    assert register(index, two, GOOD) == 2, "nothing is registered twice"
    assert run("stale", docs, f"indexes:/{two}@production")[0] == 0
    next(docs.iterdir()).write_text("Something else.")
    assert run("stale", docs, f"indexes:/{two}@production")[0] == KEEP
    run("ingest", docs, index, "--config", tmp_path / "2.yaml")
    assert register(index, two, GOOD) == 3, "other documents are another version"


def test_the_gate_moves_the_alias_as_decided(run, docs, two, tmp_path):
    def decide(baseline, candidate):
        sides = ["--baseline", f"indexes:/{two}{baseline}", "--candidate", f"indexes:/{two}/2"]
        sides[-1] = f"indexes:/{two}{candidate}"
        asked = tmp_path / "questions.jsonl"
        code, out, err = run("gate", docs, asked, *sides, "--set-alias", "production")
        assert err == ""
        return code, out, read_version(f"indexes:/{two}@production").version

    code, out, points = decide("@production", "/2")
    assert (code, points) == (PROMOTE, 2) and "points at version 2; it pointed at version 1" in out
    code, out, points = decide("@production", "/2")
    assert (code, points) == (KEEP, 2) and "stays where it is" in out
    code, out, points = decide("@production", "/1")
    assert (code, points) == (KEEP, 2) and "stays where it is" in out
    connect(None).set_registered_model_alias(two, "production", "1")
    code, out, points = decide("/2", "@production")
    assert (code, points) == (KEEP, 2), "a candidate in use that is worse goes back"


def test_what_cannot_be_registered_is_refused(run, docs, two, tmp_path, name, mlflow_at):
    index = f"{tmp_path / 'index'}#docs-1"
    with pytest.raises(RetrievalError, match="the configuration says headings"):
        register(index, two, Configuration(chunking="headings"))
    with pytest.raises(RetrievalError, match="cannot be the name of an index"):
        register(index, "a/b", BAD)
    with open_index(tmp_path / "empty", Hashing()), pytest.raises(RetrievalError):
        register(tmp_path / "none", two, BAD)
    with pytest.raises(RetrievalError, match="has no manifest"):
        register(tmp_path / "empty", two, BAD)
    connect(mlflow_at).create_registered_model(f"{name}-model")
    with pytest.raises(RetrievalError, match="name of something else"):
        register(index, f"{name}-model", BAD)
    connect(mlflow_at).create_model_version(f"{name}-model", "s3://nowhere/model")
    with pytest.raises(RetrievalError, match="as a model, not as an index"):
        read_version(f"indexes:/{name}-model/1")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ingest", "{docs}", "indexes:/{name}@production"), "is not written"),
        (("health", "indexes:/{name}@nobody"), "nobody"),
        (("health", "indexes:/{name}"), "names no version of an index"),
        (("health", "indexes:/none/1"), "none"),
        (("gate", "{docs}", "q", "--candidate", "x.yaml", "--set-alias", "a"), "no version of an"),
    ],
)
def test_what_is_no_index_is_told(run, docs, two, arguments, says):
    if arguments[0] == "gate":
        arguments = (*arguments, "--max-tokens", "9")
    code, out, err = run(*(each.format(docs=docs, name=two) for each in arguments))
    assert (code, out) == (UNUSABLE, "") and says in err and "Traceback" not in err


def test_a_server_that_is_down_is_told_without_secrets():
    with pytest.raises(RetrievalError, match="was refused") as raised:
        read_version("indexes:/docs/1", "http://me:s@cret@127.0.0.1:9")
    assert "cret" not in str(raised.value)
