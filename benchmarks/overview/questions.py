"""What is asked in a generated run: a pool of questions on six topics, and when each is asked."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from benchmarks.overview.faults import HOUR, Fault, Floats

TOPICS = ("devices", "travel", "leave", "contracts", "research", "security")
WEIGHTS = np.array([0.26, 0.22, 0.2, 0.13, 0.1, 0.09])
DIFFICULTY = np.array([0.22, 0.28, 0.3, 0.6, 0.7, 0.78])
HARD = DIFFICULTY > 0.5
A_TOPIC, DOCUMENTS = 60, 40  # questions and documents of each topic
FEATURES = 6
SPREAD = 0.62  # of the questions of a topic around its centre
_POPULARITY = 0.6  # exponent of Zipf's law
_DRIFTING = 0.6  # share of the questions that come by a new channel, once it is open to all
_BURST_EVERY_H, _BURST_H, _BURST = 7.0, 0.3, 2.2

_SUBJECTS = {
    "devices": ("laptop", "headset", "printer", "badge reader", "monitor", "phone"),
    "travel": ("train ticket", "hotel", "visa", "mileage", "rental car", "per diem"),
    "leave": ("parental leave", "sick note", "holiday", "sabbatical", "care day", "overtime"),
    "contracts": ("licence", "supplier", "liability clause", "renewal", "penalty", "warranty"),
    "research": ("trial protocol", "data set", "ethics vote", "patent", "grant", "embargo"),
    "security": ("key rotation", "phishing", "enclave", "incident class", "audit", "token scope"),
}
_FORMS = (
    "How do I request a {}?",
    "Who approves a {}?",
    "What is the deadline for a {}?",
    "Which form do I need for a {} abroad?",
    "Can a contractor have a {}?",
    "What changes for a {} if two departments share it?",
    "How is a {} recorded?",
    "What does a {} cost?",
    "Where do I report a problem with a {}?",
    "May I pass on a {}?",
)


@cache
def pool() -> pd.DataFrame:
    """Return every question that may be asked: ``text, topic, difficulty, document, popularity``.

    ``topic`` is a number; ``document`` is that of the topic which holds the answer.
    """
    draw = np.random.default_rng(20260301)
    rows = []
    for number, topic in enumerate(TOPICS):
        texts = [form.format(each) for each in _SUBJECTS[topic] for form in _FORMS]
        difficulty = np.clip(draw.normal(DIFFICULTY[number], 0.12, A_TOPIC), 0.02, 0.98)
        popularity = 1 / np.arange(1, A_TOPIC + 1) ** _POPULARITY
        popularity = draw.permutation(popularity / popularity.sum())
        documents = draw.integers(DOCUMENTS, size=A_TOPIC)
        for place in range(A_TOPIC):
            rows.append(
                (texts[place], number, difficulty[place], documents[place], popularity[place])
            )
    return pd.DataFrame(rows, columns=["text", "topic", "difficulty", "document", "popularity"])


@cache
def centres() -> Floats:
    """Return where the topics lie in the space of the classifier's features."""
    return np.random.default_rng(7).normal(0, 1.0, (len(TOPICS), FEATURES))


@dataclass(frozen=True)
class Traffic:
    """How much is asked, and when.

    Parameters
    ----------
    seconds
        How long the run is.
    an_hour
        Questions, on average.
    start_h
        The hour of the day at which it begins.
    """

    seconds: float
    an_hour: float
    start_h: float

    def times(self, draw: np.random.Generator) -> Floats:
        """Draw when questions are asked: more by day, in bursts, and some days more than others."""
        minutes = np.arange(int(self.seconds / 60))
        hour = (self.start_h + minutes / 60) % 24
        day = 0.25 + 1.5 * np.clip(np.cos((hour - 14) / 24 * 2 * np.pi) + 0.3, 0, None) / 1.3
        days = np.exp(draw.normal(0, 0.08, int(self.seconds / (24 * HOUR)) + 2))
        level = day * days[(minutes // (24 * 60)).astype(int)]
        begun = draw.random(len(minutes)) < 1 / (_BURST_EVERY_H * 60)
        in_burst = np.convolve(begun, np.ones(int(_BURST_H * 60)))[: len(minutes)] > 0
        level = np.where(in_burst, level * _BURST, level)
        counts = draw.poisson(level / level.mean() * self.an_hour / 60)
        return np.sort((np.repeat(minutes, counts) + draw.random(counts.sum())) * 60)


def asked(times: Floats, traffic: Traffic, fault: Fault, draw: np.random.Generator) -> pd.DataFrame:
    """Draw which question is asked at each time, and how it looks to the classifier.

    Topics come and go a little by the hour of the day and from day to day, fault or not.

    Parameters
    ----------
    times
        Seconds from the beginning, sorted.
    traffic
        Which hour of the day that is.
    fault
        Turns the mix of topics, or the way in which questions are put.
    draw
        Where chance comes from: the same numbers are drawn whatever the fault.

    Returns
    -------
    pandas.DataFrame
        ``time, question, text, topic, difficulty, document, x0…x5``.
    """
    questions = pool()
    phase = draw.uniform(0, 2 * np.pi, len(TOPICS))
    wander = np.cumsum(draw.normal(0, 0.025, (int(traffic.seconds / HOUR) + 1, len(TOPICS))), 0)
    by_day = 0.1 * np.cos(2 * np.pi * times[:, None] / (24 * HOUR) + phase)
    mix = np.log(WEIGHTS) + by_day + wander[(times / HOUR).astype(int)]
    mix = mix + np.outer(fault("mix", times), HARD)
    weights = np.exp(mix)
    edges = np.cumsum(weights / weights.sum(1, keepdims=True), 1)
    topic = np.minimum((draw.random(len(times))[:, None] > edges).sum(1), len(TOPICS) - 1)
    cumulated = questions["popularity"].groupby(questions["topic"]).cumsum().to_numpy()
    within = cumulated.reshape(len(TOPICS), A_TOPIC)
    place = (draw.random(len(times))[:, None] > within[topic]).sum(1)
    question = topic * A_TOPIC + np.minimum(place, A_TOPIC - 1)
    chosen = questions.iloc[question].reset_index(drop=True)
    drift = fault("drift", times)
    spoken = draw.random(len(times)) < _DRIFTING * (drift > 0) * _ramp(drift)
    way = draw.normal(size=FEATURES)
    features = centres()[topic] + SPREAD * draw.normal(size=(len(times), FEATURES))
    # Whoever speaks does so at once as the channel does; only more and more of them do.
    features = features + np.outer(spoken * fault.size * SPREAD, way / np.linalg.norm(way))
    texts = chosen["text"].where(~spoken, "so um " + chosen["text"].str.lower().str.rstrip("?"))
    table = pd.DataFrame({"time": times, "question": question, "text": texts.to_numpy()})
    table[["topic", "difficulty", "document"]] = chosen[["topic", "difficulty", "document"]]
    table[[f"x{number}" for number in range(FEATURES)]] = features
    return table


def _ramp(turned: Floats) -> Floats:
    return turned / turned.max() if turned.any() else turned
