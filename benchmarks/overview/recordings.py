"""The embedded recordings of the rehearsal: in which layer each fault is, and what is found."""

from functools import partial
from typing import Any

import numpy as np

from aiopslab import sources
from benchmarks.harness import Figure, at_least, spread

# Where a fault of the rehearsal is, by its kind: what is written down of a recording that does not
# tell the layer itself. A leak of memory is felt by nobody within five minutes, and so has none.
LAYER_OF_KIND = {
    "cpu": "infrastructure",
    "crash": "infrastructure",
    "deploy": "infrastructure",
    "errors": "infrastructure",
    "latency": "infrastructure",
    "pool": "infrastructure",
    "degraded_classifier": "classifier",
    "costly_prompt": "prompt",
    "stale_index": "index",
}
UNFELT = {"memory"}


def investigated(name: str) -> dict[str, Any]:
    """Return what is said of a recording, and what is true of it."""
    from aiopslab.overview import investigate

    evidence = sources.open(f"sample://{name}")
    truth = evidence.truth or {}
    fault = truth.get("fault") or {}
    kind = fault.get("kind")
    found = investigate(evidence.frames)
    layer = truth.get("layer") or LAYER_OF_KIND.get(str(kind))
    return {
        "name": name,
        "kind": kind,
        "layer": layer,
        "is_new": "layer" in truth,
        "layers": [each.layer for each in found.causes],
        "change": found.causes[0].change if found.causes else None,
        "culprit": truth.get("culprit_change"),
    }


def figures() -> list[Figure]:
    names = list(sources.samples.names())
    told = spread([partial(investigated, each) for each in names], "recordings")
    felt = [each for each in told if each["layer"] is not None]
    quiet = [not each["layers"] for each in told if each["layer"] is None and each["kind"] is None]
    unfelt = [each for each in told if each["kind"] in UNFELT]
    first = [each["layers"][:1] == [each["layer"]] for each in felt]
    second = [each["layer"] in each["layers"][:2] for each in felt]
    held = [is_right for each, is_right in zip(felt, first, strict=True) if each["is_new"]]
    missed = [each["name"] for each, is_right in zip(felt, first, strict=True) if not is_right]
    changed = [each for each in felt if each["culprit"] is not None]
    note = f"{len(felt)} recordings; chance 0.17" + (f"; missed {', '.join(missed)}" * bool(missed))
    return [
        at_least("recordings: layer of the cause", np.mean(first), 0.8, note=note),
        at_least("recordings: layer in the first two", np.mean(second), 0.95, note=note),
        at_least("recordings: no fault, nothing said", np.mean(quiet), 0.95, note=f"{len(quiet)}"),
        Figure(
            "recordings: layer of the cause, of those made after the analysis",
            float(np.mean(held)) if held else float("nan"),
            note=f"{len(held)} recordings",
        ),
        Figure(
            "recordings: the change that did it is named",
            float(np.mean([each["change"] == each["culprit"] for each in changed])),
            note=f"{len(changed)} recordings with one",
        ),
        Figure(
            "recordings: a fault that nobody feels yet, nothing said",
            float(np.mean([not each["layers"] for each in unfelt])),
            note=f"{len(unfelt)}: a leak of memory",
        ),
    ]
