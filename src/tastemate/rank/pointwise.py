"""The model is asked about one item at a time: will this person like it, yes or no?

One call an item, all in one batch, and no place to favour; where the model tells label scores the
answer is how much likelier yes is than no (Zhuang et al. 2023), else it is read.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tastemate.llm import prompts
from tastemate.llm.person import Person
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel
from tastemate.rank.judged import ask, paid, payer, unread
from tastemate.types import Floats, Item

SURE = 30.0
"""Log-odds where only one of the two labels was reported."""
_SAID = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


class Pointwise:
    """Scores are log-odds of "yes" against "no"; 1 and -1 where the model only writes them."""

    name = "pointwise"

    def __init__(self, model: ChatModel, *, style: prompts.Style = prompts.PLAIN) -> None:
        self.model = model
        self.style = style

    def judge(
        self,
        people: Sequence[Person],
        pools: Sequence[Sequence[Item]],
        payers: Sequence[str] | None = None,
    ) -> list[Floats]:
        """Return how surely each item is liked; nan where a call failed or said neither."""
        labels = "labels" in self.model.abilities
        count = self.model.count
        asked = [
            paid(prompts.pointwise(people[at], item, self.style, count=count), payer(payers, at))
            for at, pool in enumerate(pools)
            for item in pool
        ]
        if not labels:
            asked = [written(prompt) for prompt in asked]
        answers = ask(self.model, asked)
        read = margin if labels else _said
        scores = np.array([read(answer) for answer in answers], dtype=np.float64)
        heard = np.array([not answer.error for answer in answers], dtype=bool)
        unread(int(np.isnan(scores[heard]).sum()), len(asked))
        ends = np.cumsum([len(pool) for pool in pools], dtype=np.intp)[:-1]
        return list(np.split(scores.astype(np.float32), ends)) if pools else []


def written(prompt: Prompt) -> Prompt:
    """Return a labels prompt as one whose answer is written out and read."""
    return replace(prompt, labels=(), generation=replace(prompt.generation, max_tokens=8))


def margin(answer: Completion) -> float:
    """Return the log-odds of the first of two labels, nan when neither was told."""
    if answer.error or len(answer.scores) != 2 or not np.isfinite(answer.scores).any():
        return float("nan")
    first, second = answer.scores
    if np.isfinite(answer.scores).all():
        return first - second
    return SURE if np.isfinite(first) else -SURE


def _said(answer: Completion) -> float:
    found = None if answer.error else _SAID.search(answer.text[:1000])
    if found is None:
        return float("nan")
    return 1.0 if found[1].lower() == "yes" else -1.0
