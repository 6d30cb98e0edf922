"""The live vector follows what somebody just did, and forgets it again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.profile.live import LEAST, live_vector, shares
from tastemate.types import Floats

DAY = 86_400
VECTORS = np.eye(4, dtype=np.float32)[[0, 0, 1, 2, 3]]
NOW = 10 * DAY


def live(rows: list[int], weights: list[float], times: list[int], **said: float) -> Floats | None:
    return live_vector(
        np.array(rows, np.int32),
        np.array(weights, np.float32),
        np.array(times, np.int64),
        NOW,
        VECTORS,
        middle=np.zeros(4, np.float32),
        **said,
    )


def by_the_rule(weights: list[float], rows: list[int], times: list[int]) -> Floats:
    """The update rule step by step, as the docstring writes it."""
    p = np.zeros(4)
    before = times[0]
    for weight, row, when in zip(weights, rows, times, strict=True):
        step = 0.2 * abs(weight)
        p = p * 0.5 ** ((when - before) / DAY)
        p = (1 - step) * p + step * np.sign(weight) * VECTORS[row]
        before = when
    return p / np.linalg.norm(p)


def test_it_is_the_update_rule() -> None:
    rows, weights = [0, 2, 3, 2, 4], [1.0, 0.3, -1.0, 0.7, 0.1]
    times = [NOW - 3 * DAY, NOW - DAY, NOW - DAY // 2, NOW - 60, NOW]
    found = live(rows, weights, times)
    assert found is not None
    assert found == pytest.approx(by_the_rule(weights, rows, times), abs=1e-5)
    assert np.linalg.norm(found) == pytest.approx(1)


def test_the_latest_signal_leads_and_a_dislike_turns_away() -> None:
    found = live([0, 2], [1.0, 1.0], [NOW - 100, NOW])
    assert found is not None
    assert found[1] > found[0] > 0
    away = live([0, 2], [1.0, -1.0], [NOW - 100, NOW])
    assert away is not None
    assert away[1] < 0 < away[0]


def test_the_order_given_does_not_matter_only_time_does() -> None:
    one = live([0, 2, 3], [1.0, 0.5, 0.3], [NOW - 300, NOW - 200, NOW - 100])
    other = live([3, 0, 2], [0.3, 1.0, 0.5], [NOW - 100, NOW - 300, NOW - 200])
    assert one is not None
    assert other is not None
    assert one.tolist() == other.tolist()


@pytest.mark.parametrize(
    ("rows", "weights", "times"),
    [
        ([], [], []),
        ([0], [-1.0], [NOW]),  # dislikes alone point nowhere
        ([0], [0.0], [NOW]),
        ([0], [0.1], [NOW]),  # one view is too little
        ([0], [1.0], [NOW - 4 * DAY]),  # so is a like of long ago
        ([9, -1], [1.0, 1.0], [NOW, NOW]),  # no such rows
        ([0, 2], [1.0, -1.0], [NOW - 30 * DAY, NOW]),  # only the dislike is left of it
    ],
)
def test_nowhere(rows: list[int], weights: list[float], times: list[int]) -> None:
    assert live(rows, weights, times) is None


def test_an_item_without_a_vector_and_a_catalogue_of_one_say_nothing() -> None:
    blank = np.zeros((2, 4), np.float32)
    some = (np.array([0], np.int32), np.ones(1, np.float32), np.array([NOW]))
    assert live_vector(*some, NOW, blank) is None
    assert live_vector(*some, NOW, VECTORS[:1]) is None
    assert live_vector(*some, NOW, np.zeros((0, 4), np.float32)) is None


def test_only_the_latest_are_read() -> None:
    many = [2] * 50 + [0] * 30
    found = live(many, [1.0] * 80, list(range(NOW - 80, NOW)), last=30)
    assert found is not None
    assert found.tolist() == [1, 0, 0, 0]


def test_the_mean_of_all_is_taken_off() -> None:
    lifted = VECTORS + 5
    found = live_vector(
        np.array([2], np.int32), np.ones(1, np.float32), np.array([NOW]), NOW, lifted
    )
    assert found is not None
    assert found.argmax() == 1
    assert found.sum() == pytest.approx(0, abs=1e-5)


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 2 * NOW), st.integers(-2, 8)), max_size=40),
    st.floats(0, 1),
    st.floats(0.01, 1e4),
)
def test_whatever_comes_in_it_is_of_length_one_or_nothing(
    signals: list[tuple[float, int, int]], alpha: float, hours: float
) -> None:
    found = live_vector(
        np.array([row for _, _, row in signals], np.int32),
        np.array([weight for weight, _, _ in signals], np.float32),
        np.array([when for _, when, _ in signals], np.int64),
        NOW,
        VECTORS,
        alpha=alpha,
        half_life_hours=hours,
    )
    if found is not None:
        assert np.isfinite(found).all()
        assert np.linalg.norm(found) == pytest.approx(1, abs=1e-4)


def test_a_like_counts_for_two_half_lives() -> None:
    one = np.ones(1, np.float32)
    for hours, counts in ((0, True), (47, True), (49, False)):
        share = float(shares(one, np.array([NOW - hours * 3600]), NOW)[0])
        assert (share >= LEAST) is counts
