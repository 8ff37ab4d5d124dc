"""Alert rules, evaluated on what is scraped."""

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LATENCY_SLO_MS = {"gateway": 1200.0, "llm": 600.0}
_OTHER_SLO_MS = 400.0


@dataclass(frozen=True)
class Rule:
    """When an alert fires.

    Parameters
    ----------
    name, severity
        What it is called, and how grave it is.
    metric
        Which metric of any service that has it.
    threshold
        Where the trouble begins; per service, with ``"*"`` for the others, if it differs.
    for_s
        How many seconds it has to last before the alert fires.
    below
        Whether the trouble is below the threshold, not above it.
    growth_s
        If set, the growth of the metric over so many seconds is compared, not its value.
    """

    name: str
    severity: str
    metric: str
    threshold: float | Mapping[str, float]
    for_s: float
    below: bool = False
    growth_s: float = 0.0

    def limit(self, service: str) -> float:
        """Return the threshold for a service."""
        if isinstance(self.threshold, Mapping):
            return self.threshold.get(service, self.threshold["*"])
        return self.threshold


RULES = (
    Rule("InstanceDown", "critical", "up", 0.5, for_s=4, below=True),
    Rule("HighErrorRatio", "critical", "http.server.request.error_ratio", 0.05, for_s=12),
    Rule(
        "HighLatency",
        "warning",
        "http.server.request.duration_p95_ms",
        {**_LATENCY_SLO_MS, "*": _OTHER_SLO_MS},
        for_s=20,
    ),
    Rule("CpuSaturated", "warning", "process.cpu.utilization", 0.6, for_s=20),
    Rule("MemoryGrowth", "warning", "process.memory.usage_mb", 80, for_s=10, growth_s=60),
    Rule("PoolExhausted", "critical", "db.client.connection.pending_requests", 3, for_s=12),
    Rule("ModelQueue", "warning", "gen_ai.server.queue", 3, for_s=15),
    Rule("HighTokenCost", "warning", "gen_ai.client.cost_usd_rate", 0.0015, for_s=20),
    Rule("IndexBehind", "warning", "index.document.age_s", 45, for_s=10),
    Rule("IndexNotWritten", "warning", "index.age_s", 75, for_s=10),
    Rule("WeakRetrieval", "warning", "retrieval.top_score_mean", 0.68, for_s=20, below=True),
    Rule("UnsureClassifier", "warning", "classifier.score_mean", 0.68, for_s=15, below=True),
    Rule("IndexRunsFail", "warning", "index.run.error_ratio", 0.5, for_s=15),
)


@dataclass
class Alerts:
    """Which alerts are pending, and which fire.

    Parameters
    ----------
    rules
        What is watched.
    """

    rules: tuple[Rule, ...] = RULES
    _since: dict[tuple[str, str], float] = field(default_factory=dict)
    _firing: set[tuple[str, str]] = field(default_factory=set)
    _history: dict[tuple[str, str], deque[tuple[float, float]]] = field(default_factory=dict)

    @property
    def firing(self) -> list[tuple[str, str]]:
        """The (rule, service) of each alert that fires."""
        return sorted(self._firing)

    def evaluate(self, time: float, row: Mapping[tuple[str, str], float]) -> list[dict[str, Any]]:
        """Take in one scrape.

        Parameters
        ----------
        time
            When, in seconds of any steady clock.
        row
            A value for each (service, metric).

        Returns
        -------
        list of dict
            An alert for each that began to fire, or was resolved, with this scrape.
        """
        events = []
        for (service, metric), value in row.items():
            for rule in self.rules:
                if rule.metric == metric:
                    events += self._step(rule, service, time, value)
        return events

    def _step(self, rule: Rule, service: str, time: float, value: float) -> list[dict[str, Any]]:
        key = (rule.name, service)
        if rule.growth_s:
            value = self._growth(key, rule.growth_s, time, value)
        # A value that is missing is no trouble of its own: that is for InstanceDown to say.
        trouble = value < rule.limit(service) if rule.below else value > rule.limit(service)
        if trouble:
            since = self._since.setdefault(key, time)
            if time - since >= rule.for_s and key not in self._firing:
                self._firing.add(key)
                return [_event(rule, service, "firing", value)]
            return []
        self._since.pop(key, None)
        if key in self._firing:
            self._firing.remove(key)
            return [_event(rule, service, "resolved", value)]
        return []

    def _growth(self, key: tuple[str, str], over_s: float, time: float, value: float) -> float:
        history = self._history.setdefault(key, deque())
        if value == value:  # noqa: PLR0124 - not NaN
            history.append((time, value))
        while history and history[0][0] < time - over_s:
            history.popleft()
        return value - history[0][1] if history else value


def _event(rule: Rule, service: str, state: str, value: float) -> dict[str, Any]:
    fingerprint = hashlib.sha256(f"{rule.name} {service}".encode()).hexdigest()[:16]
    labels = {
        "metric": rule.metric,
        "value": round(value, 4) if value == value else None,  # noqa: PLR0124 - not NaN
        "threshold": rule.limit(service),
    }
    return {
        "name": rule.name,
        "service": service,
        "severity": rule.severity,
        "state": state,
        "fingerprint": fingerprint,
        "labels": json.dumps(labels),
    }
