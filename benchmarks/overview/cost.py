"""What an investigation costs."""

from aiopslab import sources
from benchmarks.harness import Figure, at_most, cpu_seconds
from benchmarks.overview.generated import run


def figures() -> list[Figure]:
    from aiopslab.overview import investigate

    recorded = sources.open("sample://retriever-stale-index").frames
    generated = run("costly prompt", 100).frames
    return [
        at_most(
            "CPU time of a recording of five minutes",
            cpu_seconds(lambda: investigate(recorded), 3),
            5,
            "s",
            note=f"{len(recorded)} frames, {len(recorded['calls'])} calls",
        ),
        Figure(
            "CPU time of a run of days",
            cpu_seconds(lambda: investigate(generated), 3),
            "s",
            note=f"{len(generated['calls']):,} calls, {len(generated['spans']):,} spans",
        ),
    ]
