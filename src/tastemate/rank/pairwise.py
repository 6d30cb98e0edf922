"""The model compares two items at a time, and a sort decides which two (Qin et al. 2024).

Every pair is asked in both orders and the answers averaged, so that a liking for the first place
cancels. The sort is an insertion into the best `top` so far, which starts from the retriever's
order: an item is first compared with the last of them (most stay behind it), then by halving. No
pair is asked that follows from earlier answers. The sorts of all pools advance together, one
comparison each a round, so that a round is one call.
"""

import re
from collections.abc import Generator, Sequence

import numpy as np

from tastemate.errors import ConfigError
from tastemate.llm import prompts
from tastemate.llm.person import Person
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel
from tastemate.rank.judged import ask, paid, payer, silence, unread
from tastemate.rank.pointwise import margin, written
from tastemate.types import Floats, Item

Sort = Generator[tuple[int, int], float, list[int]]
"""Yields pairs (earlier, later), is sent how much better the later one is, returns an order."""

_SAID = re.compile(r"\b([AB])\b")


class Pairwise:
    """Scores are places after sorting the best `top` of a pool to the front.

    At most `comparisons` pairs a pool, two prompts each. Items that were never compared, because
    these ran out or a call failed, get no opinion. Raises `ConfigError` for options out of range.
    """

    name = "pairwise"

    def __init__(
        self,
        model: ChatModel,
        *,
        top: int = 10,
        comparisons: int = 60,
        style: prompts.Style = prompts.PLAIN,
    ) -> None:
        if top < 1 or comparisons < 1:
            raise ConfigError(f"top is {top}, comparisons {comparisons}; each must be at least 1.")
        self.model = model
        self.top = top
        self.comparisons = comparisons
        self.style = style

    def judge(
        self,
        people: Sequence[Person],
        pools: Sequence[Sequence[Item]],
        payers: Sequence[str] | None = None,
    ) -> list[Floats]:
        """Return minus the place of each compared item; nan where nothing was compared."""
        judged = [silence(len(pool)) for pool in pools]
        sorts = {
            at: insertion(len(pool), self.top, self.comparisons) for at, pool in enumerate(pools)
        }
        answers: dict[int, float] = {}
        while sorts:
            pairs: dict[int, tuple[int, int]] = {}
            for at, sort in list(sorts.items()):
                try:
                    pairs[at] = sort.send(answers[at]) if at in answers else next(sort)
                except StopIteration as done:
                    order = done.value
                    if len(order) > 1:
                        judged[at][order] = -np.arange(len(order), dtype=np.float32)
                    del sorts[at]
            answers = self._compare(people, pools, pairs, payers)
        return judged

    def _compare(
        self,
        people: Sequence[Person],
        pools: Sequence[Sequence[Item]],
        pairs: dict[int, tuple[int, int]],
        payers: Sequence[str] | None,
    ) -> dict[int, float]:
        """Return how much better the later item of each pair is, asked in both orders."""
        asked: list[Prompt] = []
        for at, (earlier, later) in pairs.items():
            one, other = pools[at][earlier], pools[at][later]
            for first, second in ((one, other), (other, one)):
                prompt = prompts.pairwise(
                    people[at], first, second, self.style, count=self.model.count
                )
                asked.append(paid(prompt, payer(payers, at)))
        labels = "labels" in self.model.abilities
        if not labels:
            asked = [written(prompt) for prompt in asked]
        answers = ask(self.model, asked)
        first_better = [margin(answer) if labels else _said(answer) for answer in answers]
        missed = sum(
            bool(np.isnan(value)) and not answer.error
            for value, answer in zip(first_better, answers, strict=True)
        )
        unread(missed, len(asked))
        return {
            at: (first_better[2 * n + 1] - first_better[2 * n]) / 2 for n, at in enumerate(pairs)
        }


def insertion(n: int, top: int, comparisons: int) -> Sort:
    """Sort positions 0..n-1 so that the best `top` lead, in at most so many comparisons.

    The order returned holds what was compared; it ends early when an answer is nan. A draw
    leaves the earlier one in front.
    """
    best: list[int] = [0] if n else []
    behind: list[int] = []
    left = comparisons
    for item in range(1, n):
        low, high = 0, len(best)
        at = high - 1
        while low < high and left > 0:
            left -= 1
            better = yield best[at], item
            if np.isnan(better):
                return [*best, *behind]
            low, high = (low, at) if better > 0 else (at + 1, high)
            at = (low + high) // 2
        if low < high:  # no comparison left: what is known of it is not enough
            return [*best, *behind]
        best.insert(low, item)
        if len(best) > top:
            # One that was among the best is above what fell behind it; a new one is only below
            # the best, so it stays behind those that came before it.
            behind.insert(len(behind) if low == top else 0, best.pop())
    return [*best, *behind]


def _said(answer: Completion) -> float:
    """Return 1 where a written answer names the first, -1 the second, nan neither."""
    found = None if answer.error else _SAID.search(answer.text[:1000])
    if found is None:
        return float("nan")
    return 1.0 if found[1] == "A" else -1.0
