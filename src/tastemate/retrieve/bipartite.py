"""A graph of people and items whose vectors spread along its edges (He et al. 2020)."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from tastemate.retrieve.sequential.layers import Tensor, Weights
from tastemate.types import Floats


class Graph:
    """The edges between people and items, each over √(degree · degree), as tensors."""

    def __init__(self, met: sparse.csr_matrix) -> None:
        """Read who met what, (people, items), binary."""
        degrees = [np.maximum(np.asarray(met.sum(axis=axis)).ravel(), 1) for axis in (1, 0)]
        people, items = (sparse.diags_array(1 / np.sqrt(degree)) for degree in degrees)
        edges = sparse.csr_matrix(people @ met @ items).astype(np.float32)
        self.of_people = _tensor(edges)
        self.of_items = _tensor(sparse.csr_matrix(edges.T))
        self.scale: Floats = (1 / np.sqrt(degrees[1])).astype(np.float32)[:, None]

    def layers(self, w: Weights, depth: int) -> tuple[list[Tensor], list[Tensor]]:
        """Return the vectors of people and of items in each layer; None where all are zero."""
        device = w["item"].device
        self.of_people, self.of_items = self.of_people.to(device), self.of_items.to(device)
        people, items = [w.get("person")], [w["item"]]
        for _ in range(depth):
            above, below = people[-1], items[-1]
            people.append(_product(self.of_people, self.of_items, below))
            items.append(_product(self.of_items, self.of_people, above))
        return people, items

    def tables(self, w: Weights, depth: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return what scores items, what a history is made of, and the people's own vectors."""
        import torch

        people, items = self.layers(w, depth)
        scale = torch.as_tensor(self.scale, device=w["item"].device)
        return _mean(items), _mean([*items[:-1], None]) * scale, _mean(people)


def _mean(layers: Sequence[Tensor]) -> Tensor:
    """Return the mean over layers, of which those that are None are zero."""
    some = [one for one in layers if one is not None]
    return sum(some[1:], some[0]) / len(layers) if some else None


def _tensor(matrix: sparse.csr_matrix) -> Tensor:
    import torch

    parts = (matrix.indptr, matrix.indices)
    starts, columns = (torch.from_numpy(part.astype(np.int64)) for part in parts)
    values = torch.from_numpy(matrix.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # once a process: that sparse tensors may change
        shape = matrix.shape
        return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=True)


def _product(matrix: Tensor, turned: Tensor, vectors: Tensor) -> Tensor:
    """Return matrix · vectors, None for None; `turned` is the transpose, for the gradient."""
    import torch

    if vectors is None:
        return None

    def forward(ctx: object, x: Tensor) -> Tensor:
        # Sparse products know no bfloat16, which a fit on a GPU asks for.
        with torch.autocast(x.device.type, enabled=False):
            return matrix @ x

    def backward(ctx: object, slope: Tensor) -> Tensor:
        return turned @ slope

    said = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    product: Any = type("Product", (torch.autograd.Function,), said)
    return product.apply(vectors)
