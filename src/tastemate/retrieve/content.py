"""Items like those somebody liked, by what is written about them: no other person is needed.

Serves the first likes of a new user and items that nobody has met yet.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.retrieve.dense import Dense, candidates
from tastemate.text.described import row_hashes, stale_rows
from tastemate.text.encoder import name_of, unit
from tastemate.types import Candidate, Floats, History, Mask, Query, Rows

if TYPE_CHECKING:
    from tastemate.protocols import Encoder

CHUNK = 512
_EVENTS = 4096
"""Events of a history whose shares are computed at once."""


class Content(Dense):
    """Cosine between an item and the weighted mean of a history's items.

    An item is two blocks side by side: its description's embedding, less the catalogue's mean,
    and its attribute values weighted by rarity (TF-IDF); `attributes` is the second one's share
    of the squared length. A liked event weighs 1, a neutral one `neutral`, a disliked one
    -`dislike`; weights halve every `half_life` events back. `chars` bounds what is read of a
    description, which bounds the time to encode.
    """

    name = "content"

    def __init__(
        self,
        *,
        encoder: "Encoder",
        attributes: float = 0.3,
        neutral: float = 0.3,
        dislike: float = 0.2,
        half_life: float = 50.0,
        chars: int = 1000,
    ) -> None:
        if not 0 <= attributes <= 1:
            raise ConfigError(f"attributes must be between 0 and 1, not {attributes}.")
        if half_life <= 0 or chars < 1 or neutral < 0 or dislike < 0:
            raise ConfigError(
                "half_life and chars must be above 0; neutral and dislike must not be negative."
            )
        self.encoder = encoder
        self.attributes = attributes
        self.neutral = neutral
        self.dislike = dislike
        self.half_life = half_life
        self.chars = chars
        self._scale = Scale(0.0, 1.0)
        self._text: Floats | None = None
        self._kinds: sparse.csr_matrix | None = None
        self._mean: Floats = np.zeros(0, dtype=np.float32)
        self._blank: Mask = np.zeros(0, dtype=np.bool_)
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._encoded = 0
        self._vocabulary: dict[str, dict[str, float]] = {}

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Encode the catalogue; of the interactions only the scale of the values is read."""
        self._scale = interactions.scale
        rows = np.arange(len(catalog), dtype=np.int32)
        raw = self._encode(catalog, rows)
        written = np.asarray(raw.any(axis=1))
        self._mean = (
            raw[written].mean(axis=0) if written.sum() > 1 else np.zeros(raw.shape[1], np.float32)
        ).astype(np.float32)
        self._vocabulary = _vocabulary(catalog)
        self._keep(*self._joined(raw, self._indicators(catalog, rows)))
        self._hashes = row_hashes(catalog)
        return self

    def _keep(self, text: Floats, kinds: sparse.csr_matrix) -> None:
        self._text, self._kinds = text, kinds
        self._blank = np.asarray(~text.any(axis=1) & (np.diff(kinds.indptr) == 0), dtype=np.bool_)

    def _encode(self, catalog: Catalog, which: Rows) -> Floats:
        """Return the embeddings of some rows, zero where nothing is written."""
        vectors = np.zeros((len(which), self.encoder.dimensions), dtype=np.float32)
        texts = [catalog.describe(row)[: self.chars] for row in which]
        # Neighbours in length share a chunk, so that the encoder pads little.
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for at in range(0, len(order), CHUNK):
            rows = order[at : at + CHUNK]
            vectors[rows] = self.encoder.encode([texts[row] for row in rows])
        return vectors

    def _indicators(self, catalog: Catalog, which: Rows) -> sparse.csr_matrix:
        """Return the attribute block of some rows, each of length 1 or 0."""
        blocks = []
        for attribute, idf in self._vocabulary.items():
            known = attribute in catalog.attributes and not catalog.is_numeric(attribute)
            shape = (len(which), len(idf))
            if not known or not idf:
                blocks.append(_zeros(*shape))
                continue
            found = catalog.incidence(attribute)
            column = [found.codes.get(value, -1) for value in idf]
            # One column of zeros stands for values the grown catalogue has lost.
            blank = _zeros(len(catalog), 1)
            wide = sparse.csc_matrix(sparse.hstack([found.matrix, blank]))
            weights = sparse.diags_array(np.array(list(idf.values()), dtype=np.float32))
            blocks.append(sparse.csr_matrix(sparse.csr_matrix(wide[:, column])[which] @ weights))
        if not blocks:
            return _zeros(len(which), 0)
        joined = sparse.csr_matrix(sparse.hstack(blocks), dtype=np.float32)
        lengths = np.sqrt(np.asarray(joined.multiply(joined).sum(axis=1)).ravel())
        shrink = sparse.diags_array(1 / np.maximum(lengths, 1e-12))
        return sparse.csr_matrix(shrink @ joined, dtype=np.float32)

    def _joined(self, raw: Floats, kinds: sparse.csr_matrix) -> tuple[Floats, sparse.csr_matrix]:
        """Weigh both blocks so that a whole item has length 1, whichever block it lacks."""
        written = np.asarray(raw.any(axis=1))
        text = unit(np.where(written[:, None], raw - self._mean, 0.0).astype(np.float32))
        text *= np.float32(np.sqrt(1 - self.attributes))
        kinds = sparse.csr_matrix(kinds * np.float32(np.sqrt(self.attributes)))
        squares = (text**2).sum(axis=1) + np.asarray(kinds.multiply(kinds).sum(axis=1)).ravel()
        scale = np.where(squares > 0, 1 / np.sqrt(np.maximum(squares, 1e-12)), 0.0)
        scale = scale.astype(np.float32)
        return text * scale[:, None], sparse.csr_matrix(sparse.diags_array(scale) @ kinds)

    def save(self, folder: Path) -> None:
        """Write the item vectors, float32, and the values of the attributes."""
        text, kinds = self._fitted()
        meta = {
            "encoder": name_of(self.encoder),
            "low": self._scale.low,
            "high": self._scale.high,
            "vocabulary": self._vocabulary,
        }
        arrays = {"text": text, "kinds": kinds, "mean": self._mean, "hashes": self._hashes}
        self._write(folder, len(text), meta, arrays)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore; rows that are new, or say something else by now, are encoded now.

        Raises `ConfigError` when there are such rows and the encoder is another one.
        """
        need = ("encoder", "low", "high", "vocabulary", "mean", "hashes")
        meta, arrays = self._read(folder, len(catalog), need, ("text", "kinds"))
        self._scale = Scale(meta["low"], meta["high"])
        self._vocabulary = meta["vocabulary"]
        self._mean = arrays["mean"]
        text, kinds = arrays["text"], arrays["kinds"]
        self._hashes = row_hashes(catalog)
        stale = stale_rows(self._hashes, arrays["hashes"])
        self._encoded = len(stale)
        if len(stale):
            _same_encoder(self.encoder, meta["encoder"], len(self._mean), folder)
            fresh = self._joined(self._encode(catalog, stale), self._indicators(catalog, stale))
            source = np.arange(len(catalog))
            source[stale] = len(text) + np.arange(len(stale))
            text = np.concatenate([text, fresh[0]])[source]
            kinds = sparse.csr_matrix(sparse.csr_matrix(sparse.vstack([kinds, fresh[1]]))[source])
        self._keep(text, kinds)
        return self

    def encoded(self) -> int:
        """Return how many items `load` had to encode, new or saying something else by now."""
        return self._encoded

    def _fitted(self) -> tuple[Floats, sparse.csr_matrix]:
        if self._text is None or self._kinds is None:
            raise NotFitted("The content retriever is not fitted; call fit() or load() first.")
        return self._text, self._kinds

    @property
    def vectors(self) -> Floats:
        """The text block as unit rows, (items, dimensions); zero where nothing is written."""
        return unit(self._fitted()[0])

    def _weights(self, history: History) -> Floats:
        """Return the signed, decayed weight of each event."""
        signs = np.full(len(history), self.neutral, dtype=np.float32)
        signs[self._scale.dislikes(history.values)] = -self.dislike
        signs[self._scale.likes(history.values)] = 1.0
        back = np.arange(len(history) - 1, -1, -1, dtype=np.float32)
        return np.asarray(signs * np.exp2(-back / np.float32(self.half_life)), np.float32)

    def people(self, queries: Sequence[Query]) -> Floats:
        """Return each history as a unit vector among `vectors`, (queries, dimensions).

        It is the weighted mean of the items' text: liked ones less disliked ones, older ones
        fading; zero for an empty history.
        """
        return unit(self._sums(queries)[0])

    def _sums(self, queries: Sequence[Query]) -> tuple[Floats, Floats]:
        """Return the weighted sums of each history's items, of the text and the other block."""
        text, kinds = self._fitted()
        people = np.zeros((len(queries), text.shape[1]), dtype=np.float32)
        tastes = np.zeros((len(queries), kinds.shape[1]), dtype=np.float32)
        for row, query in enumerate(queries):
            weights, past = self._weights(query.history), query.history.items
            people[row] = weights @ text[past]
            tastes[row] = weights @ kinds[past]
        return people, tastes

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return cosines with the history's mean; -inf for an item without a description."""
        text, kinds = self._fitted()
        people, tastes = self._sums(queries)
        squares = (people**2).sum(axis=1) + (tastes**2).sum(axis=1)
        found = np.asarray(people @ text.T, dtype=np.float32)
        found += np.asarray(kinds @ tastes.T, dtype=np.float32).T
        found /= np.sqrt(np.maximum(squares, 1e-12))[:, None]
        found[:, self._blank] = -np.inf
        found[squares <= 1e-12] = -np.inf
        return np.asarray(found, dtype=np.float32)

    def _products(self, items: Rows, others: Rows | slice) -> Floats:
        """Return the cosines of items with items, (items, others)."""
        text, kinds = self._fitted()
        found = np.asarray(text[items] @ text[others].T, dtype=np.float32)
        return found + np.asarray((kinds[items] @ kinds[others].T).toarray(), dtype=np.float32)

    def contributions(self, query: Query, items: Rows) -> NDArray[np.float32]:
        """Return the share of each history event in each item's score, (items, events).

        A row adds up to the item's score.
        """
        past = query.history.items
        weights = self._weights(query.history)
        text, kinds = self._fitted()
        person, taste = np.zeros(text.shape[1]), np.zeros(kinds.shape[1])
        shares = np.empty((len(items), len(past)), dtype=np.float32)
        for start in range(0, len(past), _EVENTS):
            part = slice(start, start + _EVENTS)
            shares[:, part] = self._products(items, past[part]) * weights[part]
            person += weights[part] @ text[past[part]]
            taste += weights[part] @ kinds[past[part]]
        length = float(person @ person + taste @ taste)
        shares /= np.float32(np.sqrt(max(length, 1e-12)))
        return shares

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return at most `n` neighbours of each item by cosine, best first, never the item."""
        rows = np.asarray(items, dtype=np.int32)
        found = self._products(rows, slice(None))
        found[:, self._blank] = -np.inf
        found[self._blank[rows]] = -np.inf
        found[np.arange(len(rows)), rows] = -np.inf
        return [candidates(line, n, self.name) for line in found]


def _zeros(rows: int, columns: int) -> sparse.csr_matrix:
    nothing = np.empty(0, dtype=np.int32)
    values = np.empty(0, dtype=np.float32)
    return sparse.csr_matrix((values, (nothing, nothing)), shape=(rows, columns))


def _vocabulary(catalog: Catalog) -> dict[str, dict[str, float]]:
    """Return the inverse document frequency of each value that two or more items share."""
    known: dict[str, dict[str, float]] = {}
    for attribute in catalog.attributes:
        if catalog.is_numeric(attribute):
            continue
        found = catalog.incidence(attribute)
        having: NDArray[Any] = np.asarray(found.matrix.sum(axis=0)).ravel()
        known[attribute] = {
            value: float(np.log((1 + len(catalog)) / (1 + count)) + 1)
            for value, count in zip(found.values, having, strict=True)
            if count >= 2
        }
    return known


def _same_encoder(encoder: "Encoder", name: str, dimensions: int, folder: Path) -> None:
    if name_of(encoder) != name or encoder.dimensions != dimensions:
        raise ConfigError(
            f"The items in {folder} were encoded by {name!r}, and new ones would be by "
            f"{name_of(encoder)!r}. Fit again, or give the encoder it was fitted with."
        )
