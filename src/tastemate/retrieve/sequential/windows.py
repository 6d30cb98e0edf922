"""Histories as batches of padded windows: what a sequence model is fed.

Sequences are padded at their end, so that a causal model needs no mask for the padding and a
recurrent one starts clean. Code 0 is the padding, 1 to m are the items that a model knows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate.interactions import Interactions
from tastemate.types import Rows, Times

Codes = NDArray[np.int64]
PAD = 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Padded sequences, (sequences, steps) each, and what followed every step.

    `targets` is 0 where nothing is to be learned; `users` are (sequences,), 0 for nobody known.
    """

    items: Codes
    times: Codes
    targets: Codes
    users: Codes

    @property
    def lengths(self) -> Codes:
        """Steps of each sequence that are no padding, (sequences,)."""
        return np.asarray((self.items != PAD).sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Everybody's known events in a row, oldest first: codes 1 to m, seconds, and where each
    person's begin, (people + 1,); `users` are their codes from 1, (people,).
    """

    items: Codes
    times: Codes
    offsets: Codes
    users: Codes

    @classmethod
    def of(cls, interactions: Interactions, place: Rows) -> "Sequences":
        """Return the events of items that `place` knows: code less one, or -1, by row."""
        codes = place[interactions.item].astype(np.int64) + 1
        keep = codes > PAD
        counts = np.bincount(interactions.user[keep], minlength=interactions.n_users)
        some = np.flatnonzero(counts)
        offsets = np.concatenate(([0], np.cumsum(counts[some]))).astype(np.int64)
        return cls(codes[keep], interactions.timestamp[keep], offsets, some + 1)

    def __len__(self) -> int:
        return len(self.users)

    def sizes(self) -> Codes:
        """Return how many events each person has."""
        return np.diff(self.offsets)

    def ends(self, held: Codes) -> Codes:
        """Return where each person's training events end: one earlier for those `held`."""
        ends = self.offsets[1:].copy()
        ends[held] -= 1
        return ends

    def epoch(
        self, ends: Codes, length: int, size: int, rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Yield shuffled batches in which every event but a person's first is a target once.

        Longer histories are cut into windows of `length`, elsewhere in every epoch; windows of
        like length share a batch of about `size` events.
        """
        spans = self._spans(ends, length, rng)
        if not len(spans):
            return
        sizes = spans[:, 1] - spans[:, 0]
        order = np.argsort(sizes * rng.uniform(0.9, 1.1, len(sizes)), kind="stable")
        parts: list[Codes] = []
        start = 0
        while start < len(order):
            room = max(size // max(int(sizes[order[start]]), 4), 1)
            stop = min(start + room, len(order))
            parts.append(order[start:stop])
            start = stop
        for at in rng.permutation(len(parts)):
            yield self._batch(spans[parts[at]])

    def _spans(self, ends: Codes, length: int, rng: np.random.Generator) -> Codes:
        """Return (windows, 3): first event, last target, and whose it is."""
        found: list[tuple[int, int, int]] = []
        for who, (start, end) in enumerate(zip(self.offsets[:-1], ends, strict=True)):
            last = int(end) - 1
            if last - start > length:
                shift = int(rng.integers(0, length))
                if shift:
                    found.append((last - shift, last, who))
                    last -= shift
            while last > start:
                first = max(int(start), last - length)
                found.append((first, last, who))
                last = first
        return np.array(found, dtype=np.int64).reshape(-1, 3)

    def _batch(self, spans: Codes) -> Batch:
        longest = int((spans[:, 1] - spans[:, 0]).max())
        shape = (len(spans), longest)
        items, times, targets = (np.zeros(shape, np.int64) for _ in range(3))
        for row, (first, last, _) in enumerate(spans):
            n = int(last - first)
            items[row, :n] = self.items[first:last]
            targets[row, :n] = self.items[first + 1 : last + 1]
            times[row, :n] = self.times[first:last]
            times[row, n:] = self.times[last - 1]
        return Batch(items, times, targets, self.users[spans[:, 2]])

    def asked(self, held: Codes, length: int) -> Batch:
        """Return the histories of those held out, with their withheld event as the last target."""
        ends = self.offsets[1:][held] - 1
        past = [
            (
                self.items[max(int(start), int(end) - length) : end],
                self.times[max(int(start), int(end) - length) : end],
            )
            for start, end in zip(self.offsets[:-1][held], ends, strict=True)
        ]
        batch = padded([one for one, _ in past], [times for _, times in past], self.users[held])
        batch.targets[np.arange(len(held)), batch.lengths - 1] = self.items[ends]
        return batch


def padded(items: Sequence[Codes], times: Sequence[Times], users: Codes) -> Batch:
    """Return histories (none of them empty) as a batch without targets."""
    shape = (len(items), max((len(one) for one in items), default=0))
    codes, seconds = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, (own, when) in enumerate(zip(items, times, strict=True)):
        codes[row, : len(own)] = own
        seconds[row, : len(own)] = when
        seconds[row, len(own) :] = when[-1]
    return Batch(codes, seconds, np.zeros(shape, np.int64), users)
