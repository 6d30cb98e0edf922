"""Asks again what failed for a passing reason, with growing, jittered pauses."""

import random
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.wrappers.around import TRIES, Around, failure, lost, plain, streamed, summed
from tastemate.messages import Completion, Fault, Prompt
from tastemate.protocols import ChatModel

PASSING: frozenset[Fault] = frozenset(("busy", "server", "unreachable"))
"""Faults that another try may get over."""


class Retrying(Around):
    """Tries up to `attempts` times; only the prompts of a batch that failed are asked again.

    The n-th pause is `base`·2^(n-1) seconds, at most `cap`, shortened at random by up to half; a
    server's Retry-After is kept to. What would have to wait longer than `longest`, or than
    the open scope has left, is given up at once with the failure that came last.
    """

    def __init__(
        self,
        inner: ChatModel,
        *,
        attempts: int = 3,
        base: float = 0.5,
        cap: float = 8.0,
        longest: float = 60.0,
        seed: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if attempts < 1:
            raise ConfigError(f"attempts is {attempts}; it must be at least 1.")
        if min(base, cap, longest) < 0:
            raise ConfigError("base, cap and longest are seconds; none may be negative.")
        super().__init__(inner)
        self.attempts = attempts
        self.base, self.cap, self.longest = base, cap, longest
        self._random = random.Random(seed)
        self._sleep = sleep

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return the last completion of each prompt, with the tokens of all its tries."""
        answers = self._ask(prompts)
        for tried in range(1, self.attempts):
            pauses = {at: self._pause(tried, answer) for at, answer in enumerate(answers)}
            again = [at for at, pause in pauses.items() if pause is not None]
            if not again:
                break
            tries = TRIES.get()
            if tries is not None:
                tries[:] = enumerate(answers)
            self._sleep(max(pauses[at] or 0.0 for at in again))
            more = self._ask([prompts[at] for at in again])
            for at, answer in zip(again, more, strict=True):
                answers[at] = _last(answers[at], answer)
        return answers

    def stream(self, prompt: Prompt) -> Generator[str, None, Completion]:
        """Yield the reply; start again only while no piece has come."""
        before: Unavailable | None = None
        for tried in range(1, self.attempts + 1):
            started = False
            pieces = streamed(self.inner, prompt)
            try:
                while True:
                    piece = next(pieces)
                    started = True
                    yield piece
            except StopIteration as end:
                whole: Completion = end.value
                return whole
            except Unavailable as error:
                if before is not None and failure(error).fault == "unsent":
                    raise before from error
                before, pause = error, self._pause(tried, failure(error))
                if started or tried == self.attempts or pause is None:
                    raise
                self._sleep(pause)
            finally:
                pieces.close()
        raise AssertionError("unreachable: the last try returns or raises")

    def _ask(self, prompts: Sequence[Prompt]) -> list[Completion]:
        answers = self.inner.complete(prompts)
        return [lost(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]

    def _pause(self, tried: int, answer: Completion) -> float | None:
        """Return the seconds to wait before another try; None where there is to be none."""
        if answer.fault not in PASSING:
            return None
        grown = min(self.cap, self.base * 2.0 ** min(tried - 1, 30))
        pause = max(answer.wait, grown * self._random.uniform(0.5, 1.0))
        # `not <` and so on: a server may have sent NaN
        return pause if pause <= self.longest and pause < scope.current().left() else None


def _last(before: Completion, answer: Completion) -> Completion:
    """Return the outcome of two tries, the first of which failed: the second, or what it hides.

    A try that was never sent says nothing; one that ran out of time says too little.
    """
    if answer.fault == "unsent":
        return before
    both = summed(before, answer)
    if answer.fault != "timeout":
        return both
    return replace(both, error=plain(f"{both.error} The try before failed: {before.error}"))
