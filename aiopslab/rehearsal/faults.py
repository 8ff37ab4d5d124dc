"""The catalogue of faults: what each does, which services it fits, and where it shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aiopslab.errors import did_you_mean
from aiopslab.rehearsal.errors import PlanError
from aiopslab.rehearsal.measures import metric_names
from aiopslab.rehearsal.services import SERVICES

Layer = Literal["infrastructure", "classifier", "prompt", "index", "language model", "questions"]
"""Where the cause of a symptom may be; the last is nobody's fault."""

_SERVING = tuple(name for name in SERVICES if name != "indexer")
_LATENCY = ("http.server.request.duration_p50_ms", "http.server.request.duration_p95_ms")
_ERRORS = "http.server.request.error_ratio"


@dataclass(frozen=True)
class FaultKind:
    """One way to break a service.

    Parameters
    ----------
    name
        What it is called in a fault's specification.
    services
        Which services can suffer it.
    summary
        What it does, in one line.
    metrics
        Which metrics of the broken service show it directly.
    change
        The kind and the description of the change that causes it; ``None`` where it has no such
        cause. ``{service}`` and ``{version}`` are filled in.
    layer
        Of the cause.
    outcomes
        What people feel of it, at most: ``quality``, ``cost``, ``service``, ``accuracy`` or
        ``freshness``.
    acts
        ``"order"``: the process is told to misbehave; ``"crash"``: it is killed again and again;
        ``"deploy"``: it is replaced by one that misbehaves from its start.
    """

    name: str
    services: tuple[str, ...]
    summary: str
    metrics: tuple[str, ...]
    change: tuple[str, str] | None = None
    layer: Layer = "infrastructure"
    outcomes: tuple[str, ...] = ("service",)
    acts: Literal["order", "crash", "deploy"] = "order"


_KINDS = (
    FaultKind(
        "cpu",
        SERVICES,
        "busy threads compete with the service for its interpreter and a core",
        ("process.cpu.utilization", *_LATENCY),
    ),
    FaultKind(
        "memory",
        SERVICES,
        "a leak of 2.5 MB a second, up to 600 MB",
        ("process.memory.usage_mb",),
        outcomes=(),
    ),
    FaultKind(
        "latency",
        _SERVING,
        "every request waits, 450 ms at the median, before it is handled",
        _LATENCY,
    ),
    FaultKind("errors", _SERVING, "two requests in five raise an exception", (_ERRORS,)),
    FaultKind(
        "dependency",
        ("gateway", "auth", "retriever"),
        "connections to the service that it depends on most are refused",
        (_ERRORS,),
        ("config", "{service}: addresses of its dependencies reloaded"),
    ),
    FaultKind(
        "pool",
        ("database",),
        "idle sessions hold the connections of the pool, so that queries queue for one",
        (
            "db.client.connection.pending_requests",
            "db.client.connection.used",
            "db.client.operation.duration_p95_ms",
            *_LATENCY,
        ),
    ),
    FaultKind(
        "crash",
        SERVICES,
        "the process is killed, comes back after 12 s, and is killed again 15 s later",
        ("up",),
        outcomes=("service", "cost"),
        acts="crash",
    ),
    FaultKind(
        "deploy",
        ("gateway", "auth", "cache", "classifier", "retriever", "database"),
        "a new build burns 70 ms more a request and fails one request in eight",
        (*_LATENCY, _ERRORS, "process.cpu.utilization"),
        ("deploy", "{service}: version {version} rolled out"),
        acts="deploy",
    ),
    FaultKind(
        "stale_index",
        ("indexer", "retriever"),
        "the index is no longer kept fresh: writes stop, or an old snapshot is served",
        (
            "index.age_s",
            "index.documents",
            "retrieval.top_score_mean",
            "index.document.age_s",
            "index.document.pending",
            "index.document.indexed_rate",
        ),
        ("index", "{service}: index maintenance switched on"),
        layer="index",
        outcomes=("quality", "freshness"),
    ),
    FaultKind(
        "degraded_classifier",
        ("classifier",),
        "a model is served that was trained on labels shuffled for half of the topics",
        ("classifier.score_mean", "classifier.doubtful_ratio"),
        ("model", "{service}: topic model retrained and promoted"),
        layer="classifier",
        outcomes=("accuracy", "quality"),
    ),
    FaultKind(
        "costly_prompt",
        ("llm",),
        "a prompt version sends half of the handbook, asks for long answers and is throttled",
        (
            "gen_ai.client.token.input_rate",
            "gen_ai.client.token.output_rate",
            "gen_ai.client.cost_usd_rate",
            *_LATENCY,
        ),
        ("prompt", "{service}: prompt answer-v4 promoted"),
        layer="prompt",
        outcomes=("cost", "service"),
    ),
    FaultKind(
        "cheaper_model",
        ("llm",),
        "a smaller model answers, which forgets the beginning of what it reads",
        (
            "gen_ai.client.token.input_rate",
            "gen_ai.client.token.output_rate",
            "gen_ai.client.cost_usd_rate",
            *_LATENCY,
        ),
        ("model", "{service}: answers by extract-mini-1"),
        layer="language model",
        outcomes=("quality", "cost"),
    ),
    FaultKind(
        "starvation",
        SERVICES,
        "as cpu, with twice as many threads: what waits for the service gives up",
        ("process.cpu.utilization", *_LATENCY),
        outcomes=("service", "cost"),
    ),
)
KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True)
class Fault:
    """A service, and how it is broken.

    Parameters
    ----------
    service
        Which service is broken.
    kind
        In which way.
    """

    service: str
    kind: FaultKind

    @property
    def spec(self) -> str:
        """The text that `parse` reads."""
        return f"{self.service}:{self.kind.name}"

    @property
    def metrics(self) -> list[str]:
        """Which metrics of the service show the fault directly."""
        return [name for name in self.kind.metrics if name in metric_names(self.service)]


def parse(spec: str) -> Fault | None:
    """Read a fault from its specification.

    Parameters
    ----------
    spec
        ``service:kind``, e.g. ``"retriever:latency"``; ``"none"`` for no fault.

    Returns
    -------
    Fault or None
        ``None`` for ``"none"``.

    Raises
    ------
    PlanError
        If there is no such service or kind, or the kind does not fit the service.

    Examples
    --------
    >>> parse("database:pool").metrics[0]
    'db.client.connection.pending_requests'
    >>> parse("none") is None
    True
    """
    if spec == "none":
        return None
    service, colon, name = spec.partition(":")
    if not colon:
        raise PlanError(
            f"fault is {spec!r}; expected service:kind",
            "Write e.g. retriever:latency, or none. `aiopslab rehearse --list-faults` lists all.",
        )
    if service not in SERVICES:
        raise PlanError(
            f"fault {spec!r} names no service: {service!r}", did_you_mean(service, list(SERVICES))
        )
    if name not in KINDS:
        raise PlanError(
            f"fault {spec!r} names no kind of fault: {name!r}", did_you_mean(name, list(KINDS))
        )
    kind = KINDS[name]
    if service not in kind.services:
        fitting = [each.name for each in _KINDS if service in each.services]
        raise PlanError(
            f"fault {name!r} does not fit {service!r}; it fits {', '.join(kind.services)}",
            f"Choose one of those, or for {service}: {', '.join(fitting)}.",
        )
    return Fault(service, kind)
