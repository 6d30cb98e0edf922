"""What a sequence model is trained to make small; `hidden` is (n, dim), `targets` codes (n,).

`Head` gives the scores of items: over all of them, or over drawn negatives where a catalogue is
too large for that. One negative and binary cross-entropy, as SASRec was published, is kept as
the baseline: it makes a model far too sure of itself (Petrov and Macdonald 2023).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tastemate.retrieve.sequential.layers import Noise, Tensor

Loss: TypeAlias = Literal["softmax", "sampled", "gbce", "bce"]
LOSSES: tuple[Loss, ...] = ("softmax", "sampled", "gbce", "bce")


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Item vectors (m, dim) and biases (m,) of the items with codes 1 to m."""

    table: Tensor
    bias: Tensor

    def all(self, hidden: Tensor) -> Tensor:
        """Return the score of every item, (n, m)."""
        return hidden @ self.table.T + self.bias

    def of(self, hidden: Tensor, codes: Tensor) -> Tensor:
        """Return the score of one item for each row, (n,)."""
        return (hidden * self.table[codes - 1]).sum(-1) + self.bias[codes - 1]


def loss(
    kind: Loss,
    head: Head,
    hidden: Tensor,
    targets: Tensor,
    noise: Noise,
    *,
    negatives: int = 512,
    calibration: float = 0.75,
    smoothing: float = 0.0,
) -> Tensor:
    """Return the mean loss; `negatives` are shared by the batch, drawn evenly over the items.

    `calibration` is gBCE's t: 0 is plain binary cross-entropy over the negatives, 1 makes its
    scores those of a softmax.
    """
    from torch.nn.functional import cross_entropy, logsigmoid

    if kind == "softmax":
        return cross_entropy(head.all(hidden), targets - 1, label_smoothing=smoothing)
    if kind == "bce":
        import torch

        other = torch.randint(
            1, len(head.bias) + 1, targets.shape, generator=noise.rng, device=targets.device
        )
        pushed = logsigmoid(-head.of(hidden, other)) * (other != targets)
        return -(logsigmoid(head.of(hidden, targets)) + pushed).mean()
    positive, drawn, share = _against(head, hidden, targets, noise, negatives)
    if kind == "sampled":
        # log of how much more of the catalogue there is than was drawn: the sum keeps its size.
        return -(positive - _log_sum(positive, drawn, share)).mean()
    power = share * (calibration * (1 - 1 / share) + 1 / share)
    return -(power * logsigmoid(positive) + logsigmoid(-drawn).sum(-1)).mean()


def _against(
    head: Head, hidden: Tensor, targets: Tensor, noise: Noise, negatives: int
) -> tuple[Tensor, Tensor, float]:
    """Return positive scores (n,), those of the negatives (n, drawn), and the share drawn.

    A target among the negatives is no negative of its own row.
    """
    import torch

    count = len(head.bias)
    size = min(negatives, count)
    codes = torch.randperm(count, generator=noise.rng, device=targets.device)[:size] + 1
    scores = hidden @ head.table[codes - 1].T + head.bias[codes - 1]
    scores = scores.masked_fill(codes[None, :] == targets[:, None], -1e9)
    return head.of(hidden, targets), scores, size / count


def _log_sum(positive: Tensor, drawn: Tensor, share: float) -> Tensor:
    import math

    import torch

    return torch.logaddexp(positive, drawn.logsumexp(-1) - math.log(share))
