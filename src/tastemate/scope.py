"""What one answer may use, and what it used: seconds left, tokens, money, what stages said.

The path opens a scope for each answer; model calls inside it end when its time is up, and charge
it. It is a context variable, so that a deadline reaches a call without passing through every
signature, and two threads do not see each other's.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from tastemate.errors import ConfigError, TastemateError
from tastemate.messages import Completion
from tastemate.types import Step

T = TypeVar("T")


@dataclass(slots=True)
class Scope:
    """The account of one answer."""

    deadline: float = math.inf
    """On the clock of `time.monotonic`."""
    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    notes: list[str] = field(default_factory=list)
    """What a stage has to say that is no failure."""
    errors: list[str] = field(default_factory=list)
    """Failures that a stage got over without raising; they make the answer a degraded one."""
    user: str = ""
    """Whose budget pays for calls that name nobody."""
    tell: Callable[[str, float], None] | None = None
    """Hears what is being done and the share finished; those within hear it, too."""

    def left(self) -> float:
        """Return the seconds left, 0 when the time is up, infinite without a deadline."""
        return max(self.deadline - time.monotonic(), 0.0)

    def charge(self, completion: Completion) -> None:
        """Add what one completion used."""
        self.calls += 1
        if not completion.cached:
            self.tokens += completion.tokens
            self.cost += completion.cost

    def note(self, text: str) -> None:
        """Say something that is no failure."""
        self.notes.append(text)

    def fail(self, text: str) -> None:
        """Record a failure that was got over."""
        self.errors.append(text)


_CURRENT: ContextVar[Scope | None] = ContextVar("tastemate_scope", default=None)


def current() -> Scope:
    """Return the open scope; outside of one, an unlimited one that nobody reads."""
    return _CURRENT.get() or Scope()


@contextmanager
def opened(seconds: float | None = None, user: str = "") -> Iterator[Scope]:
    """Open a scope of so many seconds (None: no limit); never past that of an outer one.

    When it closes, the outer one is charged with what it used and told what it was told.
    """
    outer = _CURRENT.get()
    end = math.inf if seconds is None else time.monotonic() + seconds
    around = current()
    scope = Scope(min(around.deadline, end), user=user or around.user, tell=around.tell)
    token = _CURRENT.set(scope)
    try:
        yield scope
    finally:
        _CURRENT.reset(token)
        if outer is not None:
            outer.calls += scope.calls
            outer.tokens += scope.tokens
            outer.cost += scope.cost
            outer.notes += scope.notes
            outer.errors += scope.errors


@dataclass(slots=True)
class Trace:
    """Collects the steps of one batch, with what the open scope was charged and told meanwhile."""

    steps: list[Step] = field(default_factory=list)
    strict: bool = False
    """Whether an error is raised instead: a figure or an explanation has no lesser form."""

    def run(self, name: str, stage: Callable[[], T], otherwise: T, size: Callable[[T], int]) -> T:
        """Run a stage; on an error of ours, record it and go on with `otherwise`."""
        scope, start = current(), time.perf_counter()
        before, errors, notes = scope.tokens, len(scope.errors), len(scope.notes)
        failures: list[str] = []
        try:
            result = stage()
        except ConfigError:
            raise  # what the caller asked for is wrong: they must hear it, not get a lesser list
        except TastemateError as failure:
            if self.strict:
                raise
            result = otherwise
            failures.append(str(failure))
        self.steps.append(
            Step(
                name,
                size(result),
                time.perf_counter() - start,
                scope.tokens - before,
                "; ".join(dict.fromkeys(scope.errors[errors:] + failures)),
                "; ".join(dict.fromkeys(scope.notes[notes:])),
            )
        )
        return result
