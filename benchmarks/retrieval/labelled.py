"""Public corpora with labelled questions, read from where they lie; nothing of them is kept here.

The folder is ``AIOPSLAB_EVALUATION_DATA``, else ``../shared/data`` beside this project. Where it
is absent the figures that need it are left out.
"""

import json
from functools import cache

import pandas as pd

from aiopslab.retrieval.documents import Corpus, open_corpus
from aiopslab.retrieval.library import embedded_corpus, embedded_questions
from aiopslab.retrieval.truth import Truth, open_questions
from benchmarks.prompts.labelled import ROOT

RETRIEVAL = ROOT / "retrieval"
SNAPSHOTS = "2025-08", "2026-02"

Set = tuple[Corpus, Truth]


def is_there() -> bool:
    return RETRIEVAL.is_dir()


@cache
def chunking_study() -> Set:
    """Return the corpora of Chroma's study that are here, and the passages that answer."""
    folder = RETRIEVAL / "chroma_chunking"
    texts = {path.stem: path.read_text() for path in sorted((folder / "corpora").glob("*.md"))}
    table = pd.read_csv(folder / "questions_df.csv")
    table = table[table["corpus_id"].isin(list(texts))].reset_index(drop=True)
    questions = pd.DataFrame({"question": table.index.astype(str), "text": table["question"]})
    rows = [
        (str(number), corpus, each["start_index"], each["end_index"], 1)
        for number, (corpus, references) in enumerate(
            zip(table["corpus_id"], table["references"], strict=True)
        )
        for each in json.loads(references)
    ]
    answers = pd.DataFrame(rows, columns=["question", "document", "start", "end", "grade"])
    return Corpus.of_texts(texts), Truth(questions, answers)


@cache
def cranfield() -> Set:
    """Return abstracts, and which of them answer, with grades."""
    folder = RETRIEVAL / "cranfield"
    corpus = open_corpus(str(folder / "corpus.jsonl"))
    queries, judgements = folder / "queries.jsonl", folder / "qrels.tsv"
    return corpus, open_questions(str(queries), corpus, str(judgements))


@cache
def handbook() -> Set:
    """Return the corpus that this project brings along, and its questions."""
    corpus = embedded_corpus("embedded:handbook")
    return corpus, Truth(*embedded_questions("embedded:questions", corpus.documents))


@cache
def snapshot(date: str) -> Corpus:
    """Return a documentation site as it was."""
    return open_corpus(str(RETRIEVAL / "kubeflow_docs" / date))


@cache
def golden_questions() -> pd.DataFrame:
    """Return what people ask of that site: ``question, text``."""
    table = json.loads((RETRIEVAL / "kubeflow_docs" / "golden_dataset.json").read_text())
    rows = [(each["id"], each["query"]) for each in table["queries"]]
    return pd.DataFrame(rows, columns=["question", "text"])
