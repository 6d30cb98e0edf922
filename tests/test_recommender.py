"""The path keeps its promises on success and on failure."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, StageError
from tastemate.recommender import BATCH, Recommender, _ranked
from tastemate.retrieve.dense import Dense
from tastemate.types import (
    Candidate,
    Controls,
    Filter,
    Floats,
    Item,
    Query,
    Reason,
    Recommendation,
    history,
)

N = 12
CATALOG = Catalog.of(
    Item(f"i{row}", f"Item {row}", "", {"year": 1990 + row} if row < 8 else {}) for row in range(N)
)


class Fixed(Dense):
    """Scores every query alike."""

    def __init__(self, name: str, values: Sequence[float]) -> None:
        self.name = name
        self.values = np.array(values, dtype=np.float32)

    def scores(self, queries: Sequence[Query]) -> Floats:
        return np.tile(self.values, (len(queries), 1))


class Broken(Dense):
    """Fails as a stage may."""

    name = "broken"

    def scores(self, queries: Sequence[Query]) -> Floats:
        raise StageError("the model file is gone")


class Buggy(Dense):
    """Fails as a bug does."""

    name = "buggy"

    def scores(self, queries: Sequence[Query]) -> Floats:
        raise TypeError("a bug")


class Reversing:
    name = "reverse"

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        return [list(reversed(pool)) for pool in pools]


class Failing:
    name = "model"

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        raise StageError("timed out")

    def arrange(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        raise StageError("no vectors")

    def explain(
        self,
        query: Query,
        lines: Sequence[Recommendation],
        spreads: Mapping[str, float] | None = None,
    ) -> list[Reason]:
        raise StageError("no words")


UP = Fixed("up", range(N))
ONE = Blend("zscore", {"up": 1.0})


def ids(*rows: int) -> list[str]:
    return [f"i{row}" for row in rows]


def test_the_best_k_come_in_order_with_their_sources() -> None:
    down = Fixed("down", [-2 * row for row in range(N)])
    both = Recommender(CATALOG, [UP, down], Blend("zscore", {"up": 3.0, "down": 1.0}))
    slate = both.recommend(Query(k=3))
    assert slate.ids == ids(11, 10, 9)
    assert [line.rank for line in slate.items] == [1, 2, 3]
    assert {found.source: found.rank for found in slate.items[0].sources} == {"up": 1, "down": 12}
    assert slate.degraded == ()


def test_seen_excluded_and_filtered_items_never_show() -> None:
    seen = history([7, 6])
    wish = Filter("year", "at least", 1993)
    slate = Recommender(CATALOG, [UP], ONE).recommend(
        Query(history=seen, exclude=frozenset([5]), filters=(wish,), k=10)
    )
    assert slate.ids == ids(4, 3)
    assert slate.unknown == 4  # rows 8 to 11 have no year
    again = Recommender(CATALOG, [UP], ONE).recommend(Query(history=seen, exclude_seen=False, k=12))
    assert len(again.ids) == 12


def test_a_failed_retriever_is_skipped_and_said() -> None:
    slate = Recommender(CATALOG, [Broken(), UP], ONE).recommend(Query(k=2))
    assert slate.ids == ids(11, 10)
    assert slate.degraded == ("broken: the model file is gone",)


def test_with_every_retriever_broken_the_fallback_answers_and_wishes_still_hold() -> None:
    wish = Filter("year", "at most", 1995)
    query = Query(history=history([0]), filters=(wish,), k=3)
    blend = Blend("zscore", {"broken": 1.0})
    slate = Recommender(CATALOG, [Broken()], blend, fallback=UP).recommend(query)
    assert slate.ids == ids(5, 4, 3)
    nothing = Recommender(CATALOG, [Broken()], blend, fallback=Broken()).recommend(query)
    assert nothing.ids == ids(1, 2, 3)
    assert len(nothing.degraded) == 2


def test_a_bug_is_not_swallowed() -> None:
    with pytest.raises(TypeError):
        Recommender(CATALOG, [Buggy()], Blend("zscore", {"buggy": 1.0})).recommend(Query())


def test_what_no_retriever_knows_comes_last_by_the_fallback() -> None:
    some = Fixed("up", [5.0, 4.0] + [-np.inf] * (N - 2))
    slate = Recommender(CATALOG, [some], ONE, fallback=Fixed("popular", range(N))).recommend(
        Query(k=4)
    )
    assert slate.ids == ids(0, 1, 11, 10)


def test_later_stages_reorder_and_their_failures_are_said() -> None:
    ranked = Recommender(CATALOG, [UP], ONE, ranker=Reversing(), pool=4).recommend(Query(k=2))
    assert ranked.ids == ids(8, 9)
    failing = Failing()
    slate = Recommender(
        CATALOG, [UP], ONE, ranker=failing, arranger=failing, explainer=failing
    ).recommend(Query(k=2, controls=Controls(diversity=0.5)))
    assert slate.ids == ids(11, 10)
    assert slate.degraded == ("model: timed out", "arrange: no vectors", "explain: no words")


@pytest.mark.parametrize(
    "query",
    [
        Query(k=0),
        Query(k=2.5),
        Query(controls=Controls(novelty=1.5)),
        Query(controls=Controls(-1.0)),
        Query(exclude=frozenset([-1])),
        Query(exclude=frozenset([N])),
        Query(history=history([N])),
        Query(history=history([-1])),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query: Query) -> None:
    with pytest.raises(ConfigError):
        Recommender(CATALOG, [UP], ONE).recommend(query)


def test_an_unknown_attribute_in_a_filter_is_not_ignored() -> None:
    with pytest.raises(ConfigError, match="year"):
        Recommender(CATALOG, [UP], ONE).recommend(Query(filters=(Filter("yeer", "is", 1),)))


def test_a_pool_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="pool"):
        Recommender(CATALOG, [UP], ONE, pool=0)


def test_a_batch_answers_as_single_queries_do() -> None:
    queries = [Query(history=history([row % N]), k=5) for row in range(BATCH + 3)]
    path = Recommender(CATALOG, [UP], ONE)
    slates = path.recommend_all(queries)
    assert [slate.ids for slate in slates] == [path.recommend(query).ids for query in queries]
    assert path.recommend_all([]) == []


def test_an_item_can_be_explained_whether_or_not_it_was_seen() -> None:
    line = Recommender(CATALOG, [UP], ONE).explain_items(Query(history=history([10])), [10])[0]
    assert line.item.id == "i10"
    assert line.rank == 2


def test_figures_and_explanations_are_never_of_half_a_mix() -> None:
    path = Recommender(CATALOG, [Broken(), UP], ONE)
    with pytest.raises(StageError):
        path.scores([Query()])
    with pytest.raises(StageError):
        path.explain_items(Query(), [3])


def test_an_empty_catalogue_gives_an_empty_slate() -> None:
    empty = Fixed("up", [])
    assert Recommender(Catalog.of([]), [empty], ONE).recommend(Query()).items == ()


@given(
    st.lists(st.floats(-5, 5) | st.just(-np.inf), min_size=N, max_size=N),
    st.sets(st.integers(0, N - 1)),
    st.integers(1, 20),
)
def test_every_list_is_full_unique_and_keeps_out_what_it_must(
    values: list[float], out: set[int], k: int
) -> None:
    slate = Recommender(CATALOG, [Fixed("up", values)], ONE).recommend(
        Query(exclude=frozenset(out), k=k)
    )
    assert len(slate.ids) == min(k, N - len(out))
    assert len(set(slate.ids)) == len(slate.ids)
    assert not {f"i{row}" for row in out} & set(slate.ids)


SCORES = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([-np.inf, np.inf, np.nan]))


@given(
    st.lists(st.tuples(SCORES, st.booleans()), min_size=1, max_size=20),
    st.lists(st.integers(0, 19), max_size=6),
)
def test_a_rank_is_one_and_how_many_that_may_be_shown_score_higher(pairs, wanted) -> None:
    scores = np.array([score for score, _ in pairs], dtype=np.float32)
    may = np.array([shown for _, shown in pairs])
    rows = np.array([row for row in wanted if row < len(pairs)], dtype=np.int32)
    mine, ranks = _ranked(scores, may, rows)
    assert len(mine) == len(ranks) == len(rows)
    for row, score, rank in zip(rows, mine, ranks, strict=True):
        own = scores[row] if may[row] else -np.inf
        assert score == own or (np.isnan(score) and np.isnan(own))
        if np.isfinite(own):
            assert rank == 1 + int((scores[may] > own).sum())
