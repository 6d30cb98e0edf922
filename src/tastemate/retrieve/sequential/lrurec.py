"""A linear recurrence with complex diagonal weights: LRURec (Yue et al. 2024).

h_t = λ·h_(t-1) + γ·B·x_t, with |λ| < 1 a number for each channel (Orvieto et al. 2023). Training
computes all steps at once by doubling: log2(n) passes, each adding λ^s times the state s steps
before. Serving moves a person's state on by one event, however long the history is.
"""

from dataclasses import dataclass

import numpy as np

from tastemate.retrieve.sequential import layers
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.model import Sequential
from tastemate.types import Floats, Rows

SLOWEST, FASTEST = 0.99, 0.8
"""Between these the channels' first |λ| are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a history comes to: real and imaginary parts, (layers, 2, channels), and the vector
    after its last known event, (dim,); None before the first one.
    """

    waves: Floats
    vector: Floats | None = None


class LruRec(Sequential):
    """Blocks of a linear recurrence and a feed-forward network."""

    name = "lrurec"

    @property
    def channels(self) -> int:
        """Complex channels of a block's state."""
        return self.dim * 2

    def parts(self, rng: np.random.Generator) -> Start:
        """Return first weights of the blocks."""
        found: Start = layers.start_norm("first", self.dim)
        for at in range(self.layers):
            drawn = rng.uniform(size=(2, self.channels))
            squares = drawn[0] * (SLOWEST**2 - FASTEST**2) + FASTEST**2
            found[f"{at}.decay"] = np.log(-0.5 * np.log(squares)).astype(np.float32)
            found[f"{at}.turn"] = np.log(2 * np.pi * drawn[1] + 1e-4).astype(np.float32)
            found[f"{at}.gain"] = np.log(np.sqrt(1 - squares)).astype(np.float32)
            found |= layers.start_norm(f"{at}.norm", self.dim)
            found |= layers.start_linear(rng, f"{at}.in", self.dim, 2 * self.channels)
            found |= layers.start_linear(rng, f"{at}.mixed", 2 * self.channels, self.dim)
            found |= layers.start_feed_forward(rng, f"{at}.forward", self.dim, self.dim * 4)
        return found | layers.start_norm("out", self.dim)

    def encode(self, w: Weights, steps: Steps, noise: Noise | None) -> Tensor:
        """Return a vector for every step, (sequences, steps, dim)."""
        x = layers.drop(layers.norm(w, "first", self.embedded(w, steps, noise)), noise)
        for at in range(self.layers):
            real, imaginary = _scan(*_rates(w, at), *_inputs(w, at, x))
            x = _mixed(w, at, x, real, imaginary, noise)
        return layers.norm(w, "out", x)

    def start(self) -> State:
        """Return the state of somebody who did nothing yet."""
        return State(np.zeros((self.layers, 2, self.channels), np.float32))

    def advance(self, state: State, items: Rows) -> State:
        """Return the state after more events, oldest first: a fixed cost for each of them."""
        import torch

        w, place = self.tensors(), self.codes()
        waves = torch.from_numpy(state.waves.copy())
        vector = state.vector
        with torch.inference_mode():
            for code in (place[items] + 1).tolist():
                if not code:
                    continue
                x = layers.norm(w, "first", self.table(w)[code] * float(np.sqrt(self.dim)))
                for at in range(self.layers):
                    across, along = _rates(w, at)
                    real, imaginary = _inputs(w, at, x)
                    before = waves[at].clone()
                    waves[at, 0] = real + across * before[0] - along * before[1]
                    waves[at, 1] = imaginary + across * before[1] + along * before[0]
                    x = _mixed(w, at, x, waves[at, 0], waves[at, 1], None)
                vector = layers.norm(w, "out", x).numpy()
        return State(waves.numpy(), vector)

    def scores_of(self, states: list[State]) -> Floats:
        """Score every item for every state, (states, items); -inf where nothing is known."""
        import torch

        known = self._fitted()
        wide = np.full((len(states), known.width), -np.inf, dtype=np.float32)
        some = {at: one.vector for at, one in enumerate(states) if one.vector is not None}
        if some:
            rows, vectors = np.array(list(some), np.int64), np.stack(list(some.values()))
            with torch.inference_mode():
                found = self.head(self.tensors()).all(torch.from_numpy(vectors)).numpy()
            wide[np.ix_(rows, known.items)] = found
        return wide


def _rates(w: Weights, at: int) -> tuple[Tensor, Tensor]:
    """Return λ's real and imaginary parts, (channels,)."""
    size = (-w[f"{at}.decay"].exp()).exp()
    turn = w[f"{at}.turn"].exp()
    return size * turn.cos(), size * turn.sin()


def _inputs(w: Weights, at: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the events add to the state: real and imaginary parts, (..., channels)."""
    real, imaginary = layers.linear(w, f"{at}.in", layers.norm(w, f"{at}.norm", x)).chunk(2, -1)
    gain = w[f"{at}.gain"].exp()
    return real * gain, imaginary * gain


def _scan(across: Tensor, along: Tensor, real: Tensor, imaginary: Tensor) -> tuple[Tensor, Tensor]:
    """Return all states of h_t = λ·h_(t-1) + input_t, (sequences, steps, channels) each."""
    import torch

    size, state = torch.complex(across, along), torch.complex(real.float(), imaginary.float())
    shift = 1
    while shift < state.shape[1]:
        later = state[:, shift:] + size * state[:, :-shift]
        state = torch.cat((state[:, :shift], later), 1)
        size = size * size
        shift *= 2
    return state.real, state.imag


def _mixed(
    w: Weights, at: int, x: Tensor, real: Tensor, imaginary: Tensor, noise: Noise | None
) -> Tensor:
    """Return what a block makes of its input and its states."""
    import torch

    seen = layers.linear(w, f"{at}.mixed", torch.cat((real, imaginary), -1))
    return layers.feed_forward(w, f"{at}.forward", x + layers.drop(seen, noise), noise)
