"""Answers kept in memory, found by everything that decided them.

A list stays the same until the user does something, the model changes, or the catalogue grows;
all of that is in the key, so nothing is ever taken out because it became wrong.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

SHORT = 512
"""Characters of a text that stands in a key as it is."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One line as it is logged."""

    item: str
    position: int
    propensity: float
    score: float
    arms: tuple[tuple[str, str], ...] = ()
    """Of a drafted line, the arm it is of; else those of the list hold."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer without what is new each time: its id and how long it took."""

    body: bytes
    """JSON members after those, with the closing brace."""
    shown: tuple[Shown, ...]
    degraded: tuple[str, ...] = ()
    fallback: str = ""
    arms: tuple[tuple[str, str], ...] = ()
    model: str = ""
    policy: str = ""
    user: str = ""
    session: str = ""

    def bare(self) -> "Kept":
        """Return what is logged of it: all but the body, which may be large."""
        return Kept(  # written out: it is done for every list that is sent
            b"",
            self.shown,
            self.degraded,
            self.fallback,
            self.arms,
            self.model,
            self.policy,
            self.user,
            self.session,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A list as it is sent: its id, the JSON, and what it was made of."""

    id: str
    body: bytes
    kept: Kept


def short(text: str) -> Hashable:
    """Return what stands for a text in a key: a long one as its hash, of 32 bytes."""
    if len(text) <= SHORT:
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Answers:
    """At most `most` answers of together `most_bytes`; the one not asked for longest goes first.

    May be used from several threads.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self.hits = 0
        self.misses = 0
        self._held: OrderedDict[Hashable, Kept] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> Kept | None:
        """Return the answer of a key."""
        with self._lock:
            kept = self._held.get(key)
            if kept is None:
                self.misses += 1
                return None
            self.hits += 1
            self._held.move_to_end(key)
            return kept

    def put(self, key: Hashable, kept: Kept) -> None:
        """Keep an answer; a degraded one is not kept: what failed once may work the next time."""
        if kept.degraded or self.most < 1 or len(kept.body) > self.most_bytes:
            return
        with self._lock:
            before = self._held.pop(key, None)
            self._bytes += len(kept.body) - (len(before.body) if before else 0)
            self._held[key] = kept
            while len(self._held) > self.most or self._bytes > self.most_bytes:
                _, gone = self._held.popitem(last=False)
                self._bytes -= len(gone.body)

    def clear(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._held.clear()
            self._bytes = 0
