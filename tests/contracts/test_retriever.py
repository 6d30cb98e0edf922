"""What every retriever promises, run over the table in `build.py`."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tastemate import artifacts, build
from tastemate.catalog import Catalog
from tastemate.config import Settings
from tastemate.data.synthetic import checkerboard, random_world
from tastemate.errors import FormatError, NotFitted
from tastemate.interactions import Interactions
from tastemate.language import Language
from tastemate.llm.prompts import Style
from tastemate.llm.scripted import Scripted
from tastemate.protocols import Attributing, Retriever, Similar
from tastemate.types import NO_HISTORY, Event, History, Item, Leaning, Query, Taste, history

NAMES = list(build.RETRIEVERS)

NOT_PERSONAL = {"popular", "recent", "newcomer", "familiar"}
"""The same answer for everybody, so no right answer on the checkerboard."""
NEEDS_RATINGS = {"als"}
"""Predict ratings: where all values are equal there is nothing to predict."""
NEEDS_TEXT = {"search", "opening", "wanted"}
NEEDS_TASTE = {"worded"}
SERVES = {"newcomer": 10, "opening": 10}
"""The longest history these have an opinion on."""
NEEDS_LEANINGS = {"leanings"}
LEARNS_FROM_DIALOGUES = {"dialogues"}
"""Dialogues that name items by chance: nothing to find on the checkerboard."""
ASKS_MODEL = {"generated"}
"""What it answers is the model's: here one that names the same titles to everybody."""
READS_CATALOG = {"genre-popular", "content", "search", "wanted", "worded", "knowledge"}
"""New items may change what is said about old ones."""

SEQUENTIAL = {
    *("sasrec", "narm", "bert4rec", "hstu", "lrurec", "sse-pt"),
    *("sasrec-text", "hstu-text", "lrurec-text"),
}
"""Learned with torch; here as small as they come."""
SMALL = {
    **{"dim": 16, "layers": 1, "length": 20, "dropout": 0.0, "learning_rate": 0.02},
    **{"batch": 160, "look": 20, "patience": 10, "average": 0.9},
}
NEEDS_TORCH = SEQUENTIAL | {"lightgcn"}
TORCH = find_spec("torch") is not None


def _marked(name: str) -> object:
    lacking = name in NEEDS_TORCH and not TORCH
    return pytest.param(name, marks=pytest.mark.skipif(lacking, reason="needs torch"))


EVERY = pytest.mark.parametrize("name", [_marked(name) for name in NAMES])


def _language() -> Language:
    titles = [f"{title}" for title in random_world(0)[0].titles[:12]]
    return Language(Scripted(["\n".join(titles)]), Settings(), Style())


@cache
def _resources() -> build.Resources:
    extra = {"dialogues": {"path": str(_dialogues())}} | dict.fromkeys(SEQUENTIAL, SMALL)
    return build.resources(extra, encoder="words", language=_language)


@cache
def _dialogues() -> Path:
    """Return a file of dialogues about the random world; removed when the process ends."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    titles = random_world(0)[0].titles
    rng = np.random.default_rng(0)
    lines = []
    for at in range(30):
        named = {str(row): titles[row] for row in rng.permutation(len(titles))[:4].tolist()}
        one, two, three, four = (f"@{row}" for row in named)
        said = [(1, f"the winter harbour, like {one}"), (2, two), (1, three), (2, four)]
        messages = [{"senderWorkerId": f"{at}-{who}", "text": text} for who, text in said]
        sides = {"initiatorWorkerId": f"{at}-1", "respondentWorkerId": f"{at}-2"}
        lines.append(json.dumps({"movieMentions": named, "messages": messages, **sides}))
    path = Path(folder.name) / "dialogues.jsonl"
    path.write_text("\n".join(lines))
    return path


def _new(name: str) -> Retriever:
    return build.retriever(name, _resources())


@cache
def _world(seed: int = 0) -> tuple[Catalog, Interactions]:
    return random_world(seed)


@cache
def _fitted(name: str) -> Retriever:
    return _new(name).fit(*_world())


def _ask(name: str, past: History = NO_HISTORY, **rest: object) -> Query:
    text = "the winter harbour" if name in NEEDS_TEXT else ""
    taste = Taste(text="You like the winter harbour.") if name in NEEDS_TASTE else None
    given = {"history": past, "text": text, "taste": taste}
    if name in NEEDS_LEANINGS:
        given["leanings"] = (Leaning("id", "none of", ("i1", "i7")),)
    return Query(**(given | rest))


def _queries(name: str, n: int = 8) -> list[Query]:
    _, interactions = _world()
    past = [interactions.history(code).last(SERVES.get(name, 1_000)) for code in range(n)]
    return [_ask(name, one, user=f"u{code}") for code, one in enumerate(past)]


def _rows(lists: list[list]) -> list[list[int]]:
    return [[candidate.row for candidate in line] for line in lists]


def _same(left: np.ndarray, right: np.ndarray) -> None:
    assert np.array_equal(np.isfinite(left), np.isfinite(right))
    np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)


NO_RIGHT_ANSWER = NOT_PERSONAL | NEEDS_RATINGS | ASKS_MODEL | LEARNS_FROM_DIALOGUES


@pytest.mark.parametrize("name", [_marked(one) for one in NAMES if one not in NO_RIGHT_ANSWER])
def test_checkerboard_finds_the_withheld_item(name: str) -> None:
    catalog, interactions, withheld = checkerboard()
    model = build.fitted(name, _resources(), catalog, interactions)
    queries = [
        Query(
            user=user,
            history=interactions.history_of(user),
            text=str(interactions.about(user)["parity"]) if name in NEEDS_TEXT else "",
            about=interactions.about(user),
            leanings=(Leaning("parity", "is", str(interactions.about(user)["parity"])),)
            if name in NEEDS_LEANINGS
            else (),
        )
        for user in interactions.users
    ]
    found = model.retrieve(queries, 1)
    assert _rows(found) == [[row] for row in withheld]


@EVERY
def test_scores_have_the_shape_and_kind_promised(name: str) -> None:
    catalog, _ = _world()
    scores = _fitted(name).scores(_queries(name))
    assert scores.shape == (8, len(catalog))
    assert scores.dtype == np.float32
    assert not np.isnan(scores).any()
    assert not np.isposinf(scores).any()
    assert np.isfinite(scores).any(axis=1).all()


@EVERY
def test_candidates_follow_the_scores(name: str) -> None:
    model, queries = _fitted(name), _queries(name)
    scores = model.scores(queries)
    for query, row, found in zip(queries, scores, model.retrieve(queries, 7), strict=True):
        assert 0 < len(found) <= 7
        assert [c.rank for c in found] == list(range(1, len(found) + 1))
        assert {c.source for c in found} == {name}
        order = [(-c.score, c.row) for c in found]
        assert order == sorted(order)
        assert len({c.row for c in found}) == len(found)
        assert all(np.isfinite(c.score) for c in found)
        assert not {c.row for c in found} & set(query.history.items.tolist())
        np.testing.assert_allclose([row[c.row] for c in found], [c.score for c in found], rtol=1e-4)
        shown = {c.row for c in found} | set(query.history.items.tolist())
        rest = [score for at, score in enumerate(row) if at not in shown]
        assert max(rest, default=-np.inf) <= found[-1].score + 1e-5 or len(found) < 7


@EVERY
def test_a_batch_equals_its_queries_one_by_one(name: str) -> None:
    model, queries = _fitted(name), _queries(name)
    single = np.concatenate([model.scores([query]) for query in queries])
    _same(model.scores(queries), single)


@EVERY
def test_no_queries_no_answers(name: str) -> None:
    catalog, _ = _world()
    assert _fitted(name).scores([]).shape == (0, len(catalog))
    assert _fitted(name).retrieve([], 5) == []


@EVERY
def test_saved_and_loaded_it_says_the_same(name: str, tmp_path: Path) -> None:
    catalog, _ = _world()
    model, queries = _fitted(name), _queries(name)
    model.save(tmp_path / "kept")
    loaded = _new(name).load(tmp_path / "kept", catalog)
    _same(loaded.scores(queries), model.scores(queries))
    assert _rows(loaded.retrieve(queries, 9)) == _rows(model.retrieve(queries, 9))


@EVERY
def test_it_loads_onto_a_grown_catalogue(name: str, tmp_path: Path) -> None:
    catalog, _ = _world()
    queries = _queries(name)
    before = _fitted(name).scores(queries)
    _fitted(name).save(tmp_path / "kept")
    grown = catalog.with_items([Item("new", "New winter", "harbour", {"genres": ("War",)})])
    after = _new(name).load(tmp_path / "kept", grown).scores(queries)
    assert after.shape == (len(queries), len(catalog) + 1)
    assert not np.isnan(after).any()
    if name not in READS_CATALOG:
        _same(after[:, :-1], before)
    met = [_ask(name, history([*query.history.items, len(catalog)])) for query in queries]
    assert _new(name).load(tmp_path / "kept", grown).scores(met).shape == after.shape


@EVERY
def test_a_damaged_folder_is_refused(name: str, tmp_path: Path) -> None:
    catalog, _ = _world()
    _fitted(name).save(tmp_path / "kept")
    files = sorted(p for p in (tmp_path / "kept").rglob("*") if p.is_file())
    assert files
    for number, file in enumerate(files):
        broken = tmp_path / f"broken-{number}"
        shutil.copytree(tmp_path / "kept", broken)
        hurt = broken / file.relative_to(tmp_path / "kept")
        hurt.write_bytes(hurt.read_bytes()[: hurt.stat().st_size // 2])
        with pytest.raises(FormatError):
            _new(name).load(broken, catalog)
    with pytest.raises(FormatError):
        _new(name).load(tmp_path / "nowhere", catalog)


@EVERY
def test_what_another_model_or_a_longer_catalogue_left_is_refused(
    name: str, tmp_path: Path
) -> None:
    catalog, _ = _world()
    _fitted(name).save(tmp_path / "kept")
    fewer = Catalog(catalog.frame.head(len(catalog) - 1))
    with pytest.raises(FormatError, match="fit again"):
        _new(name).load(tmp_path / "kept", fewer)
    kind = type(_fitted(name))
    for other in NAMES:
        if (TORCH or other not in NEEDS_TORCH) and type(_fitted(other)) is not kind:
            _fitted(other).save(tmp_path / "other")
            with pytest.raises(FormatError, match="fit again"):
                _new(name).load(tmp_path / "other", catalog)


@EVERY
def test_a_folder_that_lacks_anything_is_refused(name: str, tmp_path: Path) -> None:
    catalog, _ = _world()
    _fitted(name).save(tmp_path / "kept")
    meta, arrays = artifacts.read(tmp_path / "kept")
    for missing in [*meta, *arrays]:
        rest = ({k: v for k, v in part.items() if k != missing} for part in (meta, arrays))
        artifacts.write(tmp_path / "less", *rest)
        with pytest.raises(FormatError, match=missing):
            _new(name).load(tmp_path / "less", catalog)


@EVERY
def test_unfitted_it_says_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFitted):
        _new(name).scores([_ask(name, history([0]))])
    with pytest.raises(NotFitted):
        _new(name).save(tmp_path / "none")


@EVERY
@pytest.mark.parametrize("n", [0, 1, 3, 1000])
def test_n_is_respected(name: str, n: int) -> None:
    catalog, _ = _world()
    for query, found in zip(_queries(name), _fitted(name).retrieve(_queries(name), n), strict=True):
        assert len(found) <= min(n, len(catalog) - len(set(query.history.items.tolist())))
        assert n == 0 or found


@EVERY
def test_what_is_excluded_stays_out(name: str) -> None:
    model, queries = _fitted(name), _queries(name)
    best = [line[0].row for line in model.retrieve(queries, 1)]
    barred = [
        _ask(name, query.history, exclude=frozenset({row}))
        for query, row in zip(queries, best, strict=True)
    ]
    for row, found in zip(best, _rows(model.retrieve(barred, 1000)), strict=True):
        assert found
        assert row not in found


@EVERY
def test_seen_items_come_back_when_asked_for(name: str) -> None:
    model = _fitted(name)
    again = [_ask(name, query.history, exclude_seen=False) for query in _queries(name)]
    seen = [set(query.history.items.tolist()) for query in again]
    found = _rows(model.retrieve(again, 1000))
    assert any(met & set(line) for met, line in zip(seen, found, strict=True))


@EVERY
def test_only_what_is_allowed_is_found(name: str) -> None:
    catalog, _ = _world()
    queries = _queries(name)
    allowed = np.zeros((len(queries), len(catalog)), dtype=bool)
    allowed[:, ::3] = True
    found = _rows(_fitted(name).retrieve(queries, 1000, allowed))
    assert any(found)
    assert all(row % 3 == 0 for line in found for row in line)
    nothing = _fitted(name).retrieve(queries, 5, np.zeros_like(allowed))
    assert nothing == [[] for _ in queries]


@EVERY
def test_fitted_twice_it_answers_the_same(name: str) -> None:
    queries = _queries(name)
    once, twice = (
        _fitted(name).retrieve(queries, 20),
        _new(name).fit(*_world()).retrieve(queries, 20),
    )
    assert _rows(once) == _rows(twice)


@EVERY
def test_scoring_changes_nothing(name: str) -> None:
    model, queries = _fitted(name), _queries(name)
    first = model.scores(queries).copy()
    model.retrieve(queries, 5)
    np.testing.assert_array_equal(model.scores(queries), first)


@EVERY
def test_an_empty_history_is_served_or_declined(name: str) -> None:
    scores = _fitted(name).scores([Query()])
    assert scores.shape[0] == 1
    assert not np.isnan(scores).any()
    if name in NOT_PERSONAL:
        assert np.isfinite(scores).any()


@EVERY
def test_an_empty_world(name: str, tmp_path: Path) -> None:
    catalog, _ = _world()
    model = _new(name).fit(catalog, Interactions.empty(catalog))
    scores = model.scores([_ask(name), _ask(name, history([0, 1]))])
    assert scores.shape == (2, len(catalog))
    assert not np.isnan(scores).any()
    model.save(tmp_path / "kept")
    again = _new(name).load(tmp_path / "kept", catalog)
    assert again.scores([_ask(name)]).shape == (1, len(catalog))


@EVERY
def test_no_items_at_all(name: str) -> None:
    catalog = Catalog.of([])
    model = _new(name).fit(catalog, Interactions.empty(catalog))
    assert model.scores([_ask(name)]).shape == (1, 0)
    assert model.retrieve([_ask(name)], 5) == [[]]


@EVERY
@pytest.mark.parametrize("users", [1, 3])
@pytest.mark.parametrize("items", [1, 2])
def test_the_smallest_worlds(name: str, users: int, items: int) -> None:
    catalog = Catalog.of(Item(f"i{at}", f"Item {at}") for at in range(items))
    events = [
        Event(f"u{user}", f"i{at}", 1.0 + at, at) for user in range(users) for at in range(items)
    ]
    model = _new(name).fit(catalog, Interactions.of(events, catalog))
    queries = [_ask(name, history([0])), _ask(name, history([items - 1], [1.0]))]
    scores = model.scores(queries)
    assert scores.shape == (2, items)
    assert not np.isnan(scores).any()
    found = _rows(model.retrieve(queries, 5))
    assert 0 not in found[0]
    assert items - 1 not in found[1]


@EVERY
def test_repeated_events_are_no_trouble(name: str) -> None:
    catalog = Catalog.of(Item(f"i{at}", f"Winter {at}") for at in range(6))
    events = [
        Event(f"u{user}", f"i{(user + step) % 6}", 1.0 + step % 5, step // 2)
        for user in range(4)
        for step in range(9)
    ]
    model = _new(name).fit(catalog, Interactions.of(events, catalog))
    query = _ask(name, history([1, 2, 1, 1, 2], [5, 4, 1, 3, 2]))
    assert not np.isnan(model.scores([query])).any()
    rows = _rows(model.retrieve([query], 10))[0]
    assert len(rows) == len(set(rows))
    assert not {1, 2} & set(rows)


@EVERY
def test_who_asks_does_not_matter_only_the_history(name: str) -> None:
    _, interactions = _world()
    past = interactions.history(3).last(SERVES.get(name, 1_000))
    askers = [_ask(name, past, user=user) for user in ("u3", "somebody new", None)]
    scores = _fitted(name).scores(askers)
    _same(scores[1:], np.repeat(scores[:1], 2, axis=0))


@EVERY
def test_similar_items_are_others_best_first(name: str) -> None:
    catalog, _ = _world()
    model = _fitted(name)
    if not isinstance(model, Similar):
        pytest.skip("offers no similar items")
    items = np.arange(len(catalog), dtype=np.int32)
    found = model.similar(items, 5)
    assert len(found) == len(items)
    assert any(found)
    for item, line in zip(items, found, strict=True):
        rows = [candidate.row for candidate in line]
        assert len(line) <= 5
        assert item not in rows
        assert len(set(rows)) == len(rows)
        assert [c.rank for c in line] == list(range(1, len(line) + 1))
        order = [(-c.score, c.row) for c in line]
        assert order == sorted(order)


@EVERY
def test_evidence_is_causal(name: str) -> None:
    model = _fitted(name)
    if not isinstance(model, Attributing):
        pytest.skip("does not split its scores")
    rng = np.random.default_rng(1)
    by_top = by_chance = 0
    for query in _queries(name, 25):
        past = query.history
        items = np.array([c.row for c in model.retrieve([query], 3)[0]], dtype=np.int32)
        shares = model.contributions(query, items)
        assert shares.shape == (len(items), len(past))
        assert np.isfinite(shares).all()
        full = model.scores([query])[0]
        for item, share in zip(items, shares, strict=True):
            for chosen, is_top in ((int(share.argmax()), True), (rng.integers(len(past)), False)):
                keep = np.arange(len(past)) != chosen
                less = model.scores([_ask(name, past.take(keep))])[0]
                lower = less[item] < full[item]
                by_top += int(lower and is_top)
                by_chance += int(lower and not is_top)
    assert by_top >= by_chance
    assert by_top > 0
