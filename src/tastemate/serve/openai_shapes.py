"""The shapes of the OpenAI protocol that go in and out, for OpenAPI; `openai_api` makes them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tastemate import ids
from tastemate.serve.told import Card, Told

MOST_MESSAGES = 1_000


class Part(BaseModel):
    """A part of a message; only text is understood."""

    type: str
    text: Annotated[str, StringConstraints(max_length=100_000)] = ""


class ChatMessage(BaseModel):
    """One message; what a system or a tool says is no wish of the person's and is left out."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: (
        Annotated[str, StringConstraints(max_length=100_000)]
        | Annotated[list[Part], Field(max_length=100)]
        | None
    ) = None


class StreamOptions(BaseModel):
    """What else is streamed."""

    include_usage: bool | None = None


class Completions(BaseModel):
    """A request of the protocol; what concerns the sampling of a model has no effect."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    user: (
        Annotated[str, StringConstraints(max_length=ids.LONGEST, pattern=ids.PRINTED_OR_NONE)]
        | None
    ) = ""
    n: Annotated[int, Field(ge=1, le=1)] | None = 1


class ErrorTold(BaseModel):
    """What is wrong, as the protocol says it."""

    message: str
    type: str
    param: str
    code: str


class OpenAIError(BaseModel):
    """An error of the protocol."""

    error: ErrorTold


class Model(Told):
    """A model of the protocol."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(Told):
    """The models there are."""

    object: Literal["list"]
    data: list[Model]


class Said(Told):
    """What was answered."""

    role: Literal["assistant"]
    content: str


class Choice(Told):
    """An answer; there is one."""

    index: int
    message: Said
    finish_reason: Literal["stop"]


class Usage(Told):
    """What the protocol counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Listed(Told):
    """What the protocol has no place for: the list, and what it lacks."""

    recommendation_id: str
    items: list[Card]
    degraded: list[str]


class Completion(Told):
    """An answer in one piece."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    tastemate: Listed
