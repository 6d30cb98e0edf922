"""The shapes of conversations that go in and out, for OpenAPI; `talking` and `forms` make them."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tastemate.serve.schemas import SAYING, WHOLE, Given, Id
from tastemate.serve.talking import LONGEST
from tastemate.serve.told import Card, Told, Value

SESSION = r"^[A-Za-z0-9._~-]{1,64}$"
"""An id of a conversation."""


class Begin(Given):
    """Who talks, and the id a conversation shall have; both may be left out."""

    user_id: Id | Literal[""] = ""
    session_id: Annotated[str, StringConstraints(pattern=SESSION)] = ""


class Message(Given):
    """What somebody says."""

    message: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, pattern=SAYING)]


class Verdict(Given):
    """What somebody thinks of the item at a place, from 1, of the list shown last."""

    place: Annotated[int, Field(ge=1, le=1000), WHOLE]
    kind: Literal["liked", "disliked", "seen"]


class Begun(Told):
    """A conversation by its id; the user is empty where nobody said who talks."""

    session_id: str
    user_id: str


class Kept(Begun):
    """A conversation and when it was last written, in seconds since 1970, UTC."""

    at: int


class KeptAll(Told):
    """A user's conversations, the one written last first."""

    sessions: list[Kept]


class Asked(Told):
    """A question asked back; without a text there is none. Each option answers it."""

    text: str
    attribute: str
    options: list[str]


class Belief(Told):
    """One line of what is believed; `DELETE …/chips/{number}` takes it back."""

    number: int
    text: str


class Chip(Belief):
    """A wish that is held; a firm one is a filter."""

    attribute: str
    operator: str
    value: Value | list[int | float]
    firm: bool
    turn: int
    message: str


class Offer(Told):
    """A wish that could be given up, how many items would then fit, and the best of them."""

    text: str
    items: int
    example: str


class Answer(Begun):
    """A whole reply."""

    turns: int
    message: str
    reply: str
    state: str
    recommendation_id: str
    model_version: str
    items: list[Card]
    question: Asked
    relaxations: list[Offer]
    beliefs: list[Belief]
    chips: list[Chip]
    degraded: list[str]
    unknown: int
    took_ms: float


class Turned(Told):
    """One turn as it was kept; its message is empty where nothing was said."""

    message: str
    reply: str
    items: list[Card]
    question: Asked
    relaxations: list[Offer]
    at: int


class Conversed(Begun):
    """A whole conversation."""

    turns: list[Turned]
    beliefs: list[Belief]
    chips: list[Chip]


class Remembered(Told):
    """The items whose likes and dislikes are the user's own now."""

    session_id: str
    item_ids: list[str]
