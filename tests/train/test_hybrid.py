import numpy as np
import pytest
from tests.train.walks import ndcg, popularly, walks

from tastemate.data.split import leave_one_out
from tastemate.errors import ConfigError, DataError, StageError, Unavailable
from tastemate.rank.crowd import Crowd
from tastemate.rank.features import Features
from tastemate.rank.hybrid import Hybrid
from tastemate.train import hybrid as teaching
from tastemate.train.hybrid import Training, hybrid, taken, trained
from tastemate.train.ranking import Ordered, Teaching, lessons

pytest.importorskip("torch", reason="needs torch")
POOLS = Teaching(folds=3, positions=6, depth=40)
SMALL = Training(POOLS, nets=2, hidden=(16,), epochs=8, rate=0.01, text=4)
ITEMS = 40
VECTORS = np.eye(ITEMS, dtype=np.float32)


CATALOG, EVENTS = walks()


def _with(said: Training, **more) -> Training:
    return Training(**{name: getattr(said, name) for name in said.__dataclass_fields__} | more)


@pytest.fixture(scope="module")
def found():
    return taken(popularly, CATALOG, EVENTS, VECTORS, POOLS)


def test_it_learns_what_the_mix_does_not_know_and_noise_teaches_nothing() -> None:
    asked = leave_one_out(EVENTS, 1)
    dull = Teaching(
        **{name: getattr(POOLS, name) for name in ("folds", "positions", "depth")}
        | {"shuffled": True}
    )
    real, noise = (
        hybrid(popularly, CATALOG, asked.train, VECTORS, training=_with(SMALL, pools=pools))
        for pools in (POOLS, dull)
    )
    assert isinstance(real, Hybrid)
    mixed = ndcg(popularly(CATALOG, asked.train, None), asked)
    with_it = ndcg(Ordered(popularly(CATALOG, asked.train, real)), asked)
    with_noise = ndcg(Ordered(popularly(CATALOG, asked.train, noise)), asked)
    unmet = len(CATALOG) - 13
    chance = sum(1 / np.log2(place + 1) for place in range(1, 11)) / unmet
    assert with_it > max(mixed, with_noise) + 0.2
    assert with_noise < chance + 0.15


def test_texts_alone_teach_what_follows(found) -> None:
    blind = teaching.Taken(lessons(popularly, CATALOG, EVENTS, None, POOLS), found.rows, found.past)
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
    same = lessons(popularly, CATALOG, EVENTS, VECTORS, POOLS)
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
        hybrid(popularly, CATALOG, EVENTS.where(EVENTS.user == 0), VECTORS, training=SMALL)


def test_lessons_that_come_without_their_rows_are_refused() -> None:
    def silent(catalog, events, ranker):
        return popularly(catalog, events, getattr(ranker, "watcher", ranker))

    with pytest.raises(StageError, match="noted"):
        taken(silent, CATALOG, EVENTS, VECTORS, POOLS)


def test_missing_torch_and_wrong_options_are_said(monkeypatch) -> None:
    for wrong in ({"nets": 0}, {"dropout": 1.0}, {"rate": 0.0}, {"hidden": ()}, {"text": -1}):
        with pytest.raises(ConfigError):
            _with(SMALL, **wrong)
    monkeypatch.setattr(teaching, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"tastemate\[train\]"):
        hybrid(popularly, CATALOG, EVENTS, VECTORS)
