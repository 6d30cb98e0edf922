"""A chat model around a chat model: delegates everything, so that a wrapper says only what it adds.

Streams carry more than their pieces: a stream may return a `Completion` as the value of its
generator, with what the server reported. `streamed` reads it, or makes one by an estimate.
"""

import json
import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import replace

from tastemate.errors import TastemateError, Unavailable
from tastemate.llm.tokens import estimate
from tastemate.messages import Completion, Fault, Prompt
from tastemate.protocols import Ability, ChatModel

TURN = 4
"""Tokens that a turn of a conversation costs besides its text."""
SAID = 500
"""Characters of an error that are passed on."""
TRIES: ContextVar[list[tuple[int, Completion]] | None] = ContextVar("tastemate_tries", default=None)
"""What tries before the one under way used, by the place of their prompt in the batch: kept by a
deadline, which has to know it when it leaves the call behind."""


class Failed(Unavailable):
    """A stream that failed; `completion` says how, as `complete` would have."""

    def __init__(self, completion: Completion) -> None:
        super().__init__(completion.error)
        self.completion = completion


class Around:
    """Delegates to the model inside."""

    def __init__(self, inner: ChatModel) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        """The name of the model inside."""
        return self.inner.name

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the model inside can do."""
        return self.inner.abilities

    @property
    def version(self) -> str:
        """What changes the replies of the model inside besides its name; empty for nothing."""
        return str(getattr(self.inner, "version", ""))

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return one completion a prompt, in order."""
        return self.inner.complete(prompts)

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Yield the reply in pieces; raise `Unavailable` when it fails."""
        return self.inner.stream(prompt)

    def count(self, text: str) -> int:
        """Count the tokens of a text as the model inside does."""
        return self.inner.count(text)

    def left(self, user: str = "") -> float:
        """Return how many tokens may still be used now; infinite where nothing limits them."""
        asked = getattr(self.inner, "left", None)
        return math.inf if asked is None else float(asked(user))

    def close(self) -> None:
        """Give back what this and the models inside hold: files, connections, processes."""
        inner_close = getattr(self.inner, "close", None)
        if inner_close is not None:
            inner_close()


def failed(
    model: str, fault: Fault, error: str, *, wait: float = 0.0, seconds: float = 0.0
) -> Completion:
    """Return the value of a failure."""
    return Completion(model=model, error=error, fault=fault, wait=wait, seconds=seconds)


def plain(error: str) -> str:
    """Return the error of a model as one line that any terminal can show, cut to `SAID`."""
    if len(error) <= SAID and error.isprintable():
        return error
    line = "".join(mark if mark.isprintable() else " " for mark in error[: 4 * SAID])
    line = " ".join(line.split())
    return line if len(line) <= SAID else f"{line[: SAID - 2]} …"


def failure(error: TastemateError) -> Completion:
    """Return what a failed stream says of itself; "unreachable" where it says nothing."""
    completion = getattr(error, "completion", None)
    if isinstance(completion, Completion):
        return completion
    return Completion(error=plain(str(error)), fault=getattr(error, "fault", "") or "unreachable")


def summed(first: Completion, second: Completion) -> Completion:
    """Return the second of two tries, with what both used."""
    return replace(
        second,
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        completion_tokens=first.completion_tokens + second.completion_tokens,
        cost=first.cost + second.cost,
        seconds=first.seconds + second.seconds,
    )


def size(prompt: Prompt) -> int:
    """Estimate the tokens that a prompt costs, its schema included, rather too many."""
    turns = sum(estimate(turn.text) + TURN for turn in prompt.messages)
    schema = "" if prompt.schema is None else json.dumps(prompt.schema, default=str)
    return turns + estimate(schema)


def lost(prompt: Prompt, answer: Completion) -> Completion:
    """Return an answer with all that it may have used, where it came too late to say.

    A model that was sent a prompt may have read all of it and written as much as was asked for.
    """
    if answer.fault != "timeout" or answer.tokens:
        return answer
    reply = 1 if prompt.labels else max(prompt.generation.max_tokens, 0)
    return replace(answer, prompt_tokens=size(prompt), completion_tokens=reply)


def streamed(model: ChatModel, prompt: Prompt) -> Generator[str, None, Completion]:
    """Yield the pieces of a reply and return it whole; closing closes the stream inside."""
    start = time.monotonic()
    source = model.stream(prompt)
    pieces: list[str] = []
    told: object = None
    try:
        while True:
            try:
                piece = next(source)
            except StopIteration as end:
                told = end.value
                break
            pieces.append(piece)
            yield piece
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()
    if isinstance(told, Completion):
        return told
    text = "".join(pieces)
    return Completion(
        text=text,
        prompt_tokens=size(prompt),
        completion_tokens=estimate(text),
        seconds=time.monotonic() - start,
        model=model.name,
    )
