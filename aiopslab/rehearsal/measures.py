"""How scraped samples become metrics: exposition text in, one number a metric out.

Counters become rates and histograms become quantiles over a sliding window; a counter that starts
again from zero, because its process did, is counted on.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

WINDOW_S = 10.0

Samples = Mapping[tuple[str, str], float]
"""Values by the name of the sample and its one label, which may be empty."""


def parse(text: str) -> Samples:
    """Read the Prometheus exposition format.

    Examples
    --------
    >>> parse('http_server_requests_total{status="2xx"} 7.0')
    {('http_server_requests_total', '2xx'): 7.0}
    """
    from prometheus_client.parser import text_string_to_metric_families

    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def increase(values: Sequence[float]) -> float:
    """Return by how much a counter grew; a fall means that it started again from zero.

    Examples
    --------
    >>> increase([5, 9, 2, 3])
    7
    """
    return sum(
        later - earlier if later >= earlier else later for earlier, later in pairwise(values)
    )


def quantile(share: float, buckets: Iterable[tuple[float, float]]) -> float:
    """Return a quantile of a histogram, interpolated within its bucket.

    Parameters
    ----------
    share
        Which quantile, 0 to 1.
    buckets
        Upper bounds and cumulative counts; the last bound is infinite.

    Returns
    -------
    float
        In the unit of the bounds; NaN without observations, and the highest finite bound where
        the quantile lies above it.

    Examples
    --------
    >>> quantile(0.5, [(1.0, 0.0), (2.0, 10.0), (math.inf, 10.0)])
    1.5
    """
    ordered = sorted(buckets)
    if not ordered or ordered[-1][1] <= 0:
        return math.nan
    rank, below, low = share * ordered[-1][1], 0.0, 0.0
    for bound, count in ordered:
        if count >= rank and count > below:
            return (
                low + (bound - low) * (rank - below) / (count - below) if bound < math.inf else low
            )
        below, low = count, bound
    return low


@dataclass
class Window:
    """The last scrapes of one service.

    Parameters
    ----------
    seconds
        How far it reaches back.
    """

    seconds: float = WINDOW_S
    scrapes: deque[tuple[float, Samples]] = field(default_factory=deque)

    def add(self, time: float, samples: Samples) -> None:
        """Add a scrape and forget those that are too old."""
        self.scrapes.append((time, samples))
        while self.scrapes[0][0] < time - self.seconds - 0.5:
            self.scrapes.popleft()

    @property
    def latest(self) -> Samples:
        """The newest scrape."""
        return self.scrapes[-1][1]

    @property
    def span_s(self) -> float:
        """Seconds from the oldest scrape to the newest."""
        return self.scrapes[-1][0] - self.scrapes[0][0]

    def increase(self, name: str, label: str | None = None) -> float:
        """Return the growth of a counter over the window, over all labels unless one is given."""
        # The newest scrape may lack a label that an earlier one had, if the process is a new one.
        keys = (
            {key for _, samples in self.scrapes for key in samples if key[0] == name}
            if label is None
            else {(name, label)}
        )
        return sum(increase([samples.get(key, 0.0) for _, samples in self.scrapes]) for key in keys)


class Measure(Protocol):
    """How one metric is had from a window."""

    @property
    def metric(self) -> str:
        """Its name."""

    def read(self, window: Window) -> float:
        """Return its value; NaN where it has none."""


@dataclass(frozen=True)
class Value:
    """A gauge as it stands."""

    metric: str
    sample: str
    scale: float = 1.0

    def read(self, window: Window) -> float:
        """Return the newest value."""
        return window.latest.get((self.sample, ""), math.nan) * self.scale


@dataclass(frozen=True)
class Rate:
    """A counter's growth in a second."""

    metric: str
    sample: str

    def read(self, window: Window) -> float:
        """Return the rate over the window."""
        return window.increase(self.sample) / window.span_s if window.span_s else math.nan


@dataclass(frozen=True)
class Ratio:
    """The growth of one counter in relation to that of others."""

    metric: str
    part: str
    whole: tuple[str, ...]
    label: str | None = None

    def read(self, window: Window) -> float:
        """Return the ratio over the window."""
        whole = sum(window.increase(each) for each in self.whole)
        return window.increase(self.part, self.label) / whole if whole else math.nan


@dataclass(frozen=True)
class Quantile:
    """A quantile of a histogram of seconds, in milliseconds."""

    metric: str
    histogram: str
    share: float

    def read(self, window: Window) -> float:
        """Return the quantile over the window."""
        name = f"{self.histogram}_bucket"
        bounds = [label for sample, label in window.latest if sample == name]
        grown = [(float(bound), window.increase(name, bound)) for bound in bounds]
        return quantile(self.share, grown) * 1000


_PROCESS: tuple[Measure, ...] = (
    Rate("process.cpu.utilization", "process_cpu_seconds_total"),
    Value("process.memory.usage_mb", "process_resident_memory_bytes", 1e-6),
)
_REQUESTS, _DURATION = "http_server_requests_total", "http_server_request_duration_seconds"
_SERVER: tuple[Measure, ...] = (
    Rate("http.server.request.rate", _REQUESTS),
    Ratio("http.server.request.error_ratio", _REQUESTS, (_REQUESTS,), "5xx"),
    Quantile("http.server.request.duration_p50_ms", _DURATION, 0.5),
    Quantile("http.server.request.duration_p95_ms", _DURATION, 0.95),
    Value("http.server.active_requests", "http_server_active_requests"),
    *_PROCESS,
)
_RATINGS, _ANSWERS = "app_ratings", "app_answers"
MEASURES: Mapping[str, tuple[Measure, ...]] = {
    "gateway": (
        *_SERVER,
        Ratio("app.answer.cached_ratio", f"{_ANSWERS}_cached_total", (f"{_ANSWERS}_total",)),
        Ratio("app.rating.helpful_ratio", f"{_RATINGS}_helpful_total", (f"{_RATINGS}_total",)),
    ),
    "auth": (*_SERVER, Rate("auth.rejection_rate", "auth_rejections_total")),
    "cache": (
        *_SERVER,
        Ratio("cache.hit_ratio", "cache_hits_total", ("cache_hits_total", "cache_misses_total")),
        Value("cache.items", "cache_items"),
    ),
    "classifier": (
        *_SERVER,
        Ratio("classifier.score_mean", "classifier_score_total", ("classifier_predictions_total",)),
        Ratio(
            "classifier.doubtful_ratio",
            "classifier_doubtful_total",
            ("classifier_predictions_total",),
        ),
    ),
    "retriever": (
        *_SERVER,
        Ratio(
            "retrieval.top_score_mean", "retrieval_top_score_total", ("retrieval_searches_total",)
        ),
        Value("index.age_s", "index_age_seconds"),
        Value("index.documents", "index_documents"),
    ),
    "llm": (
        *_SERVER,
        Rate("gen_ai.client.token.input_rate", "gen_ai_client_token_input_total"),
        Rate("gen_ai.client.token.output_rate", "gen_ai_client_token_output_total"),
        Rate("gen_ai.client.cost_usd_rate", "gen_ai_client_cost_usd_total"),
        Value("gen_ai.server.queue", "gen_ai_server_queue"),
    ),
    "database": (
        *_SERVER,
        Value("db.client.connection.used", "db_client_connection_used"),
        Value("db.client.connection.pending_requests", "db_client_connection_pending_requests"),
        Quantile(
            "db.client.operation.duration_p95_ms", "db_client_operation_duration_seconds", 0.95
        ),
    ),
    "indexer": (
        *_PROCESS,
        Value("index.document.age_s", "index_document_age_seconds"),
        Value("index.document.pending", "index_document_pending"),
        Rate("index.document.indexed_rate", "index_document_indexed_total"),
        Ratio("index.run.error_ratio", "index_runs_failed_total", ("index_runs_total",)),
        Quantile("index.run.duration_p95_ms", "index_run_duration_seconds", 0.95),
    ),
}


def metric_names(service: str) -> list[str]:
    """Return the names of every metric that is recorded of a service.

    Examples
    --------
    >>> metric_names("cache")[-2:]
    ['cache.hit_ratio', 'cache.items']
    """
    return ["up", *(each.metric for each in MEASURES[service])]
