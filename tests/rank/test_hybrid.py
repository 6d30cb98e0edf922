import sys

import numpy as np
import pytest

from tastemate import artifacts
from tastemate.data.synthetic import random_world
from tastemate.errors import FormatError
from tastemate.protocols import Ranker
from tastemate.rank.crowd import Crowd
from tastemate.rank.features import Case, Features
from tastemate.rank.hybrid import KNOTS, Hybrid, Scaling, forward, joined, pooled
from tastemate.rank.learned import LEAST
from tastemate.types import Candidate, Item, Leaning, Query, history

CATALOG, EVENTS = random_world(3, n_users=30, n_items=40, n_events=500)
VECTORS = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
FEATURES = Features(CATALOG, Crowd.of(EVENTS), VECTORS)


def _pool(rows) -> list[Candidate]:
    return [
        Candidate(int(row), 2.0 - at / 10, "blend", at + 1, (("a", at / 3), ("b", -np.inf)))
        for at, row in enumerate(rows)
    ]


def _query(code: int = 0, **more) -> Query:
    return Query(user=f"u{code}", history=EVENTS.history(code), **more)


NAMES = (*FEATURES.columns(Case.of(_query().history, _pool(range(5)))), "never there")


def _net(scaling: Scaling, texts: int = 6, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    width = scaling.width + (3 * 4 if texts else 0)
    shapes = {
        "wide": (scaling.width,),
        "deep0": (width, 8),
        "bias0": (8,),
        "deep1": (8, 5),
        "bias1": (5,),
        "out": (5,),
    }
    if texts:
        shapes |= {"text": (texts, 3), "pull": (3,)}
    return {name: rng.standard_normal(one).astype(np.float32) for name, one in shapes.items()}


def _ranker(features: Features = FEATURES, texts: int = 6) -> Hybrid:
    tables = [
        features.table(Case.of(_query(code).history, _pool(range(40))), NAMES) for code in range(20)
    ]
    scaling = Scaling.of(np.concatenate(tables))
    nets = [_net(scaling, texts, at) for at in range(2)]
    return Hybrid(features, NAMES, scaling, nets, VECTORS if texts else None)


RANKER = _ranker()


def _rows(pool) -> list[int]:
    return [candidate.row for candidate in pool]


def test_a_scale_is_about_normal_and_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    table = np.exp(rng.standard_normal((4000, 3)) * 3).astype(np.float32)
    table[:, 1] = np.where(rng.random(4000) < 0.9, 0, 5)
    table[::7, 2] = np.nan
    scaling = Scaling.of(table)
    scaled = scaling.scaled(table)
    assert scaled.shape == (4000, scaling.width) == (4000, 7)
    assert np.isfinite(scaled).all()
    assert abs(scaled[:, 0].mean()) < 0.05
    assert 0.8 < scaled[:, 0].std() < 1.1
    assert (np.diff(scaled[np.argsort(table[:, 0]), 0]) >= 0).all()
    assert len(np.unique(scaled[:, 1])) == 2
    assert (scaled[::7, 2] == 0).all()
    assert scaled[:, 6].tolist() == np.isnan(table[:, 2]).astype(float).tolist()
    np.testing.assert_allclose(scaled[:, 3:6].std(axis=0), 1, atol=1e-3)


def test_a_feature_that_is_one_number_or_never_there_says_nothing() -> None:
    table = np.full((10, 2), np.nan, np.float32)
    table[:, 0] = 3
    scaled = Scaling.of(table).scaled(table)
    assert np.abs(scaled[:, :4]).max() < 1e-3
    assert Scaling.of(table).knots.shape == (2, KNOTS)


def test_texts_are_pooled_over_all_and_over_the_latest() -> None:
    items = np.array([3, 1, 2, 5, 6, 7, 8], np.int32)
    found = pooled(VECTORS, items)
    np.testing.assert_allclose(found[0], VECTORS[items].mean(0), rtol=1e-5)
    np.testing.assert_allclose(found[1], VECTORS[3])
    np.testing.assert_allclose(found[2], VECTORS[items[:5]].mean(0), rtol=1e-5)


def test_the_network_is_what_is_written_by_hand() -> None:
    scaling = RANKER.scaling
    net = _net(scaling)
    rng = np.random.default_rng(1)
    table = rng.standard_normal((4, scaling.width)).astype(np.float32)
    own, past = VECTORS[:4], VECTORS[4:7]
    for at in range(4):
        mine, theirs = own[at] @ net["text"], past @ net["text"]
        x = np.concatenate((table[at], mine, *(mine * one for one in theirs)))
        score = table[at] @ net["wide"] + sum(
            pull * (mine @ one) for pull, one in zip(net["pull"], theirs, strict=True)
        )
        for layer in range(2):
            x = np.maximum(x @ net[f"deep{layer}"] + net[f"bias{layer}"], 0)
        score += x @ net["out"]
        found = forward(net, table, own, past, joined)
        assert found.shape == (4,)
        assert found[at] == pytest.approx(float(score), rel=1e-3, abs=1e-3)


def test_torch_and_numpy_say_the_same() -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    net = _net(RANKER.scaling)
    rng = np.random.default_rng(1)
    table = rng.standard_normal((2, 4, RANKER.scaling.width)).astype(np.float32)
    own, past = VECTORS[:8].reshape(2, 4, 6), VECTORS[8:14].reshape(2, 3, 6)
    tensors = {name: torch.from_numpy(one) for name, one in net.items()}
    given = (torch.from_numpy(one) for one in (table, own, past))
    theirs = forward(tensors, *given, lambda parts: torch.cat(parts, -1)).numpy()
    for at in range(2):
        ours = forward(net, table[at], own[at], past[at], joined)
        np.testing.assert_allclose(ours, theirs[at], rtol=1e-3, atol=1e-3)


def test_it_keeps_the_protocol_and_a_pool_is_permuted() -> None:
    assert isinstance(RANKER, Ranker)
    pools = [_pool(np.random.default_rng(at).permutation(40)[:12]) for at in range(3)]
    pools += [[], _pool([4])]
    queries = [_query(at) for at in range(5)]
    ranked = RANKER.rank(queries, pools)
    assert [sorted(_rows(pool)) for pool in ranked] == [sorted(_rows(pool)) for pool in pools]
    assert _rows(ranked[0]) != _rows(pools[0])
    assert [RANKER.rank([q], [p])[0] for q, p in zip(queries, pools, strict=True)] == ranked
    assert RANKER.rank([], []) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"text": "quiet"},
        {"leanings": (Leaning("genres", "is", "War"),)},
        {"history": history(range(LEAST - 1))},
    ],
)
def test_what_is_asked_for_otherwise_stays_as_it_came(asked) -> None:
    query = Query(**({"history": EVENTS.history(0)} | asked))
    pool = _pool(range(12))
    assert RANKER.rank([query], [pool]) == [pool]
    assert len(RANKER.scores([query], [pool])[0]) == 0


def test_saved_and_loaded_it_says_the_same_without_torch(tmp_path, monkeypatch) -> None:
    RANKER.save(tmp_path / "kept")
    monkeypatch.setitem(sys.modules, "torch", None)
    grown = CATALOG.with_items([Item("new", "New", "", {"genres": ("War",)})])
    vectors = np.vstack((VECTORS, np.zeros((1, 6), np.float32)))
    pool = _pool(range(15))
    for catalog, texts in ((CATALOG, VECTORS), (grown, vectors)):
        loaded = Hybrid.load(tmp_path / "kept", catalog, texts)
        np.testing.assert_allclose(
            loaded.scores([_query()], [pool])[0], RANKER.scores([_query()], [pool])[0], rtol=1e-4
        )
        assert loaded.rank([_query()], [pool]) == RANKER.rank([_query()], [pool])
    new = Hybrid.load(tmp_path / "kept", grown, vectors)
    assert np.isfinite(new.scores([_query()], [_pool([40, 1, 2])])[0]).all()


def test_texts_that_do_not_fit_and_what_is_not_whole_are_refused(tmp_path) -> None:
    RANKER.save(tmp_path / "kept")
    for vectors in (None, VECTORS[:, :4]):
        with pytest.raises(FormatError, match="texts of 6 numbers"):
            Hybrid.load(tmp_path / "kept", CATALOG, vectors)
    meta, arrays = artifacts.read(tmp_path / "kept")
    for missing in ("knots", "counts", "1.deep0"):
        left = {name: one for name, one in arrays.items() if name != missing}
        artifacts.write(tmp_path / "less", meta, left)
        with pytest.raises(FormatError, match=missing):
            Hybrid.load(tmp_path / "less", CATALOG, VECTORS)


def test_without_texts_the_numbers_alone_rank(tmp_path) -> None:
    bare = _ranker(Features(CATALOG, FEATURES.crowd), texts=0)
    bare.save(tmp_path / "kept")
    pool = _pool(range(12))
    ranked = Hybrid.load(tmp_path / "kept", CATALOG).rank([_query()], [pool])
    assert ranked == bare.rank([_query()], [pool])
    assert sorted(_rows(ranked[0])) == list(range(12))
