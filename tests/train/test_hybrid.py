import numpy as np
import pytest

from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.data.split import leave_one_out
from tastemate.errors import ConfigError, DataError, StageError, Unavailable
from tastemate.evaluate.scoring import target_ranks
from tastemate.interactions import Interactions
from tastemate.rank.crowd import Crowd
from tastemate.rank.features import Features
from tastemate.rank.hybrid import Hybrid
from tastemate.recommender import Recommender
from tastemate.retrieve.popular import Popular
from tastemate.train import hybrid as teaching
from tastemate.train.hybrid import Training, hybrid, taken, trained
from tastemate.train.ranking import Ordered, Teaching, lessons
from tastemate.types import Event, Item, Query

pytest.importorskip("torch", reason="needs torch")
POOLS = Teaching(folds=3, positions=6, depth=40)
SMALL = Training(POOLS, nets=2, hidden=(16,), epochs=8, rate=0.01, text=4)
ITEMS = 40
VECTORS = np.eye(ITEMS, dtype=np.float32)


def _walks(people=60, seed=0) -> tuple[Catalog, Interactions]:
    """People who go from an item mostly to one of the two after it: popularity knows nothing."""
    rng = np.random.default_rng(seed)
    catalog = Catalog.of([Item(f"i{at}", f"Item {at}") for at in range(ITEMS)])
    events = []
    for person in range(people):
        at, met = int(rng.integers(ITEMS)), set()
        for step in range(14):
            while at in met:
                at = (at + 1) % ITEMS
            met.add(at)
            events.append(Event(f"u{person}", f"i{at}", 1.0, 1_500_000_000 + step * 60))
            near = rng.random() < 0.8
            at = (at + int(rng.integers(1, 3))) % ITEMS if near else int(rng.integers(ITEMS))
    return catalog, Interactions.of(events, catalog)


CATALOG, EVENTS = _walks()


def _compose(catalog, events, ranker):
    popular = Popular().fit(catalog, events)
    return Recommender(catalog, [popular], Blend(weights={"popular": 1.0}), ranker=ranker, pool=40)


def _ndcg(scorer, asked) -> float:
    queries = [
        Query(user=EVENTS.users[code], history=past)
        for code, past in zip(asked.users, asked.histories, strict=True)
    ]
    ranks = target_ranks(scorer, queries, [past.items for past in asked.histories], asked.targets)
    return float(np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0).mean())


def _with(said: Training, **more) -> Training:
    return Training(**{name: getattr(said, name) for name in said.__dataclass_fields__} | more)


@pytest.fixture(scope="module")
def found():
    return taken(_compose, CATALOG, EVENTS, VECTORS, POOLS)


def test_it_learns_what_the_mix_does_not_know_and_noise_teaches_nothing() -> None:
    asked = leave_one_out(EVENTS, 1)
    dull = Teaching(
        **{name: getattr(POOLS, name) for name in ("folds", "positions", "depth")}
        | {"shuffled": True}
    )
    real, noise = (
        hybrid(_compose, CATALOG, asked.train, VECTORS, training=_with(SMALL, pools=pools))
        for pools in (POOLS, dull)
    )
    assert isinstance(real, Hybrid)
    mixed = _ndcg(_compose(CATALOG, asked.train, None), asked)
    with_it = _ndcg(Ordered(_compose(CATALOG, asked.train, real)), asked)
    with_noise = _ndcg(Ordered(_compose(CATALOG, asked.train, noise)), asked)
    unmet = len(CATALOG) - 13
    chance = sum(1 / np.log2(place + 1) for place in range(1, 11)) / unmet
    assert with_it > max(mixed, with_noise) + 0.2
    assert with_noise < chance + 0.15


def test_texts_alone_teach_what_follows(found) -> None:
    blind = teaching.Taken(lessons(_compose, CATALOG, EVENTS, None, POOLS), found.rows, found.past)
    blind.lessons.tables = [np.zeros((len(one), 1), np.float32) for one in blind.lessons.tables]
    said = _with(SMALL, text=16, nets=1, epochs=15)
    scaling, nets = trained(blind, VECTORS, said)
    ranker = Hybrid(Features(CATALOG, Crowd.of(EVENTS)), ("nothing",), scaling, nets, VECTORS)
    folds = np.array(blind.lessons.folds)
    held = np.flatnonzero(folds == folds.max())
    ranks, chance = [], []
    for at in held.tolist():
        scores = ranker.said(blind.lessons.tables[at], found.rows[at], found.past[at])
        ranks.append((scores > scores[blind.lessons.places[at]]).sum() + 1)
        chance.append((len(scores) + 1) / 2)
    assert np.mean(ranks) < np.mean(chance) * 0.8


def test_what_is_noted_is_what_the_watcher_took_down(found) -> None:
    same = lessons(_compose, CATALOG, EVENTS, VECTORS, POOLS)
    assert found.lessons.places == same.places
    for ours, theirs in zip(found.lessons.tables, same.tables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(found.rows) == len(found.past) == len(same.places)
    for rows, table, past in zip(found.rows, same.tables, found.past, strict=True):
        assert len(rows) == len(table)
        assert not set(rows.tolist()) & set(past.tolist())
    histories = [EVENTS.history(code).items[::-1].tolist() for code in range(EVENTS.n_users)]
    for at in range(0, len(found.rows), 17):
        past, event = found.past[at].tolist(), found.rows[at][same.places[at]]
        assert any([event, *past] == one[len(one) - len(past) - 1 :] for one in histories)


def test_the_same_seed_teaches_the_same_and_another_one_another(found) -> None:
    short = _with(SMALL, epochs=1)
    (_, one), (_, other) = (trained(found, VECTORS, short) for _ in range(2))
    for left, right in zip(one, other, strict=True):
        for name in left:
            np.testing.assert_array_equal(left[name], right[name])
    _, third = trained(found, VECTORS, _with(short, seed=5))
    assert not np.array_equal(third[0]["deep0"], one[0]["deep0"])


def test_without_texts_the_features_teach(found) -> None:
    scaling, nets = trained(found, None, _with(SMALL, epochs=1))
    assert all("text" not in net for net in nets)
    assert nets[0]["wide"].shape == (scaling.width,)


def test_too_little_to_learn_from_is_said() -> None:
    with pytest.raises(DataError, match="cannot be taught"):
        hybrid(_compose, CATALOG, EVENTS.where(EVENTS.user == 0), VECTORS, training=SMALL)


def test_lessons_that_come_without_their_rows_are_refused() -> None:
    def silent(catalog, events, ranker):
        return _compose(catalog, events, getattr(ranker, "watcher", ranker))

    with pytest.raises(StageError, match="noted"):
        taken(silent, CATALOG, EVENTS, VECTORS, POOLS)


def test_missing_torch_and_wrong_options_are_said(monkeypatch) -> None:
    for wrong in ({"nets": 0}, {"dropout": 1.0}, {"rate": 0.0}, {"hidden": ()}, {"text": -1}):
        with pytest.raises(ConfigError):
            _with(SMALL, **wrong)
    monkeypatch.setattr(teaching, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"tastemate\[train\]"):
        hybrid(_compose, CATALOG, EVENTS, VECTORS)
