"""The card of a real Chroma index, in a folder and in a registry."""

import json
from uuid import uuid4

import pytest

from aiopslab.retrieval import retriever
from aiopslab.retrieval.configuration import Configuration
from tests.cards.shown import harmless
from tests.retrieval.stores import Hashing

EVIL = "<b onclick=alert(1)>"


@pytest.fixture
def docs(tmp_path, aiopslab, monkeypatch):
    """A corpus of two documents, ingested into a folder beside it."""
    monkeypatch.setattr(retriever, "default_embedders", lambda: {"minilm": Hashing()})
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "queues.md").write_text("# Queues\nThey fill up.\n")
    (folder / f"wings {EVIL}.md").write_text("# Wings\nWings lift a plane.\n")
    assert aiopslab("retrieval", "ingest", folder, tmp_path / "index")[0] == 0
    return folder


def sections(files):
    return {each["title"]: each for each in json.loads(files["json"])["sections"]}


def test_a_folder_says_what_it_holds_and_how_it_is(docs, card, gallery, tmp_path):
    judge, folder = gallery
    judge("rag_tuning", {"index": str(tmp_path / "index")}, claim="Recall fell.")
    index = tmp_path / "index"
    code, err, files = card("index", index, "--corpus", docs, "--gallery", folder)
    assert (code, err) == (0, "")
    told = sections(files)
    facts = dict(told["What it is"]["rows"])
    assert facts["embedder"] == f"{Hashing().name} ({Hashing().dimensions} dimensions)"
    assert facts["chunks"] == "2" and facts["aliases"] == "not registered"
    assert [row[0] for row in told["Data"]["rows"]] == ["queues.md", f"wings {EVIL}.md"]
    assert told["Freshness"]["rows"][0][0] == "ok"
    assert all(row[1] == "ok" for row in told["Health"]["rows"])
    assert told["Known limits"]["rows"][0][0] == "loans: Recall fell."
    assert told["Gates"]["rows"] == [] and told["Versions"]["rows"] == []
    harmless(files, EVIL)
    (docs / "queues.md").write_text("Other.")
    told = sections(card("index", index, "--corpus", docs)[2])
    assert told["Freshness"]["rows"][0][0] == "watch"
    told = sections(card("index", index)[2])
    assert told["Freshness"]["unknown"].startswith("Not known: no corpus was named")


@pytest.mark.server
@pytest.mark.slow
def test_a_registered_index_has_versions_gates_and_moves(
    docs, card, aiopslab, mlflow_at, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_at)
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(tmp_path / "audit.jsonl"))
    name = f"index-{uuid4().hex[:8]}"
    words = Configuration(search="lexical").save(tmp_path / "words.yaml")
    index, other = tmp_path / "index", f"{tmp_path / 'index'}#other"
    aiopslab("retrieval", "ingest", docs, other, "--config", words)
    for url, more in ((index, ["--alias", "production"]), (other, ["--config", words])):
        code, _, err = aiopslab("retrieval", "register", url, "--name", name, *more)
        assert (code, err) == (0, "")
    lines = [
        {"text": f"What do wings do {number}?", "document": f"wings {EVIL}.md"}
        for number in range(12)
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, lines)))
    sides = ["--candidate", f"indexes:/{name}/2", "--baseline", f"indexes:/{name}@production"]
    options = ["--set-alias", "production", "--metric", "recall"]
    code, _, err = aiopslab("retrieval", "gate", docs, tmp_path / "q.jsonl", *sides, *options)
    assert err == "" and code in {0, 3, 4}
    _, _, files = card("index", f"indexes:/{name}/2")
    told = sections(files)
    assert [row[0] for row in told["Versions"]["rows"]] == ["2 (this one)", "1"]
    assert dict(told["Configuration"]["rows"])["search"] == '"lexical"'
    (gate,) = told["Gates"]["rows"]
    assert gate[1] == {0: "promote", 3: "keep", 4: "not enough data"}[code]
    told = sections(card("index", f"indexes:/{name}@production")[2])
    assert told["History of its aliases"]["rows"][-1][4] == "production"
    (docs / "queues.md").write_text("Other.")
    aiopslab("retrieval", "ingest", docs, other, "--config", words)
    told = sections(card("index", f"indexes:/{name}/2")[2])
    assert "has been written since" in told["Data"]["texts"][0][1]
