import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from tastemate.retrieve.sequential.layers import Noise  # noqa: E402
from tastemate.retrieve.sequential.losses import Head, loss  # noqa: E402


def _case(items: int = 9):
    rng = torch.Generator().manual_seed(0)
    head = Head(torch.randn((items, 4), generator=rng), torch.randn(items, generator=rng))
    hidden = torch.randn((5, 4), generator=rng)
    return head, hidden, torch.tensor([1, 2, 9, 4, 4]), Noise(rng, 0.0)


def test_softmax_is_the_negative_log_of_the_share() -> None:
    head, hidden, targets, noise = _case()
    scores = (hidden @ head.table.T + head.bias).numpy()
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wanted = -np.log(shares[np.arange(5), targets.numpy() - 1]).mean()
    assert float(loss("softmax", head, hidden, targets, noise)) == pytest.approx(wanted, rel=1e-5)


def test_sampling_everything_is_the_softmax() -> None:
    head, hidden, targets, noise = _case()
    whole = float(loss("softmax", head, hidden, targets, noise))
    drawn = float(loss("sampled", head, hidden, targets, noise, negatives=50))
    assert drawn == pytest.approx(whole, rel=1e-5)
    some = [float(loss("sampled", head, hidden, targets, noise, negatives=6)) for _ in range(300)]
    assert np.mean(some) == pytest.approx(whole, abs=0.2)


def test_calibration_lessens_the_weight_of_the_positive_by_the_share_drawn() -> None:
    head, hidden, targets, _ = _case(8)
    targets = targets.clamp(max=8)
    positive = -torch.nn.functional.logsigmoid(head.of(hidden, targets))
    for calibration, power in ((0.0, 1.0), (0.5, 0.625), (1.0, 0.25)):
        plain, less = (
            float(
                loss("gbce", head, hidden, targets, Noise(_rng(1), 0.0), negatives=2, calibration=t)
            )
            for t in (0.0, calibration)
        )
        assert plain - less == pytest.approx(float((1 - power) * positive.mean()), rel=1e-4)
    whole = [
        float(loss("gbce", head, hidden, targets, Noise(_rng(1), 0.0), negatives=8, calibration=t))
        for t in (0.0, 1.0)
    ]
    assert whole[0] == pytest.approx(whole[1])  # where all are drawn there is nothing to mend


def _rng(seed: int):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["softmax", "sampled", "gbce", "bce"])
def test_each_loss_falls_as_the_target_rises(kind: str) -> None:
    _, _, targets, _ = _case()
    head, hidden = Head(torch.eye(9), torch.zeros(9)), torch.zeros((5, 9))
    pulled = 3 * head.table[targets - 1]
    before = float(loss(kind, head, hidden, targets, Noise(_rng(1), 0.0), negatives=4))
    after = float(loss(kind, head, pulled, targets, Noise(_rng(1), 0.0), negatives=4))
    assert after < before


@pytest.mark.parametrize("kind", ["softmax", "sampled", "gbce", "bce"])
def test_one_item_is_no_trouble(kind: str) -> None:
    head = Head(torch.ones((1, 4)), torch.zeros(1))
    found = loss(kind, head, torch.ones((2, 4)), torch.tensor([1, 1]), Noise(_rng(0), 0.0))
    assert torch.isfinite(found)
