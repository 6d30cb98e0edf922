"""A fair list is a permutation, keeps its floors, nears the history's mix, and is off at zero."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate import config
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.rank.fair import Fair, Floors, fair_order, item_thirds
from tastemate.types import Candidate, Controls, Item, Query, history

N = 40
WEIGHT = 1.0 / np.log2(np.arange(2, 12))


def catalog(n: int = N) -> Catalog:
    """Every fourth item is small; all share a tag."""
    return Catalog.of(
        Item(
            f"i{at}",
            f"Item {at}",
            attributes={
                "press": "small" if at % 4 == 3 else "big",
                "year": 1950 + at,
                "price": at,
                "tags": ("all", "odd") if at % 2 else ("all",),
            },
        )
        for at in range(n)
    )


COUNTS = np.array([2 ** max(12 - at, 0) for at in range(N)])


def pool(rows=range(N)) -> list[Candidate]:
    return [Candidate(row, 1.0 - at / N, "blend", at + 1) for at, row in enumerate(rows)]


def asked(fair: float, k: int = 10, met=()) -> Query:
    return Query(k=k, history=history(list(met)), controls=Controls(fair=fair))


def exposure(rows, member) -> float:
    weight = 1.0 / np.log2(np.arange(2, len(rows) + 2))
    return float(weight[[member[row] for row in rows]].sum() / weight.sum())


def small(row: int) -> bool:
    return row % 4 == 3


def shown(fair: Fair, query: Query, candidates=None) -> list[int]:
    return [one.row for one in fair.arrange(query, candidates or pool())]


BIG_FIRST = [row for row in range(N) if not small(row)] + [row for row in range(N) if small(row)]


def test_at_zero_and_with_nothing_known_the_list_stays_as_it_came():
    declared = Fair(catalog(), COUNTS, attribute="press")
    assert declared.arrange(asked(0.0, met=[1]), pool()) == pool()
    silent = Fair(catalog(), np.zeros(N, dtype=np.int64))
    assert silent.arrange(asked(1.0, met=[1]), pool()) == pool()
    nobody = Fair(catalog(), COUNTS)
    assert nobody.arrange(asked(1.0), pool()) == pool()
    assert declared.arrange(asked(1.0), []) == []


@pytest.mark.parametrize("least", [0.1, 0.2, 0.35, 0.5])
def test_a_floor_is_met_over_the_list_and_half_of_it_at_half(least):
    fair = Fair(catalog(), COUNTS, attribute="press", least={"small": least}, calibration=0.0)
    member = [small(row) for row in range(N)]
    before = exposure(BIG_FIRST[:10], member)
    assert before == 0.0
    full = shown(fair, asked(1.0), pool(BIG_FIRST))[:10]
    assert exposure(full, member) >= least - 1e-9
    assert exposure(full, member) < least + 0.12
    half = shown(fair, asked(0.5), pool(BIG_FIRST))[:10]
    assert least / 2 - 1e-9 <= exposure(half, member) <= exposure(full, member)


def test_no_prefix_is_behind_by_a_whole_place():
    fair = Fair(catalog(), COUNTS, attribute="press", least={"small": 0.4}, calibration=0.0)
    rows = shown(fair, asked(1.0), pool(BIG_FIRST))[:10]
    got = np.cumsum(WEIGHT * [small(row) for row in rows])
    owed = 0.4 * np.cumsum(WEIGHT)
    assert (owed - got <= np.concatenate(([1.0], WEIGHT[:-1]))).all()
    assert small(rows[1])  # not stuffed at the end


def test_within_a_group_the_better_one_comes_first():
    fair = Fair(catalog(), COUNTS, attribute="press", least={"small": 0.4}, calibration=0.0)
    rows = shown(fair, asked(1.0), pool(BIG_FIRST))[:10]
    for group in (True, False):
        own = [row for row in rows if small(row) is group]
        assert own == sorted(own)


def test_a_pool_without_the_group_is_as_good_as_it_gets():
    fair = Fair(catalog(), COUNTS, attribute="press", least={"small": 0.5}, calibration=0.0)
    without = [row for row in range(N) if not small(row)]
    assert shown(fair, asked(1.0), pool(without)) == without


def test_without_floors_named_each_group_is_owed_four_fifths_of_its_share_of_the_pool():
    fair = Fair(catalog(), COUNTS, attribute="press", calibration=0.0)
    member = [small(row) for row in range(N)]
    rows = shown(fair, asked(1.0), pool(BIG_FIRST))[:10]
    assert exposure(rows, member) >= 0.8 * 0.25 - 1e-9


def test_floors_that_fill_the_list_leave_no_free_place():
    least = {"small": 0.5, "big": 0.5}
    fair = Fair(catalog(), COUNTS, attribute="press", least=least, calibration=0.0)
    rows = shown(fair, asked(1.0), pool(BIG_FIRST))[:10]
    share = exposure(rows, [small(row) for row in range(N)])
    assert 0.4 < share < 0.6


def test_the_popularity_mix_nears_the_history():
    counts = np.repeat([40, 12, 3], [4, 12, 24])
    fair = Fair(catalog(), counts, calibration=0.9)
    rare = [row for row in range(N) if item_thirds(counts)[row] == 2]
    plain = shown(fair, asked(0.0, met=rare[-8:]), pool())[:10]
    calm = shown(fair, asked(1.0, met=rare[-8:]), pool())[:10]
    popular = shown(fair, asked(1.0, met=[0] * 30), pool())[:10]

    def share(rows):
        return float(np.mean(item_thirds(counts)[rows] == 2))

    assert share(calm) > share(plain)
    assert popular[0] == 0
    assert share(popular) < share(calm)


def test_the_thirds_hold_a_third_of_the_events_each():
    counts = np.array([30, 20, 20, 10, 5, 5, 5, 5])
    assert item_thirds(counts).tolist() == [0, 0, 1, 2, 2, 2, 2, 2]
    assert item_thirds(np.zeros(3, dtype=np.int64)).tolist() == [0, 0, 0]


def test_popularity_and_decades_are_groups_too():
    rare = Fair(catalog(), COUNTS, attribute="popularity", least={"rare": 0.3}, calibration=0.0)
    rows = shown(rare, asked(1.0), pool())[:10]
    assert exposure(rows, item_thirds(COUNTS) == 2) >= 0.3 - 1e-9
    years = Fair(catalog(), COUNTS, attribute="year", least={"1980s": 0.2}, calibration=0.0)
    rows = shown(years, asked(1.0), pool())[:10]
    assert exposure(rows, np.arange(N) >= 30) >= 0.2 - 1e-9


def test_items_added_later_belong_to_no_group_and_are_not_lost():
    fair = Fair(catalog(), COUNTS, attribute="press", least={"small": 0.3})
    rows = [N + 5, *BIG_FIRST, N + 6]
    assert sorted(shown(fair, asked(1.0, met=[N + 5, 2]), pool(rows))) == sorted(rows)


def test_what_reordered_the_pool_before_keeps_its_say():
    fair = Fair(catalog(), COUNTS, attribute="press", least={"small": 0.01}, calibration=0.0)
    turned = pool()[::-1]
    assert fair.arrange(asked(0.01), turned)[0] == turned[0]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"attribute": "pres"}, "Did you mean 'press'"),
        ({"attribute": "price"}, "makes no groups"),
        ({"least": {"small": 0.2}}, "attribute"),
        ({"attribute": "press", "least": {"smal": 0.2}}, "Did you mean 'small'"),
        ({"attribute": "press", "least": {"small": 2}}, "between 0 and 1"),
        ({"attribute": "press", "least": {"small": "much"}}, "between 0 and 1"),
        ({"attribute": "press", "least": {"small": 0.6, "big": 0.6}}, "add up to 1.20"),
        ({"parity": 1.5}, "parity"),
        ({"calibration": -0.1}, "calibration"),
    ],
)
def test_a_table_that_cannot_be_met_is_refused(table, said):
    with pytest.raises(ConfigError, match=said):
        Fair(catalog(), COUNTS, **config.arguments(Fair, table, "[fair]"))


def test_groups_that_share_items_may_be_owed_more_than_all():
    least = {"all": 1.0, "odd": 0.4}
    fair = Fair(catalog(), COUNTS, attribute="tags", least=least, calibration=0.0)
    evens_first = [row for row in range(N) if not row % 2] + [row for row in range(N) if row % 2]
    rows = shown(fair, asked(1.0), pool(evens_first))[:10]
    assert exposure(rows, np.arange(N) % 2 == 1) >= 0.4 - 1e-9


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, N),
    st.integers(1, 25),
    st.floats(0, 1),
    st.sampled_from(["", "press", "tags", "popularity", "year"]),
    st.integers(0, 10_000),
)
def test_always_a_permutation_and_always_the_same(n, k, strength, attribute, seed):
    rng = np.random.default_rng(seed)
    fair = Fair(catalog(), COUNTS, attribute=attribute)
    candidates = pool(rng.permutation(N)[:n].tolist())
    query = replace(asked(strength, k, rng.permutation(N)[:5].tolist()))
    once = fair.arrange(query, candidates)
    assert sorted(one.row for one in once) == sorted(one.row for one in candidates)
    assert fair.arrange(query, candidates) == once


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 20), st.floats(0, 1))
def test_the_floor_of_one_group_is_always_met_where_the_pool_can(seed, k, least):
    rng = np.random.default_rng(seed)
    member = rng.random((50, 1)) < 0.5
    scores = np.sort(rng.random(50))[::-1].astype(np.float32)
    if member.sum() < k:
        return
    picked = fair_order(scores, k, floors=Floors(member, np.array([least])))
    assert exposure(picked, member[:, 0]) >= least - 1e-9


def test_a_floor_nobody_named_that_is_too_small_for_a_place_is_none():
    few = Catalog.of(
        Item(str(at), str(at), attributes={"press": "tiny" if at == N - 1 else "big"})
        for at in range(N)
    )
    fair = Fair(few, COUNTS, attribute="press", calibration=0.0)
    assert shown(fair, asked(1.0)) == list(range(N))
    named = Fair(few, COUNTS, attribute="press", least={"tiny": 0.01}, calibration=0.0)
    assert N - 1 in shown(named, asked(1.0))[:10]
