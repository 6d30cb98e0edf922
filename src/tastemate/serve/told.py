"""The shapes that go out, as OpenAPI is told of them; answers are built as plain dicts."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Value = str | int | float | list[str]


class Told(BaseModel):
    """Something that goes out."""

    model_config = ConfigDict(extra="forbid")


class Source(Told):
    """Who found an item, at what score and rank."""

    name: str
    score: float
    rank: int


class Fact(Told):
    """Something that a reason rests on."""

    id: str
    kind: str
    item_id: str
    title: str
    attribute: str
    value: Value
    count: int


class Clause(Told):
    """A few words, with the ids of what they rest on."""

    text: str
    evidence: list[str]


class Why(Told):
    """Why an item is shown."""

    text: str
    clauses: list[Clause]
    evidence: list[Fact]


class Card(Told):
    """One line of a list."""

    rank: int
    item_id: str
    title: str
    text: str
    attributes: dict[str, Value]
    score: float
    sources: list[Source]
    propensity: float
    reason: Why


class Arm(Told):
    """The side of an experiment that answered."""

    id: str
    arm: str


class Listed(Told):
    """A list, and how it came about."""

    recommendation_id: str
    took_ms: float
    model_version: str
    experiments: list[Arm]
    degraded: list[str]
    fallback: str
    unknown: int
    cursor: str
    user_id: str
    items: list[Card]


class Brief(Told):
    """One item that was found."""

    rank: int
    item_id: str
    title: str
    text: str
    attributes: dict[str, Value]
    score: float


class Found(Told):
    """Items that were found."""

    took_ms: float
    model_version: str
    degraded: list[str]
    items: list[Brief]


class OwnRanked(Told):
    """One of the caller's items in its place."""

    rank: int
    item_id: str
    title: str
    score: float
    known: bool


class Reranked(Told):
    """The caller's items in order."""

    took_ms: float
    model_version: str
    fallback: str
    degraded: list[str]
    items: list[OwnRanked]


class Explained(Told):
    """Where an item stands for somebody, and why; what they have `seen` is left out of lists."""

    user_id: str
    model_version: str
    seen: bool
    item: Card


class Titled(Told):
    """An item by name."""

    item_id: str
    title: str


class TasteLine(Told):
    """Something somebody likes or dislikes."""

    attribute: str
    value: Value
    likes: bool
    text: str
    lift: float
    items: list[Titled]
    source: Literal["history", "said"]


class Edited(Told):
    """Something somebody said of their own taste."""

    attribute: str
    value: str
    likes: bool | Literal["never"]


class Taste(Told):
    """What is known of somebody's taste, and what they said of it."""

    user_id: str
    text: str
    statements: list[TasteLine]
    edits: list[Edited]


class ComparedItem(Told):
    """One of the items that are compared."""

    item_id: str
    title: str
    score: float
    fits: list[str]
    clashes: list[str]
    own: dict[str, list[str]]
    reason: Why


class Compared(Told):
    """Items side by side, and which suits better."""

    user_id: str
    best: str
    verdict: str
    text: str
    shared: dict[str, list[str]]
    evidence: list[str]
    items: list[ComparedItem]


class ItemShown(Told):
    """One item."""

    item_id: str
    title: str
    text: str
    attributes: dict[str, Value]


class Items(Told):
    """A page of items; `next` is the `after` of the next one, empty at the end."""

    items: list[ItemShown]
    total: int
    next: str


class Rejected(Told):
    """A line that was turned away; lines count from 1."""

    line: int
    field: str
    reason: str


class ItemsAdded(Told):
    """What became of the items."""

    added: list[str]
    replaced: list[str]
    rejected: list[Rejected]


class ValueCount(Told):
    """A value and how many items have it."""

    value: str
    count: int


class AttributeShown(Told):
    """What one can filter by; `low` and `high` are there for numbers."""

    name: str
    kind: Literal["list", "number", "text"]
    values: list[ValueCount]
    low: float = 0.0
    high: float = 0.0


class Attributes(Told):
    """Everything one can filter by."""

    attributes: list[AttributeShown]


class Project(Told):
    """What is served."""

    name: str
    noun: str
    items: int
    users: int
    events: int
    profile: str
    model_version: str
    llm: str
    signals: dict[str, float]


class Accepted(Told):
    """What became of the events."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


class FeedbackTaken(Told):
    """One word, kept; its id takes it back."""

    event_id: str
    accepted: int
    undo: bool


class ComplaintTaken(Told):
    """A complaint, kept."""

    complaint_id: str


class UserShown(Told):
    """What is known of a user, in short."""

    user_id: str
    known: bool
    attributes: dict[str, Any]
    events: int


class Users(Told):
    """A page of users; `next` is the `after` of the next one, empty at the end."""

    users: list[str]
    next: str


class Did(Told):
    """One thing somebody did; the kind "data" is what came with the data."""

    event_id: str
    kind: str
    item_id: str
    title: str
    value: float
    timestamp: int


class Past(Told):
    """What somebody did, the latest first."""

    user_id: str
    total: int
    events: list[Did]


class Erased(Told):
    """How many rows of each table are gone, and what else happens."""

    erased: dict[str, int]
    job_id: str
    note: str


class Forgotten(Told):
    """How many rows of each table are gone; the user stays."""

    user_id: str
    forgotten: dict[str, int]


class Alive(Told):
    """The server runs."""

    live: bool


class Ready(Told):
    """The server answers lists."""

    ready: bool
    model_version: str
    store: str
    trouble: str
