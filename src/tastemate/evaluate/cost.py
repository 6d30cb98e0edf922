"""What a figure cost: seconds to fit, seconds to ask, and how many numbers the model keeps."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.interactions import Interactions

_CLOSED = (
    *(str, bytes, bool, int, float, complex, np.generic, type, type(None)),
    *(ModuleType, FunctionType, BuiltinFunctionType, MethodType, Catalog, Interactions),
)
_LEAVES = re.compile(r"^num_leaves=(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one cell cost on the machine that made it."""

    fit_seconds: float
    ask_seconds: float
    """For the scores of the whole catalogue, of everybody asked about."""
    asked: int
    """People asked about."""
    numbers: int
    """What `kept_numbers` counted."""

    @property
    def per_thousand(self) -> float:
        """Seconds of asking for a thousand people; 0 where nobody was asked about."""
        return 1000 * self.ask_seconds / self.asked if self.asked else 0.0

    def as_array(self) -> NDArray[np.float64]:
        """Return the numbers in a row, to be kept beside ranks."""
        return np.array([self.fit_seconds, self.ask_seconds, self.asked, self.numbers])

    @classmethod
    def of_array(cls, row: NDArray[np.float64]) -> "Cost":
        """Return what `as_array` gave."""
        fit, ask, asked, numbers = (float(one) for one in row)
        return cls(fit, ask, int(asked), int(numbers))

    def as_json(self) -> dict[str, float]:
        """Return the figures under their names."""
        return {
            "fit_seconds": self.fit_seconds,
            "seconds_per_1000_users": self.per_thousand,
            "numbers": self.numbers,
        }


def kept_numbers(model: object) -> int:
    """Return how many floating-point numbers a fitted model holds, each place in memory once.

    Weights of a network, cells of a matrix, thresholds and leaves of trees; whole numbers, the
    data themselves and encoders of texts are not counted.
    """
    places: set[tuple[int, int]] = set()
    seen: set[int] = set()
    stack: list[object] = [model]
    total = 0
    hold = []  # keeps what was made on the way alive, so that no address is used again
    while stack:
        one = stack.pop()
        if isinstance(one, _CLOSED) or id(one) in seen or _encodes(one):
            continue
        seen.add(id(one))
        hold.append(one)
        found = _array(one)
        if found is None:
            total += _trees(one)
            stack.extend(_parts(one))
        elif found not in places:
            places.add(found)
            total += found[1]
    return total


def _encodes(one: object) -> bool:
    """Whether this is an encoder of texts, asked of its class: no property is evaluated."""
    kind = type(one)
    sized = hasattr(kind, "dimensions") or "dimensions" in getattr(one, "__dict__", {})
    return sized and hasattr(kind, "encode")


def _array(one: object) -> tuple[int, int] | None:
    """Return address and count of an array of floating-point numbers; (0, 0) for any other."""
    if sparse.issparse(one):
        one = getattr(one, "data", np.zeros(0))
    if isinstance(one, np.ndarray):
        counts = np.issubdtype(one.dtype, np.floating) and one.size
        return (one.__array_interface__["data"][0], one.size) if counts else (0, 0)
    if hasattr(type(one), "data_ptr") and hasattr(type(one), "is_floating_point"):
        tensor: Any = one
        counts = tensor.is_floating_point() and tensor.numel()
        return (int(tensor.data_ptr()), int(tensor.numel())) if counts else (0, 0)
    return None


def _trees(one: object) -> int:
    """Return the leaves and thresholds of a booster, 0 for anything else."""
    if not hasattr(type(one), "model_to_string"):
        return 0
    booster: Any = one
    return sum(2 * int(leaves) - 1 for leaves in _LEAVES.findall(booster.model_to_string()))


def _parts(one: object) -> Iterator[object]:
    if isinstance(one, Mapping):
        yield from one.values()
    elif isinstance(one, list | tuple | set | frozenset):
        yield from one
    yield from getattr(one, "__dict__", {}).values()
    for kind in type(one).__mro__:
        slots: str | Iterable[str] = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__"):
                yield getattr(one, name, None)
