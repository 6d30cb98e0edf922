"""Adapters of low rank beside the weights of a pretrained network (LoRA, Hu et al. 2022)."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from tastemate.errors import FormatError, Unavailable
from tastemate.types import Floats

Tensor: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Low:
    """Which weights get adapters, and of what size."""

    targets: tuple[str, ...]
    """Last parts of the names of the layers that are adapted."""
    rank: int = 8
    alpha: int = 32
    dropout: float = 0.05
    layers: tuple[int, ...] = ()
    """Numbers of the blocks that are adapted; all where none is named."""


def adapters(network: Any, low: Low, seed: int = 0) -> Any:
    """Return a network with adapters that change nothing yet; all else is frozen.

    Raises `Unavailable` where peft is not installed.
    """
    try:
        peft: Any = import_module("peft")
    except ImportError as error:
        raise Unavailable(
            f"Adapters need peft ({error}). pip install 'tastemate[train]'"
        ) from error
    import torch

    said = peft.LoraConfig(
        r=low.rank,
        lora_alpha=low.alpha,
        lora_dropout=low.dropout,
        target_modules=list(low.targets),
        layers_to_transform=list(low.layers) or None,
    )
    with torch.random.fork_rng(), warnings.catch_warnings():
        # peft still asks transformers by a name that is going away.
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        return peft.get_peft_model(network, said).eval()


def trainable(network: Any) -> dict[str, Tensor]:
    """Return what a network leaves to be learned, by name."""
    return {name: one for name, one in network.named_parameters() if one.requires_grad}


def arrays(learned: Mapping[str, Tensor]) -> dict[str, Floats]:
    """Return what was learned as arrays."""
    return {name: one.detach().float().cpu().numpy() for name, one in learned.items()}


def put(learned: Mapping[str, Tensor], found: Mapping[str, Floats]) -> None:
    """Put arrays into the tensors of the same names; raise `FormatError` where they do not fit."""
    import torch

    for name, one in learned.items():
        if name not in found or found[name].shape != tuple(one.shape):
            raise FormatError(
                f"What was learned does not fit this network: {name} is missing or of another "
                "shape. Delete the folder and learn again."
            )
    with torch.no_grad():
        for name, one in learned.items():
            one.copy_(torch.from_numpy(np.array(found[name])).to(one.device, one.dtype))
