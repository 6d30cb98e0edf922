"""Attention in both directions, trained to fill gaps: BERT4Rec (Sun et al. 2019).

Events are blanked out at random and guessed from what stands on both sides; asked for the next
one, it fills a blank after the last.
"""

import numpy as np

from tastemate.retrieve.sequential import layers
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.model import Sequential
from tastemate.retrieve.sequential.training import Training

BLANK = 0.2
"""Share of the events blanked out."""
NEXT = 0.1
"""Share of the sequences in which only the last event is blank, as when it is asked for."""
FADES = 0.5
"""How much less is seen, at first, of what is twice as far away. A blank knows nothing but its
place: without a bias it learns only slowly which events stand next to it."""


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
            fading = -FADES * np.arange(layers.PLACES, dtype=np.float32)[:, None]
            found[f"{at}.before"] = fading + layers.drawn(rng, (layers.PLACES, self.heads), 0.02)
            found[f"{at}.after"] = fading + layers.drawn(rng, (layers.PLACES, self.heads), 0.02)
        return found | layers.start_norm("out", self.dim)

    def encode(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return a vector for every step, (sequences, steps, dim)."""
        n = steps.items.shape[1]
        import torch

        # Places are counted from the end: what is asked for stands at the same one always.
        back = steps.lengths[:, None] - 1 - torch.arange(n, device=steps.items.device)
        x = self.embedded(w, steps, noise) + w["place"][back.clamp(min=0)]
        x = layers.drop(x, noise)
        place = torch.arange(n, device=steps.items.device)
        apart = place[:, None] - place[None, :]
        before, after = (layers.knots(one, layers.PLACES, 1) for one in (apart, -apart))
        ahead = (apart < 0).unsqueeze(-1)
        hidden = torch.zeros(steps.items.shape, device=x.device).masked_fill(steps.items == 0, -1e9)
        for at in range(self.layers):
            bias = torch.where(ahead, after @ w[f"{at}.after"], before @ w[f"{at}.before"])
            mask = bias.permute(2, 0, 1) + hidden[:, None, None, :]
            x = layers.attend(w, f"{at}.attend", x, self.heads, noise, mask)
            x = layers.feed_forward(w, f"{at}.forward", x, noise)
        return layers.norm(w, "out", x)

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
        only_last = torch.rand(len(items), generator=noise.rng, device=items.device) < NEXT
        hidden_away[only_last] = False
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
