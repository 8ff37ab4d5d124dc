"""What a generated run leaves in records: calls with a few ratings, predictions, changes, logs."""

import numpy as np
import pandas as pd

from benchmarks.overview.faults import HOUR, Fault, Floats
from benchmarks.overview.oracle import GRUMBLE
from benchmarks.overview.questions import DOCUMENTS, FEATURES, TOPICS
from benchmarks.overview.setting import Setting
from benchmarks.overview.world import UNSURE, World, scrapes

FALLBACK = "fallback-2"  # the prompt of the model that is asked where the other one timed out
_TENANTS, _TENANT_WEIGHTS = ("north", "south", "labs", "partners"), (0.45, 0.3, 0.15, 0.1)
_ANYWHERE = ("gateway", "auth", "classifier", "retriever", "database", "cache")
_DECOYS = (
    ("deploy", "{service}: version {number} rolled out"),
    ("deploy", "{service}: rebuilt with updated base image"),
    ("config", "{service}: log retention set to {number} days"),
    ("config", "{service}: request limit raised to {number}00 a minute"),
    ("flag", "{service}: compact_footer switched on for all users"),
    ("commit", "{service}: wording of a help text corrected"),
)


def ratings(questions: pd.DataFrame, its: Setting, draw: np.random.Generator) -> Floats:
    """Return 1 or 0 where a reader rated an answer, NaN where none did; some are mistaken."""
    chance = draw.random((2, len(questions)))
    right = questions["right"].to_numpy()
    given = chance[0] < its.rated * np.where(right, 1.0, GRUMBLE)
    given &= ~(questions["cached"] | questions["failed"]).to_numpy()
    return np.where(given, (right != (chance[1] < its.misjudged)).astype(float), np.nan)


def calls(questions: pd.DataFrame, fault: Fault, draw: np.random.Generator) -> pd.DataFrame:
    """Return the calls that were answered, by seconds from the beginning."""
    table = questions[~(questions["cached"] | questions["failed"])]
    routed = (table["score"] >= UNSURE).to_numpy()
    topic = np.where(routed, table["predicted"], table["topic"])
    other = draw.integers(1, DOCUMENTS, (len(table), 4)).cumsum(1)
    ids, answers = [], []
    bare = fault("bare", table["time"].to_numpy()) > 0
    rows = zip(table.itertuples(), topic, other, bare, strict=True)
    for row, its_topic, steps, is_bare in rows:
        names = _documents(row, int(its_topic), steps)
        ids.append(names)
        answers.append(_answer(row, names, is_bare))
    version = np.where(table["fallback"], FALLBACK, "answer-v" + table["prompt"].astype(str))
    latency = table["llm_ms"] + table["again_ms"]
    tenants = draw.choice(_TENANTS, len(table), p=_TENANT_WEIGHTS)
    named = np.array(TOPICS)[table["predicted"]]
    return pd.DataFrame(
        {
            "timestamp": table["time"] + table["gateway_ms"] / 1000,
            "prompt_version": version,
            "model": table["model"],
            "input": table["text"],
            "output": answers,
            "input_tokens": table["input_tokens"],
            "output_tokens": table["output_tokens"],
            "latency_ms": latency.round(1),
            "cost_usd": table["cost_usd"].round(7),
            "retrieved_ids": ids,
            "feedback": table["rating"],
            "trace_id": table["trace_id"],
            "route": np.where(routed, named, "any"),
            "tenant": tenants,
        }
    ).sort_values("timestamp", ignore_index=True)


def _documents(row: object, topic: int, steps: Floats) -> list[str]:
    """Name what was retrieved: the right document only where it was found."""
    numbers = [int((row.document + each) % DOCUMENTS) for each in steps[: row.documents]]
    numbers = [(each + 1) % DOCUMENTS if each == row.document else each for each in numbers]
    if row.found:
        numbers[row.place], topic = int(row.document), int(row.topic)
    return [f"{TOPICS[topic]}-{each:02d}" for each in numbers]


def _answer(row: object, names: list[str], is_bare: bool) -> str:
    if not names:
        return "I could not find this in the handbook."
    name = names[row.place] if row.found and row.right else names[-1]
    told = f"The handbook says how: see {name.split('-')[0]}, part {int(name.split('-')[1])}."
    return told if is_bare else f"{told} [{name}]"


def observations(questions: pd.DataFrame, its: Setting, draw: np.random.Generator) -> pd.DataFrame:
    """Return the predictions of topics, with the true one where somebody labelled it."""
    table = questions[~questions["cached"]]
    names = np.array(TOPICS)
    # Labels come late: of the last hours hardly any.
    late = np.clip((its.seconds - table["time"]) / (5 * HOUR), 0, 1)
    known = draw.random(len(table)) < its.labelled * late
    columns = {
        "timestamp": table["time"],
        "text_length": table["text"].str.len(),
        "token_count": table["text"].str.split().str.len(),
        **{f"component_{each}": table[f"x{each}"].round(4) for each in range(FEATURES)},
        "prediction": names[table["predicted"]],
        "score": table["score"].round(4),
        "target": pd.Series(names[table["topic"]], table.index).where(known),
    }
    return pd.DataFrame(columns).reset_index(drop=True)


def changes(
    its: Setting, fault: Fault, draw: np.random.Generator
) -> tuple[pd.DataFrame, str | None]:
    """Return the log of changes, and which of them is at fault."""
    rows, culprit = [], None

    def log(at: float, kind: str, service: str, text: str) -> str:
        ref = f"{draw.integers(1 << 28):07x}"
        number = f"{draw.integers(2, 9)}.{draw.integers(10)}"
        text = text.format(service=service, number=number, prompt=f"answer-v{its.prompt + 1}")
        rows.append((at, kind, service, ref, text))
        return ref

    if fault.by_change:
        culprit = log(fault.onset_s - draw.uniform(0, 240), *fault.kind.change)
    if np.isfinite(its.reworded_at_s) and fault.kind.layer != "prompt":
        log(its.reworded_at_s, "prompt", "llm", "llm: prompt {prompt} promoted")
    if np.isfinite(its.retrained_at_s):
        told = "classifier: topic model retrained and promoted"
        log(its.retrained_at_s, "model", "classifier", told)
    night = ((26.5 - its.traffic.start_h) % 24) * HOUR
    for at in np.arange(night, its.seconds, 24 * HOUR):
        log(at, "index", "indexer", "indexer: nightly compaction of the index")
    innocent = [each for each in _ANYWHERE if each != fault.kind.subject]
    near = fault.onset_s - draw.uniform(0.1, 3) * HOUR
    for at in [near, *draw.uniform(0, its.seconds, draw.integers(2, 6))]:
        kind, text = _DECOYS[draw.integers(len(_DECOYS))]
        log(float(at), kind, innocent[draw.integers(len(innocent))], text)
    columns = ["timestamp", "kind", "service", "ref", "description"]
    return pd.DataFrame(rows, columns=columns).sort_values("timestamp", ignore_index=True), culprit


def logs(world: World, its: Setting, draw: np.random.Generator, most: int = 1500) -> pd.DataFrame:
    """Return log lines: what went wrong, a share of what went well, and some that mean nothing."""
    table = world.questions
    asked = ~table["cached"]
    some = asked & (draw.random(len(table)) < 0.04)
    short = asked & ~table["unreached"] & (table["documents"] < 2)
    odd = draw.random(len(table)) < 0.003
    waited = f"{its.llm_timeout_s:.1f} s"
    told = [
        (table["limited"], "llm", "ERROR", "429 from the provider: tokens per minute exceeded"),
        (table["fallback"], "gateway", "WARN", f"no answer in {waited}, falling back to large-2"),
        (table["fallback"] & table["failed"], "gateway", "ERROR", f"large-2: none in {waited}"),
        (table["unreached"], "retriever", "WARN", "the index did not answer in time: no documents"),
        (short, "retriever", "WARN", "deadline passed before all documents were fetched"),
        (table["cache_down"] & some, "gateway", "WARN", "going on without cache"),
        (asked & (table["score"] < UNSURE), "classifier", "WARN", "unsure of the topic"),
        (some, "gateway", "INFO", "answered"),
        (odd, "auth", "WARN", "session expired"),
        (odd, "database", "WARN", "checkpoint took longer than 200 ms"),
    ]
    parts = []
    for rows, service, severity, body in told:
        its_rows = table.loc[rows, ["time", "trace_id"]]
        if len(its_rows) > most // 4:
            its_rows = its_rows.sample(most // 4, random_state=draw)
        parts.append(its_rows.assign(service=service, severity=severity, body=body))
    at = scrapes(its)[::12]
    indexer = {"time": at, "service": "indexer", "severity": "INFO", "trace_id": None}
    body = [f"{count:.0f} changed documents wait" for count in world.pending[::12]]
    lines = pd.concat([*parts, pd.DataFrame({**indexer, "body": body})])
    lines = lines.rename(columns={"time": "timestamp"})[
        ["timestamp", "service", "severity", "body", "trace_id"]
    ]
    return lines.sort_values("timestamp", ignore_index=True)


def alerts(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return what rules say that were set in the beginning of the run, when all was well."""
    quiet = metrics.iloc[: int(len(metrics) * 0.4)]
    rules = [
        ("InstanceDown", "cache", "up", 0.5, True),
        ("HighErrorRatio", "gateway", "http.server.request.error_ratio", 0.05, False),
        ("PoolExhausted", "database", "db.client.connection.pending_requests", 3.0, False),
        ("CpuSaturated", "llm", "process.cpu.utilization", 0.85, False),
        ("IndexBehind", "indexer", "index.document.age_s", 3 * HOUR, False),
    ]
    for name, service, metric, below in (
        ("HighLatency", "gateway", "http.server.request.duration_p95_ms", False),
        ("HighTokenCost", "llm", "gen_ai.client.cost_usd_rate", False),
        ("WeakRetrieval", "retriever", "retrieval.top_score_mean", True),
        ("UnsureClassifier", "classifier", "classifier.score_mean", True),
    ):
        usual = float(quiet[service, metric].quantile(0.02 if below else 0.98))
        rules.append((name, service, metric, usual * (0.97 if below else 1.3), below))
    rows = []
    for name, service, metric, limit, below in rules:
        values = metrics[service, metric]
        bad = ((values < limit) if below else (values > limit)).rolling(3).sum() == 3
        turns = bad.astype(int).diff().fillna(bad.astype(int))
        for at, turn in turns[turns != 0].items():
            state = "firing" if turn > 0 else "resolved"
            rows.append((at, name, service, "warning", state, f"{name}/{service}"))
    columns = ["timestamp", "name", "service", "severity", "state", "fingerprint"]
    found = pd.DataFrame(rows, columns=columns).sort_values("timestamp", ignore_index=True)
    return found.assign(labels=[{}] * len(found))
