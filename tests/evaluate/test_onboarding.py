import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.evaluate.moments import moments
from tastemate.evaluate.onboarding import OTHERS, onboarding
from tastemate.interactions import Interactions
from tastemate.types import Event, Item

ITEMS = 60
START = 1_500_000_000


@pytest.fixture(scope="module")
def world():
    """Even people like even items, odd people odd ones; every item is as well known."""
    catalog = Catalog.of(
        Item(f"i{n:02}", f"T{n}", attributes={"kind": ("even", "odd")[n % 2]}) for n in range(ITEMS)
    )
    rng = np.random.default_rng(0)
    events = []
    for user in range(60):
        chosen = rng.permutation(ITEMS // 2)[:14] * 2 + user % 2
        events += [
            Event(f"u{user}", f"i{item:02}", 5.0, START + 7200 * place + user)
            for place, item in enumerate(chosen)
        ]
        events += [Event(f"u{user}", f"i{(1 - user % 2):02}", 1.0, START - 10)]
    return catalog, Interactions.of(events, catalog)


class Parity:
    def __init__(self, catalog, interactions):
        self.items = len(catalog)

    def scores(self, queries):
        scores = np.zeros((len(queries), self.items), np.float32)
        for row, query in zip(scores, queries, strict=True):
            if len(query.history):
                row[int(query.history.items[0]) % 2 :: 2] = 1.0
        return scores


def test_picking_finds_what_somebody_likes_and_ways_are_paired(world, tmp_path):
    table = onboarding(Parity, *world, model="parity", min_events=0, page=4, keep=tmp_path)
    rows = {(row.model, row.k): row for row in table.rows}
    assert {row.k for row in table.rows} == set(range(6))
    nothing, after = rows["chosen to tell", 0], rows["chosen to tell", 2]
    assert nothing.metrics["picks"].value == 0
    assert after.metrics["picks"].value > 0
    assert after.metrics["recall@20"].value > nothing.metrics["recall@20"].value
    assert set(after.against) == set(OTHERS)
    again = onboarding(Parity, *world, model="parity", min_events=0, page=4, keep=tmp_path)
    assert again.rows == table.rows


def test_nobody_with_likes_enough_is_said(world):
    catalog, _ = world
    events = [Event(f"u{u}", f"i{n:02}", 1.0 + n, n) for u in range(9) for n in range(4)]
    few = Interactions.of(events, catalog)
    with pytest.raises(DataError, match="more data"):
        onboarding(Parity, catalog, few, model="parity", min_events=0)


def test_the_moment_is_measured_against_none(world, tmp_path):
    table = moments(
        Parity, *world, model="parity", cuts=(1, 2), min_events=0, limit_users=20, keep=tmp_path
    )
    labels = {row.k for row in table.rows}
    assert labels == {"all", "an hour later"}
    base, *moved = [row for row in table.rows if row.k == "all"]
    assert base.model == "parity"
    assert base.users == 20
    assert base.against == {}
    assert all(set(row.against) == {"parity"} for row in moved)
    assert {row.model for row in moved} >= {"parity + 0.1 learned", "parity + 0.1 by words"}


def test_events_without_a_clock_have_no_moment(world):
    catalog, _ = world
    events = [Event(f"u{u}", f"i{n:02}", 1.0, n) for u in range(6) for n in range(8)]
    with pytest.raises(DataError, match="clock"):
        moments(Parity, catalog, Interactions.of(events, catalog), model="parity", min_events=0)
