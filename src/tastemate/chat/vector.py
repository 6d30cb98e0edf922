"""The preference vector of a conversation: p(t+1) = α p(t) + (1-α) f(q, r).

q is what a message says and r what it says about the items shown or named; f is where both point
in the encoder's space. The vector is a pure function of the turns: what is taken back leaves it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import Beliefs, Sign
from tastemate.errors import ConfigError
from tastemate.protocols import Encoder
from tastemate.types import Floats


@dataclass(frozen=True, slots=True)
class Rates:
    """α of each kind of signal: the share of the old vector that stays, 0 to 1."""

    like: float = 0.9
    dislike: float = 0.95
    wish: float = 0.9
    text: float = 0.8
    picked: float = 0.95
    about: float = 0.98

    def __post_init__(self) -> None:
        for one in fields(self):
            if not 0 <= getattr(self, one.name) <= 1:
                raise ConfigError(
                    f"{one.name} in [chat.rates] is {getattr(self, one.name)}; "
                    "it must lie between 0 and 1."
                )


AS_SAID = Rates()
SOFT = 0.5
"""What a wish that is not firm weighs against a firm one."""
_KEPT = 4096
"""Encoded texts kept: a conversation says the same again each turn."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One thing said, in the order it was said: a kind of `Rates`, an item's id or words."""

    turn: int
    kind: str
    what: str
    weight: float
    """Below zero for what is to be kept away from."""


def pulls(believed: Beliefs) -> list[Pull]:
    """Return what is in force as signals, oldest first; within a turn, likes last."""
    return sorted(_pulls(believed), key=lambda one: one.turn)


def _pulls(believed: Beliefs) -> Iterator[Pull]:
    items: tuple[tuple[str, Mapping[str, Sign], float], ...] = (
        ("about", believed.about, 1.0),
        ("picked", believed.picked, 1.0),
        ("dislike", believed.disliked, -1.0),
        ("dislike", believed.unlike, -1.0),
        ("like", believed.similar, 1.0),
        ("like", believed.liked, 1.0),
    )
    for text in believed.texts:
        yield Pull(text.turn, "text", text.text, 1.0)
    for held in believed.wishes:
        value = held.wish.value
        if isinstance(value, str | tuple):  # numbers point nowhere in a space of texts
            words = value if isinstance(value, str) else ", ".join(value)
            weight = (-1.0 if held.wish.away else 1.0) * (1.0 if held.wish.firm else SOFT)
            yield Pull(held.turn, "wish", words, weight)
    for kind, signs, sense in items:
        for item, sign in signs.items():
            yield Pull(sign.turn, kind, item, sense * sign.weight)


class Preference:
    """Vectors of preference in the space of an encoder.

    `vectors` are the items', (items, dimensions), made by the encoder; `catalog` names their rows.
    """

    def __init__(
        self, catalog: Catalog, vectors: Floats, encoder: Encoder, rates: Rates = AS_SAID
    ) -> None:
        self.catalog = catalog
        self.vectors = vectors
        self.encoder = encoder
        self.rates = rates
        self._middle: Floats = (
            vectors.mean(axis=0) if len(vectors) else np.zeros(encoder.dimensions, np.float32)
        )
        self._encoded: Callable[[str], Floats] = lru_cache(_KEPT)(self._encode)

    def of(self, believed: Beliefs) -> Floats:
        """Return the vector of length 1, (dimensions,); zero where nothing points anywhere.

        Dislikes alone point nowhere: what lies opposite is what nobody would ask for.
        """
        vector = np.zeros(self.encoder.dimensions, dtype=np.float32)
        said = pulls(believed)
        if not any(pull.weight > 0 for pull in said):
            return vector
        for pull in said:
            pointing = self._pointing(pull)
            if pointing is not None:
                step = (1.0 - getattr(self.rates, pull.kind)) * abs(pull.weight)
                toward = pointing if pull.weight > 0 else -pointing
                vector = np.asarray((1.0 - step) * vector + step * toward, dtype=np.float32)
        return _unit(vector)

    def _pointing(self, pull: Pull) -> Floats | None:
        """Return where a signal points; None for nowhere.

        Vectors of items share a large part that tells none from another: it is taken off.
        """
        if pull.kind in ("text", "wish"):
            return self._encoded(pull.what)
        if pull.what not in self.catalog or self.catalog.row(pull.what) >= len(self.vectors):
            return None
        vector = self.vectors[self.catalog.row(pull.what)]
        return _unit(vector - self._middle) if vector.any() else None

    def _encode(self, text: str) -> Floats:
        return np.asarray(self.encoder.encode([text])[0], dtype=np.float32)


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    if not length > 1e-9:
        return np.zeros_like(vector)
    return np.asarray(vector / length, dtype=np.float32)
