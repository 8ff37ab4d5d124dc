"""Routes a question to a topic with a logistic regression trained at start on the corpus."""

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
from sklearn.linear_model import LogisticRegression
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.embedding import Embedding
from aiopslab.rehearsal.services.app import Service

_COMPONENTS = 6
_DOUBTFUL = 0.35


def examples() -> tuple[list[str], list[str]]:
    """Return the sentences of the corpus with their topics; no question is among them."""
    pairs = [
        (sentence, each.topic)
        for each in corpus.documents()
        for sentence in [each.title, *re.split(r"(?<=[.!?])\s+", each.text)]
    ]
    return [text for text, _ in pairs], [topic for _, topic in pairs]


def mislabelled(topics: Sequence[str], seed: int) -> list[str]:
    """Shuffle the labels among half of the classes, as a botched annotation job would.

    Examples
    --------
    >>> mislabelled(["a", "b", "c"], seed=1).count("c")
    1
    """
    draw = random.Random(seed)
    classes = sorted(set(topics))
    hit = set(classes[: (len(classes) + 1) // 2])
    places = [place for place, topic in enumerate(topics) if topic in hit]
    shuffled = [topics[place] for place in places]
    draw.shuffle(shuffled)
    labels = list(topics)
    for place, topic in zip(places, shuffled, strict=True):
        labels[place] = topic
    return labels


class Classifier:
    """The model that is served.

    Parameters
    ----------
    seed
        Of the shuffle, should it be degraded.
    """

    def __init__(self, seed: int) -> None:
        self._embedding, self._seed = Embedding(), seed
        self._texts, self._topics = examples()
        self._vectors = self._embedding.encode(self._texts)
        self.good = self.model = self._trained(self._topics)

    def _trained(self, topics: Sequence[str]) -> LogisticRegression:
        return LogisticRegression(C=8, max_iter=500).fit(self._vectors, topics)

    def predict(self, text: str) -> tuple[str, float, list[float]]:
        """Return topic, its probability, and the leading components of the text."""
        vector = self._embedding.encode([text])
        chances = self.model.predict_proba(vector)[0]
        best = int(np.argmax(chances))
        leading = [float(each) for each in vector[0, :_COMPONENTS]]
        return str(self.model.classes_[best]), float(chances[best]), leading

    @asynccontextmanager
    async def degraded(self) -> AsyncIterator[None]:
        """Serve a model trained on labels that were shuffled for half of the topics."""
        labels = mislabelled(self._topics, self._seed)
        self.model = await asyncio.to_thread(self._trained, labels)
        try:
            yield
        finally:
            self.model = self.good


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers."""
    classifier = Classifier(service.settings.seed)
    log = (service.settings.folder / "observations.jsonl").open("a", buffering=1, encoding="utf-8")
    metrics = service.metrics
    predictions = metrics.counter("classifier_predictions", "Questions classified.")
    scores = metrics.counter("classifier_score", "Sum of the probabilities of the chosen topics.")
    doubtful = metrics.counter("classifier_doubtful", "Predictions too unsure to route by.")
    service.effects["degraded_classifier"] = lambda _: classifier.degraded()

    async def classify(request: Request) -> Response:
        question = (await request.json())["question"]
        with service.tracer.start_as_current_span("predict"):
            topic, score, leading = classifier.predict(question)
        sure = score >= _DOUBTFUL
        predictions.inc()
        scores.inc(score)
        doubtful.inc(not sure)
        if not sure:
            service.log.warning("unsure of the topic: %s at %.2f", topic, score)
        observation = {
            "timestamp": time.time(),
            "text": question,
            "text_length": len(question),
            "token_count": len(question.split()),
            **{f"component_{place}": value for place, value in enumerate(leading)},
            "prediction": topic,
            "score": score,
        }
        log.write(json.dumps(observation) + "\n")
        return JSONResponse({"topic": topic, "score": score, "sure": sure})

    return [Route("/classify", classify, methods=["POST"])]
