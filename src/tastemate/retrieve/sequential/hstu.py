"""Gated attention without a softmax, biased by how many places and how much time lie between.

After HSTU (Zhai et al. 2024, "Actions speak louder than words"): one layer does what attention
and feed-forward do, and the sum of many like events is not normalised away. The time here is that
between two events that are both known; when the next one comes is not used.
"""

import numpy as np

from tastemate.retrieve.sequential import layers
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.model import Sequential

TIMES = 11
"""Values of the time bias: at 0 seconds, 8 times as long for each, to 34 years. Between them it
lies on straight lines, which learns in a fraction of the time of looking up buckets."""


class Hstu(Sequential):
    """Pointwise gated attention with relative bias of place and time."""

    name = "hstu"
    exports = True

    def parts(self, rng: np.random.Generator) -> Start:
        """Return first weights of the blocks."""
        biases = self.layers * self.heads
        found = {
            "near": layers.drawn(rng, (layers.PLACES, biases), 0.02),
            "time": layers.drawn(rng, (TIMES, biases), 0.02),
        }
        for at in range(self.layers):
            found |= layers.start_norm(f"{at}.norm", self.dim)
            found |= layers.start_linear(rng, f"{at}.in", self.dim, 4 * self.dim)
            found |= layers.start_norm(f"{at}.seen", self.dim)
            found |= layers.start_linear(rng, f"{at}.out", self.dim, self.dim)
        return found | layers.start_norm("out", self.dim)

    def encode(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return a vector for every step, (sequences, steps, dim)."""
        import torch

        x = layers.drop(self.embedded(w, steps, noise), noise)
        place = torch.arange(x.shape[1], device=x.device)
        apart = place[:, None] - place[None, :]
        passed = steps.times[:, :, None] - steps.times[:, None, :]
        bias = (
            layers.knots(apart, layers.PLACES, 1) @ w["near"]
            + layers.knots(passed, TIMES, 3) @ w["time"]
        )
        # As many as a step may see, so that its sum does not grow with its place.
        share = (apart >= 0) / (place[:, None] + 1.0)
        for at, own in enumerate(bias.permute(0, 3, 1, 2).chunk(self.layers, 1)):
            x = x + self._block(w, str(at), x, own, share, noise)
        return layers.norm(w, "out", x)

    def _block(
        self, w: Weights, at: str, x: Tensor, bias: Tensor, share: Tensor, noise: Noise | None
    ) -> Tensor:
        from torch.nn.functional import silu

        n, steps, dim = x.shape
        parts = silu(layers.linear(w, f"{at}.in", layers.norm(w, f"{at}.norm", x)))
        gate, value, query, key = parts.split(dim, -1)
        query, key, value = (
            one.view(n, steps, self.heads, dim // self.heads).transpose(1, 2)
            for one in (query, key, value)
        )
        weight = silu(query @ key.transpose(-1, -2) + bias) * share
        seen = (weight @ value).transpose(1, 2).reshape(n, steps, dim)
        seen = layers.norm(w, f"{at}.seen", seen) * gate
        return layers.linear(w, f"{at}.out", layers.drop(seen, noise))
