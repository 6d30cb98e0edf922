"""Cutting interactions into what a model may learn from and what it is asked about.

Every function is pure: the same interactions, numbers and seed give the same parts. An event
goes to at most one part, which `check_disjoint` verifies by the event's place in its file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import DataError, FormatError, NotFound
from tastemate.interactions import Interactions
from tastemate.types import Floats, History, Mask, Rows, Times

TIE_ORDERS: dict[str, int | None] = {"id": None, "shuffle-1": 1, "shuffle-2": 2}
"""Name of an order of tied events → the seed for `Interactions.with_ties`."""


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOut:
    """One event withheld per user; arrays of one length, one entry per user asked about."""

    train: Interactions
    """What models may learn from; users and catalogue are those of the whole data."""
    users: NDArray[np.int32]
    """User codes."""
    histories: list[History]
    """What is known of each user when asked, oldest first; never empty."""
    targets: Rows
    """The withheld item."""
    values: Floats
    """The withheld value."""
    gaps: Times
    """Seconds between the last event of the history and the target."""
    tied: Mask
    """Whether the target shares its timestamp with the event before or after it."""

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """A part kept from training: `held` names the cold items (rows) or cold users (codes)."""

    train: Interactions
    test: Interactions
    held: NDArray[np.int32]


def core(catalog: Catalog, interactions: Interactions, k: int = 5) -> tuple[Catalog, Interactions]:
    """Return only users and items with at least `k` events each, found by repeated pruning."""
    keep = np.ones(len(interactions), dtype=bool)
    while True:
        users = np.bincount(interactions.user[keep], minlength=interactions.n_users)
        items = np.bincount(interactions.item[keep], minlength=interactions.n_items)
        fresh = keep & (users[interactions.user] >= k) & (items[interactions.item] >= k)
        if fresh.sum() == keep.sum():
            break
        keep = fresh
    rows = np.flatnonzero(items >= max(k, 1)).astype(np.int32)
    codes = np.flatnonzero(users >= max(k, 1))
    new_row = np.full(interactions.n_items, -1, dtype=np.int32)
    new_row[rows] = np.arange(len(rows), dtype=np.int32)
    new_code = np.full(interactions.n_users, -1, dtype=np.int32)
    new_code[codes] = np.arange(len(codes), dtype=np.int32)
    people = interactions.people
    return catalog.select(rows), Interactions(
        [interactions.users[code] for code in codes],
        len(rows),
        new_code[interactions.user[keep]],
        new_row[interactions.item[keep]],
        interactions.value[keep],
        interactions.timestamp[keep],
        position=interactions.position[keep],
        tie=np.flatnonzero(keep),
        people=None if people is None else people[codes],
    )


def random_ratio(
    interactions: Interactions, ratios: Sequence[float], seed: int
) -> tuple[Interactions, ...]:
    """Deal the events into parts of about these shares, each event on its own."""
    shares = np.asarray(ratios, dtype=np.float64)
    if len(shares) < 2 or (shares <= 0).any():
        raise DataError(f"Split ratios must be at least two positive numbers, not {ratios}.")
    edges = np.cumsum(shares / shares.sum())[:-1]
    part = np.searchsorted(edges, np.random.default_rng(seed).random(len(interactions)), "right")
    return tuple(interactions.where(part == at) for at in range(len(shares)))


def leave_one_out(
    interactions: Interactions, cut: int = 0, max_history: int | None = None
) -> LeaveOneOut:
    """Withhold one event of each user; cut 0 is the test, 1 and more are validation cuts.

    Test: the target is the last event, models train on all but the last two, and the history
    given is everything before the target. Cut c >= 1: the target has c events after it; models
    train on, and the history holds, only what came before the target. Users left with an empty
    history are skipped. `max_history` keeps the latest events of each history.
    """
    if cut < 0:
        raise DataError(f"A cut counts events from the end: 0 or more, not {cut}.")
    place = interactions.from_end()
    at = np.flatnonzero(place == cut)
    at = at[at > interactions.offsets[interactions.user[at]]]
    starts = interactions.offsets[interactions.user[at]]
    times = interactions.timestamp
    tied = times[at] == times[at - 1]
    if cut:
        tied |= times[at] == times[at + 1]
    histories = []
    for first, stop in zip(starts.tolist(), at.tolist(), strict=True):
        begin = first if max_history is None else max(first, stop - max_history)
        part = slice(begin, stop)
        histories.append(History(interactions.item[part], interactions.value[part], times[part]))
    return LeaveOneOut(
        train=interactions.where(place > max(cut, 1)),
        users=interactions.user[at],
        histories=histories,
        targets=interactions.item[at],
        values=interactions.value[at],
        gaps=times[at] - times[at - 1],
        tied=tied,
    )


def global_time(interactions: Interactions, fraction: float) -> Holdout:
    """Train on about the earliest `fraction` of all events; test on everything later.

    Events at the boundary's own second all go to the test part. `held` names the test users.
    """
    _check_share(fraction)
    if not len(interactions):
        return Holdout(interactions, interactions, np.zeros(0, dtype=np.int32))
    order = np.sort(interactions.timestamp)
    boundary = order[min(int(len(order) * fraction), len(order) - 1)]
    early = interactions.timestamp < boundary
    test = interactions.where(~early)
    return Holdout(interactions.where(early), test, np.unique(test.user).astype(np.int32))


def item_cold(interactions: Interactions, share: float, seed: int) -> Holdout:
    """Take all events of a random `share` of the items that have events out of training."""
    _check_share(share)
    return _without(interactions, interactions.item, share, seed)


def user_cold(interactions: Interactions, share: float, seed: int) -> Holdout:
    """Take all events of a random `share` of the users that have events out of training."""
    _check_share(share)
    return _without(interactions, interactions.user, share, seed)


def committed(
    interactions: Interactions, letters: str
) -> tuple[Interactions, Interactions, Interactions]:
    """Return (train, validation, test) by one letter t, v or e per rating, in file order."""
    marks = np.frombuffer("".join(letters.split()).encode("ascii", "replace"), dtype=np.uint8)
    wrong = ~np.isin(marks, np.frombuffer(b"tve", dtype=np.uint8))
    if wrong.any():
        raise FormatError(
            f"Letter {int(np.argmax(wrong)) + 1} of the split is {chr(marks[np.argmax(wrong)])!r}; "
            "use only t (train), v (validation) and e (test)."
        )
    needed = int(interactions.position.max()) + 1 if len(interactions) else 0
    if len(marks) < needed:
        raise FormatError(
            f"The split has {len(marks)} letters for {needed} ratings. "
            "Use the split that belongs to this file."
        )
    mark = marks[interactions.position]
    train, validation, test = (interactions.where(mark == ord(letter)) for letter in "tve")
    return train, validation, test


def read_letters(path: Path) -> str:
    """Read the letters of a committed split; raise `NotFound` when there is no such file."""
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(
            f"The committed split {path} cannot be read ({error}). "
            "It lies beside the ratings it was made for; check the data folder."
        ) from error


def check_disjoint(*parts: Interactions) -> None:
    """Raise `DataError` when an event is in more than one part (training would see the test)."""
    places = np.concatenate([part.position for part in parts]) if parts else np.zeros(0)
    if len(np.unique(places)) != len(places):
        raise DataError(
            "The parts of the split share events, so a model would train on what it is tested "
            "on. Make the parts with the functions of tastemate.data.split."
        )


def _without(
    interactions: Interactions, codes: NDArray[np.int32], share: float, seed: int
) -> Holdout:
    present = np.unique(codes)
    if len(present) < 2:
        raise DataError("Nothing can be held out: there are fewer than two users or items.")
    size = min(max(round(share * len(present)), 1), len(present) - 1)
    drawn = np.random.default_rng(seed).choice(present, size=size, replace=False)
    held = np.sort(drawn).astype(np.int32)
    out = np.isin(codes, held)
    return Holdout(interactions.where(~out), interactions.where(out), held)


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise DataError(f"A share lies between 0 and 1, not {share}.")
