import numpy as np
import pytest

from tastemate.errors import ConfigError, DataError
from tastemate.train.mixing import gain, learn_signals, learn_weight


def _world(queries, share, seed=0, n=20):
    """Scores of retriever and model: each holds a part of what decides the target, and noise."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(queries, n))
    retrieved = truth * (1 - share) + 0.5 * rng.normal(size=(queries, n))
    judged = truth * share + 0.5 * rng.normal(size=(queries, n))
    order = np.argsort(-retrieved, axis=1)
    truth, retrieved, judged = (
        np.take_along_axis(a, order, axis=1).astype(np.float32) for a in (truth, retrieved, judged)
    )
    return list(retrieved), list(judged), truth.argmax(axis=1).tolist()


def test_a_model_that_knows_more_gets_more_weight() -> None:
    weights = [learn_weight(*_world(400, share)).weight for share in (0.1, 0.5, 0.9)]
    assert weights[0] < weights[1] < weights[2]
    assert weights[2] >= 0.8


def test_the_answer_is_the_best_of_its_curve() -> None:
    found = learn_weight(*_world(400, 0.5))
    assert found.ndcg == max(value for _, value in found.curve)
    assert dict(found.curve)[0.0] == found.without < found.ndcg
    assert [weight for weight, _ in found.curve] == pytest.approx(np.arange(0, 1.05, 0.1))


def test_noise_gets_no_weight() -> None:
    weights = [learn_weight(*_world(60, 0.0, seed), sure=2.0).weight for seed in range(10)]
    assert weights.count(0.0) >= 9


def test_too_few_targets_teach_nothing() -> None:
    retrieved, judged, targets = _world(60, 0.9)
    assert learn_weight(retrieved, judged, targets).weight > 0
    few = [target if at < 49 else -1 for at, target in enumerate(targets)]
    found = learn_weight(retrieved, judged, few)
    assert (found.weight, found.queries) == (0.0, 49)
    empty = learn_weight([], [], [])
    assert (empty.weight, empty.ndcg, empty.queries) == (0.0, 0.0, 0)


def test_a_draw_leaves_the_model_out() -> None:
    retrieved = [np.array([3.0, 2.0, 1.0], np.float32)] * 60
    assert learn_weight(retrieved, retrieved, [1] * 60).weight == 0.0
    silent = [np.full(3, np.nan, np.float32)] * 60
    assert learn_weight(retrieved, silent, [1] * 60).weight == 0.0


def test_gain_of_a_front_that_was_judged() -> None:
    retrieved = np.array([5.0, 4.0, 3.0, 2.0], np.float32)
    judged = np.array([0.0, 1.0], np.float32)
    assert gain(retrieved, judged, 1, 1.0) == 1.0
    assert gain(retrieved, judged, 0, 1.0) == pytest.approx(1 / np.log2(3))
    assert gain(retrieved, judged, 3, 1.0) == pytest.approx(1 / np.log2(5))
    assert gain(retrieved, judged, 3, 1.0, k=3) == 0.0


def test_bad_input_is_refused() -> None:
    scores = [np.zeros(3, np.float32)]
    with pytest.raises(DataError, match="past its pool"):
        learn_weight(scores, scores, [3])
    with pytest.raises(ConfigError, match="step"):
        learn_weight(scores, scores, [0], step=0)
    with pytest.raises(DataError, match="2 lengths but 1 gains"):
        learn_signals([1, 2], [0.1])


def test_the_gate_closes_where_the_model_begins_to_lose() -> None:
    rng = np.random.default_rng(0)
    signals = rng.integers(1, 1000, size=500)
    gains = np.where(signals < 200, 0.05, -0.05) + 0.02 * rng.normal(size=500)
    assert 180 <= learn_signals(signals.tolist(), gains) <= 215


@pytest.mark.parametrize(
    ("signals", "gains"),
    [
        ([], []),
        ([5] * 40, [0.5] * 40),
        (list(range(100)), [-0.1] * 100),
        (list(range(100)), [0.0] * 100),
        (list(range(100)), [1.0, -1.0] * 50),
    ],
)
def test_a_gate_without_a_clear_gain_stays_shut(signals, gains) -> None:
    assert learn_signals(signals, gains) == 0


def test_a_model_that_always_helps_is_asked_up_to_the_longest_history() -> None:
    assert learn_signals(list(range(100)), [0.1, 0.2] * 50) == 100
