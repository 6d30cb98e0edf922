"""Shares of events become shares of items; what two items share comes rarest first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.explain.cited import by_item, largest
from tastemate.explain.shared import Shared
from tastemate.traits import Traits
from tastemate.types import Item, history


def test_events_of_one_item_are_summed_and_the_latest_value_holds():
    past = history([7, 2, 7, 4], [1.0, 2.0, 5.0, 3.0])
    shares = np.array([[0.1, 0.2, 0.3, 0.4], [0.0, 1.0, 0.0, 0.0]], dtype=np.float32)
    items, values, summed = by_item(past, shares)
    assert items.tolist() == [2, 4, 7]
    assert values.tolist() == [2.0, 3.0, 5.0]
    np.testing.assert_allclose(summed, [[0.2, 0.4, 0.4], [1.0, 0.0, 0.0]], rtol=1e-6)


def test_a_history_without_repetition_is_only_sorted():
    items, values, shares = by_item(
        history([3, 1], [4.0, 5.0]), np.array([[0.25, 0.75]], dtype=np.float32)
    )
    assert (items.tolist(), values.tolist(), shares.tolist()) == (
        [1, 3],
        [5.0, 4.0],
        [[0.75, 0.25]],
    )


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(
            st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=n, max_size=n), min_size=1
        )
    ),
    st.integers(1, 4),
)
def test_the_largest_are_those_of_a_stable_sort(rows, n):
    shares = np.array(rows, dtype=np.float32)
    places, found = largest(shares, n)
    expected = np.argsort(-shares, axis=1, kind="stable")[:, :n]
    assert places.tolist() == expected.tolist()
    assert found.tolist() == np.take_along_axis(shares, expected, axis=1).tolist()
    assert shares.tolist() == rows  # what was given is left as it was


def test_shared_values_come_rarest_first_and_common_ones_stand_alone_only_if_they_must():
    items = [
        Item(f"i{n}", f"Item {n}", attributes={"tags": ("all", *(("some",) if n < 4 else ()))})
        for n in range(40)
    ]
    found = Shared(Traits.of(Catalog.of(items)))
    assert found.between(0, 1, 3, alone=False) == [("tags", "some")]
    assert found.between(0, 9, 3, alone=False) == []
    assert found.between(0, 9, 3, alone=True) == [("tags", "all")]
