"""Stops asking a model that keeps failing, and looks now and then whether it is back."""

import threading
import time
from collections.abc import Callable, Generator, Sequence

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.wrappers.around import Around, Failed, failed, failure, streamed
from tastemate.messages import Completion, Fault, Prompt
from tastemate.protocols import ChatModel

DOWN: frozenset[Fault] = frozenset(("timeout", "server", "unreachable", "busy"))
"""Faults that speak against the model, not against what was asked."""
UNASKED: frozenset[Fault] = frozenset(("budget", "paused", "unsent"))
"""Faults of prompts that never reached the model: they say nothing about it."""
FULL = 0.8
"""Share of its patience that a call must have had for its silence to count."""


class Breaker(Around):
    """Closed, it lets calls through; after `failures` of them in a row went down, it is open.

    Open, every call is the fault "paused" at once. After `seconds` one single prompt is let
    through: its answer closes the breaker, its failure opens it for as long again.

    The prompts of one `complete` are one call: it succeeded if any of them did. A call that timed
    out counts only if it had about `patience` seconds, and not less because its answer was due.
    """

    def __init__(
        self,
        inner: ChatModel,
        *,
        failures: int = 5,
        seconds: float = 30.0,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if failures < 1:
            raise ConfigError(f"failures is {failures}; it must be at least 1.")
        if not seconds > 0:
            raise ConfigError(f"seconds is {seconds}; a pause must be above 0.")
        if not patience >= 0:
            raise ConfigError(f"patience is {patience}; it must be at least 0 seconds.")
        super().__init__(inner)
        self.failures = failures
        self.seconds = seconds
        self.patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._row = 0
        self._until = 0.0
        self._open = False
        self._probing = False

    @property
    def state(self) -> str:
        """Say how it stands: "closed", "open" or "half-open"."""
        with self._lock:
            if not self._open:
                return "closed"
            return "half-open" if self._probing or self._clock() >= self._until else "open"

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return the answers, or the fault "paused" for what is not asked."""
        # with no time left nothing is asked, and that says nothing about the model
        if not prompts or scope.current().left() <= 0:
            return self.inner.complete(prompts)
        answers: list[Completion] = []
        admitted, probe = self._admit()
        if probe:
            answers = self._ask(prompts[:1], probe=True)
            admitted = self.state == "closed"
        rest = prompts[len(answers) :]
        if not rest:
            return answers
        return answers + (self._ask(rest) if admitted else [self._paused() for _ in rest])

    def stream(self, prompt: Prompt) -> Generator[str, None, Completion]:
        """Yield the reply; raise `Unavailable` at once while the breaker is open."""
        admitted, probe = self._admit()
        if not admitted and not probe:
            raise Failed(self._paused())
        full = self._full()
        outcome: Completion | None = None
        try:
            outcome = yield from streamed(self.inner, prompt)
        except Unavailable as error:
            outcome = failure(error)
            raise
        finally:
            # a reader who goes away in the middle had an answer that was coming
            self._settle([outcome or Completion()], probe=probe, full=full)
        return outcome

    def _ask(self, prompts: Sequence[Prompt], *, probe: bool = False) -> list[Completion]:
        full = self._full()
        answers: list[Completion] = []
        try:
            answers = self.inner.complete(prompts)
        finally:
            self._settle(answers, probe=probe, full=full)
        return answers

    def _full(self) -> bool:
        """Say whether a call made now has the time that a model of its kind is given."""
        return scope.current().left() >= FULL * self.patience

    def _admit(self) -> tuple[bool, bool]:
        """Return whether a call may go through, and whether only one may, as the probe."""
        with self._lock:
            if not self._open:
                return True, False
            if self._probing or self._clock() < self._until:
                return False, False
            self._probing = True
            return False, True

    def _settle(self, answers: Sequence[Completion], *, probe: bool, full: bool) -> None:
        asked = [answer.fault for answer in answers if answer.fault not in UNASKED]
        down = bool(asked) and DOWN.issuperset(asked)
        with self._lock:
            if probe:
                self._probing = False
                if down or not answers:
                    self._until = self._clock() + self.seconds
                    return
                if not asked:  # it never went out: the next call probes
                    return
                self._open, self._row = False, 0
            # a straggler from before it opened, or nothing that speaks for or against the model
            if self._open or not asked or (down and not full and set(asked) == {"timeout"}):
                return
            self._row = self._row + 1 if down else 0
            if self._row >= self.failures:
                self._open, self._until = True, self._clock() + self.seconds

    def _paused(self) -> Completion:
        with self._lock:
            wait = max(self._until - self._clock(), 0.0)
        text = f"{self.name} failed {self.failures} times in a row; asked again in {wait:.0f} s."
        return failed(self.name, "paused", text, wait=wait)
