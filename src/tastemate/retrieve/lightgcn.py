"""LightGCN: factors smoothed over the graph of people and items (He et al. 2020).

A layer gives every node the mean of its neighbours, each over √(its degree · the neighbour's),
without weights and without a non-linearity; an item's vector is the mean over the layers. People
are served from their history, not from a node of their own: their vector is the weighted mean of
what the items of the history hand to their neighbours, so that somebody new, and an event of
now, count like any other. What is kept is two tables of item vectors; serving needs no torch.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted, Unavailable
from tastemate.interactions import Interactions
from tastemate.retrieve.bipartite import Graph
from tastemate.retrieve.dense import Dense
from tastemate.retrieve.factors import latest, neighbours, stacked, widen
from tastemate.retrieve.linear import places
from tastemate.retrieve.sequential import checkpoints
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights, drawn
from tastemate.retrieve.sequential.losses import Head, loss
from tastemate.retrieve.sequential.training import Training, train
from tastemate.retrieve.sequential.windows import PAD, Sequences
from tastemate.types import Candidate, Floats, History, Mask, Query, Rows

Objective: TypeAlias = Literal["sampled", "softmax", "bpr"]
Sides: TypeAlias = Literal["history", "person"]


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What serves: vectors of items, (items, dim) each."""

    shown: Floats
    """What an item is scored with: the mean over the layers."""
    given: Floats
    """What an item of a history adds to a person's vector."""
    known: Mask
    """Which items the graph holds."""
    width: int
    """Length of the catalogue served."""


class LightGcn(Dense):
    """Scores items by the product of their vector with that of a history.

    `layers` is how far the graph is walked. `learns` is "person", as published (everybody has a
    node with factors, and all that they met is asked for), or "history": each event is asked for
    from the mean of what came before it, which is how answers are made. The newest event of a
    history weighs 1, the one before it `fade`, then `fade`². `loss` is "sampled" (a softmax over
    `negatives` items drawn), "softmax" (over all items), or "bpr", the published one: one item
    drawn that the person has not met. `decay` is the weight decay; a step learns from about
    `batch` events, in windows of `length`. `look`, `rounds`, `patience` and `average` are those
    of the sequence models.
    """

    name = "lightgcn"

    def __init__(
        self,
        *,
        dim: int = 64,
        layers: int = 2,
        learns: Sides = "history",
        fade: float = 0.6,
        loss: Objective = "sampled",
        negatives: int = 1024,
        learning_rate: float = 0.03,
        decay: float = 0.01,
        length: int = 50,
        batch: int = 2048,
        rounds: int = 12,
        patience: int = 3,
        look: int = 90,
        average: float = 0.95,
        seed: int = 0,
    ) -> None:
        """Set the options; raise `ConfigError` for a value out of range."""
        if dim < 1 or layers < 1 or not 0 < fade <= 1:
            raise ConfigError(
                "lightgcn: dim and layers must be at least 1, fade above 0 and at most 1; "
                "64, 2 and 0.6 are good starts."
            )
        if learns not in ("history", "person") or loss not in ("sampled", "softmax", "bpr"):
            raise ConfigError(
                f"lightgcn: learns is {learns!r}, loss is {loss!r}; use 'history' or 'person', "
                "and 'sampled', 'softmax' or 'bpr'."
            )
        self.dim, self.layers, self.fade = dim, layers, fade
        self.learns, self.objective = learns, loss
        self.training = Training(
            loss="softmax" if loss == "softmax" else "sampled",
            negatives=negatives,
            learning_rate=learning_rate,
            decay=decay,
            dropout=0.0,
            length=length,
            batch=batch,
            rounds=rounds,
            patience=patience,
            look=look,
            average=average,
            seed=seed,
        )
        self._state: Tables | None = None
        self._graph: Graph | None = None
        self._met: Tensor = None

    def begin(self, rng: np.random.Generator, items: int, people: int) -> Start:
        """Return first vectors of items and, where they are learned, of people."""
        found = {"item": drawn(rng, (items, self.dim), 0.1)}
        if self.learns == "person":
            found["person"] = drawn(rng, (people, self.dim), 0.1)
        return found

    def loss(self, w: Weights, steps: Steps, noise: Noise, training: Training) -> Tensor:
        """Return the loss of what followed every step."""
        import torch

        shown, given, people = self._walked().tables(w, self.layers)
        asked = steps.targets > PAD
        targets, users = steps.targets[asked], (steps.users - 1)[:, None].expand_as(asked)[asked]
        hidden = people[users] if self.learns == "person" else self._past(given, steps.items)[asked]
        bias = torch.zeros(len(shown), device=shown.device)
        if self.objective == "bpr":
            return self._pairs(Head(shown, bias), hidden, targets, users, noise)
        return loss(
            training.loss, Head(shown, bias), hidden, targets, noise, negatives=training.negatives
        )

    def _pairs(
        self, head: Head, hidden: Tensor, targets: Tensor, users: Tensor, noise: Noise
    ) -> Tensor:
        """Return −ln σ(met − drawn), of pairs whose drawn item the person has not met."""
        import torch
        from torch.nn.functional import logsigmoid

        many = len(head.bias)
        other = torch.randint(many, targets.shape, generator=noise.rng, device=targets.device)
        pairs, met = users * many + other, self._met.to(users.device)
        right = met[torch.searchsorted(met, pairs)] != pairs
        ahead = head.of(hidden, targets) - head.of(hidden, other + 1)
        return -(logsigmoid(ahead) * right).sum() / right.sum().clamp(min=1)

    def answer(self, w: Weights, steps: Steps) -> Tensor:
        """Score all items after the last step of each sequence, (sequences, items)."""
        import torch

        shown, given, _ = self._walked().tables(w, self.layers)
        at = torch.arange(len(steps.items), device=shown.device)
        return self._past(given, steps.items)[at, steps.lengths - 1] @ shown.T

    def _past(self, given: Tensor, items: Tensor) -> Tensor:
        """Return a person's vector after each step, (sequences, steps, dim)."""
        import torch

        back = torch.arange(items.shape[1], device=items.device)
        back = back[:, None] - back[None, :]
        weights = torch.where(back >= 0, self.fade ** back.clamp(min=0).float(), 0.0)
        weights = weights / weights.sum(1, keepdim=True).sqrt()
        shown = (items > PAD).unsqueeze(-1)
        return weights @ (given[(items - 1).clamp(min=0)] * shown)

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Learn from the order in which people met items.

        Raises `Unavailable` where torch is not installed.
        """
        if find_spec("torch") is None:
            raise Unavailable("lightgcn needs torch: pip install 'tastemate[train]'.")
        import torch

        rows = np.flatnonzero(interactions.counts).astype(np.int32)
        data = Sequences.of(interactions, places(rows, len(catalog)))
        # What stops the fit is people's last event: no edge of the graph may tell it.
        early = interactions.where(~_last(interactions))
        self._graph = Graph(_met(early)[:, rows])
        self._met = _keys(sparse.csr_matrix(_met(interactions)[:, rows]))
        said = [self._options(), asdict(self.training), self.learns, self.objective]
        keep = checkpoints.place(self.name, said, catalog, interactions)
        found = train(
            *(self, data, len(rows), interactions.n_users, self.training),
            name=self.name,
            keep=keep,
        )
        self.course = found.course
        weights = {name: torch.from_numpy(one) for name, one in found.weights.items()}
        shown, given, _ = Graph(_met(interactions)[:, rows]).tables(weights, self.layers)
        self._graph = self._met = None
        self._state = Tables(
            _spread(shown.numpy(), rows, len(catalog)),
            _spread(given.numpy(), rows, len(catalog)),
            interactions.counts > 0,
            len(catalog),
        )
        shutil.rmtree(keep, ignore_errors=True)
        return self

    def _options(self) -> dict[str, float]:
        """Return what decides the tables' shape and how they are read."""
        return {"dim": self.dim, "layers": self.layers, "fade": self.fade}

    def _weights(self, history: History, known: Mask) -> tuple[NDArray[np.intp], Floats]:
        """Return the events of a history that count and what each weighs, (events,)."""
        events = np.sort(latest(history, known))
        weights = np.float32(self.fade) ** np.arange(len(events))[::-1].astype(np.float32)
        total = np.float32(np.sqrt(max(float(weights.sum()), 1e-12)))
        return events, (weights / total).astype(np.float32)

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return the products, (queries, items); a history without a known item is not served."""
        state = self._fitted()
        rows, weights = [], []
        for query in queries:
            events, weight = self._weights(query.history, state.known)
            rows.append(query.history.items[events])
            weights.append(weight)
        people = stacked(rows, weights, len(state.known)) @ state.given
        scores = widen(people @ state.shown.T, state.known, state.width)
        scores[[not len(one) for one in rows]] = -np.inf
        return scores

    def contributions(self, query: Query, items: Rows) -> Floats:
        """Return the share of each event in each score, (items, events); shares sum to it."""
        state = self._fitted()
        events, weights = self._weights(query.history, state.known)
        shares = np.zeros((len(items), len(query.history)), np.float32)
        inside = np.flatnonzero(items < len(state.known))
        given = state.given[query.history.items[events]] * weights[:, None]
        shares[np.ix_(inside, events)] = state.shown[items[inside]] @ given.T
        return shares

    def similar(self, items: Rows, n: int) -> list[list[Candidate]]:
        """Return the items whose vectors point the same way (cosine)."""
        state = self._fitted()
        return neighbours(state.shown, state.known, items, n, self.name)

    def save(self, folder: Path) -> None:
        """Write the two tables."""
        state = self._fitted()
        arrays = {"shown": state.shown, "given": state.given, "known": state.known}
        self._write(folder, state.width, {"fade": self.fade}, arrays)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore what `save` wrote; items added since are unknown to the model."""
        by_item = ("shown", "given", "known")
        meta, arrays = self._read(folder, len(catalog), ("fade",), by_item)
        self.fade = float(meta["fade"])
        self._state = Tables(arrays["shown"], arrays["given"], arrays["known"], len(catalog))
        return self

    def _walked(self) -> Graph:
        if self._graph is None:
            raise NotFitted("lightgcn has no graph before fit.")
        return self._graph

    def _fitted(self) -> Tables:
        if self._state is None:
            raise NotFitted("lightgcn has learned nothing yet; call fit or load first.")
        return self._state


def _met(interactions: Interactions) -> sparse.csr_matrix:
    """Return who met what, (people, items), binary."""
    met = sparse.csr_matrix(interactions.matrix(np.ones(len(interactions), np.float32)))
    met.data[:] = 1.0
    return met


def _last(interactions: Interactions) -> Mask:
    """Return which events are the last of people who have three or more, (events,)."""
    ends = np.asarray(interactions.offsets)[1:]
    found = np.zeros(len(interactions), dtype=bool)
    found[ends[np.diff(interactions.offsets) >= 3] - 1] = True
    return found


def _keys(met: sparse.csr_matrix) -> Tensor:
    """Return person · items + item of every edge, ascending."""
    import torch

    people, items = met.nonzero()
    keys = people.astype(np.int64) * met.shape[1] + items
    return torch.from_numpy(np.append(np.sort(keys), np.iinfo(np.int64).max))


def _spread(table: Floats, rows: Rows, width: int) -> Floats:
    """Return rows of a table at their places among `width`, zero elsewhere."""
    wide = np.zeros((width, table.shape[1]), np.float32)
    wide[rows] = table
    return wide
