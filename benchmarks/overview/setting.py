"""The setting of a generated run: what an assistant is like before anything happens to it."""

from dataclasses import dataclass

import numpy as np

from benchmarks.overview.faults import HOUR, Fault
from benchmarks.overview.questions import Traffic


@dataclass(frozen=True)
class Setting:
    """What differs from one assistant to the next; drawn by seed, the same with any fault.

    Parameters
    ----------
    traffic
        How much is asked, and when.
    cached_s
        How long an answer is kept.
    rated, misjudged
        Which share of the answers readers rate, and which share of the ratings is wrong.
    labelled
        Which share of the predictions gets to know its true topic.
    recall
        How likely the right document is found where nothing is in the way, as a log-odds.
    right
        How likely an answer from the right document is right, as a log-odds.
    edits_an_hour
        Documents that are changed.
    llm_timeout_s, fetch_timeout_s, index_timeout_s
        How long the gateway waits for an answer, the retriever for documents and for the index.
    guard_ms, first_token_ms, token_ms
        What the llm service does itself; how long its provider takes to begin, and for a token.
    spare_tokens
        How many times the busiest minute's tokens the provider allows in a minute.
    prompt
        Number of the prompt version that is served at first.
    reworded_at_s, retrained_at_s
        When a harmless new version of the prompt, of the classifier comes; infinite if never.
    """

    traffic: Traffic
    cached_s: float
    rated: float
    misjudged: float
    labelled: float
    recall: float
    right: float
    edits_an_hour: float
    llm_timeout_s: float
    fetch_timeout_s: float
    index_timeout_s: float
    guard_ms: float
    first_token_ms: float
    token_ms: float
    spare_tokens: float
    prompt: int
    reworded_at_s: float
    retrained_at_s: float

    @property
    def seconds(self) -> float:
        """How long the run is."""
        return self.traffic.seconds


def setting(seed: int) -> Setting:
    """Draw an assistant.

    Parameters
    ----------
    seed
        The same seed draws the same one.
    """
    draw = np.random.default_rng([seed, 1])
    hours = float(draw.integers(40, 73))
    an_hour = float(np.exp(draw.uniform(*np.log([120, 320]))))
    traffic = Traffic(hours * HOUR, an_hour, draw.uniform(0, 24))

    def sometimes(share: float) -> float:
        at = draw.uniform(0.1, 0.9) * traffic.seconds
        return float(at) if draw.random() < share else float("inf")

    return Setting(
        traffic,
        cached_s=draw.uniform(0.08, 0.6) * HOUR,
        rated=draw.uniform(0.12, 0.35),
        misjudged=draw.uniform(0.04, 0.14),
        labelled=draw.uniform(0.3, 1.0),
        recall=draw.uniform(4.8, 6.2),
        right=draw.uniform(3.4, 4.6),
        edits_an_hour=draw.uniform(5, 16),
        llm_timeout_s=draw.uniform(6, 10),
        fetch_timeout_s=draw.uniform(1.0, 2.0),
        index_timeout_s=draw.uniform(0.8, 1.2),
        guard_ms=draw.uniform(100, 250),
        first_token_ms=draw.uniform(300, 700),
        token_ms=draw.uniform(8, 16),
        spare_tokens=draw.uniform(1.1, 2.2),
        prompt=int(draw.integers(3, 12)),
        reworded_at_s=sometimes(0.4),
        retrained_at_s=sometimes(0.3),
    )


def prompts(its: Setting, fault: Fault, times: np.ndarray) -> np.ndarray:
    """Return the number of the prompt version that is served at each time.

    A prompt that is at fault is the next version after the one that is served at its onset.
    """
    number = its.prompt + (times >= its.reworded_at_s).astype(int)
    if fault.kind.layer == "prompt":
        number = its.prompt + (times >= fault.onset_s).astype(int)
    return number
