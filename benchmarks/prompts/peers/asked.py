"""What a peer is asked, and what that costs. Shared with their scripts: no more than Python."""

import json
import sys
import time
import urllib.request
from collections.abc import Callable

CALLS, CONCURRENCY, TENTH = 500, 32, 10
WARM_UP = 32  # calls that nobody counts: clients, databases and caches are made in them
REPEATS, ENOUGH_S = 3, 20  # no further repetition after so many seconds


def main(evaluate: Callable[[str, list[str]], int]) -> None:
    """Run a peer and print what it cost as JSON: imports and start-up are over by now.

    Parameters
    ----------
    evaluate
        Takes the address of the endpoint and texts, has each said, ``CONCURRENCY`` at once, scores
        by exact match, and returns how many are right.
    """
    address = sys.argv[1]
    texts = [f"word {number}" for number in range(CALLS)]
    evaluate(address, texts[:WARM_UP])
    costs: list[tuple[float, float]] = []
    while len(costs) < REPEATS and sum(wall for wall, _ in costs) < ENOUGH_S:
        wall, cpu = time.perf_counter(), time.process_time()
        right = evaluate(address, texts)
        costs.append((time.perf_counter() - wall, time.process_time() - cpu))
        if right != CALLS:
            raise SystemExit(f"{right} of {CALLS} are right, though every answer is")
    tell(address, TENTH)
    try:
        told = {"kept": evaluate(address, texts)}
    except Exception as error:  # a peer may raise anything where an endpoint is busy
        told = {"kept": 0, "raised": type(error).__name__}
    finally:
        tell(address, 0)
    print(json.dumps({"costs": costs, **told}), flush=True)


def tell(address: str, every: int) -> None:
    """Let the endpoint turn every so-manieth call away; none where 0."""
    urllib.request.urlopen(f"{address}/busy/{every}").close()
