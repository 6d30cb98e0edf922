"""Self-attention over the latest events: SASRec (Kang and McAuley 2018).

With a softmax loss over all items in place of one negative, which is most of what its successors
gained (Petrov and Macdonald 2023; Klenitskiy and Vasilev 2023).
"""

import numpy as np

from tastemate.retrieve.sequential import layers
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.model import Sequential


class SasRec(Sequential):
    """A causal transformer with a learned vector for each place in the window."""

    name = "sasrec"
    exports = True

    def parts(self, rng: np.random.Generator) -> Start:
        """Return first weights of the blocks and the places."""
        # Zero: a place that no training history reached must not add noise.
        found = {"place": np.zeros((self.training.length, self.dim), np.float32)}
        for at in range(self.layers):
            found |= layers.start_attend(rng, f"{at}.attend", self.dim)
            found |= layers.start_feed_forward(rng, f"{at}.forward", self.dim, self.dim * 2)
        return found | layers.start_norm("out", self.dim)

    def encode(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return a vector for every step, (sequences, steps, dim)."""
        x = self.embedded(w, steps, noise) + w["place"][: steps.items.shape[1]]
        x = layers.drop(x, noise)
        for at in range(self.layers):
            x = layers.attend(w, f"{at}.attend", x, self.heads, noise)
            x = layers.feed_forward(w, f"{at}.forward", x, noise)
        return layers.norm(w, "out", x)
