"""Features without a model: what an item's text is nearest to, and what it says itself.

A value's score is the cosine of the item's text and the value (the mean of its name's and its
gloss's vectors), less the item's mean over all values of the feature, plus `SAID` where the text
holds the name. A value is given from its threshold on; those of the bundled vocabulary were chosen
on half of some labelled films (`calibration`). Yin et al. 2019, "Benchmarking zero-shot text
classification", score labels in the same way.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tastemate.catalog import Catalog
from tastemate.features.reading import Kind, Reading
from tastemate.features.vocabulary import Feature, Vocabulary, own_text, said_in, spoken
from tastemate.text.encoder import MiniLM, name_of, unit
from tastemate.text.words import STOP_WORDS, stem, words
from tastemate.traits import split_year
from tastemate.types import Floats, Item

if TYPE_CHECKING:
    from tastemate.protocols import Encoder

SAID = 0.2
"""What the value's own name in the text adds to the cosine."""
CHARS = 600
"""Characters of a text that are read."""
_METHOD = "zero-shot/1"


class ZeroShot:
    """Reads by an encoder; with one that knows no meanings, by the words that stand in the text.

    The thresholds belong to MiniLM: hashed words are never compared with them, and the reader
    then says "words" for itself. `rarity` weighs the keywords (`word_rarity`); without it there
    are none.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        encoder: "Encoder",
        *,
        rarity: Mapping[str, float] | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.encoder = encoder
        self.rarity = rarity or {}
        meanings = name_of(encoder) == MiniLM.name
        self.kind: Kind = "zero-shot" if meanings else "words"
        self.name = f"{name_of(encoder)} zero-shot" if meanings else "words of the text"
        bars = [(one.name, one.threshold, sorted(one.thresholds.items())) for one in _named(self)]
        mark = hashlib.sha256(repr(bars).encode()).hexdigest()[:4]
        self.version = f"{_METHOD} {vocabulary.digest}-{mark}"
        self._glosses: dict[str, Floats] = {}
        self._words: dict[str, Floats] = {}

    def read(self, items: Sequence[Item]) -> list[Reading]:
        """Return one reading an item, in order; nothing is ever dropped."""
        if not items:
            return []
        texts = [read_text(item) for item in items]
        heard = [spoken(text) for text in texts]
        vectors = self.encoder.encode(texts) if self.kind == "zero-shot" else None
        given: list[dict[str, tuple[str, ...]]] = [{} for _ in items]
        for feature in self.vocabulary.features:
            if not feature.values:
                for at, (values, item) in enumerate(zip(given, items, strict=True)):
                    vector = None if vectors is None else vectors[at]
                    values[feature.name] = self._keywords(item, vector, feature.most)
                continue
            said = spoken_values(feature, heard)
            lead = said.astype(np.float32) - 0.5
            if vectors is not None:
                lead = self.scores(feature, vectors, said) - bars(feature)
                lead[~vectors.any(axis=1)] = -np.inf
            for values, line in zip(given, lead, strict=True):
                values[feature.name] = _best(feature, line)
        return [Reading(values) for values in given]

    def expect(self, item: Item) -> tuple[int, int]:
        """Return (0, 0): no model is asked."""
        del item
        return 0, 0

    def scores(self, feature: Feature, vectors: Floats, said: Floats) -> Floats:
        """Return how well each value of a feature fits each vector, (items, values).

        `said` (items, values) is 1 where the text holds the value's name.
        """
        if feature.name not in self._glosses:
            self._glosses[feature.name] = unit(
                self.encoder.encode(list(feature.values))
                + self.encoder.encode(list(feature.values.values()))
            )
        near = vectors @ self._glosses[feature.name].T
        near = near - near.mean(axis=1, keepdims=True)
        return np.asarray(near + SAID * said, dtype=np.float32)

    def _keywords(self, item: Item, vector: Floats | None, most: int) -> tuple[str, ...]:
        """Return words of the text that some other item uses too: rare ones, names left out.

        Of three times as many as are wanted, those nearest in meaning to the whole are taken.
        """
        title = set(words(item.title))
        counts = Counter(
            word
            for written in item.text[: 4 * CHARS].split()
            if written[:1].islower()
            for word in words(written)
            if len(word) > 3 and word not in STOP_WORDS and word not in title
        )
        weights = {word: n * self.rarity.get(stem(word), 0.0) for word, n in counts.items()}
        order = sorted((word for word in weights if weights[word] > 0), key=lambda w: -weights[w])
        if vector is None:
            return tuple(order[:most])
        near = self._meanings(order[: 3 * most]) @ vector
        return tuple(order[at] for at in np.argsort(-near, kind="stable")[:most])

    def _meanings(self, found: Sequence[str]) -> Floats:
        """Return the vectors of single words, each encoded once."""
        new = [word for word in found if word not in self._words]
        self._words.update(zip(new, self.encoder.encode(new), strict=True))
        return np.array([self._words[word] for word in found], dtype=np.float32).reshape(
            len(found), self.encoder.dimensions
        )


def _named(reader: ZeroShot) -> list[Feature]:
    return [feature for feature in reader.vocabulary.features if feature.values]


def read_text(item: Item) -> str:
    """Return what is read of an item: title and text; its attributes where it has no text."""
    name = split_year(item.title)[0]
    if item.text.strip():
        return f"{name}. {item.text}"[:CHARS]
    return own_text(item)[:CHARS]


def spoken_values(feature: Feature, heard: Sequence[str]) -> Floats:
    """Return 1 where a text (see `spoken`) holds a value or another spelling of it."""
    names = [(value, *feature.also.get(value, ())) for value in feature.values]
    return np.array(
        [[any(said_in(name, text) for name in spellings) for spellings in names] for text in heard],
        dtype=np.float32,
    ).reshape(len(heard), len(names))


def bars(feature: Feature) -> Floats:
    """Return the threshold of each value, (values,)."""
    return np.array([feature.least(value) for value in feature.values], dtype=np.float32)


def word_rarity(catalog: Catalog) -> dict[str, float]:
    """Return the inverse document frequency of each stem that 2 items to a twentieth hold."""
    having: Counter[str] = Counter()
    for text in catalog.frame["text"].to_list():
        having.update({stem(word) for word in words(text[: 4 * CHARS])})
    often = max(len(catalog) / 20, 3)
    return {
        word: float(np.log((1 + len(catalog)) / (1 + count)))
        for word, count in having.items()
        if 2 <= count <= often
    }


def _best(feature: Feature, lead: Floats) -> tuple[str, ...]:
    values = list(feature.values)
    order = np.argsort(-lead, kind="stable")[: feature.most]
    return tuple(values[at] for at in order if lead[at] >= 0)
