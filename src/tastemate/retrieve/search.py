"""Free text to items: the words that are there, and the meaning of those that are not.

Words find names and titles, which embeddings blur; embeddings find "a robbery" for "heist". The
score is a weighted sum of three parts, each at most 1, so that no query needs its own tuning.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.dense import Dense
from tastemate.retrieve.factors import neighbours
from tastemate.text.described import row_hashes, stale_rows
from tastemate.text.encoder import name_of
from tastemate.text.words import Bm25, asked, bm25, terms
from tastemate.traits import split_year
from tastemate.types import Candidate, Floats, Item, Query, Rows

if TYPE_CHECKING:
    from tastemate.protocols import Encoder

CHUNK = 512
_BM25 = ("terms", "k1", "matrix", "idf")
"""What is kept of each of the two word indexes."""
LONGEST_QUERY = 2000
"""Characters of a query that are read."""


class Search(Dense):
    """Score = `words` x BM25 + `meaning` x cosine + `title` x likeness of the title.

    BM25 counts a term of the title `title_weight` times, one of an attribute `attribute_weight`
    times, one of the text once (BM25F), and is divided by the most the query could reach.
    Likeness is the share of term weight that query and title have in common (Jaccard), squared,
    so that whole titles count and single words hardly. A preference vector, where the query has
    one, adds `vector` x cosine. `chars` bounds what the encoder reads.
    """

    name = "search"

    def __init__(
        self,
        *,
        encoder: "Encoder",
        words: float = 1.0,
        meaning: float = 0.8,
        title: float = 2.0,
        vector: float = 0.4,
        title_weight: float = 3.0,
        attribute_weight: float = 2.0,
        chars: int = 1000,
    ) -> None:
        if min(words, meaning, title, vector, title_weight, attribute_weight) < 0:
            raise ConfigError("The weights of search must not be negative.")
        if chars < 1:
            raise ConfigError(f"chars must be at least 1, not {chars}.")
        self.encoder = encoder
        self.words = words
        self.meaning = meaning
        self.title = title
        self.vector = vector
        self.title_weight = title_weight
        self.attribute_weight = attribute_weight
        self.chars = chars
        self._vectors: Floats | None = None
        self._index: Bm25 | None = None
        self._titles: Bm25 | None = None
        self._title_mass: Floats = np.zeros(0, dtype=np.float32)
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._encoded = 0

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Encode and count the words of the catalogue; interactions are not read."""
        del interactions
        self._vectors = self._encode(catalog, np.arange(len(catalog), dtype=np.int32))
        self._hashes = row_hashes(catalog)
        self._count(catalog)
        return self

    def _encode(self, catalog: Catalog, which: Rows) -> Floats:
        encoder = self.encoder
        texts = [catalog.describe(row)[: self.chars] for row in which]
        vectors = np.zeros((len(texts), encoder.dimensions), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for at in range(0, len(order), CHUNK):
            rows = order[at : at + CHUNK]
            vectors[rows] = encoder.encode([texts[row] for row in rows])
        return vectors

    def _count(self, catalog: Catalog) -> None:
        """Count words, of all items again when some are stale, so that rarities stay right."""
        self._index = bm25(self._fields(item) for item in catalog)
        names = [terms(split_year(title)[0]) for title in catalog.titles]
        # Every term of a title counts once and weighs its rarity among titles.
        self._titles = bm25((dict.fromkeys(name, 1.0) for name in names), k1=0.0)
        codes, idf = self._titles.vocabulary, self._titles.idf
        self._title_mass = np.array(
            [sum(float(idf[codes[term]]) for term in set(name)) for name in names], np.float32
        )

    def _fields(self, item: Item) -> Mapping[str, float]:
        counts: defaultdict[str, float] = defaultdict(float)
        for term in terms(item.title):
            counts[term] += self.title_weight
        for value in item.attributes.values():
            for part in value if isinstance(value, tuple) else (str(value),):
                for term in terms(part):
                    counts[term] += self.attribute_weight
        for term in terms(item.text):
            counts[term] += 1.0
        return counts

    def save(self, folder: Path) -> None:
        """Write the item vectors and the word weights."""
        if self._vectors is None or self._index is None or self._titles is None:
            raise NotFitted("Search is not fitted; call fit() or load() first.")
        meta: dict[str, Any] = {"encoder": name_of(self.encoder)}
        arrays: dict[str, Any] = {
            "vectors": self._vectors,
            "title_mass": self._title_mass,
            "hashes": self._hashes,
        }
        for name, part in (("index", self._index), ("titles", self._titles)):
            meta |= {f"{name}_terms": list(part.vocabulary), f"{name}_k1": part.k1}
            arrays |= {f"{name}_matrix": part.matrix, f"{name}_idf": part.idf}
        self._write(folder, len(self._vectors), meta, arrays)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore; rows that are new, or say something else by now, are encoded now.

        Raises `ConfigError` when the encoder is not the one it was fitted with.
        """
        parts = [f"{part}_{name}" for part in ("index", "titles") for name in _BM25]
        by_item = ("vectors", "title_mass", "hashes")
        meta, arrays = self._read(folder, len(catalog), ["encoder", *parts], by_item)
        vectors: Floats = arrays["vectors"]
        encoder = self.encoder
        if name_of(encoder) != meta["encoder"] or encoder.dimensions != vectors.shape[1]:
            raise ConfigError(
                f"The items in {folder} were encoded by {meta['encoder']!r}, and queries would be "
                f"by {name_of(encoder)!r}. Fit again, or give the encoder it was fitted with."
            )
        self._hashes = row_hashes(catalog)
        stale = stale_rows(self._hashes, arrays["hashes"])
        self._encoded = len(stale)
        if len(stale):
            self._vectors = np.zeros((len(catalog), encoder.dimensions), dtype=np.float32)
            self._vectors[: len(vectors)] = vectors
            self._vectors[stale] = self._encode(catalog, stale)
            self._count(catalog)
            return self
        self._vectors, self._title_mass = vectors, arrays["title_mass"]
        self._index, self._titles = (
            Bm25(
                {term: code for code, term in enumerate(meta[f"{part}_terms"])},
                arrays[f"{part}_matrix"],
                arrays[f"{part}_idf"],
                meta[f"{part}_k1"],
            )
            for part in ("index", "titles")
        )
        return self

    def encoded(self) -> int:
        """Return how many items `load` had to encode, new or saying something else by now."""
        return self._encoded

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return how well each item fits each query's text and vector; -inf without either.

        Raises `ConfigError` for one of
        another encoder.
        """
        found = self.score_texts([query.text for query in queries])
        for query, row in zip(queries, found, strict=True):
            if query.vector is not None and query.vector.any():
                near = self.vector * self._nearness(query.vector)
                row[:] = np.where(np.isfinite(row), row, 0.0) + near
        return found

    def _nearness(self, vector: Floats) -> Floats:
        """Return the cosine of every item with a unit vector, (items,)."""
        if vector.shape != self.vectors.shape[1:]:
            raise ConfigError(
                f"The query's vector has {vector.size} numbers, an item's {self.vectors.shape[1]}. "
                "Make it with the encoder the items were encoded with."
            )
        return np.asarray(self.vectors @ vector, dtype=np.float32)

    @property
    def vectors(self) -> Floats:
        """The item vectors, (items, dimensions); raises `NotFitted`."""
        if self._vectors is None:
            raise NotFitted("Search is not fitted; call fit() or load() first.")
        return self._vectors

    def score_texts(self, texts: Sequence[str]) -> Floats:
        """Return (texts, items); a row of -inf for a text without a word."""
        if self._vectors is None or self._index is None:
            raise NotFitted("Search is not fitted; call fit() or load() first.")
        texts = [text[:LONGEST_QUERY] for text in texts]
        found = np.full((len(texts), len(self._vectors)), -np.inf, dtype=np.float32)
        used = [row for row, text in enumerate(texts) if terms(text)]
        if not used or not len(self._vectors):
            return found
        kept = [texts[row] for row in used]
        total = self.words * self._index.scores([asked(text) for text in kept])
        if self.meaning:
            near = self.encoder.encode(kept) @ self._vectors.T
            total = total + self.meaning * np.asarray(near, dtype=np.float32)
        if self.title:
            total = total + self.title * self._title_likeness(kept)
        found[used] = total
        return found

    def _title_likeness(self, texts: Sequence[str]) -> Floats:
        """Return the likeness of each title, from all the words or the ones that tell."""
        names = [split_year(text)[0] for text in texts]
        # "It" is a title, and in "something like Heat" only the last word is one.
        return np.maximum(
            self._overlap([terms(name) for name in names]),
            self._overlap([asked(name) for name in names]),
        )

    def _overlap(self, lines: Sequence[Sequence[str]]) -> Floats:
        """Return the weight of shared terms over that of all terms of both, squared."""
        if self._titles is None:
            raise NotFitted("Search is not fitted; call fit() or load() first.")
        once = [list(dict.fromkeys(line)) for line in lines]
        mass = self._titles.mass(once)[:, None]
        shared = self._titles.scores(once) * mass
        either = mass + self._title_mass[None, :] - shared
        return np.asarray((shared / np.maximum(either, 1e-9)) ** 2, dtype=np.float32)

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return the items whose description means the same: cosine of the embeddings."""
        if self._vectors is None:
            raise NotFitted("Search is not fitted; call fit() or load() first.")
        known = np.asarray(self._vectors.any(axis=1), dtype=np.bool_)
        return neighbours(self._vectors, known, items, n, self.name)
