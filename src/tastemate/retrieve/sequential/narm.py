"""A recurrent network and attention on what it passed: NARM (Li et al. 2017).

The last state says where the session stands, a sum over all states weighted by attention what it
is about; an item is scored by both.
"""

import numpy as np

from tastemate.retrieve.sequential import layers
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.model import Sequential
from tastemate.retrieve.sequential.training import Training

ASKED = 32
"""Steps of each sequence whose loss is taken at once: attention costs steps² · dim for each."""


class Narm(Sequential):
    """Gated recurrent units with additive attention."""

    name = "narm"

    def parts(self, rng: np.random.Generator) -> Start:
        """Return first weights of the recurrence and the attention."""
        found: Start = {}
        scale = float(1 / np.sqrt(self.dim))
        for at in range(self.layers):
            for side in ("input", "state"):
                found[f"{at}.{side}"] = layers.drawn(rng, (3 * self.dim, self.dim), scale)
                found[f"{at}.{side}.bias"] = np.zeros(3 * self.dim, np.float32)
        found |= layers.start_linear(rng, "now", self.dim, self.dim)
        found |= layers.start_linear(rng, "then", self.dim, self.dim)
        found |= layers.start_linear(rng, "weight", self.dim, 1)
        return found | layers.start_linear(rng, "out", 2 * self.dim, self.dim)

    def encode(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return a vector for every step, (sequences, steps, dim)."""
        import torch

        states = self._states(w, steps, noise)
        places = torch.arange(states.shape[1], device=states.device)
        return self._about(w, states, places.expand(len(states), -1), noise)

    def last(self, w: Weights, steps: Steps) -> Tensor:
        """Return the vector of each sequence's last step, (sequences, dim)."""
        states = self._states(w, steps, None)
        return self._about(w, states, steps.lengths[:, None] - 1, None)[:, 0]

    def loss(self, w: Weights, steps: Steps, noise: Noise, training: Training) -> Tensor:
        """Return the loss of what followed some steps, drawn anew each time."""
        import torch

        states = self._states(w, steps, noise)
        order = torch.rand(steps.targets.shape, generator=noise.rng, device=states.device)
        order = order + (steps.targets > 0)
        places = order.topk(min(ASKED, states.shape[1]), dim=1).indices
        targets = steps.targets.gather(1, places)
        hidden = self._about(w, states, places, noise)[targets > 0]
        return self.compared(w, hidden, targets[targets > 0], noise, training)

    def _states(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return the states of the recurrence, (sequences, steps, dim)."""
        import torch

        x = layers.drop(self.embedded(w, steps, noise), noise)
        names = ("input", "state", "input.bias", "state.bias")
        flat = [w[f"{at}.{name}"] for at in range(self.layers) for name in names]
        before = x.new_zeros((self.layers, len(x), self.dim))
        return torch.gru(x, before, flat, True, self.layers, 0.0, False, False, True)[0]

    def _about(self, w: Weights, states: Tensor, places: Tensor, noise: Noise | None) -> Tensor:
        """Return the vectors after the steps at `places` (sequences, asked)."""
        import torch

        wide = places.unsqueeze(-1).expand(-1, -1, self.dim)
        now = states.gather(1, wide)
        both = layers.linear(w, "now", now)[:, :, None] + layers.linear(w, "then", states)[:, None]
        weight = layers.linear(w, "weight", both.sigmoid()).squeeze(-1)
        step = torch.arange(states.shape[1], device=states.device)
        weight = weight * (step[None, None, :] <= places[:, :, None])
        # Of all that passed: a plain sum would grow with the history.
        passed = (weight @ states) / (places[:, :, None] + 1.0).sqrt()
        seen = layers.drop(torch.cat((now, passed), -1), noise)
        return layers.linear(w, "out", seen)
