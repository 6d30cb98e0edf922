"""The features of a whole catalogue: a job that may be stopped at any moment and goes on later.

Every finished batch is a few lines at the end of a file, on disk before the next one is asked for.
What is there for the same item, saying the same, by the same reader is never asked again.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeAlias

from tastemate.catalog import Catalog
from tastemate.errors import Interrupted
from tastemate.features.reading import STANDING, Reader, Reading
from tastemate.features.vocabulary import Values
from tastemate.protocols import Progress
from tastemate.text.described import row_hashes

Price: TypeAlias = Callable[[int, int], float]
"""US dollars of so many tokens of prompts and of replies."""
BATCH = 8
"""Items a model is asked about at once: at most so many are asked again after a kill."""
PATIENCE = 3
"""Batches in a row that may fail whole before the job gives up."""
_PROBE = 16


class Log(Protocol):
    """An append-only file of records; `store.journal.Journal` is one."""

    def read(self) -> list[dict[str, Any]]:
        """Return every record, oldest first."""
        ...

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write records; they are on disk when this returns."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What was read of one item, by whom, when."""

    item: str
    hash: str
    """Of what the item said then (`text.described.row_hashes`), 16 hexadecimal digits."""
    values: Values
    kind: str
    by: str
    version: str
    time: int
    """Seconds since 1970, UTC."""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the record as the log keeps it."""
        return {
            "item": self.item,
            "hash": self.hash,
            "features": {name: list(values) for name, values in self.values.items()},
            "kind": self.kind,
            "by": self.by,
            "prompt": self.version,
            "time": self.time,
            "seconds": round(self.seconds, 4),
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would take, before it is started."""

    items: int
    """Items that would be read."""
    kept: int
    """Items read before, unchanged."""
    prompt_tokens: int
    completion_tokens: int
    """At most: every reply as long as it may be."""
    cost: float | None
    """US dollars at most; None where the prices are not known."""
    seconds: float | None
    """None where this reader was never timed."""
    by: str


@dataclass(slots=True)
class Outcome:
    """What a run did."""

    by: str
    read: int = 0
    kept: int = 0
    failed: int = 0
    left: int = 0
    """Items still to be read: beyond the limit, failed, or not reached."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Values of each feature that were not in the vocabulary, or too many."""
    tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    stopped: str = ""
    """Why the job gave up before the end; empty when it did not."""
    errors: Counter[str] = field(default_factory=Counter)
    """Each different failure and how often; the ten first kinds."""

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as plain JSON values."""
        shown = {one.name: getattr(self, one.name) for one in fields(self)}
        return shown | {"dropped": dict(self.dropped), "errors": dict(self.errors)}


def hashes(catalog: Catalog) -> list[str]:
    """Return the hash of what each item says, as the log writes it."""
    return [f"{int(one):016x}" for one in row_hashes(catalog)]


def current(log: Log, catalog: Catalog) -> dict[int, Kept]:
    """Return row → what is kept of the item as it is now.

    A model's reading stands before a zero-shot one, then the later before the earlier one.
    """
    now = hashes(catalog)
    found: dict[int, Kept] = {}
    for kept in _records(log):
        if kept.item not in catalog:
            continue
        row = catalog.row(kept.item)
        before = found.get(row)
        stands = before is None or STANDING[kept.kind] >= STANDING[before.kind]
        if kept.hash == now[row] and stands:
            found[row] = kept
    return found


def wanted(log: Log, catalog: Catalog, reader: Reader) -> list[int]:
    """Return the rows that this reader has to read, ascending."""
    known = current(log, catalog)
    return [row for row in range(len(catalog)) if not _done(known.get(row), reader)]


def _done(kept: Kept | None, reader: Reader) -> bool:
    if kept is None:
        return False
    if STANDING[kept.kind] > STANDING[reader.kind]:
        return True
    return (kept.by, kept.version) == (reader.name, reader.version)


def estimate(
    catalog: Catalog,
    reader: Reader,
    log: Log,
    *,
    limit: int | None = None,
    price: Price | None = None,
    sample: int = 200,
) -> Estimate:
    """Return what a run would take: tokens counted on `sample` items spread over the catalogue.

    No model is asked. Seconds come from what the log says of this reader; a reader that costs
    nothing is timed on a few items instead.
    """
    rows = wanted(log, catalog, reader)
    kept = len(catalog) - len(rows)
    rows = rows[:limit] if limit is not None else rows
    spread = rows[:: max(len(rows) // sample, 1)] if rows else []
    counted = [reader.expect(catalog.item(row)) for row in spread]
    told = _scaled([one[0] for one in counted], len(rows))
    answered = _scaled([one[1] for one in counted], len(rows))
    cost = price(told, answered) if price is not None else (None if told else 0.0)
    return Estimate(
        items=len(rows),
        kept=kept,
        prompt_tokens=told,
        completion_tokens=answered,
        cost=cost,
        seconds=_expected_seconds(catalog, reader, log, rows),
        by=reader.name,
    )


def _scaled(counts: Sequence[int], n: int) -> int:
    return round(sum(counts) / len(counts) * n) if counts else 0


def _expected_seconds(
    catalog: Catalog, reader: Reader, log: Log, rows: Sequence[int]
) -> float | None:
    if not rows:
        return 0.0
    took = [one.seconds for one in _records(log) if one.by == reader.name and one.seconds > 0]
    if took:
        return sum(took) / len(took) * len(rows)
    if reader.kind == "model":
        return None
    probe = rows[:: max(len(rows) // _PROBE, 1)][:_PROBE]
    reader.read([catalog.item(probe[0])])
    start = time.perf_counter()
    reader.read([catalog.item(row) for row in probe])
    return (time.perf_counter() - start) / len(probe) * len(rows)


def run(
    catalog: Catalog,
    reader: Reader,
    log: Log,
    *,
    limit: int | None = None,
    batch: int = BATCH,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """Read every item that is new or says something else by now, and keep each batch at once.

    A failed item is left for the next run; a failure that the next item would meet too (no budget,
    no connection), or `PATIENCE` whole batches in a row, ends this one, and `stopped` says why.
    Raises `Interrupted` on Ctrl-C, and `Unavailable` when the log cannot be written.
    """
    start = time.perf_counter()
    rows = wanted(log, catalog, reader)
    todo = rows[:limit] if limit is not None else rows
    outcome = Outcome(reader.name, kept=len(catalog) - len(rows))
    marks = hashes(catalog)
    bad = 0
    try:
        for at, part in _batches(todo, batch):
            if progress is not None:
                progress("reading features", at / len(todo))
            began = time.perf_counter()
            readings = reader.read([catalog.item(row) for row in part])
            each = (time.perf_counter() - began) / len(part)
            now = int(clock())
            log.append(
                Kept(
                    catalog.ids[row],
                    marks[row],
                    reading.values,
                    reader.kind,
                    reader.name,
                    reader.version,
                    now,
                    each,
                ).as_json()
                for row, reading in zip(part, readings, strict=True)
                if not reading.error
            )
            _count(outcome, readings)
            bad = bad + 1 if all(reading.error for reading in readings) else 0
            outcome.stopped = _reason(readings, bad)
            if outcome.stopped:
                break
    except KeyboardInterrupt as stop:
        raise Interrupted(
            f"Stopped: {outcome.read} items read now and {outcome.kept} before are kept; "
            "the same command goes on from there."
        ) from stop
    if progress is not None and todo:
        progress("reading features", 1.0)
    outcome.left = len(rows) - outcome.read
    outcome.seconds = time.perf_counter() - start
    return outcome


def _batches(rows: Sequence[int], size: int) -> Iterator[tuple[int, Sequence[int]]]:
    for at in range(0, len(rows), max(size, 1)):
        yield at, rows[at : at + max(size, 1)]


def _count(outcome: Outcome, readings: Sequence[Reading]) -> None:
    for reading in readings:
        outcome.tokens += reading.tokens
        outcome.cost += reading.cost
        outcome.dropped.update(reading.dropped)
        if not reading.error:
            outcome.read += 1
            continue
        outcome.failed += 1
        if reading.error in outcome.errors or len(outcome.errors) < 10:
            outcome.errors[reading.error] += 1


def _reason(readings: Sequence[Reading], bad: int) -> str:
    for reading in readings:
        if reading.error and reading.final:
            return reading.error
    if bad >= PATIENCE:
        return f"{bad} batches in a row failed; the last error: {readings[-1].error}"
    return ""


def _records(log: Log) -> Iterator[Kept]:
    """Yield the records that are whole; another one is as if it were not there, and is redone."""
    for record in log.read():
        try:
            features = record["features"]
            values = {
                str(name): tuple(str(value) for value in found) for name, found in features.items()
            }
            kept = Kept(
                str(record["item"]),
                str(record["hash"]),
                values,
                str(record["kind"]),
                str(record["by"]),
                str(record["prompt"]),
                int(record["time"]),
                float(record.get("seconds", 0.0)),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            continue
        if kept.kind in STANDING:
            yield kept
