"""Answers made ahead of time: what many people ask for is read, not computed.

Newcomers have no history, so they all ask the same few questions: nothing at all, or one genre.
`Precomputed` stands before anything with `recommend_all`, holds such answers on disk, and passes
every other query on. An answer is found by everything that decides it and by the model that made
it, so that a refit or a changed catalogue never serves an old one.
"""

import contextlib
import hashlib
import json
import os
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFound, Unavailable
from tastemate.interactions import Interactions
from tastemate.types import (
    NO_HISTORY,
    AttributeValue,
    Candidate,
    Clause,
    Evidence,
    Filter,
    Query,
    Reason,
    Recommendation,
    Slate,
    Step,
)

STEP = "precomputed"
"""Name of the step in the trace of an answer that was held."""

FORMAT = 1
"""Raised when what a file holds changes; older files are then misses."""

_SUFFIX = ".slate"


class Answering(Protocol):
    """Anything that answers queries: a recommender, or another `Precomputed`."""

    def recommend_all(self, queries: Sequence[Query]) -> list[Slate]:
        """Return one slate a query, in order."""
        ...


class Composed:
    """An `Answering` put together when the first query reaches it: held answers need no model."""

    def __init__(self, compose: Callable[[], Answering]) -> None:
        self.compose = compose

    def recommend_all(self, queries: Sequence[Query]) -> list[Slate]:
        """Compose, then answer."""
        return self.compose().recommend_all(queries)


class Precomputed:
    """Answers held on disk before an `Answering`.

    `model` names what `inner` is (its fit included): answers of another model are not served.
    At most `capacity` answers are kept; the one not asked for longest goes first. Only `warm`
    adds answers, and never a degraded one. May be asked from several threads.
    """

    def __init__(
        self,
        inner: Answering,
        catalog: Catalog,
        folder: Path,
        *,
        model: str,
        capacity: int = 2_000,
    ) -> None:
        if capacity < 1:
            raise ConfigError(f"capacity is {capacity}; it must be at least 1.")
        self.inner = inner
        self.catalog = catalog
        self.folder = folder
        self.model = model
        self.capacity = capacity
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Slate | None] = OrderedDict(
            (path.stem, None) for path in sorted(folder.glob(f"*{_SUFFIX}"), key=_age)
        )
        self._bound()

    def __len__(self) -> int:
        return len(self._held)

    def recommend(self, query: Query) -> Slate:
        """Answer one query: a batch of one."""
        return self.recommend_all([query])[0]

    def recommend_all(self, queries: Sequence[Query]) -> list[Slate]:
        """Answer what is held from here, the rest by `inner` in one batch, in the order asked."""
        answers = [self._find(query) for query in queries]
        missed = [query for query, held in zip(queries, answers, strict=True) if held is None]
        fresh = iter(self.inner.recommend_all(missed) if missed else ())
        return [next(fresh) if held is None else held for held in answers]

    def warm(self, queries: Iterable[Query]) -> int:
        """Answer these queries now and hold the answers; return how many are new.

        Degraded answers are not held: what failed once may work the next time. Raises
        `Unavailable` when an answer cannot be written.
        """
        wanted = {self.key(query): query for query in queries}
        missing = {key: query for key, query in wanted.items() if self._read(key) is None}
        kept = 0
        # In a context of their own: what they lack they say themselves, not whoever warms.
        asked = list(missing.values())
        slates = Context().run(self.inner.recommend_all, asked) if missing else []
        for key, slate in zip(missing, slates, strict=True):
            if slate.degraded:
                continue
            self._write(key, slate)
            with self._lock:
                self._held[key] = replace(slate, trace=())
                self._held.move_to_end(key)
            kept += 1
        self._bound()
        return kept

    def clear(self) -> None:
        """Forget every answer, on disk as well."""
        with self._lock:
            for key in self._held:
                self._place(key).unlink(missing_ok=True)
            self._held.clear()

    def key(self, query: Query) -> str:
        """Return the name an answer is held under: a hash of all that decides it.

        The user's id is no part of it: models answer from the history, so that two people with
        the same history share an answer.
        """
        text = unicodedata.normalize("NFC", " ".join(query.text.split())).casefold()
        decides = [
            FORMAT,
            self.model,
            self.catalog.fingerprint,
            len(query.history),
            text,
            _plain(query.k),
            sorted(query.exclude),
            bool(query.exclude_seen),
            sorted({json.dumps(_wish(wish)) for wish in query.filters}),
            sorted((name, str(value)) for name, value in query.context.items()),
            sorted((name, json.dumps(_plain(value))) for name, value in query.about.items()),
            [_plain(value) for value in asdict(query.controls).values()],
            None if query.taste is None else _plain(asdict(query.taste)),
        ]
        digest = hashlib.sha256(json.dumps(decides, default=_scalar).encode())
        past = query.history
        digest.update(np.ascontiguousarray(past.items, "<i4").tobytes())
        digest.update((np.ascontiguousarray(past.values, "<f4") + np.float32(0)).tobytes())
        digest.update(np.ascontiguousarray(past.timestamps, "<i8").tobytes())
        return digest.hexdigest()[:32]

    def _find(self, query: Query) -> Slate | None:
        if len(query.history) or not self._held:  # what is common has no history: spare the hash
            return None
        start = time.perf_counter()
        slate = self._read(self.key(query))
        if slate is None:
            return None
        step = Step(STEP, len(slate.items), time.perf_counter() - start)
        return replace(slate, trace=(step,))

    def _read(self, key: str) -> Slate | None:
        """Return what is held under a key; a file that cannot be read is dropped and a miss."""
        with self._lock:
            if key not in self._held:
                return None
            slate = self._held[key]
            if slate is None:
                slate = self._load(key)
            if slate is None:
                del self._held[key]
                self._place(key).unlink(missing_ok=True)
                return None
            self._held[key] = slate
            self._held.move_to_end(key)
            return slate

    def _load(self, key: str) -> Slate | None:
        try:
            digest, _, body = self._place(key).read_bytes().partition(b"\n")
            if digest.decode() != hashlib.sha256(body).hexdigest():
                return None
            return _slate(json.loads(body), self.catalog)
        except (OSError, ValueError, KeyError, TypeError, NotFound):
            return None  # torn, damaged or of another format: computed again

    def _write(self, key: str, slate: Slate) -> None:
        body = json.dumps(_record(slate, self.catalog), default=_scalar).encode()
        place = self._place(key)
        fresh = place.with_name(f".{key}.{os.getpid()}.{threading.get_ident()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            fresh.replace(place)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise Unavailable(
                f"A precomputed answer could not be written to {self.folder} ({error}). "
                "Free some space or mend the permissions and try again."
            ) from error

    def _bound(self) -> None:
        with self._lock:
            while len(self._held) > self.capacity:
                oldest, _ = self._held.popitem(last=False)
                self._place(oldest).unlink(missing_ok=True)

    def _place(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"


def common_queries(
    catalog: Catalog, interactions: Interactions, k: int = 10, *, values: int = 20
) -> list[Query]:
    """Return what newcomers ask: nothing, then each list attribute's most frequent values.

    A value's frequency is the number of events of the items that carry it (the number of items,
    where there are no events); at most `values` of each attribute, ties in alphabetical order.
    """
    found = [Query(history=NO_HISTORY, k=k)]
    counts = np.zeros(len(catalog), dtype=np.float64)
    counts[: interactions.n_items] = interactions.counts[: len(catalog)]
    weights = counts if counts.any() else np.ones(len(catalog))
    for attribute in catalog.attributes:
        if not isinstance(catalog.frame.schema[attribute], pl.List):
            continue
        carried = catalog.incidence(attribute)
        frequency = np.asarray(carried.matrix.T @ weights)
        for code in np.argsort(-frequency, kind="stable")[:values]:
            wish = Filter(attribute, "is", carried.values[code])
            found.append(Query(history=NO_HISTORY, k=k, filters=(wish,)))
    return found


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name


def _plain(value: Any) -> Any:
    """Bring equal values to one form: 1, 1.0 and True are equal, so they must be one key."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bool | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return int(value) if float(value).is_integer() else float(value)
    return value


def _wish(wish: Filter) -> list[Any]:
    return [wish.attribute, wish.operator, _plain(wish.value), bool(wish.hard)]


def _scalar(value: Any) -> Any:
    """Let JSON take numpy's numbers."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _record(slate: Slate, catalog: Catalog) -> dict[str, Any]:
    return {
        "unknown": slate.unknown,
        "items": [
            {
                "id": line.item.id,
                "score": line.score,
                "sources": [
                    [catalog.ids[part.row], part.score, part.source, part.rank]
                    for part in line.sources
                ],
                "clauses": [[clause.text, list(clause.evidence)] for clause in line.reason.clauses],
                "evidence": [asdict(fact) for fact in line.reason.evidence],
            }
            for line in slate.items
        ],
    }


def _slate(record: dict[str, Any], catalog: Catalog) -> Slate:
    lines = tuple(
        Recommendation(
            rank,
            catalog[line["id"]],
            float(line["score"]),
            tuple(
                Candidate(catalog.row(item_id), float(score), str(source), int(at))
                for item_id, score, source, at in line["sources"]
            ),
            Reason(
                tuple(Clause(text, tuple(bound)) for text, bound in line["clauses"]),
                tuple(
                    Evidence(**{**fact, "value": _value(fact["value"])})
                    for fact in line["evidence"]
                ),
            ),
        )
        for rank, line in enumerate(record["items"], start=1)
    )
    return Slate(lines, (), int(record["unknown"]))


def _value(value: Any) -> AttributeValue:
    return tuple(value) if isinstance(value, list) else value
