"""The values that flow along the path: frozen, small, without behaviour of their own.

Arrays of item positions hold catalogue rows (`Catalog.row`), never ids; ids appear only at the
edges, in what a person or a file wrote and in what they are shown.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int32]
"""Catalogue rows, shape (n,)."""
Floats: TypeAlias = NDArray[np.float32]
Times: TypeAlias = NDArray[np.int64]  # seconds since 1970, UTC
Mask: TypeAlias = NDArray[np.bool_]

AttributeValue: TypeAlias = str | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recommended."""

    id: str
    title: str
    text: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction: a user met an item, valued it (1.0 where no value was given), at a time."""

    user: str
    item: str
    value: float = 1.0
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing somebody did, as a service takes it: what it is worth is the operator's to say."""

    id: str
    """Names it for good: the same id again is the same signal."""
    user: str
    item: str
    kind: str
    """"view", "like", "dislike", "rating"…: a row of `profile.signals.Weights`."""
    value: float = 0.0
    """Of a rating; other kinds have none."""
    timestamp: int = 0
    session: str = ""
    recommendation: str = ""
    """The list it answers, and the item's place in it from 1 (0: none)."""
    position: int = 0


UNDO = "undo"
"""The kind of signal that takes another one back: the one whose `undo_id` it has, else the last
one of that user on that item."""
UNDO_ID = re.compile(r"undo [0-9a-f]{40}")
"""What the ids of signals look like that take back one certain other (`undo_id`)."""


def undo_id(signal: str) -> str:
    """Return the id of the one signal that takes back the signal of an id, and no other."""
    return "undo " + hashlib.sha256(signal.encode("utf-8", "surrogatepass")).hexdigest()[:40]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What one person did, oldest first: three arrays of one length (n,)."""

    items: Rows
    values: Floats
    timestamps: Times

    def __len__(self) -> int:
        return len(self.items)

    def last(self, n: int) -> "History":
        """Return the latest `n` events."""
        if len(self) <= n:
            return self
        start = len(self) - n
        return History(self.items[start:], self.values[start:], self.timestamps[start:])

    def take(self, keep: NDArray[np.intp] | Mask) -> "History":
        """Return the events at positions (or under a mask) `keep`, in the order given."""
        return History(self.items[keep], self.values[keep], self.timestamps[keep])

    def then(self, later: "History") -> "History":
        """Return these events and `later` ones; those replace what was there of the same item."""
        if not len(later):
            return self
        before = self.take(~np.isin(self.items, later.items))
        return History(
            np.concatenate((before.items, later.items)),
            np.concatenate((before.values, later.values)),
            np.concatenate((before.timestamps, later.timestamps)),
        )


def history(
    items: "Rows | list[int]",
    values: "Floats | list[float] | None" = None,
    timestamps: "Times | list[int] | None" = None,
) -> History:
    """Build a `History` from plain lists; values default to 1, timestamps to 0, 1, 2, …"""
    rows = np.asarray(items, dtype=np.int32)
    worth = np.ones(len(rows)) if values is None else values
    times = np.arange(len(rows)) if timestamps is None else timestamps
    return History(rows, np.asarray(worth, np.float32), np.asarray(times, np.int64))


NO_HISTORY = history([])

Operator: TypeAlias = Literal["is", "is not", "at least", "at most", "any of", "none of"]


@dataclass(frozen=True, slots=True)
class Filter:
    """One wish about an attribute, e.g. ("year", "at least", 1990) or ("genres", "is", "Crime").

    A hard filter leaves out the items for which it is false and also those for which it is
    unknown; a soft one (`hard=False`) leaves out only the false ones.
    """

    attribute: str
    operator: Operator
    value: AttributeValue
    hard: bool = True


@dataclass(frozen=True, slots=True)
class Leaning:
    """A soft wish: an item that fulfils it scores `weight` more, or less below zero."""

    attribute: str
    operator: Operator
    value: AttributeValue
    weight: float = 1.0
    because: str = ""
    """Words for the reason, such as "with kids"; empty where the wish speaks for itself."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the person may turn: each between 0 (off) and 1."""

    diversity: float = 0.0
    novelty: float = 0.0
    explore: float = 0.0
    fair: float = 0.0


AS_IS = Controls()


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing somebody likes or dislikes, with the items it was read from."""

    text: str
    attribute: str
    value: AttributeValue
    likes: bool
    lift: float
    """Rate among this person's items over the rate among everything they could have met."""
    items: tuple[str, ...]
    """Ids of the items in the history that carry the value, most telling first."""


@dataclass(frozen=True, slots=True)
class Taste:
    """What someone likes and dislikes."""

    statements: tuple[Statement, ...] = ()
    text: str = ""
    """The statements as two or three plain sentences."""


@dataclass(frozen=True, slots=True)
class Query:
    """One request for a list."""

    user: str | None = None
    history: History = NO_HISTORY
    text: str = ""
    taste: Taste | None = None
    k: int = 10
    exclude: frozenset[int] = frozenset()
    """Catalogue rows never to be shown."""
    exclude_seen: bool = True
    filters: tuple[Filter, ...] = ()
    leanings: tuple[Leaning, ...] = ()
    vector: Floats | None = field(default=None, compare=False)
    """A preference in the encoder's space, (dimensions,), next to what the text says."""
    context: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, AttributeValue] = field(default_factory=dict)
    """What the user declared about themselves (age, group…); empty unless they gave it."""
    controls: Controls = AS_IS
    seed: int = 0
    """Of what is drawn: the same query with the same seed gives the same list."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One retrieved item: catalogue row, score, who found it at what rank (1 is the best)."""

    row: int
    score: float
    source: str
    rank: int
    parts: tuple[tuple[str, float], ...] = ()
    """What each retriever scored it, by name; filled for the ranker only."""
    propensity: float = 1.0
    """Chance of standing at its place, given what stands before it; 1 where nothing is drawn."""


EvidenceKind: TypeAlias = Literal[
    "liked item", "shared attribute", "neighbours", "popularity", "query", "context", "promotion",
    "new attribute", "contrast", "seen",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """One checkable fact: the claim can be recomputed from the data."""

    id: str
    kind: EvidenceKind
    item: str = ""
    """The liked item it is about (an id), where there is one."""
    title: str = ""
    attribute: str = ""
    value: AttributeValue = ""
    count: int = 0
    weight: float = 0.0
    """Share of the item's score that this evidence carries, where it is known."""
    because: str = ""
    """Of a leaning: what it came from, such as "with kids"; of words: how a value met them."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A few words bound to the evidence they rest on."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is shown: clauses, each bound to evidence by id."""

    clauses: tuple[Clause, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def text(self) -> str:
        """The clauses as one sentence."""
        if not self.clauses:
            return ""
        joined = "; ".join(clause.text for clause in self.clauses)
        return joined[0].upper() + joined[1:] + "."


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One line of a slate."""

    rank: int
    item: Item
    score: float
    sources: tuple[Candidate, ...] = ()
    reason: Reason = Reason()
    propensity: float = 1.0
    """Chance of standing at its place (`Candidate.propensity`)."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one stage of the path did: how many items came out, how long it took, what failed."""

    name: str
    size: int
    seconds: float
    tokens: int = 0
    error: str = ""
    note: str = ""
    """What the stage has to say that is no failure, such as why it did not ask the model."""


@dataclass(frozen=True, slots=True)
class Slate:
    """The ordered answer and its trace."""

    items: tuple[Recommendation, ...]
    trace: tuple[Step, ...] = ()
    unknown: int = 0
    """Items left out only because a hard filter could not be decided for them."""

    @property
    def degraded(self) -> tuple[str, ...]:
        """Stages that failed, as "name: error"; empty for a full answer."""
        return tuple(f"{step.name}: {step.error}" for step in self.trace if step.error)

    @property
    def ids(self) -> list[str]:
        """The item ids in order."""
        return [line.item.id for line in self.items]
