import numpy as np
import pytest

from tastemate.data.synthetic import random_world
from tastemate.retrieve.sequential.windows import Sequences, padded


def _sequences(lengths: list[int]) -> Sequences:
    total = sum(lengths)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    codes = np.arange(1, total + 1, dtype=np.int64)
    return Sequences(codes, codes * 10, offsets, np.arange(len(lengths)) + 1)


@pytest.mark.parametrize("length", [1, 3, 7, 50])
def test_every_event_but_the_first_is_a_target_once_after_what_came_before(length: int) -> None:
    data = _sequences([1, 2, 3, 8, 40])
    firsts = set(data.items[data.offsets[:-1]].tolist())
    rng = np.random.default_rng(0)
    seen = []
    for batch in data.epoch(data.ends(np.zeros(0, np.int64)), length, 20, rng):
        assert batch.items.shape == batch.targets.shape == batch.times.shape
        assert batch.items.shape[1] <= length
        real = batch.targets > 0
        assert np.array_equal(real, batch.items > 0)
        assert (batch.targets[real] == batch.items[real] + 1).all()
        assert (np.diff(batch.times, axis=1) >= 0).all()
        seen += batch.targets[real].tolist()
    assert sorted(seen) == sorted(set(data.items.tolist()) - firsts)


def test_epochs_cut_long_histories_elsewhere_and_the_seed_says_where() -> None:
    data = _sequences([100, 90])

    def starts(seed: int) -> list[int]:
        batches = data.epoch(data.offsets[1:], 20, 40, np.random.default_rng(seed))
        return sorted(int(row[0]) for batch in batches for row in batch.items)

    assert starts(1) == starts(1)
    assert starts(1) != starts(2)


def test_what_is_held_out_is_no_target_and_is_asked_for() -> None:
    data = _sequences([5, 4, 30])
    held = np.array([0, 2])
    targets = [
        code
        for batch in data.epoch(data.ends(held), 8, 20, np.random.default_rng(0))
        for code in batch.targets.ravel().tolist()
    ]
    lasts = data.items[data.offsets[1:] - 1]
    assert not {int(lasts[0]), int(lasts[2])} & set(targets)
    assert int(lasts[1]) in targets
    asked = data.asked(held, 8)
    assert asked.lengths.tolist() == [4, 8]
    assert asked.targets[[0, 1], asked.lengths - 1].tolist() == lasts[held].tolist()
    assert not set(lasts[held].tolist()) & set(asked.items.ravel().tolist())
    assert asked.users.tolist() == [1, 3]


def test_unknown_items_and_people_without_known_ones_are_left_out() -> None:
    _, interactions = random_world(0)
    place = np.full(interactions.n_items, -1, np.int32)
    place[[3, 5]] = [0, 1]
    data = Sequences.of(interactions, place)
    assert set(data.items.tolist()) <= {1, 2}
    assert (data.sizes() > 0).all()
    assert len(data.items) == int(np.isin(interactions.item, [3, 5]).sum())


def test_padding_stands_at_the_end_and_time_does_not_run_back() -> None:
    batch = padded(
        [np.array([4, 2]), np.array([7])],
        [np.array([10, 20]), np.array([5])],
        np.zeros(2, np.int64),
    )
    assert batch.items.tolist() == [[4, 2], [7, 0]]
    assert batch.times.tolist() == [[10, 20], [5, 5]]
    assert batch.lengths.tolist() == [2, 1]
