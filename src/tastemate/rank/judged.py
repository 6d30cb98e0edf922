"""What a model thinks of a pool, as numbers: the seam between asking a model and ranking by it.

A judge gives one score an item; how scores become a permutation, and how much they count against
the retriever's, is `rank.mix`. So each way of asking is one small class, and all of them share
the same mixing, the same fallbacks and the same tests.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from tastemate import scope
from tastemate.llm.person import Person
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel
from tastemate.types import Floats, Item


@runtime_checkable
class Judge(Protocol):
    """Scores the items of pools for people, by asking a model."""

    @property
    def name(self) -> str:
        """The name in the trace and in the tables of `build.py`."""
        ...

    def judge(
        self,
        people: Sequence[Person],
        pools: Sequence[Sequence[Item]],
        payers: Sequence[str] | None = None,
    ) -> list[Floats]:
        """Return one score an item for each pool, higher is better, nan is no opinion.

        `payers` are the users whose budgets pay, one a pool. What failed is recorded in the
        scope; nothing raises because a model failed.
        """
        ...


def ask(model: ChatModel, prompts: Sequence[Prompt]) -> list[Completion]:
    """Return one completion a prompt, all asked in one call; failures go to the scope's errors."""
    if not prompts:
        return []
    answers = model.complete(prompts)
    failed = [answer for answer in answers if answer.error]
    if failed:
        calls = "the call" if len(answers) == 1 else f"{len(failed)} of {len(answers)} calls"
        scope.current().fail(f"{calls} to {model.name} failed: {failed[0].error}")
    return answers


def unread(count: int, of: int) -> None:
    """Record that replies came which say nothing of what was asked."""
    if count:
        scope.current().fail(f"{count} of {of} replies could not be read")


def payer(payers: Sequence[str] | None, at: int) -> str:
    """Return who pays for the pool at a position, empty where nobody is named."""
    return payers[at] if payers else ""


def paid(prompt: Prompt, user: str) -> Prompt:
    """Return a prompt that a user's budget pays for."""
    return replace(prompt, user=user) if user else prompt


def silence(n: int) -> Floats:
    """Return no opinion on n items, shape (n,)."""
    return np.full(n, np.nan, dtype=np.float32)
