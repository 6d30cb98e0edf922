"""A fitted network as an ONNX graph, so that it is served by onnxruntime, without torch."""

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemate.retrieve.sequential.layers import Steps, Tensor
from tastemate.retrieve.sequential.windows import Batch
from tastemate.types import Floats

if TYPE_CHECKING:
    from tastemate.retrieve.sequential.model import Sequential

OPSET = 17


def exported(model: "Sequential") -> bytes:
    """Return the graph from codes, seconds and lengths to scores, with the weights in it.

    Raises what torch raises where a network cannot be written down.
    """
    import torch

    w = model.tensors()

    def forward(self: Any, items: Tensor, times: Tensor, lengths: Tensor) -> Tensor:
        nobody = torch.zeros_like(lengths)
        return model.answer(w, Steps(items, times, torch.zeros_like(items), nobody, lengths))

    network = type("Network", (torch.nn.Module,), {"forward": forward})()
    shown = (
        torch.tensor([[1, 1, 1], [1, 1, 0]]),
        torch.tensor([[0, 1, 90], [0, 5, 5]]),
        torch.tensor([3, 2]),
    )
    sizes = {0: "sequences", 1: "steps"}
    into = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        # The newer exporter needs packages of its own; this one does what is needed here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            shown,
            into,
            input_names=["items", "times", "lengths"],
            output_names=["scores"],
            dynamic_axes={"items": sizes, "times": sizes, "lengths": {0: "sequences"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return into.getvalue()


class Graph:
    """An exported network, opened."""

    def __init__(self, data: bytes) -> None:
        import onnxruntime

        wanted = onnxruntime.SessionOptions()
        wanted.log_severity_level = 3
        wanted.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(data, wanted)
        self._takes = {one.name for one in self._session.get_inputs()}

    def scores(self, batch: Batch) -> Floats:
        """Score all items after the last step of each sequence, (sequences, items)."""
        given = {"items": batch.items, "times": batch.times, "lengths": batch.lengths}
        fed = {name: np.asarray(one, np.int64) for name, one in given.items()}
        asked = {name: one for name, one in fed.items() if name in self._takes}
        found: Floats = self._session.run(None, asked)[0]
        return found
