"""What is known of each person right now: what the data says, and what was done and said since.

Read from the store when asked for and held. What somebody does then, here or in another process,
is put after what was known (`hear`); what cannot be is read again. Any number of processes over
one store agree.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tastemate.catalog import Catalog
from tastemate.edits import leanings
from tastemate.interactions import Interactions, Scale
from tastemate.profile.live import live_vector
from tastemate.profile.signals import Weights, events, standing
from tastemate.store.opening import Store
from tastemate.store.tastes import TasteEdit
from tastemate.types import (
    NO_HISTORY,
    AttributeValue,
    Floats,
    History,
    Leaning,
    Signal,
    history,
)

HOUR = 3600
MOST = 50_000
"""People held in memory; who was not asked for longest is read again."""
WAITING = 500
"""Signals of one person that wait to be put after the others; with more they are read again."""
ABOUT_PEOPLE = frozenset({"users", "tastes", "erased", "items"})
"""Changes that do not say of whom: everybody is read again, unless it was told (`wrote`)."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person, as of the last word in the store."""

    history: History
    """What the data says with what counts of what was done since."""
    signals: tuple[Signal, ...] = ()
    """What was done since and stands, oldest first."""
    hidden: frozenset[int] = frozenset()
    """Rows of items that signals took off lists."""
    edits: tuple[TasteEdit, ...] = ()
    """What they said of their taste."""
    leanings: tuple[Leaning, ...] = ()
    """What that makes their lists lean to."""
    about: Mapping[str, AttributeValue] = field(default_factory=dict)
    """What they declared about themselves."""
    known: bool = True
    """Whether anything is known of somebody of that id."""


@dataclass(slots=True, eq=False)
class _Reading:
    """Somebody who is being read out of the store."""

    old: bool = False
    """Whether more was written of them since that began."""


@dataclass(slots=True, eq=False)
class _Held:
    """Somebody as last made, and what they did since."""

    person: Person
    last: int
    """The number of their latest signal that is in it."""
    until: float
    """When they did the latest thing, by the clock of whoever told it."""
    waiting: list[Signal] = field(default_factory=list)
    """What goes after it."""

    def hear(self, number: int, signal: Signal) -> bool:
        """Let a signal wait; say whether that can be: not where it belongs before others."""
        if number <= self.last:
            return True
        if signal.timestamp < self.until or len(self.waiting) >= WAITING:
            return False
        self.last, self.until = number, signal.timestamp
        self.waiting.append(signal)
        return True


NOBODY = Person(NO_HISTORY, known=False)
"""Somebody of whom nothing is known."""


class People:
    """The people of one store, over one catalogue and its interactions."""

    def __init__(
        self,
        store: Store,
        weights: Weights,
        *,
        most: int = MOST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.weights = weights
        self.most = most
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._lock = threading.Lock()
        self._hearing = threading.Lock()
        self._clock = clock
        self._middle: tuple[Floats, Floats] | None = None
        self._reading: dict[str, list[_Reading]] = {}
        self._own: set[tuple[str, int]] = set()
        """Changes of the store that this process made and told with `wrote`."""
        self._versions = store.versions.all()
        self._read = store.events.last()

    def of(self, user: str, catalog: Catalog, interactions: Interactions) -> Person:
        """Return what is known of a user; `known` is false for somebody nobody heard of."""
        with self._lock:
            held = self._held.get(user)
            if held is not None:
                self._held.move_to_end(user)
            else:
                reading = _Reading()
                self._reading.setdefault(user, []).append(reading)
        if held is not None:
            return self._grown(held, catalog, interactions)
        made = None
        try:
            made = self._made(user, catalog, interactions)
        finally:
            with self._lock:
                self._reading[user].remove(reading)
                if not self._reading[user]:
                    del self._reading[user]
                if made is not None and not reading.old:
                    self._held[user] = made
                while len(self._held) > self.most:
                    self._held.popitem(last=False)
        return made.person

    def held(self, user: str) -> Person | None:
        """Return what is held of a user, who did nothing since; None for anybody else."""
        with self._lock:
            held = self._held.get(user)
            return held.person if held and not held.waiting else None

    def at_hand(self, user: str, catalog: Catalog, interactions: Interactions) -> Person | None:
        """Return what is known of a user without asking the store; None where nothing is held."""
        with self._lock:
            held = self._held.get(user)
        return self._grown(held, catalog, interactions) if held is not None else None

    def forget(self, users: Iterable[str] | None = None) -> None:
        """Read these users again when they are next asked for; by default everybody."""
        with self._lock:
            some = list(self._reading) if users is None else users
            if users is None:
                self._held.clear()
            for user in some:
                self._held.pop(user, None)
                for reading in self._reading.get(user, ()):
                    reading.old = True

    def hear(self) -> None:
        """Learn what everybody did since the last time."""
        with self._hearing:
            while found := self.store.events.since(self._read):
                with self._lock:
                    for number, signal in found:
                        for reading in self._reading.get(signal.user, ()):
                            reading.old = True
                        held = self._held.get(signal.user)
                        if held and not held.hear(number, signal):
                            del self._held[signal.user]
                self._read = found[-1][0]

    def wrote(self, user: str, name: str, number: int) -> None:
        """Read a user again, and only that one: this process made change `number` of `name`.

        Both are those of `Versions`; for a change that concerns one user.
        """
        self.forget((user,))
        with self._lock:
            self._own.add((name, number))

    def catch_up(self) -> frozenset[str]:
        """Learn what was written since the last time; return the names of what has changed.

        The names are those of `Versions`. Raises `Unavailable` where the store does not answer.
        """
        now = self.store.versions.all()
        changed = frozenset(
            name for name in {*now, *self._versions} if now.get(name) != self._versions.get(name)
        )
        if not changed:
            return changed
        foreign = any(self._is_foreign(name, now) for name in changed & ABOUT_PEOPLE)
        if foreign or ("events" in changed and self.store.events.last() < self._read):
            with self._hearing:  # a store that was restored numbers from an earlier number on
                self._read = self.store.events.last()
            self.forget()
        if "events" in changed:
            self.hear()
        with self._lock:
            self._versions = now
            self._own = {(name, number) for name, number in self._own if number > now[name]}
        return changed

    def resume(self, other: "People") -> None:
        """Go on with whom another one holds, over the same store, items and data."""
        with other._hearing, other._lock:
            held = [
                (user, replace(one, waiting=list(one.waiting))) for user, one in other._held.items()
            ]
            versions, own, read = dict(other._versions), set(other._own), other._read
        with self._lock:
            self._held, self._versions = OrderedDict(held), versions
            self._own, self._read = own, read

    def _is_foreign(self, name: str, now: Mapping[str, int]) -> bool:
        """Whether anything of a name changed that nobody told with `wrote`."""
        span = range(self._versions.get(name, 0) + 1, now[name] + 1)
        with self._lock:
            return not span or any((name, number) not in self._own for number in span)

    def told(
        self, person: Person, now: Sequence[Signal], catalog: Catalog, interactions: Interactions
    ) -> Person:
        """Return a person with signals that nobody keeps; what is not in the catalogue is none."""
        said = [one for one in now if one.item in catalog]
        stands = tuple(standing((*person.signals, *said)))
        live, hides = self._counted(stands, catalog, interactions)
        seen = person.history.then(live)
        return replace(person, history=seen, signals=stands, hidden=person.hidden | hides)

    def pull(
        self, person: Person, vectors: Floats, catalog: Catalog, scale: Scale
    ) -> Floats | None:
        """Return where somebody's signals point among `vectors` (items, dimensions), if anywhere.

        They fade by the hour, so that an answer within the same hour is the same answer.
        """
        now = int(self._clock()) // HOUR * HOUR
        signals = person.signals[-self.weights.last :]
        if self._middle is None or self._middle[0] is not vectors:
            self._middle = (vectors, vectors.mean(axis=0))
        return live_vector(
            catalog.rows(one.item for one in signals),
            np.array([self.weights.weight(one, scale) for one in signals], np.float32),
            np.array([one.timestamp for one in signals], np.int64),
            now,
            vectors,
            middle=self._middle[1],
            alpha=self.weights.alpha,
            half_life_hours=self.weights.half_life_hours,
            last=self.weights.last,
        )

    def _made(self, user: str, catalog: Catalog, interactions: Interactions) -> _Held:
        kept = self.store.events.numbered(user)
        said = [one for _, one in kept if one.item in catalog]
        stands = tuple(standing(said))
        live, hides = self._counted(stands, catalog, interactions)
        declared = self.store.users.get(user)
        edits = tuple(self.store.tastes.of(user))
        person = Person(
            interactions.history_of(user).then(live),
            stands,
            hides,
            edits,
            leanings(edits, catalog),
            {**interactions.about(user), **declared},
            bool(user in interactions or said or declared),
        )
        last = max((number for number, _ in kept), default=0)
        return _Held(person, last, kept[-1][1].timestamp if kept else -math.inf)

    def _grown(self, held: _Held, catalog: Catalog, interactions: Interactions) -> Person:
        """Return a person with what waits; what stands is told in order, so that it goes on."""
        with self._lock:
            before, waiting = held.person, tuple(held.waiting)
        if not waiting:
            return before
        said = [one for one in waiting if one.item in catalog]
        stands = tuple(standing((*before.signals, *said)))
        live, hides = self._counted(stands, catalog, interactions)
        past = interactions.history_of(waiting[0].user).then(live)
        known = before.known or bool(said)
        grown = replace(before, history=past, signals=stands, hidden=hides, known=known)
        with self._lock:
            if held.person is before:  # else another thread was as far
                held.person = grown
                del held.waiting[: len(waiting)]
        return grown

    def _counted(
        self, stands: Sequence[Signal], catalog: Catalog, interactions: Interactions
    ) -> tuple[History, frozenset[int]]:
        """Return the history that signals make, and the rows they take off lists."""
        counted = events(stands, interactions.scale, self.weights)
        live = history(
            catalog.rows(event.item for event in counted),
            [event.value for event in counted],
            [event.timestamp for event in counted],
        )
        hides = self.weights.hides
        return live, frozenset(catalog.row(one.item) for one in stands if one.kind in hides)
