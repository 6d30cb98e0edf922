import numpy as np
import pytest

from tastemate import build, ranked
from tastemate.data.synthetic import random_world
from tastemate.errors import NotFound
from tastemate.rank.learned import Learned
from tastemate.train.ranking import Teaching
from tastemate.types import Filter, Query

pytest.importorskip("lightgbm", reason="needs lightgbm")
CATALOG, EVENTS = random_world(5, n_users=40, n_items=60, n_events=900)
SMALL = Teaching(folds=2, positions=3, depth=30, rounds=10, smallest=10)
SHARED = build.resources(encoder="words")
PLAIN = build.profile("fast")
MIX = build.profile("fast+learned")


@pytest.fixture(scope="module")
def ranker() -> Learned:
    return ranked.taught(MIX, SHARED, CATALOG, EVENTS, teaching=SMALL, pool=30)


def _fit(name):
    return build.fitted(name, SHARED, CATALOG, EVENTS)


def _path(ranker, **more):
    return build.recommender(MIX, _fit, CATALOG, EVENTS, pool=30, ranker=ranker, **more)


def test_who_is_only_heard_changes_nothing_of_the_mix_where_all_items_were_met() -> None:
    catalog, events = random_world(2, n_users=40, n_items=30, n_events=900)
    assert events.counts.min() > 0
    queries = [Query(user=f"u{at}", history=events.history(at)) for at in range(5)]
    plain, wide = (
        build.recommender(
            mix,
            lambda name: build.fitted(name, SHARED, catalog, events),
            *(catalog, events),
            explained=False,
        )
        for mix in (PLAIN, MIX)
    )
    np.testing.assert_allclose(wide.scores(queries), plain.scores(queries), rtol=1e-4, atol=1e-5)
    assert set(build.HEARD) <= set(MIX.weights)
    assert {n: w for n, w in MIX.weights.items() if w} == PLAIN.weights


def test_the_path_ranks_by_it_within_the_filters_and_says_why(ranker, tmp_path) -> None:
    ranker.save(tmp_path / "learned")
    again = Learned.load(tmp_path / "learned", CATALOG, _fit("content").vectors)
    path, past = _path(again), EVENTS.history(1)
    genre = CATALOG.item(int(past.items[0])).attributes["genres"][0]
    slate = path.recommend(
        Query(user="u1", history=past, k=8, filters=(Filter("genres", "is", genre),))
    )
    assert "learned" in [step.name for step in slate.trace]
    assert not slate.degraded
    assert all(genre in line.item.attributes["genres"] for line in slate.items)
    assert not set(CATALOG.rows(slate.ids)) & set(past.items.tolist())
    assert all(line.reason.text for line in slate.items)
    plain = _path(None).recommend(Query(user="u1", history=past, k=30))
    whole = path.recommend(Query(user="u1", history=past, k=30))
    assert set(whole.ids) == set(plain.ids)
    assert whole.ids != plain.ids
    same = path.recommend(Query(user="u1", history=past, k=30, text="harbour"))
    assert (
        same.ids == _path(None).recommend(Query(user="u1", history=past, k=30, text="harbour")).ids
    )


def test_what_is_measured_is_what_serves(ranker) -> None:
    scorer = ranked.factory("fast+learned", SHARED, teaching=SMALL, pool=30)(CATALOG, EVENTS)
    query = Query(user="u3", history=EVENTS.history(3), k=10)
    scores = scorer.scores([query])[0]
    scores[query.history.items] = -np.inf
    best = np.argsort(-scores, kind="stable")[:10]
    assert [CATALOG.item(int(row)).id for row in best] == _path(ranker).recommend(query).ids


def test_a_name_that_is_no_mix_is_refused() -> None:
    with pytest.raises(NotFound):
        ranked.factory("nothing+learned", SHARED)
