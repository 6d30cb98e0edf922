"""Item vectors that begin with what is written about an item, so that an unmet one has a vector.

An item's vector is its own plus a projection of its text's embedding. The embeddings are cut to
their main directions first (PCA), and the projection begins as leaving those as they are.
"""

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.retrieve.sequential.hstu import Hstu
from tastemate.retrieve.sequential.layers import Start, Tensor, Weights
from tastemate.retrieve.sequential.lrurec import LruRec
from tastemate.retrieve.sequential.model import Learned, Sequential
from tastemate.retrieve.sequential.sasrec import SasRec
from tastemate.retrieve.sequential.windows import Sequences
from tastemate.text.described import row_hashes, stale_rows
from tastemate.text.encoder import name_of
from tastemate.types import Floats, Rows

if TYPE_CHECKING:
    from tastemate.protocols import Encoder

SPREAD = 0.02
"""Standard deviation of a text's numbers: that of an item's own vector at first."""


def _options(call: Any) -> list[inspect.Parameter]:
    """Return the keyword options of a constructor."""
    found = inspect.signature(call).parameters.values()
    return [one for one in found if one.kind is inspect.Parameter.KEYWORD_ONLY]


class Reading(Sequential):
    """A sequence model that reads texts; `chars` bounds what is read of a description."""

    __signature__: ClassVar[inspect.Signature]

    def __init__(self, *, encoder: "Encoder", chars: int = 1000, **options: Any) -> None:
        """Set the options: those of `Sequential` besides these."""
        if chars < 1:
            raise ConfigError(f"chars is {chars}; read at least 1 character.")
        super().__init__(**options)
        self.encoder = encoder
        self.chars = chars
        self._mean: Floats = np.zeros(0, np.float32)
        self._axes: Floats = np.zeros((0, 0), np.float32)
        self._hashes = np.zeros(0, np.uint64)
        self._encoded = 0

    def __init_subclass__(cls) -> None:
        """Let the settings see the options of both classes."""
        super().__init_subclass__()
        both = [*_options(Reading.__init__), *_options(Sequential.__init__)]
        cls.__signature__ = inspect.Signature(both)

    def begin(self, rng: np.random.Generator, items: int, people: int) -> Start:
        """Return first weights."""
        project = np.eye(self._axes.shape[1], self.dim, dtype=np.float32)
        return super().begin(rng, items, people) | {"project": project}

    def table(self, w: Weights) -> Tensor:
        """Return the vector of each code, (items + 2, dim)."""
        return w["item"] + w["text"] @ w["project"]

    def fixed(self, catalog: Catalog, known: Rows) -> dict[str, Floats]:
        """Return the texts' main directions by code, (items + 2, directions)."""
        raw = self._encode(catalog, np.arange(len(catalog), dtype=np.int32))
        written = raw.any(axis=1)
        seen = raw[written] if written.any() else raw[:0]
        size = raw.shape[1]
        self._mean = (seen.mean(axis=0) if len(seen) else np.zeros(size)).astype(np.float32)
        centred = (seen - self._mean).astype(np.float64)
        values, axes = np.linalg.eigh(centred.T @ centred / max(len(seen), 1))
        best = np.argsort(-values, kind="stable")[: min(self.dim, size)]
        scale = SPREAD / np.sqrt(max(float(values[best].mean()), 1e-12))
        self._axes = (axes[:, best] * scale).astype(np.float32)
        self._hashes = row_hashes(catalog)
        self._all = self._reduced(raw)
        return {"text": _framed(self._all[known])}

    def finished(self, learned: Learned, data: Sequences, catalog: Catalog) -> Learned:
        """Add the items nobody met that have a text."""
        others = np.setdiff1d(np.flatnonzero(self._all.any(axis=1)), learned.items)
        added = super().finished(learned, data, catalog)
        return _grown(added, others.astype(np.int32), self._all[others], learned.width)

    def encoded(self) -> int:
        """Return how many items `load` had to encode, new or saying something else by now."""
        return self._encoded

    def kept(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what is saved besides the weights."""
        arrays = {"mean": self._mean, "axes": self._axes, "hashes": self._hashes}
        return {"encoder": name_of(self.encoder)}, arrays

    def restored(
        self, meta: dict[str, Any], arrays: dict[str, Any], learned: Learned, catalog: Catalog
    ) -> Learned:
        """Take back what `kept` gave; encode the items that are new or say something else."""
        self._mean, self._axes = np.array(arrays["mean"]), np.array(arrays["axes"])
        self._hashes = row_hashes(catalog)
        stale = stale_rows(self._hashes, arrays["hashes"])
        self._encoded = len(stale)
        if not len(stale):
            return learned
        if name_of(self.encoder) != meta["encoder"]:
            raise ConfigError(
                f"The {self.name} model read its items with {meta['encoder']!r}, and new ones "
                f"would be read with {name_of(self.encoder)!r}. Fit again, or give the encoder "
                "it was fitted with."
            )
        fresh = self._reduced(self._encode(catalog, stale))
        code = {int(row): at for at, row in enumerate(learned.items, start=1)}
        old = [at for at, row in enumerate(stale) if int(row) in code]
        text = learned.weights["text"].copy()
        text[[code[int(stale[at])] for at in old]] = fresh[old]
        changed = Learned(learned.weights | {"text": text}, learned.items, learned.width)
        new = np.array([at for at in range(len(stale)) if fresh[at].any()], np.int64)
        new = new[~np.isin(stale[new], learned.items)]
        return _grown(changed, stale[new], fresh[new], len(catalog))

    def _encode(self, catalog: Catalog, rows: Rows) -> Floats:
        texts = [catalog.describe(int(row))[: self.chars] for row in rows]
        if not texts:
            return np.zeros((0, self.encoder.dimensions), np.float32)
        return np.asarray(self.encoder.encode(texts), np.float32)

    def _reduced(self, raw: Floats) -> Floats:
        """Return embeddings along the main directions; zero where nothing is written."""
        found = (raw - self._mean) @ self._axes
        return np.asarray(np.where(raw.any(axis=1, keepdims=True), found, 0), np.float32)


class SasRecText(Reading, SasRec):
    """SASRec that reads the items' texts."""

    name = "sasrec-text"


class HstuText(Reading, Hstu):
    """The gated attention model that reads the items' texts."""

    name = "hstu-text"


class LruRecText(Reading, LruRec):
    """LRURec that reads the items' texts."""

    name = "lrurec-text"


def _framed(rows: Floats) -> Floats:
    """Return rows by code: a row of zeros for the padding before and the blank after."""
    return np.pad(rows, ((1, 1), (0, 0)))


def _grown(learned: Learned, rows: Rows, texts: Floats, width: int) -> Learned:
    """Return the model with more items: no vector of their own, and the mean bias."""
    weights = dict(learned.weights)
    last, bias = len(weights["item"]) - 1, weights["bias"]
    none = np.zeros((len(rows), weights["item"].shape[1]), np.float32)
    weights["item"] = np.insert(weights["item"], [last] * len(rows), none, axis=0)
    weights["text"] = np.insert(weights["text"], [last] * len(rows), texts, axis=0)
    mean = np.float32(bias.mean() if len(bias) else 0)
    weights["bias"] = np.concatenate([bias, np.full(len(rows), mean, np.float32)])
    return Learned(weights, np.concatenate([learned.items, rows]).astype(np.int32), width)
