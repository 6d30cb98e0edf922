"""How fast a store takes events and tells one user's: python scripts/store_speed.py [URL]."""

import json
import sys
import tempfile
import time
from pathlib import Path

from tastemate.store.opening import open_store, sqlite_url
from tastemate.types import Signal

BATCHES, BULK, USERS = 200, 100_000, 1_000


def signals(start: int, n: int) -> list[Signal]:
    """Return `n` signals of `USERS` users."""
    return [
        Signal(f"e{at}", f"u{at % USERS}", f"i{at % 5_000}", "click", timestamp=at, session="s")
        for at in range(start, start + n)
    ]


def main(url: str) -> None:
    """Measure and print events per second and milliseconds a user."""
    store = open_store(url)
    store.events.record(signals(0, 1))
    small = [signals(1 + at * 100, 100) for at in range(BATCHES)]
    begun = time.perf_counter()
    for batch in small:
        store.events.record(batch)
    batched = BATCHES * 100 / (time.perf_counter() - begun)
    large = signals(10_000_000, BULK)
    begun = time.perf_counter()
    store.events.record(large)
    bulk = BULK / (time.perf_counter() - begun)
    took = []
    for at in range(USERS):
        begun = time.perf_counter()
        store.events.of(f"u{at}")
        took.append(time.perf_counter() - begun)
    took.sort()
    told = {
        "store": store.url.partition(":")[0],
        "events": store.events.count(),
        "events_per_second_in_batches_of_100": round(batched),
        "events_per_second_in_bulk": round(bulk),
        "one_user_ms": {
            "p50": round(took[len(took) // 2] * 1000, 3),
            "p99": round(took[len(took) * 99 // 100] * 1000, 3),
        },
    }
    store.close()
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(sqlite_url(Path(folder) / "store.db"))
