"""Items that fit a taste in words: the taste is the query, and the catalogue is searched for it.

The second of three ways to put a language model before a recommender (Wu et al. 2023, "A survey on
large language models for recommendation"): its words are the input of a plain recommender. The
words may as well come from the attribute taste, so that it works offline.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tastemate.errors import ConfigError
from tastemate.retrieve.search import Search
from tastemate.text.words import terms
from tastemate.types import Floats, Query, Taste

if TYPE_CHECKING:
    from tastemate.protocols import Encoder, Profiler

_SENTENCE = re.compile(r"(?<=[.!?])\s+")


class Worded(Search):
    """Score = search for what is liked - `dislike` x search for what is disliked.

    The taste of a query is its own, else what `profiler` reads from its history; without either
    there is no opinion. What is asked for now (`query.text`) is not read: that is `search`'s.
    """

    name = "worded"

    def __init__(
        self,
        *,
        encoder: "Encoder",
        profiler: "Profiler | None" = None,
        words: float = 1.0,
        meaning: float = 0.8,
        dislike: float = 0.3,
        chars: int = 1000,
    ) -> None:
        if dislike < 0:
            raise ConfigError(f"dislike must not be negative, not {dislike}.")
        super().__init__(encoder=encoder, words=words, meaning=meaning, title=0.0, chars=chars)
        self.profiler = profiler
        self.dislike = dislike

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return how well each item fits each taste; a row of -inf without one."""
        said = [spoken(taste) for taste in self.tastes(queries)]
        found = self.score_texts([likes for likes, _ in said])
        if self.dislike:
            against = self.score_texts([dislikes for _, dislikes in said])
            found -= np.float32(self.dislike) * np.where(np.isfinite(against), against, 0.0)
        return np.asarray(found, dtype=np.float32)

    def tastes(self, queries: Sequence[Query]) -> list[Taste]:
        """Return the taste of each query, read from its history where it brings none."""
        known = [query.taste or Taste() for query in queries]
        missing = [at for at, query in enumerate(queries) if query.taste is None]
        if self.profiler is not None and missing:
            read = self.profiler.taste([queries[at].history for at in missing])
            for at, taste in zip(missing, read, strict=True):
                known[at] = taste
        return known


def spoken(taste: Taste) -> tuple[str, str]:
    """Return what a taste likes and what it dislikes, each as words to search for.

    Sentences that name something disliked are left out of the first: an embedding does not hear
    the "no" in them.
    """
    liked = [str(one.value) for one in taste.statements if one.likes]
    disliked = [str(one.value) for one in taste.statements if not one.likes]
    avoided = [f" {' '.join(terms(value))} " for value in disliked if terms(value)]
    sentences = [
        sentence
        for sentence in _SENTENCE.split(taste.text)
        if not any(value in f" {' '.join(terms(sentence))} " for value in avoided)
    ]
    return " ".join(sentences).strip() or ", ".join(liked), ", ".join(disliked)
