"""Who met what, when, and how they valued it: columnar arrays with a vocabulary of users.

Item codes are catalogue rows, so an array of items here indexes the catalogue directly. Events
are kept sorted by user, then time, then a tie order, so that a user's history is a slice.
"""

import copy
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import DataError, UnknownUser, nearest
from tastemate.types import (
    NO_HISTORY,
    AttributeValue,
    Event,
    Floats,
    History,
    Mask,
    Rows,
    Times,
)


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of the values, and what in it counts as liking and disliking.

    Liked: the upper 40% of the range (3.5 and up on MovieLens' 0.5-5); disliked: the lower 40%
    (2 and below). Where all values are equal (clicks, purchases) every event is a like,
    and only a value below them (an explicit dislike) is not.
    """

    low: float
    high: float

    @property
    def rates(self) -> bool:
        """Whether values tell how much, not only that somebody met an item."""
        return self.high > self.low

    @property
    def worst(self) -> float:
        """The value of an explicit dislike: the lowest, or one below where all are equal."""
        return self.low if self.rates else self.low - 1.0

    def allows(self, value: float) -> bool:
        """Say whether a rating can be meant on this scale: half the range beyond it at most."""
        spare = (self.high - self.low) / 2
        return not self.rates or self.low - spare <= value <= self.high + spare

    def likes(self, values: Floats) -> Mask:
        """Return which values mean that the person liked the item."""
        return values >= self.low + 0.6 * (self.high - self.low)

    def dislikes(self, values: Floats) -> Mask:
        """Return which values mean that the person disliked the item."""
        if self.high <= self.low:
            return values < self.low
        return values <= self.low + 0.4 * (self.high - self.low)


class Interactions:
    """Immutable events over a catalogue of `n_items` items.

    Arrays of one length (events,): `user` (codes into `users`), `item` (catalogue rows),
    `value`, `timestamp`, and `position` (the event's place in the source file). `people` holds
    what users declared about themselves: a frame whose rows are the user codes. `weight` is how
    much an event counts in a fit that asks (`weighed`); None where all count alike.
    """

    def __init__(
        self,
        users: Sequence[str],
        n_items: int,
        user: NDArray[np.int32],
        item: Rows,
        value: Floats,
        timestamp: Times,
        *,
        position: NDArray[np.int64] | None = None,
        tie: NDArray[np.generic] | None = None,
        people: pl.DataFrame | None = None,
        weight: Floats | None = None,
    ) -> None:
        """Sort the events; `tie` orders events of one user and time (default: item row)."""
        lengths = {len(one) for one in (user, item, value, timestamp, weight) if one is not None}
        if len(lengths) != 1:
            raise DataError(f"The event arrays differ in length: {sorted(lengths)}.")
        if len(item) and not (0 <= int(item.min()) and int(item.max()) < n_items):
            raise DataError(f"An event names an item row outside 0..{n_items - 1}.")
        if position is None:
            position = np.arange(len(user), dtype=np.int64)
        order = np.lexsort((position, item if tie is None else tie, timestamp, user))
        self.users: tuple[str, ...] = tuple(users)
        self.n_items = n_items
        self.user = np.ascontiguousarray(user[order], dtype=np.int32)
        self.item = np.ascontiguousarray(item[order], dtype=np.int32)
        self.value = np.ascontiguousarray(value[order], dtype=np.float32)
        self.timestamp = np.ascontiguousarray(timestamp[order], dtype=np.int64)
        self.position = np.ascontiguousarray(position[order], dtype=np.int64)
        self.people = people
        self.weight = None if weight is None else np.asarray(weight, np.float32)[order]
        counts = np.bincount(self.user, minlength=len(self.users))
        if len(counts) > len(self.users):
            raise DataError(f"An event names a user code outside 0..{len(self.users) - 1}.")
        self.offsets: NDArray[np.int64] = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    @classmethod
    def of(cls, events: Iterable[Event], catalog: Catalog) -> "Interactions":
        """Build interactions from events; raise `UnknownItem` for an id not in the catalogue."""
        rows = list(events)
        users = tuple(dict.fromkeys(event.user for event in rows))
        code = {user: at for at, user in enumerate(users)}
        return cls(
            users,
            len(catalog),
            np.array([code[e.user] for e in rows], dtype=np.int32),
            catalog.rows(e.item for e in rows),
            np.array([e.value for e in rows], dtype=np.float32),
            np.array([e.timestamp for e in rows], dtype=np.int64),
        )

    @classmethod
    def empty(cls, catalog: Catalog) -> "Interactions":
        """Return interactions without events: a catalogue-only data set."""
        return cls.of((), catalog)

    def __len__(self) -> int:
        return len(self.user)

    @property
    def n_users(self) -> int:
        """How many users the vocabulary holds."""
        return len(self.users)

    @cached_property
    def by_id(self) -> tuple[str, ...]:
        """The user ids in their order."""
        return tuple(sorted(self.users))

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {user: code for code, user in enumerate(self.users)}

    def __contains__(self, user: object) -> bool:
        return user in self._codes

    def code(self, user: str) -> int:
        """Return the code of a user id; raise `UnknownUser` with the nearest known one."""
        try:
            return self._codes[user]
        except KeyError:
            hint = nearest(user, self.users[:20_000])
            raise UnknownUser(
                f"No user {user!r} among the {self.n_users} users.{hint} "
                "For somebody new, name what they like instead (--like)."
            ) from None

    def history(self, code: int) -> History:
        """Return one user's events, oldest first (views, no copy)."""
        at = slice(int(self.offsets[code]), int(self.offsets[code + 1]))
        return History(self.item[at], self.value[at], self.timestamp[at])

    def history_of(self, user: str | None) -> History:
        """Return the history of a user id; empty for None or somebody unknown."""
        if user is None or user not in self._codes:
            return NO_HISTORY
        return self.history(self._codes[user])

    def about(self, user: str | None) -> dict[str, AttributeValue]:
        """Return what a user declared about themselves; empty when nothing is known."""
        if self.people is None or user is None or user not in self._codes:
            return {}
        record = self.people.row(self._codes[user], named=True)
        return {name: value for name, value in record.items() if value is not None}

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Events per item, shape (items,)."""
        return np.bincount(self.item, minlength=self.n_items).astype(np.int64)

    @cached_property
    def scale(self) -> Scale:
        """The range of the values; 0 to 1 when there are no events.

        Of a thousand events or more, all but one in a thousand at each end: a single mistyped 50
        among stars must not turn everybody's likes into dislikes.
        """
        if not len(self):
            return Scale(0.0, 1.0)
        tail = 0.001 if len(self) >= 1000 else 0.0
        low, high = np.quantile(self.value, [tail, 1 - tail], method="nearest")
        return Scale(float(low), float(high))

    def matrix(self, values: Floats | None = None) -> sparse.csr_matrix:
        """Return users × items; `values` (events,) or ones; repeated pairs keep the latest."""
        data = np.ones(len(self), np.float32) if values is None else values
        key = self.user.astype(np.int64) * max(self.n_items, 1) + self.item
        _, first_from_end = np.unique(key[::-1], return_index=True)
        keep = len(key) - 1 - first_from_end
        return sparse.csr_matrix(
            (data[keep], (self.user[keep], self.item[keep])), shape=(self.n_users, self.n_items)
        )

    def weighed(self, values: Floats) -> Floats:
        """Return values of events, (events,), each times what its event counts in a fit."""
        return values if self.weight is None else np.asarray(values * self.weight, np.float32)

    def where(self, keep: Mask) -> "Interactions":
        """Return the events under a mask; users and catalogue stay as they are."""
        at = np.flatnonzero(keep)
        return self._taken(at, at)

    def with_ties(self, seed: int | None) -> "Interactions":
        """Return the events with ties of user and time in item order (None) or shuffled."""
        tie = None if seed is None else np.random.default_rng(seed).permutation(len(self))
        return self._taken(np.arange(len(self)), tie)

    def _taken(self, at: Times, tie: NDArray[np.generic] | None) -> "Interactions":
        return Interactions(
            self.users,
            self.n_items,
            self.user[at],
            self.item[at],
            self.value[at],
            self.timestamp[at],
            position=self.position[at],
            tie=tie,
            people=self.people,
            weight=None if self.weight is None else self.weight[at],
        )

    def without(self, users: Mask) -> "Interactions":
        """Return the events of the others; those users' ids are gone as well."""
        stays = np.flatnonzero(~users)
        code = np.cumsum(~users) - 1
        others = self.where(~users[self.user])
        return Interactions(
            [self.users[at] for at in stays],
            self.n_items,
            code[others.user].astype(np.int32),
            others.item,
            others.value,
            others.timestamp,
            position=others.position,
            tie=np.arange(len(others)),
            people=None if self.people is None else self.people[stays.tolist()],
            weight=others.weight,
        )

    def from_end(self) -> NDArray[np.int64]:
        """Return each event's place from the end of its user's history (0 = the last)."""
        return self.offsets[self.user + 1] - 1 - np.arange(len(self))

    def with_events(
        self, events: Sequence[Event], catalog: Catalog, weight: Floats | None = None
    ) -> "Interactions":
        """Return these events and new ones, over `catalog` (the old one, perhaps grown).

        `weight` (new events,) is what the new ones count; None where that is 1, as the old ones do.
        """
        users = list(self.users)
        codes = dict(self._codes)
        for event in events:
            if event.user not in codes:
                codes[event.user] = len(users)
                users.append(event.user)
        people = self.people
        if people is not None and len(users) > self.n_users:
            blank = pl.DataFrame(
                {name: [None] * (len(users) - self.n_users) for name in people.columns},
                schema=people.schema,
            )
            people = pl.concat([people, blank])
        last = int(self.position.max()) + 1 if len(self) else 0
        counted = self.weighed(np.ones(len(self), np.float32))
        return Interactions(
            users,
            len(catalog),
            np.append(self.user, [codes[e.user] for e in events]).astype(np.int32),
            np.append(self.item, catalog.rows(e.item for e in events)).astype(np.int32),
            np.append(self.value, [e.value for e in events]).astype(np.float32),
            np.append(self.timestamp, [e.timestamp for e in events]).astype(np.int64),
            position=np.append(self.position, last + np.arange(len(events))).astype(np.int64),
            people=people,
            weight=None if weight is None else np.append(counted, weight),
        )

    def over(self, catalog: Catalog) -> "Interactions":
        """Return the same events over a catalogue that grew at its end (no copy of the arrays)."""
        if len(catalog) == self.n_items:
            return self
        grown = copy.copy(self)
        grown.n_items = len(catalog)
        grown.__dict__.pop("counts", None)
        return grown

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of all events, users, and what they declared."""
        digest = hashlib.sha256(json.dumps(self.users).encode())
        if self.people is not None:
            digest.update(self.people.write_ndjson().encode())
        for array in (self.user, self.item, self.value, self.timestamp, self.weight):
            digest.update(b"" if array is None else array.tobytes())
        return digest.hexdigest()[:12]

    def save(self, path: Path) -> None:
        """Write events and declared user attributes into a folder."""
        path.mkdir(parents=True, exist_ok=True)
        names = ("user", "item", "value", "timestamp", "position")
        columns = {name: getattr(self, name) for name in names}
        if self.weight is not None:
            columns["weight"] = self.weight
        pl.DataFrame(columns).write_parquet(path / "events.parquet")
        ids = pl.DataFrame({"_user": pl.Series(list(self.users), dtype=pl.String)})
        if self.people is not None:
            ids = ids.hstack(self.people)
        ids.write_parquet(path / "users.parquet")

    @classmethod
    def load(cls, path: Path, n_items: int) -> "Interactions":
        """Read what `save` wrote."""
        frame = pl.read_parquet(path / "events.parquet", glob=False)
        users = pl.read_parquet(path / "users.parquet", glob=False)
        people = users.drop("_user")
        return cls(
            users["_user"].to_list(),
            n_items,
            frame["user"].to_numpy(),
            frame["item"].to_numpy(),
            frame["value"].to_numpy(),
            frame["timestamp"].to_numpy(),
            position=frame["position"].to_numpy(),
            tie=np.arange(len(frame)),
            people=people if people.width else None,
            weight=frame["weight"].to_numpy() if "weight" in frame.columns else None,
        )
