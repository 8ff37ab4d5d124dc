"""The report of a sweep, as people get it, by words and so without a model."""

import os

import pandas as pd
import pytest

from aiopslab.models.embedder import Embedder
from aiopslab.reports import catalogue
from aiopslab.reports.run import run
from aiopslab.retrieval import open_corpus, read_configuration
from aiopslab.retrieval.chroma import open_index
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.ingestion import ingest
from tests.retrieval.worlds import Words

pytestmark = [pytest.mark.server, pytest.mark.slow]

WORDS = {"search": ["lexical"], "size": [100, 400], "k": [3, 5]}


@pytest.fixture(autouse=True)
def without_mlflow(monkeypatch):
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")


def test_a_sweep_by_words_is_reported_with_all_there_is(tmp_path, monkeypatch, mlflow_at):
    now = Configuration(search="lexical", size=100, k=3).save(tmp_path / "now.yaml")
    embedder: Embedder = Words()
    library = open_corpus("embedded:handbook_earlier")
    configuration = Configuration(search="lexical")
    with open_index(tmp_path / "index", embedder) as index:
        chunks = configuration.strategy().chunks(library)
        ingest(index, library.documents, chunks, configuration.strategy().name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_at)
    record = run(
        catalogue.find("rag_tuning"),
        {
            "space": WORDS,
            "current": str(now),
            "index": str(tmp_path / "index"),
            "save": str(tmp_path / "best.yaml"),
            "experiment": "sweeps",
        },
        tmp_path / "out",
    )
    assert record.failure is None, record.failure
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_at, mlflow_at)
    home = client.get_experiment_by_name("sweeps").experiment_id
    runs = client.search_runs([home])
    above = [each for each in runs if "mlflow.parentRunId" not in each.data.tags]
    assert len(above) == 1 and len(runs) == 1 + 4
    assert all({"ndcg", "tokens"} <= each.data.metrics.keys() for each in runs if each not in above)
    assert "held_out_ndcg" in above[0].data.metrics
    assert read_configuration(tmp_path / "best.yaml").size in (100, 400)
    subjects = [each.subject for each in record.verdict.findings]
    assert "index" in subjects, "documents of the index are stale"
    page = (tmp_path / "out" / record.id / "report.html").read_text()
    for each in ("documents are stale", "have another best answer now", "chunking: recursive"):
        assert each in page, each
    assert os.sep + "work" not in page


def test_a_corpus_of_ones_own_with_passages_quoted(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    rows = []
    for at in range(60):
        text = f"# Topic {at}\n\nThe limit of service {at} is {at * 7}.\n\nNothing else is known."
        (folder / f"d{at}.md").write_text(text)
        answer = {"document": f"d{at}.md", "passage": f"The limit of service {at} is {at * 7}."}
        rows.append({"text": f"What is the limit of service {at}?", "answers": [answer]})
    pd.DataFrame(rows).to_json(tmp_path / "q.jsonl", orient="records", lines=True)
    record = run(
        catalogue.find("rag_tuning"),
        {
            "corpus": str(folder),
            "questions": str(tmp_path / "q.jsonl"),
            "space": {"search": ["lexical"], "k": [1, 5]},
            "current": str(Configuration(search="lexical").save(tmp_path / "now.yaml")),
        },
        tmp_path / "out",
    )
    assert record.failure is None, record.failure
    assert record.verdict.metrics["recall of the best"] > 0.9


def test_a_corpus_that_is_not_there_fails_the_report_and_says_so(tmp_path):
    asked = {"corpus": str(tmp_path / "none")}
    record = run(catalogue.find("rag_tuning"), asked, tmp_path / "out")
    assert record.status == "failed" and "none" in str(record.failure)
