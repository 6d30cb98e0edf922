"""What somebody says they are in the mood for, as people say it, to items.

`search` looks for what a text names. In a conversation hardly a word is a search word: "hi, I feel
like something funny, maybe with a bit of romance" names two values of an attribute and otherwise
has a meaning, which is compared with descriptions and with labels apart. Titles and names inside
an item's text only blur it here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tastemate.blend import standardise
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.retrieve.dense import Dense
from tastemate.text.described import row_hashes, stale_rows
from tastemate.text.encoder import name_of
from tastemate.text.recognise import Values
from tastemate.text.words import terms
from tastemate.types import Floats, Item, Query, Rows

if TYPE_CHECKING:
    from tastemate.protocols import Encoder

CHUNK = 512
LONGEST_QUERY = 2_000
"""Characters of a query that are read, the latest ones."""
_BLOCKS = ("text", "labels")


class Wanted(Dense):
    """Score = `meaning` x z(nearness of description) + `labels` x z(of labels) + `named` x values.

    Nearness is the cosine of embeddings; labels are the values of the attributes `label`, as one
    line. "Values" sums the square root of the rarity of each attribute value that the text names
    and the item has, but for the attributes in `unnamed`, whose values are everyday words. An item
    without a description is compared by its title. The weights are near those that
    `scripts/choose_talk.py` finds on half of ReDial's workers.
    """

    name = "wanted"

    def __init__(
        self,
        *,
        encoder: "Encoder",
        meaning: float = 0.45,
        labels: float = 0.35,
        named: float = 1.0,
        label: Sequence[str] = ("genres", "tags"),
        unnamed: Sequence[str] = ("tags",),
        chars: int = 600,
    ) -> None:
        """Set the weights; raise `ConfigError` for a negative one."""
        if min(meaning, labels, named) < 0 or chars < 1:
            raise ConfigError(
                "wanted: weights must not be negative and chars must be at least 1, not "
                f"{meaning}, {labels}, {named} and {chars}."
            )
        self.encoder = encoder
        self.meaning = meaning
        self.labels = labels
        self.named = named
        self.label = tuple(label)
        self.unnamed = frozenset(unnamed)
        self.chars = chars
        self._vectors: dict[str, Floats] | None = None
        self._catalog = Catalog.of([])
        self._values: Values | None = None
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._encoded = 0

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Encode descriptions and labels; interactions are not read."""
        del interactions
        rows = np.arange(len(catalog), dtype=np.int32)
        self._vectors = {block: self._encode(catalog, rows, block) for block in _BLOCKS}
        self._keep(catalog)
        return self

    def _keep(self, catalog: Catalog) -> None:
        self._catalog, self._values = catalog, None
        self._hashes = row_hashes(catalog)

    def _encode(self, catalog: Catalog, which: Rows, block: str) -> Floats:
        """Return the embeddings of one side of some rows, zero where nothing is written."""
        texts = [self._written(catalog.item(row), block) for row in which]
        vectors = np.zeros((len(texts), self.encoder.dimensions), dtype=np.float32)
        # Neighbours in length share a chunk, so that the encoder pads little.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        for at in range(0, len(order), CHUNK):
            rows = order[at : at + CHUNK]
            vectors[rows] = self.encoder.encode([texts[row] for row in rows])
        return vectors

    def _written(self, item: Item, block: str) -> str:
        if block == "text":
            return (item.text or item.title)[: self.chars]
        said: list[str] = []
        for name in self.label:
            value = item.attributes.get(name, ())
            said += value if isinstance(value, tuple) else (str(value),)
        return ", ".join(said)[: self.chars // 2]

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return how well each item fits each query's text; a row of -inf without a text."""
        vectors = self._fitted()
        found = np.full((len(queries), len(self._catalog)), -np.inf, dtype=np.float32)
        texts = [query.text[-LONGEST_QUERY:] for query in queries]
        used = [row for row, text in enumerate(texts) if terms(text)]
        if not used or not len(self._catalog):
            return found
        asked = self.encoder.encode([texts[row] for row in used])
        for at, row in enumerate(used):
            total = np.float32(self.named) * self._naming(texts[row])
            for block, weight in zip(_BLOCKS, (self.meaning, self.labels), strict=True):
                near = np.asarray(vectors[block] @ asked[at], dtype=np.float32)
                total += np.float32(weight) * standardise(near)
            found[row] = total
        return found

    def _naming(self, text: str) -> Floats:
        """Return the values that a text names and each item has, by rarity, (items,)."""
        if self._values is None:
            self._values = Values(self._catalog)
        total = np.zeros(len(self._catalog), dtype=np.float32)
        for attribute, value in self._values.named(text) if self.named else ():
            if attribute not in self.unnamed:
                incidence = self._catalog.incidence(attribute)
                has = incidence.matrix[:, [incidence.codes[value]]].toarray()[:, 0]
                rarity = np.log((len(has) + 1.0) / (has.sum() + 1.0))
                total += np.float32(np.sqrt(rarity)) * has
        return total

    def encoded(self) -> int:
        """Return how many items `load` had to encode, new or saying something else by now."""
        return self._encoded

    def save(self, folder: Path) -> None:
        """Write the vectors of both sides."""
        vectors = self._fitted()
        meta = {"encoder": name_of(self.encoder)}
        arrays: dict[str, Any] = {**vectors, "hashes": self._hashes}
        self._write(folder, len(self._catalog), meta, arrays)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore; rows that are new, or say something else by now, are encoded now.

        Raises `ConfigError` when the encoder is not the one it was fitted with.
        """
        meta, arrays = self._read(folder, len(catalog), ["encoder"], (*_BLOCKS, "hashes"))
        kept = {block: arrays[block] for block in _BLOCKS}
        width = self.encoder.dimensions
        if name_of(self.encoder) != meta["encoder"] or kept["text"].shape[1] != width:
            raise ConfigError(
                f"The items in {folder} were encoded by {meta['encoder']!r}, and queries would be "
                f"by {name_of(self.encoder)!r}. Fit again, or give the encoder it was fitted with."
            )
        stale = stale_rows(row_hashes(catalog), arrays["hashes"])
        self._encoded = len(stale)
        if len(stale):
            for block, old in kept.items():
                grown = np.zeros((len(catalog), width), dtype=np.float32)
                grown[: len(old)] = old
                grown[stale] = self._encode(catalog, stale, block)
                kept[block] = grown
        self._vectors = kept
        self._keep(catalog)
        return self

    def _fitted(self) -> dict[str, Floats]:
        if self._vectors is None:
            raise NotFitted("wanted has not been fitted: call fit or load first.")
        return self._vectors
