"""One forward pass ranks a whole list: the scores of letters as the first token (LlamaRec).

Yue et al. (2023), "LlamaRec": candidates stand under letters, the model is asked for the letter of
the next item, and the log-probabilities of the letters are the scores; nothing is generated. It
works with any model that tells them, fine-tuned or not.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tastemate import scope
from tastemate.errors import ConfigError
from tastemate.llm import prompts
from tastemate.llm.person import Person
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel
from tastemate.rank.judged import ask, paid, payer, silence, unread
from tastemate.rank.permute import balanced, merge_scores
from tastemate.types import Floats, Item


class LabelScores:
    """Scores are log-probabilities of letters, freed of the favour of places when asked twice.

    `size` candidates a prompt, at most 26 (20 is what servers that report the top 20 tokens can
    tell); a deeper pool goes in chunks that share `overlap` items, which puts them on one scale.
    `permutations` orders of each chunk, 1 to 4; `recent` titles of the history, at most the 20 a
    `Person` has. A model without label scores gives no opinion. Raises `ConfigError` for options
    out of range.
    """

    name = "labels"

    def __init__(
        self,
        model: ChatModel,
        *,
        size: int = 20,
        overlap: int = 4,
        permutations: int = 1,
        recent: int = prompts.RECENT,
        style: prompts.Style = prompts.PLAIN,
    ) -> None:
        if not 2 <= size <= len(prompts.LETTERS):
            raise ConfigError(f"size is {size}; it must be 2 to {len(prompts.LETTERS)}.")
        if not 1 <= overlap < size:
            raise ConfigError(f"overlap is {overlap}; it must be 1 to {size - 1}, less than size.")
        if not 1 <= permutations <= 4:
            raise ConfigError(f"permutations is {permutations}; it must be 1 to 4.")
        if recent < 0:
            raise ConfigError(f"recent is {recent}; it must be at least 0.")
        self.model = model
        self.size = size
        self.overlap = overlap
        self.permutations = permutations
        self.recent = recent
        self.style = style

    def judge(
        self,
        people: Sequence[Person],
        pools: Sequence[Sequence[Item]],
        payers: Sequence[str] | None = None,
    ) -> list[Floats]:
        """Return the worth of each item on a scale of log-probabilities; nan is no opinion."""
        if "labels" not in self.model.abilities:
            if any(len(pool) > 1 for pool in pools):
                scope.current().fail(
                    f"{self.name}: {self.model.name} tells no label scores; "
                    "use the listwise ranker, or a model that does"
                )
            return [silence(len(pool)) for pool in pools]
        ways = [self._ways(len(pool)) for pool in pools]
        asked = [
            paid(self._prompt(people[at], [pool[i] for i in way]), payer(payers, at))
            for at, pool in enumerate(pools)
            for way in ways[at]
        ]
        answers = iter(ask(self.model, asked))
        judged, missed = [], 0
        for pool, shown in zip(pools, ways, strict=True):
            heard = [next(answers) for _ in shown]
            scores = [_by_place(answer, len(way)) for answer, way in zip(heard, shown, strict=True)]
            missed += sum(
                not answer.error and not np.isfinite(values).any()
                for answer, values in zip(heard, scores, strict=True)
            )
            judged.append(merge_scores(len(pool), shown, scores).astype(np.float32))
        unread(missed, len(asked))
        return judged

    def _prompt(self, person: Person, items: Sequence[Item]) -> Prompt:
        count = self.model.count
        return prompts.letters(person, items, self.style, recent=self.recent, count=count)

    def _ways(self, n: int) -> list[list[int]]:
        """Return the items of each prompt, by place: chunks that overlap, each in several orders.

        Chunks are spread evenly, so that the last one is as long as the others.
        """
        if n < 2:
            return []
        count = max(-(-(n - self.overlap) // (self.size - self.overlap)), 1)
        span = min(self.size, n)
        starts = np.linspace(0, n - span, count).round().astype(int).tolist()
        return [
            [start + i for i in way]
            for start in starts
            for way in balanced(span, self.permutations)
        ]


def _by_place(answer: Completion, n: int) -> NDArray[np.float64]:
    """Return the log-probability of each letter, all nan for a failed call.

    A letter a server did not report is no likelier than the least likely one it did.
    """
    scores = np.asarray(answer.scores, dtype=np.float64)
    if answer.error or len(scores) != n or not np.isfinite(scores).any():
        return np.full(n, np.nan)
    told = np.isfinite(scores)
    return np.where(told, scores, scores[told].min())
