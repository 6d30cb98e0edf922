"""SASRec with a vector for each person, kept from memorising by mixing up whose is whose.

SSE-PT (Wu et al. 2020): in training the person's vector is another one's now and then, and so are
items (stochastic shared embeddings). Who asks is not looked up: an answer takes the mean of the
vectors of people whose events are like those of the history, so that it depends on that alone.
"""

import numpy as np

from tastemate.catalog import Catalog
from tastemate.retrieve.sequential import layers
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.model import Learned, Sequential
from tastemate.retrieve.sequential.windows import Sequences

OTHER_PERSON = 0.2
OTHER_ITEM = 0.05
"""Shares of the people and of the events that are exchanged for others in training."""
SHARP = 20.0
"""How much more a person counts whose events are more alike."""


class SsePt(Sequential):
    """A causal transformer that reads each event beside the person's vector."""

    name = "sse-pt"
    exports = True

    def begin(self, rng: np.random.Generator, items: int, people: int) -> Start:
        """Return first weights."""
        person = layers.drawn(rng, (people + 1, self.dim // 2), 0.02)
        return super().begin(rng, items, people) | {"person": person}

    def parts(self, rng: np.random.Generator) -> Start:
        """Return first weights of the blocks and the places."""
        # Zero: a place that no training history reached must not add noise.
        found = {"place": np.zeros((self.training.length, self.dim), np.float32)}
        found["join"] = layers.drawn(rng, (self.dim // 2, self.dim), 1 / np.sqrt(self.dim))
        for at in range(self.layers):
            found |= layers.start_attend(rng, f"{at}.attend", self.dim)
            found |= layers.start_feed_forward(rng, f"{at}.forward", self.dim, self.dim * 2)
        return found | layers.start_norm("out", self.dim)

    def encode(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return a vector for every step, (sequences, steps, dim)."""
        mixed = steps if noise is None else self._exchanged(w, steps, noise)
        person = w["person"][mixed.users] if noise or "alike" not in w else _alike(self, w, mixed)
        x = self.embedded(w, mixed, noise) + w["place"][: steps.items.shape[1]]
        x = x + (person @ w["join"])[:, None] * float(np.sqrt(self.dim))
        x = layers.drop(x, noise)
        for at in range(self.layers):
            x = layers.attend(w, f"{at}.attend", x, self.heads, noise)
            x = layers.feed_forward(w, f"{at}.forward", x, noise)
        return layers.norm(w, "out", x)

    def finished(self, learned: Learned, data: Sequences, catalog: Catalog) -> Learned:
        """Add the direction of each person's events, (people + 1, dim)."""
        weights = learned.weights
        alike = np.zeros((len(weights["person"]), self.dim), np.float32)
        for start, end, person in zip(data.offsets[:-1], data.offsets[1:], data.users, strict=True):
            alike[person] = weights["item"][data.items[start:end]].mean(axis=0)
        alike /= np.maximum(np.linalg.norm(alike, axis=1, keepdims=True), 1e-12)
        return Learned(weights | {"alike": alike}, learned.items, learned.width)

    def _exchanged(self, w: Weights, steps: Steps, noise: Noise) -> Steps:
        """Return the batch with some people and some events exchanged for drawn ones."""
        import torch

        def swap(codes: Tensor, count: int, share: float) -> Tensor:
            size, device = codes.shape, codes.device
            other = torch.randint(1, count, size, generator=noise.rng, device=device)
            chosen = torch.rand(size, generator=noise.rng, device=device) < share
            return torch.where(chosen & (codes > 0), other, codes)

        items = swap(steps.items, len(self.table(w)) - 1, OTHER_ITEM)
        users = swap(steps.users, len(w["person"]), OTHER_PERSON)
        return Steps(items, steps.times, steps.targets, users, steps.lengths)


def _alike(model: SsePt, w: Weights, steps: Steps) -> Tensor:
    """Return the vectors of people like those who did this, (sequences, dim / 2)."""
    from torch.nn.functional import normalize

    shown = (steps.items > 0).unsqueeze(-1)
    own = normalize((model.table(w)[steps.items] * shown).sum(1), dim=-1)
    near = (own @ w["alike"][1:].T * SHARP).softmax(-1)
    return near @ w["person"][1:]
