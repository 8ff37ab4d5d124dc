"""Recall of the redactor, by kind of what is planted, and what it leaves alone."""

from benchmarks.harness import Figure, at_least

SEED, EACH = 1_000, 400  # a seed that nothing was written by
TARGET = 0.95  # of the lower bound
GROUPS = {"secret": "secrets", "personal": "personal data", "place": "hosts, addresses and paths"}


def figures() -> list[Figure]:
    """Measure recall on texts by chance; a row a group, and one for each kind that is missed."""
    from aiopslab.sharing.recall import BEYOND, measure
    from aiopslab.statistics.intervals import wilson

    table = measure(SEED, EACH).table()
    known = table[~table["kind"].isin(BEYOND)]
    made = []
    for group, named in GROUPS.items():
        among = known[known["group"] == group]
        masked, planted = int(among["masked"].sum()), int(among["planted"].sum())
        low, high = wilson(masked, planted, 0.95)
        missed = [f"{row.kind} {row.masked} of {row.planted}" for row in among.itertuples()]
        made.append(
            Figure(
                f"recall of redaction, {named}",
                masked / planted,
                target=f"low >= {TARGET:g}",
                ok=low >= TARGET,
                note=f"95 % interval {low:.3f} to {high:.3f}; {'; '.join(missed)}",
            )
        )
    for row in table[table["kind"].isin(BEYOND)].itertuples():
        note = f"95 % interval {row.low:.3f} to {row.high:.3f} of {row.planted}; by --hide alone"
        made.append(at_least(f"recall of redaction, {row.kind}", row.recall, TARGET, note=note))
    return made
