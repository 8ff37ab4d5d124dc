"""Small corpora of which the truth is known."""

import hashlib

import numpy as np
import pandas as pd

from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.truth import Truth


class Words:
    """An embedder of our own: the words of a text, each at a place of its own; counts its work."""

    name, dimensions = "words-1", 256

    def __init__(self):
        self.embedded = []

    def embed(self, texts):
        self.embedded += texts
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row, 0] = 0.1  # so that no text is without a direction
            for word in text.casefold().split():
                place = int(hashlib.sha256(word.strip(".?,").encode()).hexdigest(), 16)
                vectors[row, place % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


SUBJECTS = ("queue", "cache", "gateway", "reranker", "index", "tracer", "proxy", "broker")
FACETS = ("limit", "owner", "timeout", "retry", "backup", "alert", "quota", "shard")


def world(filler=30):
    """Return a corpus of eight documents of eight paragraphs, and a question on each of them."""
    texts, questions, answers = {}, [], []
    for subject in SUBJECTS:
        text = f"# The {subject}\n\n"
        for number, facet in enumerate(FACETS):
            fact = f"The {facet} of the {subject} is {len(subject) * 10 + number}."
            start = len(text)
            padding = " ".join(f"{subject}{facet}{at}" for at in range(filler))
            text += f"{fact} {padding}.\n\n"
            question = f"{subject}-{facet}"
            asked = f"What is the {facet} of the {subject}?"
            questions.append({"question": question, "text": asked, "topic": subject})
            answers.append((question, f"{subject}.md", start, start + len(fact), 1))
        texts[f"{subject}.md"] = text
    columns = ["question", "document", "start", "end", "grade"]
    truth = Truth(pd.DataFrame(questions), pd.DataFrame(answers, columns=columns))
    return Corpus.of_texts(texts), truth
