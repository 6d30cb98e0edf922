"""The shapes that come in, checked at the edge and told to OpenAPI (`told`: what goes out).

They are strict: a number in quotes, an unknown key, a NaN is an error with its field.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from tastemate.context import AXES, checked
from tastemate.errors import ConfigError
from tastemate.ids import LONGEST
from tastemate.ids import PRINTED as PRINTED
from tastemate.serve.told import Card as Card
from tastemate.serve.told import Told as Told
from tastemate.serve.told import Value as Value

SPACE = r" \t-\r\u00a0\u2000-\u200a\u3000"
"""Spaces one by one: what a backslash s is differs between those who read a pattern."""
SAYING = r"[^\s\x00-\x1f\x7f]"
"""Somewhere something that can be read."""
WISH = (
    rf"^[{SPACE}]*[^{SPACE}=<>!≥≤≠]([^=<>!≥≤≠]*[^{SPACE}=<>!≥≤≠])?"
    rf"([{SPACE}]*(>=|<=|!=|==|=|≥|≤|≠)[{SPACE}]*"
    rf"|[{SPACE}]+(not in|none of|any of|at least|at most|is not|is|in)[{SPACE}]+)"
    rf"[^{SPACE}=][\s\S]*$"
)
"""Attribute, sign, value: what `filters.parse` can read."""
WHOLE_TEXT = r"^[^\x00]*$"
MEANT = {
    PRINTED: "This must not be empty and hold no control character, such as a line break.",
    SAYING: "This says nothing: no letter, digit or sign that can be read.",
    WHOLE_TEXT: "This must not hold a NUL character.",
    WISH: "Write attribute, sign, value, such as year>=1990; signs are = != >= <= \u2265 \u2264, "
    "in, not in.",
}
"""What a pattern asks for, in words."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, pattern=PRINTED)]
Words = Annotated[str, StringConstraints(max_length=2000, pattern=WHOLE_TEXT)]
Name = Annotated[str, StringConstraints(max_length=64)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _whole(value: object) -> object:
    """Return 10.0 as 10: to JSON they are the same number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
Count = Annotated[int, Field(ge=1, le=100), WHOLE]
Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Time = Annotated[int, Field(ge=0, le=2**53), WHOLE]
Place = Annotated[int, Field(ge=0, le=1_000_000), WHOLE]
Kind = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PRINTED)]


Wish = Annotated[
    str,
    StringConstraints(max_length=500, pattern=WISH),
]
Wishes = Annotated[
    list[Wish],
    Field(max_length=32, description='Such as "year>=1990", "genres=Crime", "country in USA,UK".'),
]


class Given(BaseModel):
    """Something that comes in: strict, and without keys that nobody reads."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _moment(context: dict[str, str]) -> dict[str, str]:
    """Return a moment as its vocabulary spells it."""
    try:
        return checked(context)
    except ConfigError as error:
        raise PydanticCustomError("context", "{reason}", {"reason": str(error)}) from error


Context = Annotated[
    dict[Name, Name],
    AfterValidator(_moment),
    WithJsonSchema(
        {
            "type": "object",
            "description": "The moment, as far as it is known.",
            "properties": {axis: {"enum": list(values)} for axis, values in AXES.items()},
            "additionalProperties": False,
        }
    ),
]


class Happened(Given):
    """One thing that a visitor did and that need not be kept."""

    item_id: Id
    kind: Kind = "like"
    value: Number = 0.0
    timestamp: Time = 0


class Recommend(Given):
    """What list is asked for: for a user, for a conversation, or for what somebody just did."""

    user_id: Id | Literal[""] = ""
    session_id: Id | Literal[""] = ""
    events: Annotated[list[Happened], Field(max_length=1000)] = []
    k: Count = 10
    query: Words = ""
    filters: Wishes = []
    exclude_ids: Annotated[list[Id], Field(max_length=1000)] = []
    exclude_seen: bool = True
    diversity: Share = 0.0
    novelty: Share = 0.0
    fair: Share = 0.0
    explore: Share = 0.0
    explain: bool = True
    rerank: Literal["none", "model", "llm"] = "model"
    model: Annotated[Name, Field(description="A profile or one retriever; empty: as set.")] = ""
    budget_ms: Annotated[int, Field(ge=1, le=60_000), WHOLE] = 2_000
    cursor: Annotated[
        str, StringConstraints(max_length=400_000), Field(description="Of the page before.")
    ] = ""
    context: Context = {}


class Similar(Given):
    """Which items are asked for: those like one."""

    item_id: Id
    k: Count = 10


class SearchFor(Given):
    """What is searched for, and what must hold of it."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    k: Count = 10
    filters: Wishes = []


Attribute = (
    Annotated[str, StringConstraints(max_length=2000)]
    | Number
    | Annotated[list[Annotated[str, StringConstraints(max_length=2000)]], Field(max_length=200)]
)


class KnownItem(Given):
    """An item of the catalogue, by its id."""

    item_id: Id


class OwnItem(Given):
    """A new item, given whole, with its attributes beside it; it lives as long as the request."""

    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: dict[str, Attribute]

    id: Id
    title: Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=SAYING)]
    text: Annotated[str, StringConstraints(max_length=20_000)] = ""


class Rerank(Given):
    """Items of the caller's own, to be put in order for somebody."""

    user_id: Id | Literal[""] = ""
    events: Annotated[list[Happened], Field(max_length=1000)] = []
    items: Annotated[list[KnownItem | OwnItem], Field(min_length=1, max_length=1000)]
    query: Words = ""
    k: Count = 100


class Explain(Given):
    """Whose list, and which item."""

    user_id: Id
    item_id: Id


class Compare(Given):
    """Two or three items to be held against one's taste."""

    user_id: Id
    item_ids: Annotated[list[Id], Field(min_length=2, max_length=3)]


Held = Annotated[str, StringConstraints(max_length=500, pattern=WHOLE_TEXT)]
Size = Annotated[float, Field(ge=-(2**53), le=2**53), AfterValidator(_whole)]
Stated = Annotated[str, StringConstraints(max_length=2000)]


class NewItem(Given):
    """An item of the catalogue; every other key is an attribute of it."""

    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: dict[
        str, Stated | Size | Annotated[list[Stated | Size | None], Field(max_length=200)] | None
    ]

    id: Id
    title: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    text: Annotated[str, StringConstraints(max_length=20_000)] = ""


class NewItems(Given):
    """Items to be added; each is judged by itself."""

    items: Annotated[
        list[Any],
        Field(
            min_length=1,
            max_length=1000,
            description="Objects with id and title; text, and any other key, is an attribute.",
        ),
    ]


class NewEvent(Given):
    """Something that somebody did; its id makes it the same one if it comes again."""

    event_id: Id | Literal[""] = ""
    user_id: Id
    item_id: Id
    kind: Kind
    value: Number = 0.0
    timestamp: Time | None = None
    session_id: Id | Literal[""] = ""
    recommendation_id: Id | Literal[""] = ""
    position: Place = 0


class NewEvents(Given):
    """What happened; each line is judged by itself."""

    events: Annotated[
        list[Any],
        Field(
            min_length=1,
            max_length=10_000,
            description="Objects with user_id, item_id, kind; and event_id, value, timestamp, "
            "session_id, recommendation_id, position where there are any.",
        ),
    ]


class Feedback(Given):
    """One word on one item."""

    user_id: Id
    item_id: Id
    kind: Kind
    value: Number = 0.0
    session_id: Id | Literal[""] = ""
    recommendation_id: Id | Literal[""] = ""
    position: Place = 0


class Complaint(Given):
    """What somebody holds against a list or an item."""

    user_id: Id | Literal[""] = ""
    recommendation_id: Id | Literal[""] = ""
    item_id: Id | Literal[""] = ""
    kind: Literal["unfair", "wrong", "harmful", "other"]
    text: Words = ""


class TasteEdit(Given):
    """What is to be said of a taste from now on."""

    attribute: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PRINTED)]
    value: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PRINTED)]
    likes: bool | Literal["never"]


class About(Given):
    """What somebody declares about themselves."""

    attributes: Annotated[
        dict[
            Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PRINTED)],
            Held | Size | Annotated[list[Held], Field(max_length=100)],
        ],
        Field(max_length=50, json_schema_extra={"additionalProperties": False}),
    ] = {}
