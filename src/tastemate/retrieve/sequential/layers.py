"""The parts networks are made of, as functions of tensors: weights are a plain dictionary.

A network kept as arrays by name needs no pickle to be saved and no torch to be looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tastemate.types import Floats

Tensor: TypeAlias = Any
"""A torch tensor; torch is not imported here."""
Weights: TypeAlias = Mapping[str, Tensor]
Start: TypeAlias = dict[str, Floats]
"""First values of weights, drawn with numpy: the same on every device."""
PLACES = 9
"""Values of a bias of places apart: at 0, 1, 3, 7 and so on to 255, on straight lines between."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What makes a pass a training pass: a generator of random numbers and a dropout rate."""

    rng: Any
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A `windows.Batch` on the device: tensors of the same names and shapes."""

    items: Tensor
    times: Tensor
    targets: Tensor
    users: Tensor
    lengths: Tensor


def drop(x: Tensor, noise: Noise | None) -> Tensor:
    """Set a share of the numbers to zero and scale the others up, in training only."""
    if noise is None or noise.rate == 0:
        return x
    import torch

    keep = 1 - noise.rate
    drawn = torch.rand(x.shape, generator=noise.rng, device=x.device) < keep
    return x * (drawn / keep)


def norm(w: Weights, name: str, x: Tensor) -> Tensor:
    """Normalise over the last dimension, with a learned scale and shift (Ba et al. 2016)."""
    from torch.nn.functional import layer_norm

    scale = w[f"{name}.scale"]
    return layer_norm(x, tuple(scale.shape), scale, w[f"{name}.shift"])


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    """Return x·W + b."""
    return x @ w[f"{name}.matrix"] + w[f"{name}.bias"]


def feed_forward(w: Weights, name: str, x: Tensor, noise: Noise | None) -> Tensor:
    """Return x with what a two-layer network makes of it, normalised before."""
    from torch.nn.functional import gelu

    inner = drop(gelu(linear(w, f"{name}.in", norm(w, f"{name}.norm", x))), noise)
    return x + drop(linear(w, f"{name}.out", inner), noise)


def attend(
    w: Weights, name: str, x: Tensor, heads: int, noise: Noise | None, mask: Tensor = None
) -> Tensor:
    """Return x with what softmax attention adds; each step sees those before it, or `mask`.

    `mask` is added to the logits, (sequences, heads, steps, steps).
    """
    from torch.nn.functional import scaled_dot_product_attention

    n, steps, dim = x.shape
    parts = linear(w, f"{name}.qkv", norm(w, f"{name}.norm", x))
    query, key, value = parts.view(n, steps, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
    seen = scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None)
    seen = seen.transpose(1, 2).reshape(n, steps, dim)
    return x + drop(linear(w, f"{name}.out", seen), noise)


def knots(distance: Tensor, count: int, doublings: int) -> Tensor:
    """Return how near each distance is to each knot, (..., count): two neighbours sum to 1."""
    import torch

    level = distance.clamp(min=0).float().log1p() / float(np.log(2) * doublings)
    knots = torch.arange(count, device=level.device, dtype=level.dtype)
    near = level.clamp(max=count - 1).unsqueeze(-1) - knots
    return near.abs_().neg_().add_(1).clamp_(min=0)


def at_end(x: Tensor, lengths: Tensor) -> Tensor:
    """Return the vector of each sequence's last step, (sequences, dim), of (…, steps, dim)."""
    place = (lengths - 1).view(-1, 1, 1).expand(-1, 1, x.shape[-1])
    return x.gather(1, place).squeeze(1)


def start_linear(rng: np.random.Generator, name: str, inputs: int, outputs: int) -> Start:
    """Return first weights of `linear`: Xavier's (Glorot and Bengio 2010)."""
    scale = np.sqrt(2 / (inputs + outputs))
    return {
        f"{name}.matrix": drawn(rng, (inputs, outputs), scale),
        f"{name}.bias": np.zeros(outputs, np.float32),
    }


def start_norm(name: str, dim: int) -> Start:
    """Return first weights of `norm`."""
    ones = np.ones(dim, np.float32)
    return {f"{name}.scale": ones, f"{name}.shift": np.zeros(dim, np.float32)}


def start_feed_forward(rng: np.random.Generator, name: str, dim: int, inner: int) -> Start:
    """Return first weights of `feed_forward`."""
    return {
        **start_norm(f"{name}.norm", dim),
        **start_linear(rng, f"{name}.in", dim, inner),
        **start_linear(rng, f"{name}.out", inner, dim),
    }


def start_attend(rng: np.random.Generator, name: str, dim: int) -> Start:
    """Return first weights of `attend`."""
    return {
        **start_norm(f"{name}.norm", dim),
        **start_linear(rng, f"{name}.qkv", dim, 3 * dim),
        **start_linear(rng, f"{name}.out", dim, dim),
    }


def drawn(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> Floats:
    """Return normal random numbers of a standard deviation."""
    return (rng.standard_normal(shape, np.float32) * np.float32(scale)).astype(np.float32)
