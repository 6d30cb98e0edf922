"""Attention in both directions, trained to fill gaps: BERT4Rec (Sun et al. 2019).

Events are blanked out at random and guessed from what stands on both sides; asked for the next
one, it fills a blank after the last.
"""

import numpy as np

from tastemate.retrieve.sequential import layers
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.model import Sequential
from tastemate.retrieve.sequential.training import Training
from tastemate.types import Floats

BLANK = 0.4
"""Share of the events blanked out."""
FADES = 2.0
"""How much less the first two heads see, at first, of what is twice as far away; every pair of
heads after them a quarter of that. A blank knows nothing but its place: without a bias it learns
only slowly which events stand next to it."""
OTHER = 4.0
"""How much less a head sees, at first, of the side that is not its own: one that sees both alike
learns only slowly which came before and which after."""
OWN = 2.0
"""How much less a step sees, at first, of itself than of its neighbour."""


class Bert4Rec(Sequential):
    """A transformer that sees both sides of a blank."""

    name = "bert4rec"

    def parts(self, rng: np.random.Generator) -> Start:
        """Return first weights of the blocks and the places."""
        # Zero: a place that no training history reached must not add noise.
        found = {"place": np.zeros((self.training.length + 1, self.dim), np.float32)}
        for at in range(self.layers):
            found |= layers.start_attend(rng, f"{at}.attend", self.dim)
            found |= layers.start_feed_forward(rng, f"{at}.forward", self.dim, self.dim * 4)
            found[f"{at}.before"], found[f"{at}.after"] = _biases(self.heads)
        return found | layers.start_norm("out", self.dim)

    def encode(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return a vector for every step, (sequences, steps, dim)."""
        n = steps.items.shape[1]
        import torch

        # Places are counted from the end: what is asked for stands at the same one always.
        place = torch.arange(n, device=steps.items.device)
        back = steps.lengths[:, None] - 1 - place
        # No dropout here: all that a blank learns of its neighbour passes through this vector.
        x = self.embedded(w, steps, noise) + w["place"][back.clamp(min=0)]
        apart = place[:, None] - place[None, :]
        before, after = (layers.knots(one, layers.PLACES, 1) for one in (apart, -apart))
        ahead = (apart < 0).unsqueeze(-1)
        hidden = self._hidden(w, steps)
        for at in range(self.layers):
            bias = torch.where(ahead, after @ w[f"{at}.after"], before @ w[f"{at}.before"])
            mask = bias.permute(2, 0, 1) + hidden
            x = layers.attend(w, f"{at}.attend", x, self.heads, noise, mask)
            x = layers.feed_forward(w, f"{at}.forward", x, noise)
        return layers.norm(w, "out", x)

    def _hidden(self, w: Weights, steps: Steps) -> Tensor:
        """Return what is added where nothing is to be seen, (sequences, 1, steps, steps).

        A blank is seen by itself alone: it tells nothing, and there are many in training and one
        when a list is asked for.
        """
        import torch

        none = (steps.items == 0) | (steps.items == len(self.table(w)) - 1)
        itself = torch.eye(steps.items.shape[1], dtype=torch.bool, device=none.device)
        shut = none[:, None, None, :] & ~itself
        return torch.zeros(shut.shape, device=shut.device).masked_fill(shut, -1e9)

    def last(self, w: Weights, steps: Steps) -> Tensor:
        """Return the vector of a blank after each sequence, (sequences, dim)."""
        longer = _with_one_more(steps, len(self.table(w)) - 1)
        return layers.at_end(self.encode(w, longer, None), longer.lengths)

    def loss(self, w: Weights, steps: Steps, noise: Noise, training: Training) -> Tensor:
        """Return the loss of the blanks' guesses."""
        import torch

        blank = len(self.table(w)) - 1
        rows = torch.arange(len(steps.items), device=steps.items.device)
        longer = _with_one_more(steps, blank)
        items = longer.items.clone()
        items[rows, longer.lengths - 1] = steps.targets[rows, steps.lengths - 1]
        drawn = torch.rand(items.shape, generator=noise.rng, device=items.device)
        hidden_away = (drawn < BLANK) & (items > 0)
        empty = ~hidden_away.any(1)
        hidden_away[rows[empty], (longer.lengths - 1)[empty]] = True
        shown = Steps(
            torch.where(hidden_away, blank, items),
            longer.times,
            longer.targets,
            longer.users,
            longer.lengths,
        )
        hidden = self.encode(w, shown, noise)[hidden_away]
        return self.compared(w, hidden, items[hidden_away], noise, training)


def _with_one_more(steps: Steps, code: int) -> Steps:
    """Return the sequences with one more item at their end."""
    import torch
    from torch.nn.functional import pad

    rows = torch.arange(len(steps.items), device=steps.items.device)
    items, times, targets = (pad(one, (0, 1)) for one in (steps.items, steps.times, steps.targets))
    items[rows, steps.lengths] = code
    return Steps(items, times, targets, steps.users, steps.lengths + 1)


def _biases(heads: int) -> tuple[Floats, Floats]:
    """Return first biases by distance, (knots, heads), of what stands before and after.

    Heads take turns in looking back and ahead; a single one looks at both sides.
    """
    head, knot = np.arange(heads), np.arange(layers.PLACES)[:, None]
    fading = (1 - knot) * FADES / 4.0 ** (head // 2)
    back, ahead = (OTHER * (head % 2 != side) * (heads > 1) for side in (0, 1))
    before, after = fading - back, fading - ahead
    before[0] = -OWN
    return before.astype(np.float32), after.astype(np.float32)
