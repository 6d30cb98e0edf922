"""What every sequence model shares: options, item vectors, fitting, keeping, scoring.

A model is `begin` (its first weights) and `encode` (sequences to one vector a step); an item's
score is the product of the last step's vector with the item's, and the item's bias.
"""

import shutil
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, FormatError, NotFitted, Unavailable
from tastemate.interactions import Interactions
from tastemate.retrieve.dense import Dense
from tastemate.retrieve.factors import neighbours
from tastemate.retrieve.linear import places
from tastemate.retrieve.sequential import checkpoints, layers
from tastemate.retrieve.sequential.checkpoints import packed, unpacked
from tastemate.retrieve.sequential.graph import Graph, exported
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.losses import Head, Loss, loss
from tastemate.retrieve.sequential.training import Training, train
from tastemate.retrieve.sequential.windows import Batch, Codes, Sequences, padded
from tastemate.types import Candidate, Floats, Mask, Query, Rows, Times

TOGETHER = 64
"""Queries encoded at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Weights, and the catalogue rows (m,) of the items with codes 1 to m."""

    weights: dict[str, Floats]
    items: Rows
    width: int


class Sequential(Dense):
    """A network over the latest `length` events of a history.

    `loss` is "softmax" over all items, "sampled" over `negatives` of them, "gbce" or "bce";
    a step learns from about `batch` events. A round is the whole passes over the data that make
    at least `look` steps; `rounds` bounds them, `patience` those in a row without a gain on the
    held-out events. `average` is how slowly the weights' running mean follows them.
    """

    exports = False
    """Whether the network can be written as an ONNX graph of any number of steps."""

    def __init__(
        self,
        *,
        dim: int = 64,
        layers: int = 2,
        heads: int = 2,
        dropout: float = 0.3,
        length: int = 200,
        loss: Loss = "sampled",
        negatives: int = 512,
        calibration: float = 0.75,
        smoothing: float = 0.0,
        learning_rate: float = 0.004,
        decay: float = 0.01,
        batch: int = 800,
        rounds: int = 20,
        patience: int = 3,
        look: int = 300,
        average: float = 0.99,
        seed: int = 0,
    ) -> None:
        """Set the options; raise `ConfigError` for a value out of range."""
        if dim < 2 or dim % 2 or layers < 1 or heads < 1 or dim % heads:
            raise ConfigError(
                f"{self.name}: dim must be even and a multiple of heads, layers at least 1; "
                "64, 2 and 2 are good starts."
            )
        self.dim, self.layers, self.heads = dim, layers, heads
        self.training = Training(
            loss=loss,
            negatives=negatives,
            calibration=calibration,
            smoothing=smoothing,
            learning_rate=learning_rate,
            decay=decay,
            dropout=dropout,
            length=length,
            batch=batch,
            rounds=rounds,
            patience=patience,
            look=look,
            average=average,
            seed=seed,
        )
        self._state: Learned | None = None
        self._tensors: Weights | None = None
        self._graph: Graph | None = None

    @abstractmethod
    def parts(self, rng: np.random.Generator) -> Start:
        """Return first weights of everything but items and people."""

    @abstractmethod
    def encode(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return a vector for every step, (sequences, steps, dim), that says what comes next."""

    def begin(self, rng: np.random.Generator, items: int, people: int) -> Start:
        """Return first weights; row 0 of `item` is the padding, the last one a blank."""
        return {
            "item": layers.drawn(rng, (items + 2, self.dim), 0.02),
            "bias": np.zeros(items, np.float32),
            **self.parts(rng),
        }

    def table(self, w: Weights) -> Tensor:
        """Return the vector of each code, (items + 2, dim)."""
        return w["item"]

    def head(self, w: Weights) -> Head:
        """Return what scores items."""
        return Head(self.table(w)[1:-1], w["bias"])

    def embedded(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return the items' vectors, (sequences, steps, dim), with the padding at zero."""
        from torch.nn.functional import embedding

        shown = (steps.items > 0).unsqueeze(-1)
        return embedding(steps.items, self.table(w)) * float(np.sqrt(self.dim)) * shown

    def loss(self, w: Weights, steps: Steps, noise: Noise, training: Training) -> Tensor:
        """Return the loss of what followed every step."""
        asked = steps.targets > 0
        hidden = self.encode(w, steps, noise)[asked]
        return self.compared(w, hidden, steps.targets[asked], noise, training)

    def compared(
        self, w: Weights, hidden: Tensor, targets: Tensor, noise: Noise, training: Training
    ) -> Tensor:
        """Return the chosen loss of vectors (n, dim) against codes (n,)."""
        return loss(
            training.loss,
            self.head(w),
            hidden,
            targets,
            noise,
            negatives=training.negatives,
            calibration=training.calibration,
            smoothing=training.smoothing,
        )

    def answer(self, w: Weights, steps: Steps) -> Tensor:
        """Score all items after the last step of each sequence, (sequences, items)."""
        return self.head(w).all(self.last(w, steps))

    def last(self, w: Weights, steps: Steps) -> Tensor:
        """Return the vector of each sequence's last step, (sequences, dim)."""
        return layers.at_end(self.encode(w, steps, None), steps.lengths)

    def fixed(self, catalog: Catalog, known: Rows) -> dict[str, Floats]:
        """Return arrays that the network reads and does not learn."""
        return {}

    def finished(self, learned: Learned, data: Sequences, catalog: Catalog) -> Learned:
        """Return what was learned with what serving needs besides."""
        return learned

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Train on everybody's order of events."""
        _needs_torch(self.name)
        known = np.flatnonzero(interactions.counts).astype(np.int32)
        data = Sequences.of(interactions, places(known, len(catalog)))
        said = [type(self).__name__, self._options(), asdict(self.training)]
        keep = checkpoints.place(self.name, said, catalog, interactions)
        fixed = self.fixed(catalog, known)
        found = train(
            self,
            data,
            len(known),
            interactions.n_users,
            self.training,
            fixed=fixed,
            name=self.name,
            keep=keep,
        )
        self.course = found.course
        learned = Learned(found.weights | fixed, known, len(catalog))
        self._keep(self.finished(learned, data, catalog))
        shutil.rmtree(keep, ignore_errors=True)
        return self

    def _options(self) -> dict[str, Any]:
        """Return what decides the shape of the network."""
        return {"dim": self.dim, "layers": self.layers, "heads": self.heads}

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Score every item, (queries, items); -inf where the model knows nothing."""
        state = self._fitted()
        wide = np.full((len(queries), state.width), -np.inf, dtype=np.float32)
        place = self.codes()
        asked: list[tuple[int, Codes, Times]] = []
        for at, query in enumerate(queries):
            codes = place[query.history.items].astype(np.int64) + 1
            keep = codes > 0
            if keep.any():
                times = np.asarray(query.history.timestamps, np.int64)[keep]
                last = slice(-self.training.length, None)
                asked.append((at, codes[keep][last], times[last]))
        for start in range(0, len(asked), TOGETHER):
            part = asked[start : start + TOGETHER]
            users = np.zeros(len(part), np.int64)
            batch = padded([one[1] for one in part], [one[2] for one in part], users)
            rows = np.array([one[0] for one in part], np.int64)
            wide[np.ix_(rows, state.items)] = self._answered(batch)
        return wide

    def codes(self) -> Rows:
        """Return each catalogue row's code less one, -1 where the model does not know it."""
        state = self._fitted()
        return places(state.items, state.width)

    def tensors(self) -> Weights:
        """Return the weights as tensors."""
        import torch

        if self._tensors is None:
            arrays = self._fitted().weights
            self._tensors = {name: torch.from_numpy(one) for name, one in arrays.items()}
        return self._tensors

    def _answered(self, batch: Batch) -> Floats:
        if self._graph is not None:
            return self._graph.scores(batch)
        import torch

        parts = (batch.items, batch.times, batch.targets, batch.users, batch.lengths)
        steps = Steps(*(torch.from_numpy(part) for part in parts))
        with torch.inference_mode():
            found: Floats = self.answer(self.tensors(), steps).float().numpy()
        return found

    def vectors(self) -> tuple[Floats, Mask]:
        """Return each item's vector, (items, dim), and which items have one."""
        state = self._fitted()
        wide = np.zeros((state.width, self.dim), np.float32)
        wide[state.items] = self.table(state.weights)[1:-1]
        return wide, np.isin(np.arange(state.width), state.items)

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return the items whose vectors point the same way (cosine)."""
        return neighbours(*self.vectors(), items, n, self.name)

    def save(self, folder: Path) -> None:
        """Write the weights as one vector, their shapes, the items known, and the graph."""
        state = self._fitted()
        vector, shapes = packed(state.weights)
        meta = {"options": self._options(), "length": self.training.length, "shapes": shapes}
        more, arrays = self.kept()
        graph = exported(self) if self.exports and len(state.items) else b""
        arrays |= {"graph": np.frombuffer(graph, np.uint8)}
        arrays |= {"weights": vector, "items": state.items}
        self._write(folder, state.width, meta | more, arrays)

    def kept(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return values and arrays that are saved besides the weights."""
        return {}, {}

    def restored(
        self, meta: dict[str, Any], arrays: dict[str, Any], learned: Learned, catalog: Catalog
    ) -> Learned:
        """Take back what `kept` gave; return what was learned, for the catalogue as it is now."""
        return learned

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore what `save` wrote; items added since are unknown to the model.

        A network with a graph is served by onnxruntime, any other by torch.
        """
        own = (name for part in self.kept() for name in part)
        need = ("options", "length", "shapes", "weights", "items", "graph", *own)
        meta, arrays = self._read(folder, len(catalog), need)
        if meta["options"] != self._options() or meta["length"] != self.training.length:
            raise FormatError(
                f"The {self.name} model in {folder} was fitted with other options "
                f"({meta['options']}). Delete that folder and fit again."
            )
        try:
            weights = unpacked(arrays["weights"], meta["shapes"])
        except ValueError as error:
            raise FormatError(
                f"The {self.name} model in {folder} is not whole ({error}). "
                "Delete that folder and fit again."
            ) from error
        learned = Learned(weights, np.array(arrays["items"]), len(catalog))
        now = self.restored(meta, arrays, learned, catalog)
        self._keep(now)
        if now is learned and len(arrays["graph"]):
            self._graph = Graph(arrays["graph"].tobytes())
        else:
            _needs_torch(self.name)
        return self

    def _keep(self, state: Learned) -> None:
        self._state, self._tensors, self._graph = state, None, None

    def _fitted(self) -> Learned:
        if self._state is None:
            raise NotFitted(f"{self.name} has not been fitted: call fit or load first.")
        return self._state


def _needs_torch(name: str) -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise Unavailable(f"{name} needs torch: pip install 'tastemate[train]'.")
