import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tastemate import build, scope
from tastemate.catalog import Catalog
from tastemate.data.synthetic import random_world
from tastemate.errors import ConfigError, FormatError, StageError
from tastemate.interactions import Interactions
from tastemate.retrieve.sequential import checkpoints, training
from tastemate.types import Event, Item, Query, history

pytest.importorskip("torch", reason="needs torch")

SMALL = {"dim": 8, "layers": 1, "length": 12, "batch": 60, "look": 5, "rounds": 4, "patience": 4}
MODELS = ["sasrec", "narm", "bert4rec", "hstu", "lrurec", "sse-pt"]
WORDS = build.resources(encoder="words")


def _new(name: str, **more: object):
    return build.retriever(name, WORDS, **(SMALL | more))


def _queries(interactions: Interactions) -> list[Query]:
    return [Query(history=interactions.history(code)) for code in range(interactions.n_users)]


def test_importing_the_models_imports_no_torch() -> None:
    names = ", ".join(
        f"tastemate.retrieve.sequential.{one}" for one in ("sasrec", "texts", "ssept")
    )
    code = f"import sys, tastemate.build, {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", MODELS)
def test_the_seed_decides_what_comes_out(name: str) -> None:
    catalog, interactions = random_world(1)
    asked = _queries(interactions)[:6]
    first, again, other = (
        _new(name, seed=seed).fit(catalog, interactions).scores(asked) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("name", ["hstu", "narm"])
def test_a_killed_fit_goes_on_and_ends_where_it_would_have(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, interactions = random_world(2, n_users=80, n_events=900)
    asked = _queries(interactions)[:10]
    whole = _new(name).fit(catalog, interactions)
    monkeypatch.setattr(training, "SAVE_AFTER", -1.0)
    told: list[str] = []

    def stop(what: str, share: float) -> None:
        told.append(what)
        if len(told) == 3:
            raise KeyboardInterrupt

    with scope.opened() as account:
        account.tell = stop
        with pytest.raises(KeyboardInterrupt):
            _new(name).fit(catalog, interactions)
    assert "held out" in told[-1]
    resumed: list[str] = []
    with scope.opened() as account:
        account.tell = lambda what, share: resumed.append(what)
        model = _new(name).fit(catalog, interactions)
    assert 0 < len(resumed) < whole.course.rounds
    assert model.course.losses == pytest.approx(whole.course.losses)
    np.testing.assert_allclose(model.scores(asked), whole.scores(asked), rtol=1e-5, atol=1e-6)


def test_a_finished_fit_leaves_no_checkpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path))
    monkeypatch.setattr(training, "SAVE_AFTER", -1.0)
    _new("sasrec").fit(*random_world(2))
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_damaged_or_foreign_checkpoint_is_not_read(tmp_path: Path) -> None:
    weights = {"a": np.ones((2, 3), np.float32), "b": np.zeros(0, np.float32)}
    shapes = {"a": [2, 3], "b": [0]}
    checkpoints.save(tmp_path / "kept", {"rounds": 2}, {"now": weights})
    kept, said = tmp_path / "kept", {"rounds": 0}
    course, parts = checkpoints.load(kept, ("now",), shapes, said)
    assert course == {"rounds": 2}
    np.testing.assert_array_equal(parts["now"]["a"], weights["a"])
    assert checkpoints.load(kept, ("now",), {"a": [3, 2], "b": [0]}, said) is None
    assert checkpoints.load(kept, ("now",), shapes, {"rounds": 0, "newer": 0}) is None
    assert checkpoints.load(kept, ("now", "best"), shapes, said) is None
    file = kept / "now.npy"
    file.write_bytes(file.read_bytes()[:-4])
    assert checkpoints.load(kept, ("now",), shapes, said) is None
    assert checkpoints.load(tmp_path / "none", ("now",), shapes, said) is None


def test_each_fit_has_its_checkpoint_and_abandoned_ones_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path))
    one, other = random_world(2), random_world(3)
    folder = checkpoints.place("net", [1], *one)
    assert folder == checkpoints.place("net", [1], *one)
    assert (
        len({folder, checkpoints.place("net", [2], *one), checkpoints.place("net", [1], *other)})
        == 3
    )
    old = folder.parent / "old"
    for made, days in ((folder, 6), (old, 8)):
        made.mkdir(parents=True)
        os.utime(made, times=(time.time() - days * 86_400,) * 2)
    checkpoints.place("net", [2], *one)
    assert folder.exists()
    assert not old.exists()


@pytest.mark.parametrize("n_users", [20, 80])
def test_weights_that_are_no_numbers_are_never_kept(
    n_users: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, interactions = random_world(2, n_users=n_users, n_events=900)
    with pytest.raises(StageError, match="Lower learning_rate"):
        _new("sasrec", learning_rate=1e30).fit(catalog, interactions)
    judge = training._Run._judge

    def diverged(run: training._Run) -> None:
        for one in run.mean.values() if run.course.rounds > 1 else ():
            one.fill_(np.nan)
        judge(run)

    monkeypatch.setattr(training._Run, "_judge", diverged)
    model = _new("sasrec").fit(catalog, interactions)
    assert model.course.rounds > 1
    assert np.isfinite(model.scores(_queries(interactions)[:5])).any()
    assert not np.isnan(model.scores(_queries(interactions)[:5])).any()


def test_early_stopping_keeps_the_best_round() -> None:
    catalog, interactions = random_world(4, n_users=80, n_events=900)
    model = _new("sasrec", rounds=30, patience=2, learning_rate=0.05).fit(catalog, interactions)
    course = model.course
    assert course.rounds < 30
    assert course.best == max(course.values)
    assert course.values.index(course.best) == course.rounds - 1 - course.since


def test_the_recurrence_moved_on_event_by_event_is_the_scan() -> None:
    catalog, interactions = random_world(5, n_items=80, n_events=200)
    model = _new("lrurec", layers=2, length=200).fit(catalog, interactions)
    queries = _queries(interactions)
    states = []
    for query in queries:
        state = model.start()
        for item in query.history.items:
            state = model.advance(state, np.array([item]))
        states.append(state)
    found, wanted = model.scores_of([*states, model.start()]), model.scores([*queries, Query()])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    assert (found[-1] == -np.inf).all()
    unmet = np.flatnonzero(interactions.counts == 0)
    assert len(unmet)
    after = model.advance(states[0], unmet[:1])
    np.testing.assert_array_equal(after.waves, states[0].waves)


def test_time_between_events_matters_to_hstu_alone() -> None:
    catalog, interactions = random_world(6)
    close = Query(history=history([1, 2, 3], timestamps=[0, 1, 2]))
    apart = Query(history=history([1, 2, 3], timestamps=[0, 90_000, 9_000_000]))
    for name, differs in (("hstu", True), ("sasrec", False)):
        left, right = _new(name).fit(catalog, interactions).scores([close, apart])
        assert (not np.allclose(left, right, atol=1e-6)) is differs


@pytest.mark.parametrize("name", ["sasrec", "hstu", "sse-pt", "hstu-text"])
def test_what_was_saved_is_served_without_torch(name: str, tmp_path: Path) -> None:
    catalog, interactions = random_world(7)
    model = _new(name).fit(catalog, interactions)
    asked = [*_queries(interactions), Query(), Query(history=history([2]))]
    model.save(tmp_path / "kept")
    np.save(tmp_path / "wanted.npy", model.scores(asked))
    code = f"""
import sys
import time
sys.modules["torch"] = None
import numpy as np
from tastemate import build
from tastemate.data.synthetic import random_world
from tastemate.types import Query, history
catalog, interactions = random_world(7)
model = build.retriever({name!r}, build.resources(encoder="words"), **{SMALL!r})
model.load(__import__("pathlib").Path({str(tmp_path / "kept")!r}), catalog)
asked = [Query(history=interactions.history(code)) for code in range(interactions.n_users)]
found = model.scores([*asked, Query(), Query(history=history([2]))])
np.testing.assert_allclose(found, np.load({str(tmp_path / "wanted.npy")!r}), rtol=1e-4, atol=1e-5)
assert model.similar(np.array([0]), 3)[0]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", MODELS)
def test_order_matters(name: str) -> None:
    catalog, interactions = random_world(6)
    model = _new(name, learning_rate=0.02).fit(catalog, interactions)
    one, other = (Query(history=history(rows)) for rows in ([1, 2, 3, 4], [4, 3, 2, 1]))
    left, right = model.scores([one, other])
    assert not np.allclose(left, right)


@pytest.mark.parametrize("name", ["sasrec-text", "hstu-text", "lrurec-text"])
def test_an_item_nobody_met_has_a_score_by_its_text(name: str, tmp_path: Path) -> None:
    kinds = ("harbour winter river", "engine signal mirror")
    items = [Item(f"i{at}", f"Item {at}", kinds[at % 2]) for at in range(20)]
    catalog = Catalog.of(items)
    events = [
        Event(f"u{user}", f"i{(2 * step + user) % 18}", 1.0, step)
        for user in range(18)
        for step in range(8)
    ]
    interactions = Interactions.of(events, catalog)
    model = _new(name, learning_rate=0.01, rounds=12).fit(catalog, interactions)
    query = Query(history=history([0, 2, 4, 6]))
    scores = model.scores([query])[0]
    assert np.isfinite(scores).all()
    assert scores[18] > scores[19]
    model.save(tmp_path / "kept")
    grown = catalog.with_items([Item("new", "Item 20", kinds[0]), Item("blank", "")])
    loaded = _new(name).load(tmp_path / "kept", grown)
    assert loaded.encoded() >= 1
    after = loaded.scores([query])[0]
    np.testing.assert_allclose(after[:20], scores, rtol=1e-4, atol=1e-5)
    assert after[20] > after[19]
    other = build.resources(encoder="words")
    changed = build.retriever(name, other, **SMALL)
    changed.encoder = type("Other", (), {"name": "other", "dimensions": 3})()
    with pytest.raises(ConfigError, match="Fit again"):
        changed.load(tmp_path / "kept", grown)


def test_other_options_than_those_fitted_with_are_refused(tmp_path: Path) -> None:
    _new("sasrec").fit(*random_world(0)).save(tmp_path / "kept")
    with pytest.raises(FormatError, match="other options"):
        _new("sasrec", dim=16).load(tmp_path / "kept", random_world(0)[0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"dim": 7},
        {"heads": 3},
        {"layers": 0},
        {"dropout": 1.0},
        {"rounds": 0},
        {"learning_rate": 0.0},
        {"learning_rate": np.nan},
        {"learning_rate": np.inf},
        {"decay": np.nan},
        {"seed": -1},
        {"calibration": 2.0},
        {"loss": "hinge"},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        _new("sasrec", **wrong)


def test_similar_items_come_from_the_vectors() -> None:
    catalog, interactions = random_world(0)
    model = _new("lrurec-text").fit(catalog, interactions)
    vectors, known = model.vectors()
    assert vectors.shape == (len(catalog), 8)
    assert known.all()
    assert len(model.similar(np.array([0]), 3)[0]) == 3
