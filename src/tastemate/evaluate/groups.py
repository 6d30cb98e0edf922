"""The parts of the people and of the items that fairness is asked about."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate.evaluate.slices import bands
from tastemate.interactions import Interactions
from tastemate.rank import fair
from tastemate.types import Mask

MOST_VALUES = 12
"""A declared attribute with more values than this makes no groups."""
FEWEST = 5
"""A group of fewer people than this is left out: its figures would be noise about persons."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Name of a slice → which of the users asked, and the masks of each declared attribute."""

    masks: dict[str, Mask]
    declared: dict[str, list[Mask]]


def user_groups(train: Interactions, codes: NDArray[np.int64]) -> Groups:
    """Group users by the popularity of what they met, by history length, and as declared."""
    lengths = np.diff(train.offsets)[codes]
    counts = train.counts
    taste = np.array([counts[train.history(int(code)).items].mean() for code in codes])
    masks: dict[str, Mask] = {"all": np.ones(len(codes), dtype=np.bool_)}
    edges = np.quantile(taste, [1 / 3, 2 / 3])
    place = np.searchsorted(edges, taste)
    for third, label in enumerate(("rare", "middle", "popular")):
        masks[f"taste: {label}"] = place == third
    for label, mask in bands(lengths, (1, 10, 20, 50, 100)).items():
        masks[f"history: {label}"] = mask
    declared = _declared(train, codes)
    for attribute, parts in declared.items():
        masks |= {f"users: {attribute} = {value}": mask for value, mask in parts.items()}
    return Groups(
        {label: mask for label, mask in masks.items() if mask.any()},
        {name: list(parts.values()) for name, parts in declared.items() if len(parts) > 1},
    )


def item_thirds(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return each item's group and the labels: popular (few items), middle, rare (many items).

    Each group holds about a third of the events.
    """
    return fair.item_thirds(counts), fair.LABELS


def _declared(train: Interactions, codes: NDArray[np.int64]) -> dict[str, dict[str, Mask]]:
    if train.people is None:
        return {}
    groups: dict[str, dict[str, Mask]] = {}
    for column in train.people.columns:
        values = np.array(["" if v is None else str(v) for v in train.people[column].to_list()])
        own = values[codes]
        names = [str(name) for name in np.unique(own) if name]
        if len(names) <= MOST_VALUES:
            parts = {name: own == name for name in names}
            groups[column] = {name: m for name, m in parts.items() if m.sum() >= FEWEST}
    return groups
