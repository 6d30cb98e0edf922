import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from tastemate.retrieve.sequential import layers  # noqa: E402
from tastemate.retrieve.sequential.lrurec import _scan  # noqa: E402


def test_a_distance_lies_between_two_knots() -> None:
    near = layers.knots(torch.tensor([-4, 0, 1, 2, 3, 255, 9_999]), layers.PLACES, 1)
    np.testing.assert_allclose(near.sum(-1).numpy(), 1.0, rtol=1e-6)
    assert near.argmax(-1).tolist() == [0, 0, 1, 2, 2, 8, 8]
    assert int((near[3] > 0).sum()) == 2


def test_what_the_mask_shuts_out_is_not_seen() -> None:
    rng = np.random.default_rng(0)
    w = {name: torch.from_numpy(one) for name, one in layers.start_attend(rng, "a", 4).items()}
    x = torch.from_numpy(layers.drawn(rng, (1, 3, 4), 1.0))
    mask = torch.zeros((1, 2, 3, 3))
    mask[..., 2] = -1e9
    other = x.clone()
    other[0, 2] += 5.0
    found, changed = (layers.attend(w, "a", one, 2, None, mask) for one in (x, other))
    np.testing.assert_array_equal(found[0, :2].numpy(), changed[0, :2].numpy())


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 13])
def test_the_scan_is_the_recurrence(steps: int) -> None:
    rng = np.random.default_rng(steps)
    size = rng.uniform(0.5, 0.99, 5) * np.exp(1j * rng.uniform(0, 6, 5))
    inputs = rng.standard_normal((2, steps, 5)) + 1j * rng.standard_normal((2, steps, 5))
    wanted, state = np.zeros_like(inputs), np.zeros((2, 5), complex)
    for at in range(steps):
        state = size * state + inputs[:, at]
        wanted[:, at] = state
    parts = (size.real, size.imag, inputs.real, inputs.imag)
    real, imaginary = _scan(*(torch.from_numpy(one.astype(np.float32)) for one in parts))
    np.testing.assert_allclose(real.numpy() + 1j * imaginary.numpy(), wanted, rtol=1e-4, atol=1e-5)
