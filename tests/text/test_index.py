import numpy as np
import pytest

from tastemate.errors import ConfigError
from tastemate.protocols import VectorIndex
from tastemate.text.index import ExactIndex, UsearchIndex, open_index


def unit_vectors(n, width=16, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("kind", [ExactIndex, UsearchIndex])
def test_finds_the_vector_itself_first_and_the_true_neighbours(kind):
    vectors = unit_vectors(300)
    index = kind(vectors)
    assert isinstance(index, VectorIndex)
    assert len(index) == 300
    rows, scores = index.search(vectors[:20], 5)
    assert rows.dtype == np.int32
    assert rows[:, 0].tolist() == list(range(20))
    assert np.allclose(scores[:, 0], 1, atol=1e-5)
    truth = np.argsort(-(vectors[:20] @ vectors.T), axis=1, kind="stable")[:, :5]
    assert (rows == truth).mean() > 0.95
    assert (np.diff(scores, axis=1) <= 0).all()


@pytest.mark.parametrize("kind", [ExactIndex, UsearchIndex])
def test_pads_with_minus_one(kind):
    index = kind(unit_vectors(2))
    rows, scores = index.search(unit_vectors(3), 4)
    assert (rows[:, 2:] == -1).all()
    assert np.isneginf(scores[:, 2:]).all()
    assert sorted(rows[0, :2].tolist()) == [0, 1]
    empty = kind(np.empty((0, 16), np.float32))
    assert (empty.search(unit_vectors(1), 2)[0] == -1).all()
    assert index.search(unit_vectors(1), 0)[0].shape == (1, 0)


def test_ties_go_by_row_and_blocks_change_nothing():
    vectors = np.ones((5, 1), np.float32)
    assert ExactIndex(vectors).search(vectors[:1], 3)[0].tolist() == [[0, 1, 2]]
    many = unit_vectors(40)
    assert np.array_equal(
        ExactIndex(many, block=3).search(many, 4)[0], ExactIndex(many).search(many, 4)[0]
    )
    with pytest.raises(ConfigError):
        ExactIndex(many, block=0)


def test_open_index_goes_by_size():
    vectors = unit_vectors(10)
    assert isinstance(open_index(vectors), ExactIndex)
    assert isinstance(open_index(vectors, large=9), UsearchIndex)
