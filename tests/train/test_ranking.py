import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.train.walks import ndcg, popularly, walks

from tastemate.blend import Blend
from tastemate.data.split import leave_one_out
from tastemate.errors import ConfigError, DataError, StageError, Unavailable
from tastemate.interactions import Interactions
from tastemate.rank.crowd import Crowd
from tastemate.recommender import Recommender
from tastemate.retrieve.popular import Popular
from tastemate.train.lessons import Lessons
from tastemate.train.ranking import Ordered, Teaching, learned, lessons, teach

pytest.importorskip("lightgbm", reason="needs lightgbm")
SMALL = Teaching(folds=3, positions=8, depth=40, rounds=40, smallest=10)


CATALOG, EVENTS = walks()


@pytest.fixture(scope="module")
def found() -> Lessons:
    return lessons(popularly, CATALOG, EVENTS, None, SMALL)


def test_it_learns_what_the_mix_does_not_know_and_noise_teaches_nothing(found) -> None:
    asked = leave_one_out(EVENTS, 1)
    real = learned(popularly, CATALOG, asked.train, None, teaching=SMALL)
    noise = learned(
        *(popularly, CATALOG, asked.train, None),
        teaching=replace(SMALL, shuffled=True),
    )
    mixed = ndcg(popularly(CATALOG, asked.train, None), asked)
    with_it = ndcg(Ordered(popularly(CATALOG, asked.train, real)), asked)
    with_noise = ndcg(Ordered(popularly(CATALOG, asked.train, noise)), asked)
    unmet = len(CATALOG) - 13
    chance = sum(1 / np.log2(place + 1) for place in range(1, 11)) / unmet
    assert with_it > max(mixed, with_noise) + 0.2
    assert with_noise < chance + 0.1


def test_no_pool_has_seen_its_event_or_its_person(monkeypatch) -> None:
    fitted = []

    def compose(catalog, events, ranker):
        fitted.append(events)
        rank = ranker.rank

        def watched(queries, pools):
            told = {(tuple(events.history(code).items.tolist())) for code in _people(events)}
            for query in queries:
                assert not any(_begins(one, query.history.items.tolist()) for one in told)
            return rank(queries, pools)

        ranker.rank = watched
        return popularly(catalog, events, ranker)

    counted = []
    monkeypatch.setattr(
        Crowd,
        "of",
        classmethod(lambda cls, events, real=Crowd.of: counted.append(events) or real(events)),
    )
    lessons(compose, CATALOG, EVENTS, None, SMALL)
    assert len(fitted) == SMALL.folds
    for one, other in zip(fitted, counted, strict=True):
        assert one is other
    people = [set(_people(events).tolist()) for events in fitted]
    assert set.intersection(*people) == set()
    assert set.union(*people) == set(range(EVENTS.n_users))


def _people(events):
    return np.unique(events.user)


def _begins(whole, start) -> bool:
    return list(whole[: len(start)]) == start


CUT = Teaching(by="cut", folds=3, last=2, depth=40, rounds=10, smallest=10)


def _early(last: int) -> Interactions:
    return EVENTS.where(EVENTS.from_end() >= last)


def test_by_a_cut_all_is_fitted_once_and_on_what_came_before(monkeypatch) -> None:
    fitted, asked, counted = [], [], []

    def compose(catalog, events, ranker):
        fitted.append(events)
        rank = ranker.rank

        def watched(queries, pools):
            asked.extend(queries)
            return rank(queries, pools)

        ranker.rank = watched
        return popularly(catalog, events, ranker)

    monkeypatch.setattr(
        Crowd,
        "of",
        classmethod(lambda cls, events, real=Crowd.of: counted.append(events) or real(events)),
    )
    found = lessons(compose, CATALOG, EVENTS, None, CUT)
    assert len(fitted) == 1
    assert fitted[0] is counted[0]
    assert fitted[0].fingerprint == _early(2).fingerprint
    assert len(asked) == sum(found.asked.values()) == 2 * EVENTS.n_users
    assert set(found.folds) == {0, 1, 2}
    known = {tuple(EVENTS.history(code).items[:-2].tolist()) for code in range(EVENTS.n_users)}
    for query in asked:
        past = tuple(query.history.items.tolist())
        assert past in known or past[:-1] in known
    seen = {
        (int(user), int(item)) for user, item in zip(*(fitted[0].user, fitted[0].item), strict=True)
    }
    for code in range(EVENTS.n_users):
        for item in EVENTS.history(code).items[-2:].tolist():
            assert (code, item) not in seen


def test_many_people_are_taught_by_a_cut_and_a_draw_of_them_is_asked(monkeypatch) -> None:
    assert not CUT_OR_FOLDS.late(EVENTS)
    monkeypatch.setattr("tastemate.train.ranking.MANY", EVENTS.n_users - 1)
    assert CUT_OR_FOLDS.late(EVENTS)
    assert not Teaching(by="folds").late(EVENTS)
    one = lessons(popularly, CATALOG, EVENTS, None, replace(CUT, people=20))
    other = lessons(popularly, CATALOG, EVENTS, None, replace(CUT, people=20))
    assert sum(one.asked.values()) == 20 * 2
    assert one.places == other.places


@pytest.mark.parametrize(("people", "last"), [(60, 1), (10**6, 1), (5, 1)])
def test_of_short_histories_one_event_is_asked_for(people, last) -> None:
    assert Teaching(people=people).cut(EVENTS) == last


def test_the_longer_histories_are_the_more_of_them_is_asked_for() -> None:
    users = np.repeat(np.arange(4, dtype=np.int32), 60)
    steps = np.tile(np.arange(60), 4)
    long = Interactions("abcd", 60, users, steps.astype(np.int32), np.ones(240, np.float32), steps)
    assert Teaching().cut(long) == 6
    assert Teaching(people=8).cut(long) == 2
    assert Teaching(last=3).cut(long) == 3
    assert Teaching().cut(long.where(users > 9)) == 1


CUT_OR_FOLDS = Teaching()


@pytest.mark.parametrize("teaching", [SMALL, CUT], ids=["folds", "cut"])
def test_a_teaching_that_was_stopped_goes_on(teaching, tmp_path) -> None:
    fits = []

    def compose(catalog, events, ranker):
        fits.append(events)
        path = popularly(catalog, events, ranker)
        if stop and len(fits) == stop[0]:
            answer, calls = path.recommend_all, []

            def stopped(queries):
                calls.append(queries)
                if len(calls) == stop[1]:
                    raise KeyboardInterrupt
                return answer(queries)

            path.recommend_all = stopped
        return path

    whole = lessons(popularly, CATALOG, EVENTS, None, teaching)
    stop = (1, 2) if teaching is CUT else (2, 1)
    with pytest.raises(KeyboardInterrupt):
        lessons(compose, CATALOG, EVENTS, None, teaching, keep=tmp_path, key="a")
    kept = sorted(tmp_path.glob("lessons-*"))
    assert len(kept) == 1
    stop, fits = (), []
    again = lessons(compose, CATALOG, EVENTS, None, teaching, keep=tmp_path, key="a")
    assert len(fits) == (1 if teaching is CUT else 2)
    fits.clear()
    once_more = lessons(compose, CATALOG, EVENTS, None, teaching, keep=tmp_path, key="a")
    assert not fits
    for one in (again, once_more):
        assert (one.names, one.places, one.folds) == (whole.names, whole.places, whole.folds)
        assert one.asked == whole.asked
        for table, other in zip(one.tables, whole.tables, strict=True):
            np.testing.assert_array_equal(table, other)
    assert teach(again, teaching) == teach(whole, teaching)


def test_what_is_kept_is_not_read_for_other_data_teachings_or_paths(tmp_path) -> None:
    fits = []

    def compose(catalog, events, ranker):
        fits.append(events)
        return popularly(catalog, events, ranker)

    def fitted(events=EVENTS, teaching=CUT, key="a") -> int:
        fits.clear()
        lessons(compose, CATALOG, events, None, teaching, keep=tmp_path, key=key)
        return len(fits)

    assert fitted() == 1
    assert fitted() == 0
    for file in next(tmp_path.glob("lessons-*")).iterdir():
        file.write_bytes(b"no")
    assert fitted() == 1
    assert fitted() == 0
    assert fitted(teaching=replace(CUT, rounds=5, rate=0.2)) == 0
    assert fitted(key="b") == 1
    assert fitted(teaching=replace(CUT, depth=30)) == 1
    assert fitted(events=EVENTS.where(EVENTS.user > 0)) == 1


def test_the_place_taken_down_is_that_of_the_event(found) -> None:
    asked = sum(found.asked.values())
    assert asked == EVENTS.n_users * SMALL.positions
    assert 0 < len(found.places) <= asked
    assert len(found.of([0]).places) + len(found.of([1, 2]).places) == len(found.places)
    at = found.names.index("retrieved mix, place")
    for table, place in zip(found.tables, found.places, strict=True):
        assert 0 <= place < len(table) <= SMALL.depth
        assert np.exp(table[place, at]) == pytest.approx(place + 1, abs=0.1)


def test_the_same_seed_teaches_the_same_trees_and_features_can_be_left_out(found) -> None:
    one, other = teach(found, SMALL), teach(found, SMALL)
    assert one == other
    names, _ = teach(found, replace(SMALL, without=("follows", "came")))
    assert not any(name.startswith(("follows", "came")) for name in names)
    assert len(names) < len(one[0])


@pytest.mark.parametrize("objective", ["rank_xendcg", "binary"])
def test_other_objectives_teach_too(found, objective) -> None:
    names, trees = teach(found, replace(SMALL, objective=objective))
    assert names
    assert trees.startswith("tree")


def test_too_little_to_learn_from_is_said() -> None:
    few = EVENTS.where(EVENTS.user == 0)
    with pytest.raises(DataError, match="cannot be taught"):
        lessons(popularly, CATALOG, few, None, SMALL)


def test_without_lightgbm_it_is_said_before_anything_is_fitted(monkeypatch) -> None:
    def compose(catalog, events, ranker):
        raise AssertionError("fitted for nothing")

    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(Unavailable, match=r"needs LightGBM.*pip install"):
        learned(compose, CATALOG, EVENTS)


def test_a_stage_that_fails_stops_the_teaching() -> None:
    class Broken(Popular):
        def scores(self, queries):
            raise DataError("broken")

    def compose(catalog, events, ranker):
        part = Broken().fit(catalog, events)
        return Recommender(catalog, [part], Blend(weights={"popular": 1.0}), ranker=ranker)

    with pytest.raises(StageError, match="broken"):
        lessons(compose, CATALOG, EVENTS, None, SMALL)


@pytest.mark.parametrize(
    "said",
    [
        *({"folds": 1}, {"positions": 0}, {"depth": 1}, {"rounds": 0}, {"objective": "mse"}),
        *({"by": "luck"}, {"last": -1}, {"people": 1}),
    ],
)
def test_a_teaching_that_makes_no_sense_is_refused(said) -> None:
    with pytest.raises(ConfigError):
        Teaching(**said)
